"""The derivations `score` and `assert`: every answer of a step gets its scores, and `assert` asks that they pass."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Annotated, Any, Final

from msgspec import Meta, field

from awo.derive.answers import Answer, answers_of
from awo.derive.numbers import percent
from awo.derive.scores.elsewhere import FromStep
from awo.derive.scores.guarding import Guarded, templates_of
from awo.derive.scores.kinds import LIBRARIES, AnySpec
from awo.derive.scores.seam import Looking, Outcome, Scored, said_why
from awo.derive.scores.tally import ScoresKept
from awo.derive.seam import Derivation, Derived, Sources
from awo.errors import StepFailed
from awo.evidence.scores import SCORES_FILE
from awo.workflow.templates import as_text
from awo.workflow.words import Args, CellTemplate, StepRef

Name = Annotated[str, Meta(pattern="^[A-Za-z][A-Za-z0-9_]{0,63}$", description="A letter, then letters, digits and _.")]

FACTORS_THERE: Final = frozenset({"model", "item", "repeat"})
JUDGING: Final = frozenset({"grade", "prefer", "refute"})
MOST_NAMED: Final = 3
_LONGEST_NAMED: Final = 40


class ScoreArgs(Args, frozen=True, kw_only=True):
    """Whose answers are scored, and how."""

    of: Annotated[StepRef, Meta(description="The step whose answers are scored.")]
    scores: Annotated[
        dict[Name, AnySpec], Meta(min_length=1, max_length=100, description="The scores by name, each of one kind.")
    ]
    groups: Annotated[
        dict[Name, CellTemplate],
        Meta(max_length=20, description="Further factors by name, kept with each answer, for statistics."),
    ] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for name in self.groups:
            if name in FACTORS_THERE:
                raise ValueError(f"every answer has {name!r} already: give the group another name")


class AssertArgs(ScoreArgs, frozen=True, kw_only=True):
    """What is scored, and how many answers must pass."""

    min_pass_rate: Annotated[
        float, Meta(ge=0, le=1, description="The share of the answers that must pass every test and grade.")
    ] = 1.0

    def __post_init__(self) -> None:
        ScoreArgs.__post_init__(self)
        if all(spec.score_type() not in ("test", "grade", None) for spec in self.scores.values()):
            hint = ""
            if any(isinstance(spec, FromStep) for spec in self.scores.values()):
                hint = ": a from_step is a measure unless it says `type: grade` or `type: test`"
            raise ValueError(f"`scores` has neither a test nor a grade, so nothing could pass{hint}")


def score(args: ScoreArgs, sources: Sources) -> Derived:
    """A `ScoresValue`, and scores.jsonl with a `ScoreLine` for each answer (spec section 3.15).

    Raises `StepFailed`: `template` or `expression` where a score could not be worked out for a single
    answer; `no_answers` where the step has none that a score could look at; `scores`, `schema`, `language`
    as the kinds do. Raises `CannotCheck` for a missing library.
    """
    return _scored(args, sources)[0]


def require(args: AssertArgs, sources: Sources) -> Derived:
    """As `score`; `failure` (code `assertion_failed`) is set where fewer answers pass than must.

    Raises also `StepFailed` with the code `nothing_to_score`: a share of no answers is none.
    """
    derived, failed = _scored(args, sources)
    answers: int = derived.value.answers
    if not any(summary.type in ("test", "grade") for summary in derived.value.scores.values()):
        raise StepFailed(
            "there is neither a test nor a grade, so nothing could pass", code="scores", where=sources.step
        )
    if not answers:
        raise StepFailed(
            f"step {args.of!r} has no answers", code="nothing_to_score", where=f"step {sources.step}", is_final=True
        )
    passed = answers - failed.count
    if passed >= answers * args.min_pass_rate - 1e-9:
        return derived
    failure = StepFailed(
        f"{failed.count} of {answers} answer{'s do' if answers != 1 else ' does'} not pass",
        code="assertion_failed",
        where=f"step {sources.step}",
        expected=f"at least {percent(args.min_pass_rate)} of them pass every test and grade",
        got="; ".join(failed.first),
        hint=f"each score of each answer is in {SCORES_FILE}, in the newest outputs/{sources.step}/attempt-*/",
        is_final=True,
    )
    return Derived(derived.value, derived.files, failure)


class _Failed:
    """The answers that do not pass: how many, and the first of them in a few words."""

    def __init__(self, outcomes: Mapping[str, Outcome]) -> None:
        self.count = 0
        self.first: list[str] = []
        self._marks = {name: out.threshold for name, out in outcomes.items() if out.type in ("test", "grade")}

    def look(self, answer: Answer, scored: Mapping[str, Scored]) -> None:
        missed = [name for name, mark in self._marks.items() if not _passes(scored.get(name), mark)]
        if not missed:
            return
        self.count += 1
        if len(self.first) < MOST_NAMED:
            item = f" ({answer.item[:_LONGEST_NAMED]!r})" if answer.item else ""
            model = f" of {answer.model}" if answer.model else ""
            self.first.append(f"cell {answer.cell}{item}{model}: {', '.join(missed[:MOST_NAMED])}")


def _passes(scored: Scored | None, mark: float) -> bool:
    return scored is not None and scored.number is not None and scored.number >= mark


def _scored(args: ScoreArgs, sources: Sources) -> tuple[Derived, _Failed]:
    looking = Looking(sources, args.of)
    outcomes = {name: spec.outcome(looking) for name, spec in args.scores.items()}
    scorings = {
        name: Guarded(spec.scoring(looking), said_why, f"score {name!r}", templates_of(spec))
        for name, spec in args.scores.items()
    }
    groups = {
        name: Guarded(_group(looking, template), _no_group, f"group {name!r}", {"": template})
        for name, template in args.groups.items()
    }
    kept, failed = ScoresKept(outcomes), _Failed(outcomes)
    reading = [name for name, spec in args.scores.items() if spec.reads_answer()]
    for answer in answers_of(sources, args.of):
        if reading and answer.status == "done" and not _is_answer(answer.value):
            raise _no_answers(args.of, reading[0], sources)
        scored = {} if answer.status == "failed" else {name: scoring(answer) for name, scoring in scorings.items()}
        kept.add(answer, scored, {name: group(answer) for name, group in groups.items()})
        failed.look(answer, scored)
    for guarded in (*scorings.values(), *groups.values()):
        guarded.refuse_if_never(sources)
    return Derived(kept.value(args.of, sources.step), {SCORES_FILE: kept.lines}), failed


def _is_answer(value: Any) -> bool:
    """Whether there is a text in it: a text, or a mapping that has one as `text`."""
    return isinstance(value, str) or (isinstance(value, Mapping) and isinstance(value.get("text"), str))


def _no_answers(of: str, name: str, sources: Sources) -> StepFailed:
    op = sources.record_of(of).op
    hint = 'give every score a `value`, such as `value: "{{ item.value.FIELD }}"`'
    if op in JUDGING:
        hint = (
            f"score the step that answered, and take what this one says of it: `kind: from_step, step: {of}`; or {hint}"
        )
    return StepFailed(
        f"what the step {of!r} gives is no answer",
        code="no_answers",
        where=f"step {sources.step}, of",
        expected="a step whose values are answers of models, or texts",
        got=f"the value of a step {op!r}, in which the score {name!r} would look for the text of an answer",
        hint=hint,
        is_final=True,
    )


def _group(looking: Looking, template: str) -> Callable[[Answer], Any]:
    """The value of a factor: a text, a number, a truth or null; anything else as one line of JSON."""
    values = looking.values(template)

    def group(answer: Answer) -> Any:
        value = values(answer)
        if isinstance(value, float) and not math.isfinite(value):
            return None
        return value if value is None or isinstance(value, (str, int, float)) else as_text(value)

    return group


def _no_group(why: str) -> None:
    return None


def libraries(args: ScoreArgs) -> list[str]:
    """The modules that the kinds of these scores compute with."""
    return [LIBRARIES[type(spec)] for spec in args.scores.values() if type(spec) in LIBRARIES]


SCORE: Final = Derivation(
    name="score",
    summary="Scores every answer of a step.",
    args=ScoreArgs,
    compute=score,
    is_heavy=True,
    needs=libraries,
)

ASSERT: Final = Derivation(
    name="assert",
    summary="Scores every answer of a step, and fails unless enough of them pass.",
    args=AssertArgs,
    compute=require,
    is_heavy=True,
    needs=libraries,
)

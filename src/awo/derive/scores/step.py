"""The derivations `score` and `assert`: every answer of a step gets its scores, and `assert` asks that they pass."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Annotated, Any, Final, Generic, TypeVar

from msgspec import Meta, field

from awo.derive.answers import Answer, answers_of
from awo.derive.numbers import percent
from awo.derive.scores.kinds import AnySpec
from awo.derive.scores.seam import Looking, Outcome, Scored, said_why
from awo.derive.scores.tally import ScoresKept
from awo.derive.seam import Derivation, Derived, Sources
from awo.errors import StepFailed
from awo.evidence.scores import SCORES_FILE
from awo.workflow.names import BadText
from awo.workflow.templates import as_text
from awo.workflow.words import Args, CellTemplate, StepRef

Name = Annotated[str, Meta(pattern="^[A-Za-z][A-Za-z0-9_]{0,63}$", description="A letter, then letters, digits and _.")]

FACTORS_THERE: Final = frozenset({"model", "item", "repeat"})
MOST_NAMED: Final = 3
_LONGEST_NAMED: Final = 40
_OF_THE_DATA: Final = ("template", "expression")
"""Codes of faults that may lie in one row alone: that answer has no score then."""

T = TypeVar("T")


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
            raise ValueError("`scores` has neither a test nor a grade, so nothing could pass")


def score(args: ScoreArgs, sources: Sources) -> Derived:
    """A `ScoresValue`, and scores.jsonl with a `ScoreLine` for each answer (spec section 3.15).

    Raises `StepFailed`: `template` or `expression` where a score could not be worked out for a single
    answer; `scores`, `schema`, `language` as the kinds do. Raises `CannotCheck` for a missing library.
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
    scorings = {name: _Guarded(spec.scoring(looking), said_why) for name, spec in args.scores.items()}
    groups = {name: _Guarded(_group(looking, template), _no_group) for name, template in args.groups.items()}
    kept, failed = ScoresKept(outcomes), _Failed(outcomes)
    for answer in answers_of(sources, args.of):
        scored = {} if answer.status == "failed" else {name: scoring(answer) for name, scoring in scorings.items()}
        kept.add(answer, scored, {name: group(answer) for name, group in groups.items()})
        failed.look(answer, scored)
    for guarded in (*scorings.values(), *groups.values()):
        guarded.refuse_if_never()
    return Derived(kept.value(args.of, sources.step), {SCORES_FILE: kept.lines}), failed


class _Guarded(Generic[T]):
    """What reads an answer: a fault in one row is that answer's, a template's fault in every row is the step's."""

    __slots__ = ("_fault", "_is_of_all", "_otherwise", "_read")

    def __init__(self, read: Callable[[Answer], T], otherwise: Callable[[str], T]) -> None:
        self._read = read
        self._otherwise = otherwise
        self._fault: StepFailed | None = None
        self._is_of_all = True

    def __call__(self, answer: Answer) -> T:
        try:
            read = self._read(answer)
        except StepFailed as error:
            if error.code not in _OF_THE_DATA:
                raise
            if error.code == "template":
                self._fault = self._fault or error
            return self._otherwise(error.what)
        except BadText as error:
            return self._otherwise(error.what)
        except RecursionError:
            return self._otherwise("a value is nested too deeply")
        self._is_of_all = False
        return read

    def refuse_if_never(self) -> None:
        """Raises the first fault of the template where no answer could be read."""
        if self._fault is not None and self._is_of_all:
            raise self._fault


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


SCORE: Final = Derivation(
    name="score",
    summary="Scores every answer of a step.",
    args=ScoreArgs,
    compute=score,
    is_heavy=True,
)

ASSERT: Final = Derivation(
    name="assert",
    summary="Scores every answer of a step, and fails unless enough of them pass.",
    args=AssertArgs,
    compute=require,
    is_heavy=True,
)

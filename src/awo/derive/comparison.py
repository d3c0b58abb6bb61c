"""The derivation of `compare`: what models, or arms of a matrix, said of the same items, side by side."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import combinations, groupby
from typing import Annotated, Final

from msgspec import Meta

from awo.canon.json import encode_sorted
from awo.derive.answers import Answer, answers_of
from awo.derive.markdown import code, inline, shorten, table, visible
from awo.derive.seam import Derivation, Derived, Sources
from awo.derive.votes.normal import AS_1X, ORDER, Choices, Normaliser, Normals, normaliser
from awo.derive.votes.polls import said_as_text, what_is_said
from awo.errors import StepFailed
from awo.evidence.layout import file_path
from awo.evidence.votes import (
    COMPARISON_FILE,
    COMPARISON_PAGE,
    Arm,
    ArmAnswer,
    ArmPair,
    ComparisonLine,
    ComparisonValue,
)
from awo.workflow.templates import as_text
from awo.workflow.words import Args, CellTemplate, StepRef

MOST_ARMS: Final = 50
ROWS_ON_PAGE: Final = 200
ARMS_ON_PAGE: Final = 8
CELL_CHARACTERS: Final = 400


class CompareArgs(Args, frozen=True, kw_only=True):
    """Whose answers, and what tells the arms apart."""

    of: Annotated[StepRef, Meta(description="The step whose answers are compared, whether it fans out or not.")]
    by: Annotated[
        str, Meta(min_length=1, description="`model`, or the name of the step's matrix that is compared.")
    ] = "model"
    normalise: Normals = AS_1X
    choices: Choices = ()
    field: Annotated[
        CellTemplate,
        Meta(description="What is compared; `item.value` is the answer. Empty for the answer's text."),
    ] = ""

    def __post_init__(self) -> None:
        if len(set(self.normalise)) < len(self.normalise):
            raise ValueError("`normalise` names something twice")
        normaliser(self.normalise, self.choices)


def compared(args: CompareArgs, sources: Sources) -> Derived:
    """A `ComparisonValue`, files/comparison.jsonl with a line for each item, and files/comparison.md for people.

    Raises `StepFailed`: `nothing_to_compare` where no arm has an answer, `unknown_arms` where the step has
    no such matrix, `too_many_arms`.
    """
    record = sources.record_of(args.of)
    matrix = record.cells.matrix if record.cells else {}
    if args.by != "model" and args.by not in matrix:
        raise StepFailed(
            f"step {args.of} has no matrix called {args.by!r}",
            code="unknown_arms",
            where=f"step {sources.step}, by",
            expected=", ".join(["model", *matrix]),
        )
    normal = normaliser(args.normalise, args.choices)
    totals = _Totals()
    lines = []
    for line in _lines(answers_of(sources, args.of), args, normal, sources):
        totals.add(line)
        lines.append(line)
        if len(totals.given) > MOST_ARMS:
            raise StepFailed(
                "there are too many arms to compare",
                code="too_many_arms",
                where=f"step {sources.step}, by",
                expected=f"at most {MOST_ARMS}",
            )
    if not any(totals.given.values()):
        raise StepFailed(
            "there is nothing to compare",
            code="nothing_to_compare",
            where=f"step {sources.step}, of",
            expected="a step with answers of models, such as fanout_generate",
            got=f"step {args.of}, which has none",
        )
    value = ComparisonValue(
        of=args.of,
        by=args.by,
        normalise=[one for one in ORDER if one in args.normalise],
        path=file_path(sources.step, COMPARISON_FILE),
        page=file_path(sources.step, COMPARISON_PAGE),
        lines=len(lines),
        same=sum(line.is_same is True for line in lines),
        different=sum(line.is_same is False for line in lines),
        incomplete=sum(line.is_same is None for line in lines),
        arms=totals.arms(len(lines)),
        pairs=totals.pairs(),
    )
    return Derived(
        value,
        {
            COMPARISON_FILE: [encode_sorted(line) + b"\n" for line in lines],
            COMPARISON_PAGE: [page(value, lines).encode(errors="replace")],
        },
    )


@dataclass(slots=True)
class _Totals:
    """What is counted over the lines."""

    given: dict[str, int] = field(default_factory=dict)
    both: Counter[tuple[str, str]] = field(default_factory=Counter)
    same: Counter[tuple[str, str]] = field(default_factory=Counter)

    def add(self, line: ComparisonLine) -> None:
        """One more line."""
        norms = {one.arm: one.norm for one in line.answers}
        for arm, norm in norms.items():
            self.given[arm] = self.given.get(arm, 0) + (norm is not None)
        there = [(arm, norm) for arm, norm in norms.items() if norm is not None]
        for (a, said_a), (b, said_b) in combinations(there, 2):
            pair = (a, b) if a <= b else (b, a)
            self.both[pair] += 1
            self.same[pair] += said_a == said_b

    def arms(self, lines: int) -> list[Arm]:
        """Each arm, in the order in which it was first seen."""
        return [Arm(arm=arm, answers=given, missing=lines - given) for arm, given in self.given.items()]

    def pairs(self) -> list[ArmPair]:
        """Each pair of arms, in the order of the arms."""
        found = []
        for a, b in combinations(self.given, 2):
            pair = (a, b) if a <= b else (b, a)
            both, same = self.both[pair], self.same[pair]
            why = "" if both else "no line has an answer of both"
            found.append(ArmPair(a=a, b=b, lines=both, same=same, share=same / both if both else None, why=why))
        return found


def _lines(
    answers: Iterable[Answer], args: CompareArgs, normal: Normaliser, sources: Sources
) -> Iterator[ComparisonLine]:
    """Answers that differ in nothing but their arm make a line; the cells of an item stand together."""
    for _, of_item in groupby(answers, key=lambda one: one.item):
        lines: dict[str, list[Answer]] = {}
        for answer in of_item:
            lines.setdefault(_place(answer, args.by), []).append(answer)
        for together in lines.values():
            yield _line(together, args, normal, sources)


def _place(answer: Answer, by: str) -> str:
    """What answers of one line have in common, as text."""
    others = {name: value for name, value in answer.matrix.items() if name != by}
    return encode_sorted([others, answer.repeat, "" if by == "model" else answer.model]).decode()


def _line(together: Sequence[Answer], args: CompareArgs, normal: Normaliser, sources: Sources) -> ComparisonLine:
    answers = []
    times: Counter[str] = Counter()
    for answer in together:
        name = answer.model if args.by == "model" else as_text(answer.matrix.get(args.by))
        times[name] += 1
        said = None if answer.status == "failed" else said_as_text(what_is_said(answer, args.field, sources))
        answers.append(
            ArmAnswer(
                arm=name if times[name] == 1 else f"{name} ({times[name]})",
                text=said or "",
                norm=None if said is None else normal(said),
                call=answer.call,
            )
        )
    first = together[0]
    norms = [one.norm for one in answers if one.norm is not None]
    return ComparisonLine(
        item=first.item,
        model="" if args.by == "model" else first.model,
        matrix={name: value for name, value in first.matrix.items() if name != args.by},
        repeat=first.repeat,
        answers=answers,
        distinct=len(set(norms)),
        is_same=len(set(norms)) == 1 if len(norms) > 1 else None,
    )


# --- the page for people ------------------------------------------------------------------------------


def page(value: ComparisonValue, lines: Sequence[ComparisonLine]) -> str:
    """files/comparison.md: the pairs, and the first lines as a table. Every foreign text is escaped."""
    shown = [arm.arm for arm in value.arms[:ARMS_ON_PAGE]]
    steps = ", ".join(one.replace("_", " ") for one in value.normalise) or "nothing"
    counts = (
        f"{value.same:,} say the same, {value.different:,} differ, {value.incomplete:,} have fewer than two answers"
    )
    said = [
        f"# Answers of {code(value.of)} side by side\n",
        f"{value.lines:,} lines: {counts}. Answers count as the same after: {steps}.\n",
    ]
    if value.pairs:
        rows = [[_cell(one.a), _cell(one.b), f"{one.same:,}", f"{one.lines:,}", _percent(one)] for one in value.pairs]
        said.append(table(["one", "other", "same", "of", "share"], rows))
    rows = [_row(line, shown) for line in lines[:ROWS_ON_PAGE]]
    said.append(table(["item", *(_cell(arm) for arm in shown), "same"], rows))
    if len(lines) > ROWS_ON_PAGE:
        said.append(f"{len(lines) - ROWS_ON_PAGE:,} more lines: {code(COMPARISON_FILE)}.\n")
    if len(value.arms) > ARMS_ON_PAGE:
        said.append(f"{len(value.arms) - ARMS_ON_PAGE:,} more columns: {code(COMPARISON_FILE)}.\n")
    return "\n".join(said)


def _row(line: ComparisonLine, shown: Sequence[str]) -> list[str]:
    texts: Mapping[str, ArmAnswer] = {one.arm: one for one in line.answers}
    return [
        _cell(_named(line)),
        *(_answer(texts.get(arm)) for arm in shown),
        {True: "yes", False: "no", None: ""}[line.is_same],
    ]


def _named(line: ComparisonLine) -> str:
    parts = [line.item, line.model, *(f"{name}={as_text(value)}" for name, value in line.matrix.items())]
    return " ".join(part for part in (*parts, f"repeat={line.repeat}" if line.repeat else "") if part)


def _answer(one: ArmAnswer | None) -> str:
    if one is None or (one.norm is None and not one.text):
        return "*(no answer)*"
    return _cell(one.text) or "*(nothing)*"


def _cell(text: str) -> str:
    return inline(shorten(visible(shorten(text, CELL_CHARACTERS + 1)), CELL_CHARACTERS))


def _percent(pair: ArmPair) -> str:
    return "" if pair.share is None else f"{100 * pair.share:.0f} %"


DERIVATION = Derivation(
    name="compare",
    summary="Puts the answers of models, or of arms of a matrix, side by side.",
    args=CompareArgs,
    compute=compared,
)

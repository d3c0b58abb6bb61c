"""What the chapters about judging steps have in common: the first values of a step, and how one is said in words."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from itertools import islice
from typing import Any, Final, TypeVar

import msgspec

from awo.derive.facts import StepFacts
from awo.derive.numbers import NOTHING, number
from awo.derive.phrases import count
from awo.derive.report.reader import Reader
from awo.derive.report.shown import items_file, line, value_as, word
from awo.evidence.judgements import GradeValue, PreferenceValue, RefutationValue

GRADE: Final = "grade"
PREFER: Final = "prefer"
REFUTE: Final = "refute"
JUDGING: Final = frozenset({GRADE, PREFER, REFUTE})

CELLS_READ: Final = 10_000
"""Of each step: a report of a million judgements must not take longer than the judgements."""

EXAMPLES_SHOWN: Final = 3
JUDGES_NAMED: Final = 3

T = TypeVar("T")


def judged(step: StepFacts, read: Reader, shape: type[T]) -> Iterator[tuple[str, T]]:
    """The values of the first cells, each after the cell's name in Markdown; '' names the only value of a step that
    did not fan out. What failed or has another shape is passed over."""
    if step.record.cells is None:
        value = value_as(step, read, shape)
        if value is not None:
            yield "", value
        return
    path = items_file(step)
    for item in islice(read.items(path), CELLS_READ) if path else ():
        value = _as(item.value, shape) if item.status != "failed" else None
        if value is not None:
            yield word(item.item) if item.item else f"{item.cell:,}", value


def counted_over(step: StepFacts) -> str:
    """The sentence that says that not all cells were read, or ''."""
    planned = step.cells.planned if step.cells else 0
    return f"\nCounted over the first {CELLS_READ:,} of {planned:,} cells.\n" if planned > CELLS_READ else ""


def in_words(operation: str, value: Any) -> str:
    """A judgement as one cell of a table, in Markdown; '' for a value that is none."""
    if operation == GRADE and (grade := _as(value, GradeValue)) is not None:
        return _grade(grade)
    if operation == PREFER and (preference := _as(value, PreferenceValue)) is not None:
        return _preference(preference)
    if operation == REFUTE and (refutation := _as(value, RefutationValue)) is not None:
        return _refutation(refutation)
    return ""


def _as(value: Any, shape: type[T]) -> T | None:
    try:
        return msgspec.convert(value, shape)
    except msgspec.ValidationError:
        return None


def _grade(value: GradeValue) -> str:
    if len(value.verdicts) > JUDGES_NAMED:
        words = Counter(verdict.choice for verdict in value.verdicts)
        said = [f"{number_:,} {_choice(choice)}" for choice, number_ in words.most_common(JUDGES_NAMED)]
    else:
        said = [f"{word(verdict.judge)} {_choice(verdict.choice)}" for verdict in value.verdicts]
    return f"score {number(value.score)} ({', '.join(said)})"


def _choice(choice: str | None) -> str:
    return "no grade" if choice is None else line(choice)


def _preference(value: PreferenceValue) -> str:
    votes = Counter(vote.verdict for vote in value.votes)
    match value.winner:
        case "first":
            said = f"{word(value.first_is)} preferred"
        case "second":
            said = f"{word(value.second_is)} preferred"
        case "tie":
            said = "tie"
        case _:
            return f"no preference ({count(len(value.votes), 'judge')} abstained)"
    tally = f"{word(value.first_is)} {votes['first']:,}, {word(value.second_is)} {votes['second']:,}, ties "
    return f"{said} ({tally}{votes['tie']:,}, abstained {value.abstained:,})"


def _refutation(value: RefutationValue) -> str:
    raised = len(value.objections) - value.unclear
    said = f"{value.verdict}: {count(raised, 'objection')}, {value.standing:,} standing"
    return said + (f", {value.unclear:,} unclear" if value.unclear else "")


def mean(total: float, of: int) -> str:
    """A mean for a table; `NOTHING` over nothing."""
    return number(total / of) if of else NOTHING

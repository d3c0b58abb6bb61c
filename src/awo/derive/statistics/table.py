"""Score lines as columns, read once: factors as codes, scores as numbers, labels and ratings as codes."""

from __future__ import annotations

import json
import math
from array import array
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from awo.canon.json import encode_sorted
from awo.derive.seam import Sources
from awo.derive.statistics.factors import Coder, Factor, value_of
from awo.errors import AwoError, StepFailed
from awo.evidence.scores import SCORES_FILE, ScoreLine, ScoresValue, ScoreType

Codes = NDArray[np.int32]

ABSENT: Final = 0
PRESENT: Final = 1
MISSING: Final = 2
UNUSABLE: Final = 3
"""What a line has of a score: nothing (another step's line), a value, null, or a number that no float can be."""

_decoder = msgspec.json.Decoder(ScoreLine)


@dataclass(frozen=True, slots=True)
class Wanted:
    """The names of the scores, ratings and factors that the arguments use: nothing else is kept."""

    scores: frozenset[str]
    factors: frozenset[str]


@dataclass(frozen=True, slots=True)
class Column:
    """One score. `state` says of each line what it has; `numbers` is NaN and `codes` is -1 where it has none.

    `codes` are places in `words`: labels, which a score of numbers can have too, or lists of ratings (as tuples).
    """

    kind: ScoreType
    state: NDArray[np.uint8]
    numbers: NDArray[np.float64]
    codes: Codes
    words: list[Any]


@dataclass(frozen=True, slots=True)
class Table:
    """All lines of all steps, in the order of step, cell and answer, whatever their order in the files.

    `scores` has every score by its name, of those that are `wanted` the column; `factor_names` every factor.
    """

    step: str
    lines: int
    items: Codes
    repeats: NDArray[np.int64]
    failed: NDArray[np.bool_]
    factors: Mapping[str, Factor]
    columns: Mapping[str, Column]
    kinds: Mapping[str, ScoreType]
    factor_names: frozenset[str]


def read_table(sources: Sources, steps: tuple[str, ...], wanted: Wanted) -> Table:
    """The lines of `steps`. Raises `StepFailed`: `no_scores`, `bad_line`, `score_type`, and what `sources` raises."""
    kinds = _kinds(sources, steps)
    reader = _Reader(wanted, kinds)
    for place, step in enumerate(steps):
        for number, line in enumerate(sources.lines_of(step, SCORES_FILE), start=1):
            reader.take(place, step, _line_of(line, f"step {step}, {SCORES_FILE}:{number}"))
    return reader.table(sources.step)


def _kinds(sources: Sources, steps: tuple[str, ...]) -> dict[str, ScoreType]:
    kinds: dict[str, ScoreType] = {}
    for step in steps:
        try:
            value = msgspec.convert(sources.value_of(step), ScoresValue)
        except msgspec.ValidationError as error:
            raise StepFailed(
                f"the step {step!r} has no scores",
                code="no_scores",
                where=f"step {sources.step}, of",
                expected="a step that scores, such as score",
                is_final=True,
            ) from error
        for name, summary in value.scores.items():
            if kinds.setdefault(name, summary.type) != summary.type:
                raise StepFailed(
                    f"the score {name!r} is not of one type in all steps",
                    code="score_type",
                    where=f"step {sources.step}, of",
                    got=f"{kinds[name]} and {summary.type}",
                    hint="give one of them another name",
                    is_final=True,
                )
    return kinds


def _line_of(data: bytes, where: str) -> ScoreLine:
    try:
        return _decoder.decode(data)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        pass
    try:
        loose = json.loads(data, parse_int=_number, parse_float=_number, parse_constant=_number)
        line = msgspec.convert(loose, ScoreLine)
        plain = _decoder.decode(encode_sorted(line))  # without NaN; refuses halves of surrogate pairs
        return msgspec.structs.replace(line, matrix=plain.matrix, groups=plain.groups)
    except (ValueError, RecursionError, AwoError) as error:
        raise StepFailed(
            "a line of scores is not its shape",
            code="bad_line",
            where=where,
            got=" ".join(str(error).split())[:200],
            is_final=True,
        ) from error


def _number(text: str) -> int | float:
    """A JSON number; NaN for what no float can be."""
    if len(text) < 16 and text.lstrip("-").isdigit():
        return int(text)
    value = float(text)
    return value if math.isfinite(value) else math.nan


@dataclass(slots=True)
class _Growing:
    """A column while it is read."""

    kind: ScoreType
    state: array[int] = field(default_factory=lambda: array("B"))
    numbers: array[float] = field(default_factory=lambda: array("d"))
    coder: Coder = field(default_factory=Coder)

    def take(self, name: str, line: ScoreLine) -> None:
        """What `line` has of the score `name`."""
        state, number = ABSENT, math.nan
        word: Any = line.labels.get(name)
        if self.kind == "label":
            if name in line.labels:
                state = MISSING if word is None else PRESENT
        elif self.kind == "ratings":
            if name in line.ratings:
                word = tuple(map(_rating, line.ratings[name]))
                state = PRESENT
        elif name in line.scores:
            score = line.scores[name]
            if score is None:
                state = MISSING
            elif math.isfinite(score):
                state, number = PRESENT, score
            else:
                state = UNUSABLE
        self.state.append(state)
        self.numbers.append(number)
        self.coder.take(word, is_there=word is not None)

    def column(self, order: NDArray[np.intp]) -> Column:
        """The column, its lines in `order`."""
        state, numbers = np.array(self.state, np.uint8), np.array(self.numbers, np.float64)
        return Column(self.kind, state[order], numbers[order], self.coder.codes_in(order), self.coder.values)


def _rating(value: Any) -> Any:
    """A rating; None for what is none: null, an empty text, a list, a number that no float can be."""
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value if isinstance(value, (str, bool, int, float)) and value != "" else None


class _Reader:
    """Takes lines one by one, and keeps only what is wanted of them."""

    def __init__(self, wanted: Wanted, kinds: Mapping[str, ScoreType]) -> None:
        self.kinds = dict(kinds)
        self.growing = {name: _Growing(kinds[name]) for name in sorted(wanted.scores) if name in kinds}
        self.coders = {name: Coder() for name in sorted(wanted.factors)}
        self.items = Coder()
        self.places = (array("q"), array("q"), array("q"))
        self.repeats = array("q")
        self.failed = array("B")
        self.names: set[str] = {"model", "item", "repeat", "step"}

    def take(self, place: int, step: str, line: ScoreLine) -> None:
        for numbers, number in zip(self.places, (place, line.cell, line.answer), strict=True):
            numbers.append(number)
        self.repeats.append(line.repeat)
        self.failed.append(line.status == "failed")
        self.items.take(line.item)
        self.names.update(line.matrix)
        self.names.update(line.groups)
        for name, coder in self.coders.items():
            coder.take(value_of(name, step, line))
        for name, growing in self.growing.items():
            growing.take(name, line)

    def table(self, step: str) -> Table:
        places, cells, answers = (np.array(numbers, np.int64) for numbers in self.places)
        order = np.lexsort((answers, cells, places))
        return Table(
            step=step,
            lines=len(order),
            items=self.items.factor(order).codes,
            repeats=np.array(self.repeats, np.int64)[order],
            failed=np.array(self.failed, np.bool_)[order],
            factors={name: coder.factor(order) for name, coder in self.coders.items()},
            columns={name: growing.column(order) for name, growing in self.growing.items()},
            kinds=self.kinds,
            factor_names=frozenset(self.names),
        )

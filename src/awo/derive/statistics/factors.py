"""Factors: what divides the answers into arms, groups and raters, as codes in place of values."""

from __future__ import annotations

from array import array
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from awo.canon.json import encode_sorted
from awo.evidence.scores import ScoreLine

Codes = NDArray[np.int32]


def value_of(name: str, step: str, line: ScoreLine) -> Any:
    """The value of the factor `name` in a line of `step`; null where the line has none.

    A name that AWO gives (model, item, repeat, step) comes before one of the matrix, and that before a group.
    """
    match name:
        case "model":
            return line.model
        case "item":
            return line.item
        case "repeat":
            return line.repeat
        case "step":
            return step
        case _:
            return line.matrix[name] if name in line.matrix else line.groups.get(name)


def key_of(value: Any) -> str:
    """One spelling for equal values: sorted compact JSON, in which 1.0 is 1. True is not 1, and '1' is not 1."""
    if isinstance(value, float) and value.is_integer() and abs(value) < 2**53:
        value = int(value)
    return encode_sorted(value).decode()


def label_of(value: Any) -> str:
    """A value as it stands in keys and names: text as it is, anything else as JSON."""
    return value if isinstance(value, str) else key_of(value)


@dataclass(frozen=True, slots=True)
class Factor:
    """The code of each line, and the values and their keys in the order in which the lines first have them."""

    codes: Codes
    values: list[Any]
    places: dict[str, int]

    def code_of(self, value: Any) -> int | None:
        """The code of `value`, or None where no line has it."""
        return self.places.get(key_of(value))


class Coder:
    """Gives each distinct value a number, in the order of their coming."""

    __slots__ = ("_codes", "_quick", "places", "values")

    def __init__(self) -> None:
        self._codes = array("i")
        self._quick: dict[Any, int] = {}
        self.places: dict[str, int] = {}
        self.values: list[Any] = []

    def take(self, value: Any, *, is_there: bool = True) -> None:
        """The next line's value; -1 where there is none."""
        if not is_there:
            self._codes.append(-1)
            return
        if type(value) is str or type(value) is int:
            code = self._quick.get(value)
            if code is None:
                code = self._quick[value] = self._slow(value)
        else:
            code = self._slow(value)
        self._codes.append(code)

    def _slow(self, value: Any) -> int:
        key = key_of(value)
        code = self.places.get(key)
        if code is None:
            code = self.places[key] = len(self.values)
            self.values.append(value)
        return code

    def codes_in(self, order: NDArray[np.intp]) -> Codes:
        """The codes of the lines in `order`."""
        return np.array(self._codes, np.int32)[order]

    def factor(self, order: NDArray[np.intp]) -> Factor:
        """The factor whose lines stand in `order`, with codes numbered in that order."""
        codes = self.codes_in(order)
        present, first = np.unique(codes, return_index=True)
        ranked = present[np.argsort(first)]
        renumbered = np.zeros(len(self.values), np.int32)
        renumbered[ranked] = np.arange(len(ranked), dtype=np.int32)
        values = [self.values[code] for code in ranked]
        return Factor(renumbered[codes], values, {key_of(value): code for code, value in enumerate(values)})

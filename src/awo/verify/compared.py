"""Compares a value that was computed again with the recorded one: numbers within a tolerance, all else exactly."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any, Final, NamedTuple

RELATIVE_TOLERANCE: Final = 1e-9
ABSOLUTE_TOLERANCE: Final = 1e-12
"""Another build of a library may add in another order (spec section 8.5)."""


class Difference(NamedTuple):
    """`place` is the path inside the value, such as `metrics.accuracy.total.value` or `groups[0].text`."""

    place: str
    expected: str
    got: str


def differences(expected: Any, got: Any, place: str = "") -> Iterator[Difference]:
    """Where the recorded `got` is another value than `expected`, as they are looked for; both are plain JSON.

    A whole number and the float of the same value are equal; true is not 1. Raises `RecursionError` for
    values that are nested too deeply.
    """
    if isinstance(expected, dict) and isinstance(got, dict):
        for key in expected:
            inner = f"{place}.{key}" if place else str(key)
            if key in got:
                yield from differences(expected[key], got[key], inner)
            else:
                yield Difference(inner, _shown(expected[key]), "nothing")
        for key in got.keys() - expected.keys():
            yield Difference(f"{place}.{key}" if place else str(key), "nothing", _shown(got[key]))
    elif isinstance(expected, list) and isinstance(got, list):
        for number, (one, other) in enumerate(zip(expected, got, strict=False)):
            yield from differences(one, other, f"{place}[{number}]")
        if len(expected) != len(got):
            yield Difference(place, f"{len(expected)} entries", f"{len(got)} entries")
    elif not _is_same(expected, got):
        yield Difference(place, _shown(expected), _shown(got))


def _is_same(one: Any, other: Any) -> bool:
    if _is_number(one) and _is_number(other):
        if isinstance(one, int) and isinstance(other, int):
            return one == other
        try:
            return math.isclose(one, other, rel_tol=RELATIVE_TOLERANCE, abs_tol=ABSOLUTE_TOLERANCE)
        except OverflowError:  # a whole number that is larger than any float
            return False
    return type(one) is type(other) and bool(one == other)


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _shown(value: Any) -> str:
    return ascii(value)[:200] if isinstance(value, (str, int, float, bool, type(None))) else f"a {_kind(value)}"


def _kind(value: Any) -> str:
    return "list" if isinstance(value, list) else "mapping"

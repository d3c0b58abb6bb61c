"""How computed numbers are said to people: digits that mean something, p-values, and what stands for none."""

from __future__ import annotations

import math
from typing import Final

NOTHING: Final = "\u2013"
"""Stands where there is no number; a sentence nearby says why."""

MINUS: Final = "\u2212"

_SMALLEST_P: Final = 0.001
_LARGEST_PLAIN: Final = 1e12


def number(value: float | None) -> str:
    """`0.612`, `12.3`, `1,234`, `0.00012`: three digits that mean something, and never an exponent near one.

    A whole number of any size keeps all its digits. None, NaN and infinities give `NOTHING`.
    """
    if value is None or not math.isfinite(value):
        return NOTHING
    size = abs(value)
    if size == 0:
        return "0"
    if size >= _LARGEST_PLAIN or size < 1e-6:
        shown = f"{size:.2e}"
    elif size < 0.01:
        shown = f"{size:.{1 - math.floor(math.log10(size))}f}"
    elif float(size).is_integer() and size >= 10:
        shown = f"{size:,.0f}"
    elif size < 10:
        shown = f"{size:.3f}"
    elif size < 1000:
        shown = f"{size:.1f}"
    else:
        shown = f"{size:,.0f}"
    return f"{MINUS}{shown}" if value < 0 else shown


def signed(value: float | None) -> str:
    """As `number`, with a plus where it is above nothing: for differences."""
    return f"+{number(value)}" if value is not None and math.isfinite(value) and value > 0 else number(value)


def interval(low: float | None, high: float | None, *, is_difference: bool = False) -> str:
    """`0.512 to 0.703`; `NOTHING` unless both ends are there."""
    if low is None or high is None or not (math.isfinite(low) and math.isfinite(high)):
        return NOTHING
    said = signed if is_difference else number
    return f"{said(low)} to {said(high)}"


def p_value(value: float | None) -> str:
    """`p = 0.012`, `p < 0.001`; `NOTHING` where there is none."""
    if value is None or not math.isfinite(value):
        return NOTHING
    if value < _SMALLEST_P:
        return "p < 0.001"
    return f"p = {value:.3f}"


def percent(share: float) -> str:
    """`95 %` for 0.95, with as many decimals as it needs up to two."""
    return f"{100 * share:.2f}".rstrip("0").rstrip(".") + " %"

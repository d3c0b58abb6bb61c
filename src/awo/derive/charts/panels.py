"""What panels with a row for each thing have in common: their height, their labels, the words beside them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from awo.derive.charts.picture import GREY

if TYPE_CHECKING:
    from matplotlib.axes import Axes

GROUPS_DRAWN: Final = 30
PANELS_DRAWN: Final = 6

_ROW_IN: Final = 0.29
_AROUND_IN: Final = 0.95
_LOG_FROM: Final = 20.0
"""A span of more than this from the smallest to the largest is drawn on a logarithmic scale."""


def height_of(rows: int, row_in: float = _ROW_IN) -> float:
    """Inches for a panel with this many rows of `row_in` inches each."""
    return _AROUND_IN + row_in * max(rows, 1)


def left_out(nouns: str, total: int, drawn: int) -> tuple[str, ...]:
    """The sentence that says how many were not drawn; none when all were."""
    return (f"The first {drawn:,} of {total:,} {nouns} are drawn.",) if total > drawn else ()


def finish_rows(panel: Axes, names: Sequence[str]) -> None:
    """The names of the rows at the left, the first at the top, and faint lines at the values."""
    panel.set_yticks(range(len(names)), list(names))
    panel.set_ylim(len(names) - 0.4, -0.6)
    panel.tick_params(axis="y", length=0)
    panel.spines["left"].set_visible(False)
    panel.grid(axis="x", color="#EEEEEE", linewidth=0.8)
    panel.set_axisbelow(True)


def beside(panel: Axes, words: Sequence[str]) -> None:
    """Short words at the right of each row."""
    twin = panel.secondary_yaxis("right")
    twin.set_yticks(range(len(words)), list(words))
    twin.tick_params(length=0, labelcolor=GREY, labelsize=8)
    twin.spines["right"].set_visible(False)


def stretched(ends: Sequence[float]) -> tuple[float, float]:
    """From the smallest to the largest with a little room; room around a single value too."""
    low, high = min(ends), max(ends)
    room = 0.06 * (high - low) or 0.1 * abs(high) or 1.0
    return low - room, high + room


def scale_for(panel: Axes, values: Sequence[float]) -> None:
    """A logarithmic x axis where the values (none below 0) span far; zeros then stand at its left end."""
    above = [value for value in values if value > 0]
    if not above or max(above) < _LOG_FROM * min(above):
        return
    if len(above) == len(values):
        panel.set_xscale("log")
    else:
        panel.set_xscale("symlog", linthresh=10.0 ** math.floor(math.log10(min(above))), linscale=0.5)
    panel.xaxis.set_major_formatter(lambda value, _: f"{value:g}")
    panel.xaxis.set_minor_formatter(lambda value, _: "")

"""Paired differences as dots with their intervals, each over the band of its noise floor; a panel for each score."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from awo.derive.charts.labels import TITLE_CHARACTERS, label, of_value
from awo.derive.charts.panels import GROUPS_DRAWN, PANELS_DRAWN, beside, finish_rows, height_of, left_out, stretched
from awo.derive.charts.picture import BLUE, INK, ORANGE, PALE, Picture, picture
from awo.derive.numbers import MINUS, NOTHING, p_value, percent, signed
from awo.evidence.statistics import Comparison

if TYPE_CHECKING:
    from matplotlib.axes import Axes

NAME: Final = "differences"

_ROW_IN: Final = 0.42  # room for two lines beside each row


@dataclass(frozen=True, slots=True)
class Paired:
    """One comparison of a step of statistics, with the level of its interval. `is_corrected` says whether the step
    corrects p-values for the number of comparisons."""

    step: str
    name: str
    result: Comparison
    confidence: float
    is_corrected: bool = True


def differences_picture(comparisons: Sequence[Paired]) -> Picture:
    """Each difference with its interval, its p-value beside it. `comparisons` has at least one."""
    by_score: dict[tuple[str, str], list[Paired]] = {}
    for one in comparisons:
        by_score.setdefault((one.step, one.result.score), []).append(one)
    panels_of = [found[:GROUPS_DRAWN] for found in list(by_score.values())[:PANELS_DRAWN]]
    notes = left_out("comparisons", len(comparisons), sum(len(found) for found in panels_of))
    bare = sum(one.result.noise.largest is None for found in panels_of for one in found)
    if bare:
        notes += (f"{bare:,} of the comparisons drawn {'has' if bare == 1 else 'have'} no A/A control.",)

    def paint(panels: list[Axes]) -> None:
        for panel, found in zip(panels, panels_of, strict=True):
            _paint(panel, found)

    heights = [height_of(len(found), _ROW_IN) + 0.15 for found in panels_of]
    return picture(NAME, "Paired differences, with their intervals and noise floors", heights, paint, notes)


def _paint(panel: Axes, found: Sequence[Paired]) -> None:
    ends = [0.0]
    for at, one in enumerate(found):
        ends += _row(panel, at, one.result)
    panel.axvline(0, color=INK, linewidth=0.9, zorder=1)
    finish_rows(panel, [_name(one.result) for one in found])
    beside(panel, [_said(one) for one in found])
    low, high = stretched(ends)
    panel.set_xlim(low, high)
    first = found[0]
    panel.set_title(label(f"{first.result.score}, by {first.result.factor}", TITLE_CHARACTERS))
    said = f"difference in {label(first.result.score)}, with {percent(first.confidence)} interval  (step "
    said += f"{label(first.step)})"
    if any(one.result.noise.largest is not None for one in found):
        said += "\norange band: noise floor, the largest difference of an arm from itself between repeats"
    panel.set_xlabel(said, loc="right", multialignment="right")


def _row(panel: Axes, at: int, one: Comparison) -> list[float]:
    """Draws one row; gives the ends of what it drew."""
    ends: list[float] = []
    panel.axhline(at, color=PALE, linewidth=0.6, zorder=0)
    floor = one.noise.largest
    if floor is not None:
        from matplotlib.patches import Rectangle

        panel.add_patch(Rectangle((-floor, at - 0.36), 2 * floor, 0.72, facecolor=ORANGE, alpha=0.4, linewidth=0))
        if not floor:
            panel.plot([0, 0], [at - 0.36, at + 0.36], color=ORANGE, linewidth=3, zorder=1)
        ends += [-floor, floor]
    if one.difference is None:
        return ends
    if one.low is not None and one.high is not None:
        panel.plot([one.low, one.high], [at, at], color=BLUE, linewidth=2.2, solid_capstyle="butt", zorder=2)
        panel.plot([one.low, one.high], [at, at], color=BLUE, linestyle="none", marker="|", markersize=8, zorder=2)
        ends += [one.low, one.high]
    panel.plot([one.difference], [at], color=BLUE, marker="o", markersize=6.5, zorder=3)
    return [*ends, one.difference]


def _name(one: Comparison) -> str:
    arms = f"{label(of_value(one.a), 22)} {MINUS} {label(of_value(one.b), 22)}"
    said = ", ".join(f"{name} {of_value(value)}" for name, value in one.where.items())
    where = f", {label(said, 24)}" if said else ""
    return f"{arms}{where}  (n = {one.pairs:,})"


def _said(found: Paired) -> str:
    """The difference, and below it the p-value, which is adjusted on every row or on none."""
    one = found.result
    if one.difference is None:
        return NOTHING
    if not found.is_corrected:
        return signed(one.difference) + (f"\n{p_value(one.p_value)}" if one.p_value is not None else "")
    return signed(one.difference) + (f"\n{p_value(one.p_adjusted)}, adjusted" if one.p_adjusted is not None else "")

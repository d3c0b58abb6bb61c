"""Scores by group as dots with their intervals, one panel for each metric."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from awo.derive.charts.labels import TITLE_CHARACTERS, label, of_group
from awo.derive.charts.panels import (
    GROUPS_DRAWN,
    PANELS_DRAWN,
    beside,
    finish_rows,
    height_of,
    left_out,
    stretched,
)
from awo.derive.charts.picture import BLUE, PALE, Picture, picture
from awo.derive.numbers import NOTHING, number, percent
from awo.evidence.statistics import Estimate, MetricResult

if TYPE_CHECKING:
    from matplotlib.axes import Axes

NAME: Final = "scores"


@dataclass(frozen=True, slots=True)
class Metric:
    """One metric of a step of statistics, with the level of its intervals (0.95); 0 where it has none."""

    step: str
    name: str
    result: MetricResult
    confidence: float


def scores_picture(metrics: Sequence[Metric]) -> Picture:
    """Each metric over its groups; over all answers where it has none. `metrics` has at least one."""
    drawn = metrics[:PANELS_DRAWN]
    notes = left_out("metrics", len(metrics), len(drawn))
    for one in drawn:
        notes += left_out(f"groups of {one.result.estimate}s", len(one.result.groups), GROUPS_DRAWN)
    heights = [height_of(_rows(one)) for one in drawn]

    def paint(panels: list[Axes]) -> None:
        for panel, one in zip(panels, drawn, strict=True):
            _paint(panel, one)

    return picture(NAME, "Scores by group, with their intervals", heights, paint, notes)


def _rows(metric: Metric) -> int:
    return min(len(metric.result.groups), GROUPS_DRAWN) or 1


def _paint(panel: Axes, metric: Metric) -> None:
    result = metric.result
    groups = list(result.groups.values())[:GROUPS_DRAWN]
    rows = [(of_group(one.group), one) for one in groups] or [("all", result.total)]
    for at, (_, one) in enumerate(rows):
        _dot(panel, at, one)
    finish_rows(panel, [f"{name}  (n = {_n(one)})" for name, one in rows])
    beside(panel, [_said(one) for _, one in rows])
    by = " / ".join(result.by[:4])
    panel.set_title(label(f"{metric.name}, by {by}" if by else metric.name, TITLE_CHARACTERS))
    interval = f", with {percent(metric.confidence)} interval" if any(one.low is not None for _, one in rows) else ""
    panel.set_xlabel(f"{result.estimate} of {label(result.score)}{interval}  (step {label(metric.step)})")
    _limits(panel, [one for _, one in rows])


def _dot(panel: Axes, at: int, one: Estimate) -> None:
    panel.axhline(at, color=PALE, linewidth=0.6, zorder=0)
    if one.value is None:
        return
    if one.low is not None and one.high is not None:
        panel.plot([one.low, one.high], [at, at], color=BLUE, linewidth=2.2, solid_capstyle="butt", zorder=2)
        panel.plot([one.low, one.high], [at, at], color=BLUE, linestyle="none", marker="|", markersize=8, zorder=2)
    panel.plot([one.value], [at], color=BLUE, marker="o", markersize=6.5, zorder=3)


def _n(one: Estimate) -> str:
    return f"{one.n:,}" + (f", {one.missing:,} missing" if one.missing else "")


def _said(one: Estimate) -> str:
    return number(one.value) if one.value is not None else NOTHING


def _limits(panel: Axes, shown: Sequence[Estimate]) -> None:
    """From 0 to 1 for what lies there; elsewhere as wide as the data."""
    ends = [end for one in shown for end in (one.value, one.low, one.high) if end is not None]
    if ends and min(ends) >= 0 and max(ends) <= 1:
        panel.set_xlim(-0.02, 1.02)
    elif ends:
        panel.set_xlim(*stretched(ends))
    else:
        panel.set_xlim(0, 1)

"""Models beside one another: what an answer costs against how good it is, and how long answers take."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from awo.derive.charts.labels import TITLE_CHARACTERS, label
from awo.derive.charts.panels import (
    GROUPS_DRAWN,
    PANELS_DRAWN,
    beside,
    finish_rows,
    height_of,
    left_out,
    scale_for,
)
from awo.derive.charts.picture import BLUE, GREY, INK, PALE, PAPER, Picture, picture

if TYPE_CHECKING:
    from matplotlib.axes import Axes

COST_NAME: Final = "cost"
LATENCY_NAME: Final = "latency"

_PLOT_IN: Final = 4.2


@dataclass(frozen=True, slots=True)
class Priced:
    """A model's mean of one metric, and what its answers cost on average in US dollars."""

    model: str
    value: float
    low: float | None
    high: float | None
    usd_per_answer: float
    answers: int


@dataclass(frozen=True, slots=True)
class CostOfScore:
    """One metric, and the models of which both its value and their cost are known; at least one of them."""

    metric: str
    axis: str
    models: Sequence[Priced]


@dataclass(frozen=True, slots=True)
class Latencies:
    """How long a model's answers took: 5th, 25th, 50th, 75th and 95th percentile in milliseconds, over `answers`."""

    model: str
    answers: int
    p5: float
    p25: float
    p50: float
    p75: float
    p95: float


def cost_picture(found: Sequence[CostOfScore], unpriced: int) -> Picture:
    """Cost to the right, quality upwards. `unpriced` models have no known cost; `found` has at least one."""
    drawn = found[:PANELS_DRAWN]
    notes = left_out("metrics", len(found), len(drawn))
    notes += left_out("models", max(len(one.models) for one in found), GROUPS_DRAWN)
    if unpriced:
        notes += (f"{unpriced:,} model{'s' if unpriced > 1 else ''} without a known cost not drawn.",)

    def paint(panels: list[Axes]) -> None:
        for panel, one in zip(panels, drawn, strict=True):
            _paint_cost(panel, one)

    return picture(COST_NAME, "Cost against quality, by model", [_PLOT_IN] * len(drawn), paint, notes)


def latency_picture(found: Sequence[Latencies], notes: tuple[str, ...] = ()) -> Picture:
    """How long answers took, a box for each model. `found` has at least one."""
    drawn = found[:GROUPS_DRAWN]
    notes = left_out("models", len(found), len(drawn)) + notes

    def paint(panels: list[Axes]) -> None:
        _paint_latency(panels[0], drawn)

    return picture(LATENCY_NAME, "Time to an answer, by model", [height_of(len(drawn))], paint, notes)


def _paint_cost(panel: Axes, one: CostOfScore) -> None:
    from matplotlib.lines import Line2D

    models = sorted(one.models[:GROUPS_DRAWN], key=lambda model: -model.value)
    costs = [1000 * model.usd_per_answer for model in models]
    scale_for(panel, costs)
    for at, (cost, model) in enumerate(zip(costs, models, strict=True), 1):
        if model.low is not None and model.high is not None:
            panel.plot([cost, cost], [model.low, model.high], color=BLUE, linewidth=1.4, alpha=0.5, zorder=2)
        panel.plot([cost], [model.value], color=BLUE, marker="o", markersize=13, markeredgecolor=PAPER, zorder=3)
        panel.text(cost, model.value, f"{at}", ha="center", va="center", color=PAPER, fontsize=7.5, zorder=4)
    panel.margins(x=0.1, y=0.1)
    panel.grid(color="#EEEEEE", linewidth=0.8)
    panel.set_axisbelow(True)
    panel.set_title(label(one.metric, TITLE_CHARACTERS))
    panel.set_xlabel("US dollars for 1,000 answers")
    panel.set_ylabel(label(one.axis))
    keys = [
        Line2D([], [], linestyle="none", label=f"{at}  {label(model.model, 28)}  (n = {model.answers:,})")
        for at, model in enumerate(models, 1)
    ]
    panel.legend(
        handles=keys,
        loc="center left",
        bbox_to_anchor=(1.01, 0.5),
        frameon=False,
        fontsize=8,
        handlelength=0,
        handletextpad=0,
    )


def _paint_latency(panel: Axes, models: Sequence[Latencies]) -> None:
    in_s = max(one.p95 for one in models) >= 2000
    unit = 1000.0 if in_s else 1.0
    ends = [end / unit for one in models for end in (one.p5, one.p95)]
    scale_for(panel, ends)
    if panel.get_xscale() == "linear":
        longest = max(*ends, 1 / unit)
        panel.set_xlim(-0.01 * longest, 1.05 * longest)
    for at, one in enumerate(models):
        panel.axhline(at, color=PALE, linewidth=0.6, zorder=0)
        panel.bxp(
            [
                {
                    "whislo": one.p5 / unit,
                    "q1": one.p25 / unit,
                    "med": one.p50 / unit,
                    "q3": one.p75 / unit,
                    "whishi": one.p95 / unit,
                }
            ],
            positions=[at],
            widths=0.5,
            orientation="horizontal",
            showfliers=False,
            manage_ticks=False,
            patch_artist=True,
            boxprops={"facecolor": PAPER, "edgecolor": BLUE, "linewidth": 1.4},
            medianprops={"color": BLUE, "linewidth": 2.6},
            whiskerprops={"color": BLUE, "linewidth": 1.2},
            capprops={"color": BLUE, "linewidth": 1.2},
        )
    finish_rows(panel, [f"{label(one.model)}  (n = {one.answers:,})" for one in models])
    beside(panel, [_duration(one.p50) for one in models])
    panel.set_title("Time to an answer")
    panel.set_xlabel(
        f"{'seconds' if in_s else 'milliseconds'}: box from 25 to 75 %, line at the median, whiskers 5 to 95 %"
    )
    panel.xaxis.label.set_color(INK)
    panel.spines["bottom"].set_color(GREY)


def _duration(ms: float) -> str:
    if ms < 1:
        return "under 1 ms"
    return f"{ms:.0f} ms" if ms < 1000 else f"{ms / 1000:.2f} s"

"""The agreement of each pair of raters as numbers on colours that part at 0, one panel for each coefficient."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from awo.derive.charts.labels import TITLE_CHARACTERS, label
from awo.derive.charts.panels import left_out
from awo.derive.charts.picture import GREY, INK, PALE, PAPER, WIDTH_IN, Picture, picture
from awo.derive.numbers import MINUS, NOTHING, number
from awo.evidence.statistics import Agreement

if TYPE_CHECKING:
    from matplotlib.axes import Axes

NAME: Final = "agreement"
RATERS_DRAWN: Final = 20
MATRICES_DRAWN: Final = 4

DARK_FROM: Final = 0.65
"""From here on the colours of the scale are so dark that their numbers are written in white."""

_COEFFICIENTS: Final = {
    "krippendorff_alpha": "Krippendorff's alpha",
    "fleiss_kappa": "Fleiss' kappa",
    "cohen_kappa": "Cohen's kappa",
}


@dataclass(frozen=True, slots=True)
class Raters:
    """One agreement of a step of statistics; its raters in the order in which they are drawn."""

    step: str
    name: str
    result: Agreement


def agreement_picture(found: Sequence[Raters]) -> Picture:
    """Each coefficient with pairs as a matrix. `found` has at least one, and each has pairs."""
    drawn = found[:MATRICES_DRAWN]
    notes = left_out("matrices", len(found), len(drawn))
    for one in drawn:
        notes += left_out("raters", len(one.result.raters), RATERS_DRAWN)
    heights = [1.6 + _side(len(one.result.raters)) * min(len(one.result.raters), RATERS_DRAWN) for one in drawn]

    def paint(panels: list[Axes]) -> None:
        for panel, one in zip(panels, drawn, strict=True):
            _paint(panel, one)

    return picture(NAME, "Agreement of each pair of raters", heights, paint, notes)


def _side(raters: int) -> float:
    """Inches of a cell: all fit into the width, and few are not huge."""
    return min(0.55, (WIDTH_IN - 2.2) / min(raters, RATERS_DRAWN))


def _paint(panel: Axes, found: Raters) -> None:
    import matplotlib as mpl
    from matplotlib.patches import Rectangle

    one = found.result
    raters = one.raters[:RATERS_DRAWN]
    place = {rater: at for at, rater in enumerate(raters)}
    colours = mpl.colormaps["RdBu"]
    size = 8.5 if len(raters) <= 10 else 7 if len(raters) <= 16 else 6
    for at in range(len(raters)):
        panel.add_patch(Rectangle((at - 0.5, at - 0.5), 1, 1, facecolor=PALE, edgecolor=PAPER, linewidth=1))
    for pair in one.pairs:
        if pair.a not in place or pair.b not in place or pair.a == pair.b:
            continue
        held = min(max(pair.value or 0.0, -1.0), 1.0)
        fill = PAPER if pair.value is None else colours((held + 1) / 2)
        ink = INK if abs(held) < DARK_FROM else PAPER
        said = NOTHING if pair.value is None else f"{pair.value:.2f}".replace("-", MINUS)
        for x, y in ((place[pair.a], place[pair.b]), (place[pair.b], place[pair.a])):
            panel.add_patch(Rectangle((x - 0.5, y - 0.5), 1, 1, facecolor=fill, edgecolor=PAPER, linewidth=1))
            panel.text(x, y, said, ha="center", va="center", color=ink, fontsize=size)
    names = [label(rater, 22) for rater in raters]
    panel.set_xticks(range(len(raters)), names, rotation=45, ha="right", rotation_mode="anchor")
    panel.set_yticks(range(len(raters)), names)
    panel.set_xlim(-0.5, len(raters) - 0.5)
    panel.set_ylim(len(raters) - 0.5, -0.5)
    panel.set_aspect("equal")
    panel.tick_params(length=0, labelsize=8)
    for spine in panel.spines.values():
        spine.set_visible(False)
    panel.set_title(label(f"{found.name}: {_COEFFICIENTS[one.coefficient]}, {one.level}", TITLE_CHARACTERS), pad=22)
    over = f"over all {len(one.raters):,} raters {number(one.value)}, {one.items:,} items  (step {label(found.step)})"
    panel.annotate(
        over, (0, 1), (0, 6), xycoords="axes fraction", textcoords="offset points", va="bottom", fontsize=8, color=GREY
    )

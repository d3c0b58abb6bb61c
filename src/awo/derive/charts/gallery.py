"""report/pictures.md: the pictures below one another, what each shows, and what could not be drawn."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from awo.derive.charts.picture import Picture
from awo.derive.markdown import inline

SHOWS: Final[Mapping[str, str]] = {
    "scores": "A dot is the estimate of a group, its line the interval. The numbers at the right are the estimates.",
    "differences": "A dot is the first arm less the second on the same items, its line the interval. The orange band "
    "is the A/A control: the largest difference of an arm from itself between repeats. A dot inside it is no more "
    "than noise.",
    "agreement": "1 is full agreement, 0 what chance alone would give. Blue is more than that, red is less.",
    "cost": "Better is up, cheaper is left.",
    "latency": "The box holds the middle half of the answers, the thick line is the median, which stands at the right; "
    "a tenth of the answers lie beyond the whiskers. A reused response has the time that it took when it was bought.",
}


def gallery(pictures: Sequence[Picture], failed: Mapping[str, str]) -> str:
    """The page. `failed` says of pictures by name why they are not there."""
    opening = (
        "# Pictures\n\nDrawn from the same values as the tables of [report.md](../report.md), which say more. Each is "
        "there as SVG and as PNG; the PNG lacks letters that its font does not have.\n"
    )
    said = [opening]
    for one in pictures:
        said.append(f"## {one.title}\n\n![{one.title}]({one.name}.svg)\n\n{SHOWS[one.name]} [PNG]({one.name}.png)\n")
        said += [f"{note}\n" for note in one.notes]
    for name, why in failed.items():
        said.append(f"## Not drawn: {name}\n\n{inline(why)}\n")
    return "\n".join(said)

"""What a picture is, and the frame that all of them are drawn in: one style, no date, the same bytes each time."""

from __future__ import annotations

import importlib.util
import io
import logging
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from awo.errors import CannotCheck

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

WIDTH_IN: Final = 8.0
PNG_DPI: Final = 144

# From the palette of Okabe and Ito (2008), which people with any of the common kinds of colour blindness tell apart.
BLUE: Final = "#0072B2"
ORANGE: Final = "#E69F00"
VERMILION: Final = "#D55E00"
INK: Final = "#222222"
GREY: Final = "#6E6E6E"
PALE: Final = "#D9D9D9"
PAPER: Final = "#FFFFFF"

_FONT: Final = "DejaVu Sans"  # comes with matplotlib, so that it is there and the same everywhere
_FONTS_OF_VIEWERS: Final = f"'{_FONT}', Verdana, Arial, sans-serif"

_STYLE: Final[dict[str, Any]] = {
    "axes.edgecolor": GREY,
    "axes.labelcolor": INK,
    "axes.labelsize": 9,
    "axes.spines.right": False,
    "axes.spines.top": False,
    "axes.titlelocation": "left",
    "axes.titlesize": 10,
    "axes.titleweight": "bold",
    "axes.unicode_minus": True,
    "figure.facecolor": PAPER,
    "font.family": [_FONT],
    "font.size": 9,
    "savefig.facecolor": PAPER,
    "svg.fonttype": "none",
    "svg.hashsalt": "awo",
    "text.color": INK,
    "text.parse_math": False,
    "text.usetex": False,
    "xtick.color": INK,
    "xtick.labelsize": 8,
    "ytick.color": INK,
    "ytick.labelsize": 8.5,
}


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture in both formats. `name` is that of its files without ending; `notes` are what was left out of it,
    as plain sentences in our own words and numbers."""

    name: str
    title: str
    svg: bytes
    png: bytes
    notes: tuple[str, ...] = ()


def is_installed() -> bool:
    """Whether matplotlib is there; does not load it."""
    return importlib.util.find_spec("matplotlib") is not None


def picture(
    name: str, title: str, heights_in: list[float], paint: Callable[[list[Axes]], None], notes: tuple[str, ...] = ()
) -> Picture:
    """`paint` draws into panels of these heights below one another. The same input gives the same bytes under one
    version of matplotlib. Raises `CannotCheck` where matplotlib is not installed."""
    with _drawing():
        from matplotlib.figure import Figure

        figure = Figure(figsize=(WIDTH_IN, sum(heights_in)), layout="constrained")
        engine = figure.get_layout_engine()
        if engine is not None:
            engine.set(w_pad=0.1, h_pad=0.1, hspace=0.04)  # type: ignore[call-arg]
        grid = figure.add_gridspec(len(heights_in), 1, height_ratios=heights_in)
        paint([figure.add_subplot(grid[row, 0]) for row in range(len(heights_in))])
        return Picture(name=name, title=title, svg=_svg(figure, title), png=_png(figure), notes=notes)


@contextmanager
def _drawing() -> Iterator[None]:
    """matplotlib with its own defaults and our style, whatever the user's settings, and silent: a letter that the
    font lacks is a box in the PNG, and is what the viewer's fonts make of it in the SVG."""
    log = logging.getLogger("matplotlib")
    before = log.level
    log.setLevel(logging.CRITICAL)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            try:
                import matplotlib as mpl
            except ModuleNotFoundError as error:
                raise CannotCheck(
                    "pictures need the package matplotlib, which is not installed", hint="pip install 'awo[charts]'"
                ) from error
            style: Any = {name: value for name, value in mpl.rcParamsDefault.items() if name != "backend"} | _STYLE
            with mpl.rc_context(style):
                yield
    finally:
        log.setLevel(before)


def _svg(figure: Figure, title: str) -> bytes:
    stream = io.BytesIO()
    nothing = dict.fromkeys(("Date", "Creator", "Format", "Type"))
    figure.savefig(stream, format="svg", metadata=nothing)
    text = stream.getvalue().decode()
    # The document type names an address, and readers of XML may ask it; SVG 2 has none.
    prolog, _, drawing = text.partition("<svg ")
    head = prolog.partition("<!DOCTYPE")[0]
    opening, _, body = drawing.partition(">")
    fonts = body.replace(f"'{_FONT}'", _FONTS_OF_VIEWERS)
    return f'{head}<svg {opening} role="img">\n <title>{title}</title>{fonts}'.encode()


def _png(figure: Figure) -> bytes:
    stream = io.BytesIO()
    figure.savefig(stream, format="png", dpi=PNG_DPI, metadata={"Software": None})
    return stream.getvalue()

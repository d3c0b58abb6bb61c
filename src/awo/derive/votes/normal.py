"""When two answers say the same: what is done to a text before it is compared, in one fixed order."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Collection, Sequence
from typing import Annotated, Final

from msgspec import Meta

from awo.derive.consensus import lowered, spaced
from awo.derive.menu import finder
from awo.evidence.votes import Normal

Normals = Annotated[
    tuple[Normal, ...],
    Meta(
        description="What is done to an answer before it is compared, always in this order: first_line, nfkc, "
        "fold_case, strip_punctuation (at both ends), collapse_space, choice (the one of `choices` that it names)."
    ),
]
Choices = Annotated[
    tuple[Annotated[str, Meta(min_length=1)], ...],
    Meta(description="The menu: an answer that is not on it abstains. Empty for no menu."),
]

ORDER: Final[tuple[Normal, ...]] = (
    "first_line",
    "nfkc",
    "fold_case",
    "strip_punctuation",
    "collapse_space",
    "choice",
)
AS_1X: Final[tuple[Normal, ...]] = ("fold_case", "collapse_space")

Normaliser = Callable[[str], str | None]


def normaliser(normalise: Collection[Normal], choices: Sequence[str]) -> Normaliser:
    """What gives the compared form of an answer, or None for one that is not on the menu.

    Raises `ValueError` for two choices that come out the same, one that comes out empty, and `choice` without any.
    """
    steps = [_STEPS[one] for one in ORDER if one in normalise and one != "choice"]

    def plain(text: str) -> str:
        for step in steps:
            text = step(text)
        return text

    if not choices:
        if "choice" in normalise:
            raise ValueError("`choice` needs `choices`")
        return plain
    menu = [plain(choice) for choice in choices]
    if len(set(menu)) < len(menu):
        raise ValueError("two of `choices` are the same once they are normalised")
    if "" in menu:
        raise ValueError("nothing is left of one of `choices` once it is normalised")
    on_menu = frozenset(menu)
    if "choice" in normalise:
        standing = finder(menu)
        return lambda text: _named(plain(text), on_menu, standing)
    return lambda text: norm if (norm := plain(text)) in on_menu else None


def _named(text: str, menu: Collection[str], standing: Callable[[str], list[str]]) -> str | None:
    """The one choice that stands in `text` as whole words; None for none and for several."""
    if text in menu:
        return text
    found = set(standing(text))
    return found.pop() if len(found) == 1 else None


def _first_line(text: str) -> str:
    """The first line that is not blank."""
    return next((line for line in text.splitlines() if line.strip()), "")


def _nfkc(text: str) -> str:
    return unicodedata.normalize("NFKC", text)


def _stripped(text: str) -> str:
    """Without white space and punctuation (Unicode categories P) at both ends."""
    start, end = 0, len(text)
    while start < end and _is_edge(text[start]):
        start += 1
    while end > start and _is_edge(text[end - 1]):
        end -= 1
    return text[start:end]


def _is_edge(character: str) -> bool:
    return character.isspace() or unicodedata.category(character).startswith("P")


_STEPS: Final[dict[Normal, Callable[[str], str]]] = {
    "first_line": _first_line,
    "nfkc": _nfkc,
    "fold_case": lowered,
    "strip_punctuation": _stripped,
    "collapse_space": spaced,
}

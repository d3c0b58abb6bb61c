"""How texts are made comparable: what of them is ignored is declared, and done in one order."""

from __future__ import annotations

import re
import sys
import unicodedata
from collections.abc import Callable, Collection
from functools import cache
from typing import Annotated, Final, Literal

from msgspec import Meta

Ignored = Literal["case", "space", "punctuation"]
Ignoring = Annotated[
    tuple[Ignored, ...],
    Meta(
        description="What is not looked at: `case`; `space` (at the ends, and how much of it stands within); "
        "`punctuation` (each mark counts as space), but not the sign and the point of a number."
    ),
]
ALL: Final[tuple[Ignored, ...]] = ("case", "space", "punctuation")

_NUMBER = re.compile(r"((?<!\w)[-\u2212]?[0-9]+(?:[.,][0-9]+)*)")


def normaliser(ignore: Collection[Ignored]) -> Callable[[str], str]:
    """A text in the form in which it is compared: NFC; then case folding, punctuation and space as far as ignored."""
    case, punctuation = "case" in ignore, "punctuation" in ignore
    space = punctuation or "space" in ignore

    def normal(text: str) -> str:
        if not text.isascii():
            text = unicodedata.normalize("NFC", text)
        if case:
            text = text.lower() if text.isascii() else unicodedata.normalize("NFC", text.casefold())
        if punctuation:
            text = _without_punctuation(text)
        return " ".join(text.split()) if space else text

    return normal


def _without_punctuation(text: str) -> str:
    marks = _marks()
    parts = _NUMBER.split(text)
    return "".join(
        part.replace("\u2212", "-") if index % 2 else part.translate(marks) for index, part in enumerate(parts)
    )


@cache
def _marks() -> dict[int, str]:
    """Every character of the categories P, as the space that it counts for."""
    return {code: " " for code in range(sys.maxunicode + 1) if unicodedata.category(chr(code)).startswith("P")}

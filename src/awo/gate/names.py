"""Printed names that pass for another's: the same but for case, accents or width, or of mixed alphabets.

This is a net with known holes: names written wholly in another alphabet, and letters of one alphabet that look
alike (`l` and `I`, `rn` and `m`), pass.
"""

from __future__ import annotations

import unicodedata
from typing import Final

_ALPHABETS: Final = ("LATIN", "CYRILLIC", "GREEK", "COPTIC", "ARMENIAN", "CHEROKEE", "LISU")
"""Alphabets with letters that look alike. Others may stand beside Latin ones."""

_OVERLAY: Final = 1
_ATTACHED_OR_ABOVE: Final = 200
"""Canonical combining classes: marks below them belong to the letter itself, as in Kana, Arabic or Hindi."""


def skeleton(name: str) -> str:
    """What is left of a name without case, accents, width, invisible joiners and the length of spaces."""
    spelled = unicodedata.normalize("NFKD", unicodedata.normalize("NFKD", name).casefold())
    kept = "".join(
        c
        for c in spelled
        if unicodedata.category(c) != "Cf"
        and not (unicodedata.combining(c) == _OVERLAY or unicodedata.combining(c) >= _ATTACHED_OR_ABOVE)
    )
    return " ".join(unicodedata.normalize("NFKC", kept).split())


def why_mixed(name: str) -> str:
    """Why a name may pass for another's by its letters alone, as a short clause; empty when it may not."""
    found: dict[str, str] = {}
    for letter in unicodedata.normalize("NFKC", name):
        alphabet = unicodedata.name(letter, "").partition(" ")[0]
        if alphabet in _ALPHABETS and letter.isalpha():
            found.setdefault(alphabet, letter)
    if len(found) < 2:
        return ""
    return "it mixes letters of " + " and ".join(alphabet.capitalize() for alphabet in sorted(found))

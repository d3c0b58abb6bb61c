"""ORCID iDs: their form and their check digit (ISO 7064 MOD 11-2), offline. Whether one exists nobody is asked."""

from __future__ import annotations

import re
from typing import Final

from awo.publish.about.values import Wrong

ADDRESS: Final = "https://orcid.org/"

_BARE = re.compile(r"\d{4}-\d{4}-\d{4}-\d{3}[\dX]", re.ASCII)
_WITH_ADDRESS = re.compile(r"(?i:(?:https?://)?(?:www\.)?orcid\.org/|orcid:\s*)(.+)")


def read_orcid(text: str) -> str:
    """The bare iD, as 0000-0002-1825-0097, of an iD or its address. Raises `Wrong`."""
    address = _WITH_ADDRESS.fullmatch(text.strip())
    bare = (address[1] if address else text).strip().rstrip("/").upper()
    if not _BARE.fullmatch(bare):
        digits = bare.replace("-", "").replace(" ", "")
        spaced = "-".join(digits[start : start + 4] for start in range(0, 16, 4))
        hint = f"write {spaced}" if len(digits) == 16 and _BARE.fullmatch(spaced) else ""
        raise Wrong("is not an ORCID iD", expected="four groups of four, as 0000-0002-1825-0097", hint=hint)
    due = check_digit(bare[:-1])
    if bare[-1] != due:
        raise Wrong(
            f"is not an ORCID iD: its check digit is {bare[-1]}, and for these digits it would be {due}",
            expected="an iD as its owner gives it",
            hint=f"look it up at {ADDRESS}; one digit is wrong, or two changed places",
        )
    return bare


def check_digit(digits: str) -> str:
    """The sixteenth character of an iD for its first fifteen digits; hyphens count for nothing. ISO 7064 MOD 11-2."""
    total = 0
    for digit in digits.replace("-", ""):
        total = (total + int(digit)) * 2
    rest = (12 - total % 11) % 11
    return "X" if rest == 10 else str(rest)

"""Single values that authors write: texts, days, DOIs and addresses, each checked offline."""

from __future__ import annotations

import re
from datetime import date
from typing import Final
from urllib.parse import quote

LONGEST_LINE: Final = 2_000
LONGEST_TEXT: Final = 100_000
"""In characters. More than any repository shows of a title, and of a description."""

_DOI = re.compile(r"10\.\d{4,9}(\.\d+)*/[!-;=?-~]+")  # printable ASCII without < and >
_DOI_ADDRESS = re.compile(r"(?i:https?://(?:dx\.|www\.)?doi\.org/|doi:\s*)(.+)")
_ADDRESS = re.compile(r"(https?|s?ftp)://[!#-;=?-\[\]_a-z~]+")
_IN_ADDRESS: Final = "/:;(),!$&'*+=@"
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
_GAP = re.compile(r"\s+")
# Controls, lone surrogates, and what turns the direction of the text around it.
_UNWANTED = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff\ufffe\uffff]")


class Wrong(ValueError):
    """A value cannot be taken: what is wrong with it, as the end of a sentence that begins with its field's name."""

    def __init__(self, what: str, *, expected: str = "", hint: str = "") -> None:
        super().__init__(what)
        self.what = what
        self.expected = expected
        self.hint = hint


def one_line(text: str) -> str:
    """`text` with each gap as one space. Raises `Wrong` for what no line of print holds."""
    return _GAP.sub(" ", lines(text, LONGEST_LINE)).strip()


def lines(text: str, longest: int = LONGEST_TEXT) -> str:
    """`text` without gaps around it. Raises `Wrong` for characters that cannot be printed, and for too many."""
    if len(text) > longest:
        raise Wrong(f"is too long, with {len(text):,} characters", expected=f"at most {longest:,}")
    if found := _UNWANTED.search(text):
        what = f"has a character that cannot be printed: U+{ord(found[0]):04X} in place {found.start() + 1}"
        raise Wrong(what, expected="text", hint="remove it; it may have come from a program that copied the text")
    return text.strip()


def doi(text: str) -> str:
    """A bare DOI. Raises `Wrong`, which says how to write an address of a DOI bare."""
    if _DOI.fullmatch(text):
        return text
    address = _DOI_ADDRESS.fullmatch(text)
    if address and _DOI.fullmatch(address[1]):
        raise Wrong("is an address, not a bare DOI", expected="10.…/…", hint=f"write {address[1]}")
    raise Wrong("is not a DOI", expected="10.…/…, as 10.5281/zenodo.1234567")


def doi_address(doi: str) -> str:
    """Where a bare DOI leads."""
    return f"https://doi.org/{quote(doi, safe=_IN_ADDRESS)}"


def day(text: str) -> str:
    """A day of the calendar as YYYY-MM-DD. Raises `Wrong`."""
    if not _DAY.fullmatch(text):
        raise Wrong("is not a day", expected="YYYY-MM-DD, as 2026-11-23")
    try:
        return date.fromisoformat(text).isoformat()
    except ValueError as error:
        raise Wrong("is not a day of the calendar", expected="YYYY-MM-DD") from error


def address(text: str) -> str:
    """An address on the web. Raises `Wrong`."""
    if len(text) <= LONGEST_LINE and _ADDRESS.fullmatch(text):
        return text
    raise Wrong("is not an address", expected="https://…, spaces and letters beyond ASCII written as %20 and so on")

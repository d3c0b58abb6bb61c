"""A reference as a BibTeX entry that BibTeX, biber and their readers take whatever is in it."""

from __future__ import annotations

import re
from typing import Final

from awo.publish.about.reference import MEDIUM, Reference
from awo.publish.about.shapes import Creator

MONTHS: Final = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")

# BibTeX counts braces even behind a back slash: they come as words of their own.
_SPECIAL: Final = {
    "\\": r"\textbackslash{}",
    "{": r"\textbraceleft{}",
    "}": r"\textbraceright{}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "|": r"\textbar{}",
    '"': '{"}',
} | {sign: f"\\{sign}" for sign in "#$%&_"}
_special = re.compile("[" + re.escape("".join(_SPECIAL)) + "]")
_ORDINARY_NAME = re.compile(r"[^\W\d_]+(?:['\u2019 -][^\W\d_]+)*\.?", re.UNICODE)
_AND = re.compile(r"\band\b", re.IGNORECASE)
_NOT_IN_ADDRESS = re.compile(r"[{}\\%]")


def bibtex(reference: Reference) -> str:
    """One `@misc` entry in UTF-8, its key the run's id, ended by a newline.

    The title is in double braces, so that no style changes its capitals. DOI and address stand as they are, for
    `\\url` and `\\doi` take them so, but that what would end them is spelled %7B.
    """
    fields = {
        "author": " and ".join(_author(one) for one in reference.creators),
        "title": "{" + _text(reference.title) + "}",
        "howpublished": _text(MEDIUM),
        "publisher": _text(reference.publisher),
        "year": reference.year,
        "month": MONTHS[int(reference.day[5:7]) - 1],
        "version": _text(reference.version),
        "doi": _verbatim(reference.doi),
        "url": _verbatim(reference.address),
        "keywords": _text(", ".join(reference.keywords)),
        "note": _text(_note(reference)),
    }
    said = [f"  {name} = {_valued(name, value)},\n" for name, value in fields.items() if value]
    return f"@misc{{{reference.run_id},\n{''.join(said)}}}\n"


def _valued(name: str, value: str) -> str:
    return value if name == "month" else f"{{{value}}}"


def _text(text: str) -> str:
    return _special.sub(lambda found: _SPECIAL[found[0]], " ".join(text.split()))


def _author(one: Creator) -> str:
    """`Family, Given`; in braces, as one name, what BibTeX would take apart."""
    if not one.family:
        return f"{{{_text(one.name)}}}"
    return f"{_name(one.family)}, {_name(one.given)}" if one.given else _name(one.family)


def _name(text: str) -> str:
    words = text.replace(". ", " ").replace(".", "")
    is_plain = bool(_ORDINARY_NAME.fullmatch(words)) and not _AND.search(text)
    return _text(text) if is_plain else f"{{{_text(text)}}}"


def _verbatim(text: str) -> str:
    return _NOT_IN_ADDRESS.sub(lambda found: f"%{ord(found[0]):02X}", text)


def _note(reference: Reference) -> str:
    licence = f" Licence: {reference.licence}." if reference.licence else ""
    return f"Recorded with {reference.software}. SHA-256 of audit/seal.json: {reference.seal_sha256}.{licence}"

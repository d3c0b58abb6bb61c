"""Names inside a run folder: relative, `/` between parts, nothing that means something else elsewhere."""

from __future__ import annotations

import unicodedata

LONGEST_PART_BYTES = 100
LONGEST_PARENT_BYTES = 120

_USUAL = str.maketrans("", "", "/_-.")
_RESERVED = frozenset({"con", "prn", "aux", "nul"} | {f"{d}{n}" for d in ("com", "lpt") for n in range(1, 10)})


def why_not_inside(path: str) -> str:
    """Why `path` may not name a file inside a run, as a short clause; empty when it may.

    Refused: absolute paths, `.`, `..`, empty parts, back slashes, control and format characters,
    text that is not UTF-8 or not in Unicode form C, names that Windows reserves or cannot hold,
    parts of more than 100 bytes, and parents of more than 120 bytes (so that every name fits a
    ustar header together with the run's id).
    """
    return _why_not_text(path) or _why_not_parts(path.split("/"))


def _why_not_text(path: str) -> str:
    if not path:
        return "it is empty"
    if path.isascii() and path.translate(_USUAL).isalnum():
        return "it is absolute" if path.startswith("/") else ""
    if "\\" in path:
        return "it has a back slash"
    if any(unicodedata.category(c) in ("Cc", "Cf", "Cs", "Zl", "Zp") for c in path):
        return "it has a control character or a character that is not text"
    if unicodedata.normalize("NFC", path) != path:
        return "it is not in Unicode normal form C"
    if any(c in '<>:"|?*' for c in path):
        return 'it has one of the characters < > : " | ? *'
    return "it is absolute" if path.startswith("/") else ""


def _why_not_parts(parts: list[str]) -> str:
    for part in parts:
        if part in ("", ".", ".."):
            return "it has an empty, '.' or '..' part"
        if len(part.encode()) > LONGEST_PART_BYTES:
            return f"a part is longer than {LONGEST_PART_BYTES} bytes"
        if part[-1] in " .":
            return "a part ends in a dot or a space"
        if part.split(".", 1)[0].lower() in _RESERVED:
            return "a part is a name that Windows reserves"
    if sum(len(part.encode()) + 1 for part in parts[:-1]) > LONGEST_PARENT_BYTES:
        return f"its folders take more than {LONGEST_PARENT_BYTES} bytes"
    return ""


def folded(path: str) -> str:
    """The spelling under which a case-insensitive file system would see `path`."""
    return unicodedata.normalize("NFC", path.casefold())

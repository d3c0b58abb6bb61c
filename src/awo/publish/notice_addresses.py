"""Whom to tell, from the environment alone: addresses as Apprise spells them, and what in them is secret."""

from __future__ import annotations

import os
import re
import stat
import urllib.parse
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

from awo.errors import CannotCheck
from awo.evidence.secrets import SHORTEST_SECRET

URLS_VARIABLE: Final = "AWO_NOTIFY_URLS"
FILE_VARIABLE: Final = "AWO_NOTIFY_URLS_FILE"
LARGEST_FILE_BYTES: Final = 1 << 16
MOST_ADDRESSES: Final = 50

Environment = Mapping[str, str]

_BETWEEN = re.compile(r"[\s,]+(?=[A-Za-z][A-Za-z0-9+.-]*://)|\s+")
_SCHEME = re.compile(r"([a-z][a-z0-9+.-]{0,19})://", re.IGNORECASE)
_HOST = re.compile(
    r"(?:[^@]*@)?(?:localhost|\d{1,3}(?:\.\d{1,3}){3}|\[[0-9a-f:.]+\]|(?:[\w-]+\.)+[a-z]{2,24})(?::\d+)?", re.IGNORECASE
)
_TELLING_NAME = re.compile(r"key|token|secret|pass|pwd|auth|sid|code|sig", re.IGNORECASE)


def addresses(environment: Environment) -> tuple[str, ...]:
    """The addresses of `AWO_NOTIFY_URLS` and of the file that `AWO_NOTIFY_URLS_FILE` names; none means: tell nobody.

    They stand between white space, or commas before a scheme; a line of the file that begins with `#` is a comment.
    Raises `CannotCheck` for a file that is missing or that others may read; the error says nothing that is in it.
    """
    found = [one for one in _BETWEEN.split(environment.get(URLS_VARIABLE, "").strip(" \t\r\n,")) if one]
    if path := environment.get(FILE_VARIABLE, ""):
        lines = [line for line in _read(Path(path).expanduser()).splitlines() if not line.lstrip().startswith("#")]
        found += [one for one in _BETWEEN.split(" ".join(lines).strip(" \t\r\n,")) if one]
    if len(found) > MOST_ADDRESSES:
        raise CannotCheck(
            "there are too many addresses for notices", where=URLS_VARIABLE, expected=f"at most {MOST_ADDRESSES}"
        )
    return tuple(dict.fromkeys(found))


def is_set_up(environment: Environment) -> bool:
    """Whether anybody is to be told at all."""
    return bool(environment.get(URLS_VARIABLE, "").strip() or environment.get(FILE_VARIABLE, ""))


def counted(listed: tuple[str, ...]) -> str:
    """How many addresses there are of each scheme, as `json 1, mailto 2`; nothing else of them is shown."""
    schemes = Counter(match[1].lower() if (match := _SCHEME.match(one)) else "not an address" for one in listed)
    return ", ".join(f"{scheme} {number}" for scheme, number in sorted(schemes.items()))


def secrets(environment: Environment) -> dict[str, str]:
    """What must be cut from everything recorded and shown: each address whole, and what in it looks like a token.

    Names of hosts, addresses of mail and plain words are left alone, since texts have them by right. Never raises.
    """
    try:
        listed = addresses(environment)
    except CannotCheck:
        listed = ()
    found: dict[str, str] = {}
    for number, address in enumerate(listed, 1):
        for place, piece in enumerate(_secret_pieces(address)):
            found[f"{URLS_VARIABLE} {number}.{place}"] = piece
    if given := environment.get(URLS_VARIABLE, "").strip():
        found[URLS_VARIABLE] = given
    return {name: value for name, value in found.items() if len(value) >= SHORTEST_SECRET}


def _secret_pieces(address: str) -> Iterator[str]:
    yield address
    rest = address.partition("://")[2]
    if not rest:
        return
    if not _HOST.fullmatch(rest):
        yield rest
    before, _, query = rest.partition("?")
    user_info, at, behind = before.rpartition("@")
    if at and "/" not in user_info:
        name, colon, password = user_info.partition(":")
        yield from _both(password)
        yield from (piece for piece in _both(name) if not colon or _is_token(piece))
        before = behind
    for segment in re.split(r"[/#,]", before):
        yield from (piece for piece in _both(segment) if _is_token(piece))
    for name, _, value in (pair.partition("=") for pair in re.split(r"[&;]", query.partition("#")[0])):
        yield from (piece for piece in _both(value) if _is_token(piece) or _TELLING_NAME.search(name))


def _both(piece: str) -> tuple[str, ...]:
    """A piece as it stands in the address, and as it is meant."""
    return tuple(dict.fromkeys((piece, urllib.parse.unquote(piece))))


def _is_token(piece: str) -> bool:
    """Whether this is no host, no number and no word that a text might have."""
    if len(piece) < SHORTEST_SECRET or _HOST.fullmatch(piece):
        return False
    has_letter, has_digit = any(c.isalpha() for c in piece), any(c.isdigit() for c in piece)
    is_mixed = piece != piece.lower() and piece[1:] != piece[1:].lower()
    return (has_letter and (has_digit or is_mixed)) or len(piece) >= 20


def _read(path: Path) -> str:
    where = f"the file that {FILE_VARIABLE} names"
    try:
        with path.open("rb") as stream:
            status = os.fstat(stream.fileno())
            if not stat.S_ISREG(status.st_mode) or status.st_size > LARGEST_FILE_BYTES:
                raise CannotCheck("the file with addresses for notices is not a small regular file", where=where)
            if os.name == "posix" and status.st_mode & 0o077:
                raise CannotCheck(
                    "others on this machine may read the file with addresses for notices",
                    where=where,
                    expected="mode 600",
                    got=f"mode {stat.S_IMODE(status.st_mode):o}",
                    hint="chmod 600 the file; if others were here, make new tokens",
                )
            return stream.read().decode()
    except OSError as error:
        raise CannotCheck(
            f"the file with addresses for notices cannot be read: {error.strerror}", where=where
        ) from error
    except UnicodeDecodeError:
        raise CannotCheck("the file with addresses for notices is not UTF-8", where=where) from None

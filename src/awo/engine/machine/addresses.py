"""Addresses that may stand in a record: without user, password, query or fragment, and never a folder of a machine."""

from __future__ import annotations

import re
from typing import Final
from urllib.parse import urlsplit

LOCAL: Final = "a folder of the machine"
HIDDEN: Final = "not recorded: it could hold a password"
LONGEST: Final = 500

_SCHEME = re.compile(r"(?:git\+|hg\+|svn\+|bzr\+)?(?:https?|ssh|git|svn)", re.IGNORECASE)
_SHORT_SSH = re.compile(r"(?:[^@/\s]+@)?([A-Za-z0-9][A-Za-z0-9.-]+):(?!/?/)([^?#@\s]+)")


def public_address(text: str) -> str:
    """The address without what could be secret; a sentence where nothing of it may be told, '' for ''.

    A token that somebody wrote into the path cannot be told from a path: keep it out of the address.
    """
    text = text.strip()
    if "://" not in text:
        short = _SHORT_SSH.fullmatch(text)
        if short is not None:
            return f"{short[1]}:{short[2]}"[:LONGEST]
        return HIDDEN if "@" in text else LOCAL if text else ""
    try:
        split = urlsplit(text)
        host, port = split.hostname or "", split.port
    except ValueError:
        return HIDDEN
    if split.scheme.lower() == "file":
        return LOCAL
    behind = f"{split.path}{split.query}{split.fragment}"
    if not _SCHEME.fullmatch(split.scheme) or not host or "@" in behind or not behind.isprintable():
        return HIDDEN  # a password with a slash in it ends the host for whoever parses
    host = f"[{host}]" if ":" in host else host
    return f"{split.scheme.lower()}://{host}{f':{port}' if port is not None else ''}{split.path}"[:LONGEST]

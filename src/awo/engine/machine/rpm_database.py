"""Reads rpm's database of installed packages: SQLite, with one header of rpm's own form for each package.

The form is that of rpm's header (rpm documentation, "Package format", section "Header structure"), without its magic.
"""

from __future__ import annotations

import sqlite3
import struct
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Final

NAME: Final = 1000
VERSION: Final = 1001
RELEASE: Final = 1002
EPOCH: Final = 1003
ARCHITECTURE: Final = 1022
_WANTED: Final = (NAME, VERSION, RELEASE, EPOCH, ARCHITECTURE)
_INT32: Final = 4
_TEXTS: Final = (6, 8, 9)  # string, array of strings, text in several languages
_ENTRY: Final = struct.Struct(">IIII")
MOST_ENTRIES: Final = 100_000


class BadDatabase(ValueError):
    """The database is not what rpm writes; the message says why."""


def read_rpm_database(path: Path) -> Iterator[dict[str, str]]:
    """Name, version (with epoch and release, as rpm prints it) and architecture of each package.

    Opened for reading as a file that nobody changes, so that no lock and no file is made. Raises `BadDatabase`.
    """
    try:
        with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro&immutable=1", uri=True)) as database:
            for (blob,) in database.execute("SELECT blob FROM Packages"):
                if not isinstance(blob, bytes):
                    raise BadDatabase("a package has no header")
                yield _package(blob)
    except sqlite3.Error as error:
        raise BadDatabase(f"SQLite says: {error}") from error


def _package(header: bytes) -> dict[str, str]:
    said = _wanted(header)
    epoch = f"{said[EPOCH]}:" if EPOCH in said else ""
    release = f"-{said[RELEASE]}" if RELEASE in said else ""
    return {
        "name": said.get(NAME, ""),
        "version": f"{epoch}{said.get(VERSION, '')}{release}",
        "architecture": said.get(ARCHITECTURE, ""),
    }


def _wanted(header: bytes) -> dict[int, str]:
    """The values of the tags that are looked at, as text."""
    try:
        count, size = struct.unpack_from(">II", header)
        start = 8 + count * _ENTRY.size
        if count > MOST_ENTRIES or start + size > len(header):
            raise BadDatabase("a header is longer than it says")
        found = {}
        for number in range(count):
            tag, kind, offset, _ = _ENTRY.unpack_from(header, 8 + number * _ENTRY.size)
            if tag not in _WANTED or offset >= size:
                continue
            if kind == _INT32:
                found[tag] = str(struct.unpack_from(">i", header, start + offset)[0])
            elif kind in _TEXTS:
                end = header.index(b"\0", start + offset)
                found[tag] = header[start + offset : end].decode(errors="replace")
    except (struct.error, ValueError) as error:
        raise BadDatabase("a header cannot be read") from error
    return found

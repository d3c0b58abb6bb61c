"""What a package is read from: a stream of its files, each met once, in one order."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Literal, Protocol

from awo.errors import EvidenceError
from awo.evidence.layout import DISCLOSURE_KEY, INPUT, JOURNAL, PARTIAL, REDACTIONS, SEAL, SEAL_SIGNATURE, SUMS

READ_FIRST = (SEAL, SEAL_SIGNATURE, SUMS, f"{REDACTIONS}/", DISCLOSURE_KEY, INPUT, f"{INPUT}{PARTIAL}", JOURNAL)
"""Read before all other files, so that one pass is enough; the rest follows sorted by the bytes of its path."""

_RANK = {path: rank for rank, path in enumerate(READ_FIRST)}
_REDACTIONS = READ_FIRST[3]


def in_order(path: str) -> tuple[int, str]:
    """The sort key of a file's path in a package."""
    if path.startswith(_REDACTIONS):
        return _RANK[_REDACTIONS], path
    return _RANK.get(path, len(READ_FIRST)), path


class Found:
    """A plain file of `size_bytes`. `chunks` gives its bytes in pieces, each valid until the next is asked for.

    Reading a chunk may raise `OSError` (a folder) or `Broken` (a bundle). A file in a folder that
    is being written to may give another number of bytes than it says.
    """

    __slots__ = ("chunks", "path", "size_bytes")

    def __init__(self, path: str, size_bytes: int, chunks: Iterable[bytes | memoryview]) -> None:
        self.path = path
        self.size_bytes = size_bytes
        self.chunks = chunks


@dataclass(frozen=True, slots=True)
class Refused:
    """Something that may not be in a package, not looked into. `what` is a sentence without its stop."""

    path: str
    what: str


@dataclass(frozen=True, slots=True)
class Unreadable:
    """A file or folder that this user cannot read here."""

    path: str
    why: str


class Broken(EvidenceError):
    """The container cannot be read any further. `check` is the check that fails by it."""

    def __init__(
        self, what: str, *, check: Literal["EP-1.1", "EP-1.2"], where: str, expected: str = "", got: str = ""
    ) -> None:
        super().__init__(what, where=where, expected=expected, got=got)
        self.check = check


class Source(Protocol):
    """A package as a stream. Memory is bounded by names, never by contents."""

    @property
    def kind(self) -> Literal["folder", "bundle"]: ...

    @property
    def top(self) -> str:
        """The name of the folder that holds the package; of a bundle known once a file was met."""

    @property
    def mtime(self) -> int | None:
        """The one time that all members of a bundle have, in seconds since 1970 (UTC); None for a folder."""

    @property
    def attached(self) -> Mapping[str, str]:
        """What lies beside the package in a bundle, with their digests; known after the last file."""

    def items(self) -> Iterator[Found | Refused | Unreadable]:
        """Every file, `READ_FIRST` first, then sorted by the bytes of its path. Raises `Broken`."""

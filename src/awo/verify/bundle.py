"""A package that lies in a bundle, a `.tar.gz`: read as a stream, checked member by member, never unpacked."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import BinaryIO, Literal

from awo.canon.digest import sha256_running
from awo.canon.names import Names
from awo.canon.ustar import BLOCK_BYTES, END, Header, NotAHeader, padding, read_header
from awo.evidence.layout import BESIDE, RUN_ID_PATTERN
from awo.verify.inflate import Inflated
from awo.verify.limits import Limits
from awo.verify.source import Broken, Found, Refused, Unreadable, in_order

_run_id = re.compile(RUN_ID_PATTERN)


class BundleSource:
    """Implements `awo.verify.source.Source` for a bundle.

    The format is the narrowest that GNU tar and others read (spec section 7.3): plain ustar headers
    in one spelling, regular files only, one top folder called as the run, files in the order of
    `in_order`, one time for all, behind the folder perhaps files about it, two zero blocks, the end.
    """

    kind: Literal["folder", "bundle"] = "bundle"

    def __init__(self, stream: BinaryIO, size_bytes: int, name: str, limits: Limits) -> None:
        self.top = ""
        self.mtime: int | None = None
        self.attached: dict[str, str] = {}
        self._limits = limits
        self._inflated = Inflated(stream, size_bytes, name, limits)
        self._names = Names()
        self._name = name
        self._last: tuple[int, str] = (-1, "")

    def items(self) -> Iterator[Found | Refused | Unreadable]:
        """As `Source.items`. Raises `Broken` at the first thing that is wrong, since what follows cannot be trusted."""
        count = 0
        while (header := self._header()) is not None:
            if header.path in BESIDE and self.top:
                self._pass_beside(header)
                continue
            path = self._accept(header)
            count += 1
            if count > self._limits.files:
                raise self._inflated.broken(
                    "there are more files than the limit", expected=f"at most {self._limits.files}"
                )
            self._inflated.where = f"{self._name}: {path}"
            pieces = self._pieces(header.size_bytes)
            yield Found(path, header.size_bytes, pieces)
            for _ in pieces:
                pass  # what the reader left
            if any(self._inflated.exactly(padding(header.size_bytes))):
                raise self._inflated.broken("the padding after a file is not zero")
        if not count:
            raise self._inflated.broken("the archive is empty")

    def _pass_beside(self, header: Header) -> None:
        """A file behind the run's folder: its digest is taken, and it is no file of the package."""
        beside = [*self.attached, header.path]
        if beside != sorted(set(beside), key=BESIDE.index):
            raise self._inflated.broken("the files behind the run's folder do not stand once each, in their order")
        self._hold_time(header)
        hasher = sha256_running()
        for piece in self._pieces(header.size_bytes):
            hasher.update(piece)
        if any(self._inflated.exactly(padding(header.size_bytes))):
            raise self._inflated.broken("the padding after a file is not zero")
        self.attached[header.path] = hasher.hexdigest()

    def _hold_time(self, header: Header) -> None:
        if header.mtime != self.mtime:
            raise self._inflated.broken(
                "the members do not have one time", expected=str(self.mtime), got=str(header.mtime)
            )

    def _header(self) -> Header | None:
        """The next header; None at a proper end."""
        block = self._inflated.exactly(BLOCK_BYTES)
        if not any(block):
            if any(self._inflated.exactly(len(END) - BLOCK_BYTES)) or not self._inflated.is_at_end():
                raise self._inflated.broken(
                    "the archive does not end where it says", expected="two zero blocks, then nothing"
                )
            return None
        try:
            return read_header(block)
        except NotAHeader as error:
            place = f"{self._name}: {error.path}" if error.path else f"{self._inflated.where}, the member after it"
            raise Broken(
                f"a member of the archive is refused: {error}",
                check="EP-1.2" if error.is_name else "EP-1.1",
                where=place,
            ) from error

    def _accept(self, header: Header) -> str:
        """The member's path inside the run; `Broken` for a name that may not be there."""
        top, _, path = header.path.partition("/")
        if not self.top:
            if not _run_id.match(top) or not path:
                raise self._refused(header, "the top folder is not called as a run is", "run_YYYY-MM-DDTHH-MM-SSZ/")
            self.top, self.mtime = top, header.mtime
        if top != self.top or not path:
            raise self._refused(header, "a member lies outside the one top folder", f"{self.top}/")
        if why := self._names.why_not_file(path):
            raise self._refused(header, f"a file may not be called so: {why}")
        place = in_order(path)
        if place < self._last:
            raise self._inflated.broken(
                "the members are not in the order of a bundle", expected=f"{path} before {self._last[1]}"
            )
        self._last = place
        if self.attached:
            raise self._inflated.broken("a file of the run stands behind the files beside it")
        self._hold_time(header)
        return path

    def _refused(self, header: Header, what: str, expected: str = "") -> Broken:
        return Broken(what, check="EP-1.2", where=f"{self._name}: {header.path}", expected=expected, got=header.path)

    def _pieces(self, size_bytes: int) -> Iterator[memoryview]:
        left = size_bytes
        for piece in self._inflated.take(size_bytes):
            left -= len(piece)
            yield piece
        if left:
            raise self._inflated.broken("the archive ends inside a file", expected=f"{left} more bytes")

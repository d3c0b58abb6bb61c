"""Keeps what is read again after the one pass: outputs of steps, one behind the other in a file without a name."""

from __future__ import annotations

import os
import tempfile
from array import array
from collections.abc import Iterator
from contextlib import suppress
from typing import IO

from awo.canon.lines import Lines
from awo.errors import CannotCheck, EvidenceError

PIECE_BYTES = 1 << 16
BUFFER_BYTES = 1 << 20
MEMORY_BYTES = 1 << 20


class Spool:
    """Takes files one after the other, and gives their bytes back by path. 100 bytes of memory a file beside its path.

    The first `MEMORY_BYTES` stay in memory. Above that, the file lies in the folder for temporary files
    (`TMPDIR`), has no name, and is gone when it is closed or the process ends. When it would grow beyond
    `limit_bytes`, or the disk takes no more, everything is given back at once, `problem` says why, and
    nothing is kept any more.
    """

    def __init__(self, limit_bytes: int, line_limit_bytes: int) -> None:
        self.problem = ""
        self._limit = limit_bytes
        self._line_limit = line_limit_bytes
        self._file: IO[bytes] | None = None
        self._numbers: dict[str, int] = {}
        self._places = array("Q")
        self._memory = bytearray()
        self._size = 0
        self._is_flushed = True

    def begin(self, path: str, most_bytes: int) -> Keeping | None:
        """Takes the next file: its first `most_bytes`, all where that is -1. None when nothing is kept any more."""
        return None if self.problem else Keeping(self, path, most_bytes)

    def has(self, path: str) -> bool:
        """Whether the file is here."""
        return path in self._numbers

    def size_bytes(self, path: str) -> int:
        """How much of the file is here; 0 when it is not."""
        return self._place(path)[1] if path in self._numbers else 0

    def read(self, path: str, offset: int = 0, size_bytes: int = -1) -> bytes:
        """Bytes of a file from `offset`, to its end for -1. Raises `CannotCheck` when it is not here."""
        start, length = self._place(path)
        wanted = max(0, length - offset) if size_bytes < 0 else max(0, min(size_bytes, length - offset))
        return self._pread(wanted, start + offset)

    def lines(self, path: str) -> Iterator[bytes]:
        """The lines of a file without their newlines, as they are taken; what has no newline is the last.

        Raises `CannotCheck` when it is not here, `EvidenceError` for a line above the limit.
        """
        for block in self.blocks(path):
            yield from block.removesuffix(b"\n").split(b"\n")

    def blocks(self, path: str) -> Iterator[bytes]:
        """As `lines`, many whole lines in one piece, each with its newline; what has no newline is the last."""
        start, length = self._place(path)
        cutter = Lines(self._line_limit)
        for offset in range(0, length, PIECE_BYTES):
            block = cutter.block(self._pread(min(PIECE_BYTES, length - offset), start + offset))
            if block:
                yield block
            if cutter.is_too_long:
                raise EvidenceError("a line is longer than the limit", where=path)
        if cutter.rest:
            yield cutter.rest

    def flush(self) -> None:
        """Before a copy of this process reads what is kept: it has the same file. Raises `CannotCheck`."""
        try:
            if self._file is not None and not self._is_flushed:
                self._file.flush()
                self._is_flushed = True
        except OSError as error:
            raise CannotCheck("what was kept cannot be read again", got=error.strerror or str(error)) from error

    def close(self) -> None:
        """Gives the disk back. Safe to call twice."""
        if self._file is not None:
            with suppress(OSError):  # what is still in the buffer may not fit on the disk
                self._file.close()
            self._file = None
        self._memory = bytearray()
        self._numbers = {}
        self._places = array("Q")

    def _write(self, data: bytes | memoryview) -> None:
        if self._size + len(data) > self._limit:
            self._give_up(f"it is more than {self._limit} bytes")
            return
        try:
            if self._file is None and self._size + len(data) <= MEMORY_BYTES:
                self._memory += data
            else:
                self._write_to_disk(data)
        except OSError as error:
            self._give_up(f"{tempfile.gettempdir()} takes no more: {error.strerror or error}")
            return
        self._size += len(data)

    def _write_to_disk(self, data: bytes | memoryview) -> None:
        if self._file is None:
            self._file = tempfile.TemporaryFile(buffering=BUFFER_BYTES)  # noqa: SIM115 - closed by `close`
            self._file.write(self._memory)
            self._memory = bytearray()
        self._file.write(data)
        self._is_flushed = False

    def _put(self, path: str, size_bytes: int) -> None:
        if not self.problem:
            self._numbers[path] = len(self._places) // 2
            self._places.extend((self._size - size_bytes, size_bytes))

    def _give_up(self, why: str) -> None:
        self.problem = why
        self.close()

    def _place(self, path: str) -> tuple[int, int]:
        number = self._numbers.get(path)
        if number is None:
            raise CannotCheck("a file that is needed was not kept", where=path, got=self.problem)
        start, size_bytes = self._places[2 * number : 2 * number + 2]
        return start, size_bytes

    def _pread(self, size_bytes: int, offset: int) -> bytes:
        if self._file is None:
            return bytes(memoryview(self._memory)[offset : offset + size_bytes])
        self.flush()
        try:
            data = os.pread(self._file.fileno(), size_bytes, offset)
        except OSError as error:
            raise CannotCheck("what was kept cannot be read again", got=error.strerror or str(error)) from error
        if len(data) != size_bytes:
            raise CannotCheck("what was kept cannot be read again", got="it is shorter than it was")
        return data


class Keeping:
    """Takes the bytes of one file."""

    __slots__ = ("_left", "_path", "_size", "_spool")

    def __init__(self, spool: Spool, path: str, most_bytes: int) -> None:
        self._spool = spool
        self._path = path
        self._left = most_bytes
        self._size = 0

    def feed(self, chunk: bytes | memoryview) -> None:
        """The next bytes of the file."""
        if self._spool.problem or not self._left:
            return
        data = chunk if self._left < 0 else chunk[: self._left]
        self._spool._write(data)
        self._size += len(data)
        if self._left > 0:
            self._left -= len(data)

    def end(self) -> None:
        """After the last byte."""
        self._spool._put(self._path, self._size)

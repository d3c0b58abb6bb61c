"""Cuts a stream of bytes into lines without holding more than one of them."""

from __future__ import annotations


class Lines:
    """Takes pieces, gives the whole lines in them without their newline. `rest` is what has no newline yet.

    A line longer than `limit_bytes` sets `is_too_long` and ends the cutting: memory stays bounded.
    """

    __slots__ = ("_limit", "_pieces", "_size", "is_too_long")

    def __init__(self, limit_bytes: int) -> None:
        self._limit = limit_bytes
        self._pieces: list[bytes] = []
        self._size = 0
        self.is_too_long = False

    def feed(self, chunk: bytes | memoryview) -> list[bytes]:
        """The lines that `chunk` completes."""
        block = self.block(chunk)
        return block[:-1].split(b"\n") if block else []

    def block(self, chunk: bytes | memoryview) -> bytes:
        """The lines that `chunk` completes in one piece, each with its newline; nothing where it completes none."""
        if self.is_too_long:
            return b""
        data = bytes(chunk)
        end = data.rfind(b"\n") + 1
        block = b""
        if end:
            block = b"".join((*self._pieces, data[:end]))
            self._pieces, self._size = [], 0
            data = data[end:]
        if data:
            self._pieces.append(data)
            self._size += len(data)
        self.is_too_long = self._size > self._limit
        if self.is_too_long:
            self._pieces = []
        return block

    @property
    def rest(self) -> bytes:
        return b"".join(self._pieces)

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
        if self.is_too_long:
            return []
        lines = bytes(chunk).split(b"\n")
        if len(lines) > 1:
            lines[0] = b"".join(self._pieces) + lines[0]
            self._pieces, self._size = [], 0
        last = lines.pop()
        if last:
            self._pieces.append(last)
            self._size += len(last)
        self.is_too_long = self._size > self._limit
        if self.is_too_long:
            self._pieces = []
        return lines

    @property
    def rest(self) -> bytes:
        return b"".join(self._pieces)

"""The data types of the SSH protocol, read strictly: uint32, string, mpint (RFC 4251 section 5)."""

from __future__ import annotations

import struct

LARGEST_BYTES = 1 << 16


class WireError(ValueError):
    """Bytes are not in the SSH wire format. Its text is a clause for the error that the caller raises."""


class Reader:
    """Takes values from the front of `data`. Every method raises `WireError` when the bytes are not there."""

    __slots__ = ("_data", "_place")

    def __init__(self, data: bytes) -> None:
        if len(data) > LARGEST_BYTES:
            raise WireError(f"more than {LARGEST_BYTES} bytes")
        self._data = data
        self._place = 0

    def raw(self, count: int) -> bytes:
        """The next `count` bytes."""
        piece = self._data[self._place : self._place + count]
        if len(piece) != count:
            raise WireError("the bytes end too early")
        self._place += count
        return piece

    def uint32(self) -> int:
        """A number of four bytes, big end first."""
        number: int = struct.unpack(">I", self.raw(4))[0]
        return number

    def string(self) -> bytes:
        """A length and that many bytes."""
        return self.raw(self.uint32())

    def text(self) -> str:
        """A string of printable ASCII."""
        piece = self.string()
        if not piece.isascii() or not (name := piece.decode("ascii")).isprintable():
            raise WireError("a name is not printable ASCII")
        return name

    def mpint(self) -> int:
        """A positive number in its one shortest spelling."""
        piece = self.string()
        number = int.from_bytes(piece, "big")
        if number == 0 or mpint(number) != string(piece):
            raise WireError("a number is not positive or not in its shortest spelling")
        return number

    def end(self) -> None:
        """Nothing may be left."""
        if self._place != len(self._data):
            raise WireError("there are bytes after the end")


def uint32(number: int) -> bytes:
    """`number` as four bytes."""
    return struct.pack(">I", number)


def string(piece: bytes) -> bytes:
    """`piece` with its length before it."""
    return struct.pack(">I", len(piece)) + piece


def mpint(number: int) -> bytes:
    """A number above 0, with a zero byte before it where its first bit is set."""
    return string(number.to_bytes(number.bit_length() // 8 + 1, "big"))

"""A gzip stream, strictly: one member, the header of a bundle, nothing after the end, and no bomb."""

from __future__ import annotations

from collections.abc import Iterator
from typing import BinaryIO, cast

from awo.verify.limits import Limits, is_bomb
from awo.verify.source import Broken

HEADER = bytes.fromhex("1f8b08000000000000ff")
"""Deflate, no flags, no time, no name, unknown system: what `publish/bundle.py` writes."""

INPUT_BYTES = 1 << 18
OUTPUT_BYTES = 1 << 20


class Inflated:
    """The bytes inside a gzip file, in the portions that the reader asks for. Raises `Broken`."""

    def __init__(self, stream: BinaryIO, size_bytes: int, name: str, limits: Limits) -> None:
        self.where = name
        self._stream = stream
        self._size = size_bytes
        self._limits = limits
        self._total = 0
        self._chunks = self._inflate()
        self._rest = memoryview(b"")

    def take(self, count: int) -> Iterator[memoryview]:
        """The next `count` bytes in pieces; fewer only at the end of the stream."""
        while count:
            if not self._rest:
                self._rest = memoryview(next(self._chunks, b""))
                if not self._rest:
                    return
            piece = self._rest[:count]
            self._rest = self._rest[len(piece) :]
            count -= len(piece)
            yield piece

    def exactly(self, count: int) -> bytes:
        """The next `count` bytes. Raises `Broken` when the stream ends before."""
        data = b"".join(self.take(count))
        if len(data) != count:
            raise self.broken("the archive ends too early", expected=f"{count - len(data)} more bytes")
        return data

    def is_at_end(self) -> bool:
        """Whether nothing follows, neither in the stream nor behind it."""
        return not b"".join(self.take(1))

    def broken(self, what: str, *, expected: str = "", got: str = "") -> Broken:
        """The error for damage at this place."""
        return Broken(what, check="EP-1.1", where=self.where, expected=expected, got=got)

    def _inflate(self) -> Iterator[bytes]:
        from isal import isal_zlib

        damage = cast("type[Exception]", isal_zlib.error)  # its stub calls it an instance

        data = self._stream.read(INPUT_BYTES)
        if data[: len(HEADER)] != HEADER:
            raise self.broken(
                "this is not a bundle",
                expected=f"a file that begins with the bytes {HEADER.hex()}",
                got=data[: len(HEADER)].hex() or "an empty file",
            )
        inflater = isal_zlib.decompressobj(wbits=31)
        while not inflater.eof:
            try:
                chunk = inflater.decompress(data, OUTPUT_BYTES)
            except damage as error:
                raise self.broken("the compressed stream is damaged", got=str(error)) from error
            if chunk:
                self._count(len(chunk))
                yield chunk
            if not chunk and data and len(inflater.unconsumed_tail) == len(data):
                raise self.broken("the compressed stream is damaged", got="it makes no progress")
            data = inflater.unconsumed_tail
            if not data and not inflater.eof:
                data = self._stream.read(INPUT_BYTES)
                if not data and not chunk:
                    raise self.broken("the compressed stream is cut off")
        if inflater.unused_data or self._stream.read(1):
            raise self.broken("there are bytes after the end of the compressed stream")

    def _count(self, size_bytes: int) -> None:
        self._total += size_bytes
        if self._total > self._limits.total_bytes:
            raise self.broken(
                "the archive unpacks to more than the limit", expected=f"at most {self._limits.total_bytes} bytes"
            )
        if is_bomb(self._total, self._size):
            raise self.broken(
                "the archive unpacks to far more than it is, and is refused as a bomb",
                got=f"{self._total} bytes and more from {self._size}",
            )

"""A file of the package that was kept while it was read, as a stream that can be sought."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Buffer  # type: ignore[attr-defined,unused-ignore]

    from awo.verify.sources import Package


class KeptFile(io.RawIOBase):
    """The bytes at `path`, which `Package.held` has let through."""

    def __init__(self, package: Package, path: str) -> None:
        self._package = package
        self._path = path
        self._size = package.reading.spool.size_bytes(path)
        self._at = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        start = {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._size}[whence]
        if start + offset < 0:
            raise OSError("a place before the start")
        self._at = start + offset
        return self._at

    def tell(self) -> int:
        return self._at

    def readinto(self, buffer: Buffer) -> int:
        """The next bytes, as `RawIOBase` says. Raises `CannotCheck` when they cannot be read again."""
        self._package.tick()
        view = memoryview(buffer)
        data = self._package.reading.spool.read(self._path, self._at, len(view)) if self._at < self._size else b""
        view[: len(data)] = data
        self._at += len(data)
        return len(data)

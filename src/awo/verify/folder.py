"""A package that lies in a folder. Links are never followed, and nothing that could block is opened."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from types import MappingProxyType
from typing import Literal

from awo.canon.names import Names
from awo.verify.limits import Limits
from awo.verify.source import Broken, Found, Refused, Unreadable, in_order

CHUNK_BYTES = 1 << 16
"""What the lines of so many bytes become fits in the cache of one core."""

_OPEN_FILE = os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY
_OPEN_FOLDER = os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_DIRECTORY


class FolderSource:
    """Implements `awo.verify.source.Source` for a folder."""

    kind: Literal["folder", "bundle"] = "folder"
    mtime: int | None = None
    attached: Mapping[str, str] = MappingProxyType({})

    def __init__(self, path: str, limits: Limits) -> None:
        self.top = Path(path).resolve().name
        self._path = path
        self._limits = limits
        self._buffer = bytearray(CHUNK_BYTES)
        self._view = memoryview(self._buffer)
        self._root = -1
        self._paths: list[str] = []

    def sizes(self, picked: Callable[[str], bool]) -> dict[str, int]:
        """How large the files are of which `picked` is true, in bytes, while `items` goes on."""
        found: dict[str, int] = {}
        for path in filter(picked, self._paths):
            with suppress(OSError):
                found[path] = os.stat(path, dir_fd=self._root, follow_symlinks=False).st_size
        return found

    def open(self, path: str) -> int:
        """A descriptor of a file, while `items` goes on. Raises `OSError`."""
        return os.open(path, _OPEN_FILE, dir_fd=self._root)

    def items(self) -> Iterator[Found | Refused | Unreadable]:
        """As `Source.items`. Raises `OSError` when the folder itself cannot be opened."""
        root = os.open(self._path, _OPEN_FOLDER & ~os.O_NOFOLLOW)  # the caller's own word for it may be a link
        try:
            paths: list[str] = []
            others: list[Refused | Unreadable] = []
            self._list(root, "", Names(), paths, others)
            yield from others
            paths.sort(key=in_order)
            self._root, self._paths = root, paths
            for path in paths:
                descriptor = _open(path, _OPEN_FILE, root)
                if isinstance(descriptor, Unreadable):
                    yield descriptor
                    continue
                try:
                    yield self._item(descriptor, path)
                finally:
                    os.close(descriptor)
        finally:
            self._root, self._paths = -1, []
            os.close(root)

    def _list(
        self, folder: int, prefix: str, names: Names, paths: list[str], others: list[Refused | Unreadable]
    ) -> None:
        """Adds the plain files below an open folder to `paths`, and whatever else is there to `others`."""
        inner = []
        with os.scandir(folder) as entries:
            for entry in sorted(entries, key=lambda found: found.name):
                path = prefix + entry.name
                if entry.is_file(follow_symlinks=False):
                    if why := names.why_not_file(path):
                        others.append(Refused(path, f"a file may not be called so: {why}"))
                    else:
                        paths.append(path)
                elif not entry.is_dir(follow_symlinks=False):
                    others.append(Refused(path, f"it is {_kind(entry)}, and a package has plain files only"))
                elif why := names.why_not_folder(path):
                    others.append(Refused(path, f"a folder may not be called so: {why}"))
                else:
                    inner.append((path, entry.name))
        if len(paths) + len(others) > self._limits.files:
            raise Broken(
                "there are more files than the limit",
                check="EP-1.1",
                where=self.top,
                expected=f"at most {self._limits.files}",
            )
        for path, name in inner:
            descriptor = _open(name, _OPEN_FOLDER, folder)
            if isinstance(descriptor, Unreadable):
                others.append(Unreadable(path, descriptor.why))
                continue
            try:
                self._list(descriptor, f"{path}/", names, paths, others)
            finally:
                os.close(descriptor)

    def _item(self, descriptor: int, path: str) -> Found | Refused | Unreadable:
        """What an open file amounts to; a small one is read at once."""
        try:
            facts = os.fstat(descriptor)
            if not stat.S_ISREG(facts.st_mode):
                return Refused(path, "it changed its kind while it was read")
            if facts.st_size > CHUNK_BYTES:
                return Found(path, facts.st_size, self._chunks(descriptor, 0))
            count = os.readv(descriptor, (self._buffer,))
        except OSError as error:
            return Unreadable(path, error.strerror or str(error))
        if count == facts.st_size:
            return Found(path, count, (self._view[:count],))
        return Found(path, facts.st_size, self._chunks(descriptor, count))

    def _chunks(self, descriptor: int, count: int) -> Iterator[memoryview]:
        """The pieces of an open file; the first `count` bytes are in the buffer already."""
        if count:
            yield self._view[:count]
        while count := os.readv(descriptor, [self._buffer]):
            yield self._view[:count]


def _open(path: str, flags: int, folder: int) -> int | Unreadable:
    try:
        return os.open(path, flags, dir_fd=folder)
    except OSError as error:
        return Unreadable(path, error.strerror or str(error))


def _kind(entry: os.DirEntry[str]) -> str:
    if entry.is_symlink():
        return "a link"
    try:
        mode = entry.stat(follow_symlinks=False).st_mode
    except OSError:
        return "neither a file nor a folder"
    kinds = (
        (stat.S_ISFIFO, "a FIFO"),
        (stat.S_ISSOCK, "a socket"),
        (stat.S_ISBLK, "a device"),
        (stat.S_ISCHR, "a device"),
    )
    return next((name for test, name in kinds if test(mode)), "neither a file nor a folder")

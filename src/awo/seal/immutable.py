"""Sets, takes back and reads the immutable flag of Linux on the files of a sealed run; says exactly what came of it.

The flag is that of `chattr +i`: until root takes it back nobody, root included, writes, renames or removes the file.
It is set by an ioctl, so that no process is started for it (FS_IOC_GETFLAGS, FS_IOC_SETFLAGS: ioctl_iflags(2)).
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import platform
import stat
import struct
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from awo.evidence.layout import AUDIT, REDACTIONS, REGISTRATION, SUMS, TIME_STAMP

IMMUTABLE: Final = 0x10
_GET, _SET = 0x80086601, 0x40086602
_MACHINES: Final = frozenset({"x86_64", "aarch64", "riscv64", "loongarch64", "s390x"})
"""Those whose kernels number these ioctls so."""

MAY_CHANGE: Final = frozenset({AUDIT, REGISTRATION, TIME_STAMP, REDACTIONS})
"""What vouches for a seal from outside can be replaced later (spec section 7.2), and so the folder that it lies in."""

_FLAGS: Final = os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK
_FORMAT: Final = "i"


@dataclass(frozen=True, slots=True)
class Flagged:
    """How many of the `files` of a run that may not change are immutable now, as read back; `why` not all, or ''."""

    files: int
    immutable: int
    why: str = ""

    @property
    def is_all(self) -> bool:
        return 0 < self.files == self.immutable

    def said(self) -> str:
        """The same in words."""
        if self.is_all:
            return f"all {self.files:,} files are immutable: only root can take that back"
        why = f": {self.why}" if self.why else ""
        if not self.immutable:
            return f"no file is immutable{why}"
        return f"only {self.immutable:,} of {self.files:,} files are immutable{why}"


def make_immutable(folder: Path) -> Flagged:
    """Sets the flag on every file and folder of a sealed run but `MAY_CHANGE`; gives how it stands then, read back."""
    why = why_not_here()
    if not why:
        for path, _ in _inside(folder):
            if problem := _change(path, is_set=True):
                why = problem
                break
    now = immutable_now(folder)
    return now if now.is_all or not why else Flagged(now.files, now.immutable, why)


def make_changeable(folder: Path) -> str:
    """Takes the flag from everything in a folder; gives why that did not work, or ''."""
    if why_not_here():
        return ""  # then it was never set from here
    for path, _ in [(str(folder), False), *_inside(folder, has_all=True)]:
        if _has_flag(path) and (problem := _change(path, is_set=False)):
            return problem
    return ""


def immutable_now(folder: Path) -> Flagged:
    """How many files of the run have the flag, as the file system says."""
    if why := why_not_here():
        return Flagged(sum(is_file for _, is_file in _inside(folder)), 0, why)
    flags = [_has_flag(path) for path, is_file in _inside(folder) if is_file]
    return Flagged(len(flags), sum(flags))


def is_marked(folder: Path) -> bool:
    """Whether the run's folder and its list of sums have the flag: enough to say how it was kept, at no cost."""
    return not why_not_here() and _has_flag(str(folder)) and _has_flag(f"{folder}/{SUMS}")


def is_any_immutable(folder: Path) -> bool:
    """Whether something in the folder has the flag; looks no further than the first."""
    if why_not_here():
        return False
    return any(_has_flag(path) for path, _ in [(str(folder), False), *_inside(folder, has_all=True)])


def why_not_here() -> str:
    """Why this system has no such flag, or ''."""
    if not sys.platform.startswith("linux"):
        return "the immutable flag is Linux's own"
    if platform.machine() not in _MACHINES or struct.calcsize("P") != 8:
        return f"how to set the flag is not known for {platform.machine()}"
    return ""


def why_not_in(place: Path) -> str:
    """Why the flag cannot be set on a file in the folder `place`, found by trying it, or ''."""
    if why := why_not_here():
        return why
    try:
        descriptor, name = tempfile.mkstemp(prefix=".awo-immutable-", dir=place)
        os.close(descriptor)
    except OSError as error:
        return f"no file can be made in {place}: {error.strerror}"
    try:
        return _change(name, is_set=True) or ("" if _has_flag(name) else "the file system forgot the flag")
    finally:
        _change(name, is_set=False)
        with contextlib.suppress(OSError):
            Path(name).unlink()


def _inside(folder: Path, *, has_all: bool = False) -> Iterator[tuple[str, bool]]:
    """The files and folders of a run, the run's own last, and whether each is a file. Links are passed over."""
    for parent, folders, names in os.walk(folder, topdown=False):
        for name in (*names, *folders):
            path = f"{parent}/{name}"
            mode = os.lstat(path).st_mode
            within = os.path.relpath(path, folder)
            may_change = within in MAY_CHANGE or within.startswith(f"{REDACTIONS}/")
            if (has_all or not may_change) and (stat.S_ISREG(mode) or stat.S_ISDIR(mode)):
                yield path, stat.S_ISREG(mode)
    if not has_all:
        yield str(folder), False


def _has_flag(path: str) -> bool:
    try:
        descriptor = os.open(path, _FLAGS)
    except OSError:
        return False
    try:
        return bool(_flags_of(descriptor) & IMMUTABLE)
    except OSError:
        return False
    finally:
        os.close(descriptor)


def _change(path: str, *, is_set: bool) -> str:
    """Sets or takes the flag; gives why not, or ''."""
    try:
        descriptor = os.open(path, _FLAGS)
    except OSError as error:
        return error.strerror or str(error)
    try:
        flags = _flags_of(descriptor)
        wanted = flags | IMMUTABLE if is_set else flags & ~IMMUTABLE
        if wanted != flags:
            fcntl.ioctl(descriptor, _SET, struct.pack(_FORMAT, wanted))
    except PermissionError:
        return "only root may change the flag (in a container, root with CAP_LINUX_IMMUTABLE)"
    except OSError as error:
        return f"the file system has no such flag ({error.strerror})"
    finally:
        os.close(descriptor)
    return ""


def _flags_of(descriptor: int) -> int:
    buffer = bytearray(8)
    fcntl.ioctl(descriptor, _GET, buffer)
    value: int = struct.unpack_from(_FORMAT, buffer)[0]
    return value

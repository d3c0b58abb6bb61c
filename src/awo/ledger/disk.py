"""Files of a ledger: read within bounds, as a stranger made them, and written so that no crash leaves half of one."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import stat
from collections.abc import Iterator, Mapping
from pathlib import Path
from time import monotonic, sleep

from awo.errors import CannotCheck, DiskTrouble, EvidenceError

CHECKPOINT = "checkpoint"
KEYS = "keys"
LOCK = ".lock"

LONGEST_WAIT_S = 30.0
"""How long a process waits for others that write into the same ledger: each takes some milliseconds."""

LOOK_AGAIN_S = 0.002


def read_bounded(folder: Path, path: str, most_bytes: int) -> bytes | None:
    """The file at `path` below `folder`; None where there is none. Links are not followed.

    Raises `EvidenceError` for what is no plain file or longer than `most_bytes`, and `DiskTrouble`.
    """
    try:
        descriptor = os.open(folder / path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        if error.errno == errno.ELOOP:
            raise EvidenceError("a ledger has plain files only", where=path, got="a link") from error
        raise _unreadable(folder / path, error) from error
    try:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise EvidenceError("a ledger has plain files only", where=path)
        pieces, left = [], most_bytes + 1
        while left and (piece := os.read(descriptor, left)):
            pieces.append(piece)
            left -= len(piece)
    except OSError as error:
        raise _unreadable(folder / path, error) from error
    finally:
        os.close(descriptor)
    if not left:
        raise EvidenceError("a file of the ledger is too long", where=path, expected=f"at most {most_bytes} bytes")
    return b"".join(pieces)


@contextlib.contextmanager
def alone(folder: Path) -> Iterator[None]:
    """Keeps other processes from writing into the ledger in `folder`, which is made where it is missing.

    Raises `DiskTrouble` where it cannot be, and `CannotCheck` when somebody else has it for too long.
    """
    try:
        if not folder.is_dir():
            folder.mkdir(parents=True, exist_ok=True)
            sync_folder(folder.parent)
        descriptor = os.open(folder / LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o644)
    except OSError as error:
        raise unwritable(folder, error) from error
    try:
        _lock(descriptor, folder)
        yield
    finally:
        os.close(descriptor)


def _lock(descriptor: int, folder: Path) -> None:
    until = monotonic() + LONGEST_WAIT_S
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            if monotonic() > until:
                raise CannotCheck(
                    "another process is writing into the ledger and does not end",
                    where=str(folder),
                    hint="wait for it, or end it, then type the command again",
                ) from error
            sleep(LOOK_AGAIN_S)
        except OSError as error:
            raise unwritable(folder, error) from error
        else:
            return


def write_new(folder: Path, files: Mapping[str, bytes]) -> None:
    """Writes files that nothing refers to yet, by their path; durable with their names on return. Raises `OSError`.

    Half of one can be left by a crash: then it is written anew before anything refers to it.
    """
    named: dict[Path, None] = {}
    for name, data in files.items():
        path = folder / name
        for above in _missing(path.parent):
            above.mkdir(exist_ok=True)
            named[above.parent] = None
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC | os.O_NOFOLLOW, 0o644)
        with os.fdopen(descriptor, "wb") as stream:
            stream.write(data)
            stream.flush()
            os.fsync(descriptor)
        named[path.parent] = None
    for parent in named:
        sync_folder(parent)


def replace(path: Path, data: bytes, *, mode: int = 0o644) -> None:
    """Writes a file so that a reader sees the old or the new one, durable on return. Raises `OSError`."""
    half = path.with_name(f".{path.name}.new")
    half.unlink(missing_ok=True)
    descriptor = os.open(half, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC | os.O_NOFOLLOW, mode)
    with os.fdopen(descriptor, "wb") as stream:
        stream.write(data)
        stream.flush()
        os.fsync(descriptor)
    half.rename(path)
    sync_folder(path.parent)


def sync_folder(folder: Path) -> None:
    """Makes the names in a folder durable."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def unwritable(folder: Path, error: OSError) -> DiskTrouble:
    """The error of a ledger that cannot be written: then nothing is begun, decided or sealed."""
    return DiskTrouble(
        "the ledger cannot be written",
        where=str(folder),
        got=error.strerror or str(error),
        hint="make room or mend the permissions; without a ledger: [ledger] enabled = false in awo.toml",
    )


def _missing(folder: Path) -> list[Path]:
    """The folders on the way to `folder` that are not there, the uppermost first."""
    found: list[Path] = []
    while not folder.is_dir():
        found.append(folder)
        folder = folder.parent
    return found[::-1]


def _unreadable(path: Path, error: OSError) -> DiskTrouble:
    return DiskTrouble("a file of the ledger cannot be read", where=str(path), got=error.strerror or str(error))

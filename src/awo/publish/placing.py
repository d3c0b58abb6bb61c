"""Puts a file that leaves the machine in its place: whole or not at all, and never over another one."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from awo.canon.digest import sha256_file
from awo.engine.folder import fsync_folder
from awo.errors import DiskTrouble, UsageError


def refuse_place(folder: Path, out: Path, option: str) -> None:
    """Raises `UsageError` where `out` lies in the run itself, is a folder, or has no folder to be in."""
    place = out.resolve()
    if place.is_relative_to(folder.resolve()):
        raise UsageError("what leaves a run cannot be written into it", where=str(out))
    if place.is_dir():
        raise UsageError("there is a folder of this name", where=str(out), hint=f"choose another {option}")
    if not place.parent.is_dir():
        raise UsageError("the folder for this file is not there", where=str(place.parent))


@contextmanager
def new_file(out: Path, option: str) -> Iterator[IO[bytes]]:
    """A file to write to, which takes its name `out` at the end, when nothing was raised.

    A file of that name with the same bytes is kept, one with others is refused (`UsageError`, which says
    to choose another `option`). Raises `DiskTrouble`.
    """
    half = out.with_name(f".{out.name}.{secrets.token_hex(4)}.new")
    try:
        descriptor = os.open(half, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o644)
        try:
            with os.fdopen(descriptor, "w+b", buffering=1 << 20) as stream:
                yield stream
                stream.flush()
                os.fsync(stream.fileno())
            put_in_place(half, out, sha256_file(half)[0], option)
        finally:
            half.unlink(missing_ok=True)
    except OSError as error:
        raise DiskTrouble(
            "this file cannot be written",
            where=str(out),
            got=error.strerror or str(error),
            hint=f"choose another {option}",
        ) from error


def put_in_place(half: Path, out: Path, expected: str, option: str) -> None:
    """Gives the file at `half`, whose SHA-256 is `expected`, the name `out`. Raises `UsageError` as `new_file`."""
    if out.exists():
        there, _ = sha256_file(out)
        if there != expected:
            raise UsageError(
                "there is another file of this name, and it is not overwritten",
                where=str(out),
                expected=f"SHA-256 {expected}",
                got=there,
                hint=f"choose another {option}",
            )
        return
    half.rename(out)
    fsync_folder(out.parent)

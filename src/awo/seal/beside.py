"""Replaces a file of a sealed run that the seal does not cover, as a whole; the folder stays read-only for others."""

from __future__ import annotations

import os
from pathlib import Path

from awo.engine.folder import fsync_folder

FILE_MODE = 0o444


def put_beside_seal(half: Path, place: Path, data: bytes) -> None:
    """Writes `data` to the new file `half`, and gives it the name `place`; durable on return. Raises `OSError`.

    `half` must lie outside the package, in the same file system: a crash would leave a file there that nobody sealed.
    Whatever is raised, it is gone, and the folder of `place` has the mode that it had.
    """
    descriptor = os.open(half, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as stream:
            stream.write(data)
            stream.flush()
            os.fsync(descriptor)
        half.chmod(FILE_MODE)
        above = place.parent
        mode = above.stat().st_mode & 0o7777
        above.chmod(mode | 0o300)
        try:
            half.rename(place)
            fsync_folder(above)
        finally:
            above.chmod(mode)
    finally:
        half.unlink(missing_ok=True)

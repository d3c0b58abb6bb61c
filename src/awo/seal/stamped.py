"""Puts a time stamp beside a seal: the folder stays read-only, and a stamp that is there is replaced as a whole."""

from __future__ import annotations

import os
import secrets
from pathlib import Path

from awo.engine.folder import fsync_folder
from awo.errors import DiskTrouble
from awo.evidence.layout import AUDIT, TIME_STAMP

FILE_MODE = 0o444


def write_stamp(folder: Path, data: bytes) -> Path:
    """Writes audit/seal.json.tsr of the sealed run in `folder`; gives its path. Raises `DiskTrouble`.

    The half-written file lies beside the run, so that a crash leaves nothing in a package that nobody sealed.
    """
    half = folder.parent / f".{folder.name}.{secrets.token_hex(4)}.tsr"
    place = folder / TIME_STAMP
    audit = folder / AUDIT
    try:
        descriptor = os.open(half, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        try:
            with os.fdopen(descriptor, "wb") as stream:
                stream.write(data)
                stream.flush()
                os.fsync(descriptor)
            half.chmod(FILE_MODE)
            mode = audit.stat().st_mode & 0o7777
            audit.chmod(mode | 0o300)
            try:
                half.rename(place)
                fsync_folder(audit)
            finally:
                audit.chmod(mode)
        finally:
            half.unlink(missing_ok=True)
    except OSError as error:
        raise DiskTrouble(
            "the time stamp cannot be written", where=str(place), got=error.strerror or str(error)
        ) from error
    return place

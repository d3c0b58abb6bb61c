"""Puts a time stamp beside a seal: the folder stays read-only, and a stamp that is there is replaced as a whole."""

from __future__ import annotations

import secrets
from pathlib import Path

from awo.errors import DiskTrouble
from awo.evidence.layout import TIME_STAMP
from awo.seal.beside import put_beside_seal


def write_stamp(folder: Path, data: bytes) -> Path:
    """Writes audit/seal.json.tsr of the sealed run in `folder`; gives its path. Raises `DiskTrouble`.

    The half-written file lies beside the run's folder.
    """
    half = folder.parent / f".{folder.name}.{secrets.token_hex(4)}.tsr"
    place = folder / TIME_STAMP
    try:
        put_beside_seal(half, place, data)
    except OSError as error:
        raise DiskTrouble(
            "the time stamp cannot be written", where=str(place), got=error.strerror or str(error)
        ) from error
    return place

"""The note on a package that came in: runs/imports/<run id>.json, beside the package and no part of it."""

from __future__ import annotations

import os
from pathlib import Path

from awo.canon.json import parse, pretty
from awo.engine.folder import fsync_folder, write_whole
from awo.errors import DiskTrouble, EvidenceError
from awo.evidence.received import IMPORTS, ArrivalNote

LARGEST_NOTE_BYTES = 1 << 20


def note_path(runs: Path, run_id: str) -> Path:
    """Where the note on a run lies."""
    return runs / IMPORTS / f"{run_id}.json"


def write_note(runs: Path, note: ArrivalNote) -> None:
    """Writes the note, in the place of an older one of the same run. Raises `OSError`."""
    path = note_path(runs, note.run_id)
    make_imports(runs)
    write_whole(path, pretty(note))


def make_imports(runs: Path) -> Path:
    """The folder `imports` in `runs`, made durable where it was not there. Raises `OSError`."""
    folder = runs / IMPORTS
    if not folder.is_dir():
        folder.mkdir(parents=True, exist_ok=True)
        fsync_folder(runs)
    return folder


def read_note(runs: Path, run_id: str) -> ArrivalNote | None:
    """The note on a run; None where there is none. Raises `EvidenceError` for what is no note on this run."""
    path = note_path(runs, run_id)
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise DiskTrouble("the note on an import cannot be read", where=str(path), got=str(error.strerror)) from error
    with os.fdopen(descriptor, "rb") as stream:
        data = stream.read(LARGEST_NOTE_BYTES)
    note = parse(data, ArrivalNote, where=str(path))
    if note.run_id != run_id:
        raise EvidenceError("the note is about another run", where=str(path), expected=run_id, got=note.run_id)
    return note

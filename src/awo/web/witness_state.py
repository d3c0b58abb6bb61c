"""What a witness remembers: the last checkpoint that it cosigned of each log, on the disk before it answers."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterable
from pathlib import Path

from awo.canon.digest import sha256_hex
from awo.engine.folder import fsync_folder, write_whole
from awo.errors import CannotCheck, DiskTrouble, EvidenceError, UsageError
from awo.sign.checkpoint import TreeState, parse_checkpoint
from awo.sign.note import LARGEST_NOTE_BYTES, VerifierKey, parse_note, verify_note

LOCK = "lock"


class WitnessState:
    """A folder with `<SHA-256 of the origin>/checkpoint` for each log: what `GET` of the same path answers.

    One process has it at a time, until `close`. Raises `DiskTrouble` when the folder cannot be used, `UsageError`
    when another witness has it.
    """

    def __init__(self, folder: Path, own: Iterable[VerifierKey]) -> None:
        self._folder = folder
        self._own = tuple(own)
        try:
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            fsync_folder(folder.parent)
            self._lock = os.open(folder / LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise _trouble(folder, error) from error
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            os.close(self._lock)
            raise UsageError(
                "another witness is at work on this state",
                where=str(folder),
                hint="two witnesses with one key could contradict each other: end the other one first",
            ) from error

    def close(self) -> None:
        """Lets another process have the folder."""
        os.close(self._lock)

    def note_of(self, origin: str) -> bytes | None:
        """The last checkpoint of this log with its own signature and ours; None when none was ever cosigned.

        Raises `EvidenceError` for a file that is not what was written there: then nothing more is cosigned.
        """
        return self._read(sha256_hex(origin.encode()))

    def latest(self, origin: str) -> TreeState | None:
        """The tree of that checkpoint."""
        path = self._folder / sha256_hex(origin.encode()) / "checkpoint"
        data = self.note_of(origin)
        if data is None:
            return None
        note = parse_note(data, str(path))
        state = parse_checkpoint(note.text, str(path))
        if state.origin != origin or not verify_note(note, self._own, where=str(path)):
            raise EvidenceError(
                "what the witness remembers of a log was not cosigned by it",
                where=str(path),
                hint="restore the file; a witness that forgets what it signed could be made to contradict itself",
            )
        return state

    def remember(self, origin: str, note: bytes) -> None:
        """Puts this checkpoint in the place of the last one. It is on the disk when this returns. `DiskTrouble`."""
        folder = self._folder / sha256_hex(origin.encode())
        try:
            if not folder.is_dir():
                folder.mkdir()
                fsync_folder(self._folder)
            write_whole(folder / "checkpoint", note)
        except OSError as error:
            raise _trouble(folder, error) from error

    def _read(self, name: str) -> bytes | None:
        path = self._folder / name / "checkpoint"
        try:
            with path.open("rb") as stream:
                return stream.read(LARGEST_NOTE_BYTES + 1)
        except FileNotFoundError:
            return None
        except OSError as error:
            raise CannotCheck(
                "what the witness remembers cannot be read", where=str(path), got=error.strerror or str(error)
            ) from error


def _trouble(folder: Path, error: OSError) -> DiskTrouble:
    return DiskTrouble(
        "the state of the witness cannot be written", where=str(folder), got=error.strerror or str(error)
    )

"""How far publishing a run has come, on disk beside it: one file for each place, replaced whole (spec section 14.1)."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from awo.canon import time
from awo.canon.digest import sha256_hex
from awo.canon.json import canonical, parse_canonical
from awo.engine.folder import fsync_folder, write_whole
from awo.errors import DiskTrouble, EvidenceError, UsageError
from awo.evidence.publication import PUBLICATIONS, Deposit

ENDING = ".deposit.json"
LOCK = ".lock"
PLACE_DIGITS = 8


def publications_of(runs: Path, run_id: str) -> Path:
    """Where what publishing leaves of a run stands: `runs/publications/<run id>`."""
    return runs / PUBLICATIONS / run_id


def new_deposit(run_id: str, seal_sha256: str, kind: str, place: str, at: str) -> Deposit:
    """A deposit of which nothing has been asked for yet."""
    return Deposit(
        format="awo/deposit/v1",
        run_id=run_id,
        seal_sha256=seal_sha256,
        kind=kind,
        place=place,
        phase="new",
        identifier="",
        address="",
        doi="",
        about_sha256="",
        bundle_sha256="",
        arrivals=[],
        at=at,
    )


@dataclass(frozen=True, slots=True)
class DepositFile:
    """The deposit of one run at one place, at `<kind>-<digest of the place>.deposit.json`."""

    path: Path

    @classmethod
    def at(cls, folder: Path, kind: str, place: str) -> DepositFile:
        """The file for a place, whether it is there or not."""
        return cls(folder / f"{kind}-{sha256_hex(place.encode())[:PLACE_DIGITS]}{ENDING}")

    def read(self) -> Deposit | None:
        """What is on record; None for nothing. Raises `EvidenceError` and `DiskTrouble`."""
        try:
            data = self.path.read_bytes()
        except FileNotFoundError:
            return None
        except OSError as error:
            raise DiskTrouble("this file cannot be read", where=str(self.path), got=error.strerror or "") from error
        try:
            return parse_canonical(data, Deposit, where=str(self.path))
        except EvidenceError as error:
            raise EvidenceError(
                error.what,
                where=error.where,
                expected='a record of how far publishing has come, "format":"awo/deposit/v1"',
                got=error.got,
                hint="a newer AWO reads its own. If the file is broken, move it away and type the command again: what "
                "is at the place already is found there",
            ) from error

    def begun(self, run_id: str, seal_sha256: str, kind: str, place: str) -> Deposit:
        """What is on record, else a new deposit that nothing has been asked for yet.

        Raises `EvidenceError` for one that is of another run, seal or place.
        """
        found = self.read()
        if found is None:
            return new_deposit(run_id, seal_sha256, kind, place, time.now())
        if (found.run_id, found.seal_sha256, found.kind, found.place) != (run_id, seal_sha256, kind, place):
            raise EvidenceError(
                "what is on record of publishing is of another run or place",
                where=str(self.path),
                expected=f"{run_id}, seal {seal_sha256}, {place}",
                got=f"{found.run_id}, seal {found.seal_sha256}, {found.place}",
                hint="it was copied or altered: put back the one that belongs here",
            )
        return found

    def keep(self, deposit: Deposit) -> None:
        """Puts the deposit on disk, flushed, in place of the one before. Raises `DiskTrouble`."""
        try:
            write_whole(self.path, canonical(deposit))
        except OSError as error:
            raise DiskTrouble(
                "how far publishing has come cannot be written",
                where=str(self.path),
                got=error.strerror or str(error),
                hint="make room or mend the disk; the same command goes on where this one stopped",
            ) from error


def deposits_in(folder: Path) -> list[Deposit]:
    """Every deposit of a run that is on record, in the order of their files. Raises as `DepositFile.read`."""
    found = [DepositFile(path).read() for path in sorted(folder.glob(f"*{ENDING}"))]
    return [one for one in found if one is not None]


@contextmanager
def alone_publishing(folder: Path) -> Iterator[None]:
    """Keeps other processes from publishing the same run meanwhile; makes the folder where it is missing.

    Raises `UsageError` when one is at it, and `DiskTrouble`.
    """
    try:
        _make(folder)
        descriptor = os.open(folder / LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o644)
    except OSError as error:
        raise DiskTrouble(
            "the folder for what publishing leaves cannot be written", where=str(folder), got=error.strerror or ""
        ) from error
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise UsageError(
                "another process is publishing this run",
                where=str(folder),
                hint="wait for it to end, then type the command again: it finds what is there",
            ) from error
        yield
    finally:
        os.close(descriptor)


def _make(folder: Path) -> None:
    missing = [one for one in (folder, *folder.parents) if not one.is_dir()]
    folder.mkdir(parents=True, exist_ok=True)
    for one in missing:
        fsync_folder(one.parent)

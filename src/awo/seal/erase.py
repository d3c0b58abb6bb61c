"""Destroys texts of a sealed run in its own place and keeps what commits to them (spec section 9.5, ADR 0015).

The redacted form is made beside the run, whole and durable, before anything goes. Four names tell where a crash was:

    .erase-RUN.half    being made: a second call removes it, and nothing has happened
    .erase-RUN.ready   whole: a second call enters it in the ledger, if that is still to do, and takes it
    .erase-RUN.old     the run as it was: once RUN is there again, a second call removes it

At each moment the old or the new form is there whole, and the old one is removed last.
"""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

from awo.canon.digest import sha256_hex
from awo.canon.json import parse_canonical
from awo.engine.folder import fsync_folder, take_lock
from awo.errors import CannotCheck, DiskTrouble, EvidenceError, UsageError
from awo.evidence.events import Starter
from awo.evidence.layout import JOURNAL, REDACTIONS, redaction_path
from awo.evidence.redaction import RedactedFile, Redaction
from awo.seal.immutable import is_any_immutable, make_changeable, make_immutable
from awo.seal.seal import make_read_only
from awo.sign.seam import Signer
from awo.verify.source import Found
from awo.withhold.choice import Choice
from awo.withhold.cutting import CutPackage, cut_package
from awo.withhold.record import Grounds, make_record

Enter = Callable[[Redaction, str], None]
"""Enters an erasure, with the digest of its record, in the ledger; entering it twice changes nothing."""

Check = Callable[[Path], None]
"""Raises when the redacted form of a run does not verify."""


def half_of(folder: Path) -> Path:
    """Where the redacted form of a run is being made."""
    return folder.with_name(f".erase-{folder.name}.half")


def ready_of(folder: Path) -> Path:
    """Where it lies once it is whole."""
    return folder.with_name(f".erase-{folder.name}.ready")


def old_of(folder: Path) -> Path:
    """Where the run as it was lies until it is removed."""
    return folder.with_name(f".erase-{folder.name}.old")


def is_unfinished(folder: Path) -> bool:
    """Whether a crash interrupted an erasure of the run in `folder`, which itself may be away."""
    return any(os.path.lexists(place(folder)) for place in (half_of, ready_of, old_of))


def look_at(folder: Path, choice: Choice) -> list[RedactedFile]:
    """The files of which an erasure would destroy something that is there now. Raises as `erase`."""
    _refuse_unfinished(folder.resolve())
    with cut_package(folder, choice) as cut:
        return _lost(cut)


def erase(
    folder: Path, choice: Choice, grounds: Grounds, *, who: Starter, signer: Signer, at: str, enter: Enter, check: Check
) -> Redaction:
    """Destroys what `choice` does not show of the sealed run in `folder`; gives the record that says so.

    Raises `UsageError` where nothing would be destroyed, `CannotCheck` where the immutable flag stands against it,
    `DiskTrouble`, and what `cut_package`, `make_record`, `enter` and `check` raise: then nothing is destroyed.
    """
    folder = folder.resolve()
    with _alone(folder):
        _refuse_unfinished(folder)
        _refuse_immutable(folder)
        half = half_of(folder)
        try:
            with cut_package(folder, choice) as cut:
                _lost(cut)
                record, added = make_record(cut, "erasure", grounds, who=who, signer=signer, at=at)
                half.mkdir(mode=0o700)
                _write(half, cut.left(added))
            make_read_only(half)
            check(half)
            half.rename(ready_of(folder))
            fsync_folder(folder.parent)
        except OSError as error:
            raise _trouble(folder, error) from error
        finally:
            if os.path.lexists(half):
                _remove(half)
        _take(folder, enter)
    return record


def finish(folder: Path, enter: Enter) -> Redaction | None:
    """Brings an interrupted erasure of the run in `folder` to its end, or takes it back where it was not ready.

    Gives its record, or None where nothing was destroyed. Raises as `erase`.
    """
    folder = folder.resolve()
    there = next((one for one in (folder, ready_of(folder), old_of(folder)) if one.is_dir()), None)
    if there is None:
        raise UsageError("there is no such run", where=str(folder))
    with _alone(there):
        try:
            if os.path.lexists(half_of(folder)):
                _remove(half_of(folder))
            if ready_of(folder).is_dir():
                return _take(folder, enter)
            if not folder.is_dir():  # cannot be: `.old` has its name only while `.ready` is there
                old_of(folder).rename(folder)
                fsync_folder(folder.parent)
                return None
            if old_of(folder).is_dir():
                _remove(old_of(folder))
                return _record_in(folder)
        except OSError as error:
            raise _trouble(folder, error) from error
    return None


def _take(folder: Path, enter: Enter) -> Redaction:
    """Puts the ready form in the place of the run, and removes the run as it was."""
    ready, old = ready_of(folder), old_of(folder)
    record = _record_in(ready)
    data = (ready / redaction_path(record.number)).read_bytes()
    enter(record, sha256_hex(data))
    was_immutable = False
    try:
        if folder.is_dir():
            was_immutable = is_any_immutable(folder)
            if why := make_changeable(folder):
                raise CannotCheck("the immutable flag cannot be taken from the run", where=str(folder), got=why)
            folder.rename(old)
        ready.rename(folder)
        fsync_folder(folder.parent)
        _remove(old)
        fsync_folder(folder.parent)
    except OSError as error:
        raise _trouble(folder, error) from error
    if was_immutable:
        make_immutable(folder)
    return record


def _write(half: Path, files: Iterator[Found]) -> None:
    """Writes files into the empty folder `half`, durable on return."""
    for file in files:
        path = half / file.path
        path.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC | os.O_NOFOLLOW, 0o644)
        with os.fdopen(descriptor, "wb") as stream:
            stream.writelines(file.chunks)
            stream.flush()
            os.fsync(descriptor)
    for parent, _, _ in os.walk(half, topdown=False):
        fsync_folder(parent)


def _refuse_unfinished(folder: Path) -> None:
    if is_unfinished(folder):
        raise UsageError(
            "an erasure of this run was interrupted", where=str(folder), hint=f"awo erase {folder.name} --finish"
        )


def _lost(cut: CutPackage) -> list[RedactedFile]:
    """The rows that withhold more than the record before. Raises `UsageError` where there is none."""
    before: dict[str, RedactedFile] = {}
    if cut.records:
        last = parse_canonical(cut.records[-1], Redaction, where=redaction_path(len(cut.records)))
        before = {row.path: row for row in last.files}
    lost = [
        row
        for row in cut.files
        if row.state != "shown"
        and ((known := before.get(row.path)) is None or (known.state, known.withheld) != (row.state, row.withheld))
    ]
    if not lost:
        raise UsageError("there is nothing left of this to destroy", where=cut.seal.run_id)
    return lost


def _record_in(folder: Path) -> Redaction:
    """The record in force of a redacted run."""
    names = sorted(path.name for path in (folder / REDACTIONS).glob("*.json"))
    if not names:
        raise EvidenceError("the redacted form has no record", where=str(folder), hint="remove it by hand, and look")
    path = folder / REDACTIONS / names[-1]
    return parse_canonical(path.read_bytes(), Redaction, where=str(path))


def _refuse_immutable(folder: Path) -> None:
    if is_any_immutable(folder) and os.geteuid() != 0:
        raise CannotCheck(
            "files of this run are immutable, and only root can take that back",
            where=str(folder),
            hint="run the command as root, or have root do: chattr -R -i FOLDER",
        )


def _remove(folder: Path) -> None:
    """Removes a folder whose files may be read-only or immutable."""
    if not os.path.lexists(folder):
        return
    if why := make_changeable(folder):
        raise CannotCheck("the immutable flag cannot be taken away", where=str(folder), got=why)
    for parent, _, _ in os.walk(folder):
        Path(parent).chmod(0o700)
    shutil.rmtree(folder)


@contextlib.contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Keeps a second erasure of this run out meanwhile. A sealed journal is not writable, and need not be."""
    try:
        descriptor = os.open(folder / JOURNAL, os.O_RDONLY | os.O_CLOEXEC)
    except OSError as error:
        raise DiskTrouble("the journal cannot be opened", where=str(folder), got=error.strerror or "") from error
    take_lock(descriptor, folder)
    try:
        yield
    finally:
        os.close(descriptor)


def _trouble(folder: Path, error: OSError) -> DiskTrouble:
    return DiskTrouble(
        "the erasure cannot be brought to its end",
        where=str(folder),
        got=error.strerror or str(error),
        hint=f"mend the disk or the permissions, then: awo erase {folder.name} --finish",
    )

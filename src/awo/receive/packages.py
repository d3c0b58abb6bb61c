"""Puts a verified package among the runs: member by member into a folder beside them, then one rename."""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from awo.canon.digest import sha256_file, sha256_hex, sha256_running
from awo.engine.folder import fsync_folder
from awo.errors import DiskTrouble, EvidenceError, UsageError
from awo.evidence.layout import SEAL, SUMS
from awo.evidence.received import ArrivalNote
from awo.evidence.sums import parse_sums
from awo.receive.arrival import make_imports, note_path, write_note
from awo.verify.limits import Limits
from awo.verify.source import Found, Source
from awo.withhold.sources import Opener, files_of, opener

FILE_MODE, FOLDER_MODE = 0o444, 0o555
"""Those of a sealed run."""

HALF: Final = ".awo-import-"
"""How the folder begins in which a package is put together; what a killed process left is removed by the next."""

CHANGED: Final = "the package has changed since it was verified; nothing was taken over"


@dataclass(frozen=True, slots=True)
class CameAs:
    """A package as it lies before the import: a bundle's own digest ('' of a folder), its size, its seal's digest."""

    path: Path
    sha256: str
    size_bytes: int


def look_at(path: Path) -> CameAs:
    """Digest and size of a bundle, or the size of a folder's files. Raises `UsageError` and `DiskTrouble`."""
    try:
        if path.is_dir():
            sizes = (entry.lstat().st_size for entry in path.rglob("*") if entry.is_file())
            return CameAs(path, "", sum(sizes))
        if not path.is_file():
            raise UsageError("there is nothing to import", where=str(path), expected="a bundle or a package's folder")
        sha256, size_bytes = sha256_file(path)
    except OSError as error:
        raise DiskTrouble("this cannot be read", where=str(path), got=error.strerror or str(error)) from error
    return CameAs(path, sha256, size_bytes)


def seal_of(path: Path) -> str:
    """The digest of the seal in a package; it is among the first files that a package is read by."""
    with opener(path, Limits())() as source:
        for item in files_of(source):
            if item.path == SEAL:
                return _digest(item)
    raise EvidenceError("the package has no seal", where=str(path))


def is_there_already(runs: Path, run_id: str, seal_sha256: str) -> bool:
    """Whether the run is among the runs with this very seal. Raises `UsageError` where it is there as another."""
    place = runs / run_id
    if not os.path.lexists(place):
        return False
    try:
        own = sha256_hex((place / SEAL).read_bytes())
    except OSError:
        own = ""
    if own == seal_sha256:
        return True
    raise UsageError(
        "another run of this id is here already; nothing was changed",
        where=str(place),
        expected=f"a seal with SHA-256 {seal_sha256}",
        got=own or "a run that is not sealed",
        hint="verify both; --runs OTHER_FOLDER imports it beside",
    )


def bring_in(came: CameAs, runs: Path, note: ArrivalNote) -> bool:
    """Puts the package that `note` is about among the runs, read-only, and the note beside them; False where another
    import has put it there meanwhile.

    Until the last rename nothing of it can be seen there. Raises `EvidenceError` where the package is not the one
    that was verified, `UsageError` where another run of its id came meanwhile, and `DiskTrouble`.
    """
    place = runs / note.run_id
    try:
        runs.mkdir(parents=True, exist_ok=True)
        _remove_what_was_left(runs)
        with _half(runs) as half:
            digests = _unpack(opener(came.path, Limits()), half, note.run_id)
            _refuse_other(half, came, note, digests)
            with _alone(make_imports(runs)):  # the note and the name are given together
                if is_there_already(runs, note.run_id, note.seal_sha256):
                    return False
                write_note(runs, note)
                try:
                    half.rename(place)
                except OSError:
                    note_path(runs, note.run_id).unlink(missing_ok=True)
                    raise
            fsync_folder(runs)
    except OSError as error:
        raise DiskTrouble(
            "the package cannot be put among the runs", where=str(place), got=error.strerror or str(error)
        ) from error
    return True


def _unpack(opened: Opener, half: Path, run_id: str) -> dict[str, str]:
    """The digest of each file as it was written."""
    digests = {}
    with opened() as source:
        folders = {half}
        for item in files_of(source):
            digests[item.path] = _write(half / item.path, item, folders)
        _refuse_other_name(source, run_id)
    for folder in sorted(folders, key=lambda one: len(one.parts), reverse=True):
        folder.chmod(FOLDER_MODE)
        fsync_folder(folder)
    return digests


def _write(path: Path, item: Found, folders: set[Path]) -> str:
    """The digest of the file as it was written; folders that were made for it are added to `folders`."""
    hasher = sha256_running()
    with _writing(path):
        for parent in reversed(path.parents):
            if parent not in folders and any(one in folders for one in parent.parents):
                parent.mkdir(mode=0o700)
                folders.add(parent)
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC | os.O_NOFOLLOW
        descriptor = os.open(path, flags, 0o600)
    try:
        for piece in item.chunks:
            hasher.update(piece)
            with _writing(path):
                _write_all(descriptor, piece)
        with _writing(path):
            os.fchmod(descriptor, FILE_MODE)
            os.fsync(descriptor)
    finally:
        os.close(descriptor)
    return hasher.hexdigest()


def _write_all(descriptor: int, piece: bytes | memoryview) -> None:
    left = memoryview(piece)
    while left:
        left = left[os.write(descriptor, left) :]


@contextmanager
def _writing(path: Path) -> Iterator[None]:
    """Trouble here is with the disk that is written to, and not with the package that is read."""
    try:
        yield
    except OSError as error:
        why = error.strerror or str(error)
        raise DiskTrouble("the package cannot be put among the runs", where=str(path), got=why) from error


def _refuse_other_name(source: Source, run_id: str) -> None:
    if source.kind == "bundle" and source.top != run_id:
        raise EvidenceError(CHANGED, expected=run_id, got=source.top)


def _refuse_other(half: Path, came: CameAs, note: ArrivalNote, digests: Mapping[str, str]) -> None:
    """Raises `EvidenceError` unless what was unpacked is what was verified: the very bundle, the very seal, and every
    file that the seal lists with the digest that it lists."""
    if came.sha256 and sha256_file(came.path)[0] != came.sha256:
        raise EvidenceError(CHANGED, where=str(came.path), expected=f"SHA-256 {came.sha256}")
    if digests.get(SEAL) != note.seal_sha256 or SUMS not in digests:
        raise EvidenceError(CHANGED, where=SEAL, expected=f"SHA-256 {note.seal_sha256}")
    for path, sha256 in parse_sums((half / SUMS).read_bytes()).items():
        is_withheld = path not in digests and note.is_redacted
        if not is_withheld and digests.get(path) != sha256:
            raise EvidenceError(CHANGED, where=path, expected=f"SHA-256 {sha256}", got=digests.get(path, "no file"))


def _digest(item: Found) -> str:
    hasher = sha256_running()
    for piece in item.chunks:
        hasher.update(piece)
    return hasher.hexdigest()


# --- the folder in which it is put together --------------------------------------------------------------------


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Holds a lock on the folder: another import waits for its end."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


@contextmanager
def _half(runs: Path) -> Iterator[Path]:
    """A new folder in `runs`, held by a lock while this process works; gone afterwards unless it was renamed."""
    half = Path(tempfile.mkdtemp(prefix=HALF, dir=runs))
    descriptor = os.open(half, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield half
    finally:
        _remove(half)
        os.close(descriptor)


def _remove_what_was_left(runs: Path) -> None:
    for left in runs.glob(f"{HALF}*"):
        if left.is_symlink() or not left.is_dir():
            continue
        descriptor = os.open(left, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            with contextlib.suppress(BlockingIOError):  # another process works there
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                _remove(left)
        finally:
            os.close(descriptor)


def _remove(half: Path) -> None:
    if not half.is_dir():
        return
    for parent, _, _ in os.walk(half):
        Path(parent).chmod(0o700)
    shutil.rmtree(half)

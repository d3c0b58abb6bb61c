"""A plain folder as a place to publish to: a disk, a mounted share, or what `rsync` takes from there."""

from __future__ import annotations

import errno
import fcntl
import os
import stat
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import msgspec

from awo.canon.digest import CHUNK_BYTES, sha256_running, sha256_stream
from awo.engine.folder import fsync_folder
from awo.errors import CannotCheck, DiskTrouble, EvidenceError, UsageError
from awo.evidence.layout import AUDIT, INPUT, JOURNAL
from awo.evidence.publication import Arrival, Deposit
from awo.publish.about.shapes import About
from awo.publish.targets.opening import Wanted
from awo.publish.targets.seam import Keep, Parcel, Progress
from awo.publish.targets.source import Source

SCHEME = "folder:"
LIST = "ARRIVED.sha256"
"""The file that comes last, for `sha256sum -c`: where it stands, all that it names has arrived whole."""

_NO_LINKS = (errno.EPERM, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS, errno.EMLINK)
_NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
_NOT_OURS = (errno.EACCES, errno.EPERM, errno.EROFS)


@dataclass(frozen=True, slots=True)
class Folder:
    """The target: a folder named after the run is made in `root`, which must be there already."""

    root: Path
    kind: str = "folder"
    is_final: bool = False
    gives_doi: bool = False

    @property
    def place(self) -> str:
        return f"{SCHEME}{self.root}"

    def reserve(self, deposit: Deposit, about: About, keep: Keep) -> Deposit:
        """Makes the run's folder. Its name is known beforehand, so that asking twice makes one."""
        folder = self._run_folder(deposit)
        self._refuse_missing_root()
        with _disk(folder):
            _refuse_run(folder)
            with suppress(FileExistsError):
                folder.mkdir()
            if not stat.S_ISDIR(folder.lstat().st_mode):
                raise UsageError("something else has the name of the run's folder", where=str(folder))
            _flush_names(self.root)
        phase = "reserved" if deposit.phase in ("new", "asked") else deposit.phase
        made = msgspec.structs.replace(deposit, phase=phase, identifier=deposit.run_id, address=str(folder))
        keep(made)
        return made

    def arrived(self, deposit: Deposit, parcel: Parcel) -> Arrival | None:
        """Reads the file that has the parcel's name there, from its first byte to its last."""
        place = self._run_folder(deposit) / _allowed(parcel.name)
        self._refuse_missing_root()
        with _disk(place):
            try:
                descriptor = os.open(place, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK)
            except FileNotFoundError:
                return None
            with os.fdopen(descriptor, "rb", buffering=0) as stream:
                _refuse_other_kind(descriptor, place)
                there, size_bytes = sha256_stream(stream)
        if there != parcel.sha256:
            raise _other_bytes(place, parcel, f"SHA-256 {there}, {size_bytes} bytes")
        return Arrival(
            name=parcel.name,
            sha256=parcel.sha256,
            size_bytes=size_bytes,
            address=str(place),
            checksum=f"sha256:{there}",
            version="",
            retained_until="",
        )

    def send(self, deposit: Deposit, parcel: Parcel, progress: Progress) -> Arrival:
        """Writes beside, reads back, and only then gives the file its name: under that name nothing is ever half."""
        folder = self._run_folder(deposit)
        half = folder / f".{_allowed(parcel.name)}.part"
        there = self.arrived(deposit, parcel)
        if there is not None:
            with _disk(half):  # left by a kill after the file had got its name
                half.unlink(missing_ok=True)
            progress(parcel.size_bytes)
            return there
        if not folder.is_dir():
            raise CannotCheck(
                "the folder that was made for this run is gone",
                where=str(folder),
                hint="is the share mounted? To begin anew make the folder yourself, and try again",
            )
        with _disk(half), _held(half) as descriptor:
            _fill(descriptor, half, parcel, progress)
            _give_name(half, folder / parcel.name)
        there = self.arrived(deposit, parcel)
        if there is None:
            raise CannotCheck("the file is gone again", where=str(folder / parcel.name), hint="try again")
        return there

    def others(self, deposit: Deposit, parcels: Sequence[Parcel]) -> tuple[str, ...]:
        """There are no drafts here: what arrives is there for all who can read the folder."""
        return ()

    def publish(self, deposit: Deposit, about: About, parcels: Sequence[Parcel]) -> Deposit:
        """Writes the list of what has arrived. Raises `CannotCheck` where one has not, and changes no list."""
        for parcel in parcels:
            if self.arrived(deposit, parcel) is None:
                raise CannotCheck("a file has not arrived", where=parcel.name, hint="send it again")
        lines = "".join(f"{one.sha256}  {one.name}\n" for one in sorted(parcels, key=lambda one: one.name)).encode()
        folder = self._run_folder(deposit)
        place, half = folder / LIST, folder / f".{LIST}.part"
        with _disk(place):
            if place.is_symlink() or place.exists():
                if place.is_symlink() or place.read_bytes() != lines:
                    raise EvidenceError(
                        "there is another list of what arrived, and it is not overwritten",
                        where=str(place),
                        hint="look whether somebody else publishes to this folder",
                    )
                half.unlink(missing_ok=True)  # as in `send`
                return deposit
            with _held(half) as descriptor:
                os.ftruncate(descriptor, 0)
                _write(descriptor, lines)
                os.fsync(descriptor)
                _give_name(half, place)
        return deposit

    def _run_folder(self, deposit: Deposit) -> Path:
        return self.root / deposit.run_id

    def _refuse_missing_root(self) -> None:
        if not self.root.is_dir():  # never made here: under an unmounted share it would fill this machine's own disk
            raise CannotCheck(
                "the folder to publish to is not there",
                where=str(self.root),
                expected="a folder",
                hint="make it, or mount the share that it is on",
            )


def _refuse_run(folder: Path) -> None:
    """Raises `UsageError` where `folder` is a run's own, or lies in one: a sealed run to which a file was added does
    not verify any more."""
    for one in (folder, *folder.parents):
        if (one / JOURNAL).exists() or (one == folder and ((one / INPUT).exists() or (one / AUDIT).exists())):
            raise UsageError(
                "this is the folder of a run itself, and nothing may be put into it",
                where=str(one),
                hint="publish to a folder outside runs/",
            )


def open_folder(wanted: Wanted) -> Folder:
    """The folder of `folder:PATH` or of a plain path. Raises `UsageError` for no path; it is looked for later."""
    path = wanted.address.removeprefix(SCHEME)
    if not path or "\0" in path:
        raise UsageError("no folder is named", where=wanted.address, expected=f"{SCHEME}PATH")
    return Folder(Path(path).resolve())


def _allowed(name: str) -> str:
    if name == LIST:
        raise UsageError(
            "a file cannot have this name there", where=name, got="it is kept for the list of what arrived"
        )
    return name


@contextmanager
def _held(half: Path) -> Iterator[int]:
    """A descriptor of the file at `half`, made where it is missing, locked so that no second process writes to it."""
    flags = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK
    descriptor = os.open(half, flags, 0o644)
    try:
        _refuse_other_kind(descriptor, half)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise UsageError("another process is sending this file", where=str(half), hint="wait for it") from error
        except OSError:
            pass  # a share without locks: whoever is second finds other bytes when they are read back
        if os.fstat(descriptor).st_nlink > 1:  # it has its name already, and must not be written to
            half.unlink()
            os.close(descriptor)
            descriptor = os.open(half, flags | os.O_EXCL, 0o644)
        yield descriptor
    finally:
        os.close(descriptor)


def _fill(descriptor: int, half: Path, parcel: Parcel, progress: Progress) -> None:
    """Brings the half file to the parcel's bytes, on disk and read back."""
    with Source(parcel) as source:
        done_bytes = _kept(descriptor, source, parcel.size_bytes)
        progress(done_bytes)
        try:
            while chunk := source.read(CHUNK_BYTES):
                _write(descriptor, chunk)
                done_bytes += len(chunk)
                progress(done_bytes)
            source.refuse_changed()
        except EvidenceError:
            half.unlink()
            raise
    os.fsync(descriptor)
    if hasattr(os, "posix_fadvise"):  # so that what is read back comes from the disk, where the system can do that
        os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)
    os.lseek(descriptor, 0, os.SEEK_SET)
    with os.fdopen(descriptor, "rb", buffering=0, closefd=False) as stream:
        there, size_bytes = sha256_stream(stream)
    if there != parcel.sha256:
        half.unlink()
        raise _other_bytes(half, parcel, f"SHA-256 {there}, {size_bytes} bytes, when they were read back")


def _kept(descriptor: int, source: Source, size_bytes: int) -> int:
    """How many bytes of a half file are the beginning of the source; any other beginning is cut away."""
    there_bytes = os.fstat(descriptor).st_size
    if 0 < there_bytes <= size_bytes:
        hasher, seen_bytes = sha256_running(), 0
        while seen_bytes < there_bytes:
            chunk = os.read(descriptor, min(CHUNK_BYTES, there_bytes - seen_bytes))
            if not chunk:
                break
            hasher.update(chunk)
            source.read(len(chunk))
            seen_bytes += len(chunk)
        if source.so_far == (hasher.hexdigest(), seen_bytes):
            return seen_bytes
        source.again()
    os.ftruncate(descriptor, 0)
    os.lseek(descriptor, 0, os.SEEK_SET)
    return 0


def _write(descriptor: int, data: bytes) -> None:
    view = memoryview(data)
    while view:  # a full disk takes a part of it, and refuses the next
        view = view[os.write(descriptor, view) :]


def _give_name(half: Path, place: Path) -> None:
    """Gives the whole file its name, never over another. Raises `EvidenceError` where somebody was faster."""
    try:
        os.link(half, place, follow_symlinks=False)
    except FileExistsError as error:
        raise EvidenceError(
            "another file got this name meanwhile, and it is not overwritten",
            where=str(place),
            hint="try again: the same bytes are nothing to do",
        ) from error
    except OSError as error:
        if error.errno not in _NO_LINKS or place.is_symlink() or place.exists():
            raise
        half.rename(place)  # a share without links: between the look and this, a file of somebody else could be lost
    else:
        _flush_names(place.parent)
        half.unlink()
    _flush_names(place.parent)


def _flush_names(folder: Path) -> None:
    try:
        fsync_folder(folder)
    except OSError as error:
        if error.errno not in (errno.EINVAL, errno.ENOTSUP):  # some shares flush no folders
            raise


def _refuse_other_kind(descriptor: int, place: Path) -> None:
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        raise EvidenceError("something else has the name of a file", where=str(place), expected="a regular file")


def _other_bytes(place: Path, parcel: Parcel, got: str) -> EvidenceError:
    return EvidenceError(
        "there are other bytes under this name, and they are not overwritten",
        where=str(place),
        expected=f"SHA-256 {parcel.sha256}, {parcel.size_bytes} bytes",
        got=got,
        hint="publish to another folder, or look who wrote here",
    )


@contextmanager
def _disk(place: Path) -> Iterator[None]:
    """Says of what the system refuses what it means, and that the same command goes on."""
    try:
        yield
    except OSError as error:
        got = error.strerror or type(error).__name__
        where = str(error.filename or place)
        if error.errno in _NO_ROOM:
            what, hint = (
                "the folder has no room left",
                "make room; what has arrived stays, and the same command goes on",
            )
        elif error.errno in _NOT_OURS:
            what, hint = "the folder cannot be written to", "check who may write there, and that it is not read-only"
        elif error.errno == errno.ELOOP:
            raise EvidenceError("a link has the name of a file, and is not followed", where=where) from error
        else:
            what, hint = "the folder cannot be reached", "is the share mounted? The same command goes on where it was"
        raise DiskTrouble(what, where=where, got=got, hint=hint) from error

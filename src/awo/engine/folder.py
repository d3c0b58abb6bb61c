"""A run's folder: made, found, and written to by whole files."""

from __future__ import annotations

import contextlib
import fcntl
import os
import re
from collections.abc import Container, Iterable, Iterator
from pathlib import Path
from time import monotonic, sleep
from typing import TypeVar

from awo.canon import time
from awo.canon.digest import sha256_file, sha256_hex, sha256_running
from awo.canon.json import parse
from awo.errors import DiskTrouble, EvidenceError, TextWithheld, UsageError
from awo.evidence.events import FileRef
from awo.evidence.layout import AUDIT, INPUT, JOURNAL, OUTPUTS, REDACTIONS, RUN_ID_PATTERN, SEAL_SIGNATURE
from awo.evidence.records import InputRecord, encode_input
from awo.plugins import nearest

T = TypeVar("T")

LOOK_AGAIN_S = 0.02
RESTORE = "restore it from a copy; AWO does not go on from altered evidence"
_run_id = re.compile(RUN_ID_PATTERN)


def make_run_folder(runs: Path, record: InputRecord) -> tuple[Path, FileRef]:
    """A new `run_…Z` folder with input.json in it, made with an atomic mkdir.

    A second run in the same second gets `-2`, then `-3`; so does one whose earlier attempt has the name, wherever
    that lies: no two attempts of a chain are called the same. Raises `DiskTrouble`.
    """
    in_chain = {one.run_id for one in record.earlier} | {record.rescores, record.revises}
    try:
        runs.mkdir(parents=True, exist_ok=True)
        folder = _first_free(runs, time.run_id_for(time.now()), in_chain)
        (folder / OUTPUTS).mkdir()
        (folder / AUDIT).mkdir()
        ref = _write_input(folder, record)
        fsync_folder(runs)
    except OSError as error:
        raise DiskTrouble("the run's folder cannot be made", where=str(runs), got=str(error.strerror)) from error
    return folder, ref


def _write_input(folder: Path, record: InputRecord) -> FileRef:
    hasher, size_bytes = sha256_running(), 0
    with (folder / INPUT).open("xb") as stream:
        for piece in encode_input(record):
            hasher.update(piece)
            size_bytes += stream.write(piece)
        stream.flush()
        os.fsync(stream.fileno())
    fsync_folder(folder)
    return FileRef(path=INPUT, sha256=hasher.hexdigest(), size_bytes=size_bytes)


def _first_free(runs: Path, second: str, in_chain: Container[str]) -> Path:
    number = 0
    while True:
        number += 1
        folder = runs / (second if number == 1 else f"{second}-{number}")
        if folder.name in in_chain:
            continue
        with contextlib.suppress(FileExistsError):
            folder.mkdir()
            return folder


def find_run(runs: Path, name: str) -> Path:
    """The folder of a run that a person names by id, by path or as `latest`. Raises `UsageError`."""
    if name == "latest":
        found = run_folders(runs)
        if not found:
            raise UsageError("there is no run here yet", where=str(runs), hint="start one with `awo run FILE`")
        folder = found[-1]
    else:
        folder = runs / name if _run_id.match(name) else Path(name)
    if folder.is_file():
        raise UsageError(
            "this is a file, and the command needs the folder of a run",
            where=name,
            expected="a run's id or its folder",
            hint="a bundle is unpacked with tar -xzf; `awo verify` reads one as it is",
        )
    if not folder.is_dir():
        near = [f.name for f in run_folders(runs)][-3:]
        raise UsageError(
            f"there is no run {name!r}" if _run_id.match(name) else f"there is no run and no file {name!r}",
            where=str(runs),
            expected=", ".join([*near, "latest"]),
            hint="did you mean 'latest'?" if nearest(name, ["latest"]) else "see `awo list`",
        )
    if not (folder / INPUT).exists() and not journal_exists(folder):
        raise UsageError("this folder is not a run: it has no input.json", where=str(folder))
    return folder


def run_folders(runs: Path) -> list[Path]:
    """Every run folder below `runs`, oldest first (by the id, then by the number behind it)."""
    if not runs.is_dir():
        return []
    names = [name for name in os.listdir(runs) if _run_id.match(name)]
    return [runs / name for name in sorted(names, key=lambda n: (n[:24], int(n[25:] or 1)))]


def read_input(folder: Path) -> tuple[InputRecord, FileRef]:
    """input.json of a run and its digest. Raises `EvidenceError` or `DiskTrouble`."""
    path = folder / INPUT
    try:
        data = path.read_bytes()
    except FileNotFoundError as error:
        raise _missing(folder, INPUT) from error
    except OSError as error:
        raise DiskTrouble("input.json cannot be read", where=str(path), got=str(error.strerror)) from error
    record = parse(data, InputRecord, where=str(path))
    return record, FileRef(path=INPUT, sha256=sha256_hex(data), size_bytes=len(data))


def refuse_sealed(folder: Path) -> None:
    """Raises `UsageError` for a run that is sealed: nothing in it may change."""
    if (folder / SEAL_SIGNATURE).exists():
        raise UsageError(
            "this run is sealed, and a sealed run never changes",
            where=str(folder),
            hint=f"look at it with `awo show {folder.name}`, or make a new run",
        )


def refuse_links_and_devices(folder: Path) -> None:
    """Raises `EvidenceError` for anything in a run but plain files and folders.

    A link that somebody put there would lead what is read, written and tidied away out of the run.
    """
    waiting = [str(folder)]
    while waiting:
        with os.scandir(waiting.pop()) as entries:
            for entry in entries:
                if entry.is_dir(follow_symlinks=False):
                    waiting.append(entry.path)
                elif not entry.is_file(follow_symlinks=False):
                    raise EvidenceError(
                        "a run has plain files and folders only",
                        where=entry.path,
                        got="a link" if entry.is_symlink() else "a device, a socket or a FIFO",
                        hint="see what it is and where it came from, then remove it",
                    )


def take_lock(descriptor: int, folder: Path, *, wait: bool = False, wait_s: float = 0.0) -> None:
    """Locks an open journal for this process. Raises `UsageError`, and closes it, when another has it.

    Waits for the other `wait_s` seconds, and with `wait` for as long as it takes.
    """
    until = monotonic() + wait_s
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
        except BlockingIOError as error:
            if monotonic() < until:
                sleep(LOOK_AGAIN_S)
                continue
            os.close(descriptor)
            raise UsageError(
                "another process is working on this run",
                where=str(folder),
                hint=f"wait for it, or look with `awo status {folder.name}`",
            ) from error
        return


@contextlib.contextmanager
def alone_in(folder: Path, *, wait: bool = False) -> Iterator[None]:
    """Keeps other processes from changing the run meanwhile. Raises `UsageError` when one is at it, unless `wait`."""
    try:
        descriptor = os.open(folder / JOURNAL, os.O_RDWR | os.O_CLOEXEC)
    except FileNotFoundError as error:
        raise never_started(folder) from error
    except OSError as error:
        raise DiskTrouble("the journal cannot be opened", where=str(folder), got=str(error.strerror)) from error
    take_lock(descriptor, folder, wait=wait)
    try:
        yield
    finally:
        os.close(descriptor)


def never_started(folder: Path) -> UsageError:
    """The error for a run that was killed before its first event."""
    return UsageError(
        "this run was never started: no event is recorded", where=str(folder), hint="start it again with `awo run`"
    )


def refuse_altered(folder: Path, name: str, sha256: str) -> bytes:
    """The bytes of a recorded file that has this digest. Raises `EvidenceError` when they are not the recorded ones."""
    with _recorded(folder, name) as path:
        data = path.read_bytes()
    _compare(path, sha256, sha256_hex(data))
    return data


def refuse_altered_file(folder: Path, ref: FileRef) -> None:
    """As `refuse_altered`, without holding the bytes: for files of any size."""
    with _recorded(folder, ref.path) as path:
        sha256, _ = sha256_file(path)
    _compare(path, ref.sha256, sha256)


@contextlib.contextmanager
def _recorded(folder: Path, name: str) -> Iterator[Path]:
    path = folder / name
    try:
        yield path
    except FileNotFoundError as error:
        raise _missing(folder, name) from error
    except OSError as error:
        raise DiskTrouble("a recorded file cannot be read", where=str(path), got=str(error.strerror)) from error


def _missing(folder: Path, name: str) -> EvidenceError:
    """What is said of a recorded file that is not there: nobody should look for one that is withheld."""
    if (folder / REDACTIONS).is_dir():
        return TextWithheld(
            f"{name} is withheld by a redaction of this run, or was erased",
            where=str(folder / name),
            hint=f"`awo verify {folder.name}` says what is withheld, by whom and why",
        )
    return EvidenceError("a recorded file is missing", where=str(folder / name), hint=RESTORE)


def _compare(path: Path, expected: str, got: str) -> None:
    if got != expected:
        raise EvidenceError(
            "a recorded file has been altered",
            where=str(path),
            expected=f"SHA-256 {expected}",
            got=got,
            hint=RESTORE,
        )


def read_recorded(folder: Path, ref: FileRef, kind: type[T]) -> T:
    """The record that an event names, as a `kind`. Raises `EvidenceError` and `DiskTrouble` as `refuse_altered`."""
    return parse(refuse_altered(folder, ref.path, ref.sha256), kind, where=ref.path)


def write_whole(path: Path, data: bytes) -> None:
    """Writes a file so that a reader sees either the old or the new one, durable on return."""
    write_pieces(path, (data,))


def write_pieces(path: Path, pieces: Iterable[bytes]) -> None:
    """As `write_whole`, with the bytes one after another."""
    temporary = path.with_name(f".{path.name}.new")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC | os.O_NOFOLLOW, 0o644)
    with os.fdopen(descriptor, "wb") as stream:
        stream.writelines(pieces)
        stream.flush()
        os.fsync(descriptor)
    temporary.rename(path)
    fsync_folder(path.parent)


def fsync_folder(folder: str | Path) -> None:
    """Makes the names in a folder durable."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def journal_exists(folder: Path) -> bool:
    """Whether the run was ever started."""
    return (folder / JOURNAL).is_file()

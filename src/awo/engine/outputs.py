"""What steps leave behind, written content first: no event names bytes that are not on their way to disk."""

from __future__ import annotations

import os
import shutil
import stat
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import BinaryIO

from awo.canon.digest import sha256_file, sha256_hex, sha256_running
from awo.canon.paths import folded, why_not_inside
from awo.engine.journal import Journal, read_lines
from awo.errors import DiskTrouble, StepFailed
from awo.evidence.events import FileRef
from awo.evidence.layout import FILES_FOLDER, ITEMS_FILE, OUTPUTS, RESPONSES_FILE, VALUE_FILE, attempt_folder
from awo.evidence.secrets import SecretCutter

_CREATE = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC | os.O_NOFOLLOW
_APPEND = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC | os.O_NOFOLLOW
_COPY_BYTES = 1 << 20


class StepOutputs:
    """The folder `outputs/<step>/` during one attempt. Digests are taken from the bytes as they are written."""

    __slots__ = (
        "_files",
        "_folder",
        "_has_folder",
        "_journal",
        "_names",
        "_responses",
        "_responses_end",
        "_secrets",
        "root",
        "step",
    )

    def __init__(self, root: Path, step: str, journal: Journal, secrets: SecretCutter) -> None:
        self.root = root
        self.step = step
        self._journal = journal
        self._secrets = secrets
        self._folder = f"{root}/{OUTPUTS}/{step}"
        self._has_folder = False
        self._files: list[FileRef] = []
        self._names: set[str] = set()
        self._responses = -1
        self._responses_end = 0

    def clear(self) -> None:
        """Removes what an interrupted attempt left unrecorded; responses stay."""
        shutil.rmtree(f"{self._folder}/{FILES_FOLDER}", ignore_errors=True)
        if os.path.isdir(self._folder):
            for name in os.listdir(self._folder):
                if name.startswith(".") or name in (VALUE_FILE, ITEMS_FILE):
                    os.unlink(f"{self._folder}/{name}")

    def write_value(self, name: str, data: bytes) -> FileRef:
        """Writes `outputs/<step>/<name>` (output.json, gate.json)."""
        self._make_folder()
        return self._write(f"{OUTPUTS}/{self.step}/{name}", data, [self._folder])

    def keep(self, name: str, data: bytes) -> FileRef:
        """Writes the artifact `files/<name>`. Raises `StepFailed` (code `path`) for a name that may not be."""
        path, folders = self._place(name)
        ref = self._write(path, data, folders)
        self._files.append(ref)
        return ref

    def keep_path(self, name: str, source: Path) -> FileRef:
        """Copies a file of any size to the artifact `files/<name>`."""
        if not stat.S_ISREG(os.lstat(source).st_mode):
            raise StepFailed(f"{name!r} is not a regular file", code="path", where=self.step)
        path, folders = self._place(name)
        try:
            target = os.open(f"{self.root}/{path}", _CREATE, 0o644)
            with source.open("rb", buffering=0) as stream, os.fdopen(os.dup(target), "wb", buffering=0) as sink:
                shutil.copyfileobj(stream, sink, _COPY_BYTES)
        except OSError as error:
            raise DiskTrouble("an artifact cannot be kept", where=path, got=str(error.strerror)) from error
        sha256, size_bytes = sha256_file(f"{self.root}/{path}")
        self._journal.content(target, folders, close=True)
        ref = FileRef(path=path, sha256=sha256, size_bytes=size_bytes)
        self._files.append(ref)
        return ref

    def spool(self) -> BinaryIO:
        """A file without a name, for what is put in order later; gone when it is closed."""
        self._make_folder()
        return tempfile.TemporaryFile(dir=self._folder)

    def keep_items(self, lines: Iterable[bytes]) -> None:
        """Writes items.jsonl from its lines, each with its newline."""
        self._make_folder()
        self._stream(f"{OUTPUTS}/{self.step}/{ITEMS_FILE}", lines, [f"{self.root}/{OUTPUTS}", self._folder])

    def keep_lines(self, name: str, lines: Iterable[bytes]) -> FileRef:
        """Writes the artifact `files/<name>` from its lines, each with its newline. Raises as `keep`."""
        path, folders = self._place(name)
        return self._stream(path, (self._without_secret(line, path) for line in lines), folders)

    def _stream(self, path: str, lines: Iterable[bytes], folders: list[str]) -> FileRef:
        hasher, size_bytes = sha256_running(), 0
        try:
            descriptor = os.open(f"{self.root}/{path}", _CREATE, 0o644)
            with os.fdopen(os.dup(descriptor), "wb", buffering=_COPY_BYTES) as stream:
                for line in lines:
                    hasher.update(line)
                    size_bytes += stream.write(line)
        except OSError as error:
            raise DiskTrouble("a file of lines cannot be written", where=path, got=str(error.strerror)) from error
        self._journal.content(descriptor, folders, close=True)
        ref = FileRef(path=path, sha256=hasher.hexdigest(), size_bytes=size_bytes)
        self._files.append(ref)
        return ref

    def append_response(self, line: bytes) -> None:
        """Appends one line (without its newline) to responses.jsonl."""
        try:
            if self._responses < 0:
                self._make_folder()
                self._responses = os.open(f"{self._folder}/{RESPONSES_FILE}", _APPEND, 0o644)
                self._responses_end = os.fstat(self._responses).st_size
                self._journal.content(self._responses, [self._folder], close=False)
            try:
                _write_all(self._responses, line + b"\n")
            except OSError:  # the answer of another call comes next, on a line of its own
                os.ftruncate(self._responses, self._responses_end)
                raise
            self._responses_end += len(line) + 1
        except OSError as error:
            raise DiskTrouble("a response cannot be kept", where=self._folder, got=str(error.strerror)) from error
        self._journal.content(self._responses, close=False)

    def files(self, *, has_responses: bool) -> list[FileRef]:
        """Every file of the attempt but its value, sorted by path; responses.jsonl with its digest so far."""
        if not has_responses and not self._files:
            return []
        found = list(self._files)
        responses = f"{OUTPUTS}/{self.step}/{RESPONSES_FILE}"
        if has_responses:
            sha256, size_bytes = sha256_file(f"{self.root}/{responses}")
            found.append(FileRef(path=responses, sha256=sha256, size_bytes=size_bytes))
        return sorted(found, key=lambda ref: ref.path)

    def set_failed_aside(self, attempt: int) -> list[FileRef]:
        """Moves the artifacts of a failed attempt to `attempt-<n>/`, gives their new names, sorted."""
        if not self._files:
            return []
        aside = attempt_folder(self.step, attempt)
        before = f"{OUTPUTS}/{self.step}/{FILES_FOLDER}"
        items = f"{OUTPUTS}/{self.step}/{ITEMS_FILE}"
        try:
            if any(ref.path != items for ref in self._files):
                os.rename(f"{self.root}/{before}", f"{self.root}/{aside}")
            if any(ref.path == items for ref in self._files):
                os.makedirs(f"{self.root}/{aside}", exist_ok=True)
                os.rename(f"{self.root}/{items}", f"{self.root}/{aside}/{ITEMS_FILE}")
        except OSError as error:
            raise DiskTrouble(
                "what a failed attempt made cannot be set aside", where=aside, got=str(error.strerror)
            ) from error
        moved = [
            FileRef(
                path=f"{aside}/{ITEMS_FILE}" if ref.path == items else aside + ref.path[len(before) :],
                sha256=ref.sha256,
                size_bytes=ref.size_bytes,
            )
            for ref in self._files
        ]
        self._journal.new_names(self._folder, *(os.path.dirname(f"{self.root}/{ref.path}") for ref in moved))
        return sorted(moved, key=lambda ref: ref.path)

    def close(self) -> None:
        """Hands the responses' file over to be flushed and closed."""
        if self._responses >= 0:
            self._journal.content(self._responses, close=True)
            self._responses = -1

    def _place(self, name: str) -> tuple[str, list[str]]:
        why = why_not_inside(name)
        path = f"{OUTPUTS}/{self.step}/{FILES_FOLDER}/{name}"
        why = why or why_not_inside(path)
        if not why and folded(name) in self._names:
            why = "another file of this step has the same name (case aside)"
        if why:
            raise StepFailed(f"a file may not be called {name!r}: {why}", code="path", where=self.step)
        self._names.add(folded(name))
        self._make_folder()
        parents = name.split("/")[:-1]
        folders = [self._folder, f"{self._folder}/{FILES_FOLDER}"]
        for parent in parents:
            folders.append(f"{folders[-1]}/{parent}")
        try:
            for folder in folders[1:]:
                os.makedirs(folder, exist_ok=True)
        except (FileExistsError, NotADirectoryError) as error:
            raise StepFailed(f"the folder of {name!r} is a file already", code="path", where=self.step) from error
        except OSError as error:
            raise DiskTrouble("a folder cannot be made", where=path, got=str(error.strerror)) from error
        return path, folders

    def _make_folder(self) -> None:
        if not self._has_folder:
            try:
                os.mkdir(self._folder)
            except FileExistsError:
                pass
            except OSError as error:
                raise DiskTrouble(
                    "a step's folder cannot be made", where=self._folder, got=str(error.strerror)
                ) from error
            self._has_folder = True

    def _without_secret(self, data: bytes, path: str) -> bytes:
        """`data`; raises `StepFailed` when it holds a secret."""
        if found := self._secrets.found_in(data):
            raise StepFailed(
                f"an output holds the value of {', '.join(found)} and is not kept",
                code="secret_in_output",
                where=path,
                hint="keep secrets out of what a step writes",
            )
        return data

    def _write(self, path: str, data: bytes, folders: list[str]) -> FileRef:
        self._without_secret(data, path)
        try:
            descriptor = os.open(f"{self.root}/{path}", _CREATE, 0o644)
            _write_all(descriptor, data)
        except OSError as error:
            raise DiskTrouble("an output cannot be written", where=path, got=str(error.strerror)) from error
        self._journal.content(descriptor, [f"{self.root}/{OUTPUTS}", *folders], close=True)
        return FileRef(path=path, sha256=sha256_hex(data), size_bytes=len(data))


def _write_all(descriptor: int, data: bytes) -> None:
    """A disk that is nearly full takes a part, and says no only to the rest."""
    view = memoryview(data)
    while view:
        view = view[os.write(descriptor, view) :]


def response_lines(root: Path, step: str, offset: int = 0) -> Iterator[bytes]:
    """The lines of a step's responses.jsonl from `offset` (in bytes), each with its newline but a torn
    last one; none without file."""
    try:
        descriptor = os.open(f"{root}/{OUTPUTS}/{step}/{RESPONSES_FILE}", os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        return
    try:
        yield from read_lines(descriptor, offset)
    finally:
        os.close(descriptor)

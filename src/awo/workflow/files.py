"""Reads the files that a workflow declares: inside its own folder, regular files, each once."""

from __future__ import annotations

import contextlib
import os
import re
import stat
import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

from awo.canon.digest import sha256_hex, sha256_stream
from awo.workflow import globs
from awo.workflow.definition import AnyInput, DataInput, FileInput, Step
from awo.workflow.faults import Fault
from awo.workflow.marks import Marked, marked_in
from awo.workflow.names import did_you_mean
from awo.workflow.templates import is_template

MOST_CONTENT_BYTES: Final = 256 * 1024


@dataclass(frozen=True, slots=True)
class DeclaredFile:
    """A file that a workflow reads. `content` is its text where it is short UTF-8; else `encoding` is `absent`."""

    path: str
    sha256: str
    size_bytes: int
    encoding: Literal["utf-8", "absent"]
    content: str


class BadFile(Exception):
    """A declared file that cannot be read, with the reason as a clause."""

    def __init__(self, what: str, *, got: str = "", hint: str = "") -> None:
        super().__init__(what)
        self.what = what
        self.got = got
        self.hint = hint


class Folder:
    """The folder of a workflow file, as the only place that its steps may read from."""

    def __init__(self, root: Path) -> None:
        self._root = root.resolve()
        self._found: dict[str, DeclaredFile] = {}

    def path_of(self, path: str) -> Path:
        """Where a file that `read` has read lies."""
        return self._root / path

    @property
    def records(self) -> list[DeclaredFile]:
        """Every file read so far, sorted by path."""
        return [self._found[path] for path in sorted(self._found)]

    def read(self, path: str) -> DeclaredFile:
        """The file at `path`, relative to the folder. Raises `BadFile`."""
        if path not in self._found:
            self._refuse_path(path)
            self._found[path] = self._read(path)
        return self._found[path]

    def matching(self, pattern: str) -> list[str]:
        """The files that a pattern means (`globs.matches`), sorted. Raises `BadFile` when there are none.

        Links to folders are not followed.
        """
        self._refuse_path(pattern)
        parts = pattern.split("/")
        matches = sorted(set(self._walk(self._root, "", parts)))
        if not matches:
            raise BadFile(f"no file matches {pattern!r}", hint="the pattern is relative to the workflow file")
        return matches

    def _refuse_path(self, path: str) -> None:
        parts = path.split("/")
        why = ""
        if not path:
            why = "it is empty"
        elif path.startswith(("/", "~")) or re.match(r"[A-Za-z]:", path):
            why = "it is absolute"
        elif ".." in parts:
            why = "it has a '..' part"
        elif "" in parts or "." in parts:
            why = "it has an empty or '.' part"
        elif "\\" in path or any(unicodedata.category(c) in ("Cc", "Cs") for c in path):
            why = "it has a back slash or a control character"
        if why:
            raise BadFile(
                "a step may read only inside the workflow's folder",
                got=f"{path!r}: {why}",
                hint="put the file beside the workflow and name it relative to it, with '/' between folders",
            )

    def _read(self, path: str) -> DeclaredFile:
        full = self._root / path
        try:
            if not full.resolve(strict=True).is_relative_to(self._root):
                raise BadFile(f"the file {path!r} is reached by a link that leaves the workflow's folder")
            _refuse_special(path, full.stat().st_mode)  # before it is opened: to open a device is to act on it
            descriptor = os.open(full, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
            with os.fdopen(descriptor, "rb", buffering=0) as stream:
                status = os.fstat(stream.fileno())
                _refuse_special(path, status.st_mode)
                if status.st_size > MOST_CONTENT_BYTES:
                    digest, size = sha256_stream(stream)
                    return _record(path, digest, size, None)
                content = stream.read(MOST_CONTENT_BYTES + 1)
                if len(content) > MOST_CONTENT_BYTES:
                    raise BadFile(f"the file {path!r} changes while it is read")
        except FileNotFoundError as error:
            raise BadFile(f"there is no file {path!r}", hint=self._hint(path)) from error
        except (OSError, RuntimeError) as error:  # RuntimeError: a circle of links
            reason = error.strerror if isinstance(error, OSError) and error.strerror else "it cannot be reached"
            raise BadFile(f"the file {path!r} cannot be read", got=reason.lower()) from error
        return _record(path, sha256_hex(content), len(content), content)

    def _hint(self, path: str) -> str:
        folder = (self._root / path).parent
        try:
            names = sorted(entry.name for entry in os.scandir(folder))[:1000]
        except OSError:
            return "paths are relative to the workflow file"
        return did_you_mean(Path(path).name, names) or "paths are relative to the workflow file"

    def _walk(self, folder: Path, prefix: str, parts: list[str]) -> Iterator[str]:
        part, rest = parts[0], parts[1:]
        is_any = part == globs.ANY_FOLDERS
        if is_any and rest:
            yield from self._walk(folder, prefix, rest)
        try:
            entries = list(os.scandir(folder))
        except OSError:
            return
        for entry in entries:
            if globs.is_hidden_from(part, entry.name) or not (is_any or globs.matcher(part)(entry.name)):
                continue
            name = prefix + entry.name
            if entry.is_dir(follow_symlinks=False):
                if is_any or rest:
                    yield from self._walk(folder / entry.name, f"{name}/", parts if is_any else rest)
            elif not rest and not entry.is_dir():
                yield name


def read_declared(folder: Folder, inputs: Mapping[str, AnyInput], steps: Iterable[Step]) -> list[Fault]:
    """Reads every file that inputs and steps declare into `folder`; gives what could not be read."""
    faults: list[Fault] = []
    for name, declared in inputs.items():
        key = "data" if isinstance(declared, DataInput) else "file"
        if isinstance(declared, (FileInput, DataInput)):
            try:
                if folder.read(declared.path).encoding != "utf-8" and key == "file":
                    what = f"the input {name!r} must be text in UTF-8 of at most {MOST_CONTENT_BYTES} bytes"
                    raise BadFile(what, hint="name the file in the step that reads it instead")
            except BadFile as error:
                faults.append(Fault(("inputs", name, key), error.what, got=error.got, hint=error.hint))
    for step in steps:
        for marked in marked_in(step.args):
            if _is_read(marked):
                try:
                    for path in folder.matching(marked.text) if marked.kind == "glob" else [marked.text]:
                        folder.read(path)
                except BadFile as error:
                    faults.append(Fault(step.path_of(marked.path), error.what, got=error.got, hint=error.hint))
    return faults


def _is_read(marked: Marked) -> bool:
    """Whether a marked text says which files are read. A template that gives an image's path is none yet."""
    return marked.kind in ("read", "glob", "schema") or (marked.kind == "image" and not is_template(marked.text))


def _record(path: str, digest: str, size_bytes: int, content: bytes | None) -> DeclaredFile:
    text, is_text = "", False
    if content is not None:
        with contextlib.suppress(UnicodeDecodeError):
            text, is_text = content.decode(), True
    encoding: Literal["utf-8", "absent"] = "utf-8" if is_text else "absent"
    return DeclaredFile(path=path, sha256=digest, size_bytes=size_bytes, encoding=encoding, content=text)


def _refuse_special(path: str, mode: int) -> None:
    if stat.S_ISREG(mode):
        return
    if stat.S_ISDIR(mode):
        kind = "a folder"
    elif stat.S_ISFIFO(mode):
        kind = "a pipe"
    else:
        kind = "a socket or a device"
    raise BadFile(f"{path!r} is no file", got=kind)

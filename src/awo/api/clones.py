"""Clones of git that a reader holds runs against: their commits and files, read through the engine's door to git."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final

from awo.engine.git import NOTHING, Answer, Head, ask_git, head_of, is_git_here
from awo.errors import CannotCheck, UsageError
from awo.verify.clone import Blob

LARGEST_BLOB_BYTES: Final = 256 << 20
BATCH_BYTES: Final = 32 << 20
"""So many bytes of files are asked for at once."""
PATHS_AT_ONCE: Final = 200
LIMIT_S: Final = 120.0
LACKING: Final = "the clone lacks this file of the commit, or git cannot read it"
_FILES: Final = (b"100644", b"100755", b"100664")


class GitClone:
    """A folder in a git repository with a commit; implements `awo.verify.clone.Clone`. Nothing of it is run."""

    def __init__(self, root: Path, at: Head, name: str, *, is_named: bool, place: str) -> None:
        self.name = name
        self.is_named = is_named
        self.folder = at.folder
        self.place = place
        self.head = at.commit
        self._root = root
        self._top = root / at.up
        self._known: dict[str, bool] = {at.commit: True}

    def has(self, commit: str) -> bool:
        if commit not in self._known:
            answer = self._ask("rev-parse", "-q", "--verify", f"{commit}^{{commit}}")
            self._known[commit] = answer.is_done and answer.said.decode().strip() == commit
        return self._known[commit]

    def blobs(self, commit: str, paths: Sequence[str]) -> Iterator[tuple[str, Blob]]:
        entries: dict[str, tuple[bytes, str]] = {}
        for first in range(0, len(paths), PATHS_AT_ONCE):
            entries |= self._entries(commit, paths[first : first + PATHS_AT_ONCE])
        sizes = self._sizes([object_id for mode, object_id in entries.values() if mode in _FILES])
        wanted: list[tuple[str, str, int]] = []
        for path in paths:
            if path not in entries:
                yield path, Blob(None)
                continue
            mode, object_id = entries[path]
            if mode not in _FILES:
                yield path, Blob(None, "in the commit this is no plain file but a link, a folder or a submodule")
            elif (size := sizes.get(object_id)) is None:
                yield path, Blob(None, LACKING)
            elif size > LARGEST_BLOB_BYTES:
                yield path, Blob(None, f"the file in the commit is larger than {LARGEST_BLOB_BYTES:,} bytes")
            else:
                wanted.append((path, object_id, size))
        yield from self._contents(wanted)

    def changed_by_git(self, commit: str, path: str) -> bool:
        with tempfile.TemporaryDirectory(prefix="awo-clone-") as own:  # its attributes are read from an index of ours
            index = {"GIT_INDEX_FILE": str(Path(own, "index"))}
            words = ("check-attr", "--cached", "-z", "filter", "ident", "working-tree-encoding", "--", path)
            is_read = self._ask("read-tree", commit, variables=index, root=self._top).is_done
            answer = self._ask(*words, variables=index, root=self._top)
        values = answer.said.split(b"\0")[2::3]
        return not is_read or not answer.is_done or any(value not in (b"unspecified", b"unset") for value in values)

    def _entries(self, commit: str, paths: Sequence[str]) -> dict[str, tuple[bytes, str]]:
        """Mode and id of what stands at each path of the commit."""
        answer = self._must(self._ask("ls-tree", "-z", "--full-tree", commit, "--", *paths))
        found = {}
        for entry in answer.said.split(b"\0"):
            facts, tab, path = entry.partition(b"\t")
            if tab:
                mode, _, object_id = facts.split()
                found[path.decode(errors="surrogateescape")] = (mode, object_id.decode())
        return found

    def _sizes(self, object_ids: Sequence[str]) -> dict[str, int]:
        """The size of each of these files that is here: a partial clone lacks some."""
        if not object_ids:
            return {}
        told = "".join(f"{one}\n" for one in object_ids).encode()
        answer = self._ask("cat-file", "--batch-check=%(objectname) %(objectsize)", told=told)
        if not answer.is_done:  # one that a partial clone lacks ends it
            alone = {one: self._ask("cat-file", "-s", one) for one in object_ids}
            return {one: int(said.said) for one, said in alone.items() if said.is_done}
        rows = (line.split() for line in answer.said.decode(errors="replace").splitlines())
        return {row[0]: int(row[1]) for row in rows if len(row) == 2 and row[1].isdigit()}

    def _contents(self, wanted: Sequence[tuple[str, str, int]]) -> Iterator[tuple[str, Blob]]:
        batch: list[tuple[str, str, int]] = []
        for one in wanted:
            if batch and sum(size for _, _, size in batch) + one[2] > BATCH_BYTES:
                yield from self._read(batch)
                batch = []
            batch.append(one)
        yield from self._read(batch)

    def _read(self, batch: Sequence[tuple[str, str, int]]) -> Iterator[tuple[str, Blob]]:
        if not batch:
            return
        told = "".join(f"{object_id}\n" for _, object_id, _ in batch).encode()
        said = self._must(self._ask("cat-file", "--batch", told=told)).said
        at = 0
        for path, object_id, size in batch:
            head = f"{object_id} blob {size}\n".encode()
            if said.startswith(head, at):
                at += len(head)
                yield path, Blob(said[at : at + size])
                at += size + 1
            else:  # an object that is not there takes one line
                at = said.find(b"\n", at) + 1 or len(said)
                yield path, Blob(None, LACKING)

    def _ask(
        self, *words: str, told: bytes = b"", root: Path | None = None, variables: Mapping[str, str] = NOTHING
    ) -> Answer:
        place = root or self._root
        return ask_git(place, *words, told=told, variables=variables, is_apart=True, limit_s=LIMIT_S)

    def _must(self, answer: Answer) -> Answer:
        if not answer.is_done:
            raise CannotCheck("git cannot read the clone", where=self.name, got=answer.why)
        return answer


def named_clone(folder: Path, package: Path) -> GitClone:
    """The clone that a reader named. Raises `UsageError` where there is none, and `CannotCheck` without git."""
    if not is_git_here():
        raise CannotCheck("git is not installed, so no clone can be read", hint="install git, or leave out --clone")
    at = head_of(folder, is_apart=True) if folder.is_dir() else None
    if at is None:
        raise UsageError(
            "this is no clone of a git repository with a commit",
            where=str(folder),
            expected="a folder in which `git log` shows commits",
            hint="git clone ADDRESS, then name that folder",
        )
    return GitClone(folder, at, str(folder), is_named=True, place=_place(folder, at, package))


def clone_around(project: Path, package: Path) -> GitClone | None:
    """The clone in which the project lies; None without one, without git, or where the package brings it along."""
    if not any((folder / ".git").exists() for folder in (project, *project.parents)) or not is_git_here():
        return None
    at = head_of(project, is_apart=True)
    if at is None or (project / at.up).resolve().is_relative_to(package.resolve()):
        return None
    return GitClone(project, at, "the project's own", is_named=False, place=_place(project, at, package))


def _place(folder: Path, at: Head, package: Path) -> str:
    """Where in the repository a package lies, '' for a bundle and for one that lies elsewhere."""
    top, inside = (folder / at.up).resolve(), package.resolve()
    return inside.relative_to(top).as_posix() if inside.is_dir() and inside.is_relative_to(top) else ""

"""Commits one folder to the git repository around it, and nothing else, byte for byte as it lies on disk."""

from __future__ import annotations

import os
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from awo.engine.git import Answer, ask_git, git_output, is_git_here
from awo.errors import CannotCheck, EvidenceError, UsageError

AS_IT_IS: Final = ("-c", "core.autocrlf=false", "-c", "core.safecrlf=false", "-c", "core.fileMode=false")
LARGEST_FILE_BYTES: Final = 100 * 10**6
"""What the large hosts of git take at most."""
LIMIT_S: Final = 900.0
_NO_FILTER: Final = "runs/** -text -filter -ident -working-tree-encoding"


@dataclass(frozen=True, slots=True)
class Committed:
    """A folder in git. `is_new` is False where an earlier commit had these very bytes."""

    commit: str
    files: int
    is_new: bool
    was_ignored: bool


def commit_folder(folder: Path, message: str) -> Committed:
    """Commits what lies in `folder`, ignored or not; what else is staged stays staged and out of it.

    The commit is made from an index of its own, so that one that fails leaves nothing behind. The repository's hooks
    run, as with every commit. Raises `UsageError` where there is no repository, nobody is named, a file is too large,
    git would change the bytes, or a hook refuses; `EvidenceError` when the commit holds other bytes all the same.
    """
    if not is_git_here():
        raise CannotCheck("git is not installed", hint="install git")
    root = _root_of(folder)
    inside = folder.resolve().relative_to(root).as_posix()
    expected = _blobs_on_disk(root, folder)
    _refuse_filters(root, expected)
    was_ignored = git_output(root, "check-ignore", "-q", "--", inside) is not None
    if _blobs_in(root, "HEAD", inside) == expected:
        commit = (git_output(root, "log", "-1", "--format=%H", "--", inside) or b"").decode().strip()
        return Committed(commit, len(expected), False, was_ignored)
    if not ask_git(root, "-c", "user.useConfigOnly=true", "var", "GIT_AUTHOR_IDENT").is_done:
        raise UsageError(
            "git does not know who commits",
            where=str(root),
            hint='git config user.name "NAME", and git config user.email ADDRESS',
        )
    with tempfile.TemporaryDirectory(prefix="awo-index-") as place:
        variables = {"GIT_INDEX_FILE": f"{place}/index"}
        if git_output(root, "rev-parse", "--verify", "-q", "HEAD") is not None:
            _must(ask_git(root, "read-tree", "HEAD", variables=variables, limit_s=LIMIT_S), root)
            _must(
                ask_git(root, "rm", "-r", "-q", "--cached", "--ignore-unmatch", "--", inside, variables=variables), root
            )
        added = ask_git(root, *AS_IT_IS, "add", "-f", "--", inside, variables=variables, limit_s=LIMIT_S)
        _must(added, root)
        _refuse_changed(expected, _staged(root, inside, variables))
        words = ("commit", "-q", "--cleanup=verbatim", "-F", "-")
        told = message.encode()
        done = ask_git(root, *AS_IT_IS, *words, told=told, has_hooks=True, variables=variables, limit_s=LIMIT_S)
        if not done.is_done:
            raise UsageError(
                "git refuses the commit; nothing of it is left, and the seal stands",
                where=str(root),
                got=done.why or "a hook ended with an error and said nothing",
                hint="mend what git or the hook says, then: awo seal --commit",
            )
    ask_git(root, *AS_IT_IS, "reset", "-q", "HEAD", "--", inside, limit_s=LIMIT_S)  # so that the index has them too
    commit = (git_output(root, "rev-parse", "--verify", "HEAD") or b"").decode().strip()
    if _blobs_in(root, commit, inside) != expected or _others_in(root, commit, inside):
        raise EvidenceError(
            "the commit does not hold the sealed files, or holds others: a hook has changed it",
            where=commit,
            expected=f"{len(expected)} files, as they lie in {inside}, and no other",
            hint="look with `git show --stat`; nothing is entered in the ledger",
        )
    return Committed(commit, len(expected), True, was_ignored)


def _root_of(folder: Path) -> Path:
    answer = ask_git(folder.parent, "rev-parse", "--show-toplevel")
    if not answer.is_done:
        raise UsageError(
            "this folder is in no git repository",
            where=str(folder),
            got=answer.why,
            hint="git init, in the project's folder",
        )
    return Path(os.fsdecode(answer.said.rstrip(b"\n"))).resolve()


def _blobs_on_disk(root: Path, folder: Path) -> dict[bytes, bytes]:
    """The id that git gives each file's very bytes, by its path from `root`."""
    paths: list[bytes] = []
    for parent, _, names in os.walk(folder):
        for name in names:
            path = Path(parent, name)
            if path.is_symlink() or not path.is_file():
                raise UsageError("only plain files are committed", where=str(path))
            if path.stat().st_size > LARGEST_FILE_BYTES:
                raise UsageError(
                    "a file is too large for git",
                    where=str(path),
                    expected=f"at most {LARGEST_FILE_BYTES:,} bytes",
                    hint="keep the bundle of `awo export` elsewhere; the seal's digest stands in the ledger",
                )
            paths.append(os.fsencode(os.path.relpath(path.resolve(), root)))
    paths.sort()
    told = b"".join(path + b"\n" for path in paths)
    answer = ask_git(root, "hash-object", "--no-filters", "--stdin-paths", told=told, limit_s=LIMIT_S)
    _must(answer, root)
    return dict(zip(paths, answer.said.split(), strict=True))


def _refuse_filters(root: Path, paths: dict[bytes, bytes]) -> None:
    """Raises `UsageError` where a program of somebody's would be handed the bytes first."""
    told = b"".join(path + b"\0" for path in paths)
    answer = ask_git(root, "check-attr", "-z", "--stdin", "filter", told=told, limit_s=LIMIT_S)
    _must(answer, root)
    fields = answer.said.split(b"\0")
    for path, value in zip(fields[0::3], fields[2::3], strict=False):
        if value not in (b"unspecified", b"unset"):
            raise _changes(path, f"the filter {value.decode(errors='replace')}")


def _refuse_changed(expected: dict[bytes, bytes], staged: dict[bytes, bytes]) -> None:
    for path, blob in expected.items():
        if staged.get(path) != blob:
            raise _changes(path, "another content than the sealed file" if path in staged else "no such file")


def _changes(path: bytes, got: str) -> UsageError:
    return UsageError(
        "git would not keep the sealed bytes, so nothing is committed",
        where=os.fsdecode(path),
        got=got,
        hint=f"put this line at the end of .gitattributes: {_NO_FILTER}",
    )


def _staged(root: Path, inside: str, variables: dict[str, str]) -> dict[bytes, bytes]:
    answer = ask_git(root, "ls-files", "-s", "-z", "--", inside, variables=variables, limit_s=LIMIT_S)
    _must(answer, root)
    entries = (entry.partition(b"\t") for entry in answer.said.split(b"\0") if entry)
    return {path: facts.split()[1] for facts, _, path in entries}


def _blobs_in(root: Path, commit: str, inside: str) -> dict[bytes, bytes]:
    answer = ask_git(root, "ls-tree", "-r", "-z", "--full-tree", commit, "--", inside, limit_s=LIMIT_S)
    entries = (entry.partition(b"\t") for entry in answer.said.split(b"\0") if entry)
    return {path: facts.split()[2] for facts, _, path in entries}


def _others_in(root: Path, commit: str, inside: str) -> bool:
    words = ("diff-tree", "--root", "--no-commit-id", "--name-only", "-r", "-z", commit)
    names = (git_output(root, *words) or b"").split(b"\0")
    return any(name and not name.startswith(os.fsencode(f"{inside}/")) for name in names)


def _must(answer: Answer, root: Path) -> None:
    if not answer.is_done:
        raise UsageError("git cannot do this", where=str(root), got=answer.why)

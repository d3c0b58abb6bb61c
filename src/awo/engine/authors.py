"""Who wrote the workflow: the e-mail addresses that git has for its file."""

from __future__ import annotations

from pathlib import Path

from awo.engine.git import git_output, is_git_here
from awo.errors import UsageError

COMMIT_IT = "commit the file, then start again"


def workflow_authors(file: Path) -> list[str]:
    """The addresses of everybody who has committed the workflow file at `file`, in lower case, each once, sorted.

    Renames are followed; an address counts as it was committed and as .mailmap has it. Raises `UsageError`
    where git cannot say: it is not installed, its history is cut off, or the file is not committed as it is.
    """
    file = file.resolve()
    root = file.parent
    if not is_git_here():
        raise _refused(file, "git is not installed", "install git")
    committed = git_output(root, "rev-parse", "--verify", "--quiet", f"HEAD:./{file.name}")
    if committed is None:
        raise _refused(file, "the file is not committed to a git repository", COMMIT_IT)
    if git_output(root, "hash-object", "--", file.name) != committed:
        raise _refused(file, "the file has changes that are not committed", COMMIT_IT)
    if (git_output(root, "rev-parse", "--is-shallow-repository") or b"").strip() != b"false":
        raise _refused(file, "the repository has only a part of its history", "git fetch --unshallow")
    log = ("--literal-pathspecs", "log", "--no-show-signature", "--format=%aE%n%ae", "--follow", "--", file.name)
    found = git_output(root, *log) or b""
    addresses = {line.strip().lower() for line in found.decode(errors="replace").splitlines()} - {""}
    if not addresses:
        raise _refused(file, "git names no author of the file", "look with `git log --follow`")
    return sorted(addresses)


def _refused(file: Path, got: str, hint: str) -> UsageError:
    return UsageError(
        'a gate keeps out who wrote the workflow (separate_from has "author"), and git cannot say who that is',
        where=str(file),
        got=got,
        hint=hint,
    )

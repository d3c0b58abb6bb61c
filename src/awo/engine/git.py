"""The one door to git: what it says of the project (commit, whether it is dirty, the digest of the difference)."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import time
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final, NamedTuple

from awo.canon.digest import sha256_hex

TIME_LIMIT_S = 20
ALL_LIMIT_S: Final = 30
"""So long may all the calls take that find out about one repository."""
TOO_LONG: Final = "git took too long"
NOTHING: Final[Mapping[str, str]] = MappingProxyType({})

APART: Final[Mapping[str, str]] = MappingProxyType(
    {
        "GIT_ALLOW_PROTOCOL": "none",  # goes over whatever the repository's own settings allow
        "GIT_LITERAL_PATHSPECS": "1",
        "GIT_NO_LAZY_FETCH": "1",
        "GIT_NO_REPLACE_OBJECTS": "1",
        "GIT_OPTIONAL_LOCKS": "0",
    }
)

NOTHING_FETCHED: Final[Mapping[str, str]] = MappingProxyType(
    {name: APART[name] for name in ("GIT_ALLOW_PROTOCOL", "GIT_NO_LAZY_FETCH", "GIT_OPTIONAL_LOCKS")}
)


class Head(NamedTuple):
    """Where a folder stands in its repository: the commit that is checked out and its branch, the folder's own path
    from the top ('' or `a/b/`), and the way up to there ('' or `../../`)."""

    commit: str
    branch: str
    folder: str
    up: str


def head_of(root: Path, *, is_apart: bool = False) -> Head | None:
    """Where `root` stands; None where it is in no git repository, or in one without a commit."""
    return _head(ask_git(root, *_HEAD, is_apart=is_apart))


_HEAD: Final = ("rev-parse", "HEAD", "--show-prefix", "--show-cdup", "--abbrev-ref", "HEAD")
_COMMIT = re.compile(r"[0-9a-f]{40}(?:[0-9a-f]{24})?")


def _head(answer: Answer) -> Head | None:
    said = answer.said.decode(errors="replace").removesuffix("\n").split("\n")
    if not answer.is_done or len(said) < len(Head._fields) or not _COMMIT.fullmatch(said[0]):
        return None
    commit, *folder, up, branch = said
    return Head(commit, branch, "\n".join(folder), up)


class Asked:
    """Calls of git about the folder `root` which take no more than `ALL_LIMIT_S` all together, and ask no network for
    what a partial clone lacks."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._until = time.monotonic() + ALL_LIMIT_S

    def ask(self, *arguments: str, root: Path | None = None) -> Answer:
        """As `ask_git`, in another folder where `root` is given."""
        left_s = self._until - time.monotonic()
        if left_s <= 0:
            return Answer(False, b"", TOO_LONG)
        limit_s = min(left_s, TIME_LIMIT_S)
        return ask_git(root or self.root, *arguments, variables=NOTHING_FETCHED, limit_s=limit_s)

    def output(self, *arguments: str, root: Path | None = None) -> bytes:
        """What git prints; nothing where it fails."""
        answer = self.ask(*arguments, root=root)
        return answer.said if answer.is_done else b""

    def head(self) -> Head | None:
        """As `head_of`."""
        return _head(self.ask(*_HEAD))


def git_facts(asked: Asked) -> dict[str, Any]:
    """`{"commit", "branch", "is_dirty", "diff_sha256"}` of the repository around a folder.

    `{"commit": "none", "why": …}` when there is no repository, no commit or no git. The digest is over
    `git diff HEAD` and the names of untracked files; the difference itself can hold secrets. Where git does not say
    whether there is one, `dirty_unknown` says why, in the place of both.
    """
    if not is_git_here():
        return {"commit": "none", "why": "git is not installed"}
    answer = asked.ask(*_HEAD)
    head = _head(answer)
    if head is None:
        return {"commit": "none", "why": _why_no_commit(answer)}
    facts = {"commit": head.commit, "branch": head.branch}
    diff = asked.ask("diff", "--no-ext-diff", "--no-textconv", "--binary", "HEAD")
    untracked = asked.ask("ls-files", "--others", "--exclude-standard", "-z")
    for one in (diff, untracked):
        if not one.is_done:
            return facts | {"dirty_unknown": one.why if one.why == TOO_LONG else "git gives no difference here"}
    is_dirty = bool(diff.said or untracked.said)
    digest = sha256_hex(diff.said + b"\0" + untracked.said) if is_dirty else ""
    return facts | {"is_dirty": is_dirty, "diff_sha256": digest}


def _why_no_commit(answer: Answer) -> str:
    """In words of ours: those of git can hold paths of the machine."""
    if answer.is_done:
        return "git does not say which commit this is"
    if answer.why == TOO_LONG:
        return answer.why
    if "dubious ownership" in answer.why:
        return "git refuses the repository, since another user owns it (safe.directory)"
    return "not a git repository with a commit"


def is_git_here() -> bool:
    """Whether git is installed."""
    return shutil.which("git") is not None


def git_output(root: Path, *arguments: str) -> bytes | None:
    """What git prints in the folder `root`; None when it fails or takes longer than `TIME_LIMIT_S`."""
    answer = ask_git(root, *arguments)
    return answer.said if answer.is_done else None


class Answer(NamedTuple):
    """How a call of git ended: `said` is its standard output, `why` what it complained of, '' when it `is_done`."""

    is_done: bool
    said: bytes
    why: str


def ask_git(
    root: Path,
    *arguments: str,
    told: bytes = b"",
    has_hooks: bool = False,
    variables: Mapping[str, str] = NOTHING,
    limit_s: float = TIME_LIMIT_S,
    is_apart: bool = False,
) -> Answer:
    """Calls git in the folder `root` with `told` on its standard input. No hook of the repository runs unless
    `has_hooks`; nobody is asked for anything.

    `is_apart` reads what lies there and nothing else: no network, no replaced objects, and no variable leads git to
    another repository.
    """
    settings = ["-c", "core.fsmonitor=false", *([] if has_hooks else ["-c", "core.hooksPath=/dev/null"])]
    around: Mapping[str, str] = os.environ
    if is_apart:
        around = {name: text for name, text in os.environ.items() if not name.startswith("GIT_")} | dict(APART)
    try:
        done = subprocess.run(  # noqa: S603  (a fixed command, no shell)
            ["git", *settings, *arguments],  # noqa: S607
            cwd=root,
            capture_output=True,
            timeout=limit_s,
            check=False,
            input=told,
            env={**around, "GIT_TERMINAL_PROMPT": "0", "LC_ALL": "C", **variables},
        )
    except subprocess.TimeoutExpired:
        return Answer(False, b"", TOO_LONG)
    except OSError as error:
        return Answer(False, b"", error.strerror or str(error))
    lines = done.stderr.decode(errors="replace").strip().splitlines()
    return Answer(done.returncode == 0, done.stdout, "" if done.returncode == 0 else " / ".join(lines[:5])[:500])

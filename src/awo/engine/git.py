"""The one door to git: what it says of the project (commit, whether it is dirty, the digest of the difference)."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final, NamedTuple

from awo.canon.digest import sha256_hex

TIME_LIMIT_S = 20
NOTHING: Final[Mapping[str, str]] = MappingProxyType({})


def git_facts(root: Path) -> dict[str, Any]:
    """`{"commit", "branch", "is_dirty", "diff_sha256"}` of the repository around `root`.

    `{"commit": "none", "why": …}` when there is no repository, no commit or no git. The difference
    itself is never recorded, since it can hold secrets; its digest is over `git diff HEAD` and the
    names of untracked files.
    """
    if not is_git_here():
        return {"commit": "none", "why": "git is not installed"}
    commit = git_output(root, "rev-parse", "--verify", "HEAD")
    if commit is None:
        return {"commit": "none", "why": "not a git repository with a commit"}
    diff = git_output(root, "diff", "--no-ext-diff", "--no-textconv", "--binary", "HEAD") or b""
    untracked = git_output(root, "ls-files", "--others", "--exclude-standard", "-z") or b""
    branch = git_output(root, "rev-parse", "--abbrev-ref", "HEAD") or b""
    is_dirty = bool(diff or untracked)
    return {
        "commit": commit.decode().strip(),
        "branch": branch.decode(errors="replace").strip(),
        "is_dirty": is_dirty,
        "diff_sha256": sha256_hex(diff + b"\0" + untracked) if is_dirty else "",
    }


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
) -> Answer:
    """Calls git in the folder `root` with `told` on its standard input. No hook of the repository runs unless
    `has_hooks`; nobody is asked for anything."""
    settings = ["-c", "core.fsmonitor=false", *([] if has_hooks else ["-c", "core.hooksPath=/dev/null"])]
    try:
        done = subprocess.run(  # noqa: S603  (a fixed command, no shell)
            ["git", *settings, *arguments],  # noqa: S607
            cwd=root,
            capture_output=True,
            timeout=limit_s,
            check=False,
            input=told,
            env={**os.environ, "GIT_TERMINAL_PROMPT": "0", "LC_ALL": "C", **variables},
        )
    except subprocess.TimeoutExpired:
        return Answer(False, b"", f"git took longer than {limit_s:g} s")
    except OSError as error:
        return Answer(False, b"", error.strerror or str(error))
    lines = done.stderr.decode(errors="replace").strip().splitlines()
    return Answer(done.returncode == 0, done.stdout, "" if done.returncode == 0 else " / ".join(lines[:5])[:500])

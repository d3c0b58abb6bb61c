"""What git says of the project: commit, whether it is dirty, and the digest of the difference."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path
from typing import Any

from awo.canon.digest import sha256_hex

TIME_LIMIT_S = 20


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
    try:
        done = subprocess.run(  # noqa: S603  (a fixed command, no shell)
            ["git", "-c", "core.fsmonitor=false", "-c", "core.hooksPath=/dev/null", *arguments],  # noqa: S607
            cwd=root,
            capture_output=True,
            timeout=TIME_LIMIT_S,
            check=False,
            stdin=subprocess.DEVNULL,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout if done.returncode == 0 else None

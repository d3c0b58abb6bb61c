"""Calls of `awo` and of git, and what they say when they refuse."""

from __future__ import annotations

import json
import os
import subprocess
from typing import Any

from runner import log


class Stop(Exception):
    """Nothing more can be done; `code` is what the step ends with."""

    def __init__(self, code: int, why: str) -> None:
        super().__init__(why)
        self.code = code


def _called(*words: str, **variables: str) -> subprocess.CompletedProcess[bytes]:
    try:
        return subprocess.run(words, env=os.environ | variables, stdin=subprocess.DEVNULL, capture_output=True)
    except OSError as error:
        raise Stop(7, f"{words[0]} cannot be started: {error.strerror}") from error


def awo(*words: str, **variables: str) -> tuple[int, dict[str, Any]]:
    """Calls AWO: its exit code, and the object that it printed. What it said beside that goes to the log."""
    done = _called("awo", *words, "--json", **variables)
    log(done.stderr.decode(errors="replace"))
    try:
        found = json.loads(done.stdout)
    except ValueError:
        found = None
    if not isinstance(found, dict):
        return done.returncode or 1, {"error": f"`awo {words[0]}` gave no answer", "exit_code": done.returncode or 1}
    return done.returncode, found


def in_words(found: dict[str, Any]) -> str:
    """What an object of AWO's says is wrong, one line for each thing."""
    faults = [found, *dict(found.get("failures", {})).values()]
    names = ("where", "line", "error", "what", "expected", "got", "hint")
    faults += [fault for fault in found.get("problems", []) if isinstance(fault, dict)]
    said = [": ".join(str(fault[name]) for name in names if fault.get(name)) for fault in faults]
    said += [one for one in found.get("findings", []) if isinstance(one, str)]
    return "\n".join(filter(None, said)) or f"it ended with {found.get('exit_code', 'no word')}"


def asks_git(*words: str, **variables: str) -> tuple[int, str, str]:
    """Calls git, which asks nobody anything: its exit code, and what it printed on each of its two outputs."""
    done = _called("git", *words, GIT_TERMINAL_PROMPT="0", **variables)
    return done.returncode, done.stdout.decode(errors="replace"), done.stderr.decode(errors="replace").strip()


def git(*words: str, **variables: str) -> str:
    """What git prints. Raises `Stop` where it refuses."""
    code, printed, said = asks_git(*words, **variables)
    if code:
        name = next((word for word in words if not word.startswith("-") and "=" not in word), "")
        raise Stop(7, f"git {name} does not work: {said[-500:]}")
    return printed

"""A command in a terminal of its own: what a person sees there, and what they type."""

from __future__ import annotations

import contextlib
import os
import pty
import re
import select
import subprocess
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

from tests.e2e.installed import AWO, LONGEST_WAIT_S, Project

CTRL_C = "\x03"
END_OF_INPUT = "\x04"
PRESS_AGAIN_S = 2.0
_COLOURS = re.compile(r"\x1b\[[0-9;]*m")


class NothingCame(AssertionError):
    """The command printed nothing more, and did not end."""


class Terminal:
    """The person's side of a terminal. `seen` is all that has been printed so far."""

    def __init__(self, process: subprocess.Popen[bytes], descriptor: int) -> None:
        self._process = process
        self._descriptor = descriptor
        self._read_up_to = 0
        self.seen = ""

    def until(self, text: str) -> str:
        """Waits until `text` is printed, and gives what was printed since the last time; fails when it never comes."""
        until = time.monotonic() + LONGEST_WAIT_S
        while (found := self.seen.find(text, self._read_up_to)) < 0:
            if not self._read(until):
                raise AssertionError(f"{text!r} was not printed:\n{self.seen}")
        since, self._read_up_to = self._read_up_to, found + len(text)
        return self.seen[since : self._read_up_to]

    def type(self, text: str) -> None:
        """Types `text`; a line ends with `\\n`."""
        os.write(self._descriptor, text.encode())

    def end(self) -> int:
        """Waits for the end of the command, and gives its exit code."""
        until = time.monotonic() + LONGEST_WAIT_S
        while self._read(until):
            pass
        return self._process.wait(timeout=LONGEST_WAIT_S)

    def leave(self, key: str) -> int:
        """Presses `key` until the command ends, as a person does; gives its exit code.

        Python loses a Ctrl-C that comes in the moment in which it begins to wait for a line.
        """
        until = time.monotonic() + LONGEST_WAIT_S
        while time.monotonic() < until:
            with contextlib.suppress(OSError):  # the command may have gone meanwhile
                self.type(key)
            with contextlib.suppress(NothingCame):
                while self._read(time.monotonic() + PRESS_AGAIN_S):
                    pass
                break
        return self._process.wait(timeout=LONGEST_WAIT_S)

    def _read(self, until: float) -> bool:
        """Takes in what comes next; false when the command has gone away."""
        ready, _, _ = select.select([self._descriptor], [], [], max(until - time.monotonic(), 0))
        if not ready:
            raise NothingCame(f"nothing came any more:\n{self.seen}")
        try:
            data = os.read(self._descriptor, 65536)
        except OSError:  # how Linux says that nobody holds the other side
            return False
        self.seen += _COLOURS.sub("", data.decode(errors="replace")).replace("\r\n", "\n")
        return bool(data)


@contextlib.contextmanager
def terminal(
    project: Project, *arguments: str | Path, variables: Mapping[str, str] | None = None
) -> Iterator[Terminal]:
    """Begins `awo` with these arguments on a terminal; it does not outlive the block."""
    mine, theirs = pty.openpty()
    with subprocess.Popen(
        [AWO, *arguments],
        cwd=project.root,
        env=project.environment | {"TERM": "xterm"} | dict(variables or {}),
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        start_new_session=True,
        preexec_fn=_take_terminal,  # noqa: PLW1509 - a test has one thread
    ) as process:
        os.close(theirs)
        try:
            yield Terminal(process, mine)
        finally:
            process.kill()
            os.close(mine)


def _take_terminal() -> None:
    """Makes stdin the terminal that controls the new session, so that Ctrl-C reaches the command."""
    import fcntl
    import termios

    fcntl.ioctl(0, termios.TIOCSCTTY, 0)

"""Progress of what is sent away: a bar on a terminal, a line for each step elsewhere, nothing for programs."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from awo.cli.printing import harmless, note

if TYPE_CHECKING:
    from awo.publish.sending import Watcher


class Lines:
    """A line for each step."""

    def step(self, text: str, total_bytes: int = 0) -> None:
        note(f"{text}{f' ({_size(total_bytes)})' if total_bytes else ''}")

    def done(self, done_bytes: int) -> None:
        """Too much for lines."""


class Bar:
    """A bar that is drawn anew as bytes go out."""

    def __init__(self, progress: Any) -> None:
        self._progress = progress
        self._task: Any = None

    def step(self, text: str, total_bytes: int = 0) -> None:
        if self._task is not None:
            self._progress.remove_task(self._task)
        self._task = self._progress.add_task(harmless(text).replace("[", r"\["), total=total_bytes or None)

    def done(self, done_bytes: int) -> None:
        if self._task is not None:
            self._progress.update(self._task, completed=done_bytes)


@contextmanager
def watching(*, quiet: bool) -> Iterator[Watcher]:
    """Progress in the form that fits stderr."""
    from awo.publish.sending import Silent

    if quiet:
        yield Silent()
        return
    if not sys.stderr.isatty():
        yield Lines()
        return
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, Progress, SpinnerColumn, TextColumn, TransferSpeedColumn

    columns = (SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TransferSpeedColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        yield Bar(progress)


def _size(size_bytes: int) -> str:
    return f"{size_bytes:,} bytes"

"""Progress of a run: a live line on a terminal, plain lines elsewhere. Told only of what is on disk."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from awo.cli.printing import harmless, note
from awo.derive.phrases import count as times
from awo.evidence import events as ev
from awo.lifecycle.rules import RunState

QUIET_S = 2.0
NAMED_STEPS = 50


class Progress:
    """Counts what has become durable, and says so."""

    def __init__(self, live: Any = None) -> None:
        self.folder: Path | None = None
        self._live = live
        self._begun = time.monotonic()
        self._total = 0
        self._steps = 0
        self._responses = 0
        self._failures = 0
        self._said = 0.0

    def begin(self, folder: Path) -> None:
        """The run's folder is known."""
        self.folder = folder
        self._say(f"run {folder.name}")

    def tell(self, events: list[ev.AnyEvent], state: RunState) -> None:
        """Takes events that are on disk now."""
        self.count(events, state)

    def count(self, events: list[ev.AnyEvent], state: RunState) -> None:
        """Counts steps, responses and failures."""
        self._total = max(self._total, len(state.steps))
        for event in events:
            match event:
                case ev.StepFinished():
                    self._steps += 1
                case ev.CallAnswered():
                    self._responses += 1
                case ev.StepFailed():
                    self._failures += 1
                case _:
                    pass

    def summary(self) -> str:
        """`3/10 steps, 12 responses (4.0/s), 1 failed attempt`."""
        elapsed = time.monotonic() - self._begun
        parts = [f"{self._steps}/{self._total} steps"]
        if self._responses:
            parts.append(f"{times(self._responses, 'response')} ({self._responses / max(elapsed, 0.001):.1f}/s)")
        if self._failures:
            parts.append(times(self._failures, "failed attempt"))
        return ", ".join(parts)

    @property
    def elapsed(self) -> str:
        """`3 s`."""
        return f"{time.monotonic() - self._begun:.0f} s"

    def _say(self, line: str) -> None:
        note(line)


class Silent(Progress):
    """Says nothing: the caller wants JSON."""

    def _say(self, line: str) -> None:
        return


class Plain(Progress):
    """A line for each step of a small run; for a large one, a summary every two seconds."""

    def tell(self, events: list[ev.AnyEvent], state: RunState) -> None:
        self.count(events, state)
        for event in events:
            if line := _line(event, named=self._total <= NAMED_STEPS):
                self._say(line)
        now = time.monotonic()
        if now - self._said > QUIET_S and self._total > NAMED_STEPS:
            self._said = now
            self._say(f"{self.summary()}, {self.elapsed}")


class Live(Progress):
    """One line that is drawn anew, with the clock running, and the events that matter above it."""

    def tell(self, events: list[ev.AnyEvent], state: RunState) -> None:
        self.count(events, state)
        for event in events:
            if line := _line(event, named=self._total <= NAMED_STEPS):
                self._live.console.print(harmless(line), markup=False, highlight=False)
        self._live.update(0, description=self.summary())

    def _say(self, line: str) -> None:
        self._live.console.print(harmless(line), markup=False, highlight=False)


def _line(event: ev.AnyEvent, *, named: bool) -> str:
    match event:
        case ev.StepFailed():
            more = f", {event.retries_left} retries left" if event.retries_left else ""
            return f"  {event.step}: attempt {event.attempt} failed ({event.reason.code}{more}): {event.reason.message}"
        case ev.GateOpened():
            return f"  {event.gate}: waits for a person"
        case ev.TailCut():
            return f"  {event.path}: a torn end of {event.cut_bytes} bytes was cut"
        case ev.CallUnknown():
            return f"  {event.step}: the outcome of call {event.call} is unknown ({event.policy})"
        case ev.StepFinished() if named:
            return f"  {event.step}: done"
        case ev.StepSkipped() if named:
            return f"  {event.step}: skipped, {event.reason.message}"
        case _:
            return ""


@contextmanager
def progress(*, quiet: bool) -> Iterator[Progress]:
    """Progress in the form that fits stderr."""
    if quiet:
        yield Silent()
    elif sys.stderr.isatty():
        from rich.console import Console
        from rich.progress import Progress as RichProgress
        from rich.progress import SpinnerColumn, TextColumn, TimeElapsedColumn

        columns = SpinnerColumn(), TextColumn("{task.description}", markup=False), TimeElapsedColumn()
        with RichProgress(*columns, console=Console(stderr=True), transient=True) as live:
            live.add_task("starting", total=None)
            yield Live(live)
    else:
        yield Plain()

"""Progress of a run: a live line on a terminal, plain lines elsewhere. Told only of what is on disk."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from awo.cli.printing import harmless, note
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
        raise NotImplementedError

    def count(self, events: list[ev.AnyEvent]) -> None:
        """Counts steps, responses and failures."""
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

    def summary(self, state: RunState) -> str:
        """`3/10 steps, 12 responses (4.0/s), 1 failed attempt, 3 s`."""
        elapsed = time.monotonic() - self._begun
        parts = [f"{self._steps}/{len(state.steps)} steps"]
        if self._responses:
            parts.append(f"{self._responses} responses ({self._responses / max(elapsed, 0.001):.1f}/s)")
        if self._failures:
            parts.append(f"{self._failures} failed attempts")
        return ", ".join([*parts, f"{elapsed:.0f} s"])

    def _say(self, line: str) -> None:
        note(line)


class Silent(Progress):
    """Says nothing: the caller wants JSON."""

    def tell(self, events: list[ev.AnyEvent], state: RunState) -> None:
        return

    def _say(self, line: str) -> None:
        return


class Plain(Progress):
    """A line for each step of a small run; for a large one, a summary every two seconds."""

    def tell(self, events: list[ev.AnyEvent], state: RunState) -> None:
        self.count(events)
        for event in events:
            if line := _line(event, named=len(state.steps) <= NAMED_STEPS):
                self._say(line)
        now = time.monotonic()
        if now - self._said > QUIET_S and len(state.steps) > NAMED_STEPS:
            self._said = now
            self._say(self.summary(state))


class Live(Progress):
    """One line that is drawn anew, with the events that matter above it."""

    def tell(self, events: list[ev.AnyEvent], state: RunState) -> None:
        self.count(events)
        for event in events:
            if line := _line(event, named=len(state.steps) <= NAMED_STEPS):
                self._live.console.print(harmless(line), markup=False, highlight=False)
        self._live.update(self.summary(state))


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
        from rich.status import Status

        with Status("starting", console=Console(stderr=True)) as live:
            yield Live(live)
    else:
        yield Plain()

"""Progress of a run: a live table on a terminal, plain lines elsewhere. Told only of what is on disk."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from awo.cli.board import Board, ModelBoard, duration
from awo.cli.printing import harmless, note
from awo.derive.phrases import count
from awo.evidence import events as ev
from awo.lifecycle.rules import RunState

if TYPE_CHECKING:
    from rich.table import Table

QUIET_S: Final = 5.0
NAMED_STEPS: Final = 50
NAMED_FAILURES: Final = 3
MODELS_SHOWN: Final = 12
DRAWN_A_SECOND: Final = 4


class Progress:
    """Counts what has become durable. Says nothing: the caller wants JSON."""

    def __init__(self) -> None:
        self.folder: Path | None = None
        self.board = Board()
        self._begun = time.monotonic()
        self._lost = 0
        self._failed = 0

    def begin(self, folder: Path) -> None:
        """The run's folder is known."""
        self.folder = folder
        self.say(f"run {folder.name}")

    def tell(self, events: list[ev.AnyEvent], state: RunState) -> None:
        """Takes events that are on disk now."""
        self.board.take(events, state)

    def catch_up(self, events: list[ev.AnyEvent], state: RunState) -> None:
        """Takes events that are on disk since long, and says nothing of them."""
        self.board.take(events, state)

    def say(self, line: str) -> None:
        """A line for people."""

    def close(self) -> None:
        """Nothing more comes."""
        if self._lost:
            self.say(f"  {count(self._lost, 'call')} ended without a known outcome")
        elapsed_s = time.monotonic() - self._begun
        if self.board.models and elapsed_s > QUIET_S:
            self.say(f"  {self.board.result(elapsed_s)}")

    def _lines(self, events: list[ev.AnyEvent]) -> Iterator[str]:
        """What is worth a line of its own."""
        named = self.board.total_steps <= NAMED_STEPS
        for event in events:
            match event:
                case ev.CallIntended() | ev.CallAnswered():
                    continue  # nearly all of a large run: they are counted above
                case ev.CallFailed():
                    self._failed += 1
                    if self._failed <= NAMED_FAILURES:
                        yield f"  {event.step}: call {event.call} failed ({event.reason.code}): {event.reason.message}"
                case ev.CallUnknown():
                    self._lost += 1
                case _:
                    if line := _line(event, named=named):
                        yield line


class Plain(Progress):
    """A line for each step of a small run, and a summary every few seconds."""

    def __init__(self) -> None:
        super().__init__()
        self._said = self._begun

    def tell(self, events: list[ev.AnyEvent], state: RunState) -> None:
        super().tell(events, state)
        for line in self._lines(events):
            self.say(line)
        now = time.monotonic()
        if now - self._said > QUIET_S:
            self._said = now
            states = [f"{board.name} {board.state}" for board in self.board.models.values() if board.state]
            self.say("  " + "; ".join([self.board.summary(_now_us()), *states[:MODELS_SHOWN]]))

    def say(self, line: str) -> None:
        note(line)


class Live(Progress):
    """A table of models and a line that are drawn anew a few times a second, and above them what is worth a line.

    Drawing is done by a thread of its own; what it reads may be an event ahead or behind.
    """

    def __init__(self) -> None:
        from rich.console import Console
        from rich.live import Live as RichLive
        from rich.spinner import Spinner

        super().__init__()
        self._spinner = Spinner("dots")
        self._live = RichLive(
            get_renderable=self._draw,
            console=Console(stderr=True),
            refresh_per_second=DRAWN_A_SECOND,
            transient=True,
        )
        self._live.start()

    def tell(self, events: list[ev.AnyEvent], state: RunState) -> None:
        super().tell(events, state)
        for line in self._lines(events):
            self.say(line)

    def say(self, line: str) -> None:
        self._live.console.print(harmless(line), markup=False, highlight=False)

    def close(self) -> None:
        super().close()
        self._live.stop()

    def _draw(self) -> Any:
        from rich.console import Group
        from rich.text import Text

        now_us = _now_us()
        elapsed = duration(time.monotonic() - self._begun)
        self._spinner.update(text=Text(harmless(f"{self.board.in_brief(now_us)}, {elapsed or '0 s'} gone")))
        return Group(model_table(self.board, now_us), self._spinner) if self.board.models else self._spinner


def model_table(board: Board, now_us: int) -> Table:
    """The models of a run as a table for a terminal."""
    from rich.table import Table

    shown = Table(box=None, pad_edge=False, header_style="bold")
    shown.add_column("MODEL", no_wrap=True, max_width=32)
    for heading in HEADINGS[1:-1]:
        shown.add_column(heading, justify="right", no_wrap=True)
    shown.add_column("", no_wrap=True)
    rows = model_rows(board, now_us)
    for row in rows[:MODELS_SHOWN]:
        shown.add_row(*(plain(cell) for cell in row))
    if len(rows) > MODELS_SHOWN:
        shown.add_row(f"and {len(rows) - MODELS_SHOWN} more")
    return shown


HEADINGS: Final = ("MODEL", "DONE", "FAILED", "AGAIN", "IN FLIGHT", "PER S", "SPENT", "LEFT", "STATE")


def model_rows(board: Board, now_us: int) -> list[tuple[str, ...]]:
    """The models of a run, a row each under `HEADINGS`."""
    return [_model_row(board, model, now_us) for model in list(board.models.values())]


def plain(text: str) -> Any:
    """Foreign text for Rich: no markup, nothing that drives a terminal."""
    from rich.text import Text

    return Text(harmless(text).replace("\n", " "))


def _model_row(board: Board, model: ModelBoard, now_us: int) -> tuple[str, ...]:
    from awo.canon.usd import for_people

    rate = model.per_second(now_us, board.begun_us)
    return (
        model.name,
        f"{model.answered:,}",
        f"{model.failed:,}",
        f"{model.retried:,}",
        f"{model.in_flight:,}",
        f"{rate:,.1f}",
        for_people(model.money.spent) if model.money.spent else "",
        duration(board.seconds_left(now_us, model.name)),
        model.state,
    )


def _line(event: ev.AnyEvent, *, named: bool) -> str:
    match event:
        case ev.StepFailed():
            more = f", {event.retries_left} retries left" if event.retries_left else ""
            return f"  {event.step}: attempt {event.attempt} failed ({event.reason.code}{more}): {event.reason.message}"
        case ev.FannedOut():
            return f"  {event.step}: {count(event.cells, 'cell')}, {count(event.asks, 'request')}"
        case ev.GateOpened():
            return f"  {event.gate}: waits for a person"
        case ev.TailCut():
            return f"  {event.path}: a torn end of {event.cut_bytes} bytes was cut"
        case ev.BudgetReached():
            return f"  {event.step}: stopped, the next call could exceed the budget"
        case ev.LimitChanged() if event.reason.code in ("endpoint_down", "endpoint_back"):
            return f"  {event.model}: {event.reason.message}"
        case ev.StepFinished() if named:
            return f"  {event.step}: done"
        case ev.StepReused() if named:
            return f"  {event.step}: taken over from {event.run_id}"
        case ev.StepSkipped() if named:
            return f"  {event.step}: skipped, {event.reason.message}"
        case _:
            return ""


def _now_us() -> int:
    return time.time_ns() // 1000


@contextmanager
def progress(*, quiet: bool) -> Iterator[Progress]:
    """Progress in the form that fits stderr."""
    shown = Progress() if quiet else Live() if sys.stderr.isatty() else Plain()
    try:
        yield shown
    finally:
        shown.close()

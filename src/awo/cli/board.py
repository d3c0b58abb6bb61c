"""What a run's events amount to on a screen: counts for each model, rates of the last ten seconds, the time left.

Pure: the time comes in as microseconds since 1970, and nothing is printed. Each event costs about a microsecond.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable
from typing import Any, Final

from awo.canon import time
from awo.canon.usd import for_people
from awo.derive.phrases import count
from awo.evidence import events as ev
from awo.lifecycle.money import Money
from awo.lifecycle.rules import RunState
from awo.lifecycle.steps import Status

WINDOW_S: Final = 10
TO_THE_SECOND: Final = len("2026-11-23T06:09:00")

_DONE: Final = (ev.StepFinished, ev.StepReused, ev.StepSkipped)
_STATES: Final = {
    "rate_limited": "slowed to {0} (rate limited)",
    "recovered": "back to {0} at once",
    "endpoint_down": "endpoint left alone",
    "endpoint_back": "endpoint is back, {0} at once",
}


class ModelBoard:
    """One model: `answered` counts reused responses too, `money` is in picodollars, `state` is a few words or ''."""

    __slots__ = (
        "_seconds",
        "answered",
        "failed",
        "in_flight",
        "money",
        "name",
        "retried",
        "reused",
        "state",
        "unknown",
    )

    def __init__(self, name: str) -> None:
        self.name = name
        self.answered = self.reused = self.failed = self.retried = self.unknown = self.in_flight = 0
        self.money = Money(None)
        self.state = ""
        self._seconds: deque[tuple[str, int]] = deque()

    def answered_at(self, at: str) -> None:
        """A response came at this time."""
        self.answered += 1
        second, seconds = at[:TO_THE_SECOND], self._seconds
        if seconds and seconds[-1][0] == second:
            seconds[-1] = second, seconds[-1][1] + 1
            return
        seconds.append((second, 1))
        if len(seconds) > WINDOW_S + 1:
            seconds.popleft()

    def per_second(self, now_us: int, begun_us: int) -> float:
        """Responses a second over the last ten seconds, or since `begun_us` when that is later."""
        horizon = time.spell(now_us - WINDOW_S * 1_000_000)[:TO_THE_SECOND]
        whole = sum(number for second, number in tuple(self._seconds) if second > horizon)
        span_s = WINDOW_S - 1 + now_us % 1_000_000 / 1e6
        return whole / max(1.0, min(span_s, (now_us - begun_us) / 1e6))


class Fan:
    """A step that fans out and is not done: planned cells and requests, responses so far, the models it asks."""

    __slots__ = ("asks", "cells", "models", "responses")

    def __init__(self, cells: int, asks: int, responses: int) -> None:
        self.cells = cells
        self.asks = asks
        self.responses = responses
        self.models: set[str] = set()

    @property
    def left(self) -> int:
        """How many requests have no response yet."""
        return max(0, self.asks - self.responses)


class Board:
    """The counts of a run, as far as its events were told. `begun_us` is when the first came, 0 before.

    `spent`, `possibly_spent` and `budget` (None without one) are picodollars, those of the whole run.
    """

    def __init__(self) -> None:
        self.models: dict[str, ModelBoard] = {}
        self.fans: dict[str, Fan] = {}
        self.total_steps = 0
        self.steps_done = 0
        self.failed_attempts = 0
        self.begun_us = 0
        self.budget: int | None = None
        self.spent = self.possibly_spent = 0
        self._open: dict[str, tuple[ModelBoard, str]] = {}

    def take(self, events: list[ev.AnyEvent], state: RunState) -> None:
        """Takes events in their order; `state` is that of the run after them, or later."""
        if not self.begun_us:
            self._begin(events, state)
        self.total_steps = max(self.total_steps, len(state.steps))
        for number, event in enumerate(events):
            act = _ACTS.get(type(event))
            if act is not None:
                act(self, event)
            elif isinstance(event, ev.FannedOut):
                self._fan_out(event, events[number + 1 :], state)
        self.budget, self.spent, self.possibly_spent = state.money.budget, state.money.spent, state.money.unknown

    def summary(self, now_us: int) -> str:
        """`3/10 steps, classify 12/100, 4.0/s, 2 failed, 1 sent again, 8 in flight, $0.12 spent, about 22 s left`."""
        rate = sum(board.per_second(now_us, self.begun_us) for board in list(self.models.values()))
        parts = [*self._steps(), *([f"{rate:,.1f}/s"] if rate else []), *self._calls(), *self.money_in_words()]
        return ", ".join([*parts, *self._left(now_us)])

    def in_brief(self, now_us: int) -> str:
        """As `summary`, without what stands in a table of the models."""
        return ", ".join([*self._steps(), *self.money_in_words(), *self._left(now_us)])

    def result(self, elapsed_s: float) -> str:
        """`3,000 responses in 21 s, 2 failed, 1 sent again, $0.12 spent`."""
        responses = sum(board.answered for board in self.models.values())
        said = [f"{count(responses, 'response')} in {duration(elapsed_s)}", *self._calls(), *self.money_in_words()]
        return ", ".join(said)

    def _steps(self) -> list[str]:
        said = [f"{self.steps_done}/{self.total_steps} steps" if self.total_steps else "starting"]
        said += [f"{id_} {fan.responses:,}/{fan.asks:,}" for id_, fan in list(self.fans.items())[:3] if fan.asks]
        if self.models and not self.fans:
            said.append(count(sum(board.answered for board in list(self.models.values())), "response"))
        if self.failed_attempts:
            said.append(count(self.failed_attempts, "failed attempt"))
        return said

    def _calls(self) -> list[str]:
        boards = list(self.models.values())
        numbers = (
            (sum(board.failed for board in boards), "failed"),
            (sum(board.retried for board in boards), "sent again"),
            (sum(board.in_flight for board in boards), "in flight"),
        )
        return [f"{number:,} {word}" for number, word in numbers if number]

    def _left(self, now_us: int) -> list[str]:
        left = duration(self.seconds_left(now_us))
        return [f"about {left} left"] if left else []

    def money_in_words(self) -> list[str]:
        """`$0.12 spent of $5.00`, `$0.01 possibly spent`; nothing where nothing costs anything."""
        said = []
        if self.spent or self.budget is not None:
            of_budget = f" of {for_people(self.budget)}" if self.budget is not None else ""
            said.append(f"{for_people(self.spent)} spent{of_budget}")
        if self.possibly_spent:
            said.append(f"{for_people(self.possibly_spent)} possibly spent")
        return said

    def seconds_left(self, now_us: int, model: str = "") -> float:
        """How long the planned requests take at the rate of the last ten seconds, of all models or of one.

        0 when nothing is planned, and when nothing was answered lately.
        """
        names = [model] if model else list(self.models)
        longest = 0.0
        for name in names:
            board = self.models.get(name)
            rate = board.per_second(now_us, self.begun_us) if board else 0.0
            left = sum(fan.left / len(fan.models) for fan in list(self.fans.values()) if name in fan.models)
            if rate and left:
                longest = max(longest, left / rate)
        return longest

    # --- what each kind of event does ----------------------------------------------------------------

    def _begin(self, events: list[ev.AnyEvent], state: RunState) -> None:
        """What a run that is taken up has done already."""
        first = next(iter(events), None)
        if first is None:
            return
        self.begun_us = round(time.read(first.at).timestamp() * 1_000_000)
        if isinstance(first, ev.RunStarted):
            return
        done = sum(step.status in (Status.DONE, Status.SKIPPED) for step in state.steps.values())
        self.steps_done = max(0, done - sum(isinstance(event, _DONE) for event in events))

    def _model(self, name: str) -> ModelBoard:
        board = self.models.get(name)
        if board is None:
            board = self.models[name] = ModelBoard(name)
        return board

    def _fan_out(self, event: ev.FannedOut, later: Iterable[ev.AnyEvent], state: RunState) -> None:
        step = state.steps.get(event.step)
        responses = step.lines if step else 0
        told_later = sum(
            isinstance(one, (ev.CallAnswered, ev.ResponseReused)) and one.step == event.step for one in later
        )
        self.fans[event.step] = Fan(event.cells, event.asks, max(0, responses - told_later))

    def _intended(self, event: ev.CallIntended) -> None:
        board = self._model(event.model)
        board.in_flight += 1
        if event.tries > 1:
            board.retried += 1
        board.money.reserve(event.worst_price)
        self._open[event.call] = board, event.worst_price
        fan = self.fans.get(event.step)
        if fan is not None:
            fan.models.add(event.model)

    def _settled(self, call: str, cost: str) -> ModelBoard:
        """A call of before this process was told of anything is counted for no model."""
        found = self._open.pop(call, None)
        if found is None:
            return ModelBoard("")
        board, worst_price = found
        board.in_flight -= 1
        board.money.settle(worst_price, cost)
        return board

    def _answered(self, event: ev.CallAnswered) -> None:
        self._settled(event.call, event.cost).answered_at(event.at)
        fan = self.fans.get(event.step)
        if fan is not None:
            fan.responses += 1

    def _reused(self, event: ev.ResponseReused) -> None:
        board = self._model(event.model)
        board.reused += 1
        board.answered_at(event.at)
        fan = self.fans.get(event.step)
        if fan is not None:
            fan.responses += 1
            fan.models.add(event.model)

    def _failed(self, event: ev.CallFailed) -> None:
        self._settled(event.call, "" if event.may_have_cost else "0").failed += 1

    def _lost(self, event: ev.CallUnknown) -> None:
        self._settled(event.call, "").unknown += 1

    def _limited(self, event: ev.LimitChanged) -> None:
        self._model(event.model).state = _STATES.get(event.reason.code, "").format(event.in_flight)

    def _step_done(self, event: ev.StepFinished | ev.StepReused | ev.StepSkipped) -> None:
        self.steps_done += 1
        self.fans.pop(event.step, None)

    def _step_failed(self, event: ev.StepFailed) -> None:
        self.failed_attempts += 1
        self.fans.pop(event.step, None)


_ACTS: Final[dict[type[ev.Event], Callable[[Board, Any], None]]] = {
    ev.CallIntended: Board._intended,
    ev.CallAnswered: Board._answered,
    ev.ResponseReused: Board._reused,
    ev.CallFailed: Board._failed,
    ev.CallUnknown: Board._lost,
    ev.LimitChanged: Board._limited,
    ev.StepFinished: Board._step_done,
    ev.StepReused: Board._step_done,
    ev.StepSkipped: Board._step_done,
    ev.StepFailed: Board._step_failed,
}


def duration(seconds: float) -> str:
    """`22 s`, `4 min`, `2 h 5 min`; '' for 0."""
    whole = round(seconds)
    if seconds <= 0:
        return ""
    if whole < 90:
        return f"{max(1, whole)} s"
    if whole < 5400:
        return f"{round(whole / 60)} min"
    return f"{whole // 3600} h {whole % 3600 // 60} min"

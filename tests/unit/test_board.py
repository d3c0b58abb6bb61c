"""The counts behind the progress of a run: models, rates, money, and the time that is left."""

from __future__ import annotations

import pytest
from tests.unit.a_run import BEGIN_US, Told, fanned, step

from awo.canon import time
from awo.canon.usd import PICO
from awo.cli.board import WINDOW_S, Board, duration
from awo.evidence import events as ev
from awo.lifecycle.rules import RunState

SECOND_US = 1_000_000


class Screen:
    """A run that is told to a board, event by event or from a later moment on."""

    def __init__(self, told: Told) -> None:
        self.told = told
        self.state = RunState(told.plan.steps, told.plan.budget_usd)
        self.board = Board()
        self._taken = 0

    def skip(self) -> None:
        """The board was not there for what has happened so far."""
        self._advance()

    def take(self) -> Board:
        """The board takes what has happened since."""
        self.board.take(self._advance(), self.state)
        return self.board

    def _advance(self) -> list[ev.AnyEvent]:
        events = self.told.events[self._taken :]
        for event in events:
            self.state.advance(event)
        self._taken = len(self.told.events)
        return events


def asking(rows: int = 100, **changes: object) -> Screen:
    """A step over `rows` rows has just begun."""
    told = Told([fanned("ask"), step("after", "llm_map", ["ask"])], **changes)
    told.start()
    told.begin("ask")
    told.say(ev.FannedOut, step="ask", attempt=1, cells=rows, asks=rows)
    return Screen(told)


def now(screen: Screen) -> int:
    """The moment of the last event."""
    return BEGIN_US + (len(screen.told.events) - 1) * SECOND_US // 10


def test_calls_are_counted_by_model_and_by_how_they_went() -> None:
    screen = asking()
    told = screen.told
    told.answer("ask", "m", "?", "!", cell=0)
    told.no_answer("ask", told.call("ask", "m", cell=1), "timeout")
    told.answer("ask", "m", "?", "!", cell=1, tries=2, because="timeout")
    told.lose("ask", told.call("ask", "n", cell=2))
    told.reuse("ask", "n", cell=3)
    told.call("ask", "n", cell=4)
    board = screen.take()
    m, n = board.models["m"], board.models["n"]
    assert (m.answered, m.failed, m.retried, m.in_flight) == (2, 1, 1, 0)
    assert (n.answered, n.reused, n.unknown, n.in_flight) == (1, 1, 1, 1)
    assert board.fans["ask"].responses == 3
    assert board.fans["ask"].left == 97


def test_the_rate_is_that_of_the_last_ten_seconds() -> None:
    screen = asking()
    for cell in range(50):
        screen.told.answer("ask", "m", "?", "!", cell=cell)  # an answer every 0.2 seconds
    board = screen.take()
    m = board.models["m"]
    assert m.per_second(now(screen), board.begun_us) == pytest.approx(5, rel=0.1)
    assert m.per_second(now(screen) + 5 * SECOND_US, board.begun_us) == pytest.approx(2.5, rel=0.2)
    assert m.per_second(now(screen) + (WINDOW_S + 1) * SECOND_US, board.begun_us) == 0


def test_a_run_that_has_just_begun_has_no_rate_of_a_tenth_of_a_second() -> None:
    screen = asking()
    screen.told.answer("ask", "m", "?", "!")
    board = screen.take()
    assert board.models["m"].per_second(now(screen), board.begun_us) == 1


def test_the_time_left_follows_from_the_planned_requests_of_each_model() -> None:
    screen = asking(rows=150)
    for cell in range(50):
        screen.told.answer("ask", "m", "?", "!", cell=cell)
    board = screen.take()
    assert board.seconds_left(now(screen), "m") == pytest.approx(100 / 5, rel=0.1)
    assert board.seconds_left(now(screen)) == board.seconds_left(now(screen), "m")
    assert "about 20 s left" in board.summary(now(screen)) or "about 21 s left" in board.summary(now(screen))
    assert board.seconds_left(now(screen), "nobody") == 0


def test_requests_are_shared_out_among_the_models_that_a_step_asks() -> None:
    screen = asking(rows=150)
    for cell in range(25):
        screen.told.answer("ask", "m", "?", "!", cell=cell)
        screen.told.answer("ask", "n", "?", "!", cell=cell)
    board = screen.take()
    rate = board.models["m"].per_second(now(screen), board.begun_us)
    assert board.seconds_left(now(screen), "m") == pytest.approx(50 / rate)


def test_a_run_that_is_taken_up_counts_what_was_there_before() -> None:
    screen = asking(rows=10, budget_usd="5")
    told = screen.told
    for cell in range(4):
        told.answer("ask", "m", "?", "!", cell=cell, worst_price="1", cost="0.5")
    told.say(ev.RunInterrupted, signal="SIGINT")
    screen.skip()
    told.say(ev.RunResumed, software=ev.Software(name="awo", version="2"))
    told.begin("ask", 2)
    told.say(ev.FannedOut, step="ask", attempt=2, cells=10, asks=10)
    told.answer("ask", "m", "?", "!", attempt=2, cell=4, worst_price="1", cost="0.25")
    board = screen.take()
    assert board.models["m"].answered == 1
    assert board.fans["ask"].responses == 5
    assert (board.spent, board.possibly_spent, board.budget) == (9 * PICO // 4, 0, 5 * PICO)
    assert board.models["m"].money.spent == PICO // 4
    assert board.summary(now(screen)).startswith("0/2 steps, ask 5/10, ")
    assert "$2.25 spent of $5.00" in board.summary(now(screen))


def test_steps_that_were_done_before_are_counted_once() -> None:
    told = Told([step(name, "llm_map") for name in "abc"])
    told.start()
    screen = Screen(told)
    for name in "ab":
        told.begin(name)
        told.finish(name, {})
    screen.skip()
    told.say(ev.RunResumed, software=ev.Software(name="awo", version="2"))
    told.begin("c")
    told.finish("c", {})
    assert screen.take().summary(now(screen)) == "3/3 steps"


def test_a_limit_says_how_a_model_is_held_back() -> None:
    screen = asking()
    for code, in_flight, said in (
        ("rate_limited", 12, "slowed to 12 (rate limited)"),
        ("endpoint_down", 0, "endpoint left alone"),
        ("raised", 24, ""),
    ):
        screen.told.say(ev.LimitChanged, model="m", in_flight=in_flight, reason=ev.Reason(code=code, message="x"))
        assert screen.take().models["m"].state == said


def test_a_call_that_began_before_anybody_looked_is_counted_for_no_model() -> None:
    screen = asking()
    call = screen.told.call("ask", "m")
    screen.skip()
    screen.told.no_answer("ask", call)
    assert screen.take().models == {}


def test_a_step_that_is_done_or_failed_plans_nothing_more() -> None:
    screen = asking()
    screen.told.fail("ask", "items", "too many")
    board = screen.take()
    assert board.fans == {}
    assert board.failed_attempts == 1


@pytest.mark.parametrize(
    ("seconds", "said"), [(0, ""), (0.2, "1 s"), (22, "22 s"), (240, "4 min"), (7500, "2 h 5 min")]
)
def test_a_time_that_is_left_is_said_roughly(seconds: float, said: str) -> None:
    assert duration(seconds) == said


def test_the_first_event_says_when_a_run_began() -> None:
    screen = asking()
    assert time.spell(screen.take().begun_us) == screen.told.events[0].at

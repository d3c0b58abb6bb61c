"""The rules of the pace, with the time as an argument: window, rates, breaker, backoff."""

from __future__ import annotations

import math
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from awo.inference.limits import (
    LONGEST_RETRY_AFTER_S,
    Breaker,
    BreakerNews,
    Change,
    Outcome,
    Rate,
    Window,
    backoff_s,
)


def full_round(window: Window) -> list[Change]:
    """As many answers as were in flight when the round began, with the window always full."""
    return [change for _ in range(window.limit) if (change := window.answered(window.limit)) is not None]


def test_before_the_first_refusal_every_round_doubles_the_window() -> None:
    window = Window(most=100, start=10)
    changes = [change for _ in range(4) for change in full_round(window)]
    assert [(change.in_flight, change.code) for change in changes] == [
        (20, "raised"),
        (40, "raised"),
        (80, "raised"),
        (100, "raised"),
    ]


def test_after_a_refusal_a_round_adds_about_one() -> None:
    window = Window(most=100, start=20)
    window.refused(1, 1.0)
    assert window.limit == 10
    for grown in (11, 12, 13):
        full_round(window)
        assert grown - 1 <= window.limit <= grown


def test_two_hundred_refusals_at_once_halve_once() -> None:
    window = Window(most=200, start=200)
    changes = [window.refused(200 - n, 3.0)[1] for n in range(200)]
    assert [change.in_flight for change in changes if change] == [100]
    assert window.refused(100, 3.0)[1] is not None
    assert window.limit == 50


def test_answers_to_calls_from_before_a_decrease_do_not_raise_it() -> None:
    window = Window(most=64, start=64)
    window.refused(64, None)
    for left in range(63, 0, -1):
        window.answered(left)
    assert window.limit == 32
    assert window.is_reduced


def test_the_way_back_is_told_at_the_doubling_and_at_the_old_level_only() -> None:
    window = Window(most=50, start=40)
    window.refused(1, None)
    window.refused(1, None)
    changes = [change for _ in range(60) for change in full_round(window)]
    assert [(change.in_flight, change.code) for change in changes] == [
        (20, "recovered"),
        (40, "recovered"),
        (50, "raised"),
    ]


def test_a_window_that_is_not_filled_does_not_grow() -> None:
    window = Window(most=100, start=10)
    for _ in range(100):
        window.answered(9)
    assert window.limit == 10


def test_refusals_that_name_no_time_wait_longer_each_time_until_an_answer_comes() -> None:
    window = Window(most=8, start=8)
    assert [window.refused(1, None)[0] for _ in range(4)] == [0.5, 1.0, 2.0, 4.0]
    window.answered(1)
    assert window.refused(1, None)[0] == 0.5


@given(st.lists(st.tuples(st.sampled_from("arol"), st.integers(1, 60)), max_size=300), st.integers(1, 60))
def test_the_window_stays_between_one_and_the_most(events: list[tuple[str, int]], start: int) -> None:
    window = Window(most=40, start=start)
    for kind, in_flight in events:
        if kind == "a":
            window.answered(in_flight)
        elif kind == "r":
            wait_s, _ = window.refused(in_flight, None)
            assert 0.0 <= wait_s <= 60.0
        elif kind == "o":
            window.restart()
        else:
            window.left()
        assert 1 <= window.limit <= 40


@given(
    st.integers(1, 100_000),
    st.lists(st.tuples(st.integers(0, 3_000), st.floats(0, 30)), min_size=1, max_size=60),
)
def test_no_minute_holds_more_than_its_limit(per_minute: int, asks: list[tuple[int, float]]) -> None:
    rate = Rate(per_minute, 0.0)
    now = 0.0
    spent: list[tuple[float, int]] = []
    for wanted, later_s in asks:
        amount = min(wanted, per_minute)
        now += later_s
        for _ in range(10):
            if (wait_s := rate.wait_s(now, amount)) <= 0.0:
                break
            assert wait_s < math.inf
            now += wait_s + 1e-6
        else:
            pytest.fail("it never goes on")
        rate.spend(now, amount)
        spent.append((now, amount))
        assert sum(amount for at, amount in spent if at > now - 60.0) <= per_minute


def test_one_second_may_hold_one_seconds_worth_and_no_burst_beyond() -> None:
    rate = Rate(6_100, 0.0)
    sent = 0
    while rate.wait_s(0.0, 1) <= 0.0:
        rate.spend(0.0, 1)
        sent += 1
    assert sent == 100
    assert rate.wait_s(0.0, 1) == pytest.approx(0.01)


def test_what_is_larger_than_the_whole_limit_goes_alone() -> None:
    rate = Rate(100, 0.0)
    rate.spend(0.0, 1)
    wait_s = rate.wait_s(0.0, 5_000)
    assert 60.0 <= wait_s <= 61.0
    assert rate.wait_s(wait_s + 0.001, 5_000) == 0.0


def breaker(**settings: float) -> tuple[Breaker, list[BreakerNews]]:
    """A breaker without chance, and the news it tells."""
    made = Breaker("https://model.test", random=lambda: 0.0, **settings)  # type: ignore[arg-type]
    news: list[BreakerNews] = []
    made.watchers.append(news.append)
    return made, news


def call(made: Breaker, now: float, outcome: Outcome) -> None:
    made.sent()
    made.left(now, outcome, "unreachable" if outcome is Outcome.BROKEN else "")


def test_an_answer_between_failures_keeps_the_endpoint_open() -> None:
    made, news = breaker()
    for _ in range(10):
        for outcome in (Outcome.BROKEN,) * 4 + (Outcome.ANSWERED,):
            call(made, 0.0, outcome)
    assert made.is_closed
    assert news == []


def test_the_pauses_double_up_to_a_minute_and_the_eighth_failed_probe_is_the_last() -> None:
    made, news = breaker(longest_outage_s=1e9)
    call(made, 0.0, Outcome.ANSWERED)
    for _ in range(5):
        call(made, 0.0, Outcome.BROKEN)
    pauses = []
    now = 0.0
    while not made.is_given_up:
        pauses.append(made.wait_s(now))
        now += pauses[-1]
        assert made.wait_s(now) == 0.0
        call(made, now, Outcome.BROKEN)
    assert pauses == [1, 2, 4, 8, 16, 32, 60, 60]
    assert news == ["down"] * 8 + ["given_up"]
    assert made.wait_s(now + 1e6) == math.inf


def test_an_endpoint_to_which_no_connection_was_ever_made_is_given_up_after_two_probes() -> None:
    made, news = breaker()
    for _ in range(5):
        call(made, 0.0, Outcome.BROKEN)
    for now in (1.0, 3.0):
        assert not made.is_given_up
        call(made, now, Outcome.BROKEN)
    assert made.is_given_up
    assert news == ["down", "down", "given_up"]


def test_a_long_outage_ends_with_the_probe_that_fails_after_it() -> None:
    made, _ = breaker()
    for _ in range(5):
        call(made, 0.0, Outcome.BROKEN)
    call(made, 299.0, Outcome.BROKEN)
    assert not made.is_given_up
    call(made, 301.0, Outcome.BROKEN)
    assert made.is_given_up
    assert made.outage_s == 301.0


def test_while_one_probe_is_out_nobody_else_goes() -> None:
    made, _ = breaker()
    for _ in range(5):
        call(made, 0.0, Outcome.BROKEN)
    made.sent()
    assert made.wait_s(100.0) == math.inf
    made.left(100.0, Outcome.OTHER)
    assert made.wait_s(100.0) == 0.0


@pytest.mark.parametrize("outcome", [Outcome.ANSWERED, Outcome.RATE_LIMITED])
def test_whatever_the_endpoint_says_shows_that_it_is_back(outcome: Outcome) -> None:
    made, news = breaker()
    for _ in range(5):
        call(made, 0.0, Outcome.BROKEN)
    call(made, 1.0, outcome)
    assert made.is_closed
    assert news == ["down", "back"]
    for _ in range(4):
        call(made, 2.0, Outcome.BROKEN)
    assert made.is_closed


def test_failures_of_calls_from_before_the_outage_are_no_failed_probes() -> None:
    made, _ = breaker()
    for _ in range(25):
        made.sent()
    for _ in range(5):
        made.left(0.0, Outcome.BROKEN, "timeout")
    for second in range(1, 20):
        made.sent()
        made.left(float(second), Outcome.BROKEN, "timeout")
    assert made.failed_probes == 0
    assert not made.is_given_up


@given(st.integers(1, 100), st.one_of(st.none(), st.floats(-10, 10_000)), st.integers())
def test_no_backoff_is_shorter_than_what_was_asked_for(tries: int, retry_after_s: float | None, seed: int) -> None:
    random = Random(seed)
    asked_s = min(max(retry_after_s or 0.0, 0.0), LONGEST_RETRY_AFTER_S)
    waited_s = backoff_s(tries, retry_after_s, random.random)
    assert asked_s <= waited_s <= asked_s + min(60.0, 0.5 * 2.0 ** (tries - 1))

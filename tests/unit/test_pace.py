"""The pace of a model in virtual time: thousands of calls, refusals and outages without a second of waiting."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.virtual_time import run

from awo.inference.limits import Breaker, Change, Outcome
from awo.inference.pace import Pace
from awo.inference.seam import ModelFailed


def pace(
    most: int = 10,
    start: int = 0,
    *,
    rpm: int = 0,
    tpm: int = 0,
    breaker: Breaker | None = None,
    tell: Callable[[Change], None] = lambda _: None,
) -> Pace:
    return Pace(
        most=most,
        start=start or most,
        requests_per_minute=rpm,
        tokens_per_minute=tpm,
        breaker=breaker,
        tell=tell,
    )


def now() -> float:
    return asyncio.get_running_loop().time()


def test_calls_go_in_the_order_in_which_they_came() -> None:
    async def main() -> list[int]:
        made = pace(3)
        order: list[int] = []

        async def call(number: int) -> None:
            await made.enter(1)
            order.append(number)
            await asyncio.sleep(1 + number % 3)
            made.leave(Outcome.ANSWERED)

        await asyncio.gather(*(call(number) for number in range(50)))
        return order

    assert run(main()) == list(range(50))


@given(
    st.integers(1, 8),
    st.integers(1, 8),
    st.lists(
        st.tuples(
            st.sampled_from(Outcome),
            st.sampled_from([None, 0.0, 2.5, 40.0, 5_000.0]),
            st.floats(0.0, 20.0),
            st.integers(0, 40),
        ),
        min_size=1,
        max_size=60,
    ),
)
def test_never_too_many_never_too_early_and_always_to_the_end(
    most: int, start: int, calls: list[tuple[Outcome, float | None, float, int]]
) -> None:
    async def main() -> None:
        made = pace(most, start, breaker=Breaker("https://model.test", most_probes=1_000, longest_outage_s=1e9))
        in_flight = 0
        not_before = refused_at = 0.0

        async def call(outcome: Outcome, retry_after_s: float | None, takes_s: float, cancelled_after: int) -> None:
            nonlocal in_flight, not_before, refused_at
            await made.enter(1)
            in_flight += 1
            assert in_flight <= made.in_flight <= most
            assert now() >= not_before or now() == refused_at
            try:
                await asyncio.sleep(takes_s)
            except asyncio.CancelledError:
                in_flight -= 1
                made.leave(Outcome.OTHER)
                raise
            if outcome is Outcome.RATE_LIMITED:
                refused_at = now()
                not_before = max(not_before, now() + min(retry_after_s or 0.0, 600.0))
            in_flight -= 1
            made.leave(outcome, retry_after_s)

        tasks = [asyncio.ensure_future(call(*settings)) for settings in calls]
        for task, (_, _, _, cancelled_after) in zip(tasks, calls, strict=True):
            if cancelled_after < 10:
                asyncio.get_running_loop().call_later(cancelled_after, task.cancel)
        for result in await asyncio.gather(*tasks, return_exceptions=True):
            assert result is None or isinstance(result, asyncio.CancelledError)
        assert (made.in_flight, made.waiting) == (0, 0)

    run(main())


def test_two_hundred_refusals_at_once_halve_once_and_hold_everything_back() -> None:
    async def main() -> tuple[list[Change], list[float], str]:
        changes: list[Change] = []
        made = pace(200, tell=changes.append)
        for _ in range(200):
            await made.enter(1)
        began = now()
        for _ in range(200):
            made.leave(Outcome.RATE_LIMITED, 30.0)
        state = made.state
        sent_after: list[float] = []

        async def call() -> None:
            await made.enter(1)
            sent_after.append(now() - began)
            await asyncio.sleep(1)
            made.leave(Outcome.ANSWERED)

        await asyncio.gather(*(call() for _ in range(150)))
        return changes, sent_after, state

    changes, sent_after, state = run(main())
    assert [change.in_flight for change in changes] == [100]
    assert state == "waiting 30 s (rate limited)"
    assert min(sent_after) >= 30.0
    assert sum(after < 31.0 for after in sent_after) == 100


def test_the_state_says_to_what_it_was_slowed() -> None:
    async def main() -> str:
        made = pace(24)
        await made.enter(1)
        made.leave(Outcome.RATE_LIMITED, 1.0)
        await asyncio.sleep(2)
        return made.state

    assert run(main()) == "slowed to 12 (rate limited)"


@pytest.mark.parametrize(("rpm", "tpm", "in_the_first_minute"), [(60, 0, 60), (0, 6_000, 60), (1_000, 500, 5)])
def test_no_minute_holds_more_requests_or_tokens_than_allowed(rpm: int, tpm: int, in_the_first_minute: int) -> None:
    async def main() -> list[float]:
        made = pace(500, rpm=rpm, tpm=tpm)
        sent: list[float] = []

        async def call() -> None:
            await made.enter(100)
            sent.append(now())
            made.leave(Outcome.ANSWERED)

        await asyncio.gather(*(call() for _ in range(150)))
        return sent

    sent = run(main())
    assert len(sent) == 150
    for begin in sent:
        assert sum(begin <= at < begin + 60 for at in sent) <= in_the_first_minute


def test_a_cancelled_caller_at_the_front_lets_the_next_one_go() -> None:
    async def main() -> float:
        made = pace(10, tpm=6_100)
        await made.enter(100)
        large = asyncio.ensure_future(made.enter(6_000))
        small = asyncio.ensure_future(made.enter(1))
        await asyncio.sleep(0)
        began = now()
        large.cancel()
        await small
        return now() - began

    assert run(main()) < 2.0


def test_a_caller_cancelled_in_the_moment_it_is_let_in_gives_its_place_back() -> None:
    async def main() -> tuple[int, int]:
        made = pace(1)
        await made.enter(1)
        second = asyncio.ensure_future(made.enter(1))
        third = asyncio.ensure_future(made.enter(1))
        await asyncio.sleep(0)
        made.leave(Outcome.ANSWERED)
        second.cancel()
        await third
        made.leave(Outcome.ANSWERED)
        return made.in_flight, made.waiting

    assert run(main()) == (0, 0)


def test_an_endpoint_that_stays_away_is_one_error_for_everybody() -> None:
    async def main() -> tuple[list[BaseException | None], list[Change], float]:
        changes: list[Change] = []
        made = pace(20, breaker=Breaker("https://model.test", random=lambda: 0.0), tell=changes.append)
        sent = 0
        began = now()

        async def call() -> None:
            nonlocal sent
            while True:
                await made.enter(1)
                sent += 1
                await asyncio.sleep(0.01)
                made.leave(Outcome.BROKEN, code="unreachable")

        await made.enter(1)
        made.leave(Outcome.ANSWERED)
        results = await asyncio.gather(*(call() for _ in range(3_000)), return_exceptions=True)
        assert sent < 50
        with pytest.raises(ModelFailed):
            await made.enter(1)
        assert made.state == "endpoint given up"
        return results, changes, now() - began

    results, changes, took_s = run(main())
    assert len(results) == 3_000
    for error in results:
        assert isinstance(error, ModelFailed)
        assert (error.code, error.concerns_model, error.where) == ("unreachable", True, "https://model.test")
    assert {change.code for change in changes} == {"endpoint_down"}
    assert 120.0 < took_s < 400.0


def test_an_outage_ends_with_a_probe_and_a_slow_start_for_every_model_of_the_endpoint() -> None:
    async def main() -> tuple[list[Change], list[Change]]:
        first_changes: list[Change] = []
        second_changes: list[Change] = []
        breaker = Breaker("https://model.test", random=lambda: 0.0)
        first = pace(16, breaker=breaker, tell=first_changes.append)
        second = pace(16, breaker=breaker, tell=second_changes.append)
        began = now()
        back_at = began + 10.0
        sent: list[float] = []

        async def call(made: Pace) -> None:
            while True:
                await made.enter(1)
                is_back = now() >= back_at
                sent.append(now())
                await asyncio.sleep(0.1)
                made.leave(Outcome.ANSWERED if is_back else Outcome.BROKEN, code="overloaded")
                if is_back:
                    return

        await asyncio.gather(*(call(made) for made in (first, second) for _ in range(200)))
        assert first.state == second.state == ""
        assert sum(began + 0.1 < at < back_at for at in sent) == 3  # the probes after 1, 2 and 4 seconds
        return first_changes, second_changes

    first_changes, second_changes = run(main())
    for changes in (first_changes, second_changes):
        codes = [change.code for change in changes]
        assert codes.count("endpoint_back") == 1
        after = changes[codes.index("endpoint_back") :]
        assert [change.in_flight for change in after] == [1, 2, 4, 8, 16]

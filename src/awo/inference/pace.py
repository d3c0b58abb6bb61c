"""The pace of one model: every call enters before it is sent and leaves after it, and waits where it must.

The rules are in `limits.py`; here is the waiting. First come, first served; nothing polls.
"""

from __future__ import annotations

import asyncio
import math
from collections import deque
from collections.abc import Callable
from typing import Final

from awo.inference.limits import Breaker, BreakerNews, Change, Outcome, Rate, Window
from awo.inference.seam import ModelFailed

SHORTEST_TIMER_S: Final = 0.001


class Pace:
    """Holds calls to one model to its limits; bound to the event loop that first waits on it.

    `most` calls at once at any time, `start` of them to begin with; 0 requests or tokens a minute
    mean no such limit. `breaker` is shared by the models of an endpoint. `tell` gets each change
    that is worth an event, at once; it must not block.
    """

    def __init__(
        self,
        *,
        most: int,
        start: int,
        requests_per_minute: int,
        tokens_per_minute: int,
        breaker: Breaker | None,
        tell: Callable[[Change], None],
    ) -> None:
        self.in_flight = 0
        self.waiting = 0
        self._window = Window(most, start)
        self._per_minute = (requests_per_minute, tokens_per_minute)
        self._has_rates = requests_per_minute > 0 or tokens_per_minute > 0
        self._requests: Rate | None = None
        self._tokens: Rate | None = None
        self._breaker = breaker
        self._tell = tell
        self._paused_until = -math.inf
        self._queue: deque[tuple[asyncio.Future[bool], int]] = deque()
        self._timer: asyncio.TimerHandle | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        if breaker is not None:
            breaker.watchers.append(self._on_breaker)

    @property
    def limit(self) -> int:
        """How many calls may be in flight at once now."""
        return self._window.limit

    @property
    def state(self) -> str:
        """What holds the calls back, in a few words for the progress line, or ''."""
        now = self._loop.time() if self._loop else -math.inf
        if self._breaker is not None and not self._breaker.is_closed:
            if self._breaker.is_given_up:
                return "endpoint given up"
            left_s = math.ceil(self._breaker.until - now)
            return f"endpoint left alone for {left_s} s" if left_s > 0 else "endpoint being tried"
        if self._paused_until > now:
            return f"waiting {math.ceil(self._paused_until - now)} s (rate limited)"
        if self._window.is_reduced:
            return f"slowed to {self._window.limit} ({self._window.why_reduced})"
        return ""

    async def enter(self, tokens: int) -> None:
        """Waits until a call of about `tokens` tokens may be sent; `leave` must follow, whatever happens.

        Raises `ModelFailed` (`unreachable` or `overloaded`, for every call) once the endpoint is given
        up. Cancelled, it leaves nothing behind.
        """
        loop = self._loop or self._bind()
        now = loop.time()
        if not self._queue and self._wait_s(now, tokens) <= 0.0:
            self._admit(now, tokens)
            return
        if self._breaker is not None and self._breaker.is_given_up:
            raise self._given_up(self._breaker)
        turn: asyncio.Future[bool] = loop.create_future()
        self._queue.append((turn, tokens))
        self.waiting += 1
        self._admit_waiting()
        try:
            is_admitted = await turn
        except asyncio.CancelledError:
            if turn.cancelled():
                self.waiting -= 1
                self._admit_waiting()
            elif turn.result():
                self.leave(Outcome.OTHER)
            raise
        if not is_admitted and self._breaker is not None:
            raise self._given_up(self._breaker)

    def leave(self, outcome: Outcome, retry_after_s: float | None = None, code: str = "") -> None:
        """A call that had entered has ended. `code` is that of its `ModelFailed`, for the error after an outage."""
        now = (self._loop or self._bind()).time()
        change = None
        if outcome is Outcome.ANSWERED:
            change = self._window.answered(self.in_flight)
        elif outcome is Outcome.RATE_LIMITED:
            wait_s, change = self._window.refused(self.in_flight, retry_after_s)
            self._paused_until = max(self._paused_until, now + wait_s)
        else:
            self._window.left()
        self.in_flight -= 1
        if change is not None:
            self._tell(change)
        if self._breaker is not None:
            self._breaker.left(now, outcome, code)
        if self._queue:
            self._admit_waiting()

    def _bind(self) -> asyncio.AbstractEventLoop:
        self._loop = asyncio.get_running_loop()
        requests, tokens = self._per_minute
        self._requests = Rate(requests, self._loop.time()) if requests > 0 else None
        self._tokens = Rate(tokens, self._loop.time()) if tokens > 0 else None
        return self._loop

    def _wait_s(self, now: float, tokens: int) -> float:
        """How long the next call must wait; infinity when only an event can let it go."""
        if self.in_flight >= self._window.limit:
            return math.inf
        wait_s = self._paused_until - now
        if self._breaker is not None and not self._breaker.is_closed:
            wait_s = max(wait_s, self._breaker.wait_s(now))
        if self._has_rates:
            if self._requests is not None:
                wait_s = max(wait_s, self._requests.wait_s(now, 1))
            if self._tokens is not None:
                wait_s = max(wait_s, self._tokens.wait_s(now, tokens))
        return wait_s

    def _admit(self, now: float, tokens: int) -> None:
        self.in_flight += 1
        if self._breaker is not None:
            self._breaker.sent()
        if self._has_rates:
            if self._requests is not None:
                self._requests.spend(now, 1)
            if self._tokens is not None:
                self._tokens.spend(now, tokens)

    def _admit_waiting(self) -> None:
        """Lets go whoever may, from the front of the queue; sets the one timer when time alone is missing."""
        if self._loop is None:
            return
        now = self._loop.time()
        wait_s = math.inf
        while self._queue:
            turn, tokens = self._queue[0]
            if not turn.done():
                wait_s = self._wait_s(now, tokens)
                if wait_s > 0.0:
                    break
                self._admit(now, tokens)
                self.waiting -= 1
                turn.set_result(True)
            self._queue.popleft()
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._queue and wait_s < math.inf:
            self._timer = self._loop.call_later(max(wait_s, SHORTEST_TIMER_S), self._admit_waiting)

    def _on_breaker(self, news: BreakerNews) -> None:
        """The endpoint's state has changed, perhaps by a call to another model."""
        breaker = self._breaker
        if breaker is None:
            return
        if news == "down":
            pause_s = breaker.until - self._now()
            self._tell(Change(0, "endpoint_down", f"the endpoint fails and is left alone for {pause_s:.3g} s"))
        elif news == "back":
            self._window.restart()
            self._tell(Change(self._window.limit, "endpoint_back", "the endpoint answers again"))
        elif news == "given_up":
            self._tell(Change(0, "endpoint_down", f"the endpoint is given up after {_outage(breaker)}"))
            self._turn_all_away()
        self._admit_waiting()

    def _now(self) -> float:
        return (self._loop or self._bind()).time()

    def _turn_all_away(self) -> None:
        """Nobody waiting will be let in; each raises its own error when it wakes."""
        for turn, _ in self._queue:
            if not turn.done():
                self.waiting -= 1
                turn.set_result(False)
        self._queue.clear()

    def _given_up(self, breaker: Breaker) -> ModelFailed:
        is_unreached = breaker.last_code in ("", "unreachable")
        what = "the endpoint cannot be reached" if is_unreached else "the endpoint gives no answers"
        return ModelFailed(
            f"{what}: it was given up after {_outage(breaker)}",
            code="unreachable" if is_unreached else "overloaded",
            is_transient=False,
            concerns_model=True,
            where=breaker.endpoint,
            got=f"at last: {breaker.last_code}" if breaker.last_code else "",
            hint="check the address; `awo resume RUN` goes on when the endpoint answers",
        )


def _outage(breaker: Breaker) -> str:
    probes = breaker.failed_probes
    return f"{breaker.outage_s:.0f} s and {probes} failed probe{'s' if probes != 1 else ''}"

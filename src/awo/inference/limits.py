"""How many calls to a model may be in flight, how fast they may follow, and when an endpoint is left alone.

Pure: the time comes in, in seconds of any clock that does not go back. `pace.py` waits by these rules.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable
from enum import Enum
from random import random as by_chance
from typing import Final, Literal, NamedTuple

LONGEST_RETRY_AFTER_S: Final = 600.0
FIRST_BACKOFF_S: Final = 0.5
LONGEST_BACKOFF_S: Final = 60.0
WINDOW_S: Final = 60


class Outcome(Enum):
    """How a call ended, as far as the pace is concerned.

    `BROKEN` is an endpoint that fails (5xx, no connection, an answer cut off, a timeout); `OTHER`
    says nothing about it: a refused request, or a call that was cancelled.
    """

    ANSWERED = "answered"
    RATE_LIMITED = "rate_limited"
    BROKEN = "broken"
    OTHER = "other"


ChangeCode = Literal["rate_limited", "recovered", "raised", "endpoint_down", "endpoint_back"]


class Change(NamedTuple):
    """From now on `in_flight` calls at once, and why: what a `limit_changed` event says."""

    in_flight: int
    code: ChangeCode
    message: str


def retry_after(seconds: float | None) -> float:
    """How long a provider's wish is respected: nothing for none, for nonsense or below 0; at most ten minutes."""
    return min(seconds, LONGEST_RETRY_AFTER_S) if seconds is not None and seconds > 0 else 0.0


def backoff_s(tries: int, retry_after_s: float | None, random: Callable[[], float]) -> float:
    """Seconds to wait after sending number `tries` (from 1) of a request failed.

    Exponential from half a second to a minute with full jitter ("Exponential Backoff And Jitter",
    AWS Architecture Blog, 2015), on top of what the provider asked for. `random` gives [0, 1).
    """
    longest = min(LONGEST_BACKOFF_S, FIRST_BACKOFF_S * 2.0 ** min(tries - 1, 32))
    return retry_after(retry_after_s) + random() * longest


class Window:
    """How many calls may be in flight: additive increase, multiplicative decrease (Chiu and Jain, 1989).

    Before the first refusal it doubles in a round trip (slow start, RFC 5681), after it grows by about
    one; always only while calls fill it. Calls that were in flight at a decrease belong to it: their
    refusals make no second one, and their answers no increase.
    """

    __slots__ = (
        "_before",
        "_in_a_row",
        "_is_rate_limited",
        "_level",
        "_most",
        "_old",
        "_steady_from",
        "_told",
        "limit",
    )

    def __init__(self, most: int, start: int) -> None:
        self._most = max(1, most)
        self._level = float(max(1, min(start, self._most)))
        self.limit = int(self._level)
        self._steady_from = math.inf
        self._before = self.limit
        self._told = self.limit
        self._old = 0
        self._in_a_row = 0
        self._is_rate_limited = False

    @property
    def is_reduced(self) -> bool:
        """Whether it has not yet grown back to where it was before the last decrease."""
        return self.limit < self._before

    @property
    def why_reduced(self) -> str:
        """The reason for people."""
        return "rate limited" if self._is_rate_limited else "endpoint came back"

    def answered(self, in_flight: int) -> Change | None:
        """A call was answered; `in_flight` counts it. Gives a change that is worth telling."""
        if self._old:
            self._old -= 1
            return None
        self._in_a_row = 0
        if self.limit >= self._most or in_flight < self.limit:
            return None
        step = 1.0 if self._level < self._steady_from else 1.0 / self._level
        self._level = min(self._level + step, float(self._most))
        if (limit := int(self._level)) == self.limit:
            return None
        self.limit = limit
        return self._worth_telling()

    def refused(self, in_flight: int, retry_after_s: float | None) -> tuple[float, Change | None]:
        """A call met a rate limit; `in_flight` counts it. Gives the seconds in which nothing may be sent.

        Where the provider does not say, they double with each decrease that no answer parts from the last.
        """
        wait_s = retry_after(retry_after_s)
        if self._old:
            self._old -= 1
            return wait_s, None
        self._old = in_flight - 1
        if not wait_s:
            wait_s = min(LONGEST_BACKOFF_S, FIRST_BACKOFF_S * 2.0 ** min(self._in_a_row, 32))
        self._in_a_row += 1
        limit = max(1, self.limit // 2)
        self._steady_from = float(limit)
        if limit == self.limit:
            return wait_s, None
        self._shrink(limit)
        self._is_rate_limited = True
        return wait_s, Change(limit, "rate_limited", f"rate limited: at most {limit} at once, none for {wait_s:.3g} s")

    def left(self) -> None:
        """A call ended in another way."""
        if self._old:
            self._old -= 1

    def restart(self) -> None:
        """The endpoint is back after an outage: from one call at once, doubling, to where it was."""
        if self._steady_from < math.inf:
            self._steady_from = max(self._steady_from, float(self.limit))
        self._shrink(1)
        self._is_rate_limited = False

    def _shrink(self, limit: int) -> None:
        if not self.is_reduced:
            self._before = self.limit
        self._level = float(limit)
        self.limit = self._told = limit

    def _worth_telling(self) -> Change | None:
        limit = self.limit
        if limit < 2 * self._told and limit not in (self._before, self._most):
            return None
        self._told = limit
        if limit <= self._before:
            return Change(limit, "recovered", f"answers come again: up to {limit} at once")
        return Change(limit, "raised", f"nothing was refused: up to {limit} at once")


class Rate:
    """So much in any 60 seconds, evenly: a bucket of one second's worth (at least 1), and the sum of a minute.

    Spending is summed in slots of a second, and 61 of them count, so that no minute holds more; the
    bucket fills in step with that. Something larger than the whole limit waits for an empty minute.
    """

    __slots__ = ("_filled_at", "_level", "_per_minute", "_per_s", "_size", "_slots", "_sum")

    def __init__(self, per_minute: int, now: float) -> None:
        self._per_minute = per_minute
        self._per_s = per_minute / (WINDOW_S + 1)
        self._size = max(1.0, self._per_s)
        self._level = self._size
        self._filled_at = now
        self._slots: deque[list[int]] = deque()  # [second, spent in it], at most 61 of them
        self._sum = 0

    def wait_s(self, now: float, amount: int) -> float:
        """How long until `amount` may be spent; 0 for now."""
        self._fill(now)
        lacking = min(float(amount), self._size) - self._level
        wait_s = lacking / self._per_s if lacking > 1e-9 else 0.0
        excess = self._sum + min(amount, self._per_minute) - self._per_minute
        for second, spent in self._slots:
            if excess <= 0:
                break
            excess -= spent
            wait_s = max(wait_s, second + WINDOW_S + 1 - now)
        return wait_s

    def spend(self, now: float, amount: int) -> None:
        """`amount` is spent now."""
        self._fill(now)
        self._level -= amount
        self._sum += amount
        second = math.floor(now)
        if self._slots and self._slots[-1][0] == second:
            self._slots[-1][1] += amount
        else:
            self._slots.append([second, amount])

    def _fill(self, now: float) -> None:
        self._level = min(self._size, self._level + (now - self._filled_at) * self._per_s)
        self._filled_at = now
        while self._slots and self._slots[0][0] < math.floor(now) - WINDOW_S:
            self._sum -= self._slots.popleft()[1]


BreakerNews = Literal["down", "back", "given_up", "free"]
"""`down`: left alone for a while (again). `free`: the probe said nothing, another may go."""


class Breaker:
    """Leaves a failing endpoint alone, and lets one probe after the other find out whether it is back.

    One for each endpoint, shared by its models. It opens after `opens_after` broken calls in a row,
    for `first_pause_s` and then twice as long each time, less up to half of it by chance. It gives up
    when `most_probes` probes failed (`most_probes_unreached` where no connection was ever made: then the
    address is probably wrong), or when one fails more than `longest_outage_s` after it opened.
    While calls from before are still in flight, a failure may be one of theirs, and counts as no probe's.
    """

    def __init__(
        self,
        endpoint: str = "",
        *,
        opens_after: int = 5,
        first_pause_s: float = 1.0,
        longest_pause_s: float = 60.0,
        most_probes: int = 8,
        most_probes_unreached: int = 2,
        longest_outage_s: float = 300.0,
        random: Callable[[], float] = by_chance,
    ) -> None:
        self.endpoint = endpoint
        self.watchers: list[Callable[[BreakerNews], None]] = []
        self.is_closed = True
        self.is_given_up = False
        self.last_code = ""
        self.until = 0.0
        self.opened_at = 0.0
        self.outage_s = 0.0
        self.failed_probes = 0
        self._opens_after = opens_after
        self._first_pause_s = first_pause_s
        self._longest_pause_s = longest_pause_s
        self._most_probes = most_probes
        self._most_probes_unreached = most_probes_unreached
        self._longest_outage_s = longest_outage_s
        self._random = random
        self._broken = 0
        self._in_flight = 0
        self._has_probe = False
        self._has_answered = False

    def wait_s(self, now: float) -> float:
        """Seconds until a call may be sent: 0 for now, infinity while a probe is out or after giving up."""
        if self.is_closed:
            return 0.0
        if self.is_given_up or self._has_probe:
            return math.inf
        return max(0.0, self.until - now)

    def sent(self) -> None:
        """A call goes out."""
        self._in_flight += 1
        if not self.is_closed:
            self._has_probe = True

    def left(self, now: float, outcome: Outcome, code: str = "") -> None:
        """A call has ended. `code` is the failure's name, when there was one."""
        self._in_flight -= 1
        if outcome is Outcome.BROKEN:
            self.last_code = code
            self._broke(now)
        elif outcome is not Outcome.OTHER:
            self._lives()
        elif self._has_probe:
            self._has_probe = False
            self._tell("free")

    def _lives(self) -> None:
        self._broken = 0
        self._has_answered = True
        if not self.is_closed and not self.is_given_up:
            self.is_closed = True
            self._has_probe = False
            self.failed_probes = 0
            self._tell("back")

    def _broke(self, now: float) -> None:
        self._broken += 1
        if self.is_closed and self._broken >= self._opens_after:
            self.is_closed = False
            self.opened_at = now
            self._leave_alone(now)
        elif self._has_probe and not self.is_given_up:
            self._has_probe = False
            if not self._in_flight:
                self.failed_probes += 1
            was_never_there = not self._has_answered and self.last_code == "unreachable"
            most = self._most_probes_unreached if was_never_there else self._most_probes
            if self.failed_probes >= most or now - self.opened_at > self._longest_outage_s:
                self.is_given_up = True
                self.outage_s = now - self.opened_at
                self._tell("given_up")
            else:
                self._leave_alone(now)

    def _leave_alone(self, now: float) -> None:
        longest = min(self._longest_pause_s, self._first_pause_s * 2.0 ** min(self.failed_probes, 32))
        self.until = now + longest * (1.0 - self._random() / 2)
        self._tell("down")

    def _tell(self, news: BreakerNews) -> None:
        for watcher in self.watchers:
            watcher(news)

"""What all model calls of a process share: the wire's record, the money, and whether the run is being stopped."""

from __future__ import annotations

import asyncio

from awo.canon.usd import usd
from awo.engine.journal import Journal
from awo.engine.raw import RawLog
from awo.evidence import events as ev
from awo.evidence.secrets import SecretCutter


class Stopping(Exception):
    """A call was not begun because the run, or its step, is being stopped."""


class Traffic:
    """The calls of a process: how many are in flight, and what they may still cost."""

    def __init__(self, journal: Journal, secrets: SecretCutter) -> None:
        self.is_stopping = False
        self.in_flight = 0
        self.raw = RawLog(journal, secrets)
        self.over_budget: ev.BudgetReached | None = None
        self._journal = journal
        self._waiting: list[asyncio.Future[None]] = []

    async def room_for(self, step: str, worst_price: str) -> None:
        """Returns when a call of this worst price fits the budget; it must be intended before the next await.

        Waits while calls in flight may turn out cheaper. Raises `Stopping`, and stops the run, when
        the budget could be exceeded whatever they cost.
        """
        money = self._journal.state.money
        while money.why_not(worst_price):
            if not money.reserved:
                self._stop_over_budget(step, worst_price)
                raise Stopping
            waiter: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            self._waiting.append(waiter)
            await waiter
            if self.is_stopping:
                raise Stopping

    def settled(self) -> None:
        """A call has its outcome: what was reserved for it may be free again."""
        waiting, self._waiting = self._waiting, []
        for waiter in waiting:
            if not waiter.done():
                waiter.set_result(None)

    def _stop_over_budget(self, step: str, worst_price: str) -> None:
        money = self._journal.state.money
        if self.over_budget is None and money.budget is not None:
            self.over_budget = self._journal.append(
                ev.BudgetReached,
                step=step,
                budget=usd(money.budget),
                spent=usd(money.spent),
                unknown=usd(money.unknown),
                worst=worst_price,
            )
        self.is_stopping = True
        self.settled()

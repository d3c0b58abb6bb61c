"""The calls of a run, counted in place: what 200,000 call events amount to, in the memory of the open ones."""

from __future__ import annotations

from typing import Final

from awo.derive.facts import NO_MONEY, CallCounts, CellFacts, MoneyFacts
from awo.evidence import events as ev
from awo.lifecycle.money import Money

CODES_TOLD_APART: Final = 64
ANY_OTHER_CODE: Final = "other"


class CallTally:
    """Counts of calls, of one model or one step, that change in place."""

    __slots__ = ("answered", "failed", "open", "recovered", "retried", "reused", "unknown")

    def __init__(self) -> None:
        self.answered = self.failed = self.unknown = self.recovered = self.reused = self.retried = self.open = 0

    def frozen(self) -> CallCounts:
        """The counts as they are now."""
        return CallCounts(
            answered=self.answered,
            failed=self.failed,
            unknown=self.unknown,
            recovered=self.recovered,
            reused=self.reused,
            retried=self.retried,
            open=self.open,
        )


class StepTally(CallTally):
    """Of one step while it is not done: its calls, and which cells of its fan-out have a response."""

    __slots__ = ("_has_response", "asks", "cells", "cells_answered", "has_fanned_out")

    def __init__(self) -> None:
        super().__init__()
        self.cells = 0
        self.asks = 0
        self.cells_answered = 0
        self.has_fanned_out = False
        self._has_response = bytearray()

    def fan_out(self, cells: int, asks: int) -> None:
        """An attempt does its work so often."""
        self.has_fanned_out = True
        self.cells, self.asks = cells, asks

    def respond(self, cell: int) -> None:
        """A request of this cell has a response."""
        if not self.has_fanned_out:
            return
        seen = self._has_response
        if cell >= len(seen):
            seen.extend(bytes(cell + 1 - len(seen)))
        if not seen[cell]:
            seen[cell] = 1
            self.cells_answered += 1

    def cell_facts(self) -> CellFacts | None:
        """How far the fan-out has come; None without one."""
        if not self.has_fanned_out:
            return None
        return CellFacts(planned=self.cells, asks=self.asks, answered=self.cells_answered)


class ModelTally(CallTally):
    """Of one model: its calls and what they cost."""

    __slots__ = ("money", "unpriced")

    def __init__(self) -> None:
        super().__init__()
        self.money = Money(None)
        self.unpriced = 0

    def money_facts(self) -> MoneyFacts:
        """What they cost as far as it is known."""
        money = self.money
        facts = MoneyFacts(spent=money.spent, reserved=money.reserved, unknown=money.unknown, unpriced=self.unpriced)
        return NO_MONEY if facts == NO_MONEY else facts


class CallBook:
    """Takes the events of calls in their order. Memory: the open calls, and a byte for each cell of a running step."""

    def __init__(self) -> None:
        self.models: dict[str, ModelTally] = {}
        self.steps: dict[str, StepTally] = {}
        self.failures_by_code: dict[str, int] = {}
        self._open: dict[str, tuple[ModelTally, StepTally, str, int]] = {}

    def step(self, id_: str) -> StepTally:
        """The tally of a step that is not done."""
        tally = self.steps.get(id_)
        if tally is None:
            tally = self.steps[id_] = StepTally()
        return tally

    def model(self, name: str) -> ModelTally:
        """The tally of a model."""
        tally = self.models.get(name)
        if tally is None:
            tally = self.models[name] = ModelTally()
        return tally

    def intended(self, event: ev.CallIntended) -> None:
        """A request is on its way."""
        model = self.models.get(event.model) or self.model(event.model)
        step = self.steps.get(event.step) or self.step(event.step)
        model.open += 1
        step.open += 1
        if event.tries > 1:
            model.retried += 1
            step.retried += 1
        price = event.worst_price
        if price != "0":
            model.money.reserve(price)
        self._open[event.call] = model, step, price, event.cell

    def answered(self, event: ev.CallAnswered) -> None:
        """It has its response."""
        model, step, cell = self._settled(event.step, event.call, event.cost)
        model.answered += 1
        step.answered += 1
        if event.recovered:
            model.recovered += 1
            step.recovered += 1
        step.respond(cell)

    def failed(self, event: ev.CallFailed) -> None:
        """It got none."""
        model, step, _ = self._settled(event.step, event.call, "" if event.may_have_cost else "0")
        model.failed += 1
        step.failed += 1
        codes = self.failures_by_code
        code = event.reason.code
        if code not in codes and len(codes) >= CODES_TOLD_APART:
            code = ANY_OTHER_CODE
        codes[code] = codes.get(code, 0) + 1

    def lost(self, event: ev.CallUnknown) -> None:
        """Nobody knows."""
        model, step, _ = self._settled(event.step, event.call, "")
        model.unknown += 1
        step.unknown += 1

    def reused(self, event: ev.ResponseReused) -> None:
        """A response of another run stands in for a call."""
        step = self.step(event.step)
        self.model(event.model).reused += 1
        step.reused += 1
        step.respond(event.cell)

    def _settled(self, step: str, call: str, cost: str) -> tuple[ModelTally, StepTally, int]:
        """The tallies of a call that is open no longer. One that nobody intended belongs to no model."""
        found = self._open.pop(call, None)
        if found is None:
            return self.model(""), self.step(step), 0
        model, of_step, worst_price, cell = found
        model.open -= 1
        of_step.open -= 1
        if not worst_price == cost == "0":
            model.money.settle(worst_price, cost)
        if not (worst_price or cost):
            model.unpriced += 1
        return model, of_step, cell

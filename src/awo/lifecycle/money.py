"""What the calls of a run have cost, may have cost and may still cost: three numbers (spec section 5)."""

from __future__ import annotations

from awo.canon.usd import for_people, picodollars


class Money:
    """Amounts in picodollars. `budget` is None when none was set.

    `spent` has answers of a known cost; `reserved` is the worst case of calls without outcome;
    `unknown` the worst case of calls that may have been paid for without a known cost.
    """

    __slots__ = ("budget", "reserved", "spent", "unknown")

    def __init__(self, budget: int | None) -> None:
        self.budget = budget
        self.spent = 0
        self.reserved = 0
        self.unknown = 0

    @property
    def committed(self) -> int:
        """All three together: what the run may have cost by the time its open calls are done."""
        return self.spent + self.reserved + self.unknown

    def why_not(self, worst_price: str) -> str:
        """Why a call of this worst price ('' when nobody knows it) may not be made, or ''."""
        if self.budget is None:
            return ""
        if not worst_price:
            return "a call without a price cannot be made under a budget"
        total = self.committed + picodollars(worst_price)
        if total > self.budget:
            return f"it could bring the cost to {for_people(total)}, above the budget of {for_people(self.budget)}"
        return ""

    def reserve(self, worst_price: str) -> None:
        """A call of this worst price is on its way."""
        if worst_price:
            self.reserved += picodollars(worst_price)

    def settle(self, worst_price: str, cost: str) -> None:
        """A call has its outcome; `cost` is '' when it may have cost something that nobody knows."""
        worst = picodollars(worst_price) if worst_price else 0
        self.reserved -= worst
        if cost:
            self.spent += picodollars(cost)
        else:
            self.unknown += worst

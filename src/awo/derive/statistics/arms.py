"""Two arms on the same items: one number for each item and arm, and which items have both."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from awo.derive.statistics.choosing import Chosen
from awo.derive.statistics.resampling import Floats
from awo.derive.statistics.table import Table


@dataclass(frozen=True, slots=True)
class Pairs:
    """The items that both arms have a number for, in the order of the table's items.

    `a` and `b` are the means of each item's answers; `is_single` says that each is one answer alone.
    `unpaired` items have a number in one arm only.
    """

    a: Floats
    b: Floats
    unpaired: int
    is_single: bool

    @property
    def differences(self) -> Floats:
        """Of each item, `a` minus `b`."""
        return self.a - self.b

    @property
    def are_zeros_and_ones(self) -> bool:
        """Whether no other number occurs."""
        return bool(np.isin(self.a, (0.0, 1.0)).all() and np.isin(self.b, (0.0, 1.0)).all())

    def table(self) -> dict[str, int]:
        """How many items are 1 in both arms, in one, and in neither: what McNemar's test looks at."""
        a, b = self.a == 1, self.b == 1
        return {
            "both": int(np.count_nonzero(a & b)),
            "only_a": int(np.count_nonzero(a & ~b)),
            "only_b": int(np.count_nonzero(b & ~a)),
            "neither": int(np.count_nonzero(~a & ~b)),
        }

    def signs(self) -> dict[str, int]:
        """How many items have more in `a`, in `b`, and the same in both."""
        found = self.differences
        return {
            "a_more": int(np.count_nonzero(found > 0)),
            "b_more": int(np.count_nonzero(found < 0)),
            "equal": int(np.count_nonzero(found == 0)),
        }


def paired(table: Table, a: Chosen, b: Chosen) -> Pairs:
    """The answers of two arms, the answers of one item averaged first, and items paired."""
    means_a, counts_a = _by_item(table, a)
    means_b, counts_b = _by_item(table, b)
    both = (counts_a > 0) & (counts_b > 0)
    is_single = bool((counts_a[both] == 1).all() and (counts_b[both] == 1).all())
    unpaired = int(np.count_nonzero((counts_a > 0) != (counts_b > 0)))
    return Pairs(means_a[both], means_b[both], unpaired, is_single)


def _by_item(table: Table, arm: Chosen) -> tuple[Floats, NDArray[np.int64]]:
    """The mean and the number of the numbers of each item of the table; NaN and 0 where there are none."""
    is_number = ~np.isnan(arm.values)
    items = table.items[arm.lines[is_number]]
    size = int(table.items.max()) + 1 if table.lines else 0
    counts = np.bincount(items, minlength=size)
    sums = np.bincount(items, weights=arm.values[is_number], minlength=size)
    return np.divide(sums, counts, out=np.full(size, np.nan), where=counts > 0), counts

"""Two arms on the same items: one number for each item and arm, and which items have both."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Final

import numpy as np
from numpy.typing import NDArray

from awo.derive.statistics.choosing import Chosen
from awo.derive.statistics.resampling import Floats
from awo.derive.statistics.table import Table

ROUNDING: Final = 1e-12
"""Numbers that lie within this share of their size are told apart by rounding alone."""


@dataclass(frozen=True)
class Pairs:
    """The items that both arms have a number for, in the order of the table's items.

    `a` and `b` are the means of each item's answers; `is_single` says that each is one answer alone.
    `unpaired` items have a number in one arm only, `uneven` pairs more answers in one arm than in the other.
    """

    a: Floats
    b: Floats
    unpaired: int
    is_single: bool
    uneven: int = 0

    @cached_property
    def differences(self) -> Floats:
        """Of each item, `a` minus `b`; what rounding alone tells apart is equal: 1 - 2/3 is 1/3 - 0."""
        found = self.a - self.b
        sizes = np.maximum(np.abs(self.a), np.abs(self.b))
        found[np.abs(found) <= ROUNDING * sizes] = 0.0
        return np.copysign(levelled(np.abs(found), sizes), found)

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


def levelled(values: Floats, sizes: Floats) -> Floats:
    """`values`, those made equal that rounding alone tells apart: each that lies within 1e-12 of the smaller of the
    two `sizes` above the next smaller value is that value."""
    order = np.argsort(values, kind="stable")
    ordered, bars = values[order], ROUNDING * sizes[order]
    is_new = np.ones(len(values), np.bool_)
    is_new[1:] = np.diff(ordered) > np.minimum(bars[1:], bars[:-1])
    level = np.empty_like(values)
    level[order] = ordered[is_new][np.cumsum(is_new) - 1]
    return level


def paired(table: Table, a: Chosen, b: Chosen) -> Pairs:
    """The answers of two arms, the answers of one item averaged first, and items paired."""
    means_a, counts_a = _by_item(table, a)
    means_b, counts_b = _by_item(table, b)
    both = (counts_a > 0) & (counts_b > 0)
    is_single = bool((counts_a[both] == 1).all() and (counts_b[both] == 1).all())
    unpaired = int(np.count_nonzero((counts_a > 0) != (counts_b > 0)))
    uneven = int(np.count_nonzero(counts_a[both] != counts_b[both]))
    return Pairs(means_a[both], means_b[both], unpaired, is_single, uneven)


def _by_item(table: Table, arm: Chosen) -> tuple[Floats, NDArray[np.int64]]:
    """The mean and the number of the numbers of each item of the table; NaN and 0 where there are none."""
    is_number = ~np.isnan(arm.values)
    items = table.items[arm.lines[is_number]]
    size = int(table.items.max()) + 1 if table.lines else 0
    counts = np.bincount(items, minlength=size)
    sums = np.bincount(items, weights=arm.values[is_number], minlength=size)
    return np.divide(sums, counts, out=np.full(size, np.nan), where=counts > 0), counts

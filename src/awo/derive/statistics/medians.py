"""Medians of weighted values, for many weightings at once."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from awo.derive.statistics.resampling import Floats, Statistic

_SPREADS: Final = 8
"""How many standard deviations of its rank a bootstrap median is looked for at first."""


def weighted_medians(values: Floats, weights: Floats) -> Floats:
    """The median of `values` (ascending) under each row of whole weights; the mean of the two middle ones."""
    return _middle(values, np.cumsum(weights, axis=1), weights.sum(axis=1) / 2)


def clustered_medians(values: Floats, items: NDArray[np.intp]) -> Statistic:
    """The median of all `values` under weights of their items; `items` are counted from 0 without gaps.

    Only the values near the middle are added up, as far as the medians lie there: all are for the rest.
    """
    order = np.argsort(values, kind="stable")
    values, items = values[order], items[order]
    size = len(values)
    counts = np.bincount(items).astype(np.float64)
    halves = np.bincount(items[: size // 2], minlength=len(counts)) - counts / 2
    reach = int(_SPREADS * np.sqrt((halves**2).sum())) + _SPREADS
    start, end = max(0, size // 2 - reach), min(size, size // 2 + reach)
    before = np.bincount(items[:start], minlength=len(counts)).astype(np.float64)
    near = items[start:end]

    def statistic(weights: Floats) -> Floats:
        half = weights @ counts / 2
        first = weights @ before
        below = first[:, None] + np.cumsum(weights[:, near], axis=1)
        found = _middle(values[start:end], below, half)
        outside = (below[:, -1] <= half) | ((first >= half) & (start > 0))
        for row in np.flatnonzero(outside):
            found[row] = weighted_medians(values, weights[row : row + 1, items])[0]
        return found

    return statistic


def _middle(values: Floats, below: Floats, half: Floats) -> Floats:
    """The values at which `below` (how much weight stands up to each value) reaches `half`, and passes it."""
    lower = np.argmax(below >= half[:, None], axis=1)
    upper = np.argmax(below > half[:, None], axis=1)
    found: Floats = values[lower] / 2 + values[upper] / 2
    return found

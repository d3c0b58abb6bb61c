"""Bootstrap and sign flips without a loop per resample: what is drawn, in which order, in pieces of bounded memory.

The exact order of the draws is in spec section 3.16, so that another team gets the same numbers.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Statistic = Callable[[Floats], Floats]
"""Of weights (resamples x patterns) to one number for each resample."""

ENTRIES_AT_ONCE: Final = 1 << 19
DRAWS_AT_ONCE: Final = 1 << 17
"""A megabyte of draws stays in the cache of a processor."""

FEW_PATTERNS: Final = 32
VERY_FEW: Final = 256
TIE: Final = 1e-10


def generator(seed: int) -> np.random.Generator:
    """NumPy's PCG64, begun with `seed`."""
    return np.random.Generator(np.random.PCG64(seed))


@dataclass(frozen=True, slots=True)
class Units:
    """The units that are drawn, as distinct patterns (rows, in ascending order) and how often each is there."""

    patterns: Floats
    counts: NDArray[np.int64]

    @property
    def size(self) -> int:
        """How many units there are, and are drawn each time."""
        return int(self.counts.sum())


def units_of(rows: Floats) -> Units:
    """Units with the same row are one pattern where patterns are few, and otherwise every unit is its own.

    Few: at most one for every 32 units. Rows are in ascending order of their first column, then the second, ….
    """
    if not len(rows):
        return Units(rows, np.zeros(0, np.int64))
    order = np.lexsort(rows.T[::-1])
    rows = rows[order]
    is_new = np.ones(len(rows), np.bool_)
    is_new[1:] = (rows[1:] != rows[:-1]).any(axis=1)
    starts = np.flatnonzero(is_new)
    if len(starts) * FEW_PATTERNS > len(rows):
        return Units(rows, np.ones(len(rows), np.int64))
    return Units(rows[starts], np.diff(np.append(starts, len(rows))))


def weights(rng: np.random.Generator, counts: NDArray[np.int64], resamples: int, width: int = 0) -> Iterator[Floats]:
    """How often each pattern is drawn in each of `resamples` bootstrap samples, in pieces of several resamples.

    One multinomial draw a resample where patterns stand for several units; else the units' places are drawn.
    `width` is how many numbers the caller makes of each resample, where these are more than the patterns.
    """
    size, patterns = int(counts.sum()), len(counts)
    at_once = max(1, ENTRIES_AT_ONCE // max(1, patterns, width))
    for start in range(0, resamples, at_once):
        rows = min(at_once, resamples - start)
        if patterns < size:
            yield rng.multinomial(size, counts / size, size=rows).astype(np.float64)
        else:
            drawn = rng.integers(0, size, size=(rows, size))
            drawn += np.arange(rows)[:, None] * size
            yield np.bincount(drawn.ravel(), minlength=rows * size).reshape(rows, size).astype(np.float64)


def resampled(rng: np.random.Generator, units: Units, statistic: Statistic, resamples: int, width: int = 0) -> Floats:
    """`statistic` in each of `resamples` bootstrap samples of the units; `width` as for `weights`."""
    return np.concatenate([statistic(piece) for piece in weights(rng, units.counts, resamples, width)])


def resampled_ratio(rng: np.random.Generator, units: Units, resamples: int) -> Floats:
    """The sum of the patterns' first column over that of their second, in each bootstrap sample.

    The same draws as `resampled`, and quicker where every unit is its own pattern.
    """
    sums, sizes = units.patterns[:, 0].copy(), units.patterns[:, 1].copy()
    if len(units.counts) < units.size:
        return resampled(rng, units, lambda drawn: (drawn @ sums) / (drawn @ sizes), resamples)
    size = units.size
    same = bool((sizes == sizes[0]).all())
    at_once = max(1, DRAWS_AT_ONCE // size)
    found = np.empty(resamples)
    for start in range(0, resamples, at_once):
        rows = min(at_once, resamples - start)
        drawn = rng.integers(0, size, size=(rows, size))
        below = size * sizes[0] if same else np.take(sizes, drawn).sum(axis=1)
        found[start : start + rows] = np.take(sums, drawn).sum(axis=1) / below
    return found


def resampled_median(rng: np.random.Generator, values: Floats, resamples: int) -> Floats:
    """The median of each of `resamples` bootstrap samples of `values`, without drawing the samples.

    The k-th smallest of n draws from n sorted values stands at place floor(n U), where U, the k-th smallest of n
    uniform numbers, is distributed as Beta(k, n + 1 - k); the next lies Beta(1, n - k) of the way from U to 1.
    """
    ordered, size = np.sort(values), len(values)
    middle = (size + 1) // 2
    lower = rng.beta(middle, size + 1 - middle, size=resamples)
    upper = lower
    if size % 2 == 0:
        upper = lower + (1 - lower) * rng.beta(1, size - middle, size=resamples)
    last = size - 1
    at_lower, at_upper = (np.minimum((size * one).astype(np.int64), last) for one in (lower, upper))
    return ordered[at_lower] / 2 + ordered[at_upper] / 2


def bounds(found: Floats, confidence: float) -> tuple[float, float]:
    """The percentile interval: the quantiles (1 - confidence) / 2 and 1 minus that, interpolated linearly."""
    tail = (1 - confidence) / 2
    low, high = np.quantile(found, [tail, 1 - tail])
    return float(low), float(high)


def sign_flip_p(rng: np.random.Generator, differences: Floats, resamples: int) -> float:
    """The two-sided p-value of the sum of `differences` when each could as well have had the other sign.

    All 2^m patterns of signs of the m differences that are not 0 where these are at most `resamples`; else
    (1 + extreme) / (1 + resamples) over random ones (Phipson and Smyth 2010). Sums that differ by less
    than 1e-10 of the sum of sizes count as equal.
    """
    sizes = np.sort(np.abs(differences[differences != 0]))
    whole = float(sizes.sum())
    bar = abs(float(differences.sum())) - TIE * whole
    if not len(sizes) or bar <= 0:
        return 1.0
    if len(sizes) < 63 and 2 ** len(sizes) <= resamples:
        patterns = np.arange(2 ** len(sizes), dtype=np.uint64)[:, None] >> np.arange(len(sizes), dtype=np.uint64)
        sums = 2 * ((patterns & 1).astype(np.float64) @ sizes) - whole
        return float(np.mean(np.abs(sums) >= bar))
    extreme = sum(int(np.count_nonzero(np.abs(sums) >= bar)) for sums in _flipped(rng, sizes, resamples))
    return (1 + extreme) / (1 + resamples)


def _flipped(rng: np.random.Generator, sizes: Floats, resamples: int) -> Iterator[Floats]:
    """The sums under random signs, in pieces: binomial draws for the few distinct sizes, or one bit a size.

    Bit k of a resample's words (the lowest of the first word is bit 0) is the sign of the size k, in ascending order.
    """
    distinct, counts = np.unique(sizes, return_counts=True)
    whole = float(sizes.sum())
    if len(distinct) * VERY_FEW <= len(sizes):
        at_once = max(1, ENTRIES_AT_ONCE // len(distinct))
        for start in range(0, resamples, at_once):
            rows = min(at_once, resamples - start)
            yield 2 * (rng.binomial(counts, 0.5, size=(rows, len(counts))) @ distinct) - whole
        return
    words = (len(sizes) + 63) // 64
    eights = np.zeros((words * 8, 8))
    eights.ravel()[: len(sizes)] = sizes
    bits = np.unpackbits(np.arange(256, dtype=np.uint8)[:, None], axis=1, bitorder="little")
    sums_of_byte = (eights @ bits.T.astype(np.float64)).ravel()  # of each eight sizes, under each of 256 patterns
    places = np.arange(words * 8) * 256
    at_once = max(1, DRAWS_AT_ONCE // (words * 8))
    for start in range(0, resamples, at_once):
        rows = min(at_once, resamples - start)
        drawn = rng.integers(0, 2**64, size=(rows, words), dtype=np.uint64)
        yield 2 * np.take(sums_of_byte, drawn.astype("<u8").view(np.uint8) + places).sum(axis=1) - whole

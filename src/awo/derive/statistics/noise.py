"""The A/A control: what a comparison would find between two repeats of one and the same arm."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from itertools import combinations
from typing import Final

import numpy as np

from awo.derive.statistics.args import TestWord
from awo.derive.statistics.arms import Pairs, paired
from awo.derive.statistics.choosing import Chosen
from awo.derive.statistics.paired_tests import fitting, tested
from awo.derive.statistics.resampling import generator, resampled_ratio, units_of
from awo.derive.statistics.seeds import Settings
from awo.derive.statistics.table import Table
from awo.evidence.statistics import NoiseFloor

MOST_REPEATS: Final = 10
MOST_RESAMPLES: Final = 1_000
LEAST_REPEATS: Final = 3


def noise_floor(
    table: Table, arms: Sequence[tuple[str, Chosen]], wanted: TestWord, name: str, settings: Settings
) -> NoiseFloor:
    """Each of `arms` (its key, its lines in all repeats) against itself: every two of its first 10 repeats.

    The test is the comparison's own, with 1,000 resamples at most.
    """
    repeats, differences, ps = 0, [], []
    for key, arm in arms:
        repeats = max(repeats, len(np.unique(table.repeats[arm.lines])))
        for first, second, pairs in _repeat_pairs(table, arm):
            # A comparison of one repeat may be McNemar's where another repeat has several answers of an item.
            word: TestWord = "auto" if wanted == "mcnemar" else wanted
            test = fitting(word, pairs, is_test=wanted == "mcnemar" or arm.column.kind == "test")
            rng = generator(settings.seed_at("comparisons", name, "noise", key, str(first), str(second)))
            resamples = min(settings.resamples, MOST_RESAMPLES)
            differences.append(float(pairs.differences.mean()))
            found = None
            if test == "paired_bootstrap" and len(pairs.a) > 1:
                found = resampled_ratio(rng, units_of(_rows(pairs)), resamples)
            if not math.isfinite(float(np.abs(pairs.differences).sum())):
                continue
            p = tested(test, pairs, rng, resamples, found).p
            if p is not None:
                ps.append(p)
    return _floor(repeats, differences, ps)


def _repeat_pairs(table: Table, arm: Chosen) -> Iterator[tuple[int, int, Pairs]]:
    repeats = table.repeats[arm.lines]
    for first, second in combinations(np.unique(repeats)[:MOST_REPEATS].tolist(), 2):
        pairs = paired(table, arm.only(repeats == first), arm.only(repeats == second))
        if len(pairs.a):
            yield first, second, pairs


def _rows(pairs: Pairs) -> np.ndarray[tuple[int, int], np.dtype[np.float64]]:
    return np.stack([pairs.differences, np.ones(len(pairs.a))], axis=1)


def _floor(repeats: int, differences: list[float], ps: list[float]) -> NoiseFloor:
    largest, spread, why = None, None, ""
    if not repeats:
        why = "neither arm has an answer"
    elif repeats < 2:
        why = "each arm was asked once: two repeats are needed"
    elif not differences:
        why = "no item has a number in two repeats of one arm"
    elif not all(map(math.isfinite, differences)):
        why, ps = "the numbers are too large to compute with", []
    else:
        largest = max(map(abs, differences))
        if repeats < LEAST_REPEATS:
            why = f"no spread is said of fewer than {LEAST_REPEATS} repeats"
        else:
            spread = math.sqrt(math.fsum(difference**2 for difference in differences) / len(differences))
    return NoiseFloor(
        repeats=repeats,
        pairs=len(differences),
        largest=largest,
        spread=spread,
        smallest_p=min(ps) if ps else None,
        why=why,
    )

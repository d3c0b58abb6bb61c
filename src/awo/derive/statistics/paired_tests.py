"""Tests of a paired difference: McNemar, sign flips, the bootstrap moved to no difference, Wilcoxon's signed ranks."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final, Literal, assert_never

import numpy as np

from awo.derive.statistics.args import TestWord
from awo.derive.statistics.arms import Pairs
from awo.derive.statistics.resampling import TIE, Floats, sign_flip_p

Test = Literal["mcnemar", "paired_permutation", "paired_bootstrap", "wilcoxon"]

FEW_DISCORDANT: Final = 25
"""With fewer items on which the arms differ McNemar's test is exact (binomial), else chi-square with correction."""


@dataclass(frozen=True, slots=True)
class Tested:
    """What a test says; `statistic` and `p` are None, and `why` says why, where it says nothing."""

    statistic: float | None
    p: float | None
    why: str = ""


def fitting(wanted: TestWord, pairs: Pairs, *, is_test: bool) -> Test:
    """The test that `auto` means for these pairs; any other word means itself."""
    if wanted != "auto":
        return wanted
    return "mcnemar" if is_test and pairs.is_single and pairs.are_zeros_and_ones else "paired_permutation"


def tested(test: Test, pairs: Pairs, rng: np.random.Generator, resamples: int, found: Floats | None) -> Tested:
    """The two-sided test. `found` are the mean differences of a paired bootstrap that is there already."""
    differences = pairs.differences
    mean = float(differences.mean())
    match test:
        case "mcnemar":
            return _mcnemar(pairs)
        case "paired_permutation":
            return Tested(mean, sign_flip_p(rng, differences, resamples))
        case "paired_bootstrap":
            if found is None:
                return Tested(None, None, "one pair has no spread")
            bar = abs(mean) - TIE * float(np.abs(differences).mean())
            extreme = int(np.count_nonzero(np.abs(found - mean) >= bar))
            return Tested(mean, (1 + extreme) / (1 + len(found)))
        case "wilcoxon":
            return _wilcoxon(differences)
        case _:
            assert_never(test)


def _mcnemar(pairs: Pairs) -> Tested:
    from statsmodels.stats.contingency_tables import mcnemar

    counts = pairs.table()
    discordant = counts["only_a"] + counts["only_b"]
    square = [[counts["both"], counts["only_a"]], [counts["only_b"], counts["neither"]]]
    answer = mcnemar(square, exact=discordant < FEW_DISCORDANT, correction=True)
    return Tested(float(answer.statistic), float(answer.pvalue))


def _wilcoxon(differences: Floats) -> Tested:
    from scipy import stats

    if not differences.any():
        return Tested(None, None, "all pairs are equal, so there are no ranks")
    answer = stats.wilcoxon(differences, zero_method="wilcox", method="auto")
    statistic, p = float(answer.statistic), float(answer.pvalue)
    if not math.isfinite(p):
        return Tested(None, None, "Wilcoxon's test is not defined for these pairs")
    return Tested(statistic, p)

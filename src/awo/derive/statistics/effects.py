"""Standardised effects of a paired comparison, by the names that they have in the literature."""

from __future__ import annotations

import math

import numpy as np

from awo.derive.statistics.arms import ROUNDING, Pairs, levelled
from awo.evidence.statistics import EffectSize


def effects_of(pairs: Pairs, *, is_rate: bool) -> list[EffectSize]:
    """Of rates Cohen's h, and the odds ratio where each arm has one answer an item; of means dz, g and delta."""
    if is_rate:
        return [_cohens_h(pairs), *([_odds_ratio(pairs)] if pairs.is_single else [])]
    return [_cohens_dz(pairs), _hedges_g(pairs), _cliffs_delta(pairs)]


def _cohens_h(pairs: Pairs) -> EffectSize:
    """Cohen 1988, chapter 6: 2 asin(sqrt(rate a)) - 2 asin(sqrt(rate b)); statsmodels proportion_effectsize."""
    from statsmodels.stats.proportion import proportion_effectsize

    return _said("cohens_h", float(proportion_effectsize(float(pairs.a.mean()), float(pairs.b.mean()))))


def _odds_ratio(pairs: Pairs) -> EffectSize:
    """The conditional odds ratio of matched pairs: items that only a has over items that only b has."""
    counts = pairs.table()
    if not counts["only_b"]:
        return EffectSize(name="odds_ratio", value=None, why="no item is 1 in b alone")
    return _said("odds_ratio", counts["only_a"] / counts["only_b"])


def _cohens_dz(pairs: Pairs) -> EffectSize:
    """Lakens 2013: the mean difference over the standard deviation of the differences."""
    differences = pairs.differences
    spread = differences.std(ddof=1) if len(differences) > 1 else 0.0
    return _standardised("cohens_dz", differences.mean(), spread, pairs)


def _hedges_g(pairs: Pairs) -> EffectSize:
    """Hedges 1981: the mean difference over the pooled standard deviation of the arms, times 1 - 3 / (4 df - 1)
    with df = 2 n - 2."""
    n = len(pairs.a)
    if n < 2:
        return _standardised("hedges_g", 0.0, 0.0, pairs)
    pooled = math.sqrt((pairs.a.var(ddof=1) + pairs.b.var(ddof=1)) / 2)
    return _standardised("hedges_g", pairs.differences.mean() * (1 - 3 / (4 * (2 * n - 2) - 1)), pooled, pairs)


def _cliffs_delta(pairs: Pairs) -> EffectSize:
    """Cliff 1993: of all n x n couples of an item's a and an item's b, how many more have a above b than below it."""
    both = np.concatenate([pairs.a, pairs.b])
    a, b = np.split(levelled(both, np.abs(both)), 2)
    ordered = np.sort(b)
    above = np.searchsorted(ordered, a, side="left").sum()
    below = len(ordered) * len(a) - np.searchsorted(ordered, a, side="right").sum()
    return _said("cliffs_delta", float(above - below) / (len(ordered) * len(pairs.a)))


def _standardised(name: str, difference: float, spread: float, pairs: Pairs) -> EffectSize:
    largest = max(float(np.abs(pairs.a).max()), float(np.abs(pairs.b).max()))
    if not spread > ROUNDING * largest:
        return EffectSize(name=name, value=None, why="there is no spread to measure the difference by")
    return _said(name, float(difference / spread))


def _said(name: str, value: float) -> EffectSize:
    if not math.isfinite(value):
        return EffectSize(name=name, value=None, why="the numbers are too large to compute with")
    return EffectSize(name=name, value=value)

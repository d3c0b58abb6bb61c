"""Krippendorff's alpha, Fleiss' kappa and Cohen's kappa over weighted patterns: one formula for value and bootstrap.

`value` is the library's number where its tables fit in memory (krippendorff, statsmodels); the tests hold
the formulas here against them. Sources: spec section 3.16.
"""

from __future__ import annotations

from typing import Any, Final, Literal, assert_never

import numpy as np
from numpy.typing import NDArray

from awo.derive.statistics.resampling import Floats, Statistic

Level = Literal["nominal", "ordinal", "interval"]

LARGEST_TABLE: Final = 4_000_000
"""How many entries the table of the library may have (units x values x values): 32 MB."""


def counts_of(places: Floats, size: int) -> Any:
    """How often each of `size` values stands in each row of `places`, in which NaN is none.

    A table of floats, as a sparse array of SciPy where it would be large.
    """
    rows, columns = np.nonzero(~np.isnan(places))
    values = places[rows, columns].astype(np.int64)
    if len(places) * size > LARGEST_TABLE:
        from scipy.sparse import csr_array

        return csr_array((np.ones(len(rows)), (rows, values)), shape=(len(places), size))
    flat = rows * size + values
    return np.bincount(flat, minlength=len(places) * size).reshape(len(places), size).astype(np.float64)


def alpha_value(places: Floats, domain: Floats, level: Level) -> float:
    """Krippendorff's alpha by the library `krippendorff`. Needs two values, and a unit with two ratings."""
    from krippendorff import alpha

    return float(alpha(value_counts=counts_of(places, len(domain)), value_domain=domain, level_of_measurement=level))


def alpha_of(places: Floats, domain: Floats, level: Level) -> Statistic:
    """Alpha under weights of the rows of `places`, each of which has two ratings or more.

    1 - Do / De with Do and De from Krippendorff 2011. The ordinal distance of two values is the squared
    difference of their mid-ranks among all ratings, so ordinal is interval over these.
    """
    match level:
        case "nominal":
            return _nominal_alpha(counts_of(places, len(domain)))
        case "ordinal":
            return _ordinal_alpha(counts_of(places, len(domain)))
        case "interval":
            return _interval_alpha(places, domain)
        case _:
            assert_never(level)


def _ratio(observed: Floats, expected: Floats) -> Floats:
    """1 - observed / expected; NaN where nothing is expected: all ratings are the same."""
    return 1 - np.divide(observed, expected, out=np.full_like(observed, np.nan), where=expected > 0)


def _nominal_alpha(counts: Any) -> Statistic:
    sizes = counts.sum(axis=1)
    within = (sizes**2 - (counts**2).sum(axis=1)) / (sizes - 1)

    def statistic(weights: Floats) -> Floats:
        totals = weights @ counts
        whole = totals.sum(axis=1)
        return _ratio(weights @ within, (whole**2 - (totals**2).sum(axis=1)) / (whole - 1))

    return statistic


def _interval_alpha(places: Floats, domain: Floats) -> Statistic:
    is_rating = ~np.isnan(places)
    values = np.zeros_like(places)
    values[is_rating] = domain[places[is_rating].astype(np.int64)]
    values[is_rating] -= values[is_rating].mean()  # the distances stay, and large means lose no digits
    sizes = is_rating.sum(axis=1).astype(np.float64)
    sums, squares = values.sum(axis=1), (values**2).sum(axis=1)
    within = 2 * (sizes * squares - sums**2) / (sizes - 1)
    features = np.stack([within, sizes, sums, squares], axis=1)

    def statistic(weights: Floats) -> Floats:
        observed, whole, total, square = (weights @ features).T
        expected = 2 * (whole * square - total**2) / (whole - 1)
        return _ratio(observed, np.where(expected > 1e-12 * whole * square, expected, 0.0))

    return statistic


def _ordinal_alpha(counts: Any) -> Statistic:
    sizes = counts.sum(axis=1)
    shares = 1 / (sizes - 1)
    factors = sizes * shares

    def statistic(weights: Floats) -> Floats:
        totals = weights @ counts
        whole = totals.sum(axis=1)
        ranks = np.cumsum(totals, axis=1) - totals / 2 - whole[:, None] / 2  # their weighted mean is 0
        means = (counts @ ranks.T).T
        observed = 2 * ((ranks**2 * ((weights * factors) @ counts)).sum(axis=1) - (weights * means**2) @ shares)
        expected = 2 * whole * (totals * ranks**2).sum(axis=1) / (whole - 1)
        return _ratio(observed, expected)

    return statistic


def fleiss_value(counts: Floats) -> float:
    """Fleiss' kappa by statsmodels; `counts` has how often each unit got each value, as often for every unit."""
    from statsmodels.stats.inter_rater import fleiss_kappa

    return float(fleiss_kappa(counts, method="fleiss"))


def fleiss_of(counts: Floats) -> Statistic:
    """Fleiss' kappa (Fleiss 1971) under weights of the rows of `counts`."""
    raters = counts[0].sum()
    agreed = ((counts**2).sum(axis=1) - raters) / (raters * (raters - 1))

    def statistic(weights: Floats) -> Floats:
        whole = weights.sum(axis=1)
        shares = (weights @ counts) / (whole * raters)[:, None]
        return _ratio(1 - (weights @ agreed) / whole, _above_rounding(1 - (shares**2).sum(axis=1)))

    return statistic


def distances_of(domain: Floats, level: Level) -> Floats:
    """How far two values disagree in Cohen's weighted kappa (1968): ranks linearly, numbers by their squares."""
    match level:
        case "nominal":
            return 1 - np.eye(len(domain))
        case "ordinal":
            ranks = np.arange(len(domain), dtype=np.float64)
            return np.abs(ranks[:, None] - ranks)
        case "interval":
            scaled = domain - domain.mean()
            largest = np.abs(scaled).max()
            scaled = scaled / largest if largest > 0 else scaled
            squared: Floats = np.square(scaled[:, None] - scaled)
            return squared
        case _:
            assert_never(level)


def cohen_value(first: NDArray[np.intp], second: NDArray[np.intp], domain: Floats, level: Level) -> float:
    """Cohen's kappa of two raters by statsmodels; weighted at the ordinal (linear) and interval (squared) level."""
    from statsmodels.stats.inter_rater import cohens_kappa

    size = len(domain)
    square = np.bincount(first * size + second, minlength=size * size).reshape(size, size)
    match level:
        case "nominal":
            return float(cohens_kappa(square, return_results=False))
        case "ordinal":
            return float(cohens_kappa(square, wt="linear", return_results=False))
        case "interval":
            return float(cohens_kappa(square, weights=domain, wt="quadratic", return_results=False))
        case _:
            assert_never(level)


def cohen_of(first: NDArray[np.intp], second: NDArray[np.intp], domain: Floats, level: Level) -> Statistic:
    """Cohen's kappa of two raters under weights of their couples of places in `domain`."""
    distances = distances_of(domain, level)
    apart = distances[first, second]
    one, other = np.eye(len(domain))[first], np.eye(len(domain))[second]

    def statistic(weights: Floats) -> Floats:
        whole = weights.sum(axis=1)
        expected = ((weights @ one) @ distances * (weights @ other)).sum(axis=1) / whole
        return _ratio(weights @ apart, _above_rounding(expected))

    return statistic


def _above_rounding(expected: Floats) -> Floats:
    return np.where(expected > 1e-12, expected, 0.0)

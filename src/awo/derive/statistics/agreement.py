"""Agreement of raters beyond chance: a coefficient with a bootstrap interval over items, and of every two raters."""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import combinations
from typing import Final

import numpy as np

from awo.derive.statistics import coefficients
from awo.derive.statistics.args import AgreementArgs
from awo.derive.statistics.raters import Rated, rated
from awo.derive.statistics.resampling import Floats, Statistic, Units, bounds, generator, resampled, units_of
from awo.derive.statistics.seeds import Settings
from awo.derive.statistics.table import Table
from awo.evidence.statistics import Agreement, PairAgreement

MOST_PAIRED: Final = 50
MOST_VALUES: Final = 200
NO_VARIATION: Final = "all ratings are the same, so chance alone explains them"


@dataclass(frozen=True, slots=True)
class _Counted:
    """Ratings that a coefficient can be counted of, or why none can. `units` are distinct rows of places."""

    items: int
    ratings: int
    units: Units
    statistic: Statistic | None
    value: float | None
    values: int = 0
    why: str = ""


def agreement(name: str, args: AgreementArgs, table: Table, settings: Settings) -> Agreement:
    """The agreement `name`. Raises `StepFailed` as `awo.derive.statistics.raters.rated` does."""
    given = rated(args, table, f"agreement.{name}")
    counted = _counted(given.places, given.domain, args, is_value_by_library=True)
    seed = settings.seed_at("agreement", name)
    low, high, why = _interval(counted, settings, seed)
    pairs = _pairs(given, args)
    cut = f"only the first {MOST_PAIRED} raters are paired" if len(given.raters) > MOST_PAIRED else ""
    return Agreement(
        coefficient=args.coefficient,
        level=args.level,
        raters=given.raters,
        items=counted.items,
        ratings=counted.ratings,
        value=counted.value,
        low=low,
        high=high,
        pairs=pairs,
        seed=seed if low is not None else None,
        why="; ".join(filter(None, (given.why, counted.why or why, cut))),
    )


def _pairs(given: Rated, args: AgreementArgs) -> list[PairAgreement]:
    found = []
    for first, second in combinations(range(min(len(given.raters), MOST_PAIRED)), 2):
        counted = _counted(given.places[:, [first, second]], given.domain, args, is_value_by_library=False)
        found.append(
            PairAgreement(
                a=given.raters[first],
                b=given.raters[second],
                items=counted.items,
                value=counted.value,
                why=counted.why,
            )
        )
    return found


def _counted(places: Floats, domain: Floats, args: AgreementArgs, *, is_value_by_library: bool) -> _Counted:
    """The items that count, and the coefficient over them."""
    raters = places.shape[1]
    sizes = np.count_nonzero(~np.isnan(places), axis=1)
    is_complete = args.coefficient != "krippendorff_alpha"
    used = places[sizes == raters if is_complete and raters > 1 else sizes > 1]
    ratings = int(np.count_nonzero(~np.isnan(used)))
    why = _why_not(used, raters, args)
    if why:
        return _Counted(len(used), ratings, units_of(np.zeros((0, 0))), None, None, why=why)
    there, which = np.unique(used[~np.isnan(used)], return_inverse=True)
    domain = domain[there.astype(np.int64)]
    used = used.copy()
    used[~np.isnan(used)] = which
    if is_complete and len(domain) > MOST_VALUES:
        why = f"there are more than {MOST_VALUES} different ratings; krippendorff_alpha can count them"
        return _Counted(len(used), ratings, units_of(np.zeros((0, 0))), None, None, why=why)
    units = _units(used, args)
    statistic = _statistic(units, domain, args)
    if is_value_by_library and len(used) * len(domain) ** 2 <= coefficients.LARGEST_TABLE:
        value = _by_library(used, domain, args)
    else:
        value = float(statistic(units.counts[None, :].astype(np.float64))[0])
    if not math.isfinite(value):
        return _Counted(len(used), ratings, units, None, None, why="the ratings are too large to compute with")
    return _Counted(len(used), ratings, units, statistic, value, len(domain))


def _why_not(used: Floats, raters: int, args: AgreementArgs) -> str:
    if raters < 2:
        return "one rater has nobody to agree with" if raters else "there are no raters"
    if args.coefficient == "cohen_kappa" and raters != 2:
        return f"Cohen's kappa is of two raters, and there are {raters}; of every two see `pairs`"
    if not len(used):
        return "no item was rated by all raters" if args.coefficient == "fleiss_kappa" else "no item has two ratings"
    ratings = used[~np.isnan(used)]
    return NO_VARIATION if (ratings == ratings[0]).all() else ""


def _units(used: Floats, args: AgreementArgs) -> Units:
    """Rows that count alike are one pattern: who gave a rating matters to Cohen's kappa alone."""
    rows = used if args.coefficient == "cohen_kappa" else np.sort(used, axis=1)
    units = units_of(np.where(np.isnan(rows), np.inf, rows))
    return Units(np.where(np.isinf(units.patterns), np.nan, units.patterns), units.counts)


def _statistic(units: Units, domain: Floats, args: AgreementArgs) -> Statistic:
    patterns = units.patterns
    match args.coefficient:
        case "krippendorff_alpha":
            return coefficients.alpha_of(patterns, domain, args.level)
        case "fleiss_kappa":
            return coefficients.fleiss_of(coefficients.counts_of(patterns, len(domain)))
        case "cohen_kappa":
            first, second = patterns.astype(np.intp).T
            return coefficients.cohen_of(first, second, domain, args.level)


def _by_library(used: Floats, domain: Floats, args: AgreementArgs) -> float:
    match args.coefficient:
        case "krippendorff_alpha":
            return coefficients.alpha_value(used, domain, args.level)
        case "fleiss_kappa":
            return coefficients.fleiss_value(coefficients.counts_of(used, len(domain)))
        case "cohen_kappa":
            first, second = used.astype(np.intp).T
            return coefficients.cohen_value(first, second, domain, args.level)


def _interval(counted: _Counted, settings: Settings, seed: int) -> tuple[float | None, float | None, str]:
    """Percentiles over bootstrap samples of items; samples in which all ratings are the same are left out."""
    if counted.statistic is None:
        return None, None, ""
    if counted.items < 2:
        return None, None, "one item has no spread"
    found = resampled(generator(seed), counted.units, counted.statistic, settings.resamples, counted.values)
    found = found[np.isfinite(found)]
    if len(found) < settings.resamples / 2:
        return None, None, "in most resamples all ratings are the same"
    return *bounds(found, settings.confidence), ""

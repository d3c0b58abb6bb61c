"""Metrics: a rate, a mean or a median with its interval, over all answers and over groups of them."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Final, Literal, assert_never

import numpy as np
from numpy.typing import NDArray

from awo.derive.statistics.args import IntervalWord, MetricArgs
from awo.derive.statistics.choosing import NUMBERS, Chosen, chosen_lines, column_of, factor_of
from awo.derive.statistics.factors import key_of, label_of
from awo.derive.statistics.medians import clustered_medians
from awo.derive.statistics.resampling import (
    Floats,
    Units,
    bounds,
    generator,
    resampled,
    resampled_median,
    resampled_ratio,
    units_of,
)
from awo.derive.statistics.seeds import Settings
from awo.derive.statistics.table import Table
from awo.errors import StepFailed
from awo.evidence.statistics import Estimate, MetricResult

MOST_GROUPS: Final = 1_000
LEAST_REPEATS: Final = 3
TOO_LARGE: Final = "the numbers are too large to compute with"

Kind = Literal["rate", "mean", "median"]
Interval = Literal["wilson", "t", "bootstrap", "cluster_bootstrap"]

_OF_KIND: Final[Mapping[Kind, Interval]] = {"rate": "wilson", "mean": "t", "median": "bootstrap"}


def metric(name: str, args: MetricArgs, table: Table, settings: Settings) -> MetricResult:
    """The metric `name`. Raises `StepFailed`: `no_such_score`, `no_such_factor`, `score_type`, `not_a_rate`,
    `too_many_groups`."""
    place = f"metrics.{name}"
    column = column_of(table, args.score, NUMBERS, place)
    chosen = chosen_lines(table, column, args.where, place)
    is_rate = args.estimate == "rate" or (
        args.estimate == "auto" and (column.kind == "test" or args.interval == "wilson")
    )
    if is_rate and not np.isin(chosen.values[~np.isnan(chosen.values)], (0.0, 1.0)).all():
        raise StepFailed(
            f"the score {args.score!r} has values that are not 0 or 1, so it has no rate",
            code="not_a_rate",
            where=f"step {table.step}, {place}",
            hint="say `estimate: mean`",
            is_final=True,
        )
    kind: Kind = "rate" if is_rate else "median" if args.estimate == "median" else "mean"
    groups = {}
    for group, mask in _groups(args.by, chosen, table, place):
        key = "/".join(label_of(value) for value in group.values())
        spelled: list[Any] = list(group.values())
        while key in groups:  # texts with a stroke in them can make two groups look alike, and so can texts of JSON
            key, spelled = key_of(spelled), [spelled]
        seed = settings.seed_at("metrics", name, key)
        groups[key] = _estimate(_Sample.of(chosen.only(mask), table), group, kind, args.interval, settings, seed)
    total = _estimate(_Sample.of(chosen, table), {}, kind, args.interval, settings, settings.seed_at("metrics", name))
    return MetricResult(score=args.score, estimate=kind, by=list(args.by), total=total, groups=groups)


def _groups(
    by: tuple[str, ...], chosen: Chosen, table: Table, place: str
) -> list[tuple[dict[str, Any], NDArray[np.bool_]]]:
    """Each combination of values that a line has, in the order of the lines, and which lines have it."""
    if not by:
        return []
    factors = [factor_of(table, name, f"{place}.by") for name in by]
    codes = np.stack([factor.codes[chosen.lines] for factor in factors], axis=1)
    distinct, first, which = np.unique(codes, axis=0, return_index=True, return_inverse=True)
    if len(distinct) > MOST_GROUPS:
        raise StepFailed(
            f"the metric has {len(distinct)} groups",
            code="too_many_groups",
            where=f"step {table.step}, {place}.by",
            expected=f"{MOST_GROUPS} at most",
            is_final=True,
        )
    which = which.reshape(-1)
    return [
        (
            {name: factor.values[code] for name, factor, code in zip(by, factors, distinct[number], strict=True)},
            which == number,
        )
        for number in np.argsort(first)
    ]


@dataclass(frozen=True, slots=True)
class _Sample:
    """The numbers of some lines. `items` are the items of `values`, counted from 0 without gaps."""

    values: Floats
    items: NDArray[np.intp]
    lines: int
    all_items: int
    missing: int
    why: str

    @classmethod
    def of(cls, chosen: Chosen, table: Table) -> _Sample:
        is_number = ~np.isnan(chosen.values)
        values = chosen.values[is_number]
        all_items = table.items[chosen.lines]
        _, items = np.unique(all_items[is_number], return_inverse=True)
        why = chosen.why
        if not len(values) and not why:
            why = "every answer failed or has no score"
        missing = int(np.count_nonzero(chosen.missing))
        return cls(values, items, len(chosen.lines), len(np.unique(all_items)), missing, why)

    @property
    def clusters(self) -> int:
        """How many items have a number."""
        return int(self.items.max()) + 1 if len(self.items) else 0

    def item_means(self) -> Floats:
        """The mean of each item."""
        counts = np.bincount(self.items)
        return np.bincount(self.items, weights=self.values) / counts


@dataclass(frozen=True, slots=True)
class _Range:
    """An interval, or why there is none."""

    low: float | None = None
    high: float | None = None
    method: Interval | Literal["none"] = "none"
    is_seeded: bool = False
    why: str = ""


def _estimate(
    sample: _Sample, group: dict[str, Any], kind: Kind, wanted: IntervalWord, settings: Settings, seed: int
) -> Estimate:
    method = _method(sample, kind, wanted)
    value, sd, found = None, None, _Range()
    if len(sample.values):
        value = _finite(float(np.median(sample.values) if kind == "median" else sample.values.mean()))
        spread = sample.item_means() if method == "cluster_bootstrap" and sample.clusters > 1 else sample.values
        is_one_item = sample.clusters == 1 and len(sample.values) > 1
        if len(spread) > 1 and not (is_one_item and len(spread) < LEAST_REPEATS):
            sd = _finite(float(spread.std(ddof=1))) if spread.min() < spread.max() else 0.0
        found = _Range(why=TOO_LARGE) if value is None else _interval(sample, kind, method, settings, seed)
    return Estimate(
        group=group,
        n=sample.lines,
        items=sample.all_items,
        missing=sample.missing,
        value=value,
        low=found.low,
        high=found.high,
        sd=sd,
        interval=found.method,
        seed=seed if found.is_seeded else None,
        why="; ".join(filter(None, (sample.why, found.why))),
    )


def _method(sample: _Sample, kind: Kind, wanted: IntervalWord) -> Interval:
    """The interval that `auto` means for these numbers; any other word means itself."""
    if wanted != "auto":
        return wanted
    if sample.clusters < len(sample.values):
        return "cluster_bootstrap"
    return _OF_KIND[kind]


def _interval(sample: _Sample, kind: Kind, method: Interval, settings: Settings, seed: int) -> _Range:
    values = sample.values
    if method == "wilson":
        return _wilson(float(values.sum()), len(values), settings.confidence)
    if method == "cluster_bootstrap" and sample.clusters < 2:
        return _Range(why="all answers are of one item, so nothing says how items differ")
    if len(values) < 2:
        return _Range(why="one answer has no spread")
    if sample.clusters == 1 and len(values) < LEAST_REPEATS:
        return _Range(why=f"no spread is said of fewer than {LEAST_REPEATS} repeats of one item")
    if method == "t":
        return _student(values, settings.confidence)
    if kind == "rate" and values.min() == values.max():
        alike = _wilson(float(values[0]) * sample.clusters, sample.clusters, settings.confidence)
        return replace(alike, why="all answers came out the same, so the interval is Wilson's over items")
    found = _bootstrap(sample, kind, method, settings, seed)
    low, high = bounds(found, settings.confidence)
    if not (math.isfinite(low) and math.isfinite(high)):
        return _Range(why=TOO_LARGE)
    why = "the items do not differ, so the interval has no width" if low == high else ""
    return _Range(low, high, method, is_seeded=True, why=why)


def _wilson(right: float, n: int, confidence: float) -> _Range:
    from statsmodels.stats.proportion import proportion_confint

    low, high = proportion_confint(right, n, alpha=1 - confidence, method="wilson")
    rate = right / n  # at a rate of 0 or 1 an end may miss it by a rounding error
    return _Range(min(float(low), rate), max(float(high), rate), "wilson")


def _student(values: Floats, confidence: float) -> _Range:
    from scipy import stats

    mean = float(values.mean())
    is_one = values.min() == values.max()  # a standard deviation of equal numbers may miss 0 by a rounding error
    error = 0.0 if is_one else float(values.std(ddof=1)) / math.sqrt(len(values))
    half = float(stats.t.ppf((1 + confidence) / 2, len(values) - 1)) * error
    if not math.isfinite(mean + half) or not math.isfinite(mean - half):
        return _Range(why=TOO_LARGE)
    why = "the answers do not differ, so the interval has no width" if error == 0 else ""
    return _Range(mean - half, mean + half, "t", why=why)


def _bootstrap(
    sample: _Sample, kind: Kind, method: Literal["bootstrap", "cluster_bootstrap"], settings: Settings, seed: int
) -> Floats:
    rng = generator(seed)
    values = sample.values
    if kind == "median":
        return _median_bootstrap(sample, method, rng, settings.resamples)
    match method:
        case "bootstrap":
            rows = np.stack([values, np.ones(len(values))], axis=1)
        case "cluster_bootstrap":
            sizes = np.bincount(sample.items).astype(np.float64)
            rows = np.stack([np.bincount(sample.items, weights=values), sizes], axis=1)
        case _:
            assert_never(method)
    return resampled_ratio(rng, units_of(rows), settings.resamples)


def _median_bootstrap(sample: _Sample, method: str, rng: np.random.Generator, resamples: int) -> Floats:
    if method == "bootstrap":
        return resampled_median(rng, sample.values, resamples)
    whole = Units(np.zeros((sample.clusters, 0)), np.ones(sample.clusters, np.int64))
    medians = clustered_medians(sample.values, sample.items)
    return resampled(rng, whole, medians, resamples, len(sample.values))


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None

"""What a step of statistics leaves as its value: estimates, paired comparisons, agreement, noise (spec section 3.16).

Every number is null where it is not defined, and `why` then says so in one sentence.
"""

from __future__ import annotations

from typing import Any, Literal

import msgspec

from awo.evidence.events import Size


class _Record(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A shape on disk: unknown fields are refused."""


class Estimate(_Record, frozen=True):
    """One number with its interval. `n` answers of `items` distinct items; `missing` of them failed or had no score.

    `sd` is the standard deviation of the answers (of the items, for a clustered interval). `seed` is what
    the resampling began with, null where nothing was resampled.
    """

    group: dict[str, Any]
    n: Size
    items: Size
    missing: Size
    value: float | None
    low: float | None
    high: float | None
    sd: float | None
    interval: Literal["wilson", "t", "bootstrap", "cluster_bootstrap", "none"]
    seed: int | None = None
    why: str = ""


class MetricResult(_Record, frozen=True):
    """One metric over all answers (`total`) and over each group; a group's key joins the values of `by` with /."""

    score: str
    estimate: Literal["rate", "mean", "median"]
    by: list[str]
    total: Estimate
    groups: dict[str, Estimate]


class EffectSize(_Record, frozen=True):
    """A standardised effect, by its name in the literature: cohens_h, cohens_dz, hedges_g, cliffs_delta, odds_ratio."""

    name: str
    value: float | None
    why: str = ""


class NoiseFloor(_Record, frozen=True):
    """The A/A control: one arm against itself, between repeats, on the same items.

    `pairs` repeats were compared; `largest` is the largest absolute difference, `spread` the standard
    deviation of the differences (null below three repeats), `smallest_p` the smallest p-value.
    """

    repeats: Size
    pairs: Size
    largest: float | None
    spread: float | None
    smallest_p: float | None
    why: str = ""


class Comparison(_Record, frozen=True):
    """Arm `a` minus arm `b` of `factor`, on the items that both have; `unpaired` items had only one arm.

    `counts` has what the test looked at: for McNemar's both, only_a, only_b, neither. `p_adjusted` is
    after the correction for all comparisons of the same `family`.
    """

    score: str
    factor: str
    a: Any
    b: Any
    where: dict[str, Any]
    pairs: Size
    unpaired: Size
    missing: Size
    a_value: float | None
    b_value: float | None
    difference: float | None
    low: float | None
    high: float | None
    interval: Literal["paired_bootstrap", "none"]
    test: Literal["mcnemar", "paired_permutation", "paired_bootstrap", "wilcoxon", "none"]
    counts: dict[str, Size]
    statistic: float | None
    p_value: float | None
    p_adjusted: float | None
    family: str
    effect_sizes: list[EffectSize]
    noise: NoiseFloor
    seed: int | None = None
    why: str = ""


class PairAgreement(_Record, frozen=True):
    """The agreement of two raters on the `items` that both rated."""

    a: str
    b: str
    items: Size
    value: float | None
    why: str = ""


class Agreement(_Record, frozen=True):
    """How far raters agree beyond chance. `raters` are in the order of the ratings; `ratings` counts all of them."""

    coefficient: Literal["krippendorff_alpha", "fleiss_kappa", "cohen_kappa"]
    level: Literal["nominal", "ordinal", "interval"]
    raters: list[str]
    items: Size
    ratings: Size
    value: float | None
    low: float | None
    high: float | None
    pairs: list[PairAgreement]
    seed: int | None = None
    why: str = ""


class StatisticsValue(_Record, frozen=True):
    """The value of a `statistics` step, its output.json."""

    of: list[str]
    confidence: float
    correction: Literal["holm", "benjamini_hochberg", "none"]
    resamples: Size
    metrics: dict[str, MetricResult]
    comparisons: dict[str, Comparison]
    agreement: dict[str, Agreement]

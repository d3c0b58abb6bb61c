"""Paired comparisons: difference with interval, test, effect sizes and A/A control, then the correction of a family."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Literal

import msgspec
import numpy as np

from awo.derive.statistics.args import ComparisonArgs
from awo.derive.statistics.arms import Pairs, paired
from awo.derive.statistics.choosing import NUMBERS, Chosen, chosen_lines, code_of, column_of, factor_of
from awo.derive.statistics.effects import effects_of
from awo.derive.statistics.factors import key_of, label_of
from awo.derive.statistics.noise import noise_floor
from awo.derive.statistics.paired_tests import Test, fitting, tested
from awo.derive.statistics.resampling import Floats, bounds, generator, resampled_ratio, units_of
from awo.derive.statistics.seeds import Settings
from awo.derive.statistics.table import Table
from awo.errors import StepFailed
from awo.evidence.statistics import Comparison

Correction = Literal["holm", "benjamini_hochberg", "none"]


def comparison(name: str, args: ComparisonArgs, table: Table, settings: Settings) -> Comparison:
    """The comparison `name`, `p_adjusted` not yet corrected. Raises `StepFailed`: `no_such_score`,
    `no_such_factor`, `no_such_value`, `score_type`, `same_arms`, `test_unfit`."""
    place = f"comparisons.{name}"
    ((factor_name, (first, second)),) = args.between.items()
    column = column_of(table, args.score, NUMBERS, place)
    if key_of(first) == key_of(second):
        raise StepFailed(
            "a comparison has the same arm twice",
            code="same_arms",
            where=f"step {table.step}, {place}.between",
            got=label_of(first)[:60],
            is_final=True,
        )
    chosen = chosen_lines(table, column, args.where, place)
    a, b = (_arm(table, chosen, factor_name, value, place) for value in (first, second))
    pairs = paired(table, a, b)
    test = fitting(args.test, pairs, is_test=column.kind == "test")
    if test == "mcnemar" and len(pairs.a) and not (pairs.is_single and pairs.are_zeros_and_ones):
        raise StepFailed(
            "McNemar's test needs one answer of 0 or 1 for each item and arm",
            code="test_unfit",
            where=f"step {table.step}, {place}.test",
            got="several answers of one item" if not pairs.is_single else "other scores",
            hint="say `test: auto`, or choose one answer, as in `where: {repeat: 0}`",
            is_final=True,
        )
    anywhere = {key: value for key, value in args.where.items() if key != "repeat"}
    all_repeats = chosen_lines(table, column, anywhere, place)
    arms = [(key_of(value), _arm(table, all_repeats, factor_name, value, place)) for value in (first, second)]
    noise = noise_floor(table, arms, args.test, name, settings)
    is_swapped = key_of(second) < key_of(first)  # computed one way round, so that swapping arms only turns the sign
    found = _found(pairs, is_swapped, test, name, settings)
    return Comparison(
        score=args.score,
        factor=factor_name,
        a=first,
        b=second,
        where=args.where,
        pairs=len(pairs.a),
        unpaired=pairs.unpaired,
        missing=int(np.count_nonzero(a.missing) + np.count_nonzero(b.missing)),
        family=args.family,
        effect_sizes=effects_of(pairs, is_rate=column.kind == "test") if found.difference is not None else [],
        noise=noise,
        a_value=found.a,
        b_value=found.b,
        difference=found.difference,
        low=found.low,
        high=found.high,
        interval="none" if found.low is None else "paired_bootstrap",
        test=found.test,
        counts=found.counts,
        statistic=found.statistic,
        p_value=found.p,
        p_adjusted=None,
        seed=found.seed,
        why="; ".join(filter(None, (chosen.why, found.why, _uneven(pairs)))),
    )


def _arm(table: Table, chosen: Chosen, factor: str, value: object, place: str) -> Chosen:
    code = code_of(table, factor, value, f"{place}.between")
    codes = factor_of(table, factor, f"{place}.between").codes[chosen.lines]
    return chosen.only(codes == (-1 if code is None else code))


class _Found(msgspec.Struct, frozen=True, kw_only=True):
    """What the pairs say."""

    a: float | None = None
    b: float | None = None
    difference: float | None = None
    low: float | None = None
    high: float | None = None
    test: Test | Literal["none"] = "none"
    counts: dict[str, int] = {}
    statistic: float | None = None
    p: float | None = None
    seed: int | None = None
    why: str = ""


def _found(pairs: Pairs, is_swapped: bool, test: Test, name: str, settings: Settings) -> _Found:
    counts = pairs.table() if test == "mcnemar" else pairs.signs()
    if not len(pairs.a):
        return _Found(counts=counts, why="no item has a number in both arms")
    a, b, difference = float(pairs.a.mean()), float(pairs.b.mean()), float(pairs.differences.mean())
    if not math.isfinite(a + b + difference + float(np.abs(pairs.differences).sum())):
        return _Found(counts=counts, why="the numbers are too large to compute with")
    seed = settings.seed_at("comparisons", name)
    rng = generator(seed)
    oriented = Pairs(pairs.b, pairs.a, pairs.unpaired, pairs.is_single, pairs.uneven) if is_swapped else pairs
    resampled: Floats | None = None
    low: float | None = None
    high: float | None = None
    why = "one pair has no spread"
    if len(pairs.a) > 1:
        rows = np.stack([oriented.differences, np.ones(len(pairs.a))], axis=1)
        resampled = resampled_ratio(rng, units_of(rows), settings.resamples)
        low, high, why = _interval(oriented, resampled, settings.confidence)
        low, high = (None if high is None else -high, None if low is None else -low) if is_swapped else (low, high)
    answer = tested(test, oriented, rng, settings.resamples, resampled)
    statistic = answer.statistic
    if is_swapped and statistic is not None and test in ("paired_permutation", "paired_bootstrap"):
        statistic = -statistic
    is_drawn = resampled is not None or test == "paired_permutation"
    return _Found(
        a=a,
        b=b,
        difference=difference,
        low=low,
        high=high,
        test=test if answer.p is not None else "none",
        counts=counts,
        statistic=statistic,
        p=answer.p,
        seed=seed if is_drawn else None,
        why="; ".join(dict.fromkeys(filter(None, (why, answer.why)))),
    )


def _interval(pairs: Pairs, resampled: Floats, confidence: float) -> tuple[float | None, float | None, str]:
    differences = pairs.differences
    if (differences == differences[0]).all():
        return None, None, "all pairs differ by the same, so nothing says how far others would"
    return *bounds(resampled, confidence), ""


def _uneven(pairs: Pairs) -> str:
    if not pairs.uneven:
        return ""
    return f"of {pairs.uneven} of the pairs one arm has more answers, so it may also differ in what else was asked"


def corrected(
    comparisons: Mapping[str, Comparison], correction: Correction, confidence: float
) -> dict[str, Comparison]:
    """The comparisons with `p_adjusted`: corrected for all p-values of the same family, in their order."""
    families: dict[str, list[str]] = {}
    for name, one in comparisons.items():
        if one.p_value is not None:
            families.setdefault(one.family, []).append(name)
    adjusted: dict[str, float] = {}
    for names in families.values():
        ps = [p for name in names if (p := comparisons[name].p_value) is not None]
        adjusted |= zip(names, _adjusted(ps, correction, confidence), strict=True)
    return {name: msgspec.structs.replace(one, p_adjusted=adjusted.get(name)) for name, one in comparisons.items()}


def _adjusted(ps: list[float], correction: Correction, confidence: float) -> list[float]:
    from statsmodels.stats.multitest import multipletests

    if correction == "none":
        return ps
    method = "holm" if correction == "holm" else "fdr_bh"
    return [float(p) for p in multipletests(ps, alpha=1 - confidence, method=method)[1]]

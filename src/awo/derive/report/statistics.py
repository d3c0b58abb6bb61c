"""Steps of statistics: comparisons with their noise floor near the top, estimates and agreement among the results."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, Final

from awo.derive.facts import RunFacts, StepFacts, StepStatus
from awo.derive.markdown import table
from awo.derive.numbers import NOTHING, interval, number, p_value, percent, signed
from awo.derive.phrases import count
from awo.derive.report.agreements import agreements
from awo.derive.report.notes import notes
from awo.derive.report.reader import Reader
from awo.derive.report.shown import (
    ROWS_SHOWN,
    compact,
    in_detail,
    line,
    more,
    named,
    too_large,
    value_as,
    without_empty_columns,
    word,
)
from awo.evidence.layout import OUTPUTS
from awo.evidence.statistics import Comparison, Estimate, MetricResult, NoiseFloor, StatisticsValue

STATISTICS: Final = "statistics"
FEW_PAIRS: Final = 20
"""Below so many items a percentile interval is too narrow (docs/statistics.md has what was measured)."""

INTERVALS: Final = {
    "wilson": "Wilson",
    "t": "Student's t",
    "bootstrap": "bootstrap",
    "cluster_bootstrap": "bootstrap of whole items",
    "paired_bootstrap": "paired bootstrap",
    "none": "",
}
TESTS: Final = {
    "mcnemar": "McNemar",
    "paired_permutation": "paired permutation",
    "paired_bootstrap": "paired bootstrap",
    "wilcoxon": "Wilcoxon signed rank",
    "none": "none",
}
CORRECTIONS: Final = {"holm": "Holm", "benjamini_hochberg": "Benjamini-Hochberg"}
EFFECTS: Final = {
    "cohens_h": "Cohen's h",
    "cohens_dz": "Cohen's dz",
    "hedges_g": "Hedges' g",
    "cliffs_delta": "Cliff's delta",
    "odds_ratio": "odds ratio",
}


def comparisons(facts: RunFacts, read: Reader) -> str:
    """Every comparison of every step of statistics, each above its A/A control."""
    values = {step.record.id: value for step, value in _values(facts, read) if value is not None and value.comparisons}
    if not values:
        return ""
    found = tuple(step for step in facts.steps if step.record.id in values)
    return (
        "## Comparisons\n\nA difference is the first arm less the second, on the items that both have. Below it stands "
        "its A/A control: an arm against itself, between repeats; a difference no larger than that is no more than "
        "noise. A p-value is how often chance alone would give a difference at least as large, were there none.\n\n"
        + in_detail(found, lambda step: _comparisons(step, values[step.record.id]), word(f"{OUTPUTS}/"))
    )


def estimates(facts: RunFacts, read: Reader) -> str:
    """Every metric and every agreement of every step of statistics."""
    values = {step.record.id: value for step, value in _values(facts, read)}
    if not values:
        return ""
    found = tuple(step for step in facts.steps if step.record.id in values)
    return (
        "## Estimates\n\nn counts answers, items the distinct rows that they are about; missing ones failed or had no "
        f"score. Where a number is {NOTHING}, a line below the table says why.\n\n"
        + in_detail(found, lambda step: _estimates(step, values[step.record.id]), word(f"{OUTPUTS}/"))
    )


def _values(facts: RunFacts, read: Reader) -> Iterator[tuple[StepFacts, StatisticsValue | None]]:
    for step in facts.steps:
        if step.record.op == STATISTICS and step.status is StepStatus.DONE:
            yield step, value_as(step, read, StatisticsValue)


# --- comparisons ---------------------------------------------------------------------------------------


def _comparisons(step: StepFacts, value: StatisticsValue) -> str:
    listed = list(value.comparisons.items())[: ROWS_SHOWN // 2]
    header = ["comparison", "first", "second", "first less second", f"{percent(value.confidence)} interval"]
    header += ["pairs", "test", "p, adjusted", "effect size"]
    rows: list[list[str]] = []
    for name, one in listed:
        rows += [_difference(name, one), _noise(one)]
    where = named(step.value.path) if step.value else ""
    return (
        f"### {word(step.record.id)}\n\n{_of(value)} {_correction(value)}\n\n"
        + table(*without_empty_columns(header, rows))
        + more(len(value.comparisons), len(listed), "comparison", where)
        + notes((word(name), _about(one)) for name, one in listed)
        + _few(one for _, one in listed)
    )


def _difference(name: str, one: Comparison) -> list[str]:
    where = f", where {_factors(one.where)}" if one.where else ""
    kind = f" ({INTERVALS[one.interval]})" if one.interval != "none" else ""
    return [
        f"**{word(name)}**: {word(one.score)} by {word(one.factor)}{where}",
        f"{word(compact(one.a))} {number(one.a_value)}",
        f"{word(compact(one.b))} {number(one.b_value)}",
        f"**{signed(one.difference)}**" if one.difference is not None else NOTHING,
        interval(one.low, one.high, is_difference=True) + kind,
        f"{one.pairs:,}",
        TESTS[one.test] + (f", {p_value(one.p_value)}" if one.p_value is not None else ""),
        p_value(one.p_adjusted),
        "; ".join(
            f"{EFFECTS.get(effect.name, line(effect.name))} {number(effect.value)}" for effect in one.effect_sizes
        ),
    ]


def _noise(one: Comparison) -> list[str]:
    """The A/A control in the columns of the comparison above it."""
    floor = one.noise
    if floor.largest is None:
        return [f"A/A control: none ({line(floor.why)})" if floor.why else "A/A control: none", *[""] * 8]
    spread = f"spread {number(floor.spread)}" if floor.spread is not None else f"spread {NOTHING}"
    return [
        "A/A control: an arm against itself" + _held_against(one, floor),
        count(floor.repeats, "repeat"),
        "",
        f"largest {number(floor.largest)}",
        spread,
        f"{floor.pairs:,}",
        f"smallest {p_value(floor.smallest_p)}" if floor.smallest_p is not None else "",
        "",
        "",
    ]


def _held_against(one: Comparison, floor: NoiseFloor) -> str:
    if one.difference is None or floor.largest is None or abs(one.difference) > floor.largest:
        return ""
    return ": **no smaller than the difference above**"


def _about(one: Comparison) -> list[str]:
    said = []
    if one.counts:
        said.append(", ".join(f"{line(name.replace('_', ' '))} {number:,}" for name, number in one.counts.items()))
    if one.unpaired:
        said.append(f"{count(one.unpaired, 'item')} had only one arm")
    if one.missing:
        said.append(f"{count(one.missing, 'answer')} missing")
    said += [line(why) for why in (one.why, one.noise.why if one.noise.largest is not None else "") if why]
    said += [
        f"{EFFECTS.get(effect.name, line(effect.name))}: {line(effect.why)}"
        for effect in one.effect_sizes
        if effect.why
    ]
    return said


def _correction(value: StatisticsValue) -> str:
    if value.correction == "none":
        return "The p-values are not corrected for how many comparisons were made."
    return f"Adjusted p-values are corrected for all comparisons of the same family ({CORRECTIONS[value.correction]})."


def _few(listed: Iterable[Comparison]) -> str:
    few = sum(one.interval == "paired_bootstrap" and 0 < one.pairs < FEW_PAIRS for one in listed)
    if not few:
        return ""
    return (
        f"\n{count(few, 'comparison')} {'has' if few == 1 else 'have'} fewer than {FEW_PAIRS} pairs: bootstrap "
        "intervals are too narrow for few items (AWO's docs/statistics.md says by how much).\n"
    )


# --- estimates and agreement -----------------------------------------------------------------------------


def _estimates(step: StepFacts, value: StatisticsValue | None) -> str:
    heading = f"### {word(step.record.id)}\n\n"
    if value is None:
        return heading + too_large(step)
    where = named(step.value.path) if step.value else ""
    said = [heading + _of(value) + "\n"]
    lines = [line for name, metric in value.metrics.items() for line in _lines(name, metric)]
    if lines:
        header = ["metric", "group", "n", "items", "missing", "estimate", f"{percent(value.confidence)} interval"]
        header += ["standard deviation"]
        shown = lines[:ROWS_SHOWN]
        said.append(
            table(header, [_estimate(*one) for one in shown])
            + more(len(lines), len(shown), "line", where)
            + notes((f"{word(name)}, {label}", [line(one.why)]) for name, label, _, one in shown if one.why)
        )
    if value.agreement:
        said.append(agreements(step, value, where))
    return "\n".join(said)


def _lines(name: str, metric: MetricResult) -> Iterator[tuple[str, str, MetricResult, Estimate]]:
    for one in metric.groups.values():
        yield name, _factors(one.group), metric, one
    yield name, "*all groups together*" if metric.groups else "all", metric, metric.total


def _estimate(name: str, label: str, metric: MetricResult, one: Estimate) -> list[str]:
    kind = f" ({INTERVALS[one.interval]})" if one.interval != "none" else ""
    return [
        f"{word(name)}: {metric.estimate} of {word(metric.score)}",
        label,
        f"{one.n:,}",
        f"{one.items:,}",
        f"{one.missing:,}",
        number(one.value),
        interval(one.low, one.high) + kind,
        number(one.sd),
    ]


# --- what both have ----------------------------------------------------------------------------------------


def _of(value: StatisticsValue) -> str:
    resampled = f", with {value.resamples:,} resamples where a method draws any" if value.resamples else ""
    names = ", ".join(word(name) for name in value.of[:10]) + (", …" if len(value.of) > 10 else "")
    return (
        f"Over the scores of {names}{resampled}. An interval comes from a method that holds the true value in "
        f"{percent(value.confidence)} of repeated studies."
    )


def _factors(group: dict[str, Any]) -> str:
    return ", ".join(f"{line(name)} {word(compact(value))}" for name, value in list(group.items())[:5]) or "all"

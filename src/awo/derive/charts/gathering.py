"""What of a run can be drawn: the values of its statistics, and from the responses what answers cost and how long
they took."""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Final

from msgspec.structs import replace

from awo.derive.charts.agreement import Raters, agreement_picture
from awo.derive.charts.differences import Paired, differences_picture
from awo.derive.charts.estimates import Metric, scores_picture
from awo.derive.charts.models import (
    CostOfScore,
    Latencies,
    Priced,
    cost_picture,
    latency_picture,
)
from awo.derive.charts.picture import Picture
from awo.derive.facts import RunFacts, StepFacts, StepStatus
from awo.derive.numbers import percent
from awo.derive.report.agreements import raters_in_order
from awo.derive.report.reader import Reader
from awo.derive.report.scores import SCORING
from awo.derive.report.shown import done, value_as
from awo.derive.report.statistics import STATISTICS
from awo.evidence.scores import ScoresValue
from awo.evidence.statistics import Agreement, StatisticsValue

RESPONSES_READ: Final = 200_000
"""Of all steps together; more are not read, and the picture says so."""

Drawing = Callable[[], Picture]


def drawings(facts: RunFacts, read: Reader) -> Iterator[tuple[str, Drawing]]:
    """What can be drawn, by name, and the function that draws it: so that one that fails leaves the others.

    Raises whatever `read` raises.
    """
    metrics, paired, raters = _statistics(facts, read)
    if metrics:
        yield "scores", lambda: scores_picture(metrics)
    if any(one.result.difference is not None for one in paired):
        yield "differences", lambda: differences_picture(paired)
    if raters:
        yield "agreement", lambda: agreement_picture(raters)
    asked = _asked(facts, read)
    if not asked.models:
        return
    costs, unpriced = _costs(metrics, asked)
    if costs:
        yield "cost", lambda: cost_picture(costs, unpriced)
    yield "latency", lambda: latency_picture(_latencies(asked), _partly(asked))


def _statistics(facts: RunFacts, read: Reader) -> tuple[list[Metric], list[Paired], list[Raters]]:
    metrics: list[Metric] = []
    paired: list[Paired] = []
    raters: list[Raters] = []
    for step in done(facts, STATISTICS):
        value = value_as(step, read, StatisticsValue)
        if value is None:
            continue
        id_ = step.record.id
        metrics += [
            Metric(id_, name, one, value.confidence)
            for name, one in value.metrics.items()
            if any(estimate.value is not None for estimate in one.groups.values() or (one.total,))
        ]
        is_corrected = value.correction != "none"
        paired += [Paired(id_, name, one, value.confidence, is_corrected) for name, one in value.comparisons.items()]
        raters += [
            Raters(id_, name, _arms_first(step, name, one))
            for name, one in value.agreement.items()
            if any(pair.value is not None for pair in one.pairs)
        ]
    return metrics, paired, raters


def _arms_first(step: StepFacts, name: str, one: Agreement) -> Agreement:
    arms, people = raters_in_order(step, name, one)
    return replace(one, raters=[*arms, *people])


# --- from the responses --------------------------------------------------------------------------------


@dataclass(slots=True)
class _Model:
    """What the answers of one model took and cost. `unpriced` of them have no known cost."""

    latencies_ms: array[int] = field(default_factory=lambda: array("q"))
    usd: Decimal = Decimal(0)
    unpriced: int = 0


@dataclass(slots=True)
class _Asked:
    models: dict[str, _Model] = field(default_factory=dict)
    is_all: bool = True


def _asked(facts: RunFacts, read: Reader) -> _Asked:
    """The responses of the steps that were scored, as many as are read."""
    asked = _Asked()
    scored: list[str] = []
    for step in facts.steps:
        if step.record.op in SCORING and step.status is StepStatus.DONE:
            value = value_as(step, read, ScoresValue)
            scored += [value.of] if value is not None else []
    left = RESPONSES_READ
    for id_ in dict.fromkeys(scored):
        for response in read.responses(id_):
            if not left:
                asked.is_all = False
                return asked
            left -= 1
            model = asked.models.setdefault(response.model, _Model())
            model.latencies_ms.append(response.latency_ms)
            if response.cost:
                model.usd += Decimal(response.cost)
            else:
                model.unpriced += 1
    return asked


def _partly(asked: _Asked) -> tuple[str, ...]:
    return () if asked.is_all else (f"Over the first {RESPONSES_READ:,} responses.",)


def _costs(metrics: Sequence[Metric], asked: _Asked) -> tuple[list[CostOfScore], int]:
    """The metrics by model, each with the models of known cost; none where every answer was free."""
    known = {name: model for name, model in asked.models.items() if not model.unpriced}
    if not any(model.usd for model in known.values()):
        return [], 0
    found = []
    for metric in metrics:
        if metric.result.by != ["model"]:
            continue
        interval = f", with {percent(metric.confidence)} interval"
        priced = [
            Priced(
                model=name,
                value=one.value,
                low=one.low,
                high=one.high,
                usd_per_answer=float(known[name].usd) / len(known[name].latencies_ms),
                answers=len(known[name].latencies_ms),
            )
            for one in metric.result.groups.values()
            if isinstance(name := one.group.get("model"), str) and name in known and one.value is not None
        ]
        if priced:
            axis = f"{metric.result.estimate} of {metric.result.score}"
            has_intervals = any(one.low is not None for one in priced)
            found.append(CostOfScore(metric.name, axis + (interval if has_intervals else ""), priced))
    return found, len(asked.models) - len(known)


def _latencies(asked: _Asked) -> list[Latencies]:
    found = []
    for name, model in asked.models.items():
        ordered = sorted(model.latencies_ms)
        at = [_percentile(ordered, share) for share in (0.05, 0.25, 0.5, 0.75, 0.95)]
        found.append(Latencies(name, len(ordered), *at))
    return found


def _percentile(ordered: Sequence[int], share: float) -> float:
    """Between the two nearest values, linearly (type 7 of Hyndman and Fan 1996)."""
    place = share * (len(ordered) - 1)
    below = int(place)
    above = min(below + 1, len(ordered) - 1)
    return ordered[below] + (place - below) * (ordered[above] - ordered[below])

"""The whole value of a step of statistics: reads the scores once, then computes one named result after another."""

from __future__ import annotations

import numpy as np

from awo.derive.seam import Sources
from awo.derive.statistics.agreement import agreement
from awo.derive.statistics.args import StatisticsArgs
from awo.derive.statistics.comparisons import comparison, corrected
from awo.derive.statistics.estimates import metric
from awo.derive.statistics.seeds import Settings
from awo.derive.statistics.table import Wanted, read_table
from awo.evidence.statistics import StatisticsValue


def statistics_of(args: StatisticsArgs, sources: Sources) -> StatisticsValue:
    """Everything that `args` ask for. Raises `StepFailed` for the first name that leads nowhere."""
    table = read_table(sources, args.steps, _wanted(args))
    settings = Settings(sources.step, sources.seed, args.confidence, args.resamples)
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):  # what is not finite becomes null with a why
        metrics = {name: metric(name, one, table, settings) for name, one in args.metrics.items()}
        compared = {name: comparison(name, one, table, settings) for name, one in args.comparisons.items()}
        agreed = {name: agreement(name, one, table, settings) for name, one in args.agreement.items()}
    return StatisticsValue(
        of=list(args.steps),
        confidence=args.confidence,
        correction=args.correction,
        resamples=args.resamples,
        metrics=metrics,
        comparisons=corrected(compared, args.correction, args.confidence),
        agreement=agreed,
    )


def _wanted(args: StatisticsArgs) -> Wanted:
    """The scores and factors that are named anywhere."""
    scores: set[str] = set()
    factors: set[str] = set()
    for metric_args in args.metrics.values():
        scores.add(metric_args.score)
        factors.update(metric_args.by, metric_args.where)
    for comparison_args in args.comparisons.values():
        scores.add(comparison_args.score)
        factors.update(comparison_args.between, comparison_args.where)
    for agreement_args in args.agreement.values():
        scores.update(filter(None, (agreement_args.score, agreement_args.ratings)))
        factors.update(filter(None, (agreement_args.by,)), agreement_args.where)
    return Wanted(frozenset(scores), frozenset(factors))

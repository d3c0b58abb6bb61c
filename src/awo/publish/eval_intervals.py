"""The interval around a score of one model, where a step of statistics has one for the very same number."""

from __future__ import annotations

import math
from typing import Any

import msgspec

from awo.derive.facts import StepStatus
from awo.evidence.statistics import Estimate, StatisticsValue
from awo.publish.run_reader import RunReader

STATISTICS = "statistics"


class Intervals:
    """The estimates of a run's steps of statistics that are grouped by the model alone."""

    def __init__(self, reader: RunReader) -> None:
        self._values = [
            msgspec.convert(reader.value_of(step.record.id), StatisticsValue)
            for step in reader.facts.steps
            if step.record.op == STATISTICS and step.status is StepStatus.DONE
        ]

    def of(
        self, step: str, score: str, model: str, *, mean: float, answers: int, missing: int
    ) -> tuple[Estimate, StatisticsValue] | None:
        """The estimate of this score of `step` for `model`, and the value that it stands in.

        None unless one was made from that step alone, over the same number of answers, and is the very mean: a
        median, or an estimate over some of the answers, says something else.
        """
        counts = (answers, answers - missing)
        for value in self._values:
            for metric in value.metrics.values():
                if value.of != [step] or metric.score != score or metric.by != ["model"] or metric.estimate == "median":
                    continue
                for one in metric.groups.values():
                    is_over_all = one.group == {"model": model} and one.n in counts and one.missing == missing
                    if is_over_all and one.value is not None and math.isclose(one.value, mean, abs_tol=1e-12):
                        return one, value
        return None


def uncertainty(one: Estimate, value: StatisticsValue) -> dict[str, Any]:
    """As the format has it beside a score; nothing where there is no interval."""
    if one.low is None or one.high is None:
        return {}
    said: dict[str, Any] = {
        "confidence_interval": {
            "lower": one.low,
            "upper": one.high,
            "confidence_level": value.confidence,
            "method": one.interval,
        },
        "num_samples": one.n,
    }
    if one.sd is not None and one.interval != "cluster_bootstrap":  # there it is that of the items
        said["standard_deviation"] = one.sd
    if one.seed is not None:
        said["num_bootstrap_samples"] = value.resamples
    return {"uncertainty": said}

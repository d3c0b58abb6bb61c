"""Executes the tests of claims: expressions become numbers or truths, and a test passed, failed or was not tested."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Literal

from msgspec import UNSET, UnsetType

from awo.derive.claim_shape import FalsificationTest, Prediction, StatedClaim, Tolerance
from awo.derive.scores.numeric import is_within
from awo.derive.seam import Sources
from awo.errors import StepFailed
from awo.evidence.verdicts import ClaimTestResult, MetricValue
from awo.workflow import conditions

Outcome = Literal["passed", "failed", "not_tested"]


class Numbers:
    """The named metrics of a step, worked out once, and what else its claims read."""

    def __init__(self, sources: Sources, metrics: Mapping[str, str]) -> None:
        self.inputs = sources.inputs
        self.steps = _Values(sources)
        self.metrics: dict[str, MetricValue] = {}
        self.metrics = {name: self._metric(text) for name, text in metrics.items()}

    def number(
        self, text: str, kind: Literal["measure", "observation"] = "observation"
    ) -> tuple[float | None, str, list[str]]:
        """The number that a metric's name or an expression gives, else None and why; and what was read, STEP.FIELD."""
        if kind == "observation" and text in self.metrics:
            metric = self.metrics[text]
            return metric.value, metric.why, metric.reads
        paths = conditions.paths_used(text, kind)
        reads = self._reads(paths)
        if why := self._why_missing(paths):
            return None, why, reads
        try:
            value = conditions.number_of(text, kind, inputs=self.inputs, steps=self.steps, metrics=self._values())
        except StepFailed as error:
            return None, _said(error), reads
        if value is None:
            return None, "the expression gives null", reads
        if not math.isfinite(value):
            return None, "the number is not finite", reads
        return value + 0.0, "", reads

    def truth(self, text: str) -> tuple[bool | None, str, list[str]]:
        """Whether a condition holds, else None and why; and what was read."""
        paths = conditions.paths_used(text, "test")
        reads = self._reads(paths)
        if why := self._why_missing(paths):
            return None, why, reads
        try:
            holds = conditions.holds(text, inputs=self.inputs, steps=self.steps, metrics=self._values())
        except StepFailed as error:
            return None, _said(error), reads
        return holds, "", reads

    def _metric(self, text: str) -> MetricValue:
        value, why, reads = self.number(text, "measure")
        return MetricValue(expression=text, value=value, why=why, reads=reads)

    def _values(self) -> dict[str, float | None]:
        return {name: metric.value for name, metric in self.metrics.items()}

    def _reads(self, paths: Sequence[tuple[str, ...]]) -> list[str]:
        """The values of steps that are read, also through metrics."""
        found: dict[str, None] = {}
        for root, name, *rest in paths:
            if root == "steps":
                found[".".join((name, *rest))] = None
            elif root == "metrics" and name in self.metrics:
                found |= dict.fromkeys(self.metrics[name].reads)
        return list(found)

    def _why_missing(self, paths: Sequence[tuple[str, ...]]) -> str:
        """Why something that is read has no value; '' where all have one. Nothing is concluded from a null."""
        for root, name, *rest in paths:
            if root == "metrics":
                metric = self.metrics.get(name)
                if metric is not None and metric.value is None:
                    return f"the metric {name} has no value: {metric.why}"
            elif root == "steps":
                why = _why_null(self.steps[name], (name, *rest)) if name in self.steps else f"step {name} has no value"
                if why:
                    return why
        return ""


def results_of(claim: StatedClaim, numbers: Numbers) -> list[ClaimTestResult]:
    """What came of each prediction and each falsification test, in the order of the claim."""
    return [
        *(_predicted(one, numbers) for one in claim.predicted),
        *(_tested(one, numbers) for one in claim.tested),
    ]


def _predicted(prediction: Prediction, numbers: Numbers) -> ClaimTestResult:
    observed: float | None = None
    reads: list[str] = []
    outcome: Outcome = "not_tested"
    bounds = "" if prediction.tolerance is UNSET else in_words(prediction.tolerance)
    if not prediction.observation:
        why = "it names no metric and no expression"
    elif prediction.tolerance is UNSET or not bounds:
        why = "its tolerance bounds nothing"
    else:
        observed, why, reads = numbers.number(prediction.observation)
        if observed is not None:
            outcome = "passed" if _is_within(observed, prediction.tolerance) else "failed"
            why = "" if outcome == "passed" else "the number is not as predicted"
    return ClaimTestResult(
        name=prediction.name,
        kind="prediction",
        outcome=outcome,
        observed=observed,
        expected=bounds,
        why=why,
        reads=reads,
    )


def _tested(test: FalsificationTest, numbers: Numbers) -> ClaimTestResult:
    conditions_: list[tuple[str, bool]] = []
    if isinstance(test.must_pass, str) and test.must_pass:
        conditions_.append((test.must_pass, True))
    if isinstance(test.fail_if, str) and test.fail_if:
        conditions_.append((test.fail_if, False))
    looked = [(numbers.truth(text), wanted) for text, wanted in conditions_]
    failed = [holds for (holds, _, _), wanted in looked if holds is not None and holds is not wanted]
    untold = [why for (holds, why, _), _ in looked if holds is None]
    outcome: Outcome = "passed"
    why = ""
    if failed:
        outcome, why = "failed", "fail_if holds" if failed[0] else "must_pass does not hold"
    elif untold or not looked:
        outcome, why = "not_tested", untold[0] if untold else "it has no expression that AWO can execute"
    holds = failed[0] if failed else looked[0][0][0] if looked else None
    return ClaimTestResult(
        name=test.name,
        kind="falsification_test",
        outcome=outcome,
        observed=holds,
        expected=" and ".join(text if wanted else f"not ({text})" for text, wanted in conditions_),
        why=why,
        reads=list(dict.fromkeys(read for (_, _, reads), _ in looked for read in reads)),
    )


def in_words(tolerance: Tolerance) -> str:
    """What a tolerance asks for; '' where it asks for nothing."""
    said = []
    if tolerance.min is not UNSET:
        said.append(f"at least {_written(tolerance.min)}")
    if tolerance.max is not UNSET:
        said.append(f"at most {_written(tolerance.max)}")
    if tolerance.target is not UNSET:
        if tolerance.within is UNSET:
            said.append(f"exactly {_written(tolerance.target)}")
        else:
            said.append(f"within {_written(tolerance.within)} of {_written(tolerance.target)}")
    return " and ".join(said)


def _is_within(observed: float, tolerance: Tolerance) -> bool:
    low, high, target = _number(tolerance.min), _number(tolerance.max), _number(tolerance.target)
    within = _number(tolerance.within) or 0.0
    return (
        (low is None or observed >= low)
        and (high is None or observed <= high)
        and (target is None or is_within(observed, target, within))
    )


def _number(bound: float | str | UnsetType) -> float | None:
    return None if bound is UNSET else float(bound)


def _written(bound: float | str) -> str:
    return bound if isinstance(bound, str) else repr(bound)


def _why_null(value: Any, path: Sequence[str]) -> str:
    """Why there is no value at `path`, of which the first name is the step; '' where there is one.

    A `why` beside a null is the reason that the step itself gives.
    """
    why = ""
    for number, name in enumerate(path[1:], start=2):
        if not isinstance(value, dict):
            return ""  # a field of something else: CEL says what is wrong
        if name not in value:
            return f"there is no {'.'.join(path[:number])}"
        said = value.get("why")
        why = said if isinstance(said, str) and said else why
        value = value[name]
        if value is None:
            return f"{'.'.join(path[:number])} is null" + (f": {why}" if why else "")
    return f"{path[0]} is null" if value is None else ""


def _said(error: StepFailed) -> str:
    return f"{error.what} ({error.hint})" if error.hint else error.what


class _Values(Mapping[str, Any]):
    """The values of earlier steps, each read once."""

    def __init__(self, sources: Sources) -> None:
        self._sources = sources
        self._kept: dict[str, Any] = {}

    def __getitem__(self, step: str) -> Any:
        if step not in self._kept:
            try:
                self._kept[step] = self._sources.value_of(step)
            except StepFailed as error:
                raise KeyError(step) from error
        return self._kept[step]

    def __iter__(self) -> Iterator[str]:
        return iter(self._kept)

    def __len__(self) -> int:
        return len(self._kept)

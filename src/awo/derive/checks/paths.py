"""Checks of what expressions read of scores and statistics: `steps.STATS.comparisons.NAME.FIELD` must be there."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Final, Literal

import msgspec

from awo.canon.positions import Path
from awo.derive.checks.plan import Planned, listed, score_args
from awo.derive.claim_shape import StatedClaim
from awo.derive.statistics.args import StatisticsArgs
from awo.evidence.scores import ScoreSummary, ScoresValue
from awo.evidence.statistics import Agreement, Comparison, MetricResult, StatisticsValue
from awo.workflow import conditions
from awo.workflow.definition import Step
from awo.workflow.faults import Fault
from awo.workflow.marks import Marked, marked_in
from awo.workflow.names import BadText, did_you_mean
from awo.workflow.words import Args

_KINDS: Final[Mapping[str, Literal["measure", "observation", "test"]]] = {
    "measure": "measure",
    "observation": "observation",
    "claim_test": "test",
}
_PARTS: Final[Mapping[str, type[msgspec.Struct]]] = {
    "metrics": MetricResult,
    "comparisons": Comparison,
    "agreement": Agreement,
}


def faults_of_paths(step: Step, plan: Planned) -> Iterator[Fault]:
    """The places in results that the step's claims, metrics and condition name and that will not be there."""
    for marked in marked_in(step.args):
        yield from _of_text(marked, step.path_of(marked.path), step.args, plan)
    if step.when:
        yield from _faults(step.when, "condition", (*step.place, "when"), plan)


def faults_of_claim(stated: StatedClaim, args: Args, plan: Planned) -> Iterator[Fault]:
    """As `faults_of_paths`, for a claim that stands in a file of its own."""
    for marked in marked_in(stated):
        yield from _of_text(marked, marked.path, args, plan)


def _of_text(marked: Marked, place: Path, args: Args, plan: Planned) -> Iterator[Fault]:
    kind = _KINDS.get(marked.kind)
    is_metric = marked.kind == "observation" and marked.text in getattr(args, "metrics", {})
    if kind is not None and not is_metric:
        yield from _faults(marked.text, kind, place, plan)


def _faults(text: str, kind: conditions.Kind, place: Path, plan: Planned) -> Iterator[Fault]:
    if "steps" not in text:
        return
    try:
        paths = conditions.paths_used(text, kind)
    except BadText:
        return  # told with the references
    for root, *path in paths:
        step = plan.steps.get(path[0]) if root == "steps" and path else None
        for number, (name, known) in enumerate(_levels(step, path[1:]) if step else ()):
            if name not in known:
                whose = ".".join(("steps", *path[: number + 1]))
                yield Fault(place, f"{whose} has no {name!r}", listed(known), hint=did_you_mean(name, list(known)))
                break


def _levels(step: Step, path: Sequence[str]) -> Iterator[tuple[str, Sequence[str]]]:
    """Each name of a path, and what could stand there, as deep as the plan tells."""
    args = step.args
    if isinstance(args, StatisticsArgs):
        known: Sequence[Sequence[str]] = [StatisticsValue.__struct_fields__]
        if path and path[0] in _PARTS:
            known = [*known, list(getattr(args, path[0])), _PARTS[path[0]].__struct_fields__]
    elif (scores := score_args(step)) is not None:
        known = [ScoresValue.__struct_fields__]
        if path and path[0] == "scores":
            known = [*known, list(scores.scores), ScoreSummary.__struct_fields__]
    else:
        return
    yield from zip(path, known, strict=False)

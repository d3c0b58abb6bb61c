"""What did not go as the plan said: the registered input.json beside what the journal tells. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal, get_args

from awo.canon.usd import for_people, picodollars
from awo.derive.facts import RunFacts, StepFacts, StepStatus
from awo.derive.phrases import count

Kind = Literal[
    "step skipped",
    "step failed",
    "step re-run after a failure",
    "step not done",
    "items excluded",
    "calls without a known outcome",
    "budget changed",
    "taken up under another version",
    "taken up on a changed machine",
    "model changed",
    "limit changed",
    "claim not judged",
]

_ORDER: Final[tuple[Kind, ...]] = get_args(Kind)


@dataclass(frozen=True, slots=True)
class Deviation:
    """One thing that did not go as planned. `subject` is a step, a model or a claim, '' for the run; `what`
    is a sentence of ours without texts of models, `said` what the journal gives as the reason."""

    kind: Kind
    subject: str
    what: str
    said: str = ""


def deviations(facts: RunFacts, failed_cells: Mapping[str, int] | None = None) -> list[Deviation]:
    """Every deviation of a run, in the order of the kinds above, then of the workflow.

    `failed_cells` says of steps that fanned out how many cells failed, from their values. A run that has
    not ended is compared as far as it has come.
    """
    found = [*_steps(facts), *_items(facts, failed_cells or {}), *_run(facts), *_claims(facts)]
    return sorted(found, key=lambda one: _ORDER.index(one.kind))


def _steps(facts: RunFacts) -> Iterator[Deviation]:
    for step in facts.steps:
        id_, said = step.record.id, step.reason.message if step.reason else ""
        if step.status is StepStatus.SKIPPED:
            yield Deviation("step skipped", id_, "it was not done", said)
        elif step.status is StepStatus.FAILED:
            yield Deviation("step failed", id_, f"it failed after {count(step.attempts, 'attempt')}", said)
        elif step.reason is not None and step.attempts > 1:
            yield Deviation("step re-run after a failure", id_, f"it took {count(step.attempts, 'attempt')}", said)
        elif facts.outcome and step.status is StepStatus.NOT_RUN:
            yield Deviation("step not done", id_, "the run ended before it")
        if step.calls.unknown:
            calls = count(step.calls.unknown, "call")
            yield Deviation("calls without a known outcome", id_, f"{calls} may have been worked on unseen")


def _items(facts: RunFacts, failed_cells: Mapping[str, int]) -> Iterator[Deviation]:
    for step in facts.steps:
        failed = failed_cells.get(step.record.id, 0)
        if failed and step.cells is not None:
            yield Deviation(
                "items excluded", step.record.id, f"{failed:,} of {count(step.cells.planned, 'cell')} failed"
            )


def _run(facts: RunFacts) -> Iterator[Deviation]:
    before = facts.input.budget_usd
    for budget in facts.budgets:
        first = _dollars(before) if before else "none"
        yield Deviation("budget changed", "", f"from {first} to {_dollars(budget.usd)}")
        before = budget.usd
    others = {resume.software.version for resume in facts.resumes} - {facts.software.version}
    for version in sorted(others):
        what = f"begun with version {facts.software.version}, taken up with another"
        yield Deviation("taken up under another version", "", what, version)
    first_one = facts.environments[0].environment if facts.environments else {}
    changed = sorted({key for later in facts.environments[1:] for key in _differing(first_one, later.environment)})
    if changed:
        what = "what is on record of it is not what it was at the start"
        yield Deviation("taken up on a changed machine", "", what, ", ".join(changed))
    for name, model in facts.models.items():
        if model.has_changed:
            yield Deviation("model changed", name, "a later opening of it gave other facts of itself than the first")
    for name, limit in facts.limits.items():
        what = f"{count(limit.changes, 'change')} of how many calls may be in flight, {limit.lowest} at the least"
        yield Deviation("limit changed", name, what, limit.last.reason.message)


def _claims(facts: RunFacts) -> Iterator[Deviation]:
    if not facts.outcome:
        return
    steps: dict[str, StepFacts] = {step.record.id: step for step in facts.steps}
    for claim in facts.input.claims:
        step = steps.get(claim.step)
        if step is None or step.status is not StepStatus.DONE:
            yield Deviation("claim not judged", claim.id, "it was registered, and its step was not done", claim.step)


def _differing(first: Mapping[str, Any], later: Mapping[str, Any]) -> Iterator[str]:
    """What of two records of the environment is not the same."""
    for key in first.keys() | later.keys():
        if first.get(key) != later.get(key):
            yield key


def _dollars(usd: str) -> str:
    return for_people(picodollars(usd))

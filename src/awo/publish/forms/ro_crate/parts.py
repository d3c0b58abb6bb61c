"""The parts of a run that a crate tells one by one: its steps, or, of a run of very many, its steps by operation."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from awo.derive.facts import CallCounts, StepFacts, StepStatus
from awo.plugins import GATE_OPERATION
from awo.publish.described.shapes import CallGroup, Described

MOST_STEPS: Final = 500
MOST_GROUPS: Final = 1_000
"""A run of more steps, or of more groups of calls, than these is told by operation; gates are told one by one."""


@dataclass(frozen=True, slots=True)
class Part:
    """One step, or all steps of one operation that did not fail, or all that failed. `id` is the step's, or a name."""

    id: str
    op: str
    steps: tuple[StepFacts, ...]
    groups: tuple[CallGroup, ...]

    @property
    def step(self) -> StepFacts:
        """The first of its steps: the only one, where there is one."""
        return self.steps[0]

    @property
    def is_one(self) -> bool:
        return len(self.steps) == 1

    @property
    def has_run(self) -> bool:
        """Whether any of it began."""
        return any(one.status not in (StepStatus.NOT_RUN, StepStatus.SKIPPED) for one in self.steps)

    @property
    def is_done(self) -> bool:
        """Whether all that began of it was done."""
        return all(one.status in (StepStatus.DONE, StepStatus.SKIPPED, StepStatus.NOT_RUN) for one in self.steps)

    @property
    def started_at(self) -> str:
        return min((one.started_at for one in self.steps if one.started_at), default="")

    @property
    def finished_at(self) -> str:
        """When the last of it was done or failed; '' where one is not."""
        times = [one.finished_at for one in self.steps if one.started_at]
        return max(times) if times and all(times) else ""

    @property
    def calls(self) -> CallCounts:
        total = CallCounts()
        for one in self.steps:
            total = total.plus(one.calls)
        return total


def parts_of(described: Described) -> tuple[Part, ...]:
    """All steps, each in exactly one part, in the order of the workflow."""
    steps = described.facts.steps
    if len(steps) <= MOST_STEPS and len(described.groups) <= MOST_GROUPS:
        by_step: dict[str, list[CallGroup]] = {}
        for group in described.groups:
            by_step.setdefault(group.step, []).append(group)
        return tuple(Part(one.record.id, one.record.op, (one,), tuple(by_step.get(one.record.id, ()))) for one in steps)
    return _by_operation(described)


def _by_operation(described: Described) -> tuple[Part, ...]:
    gathered: dict[str, list[StepFacts]] = {}
    named: dict[str, str] = {}
    for one in described.facts.steps:
        name = _name_of(one)
        gathered.setdefault(name, []).append(one)
        named[one.record.id] = name
    groups: dict[str, list[CallGroup]] = {}
    for group in described.groups:
        groups.setdefault(named.get(group.step, ""), []).append(group)
    return tuple(
        Part(name, steps[0].record.op, tuple(steps), _merged(name, groups.get(name, ())))
        for name, steps in gathered.items()
    )


def _name_of(step: StepFacts) -> str:
    """A space cannot stand in the id of a step: no name of many is that of one."""
    if step.record.op == GATE_OPERATION:
        return step.record.id
    outcome = "failed" if step.status is StepStatus.FAILED else "not failed"
    return f"all {step.record.op} {outcome}"


def _merged(name: str, groups: Iterable[CallGroup]) -> tuple[CallGroup, ...]:
    by_model: dict[str, list[CallGroup]] = {}
    for group in groups:
        by_model.setdefault(group.model, []).append(group)
    return tuple(
        CallGroup(
            name,
            model,
            sum(one.answered for one in found),
            sum(one.failed for one in found),
            sum(one.unknown for one in found),
            sum(one.reused for one in found),
            min((one.first_at for one in found if one.first_at), default=""),
            max(one.last_at for one in found),
        )
        for model, found in by_model.items()
    )

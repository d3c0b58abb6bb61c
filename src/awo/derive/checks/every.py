"""All checks of a plan at once, in the order of its steps."""

from __future__ import annotations

from collections.abc import Iterator

from awo.derive.checks.answers import faults_of_answers
from awo.derive.checks.paths import faults_of_paths
from awo.derive.checks.plan import Planned
from awo.derive.checks.statistics import faults_of_statistics
from awo.workflow.faults import Fault


def faults_of_plan(plan: Planned) -> Iterator[Fault]:
    """What derived steps would fail by, or find null, whatever the models answer; each at its place in the file."""
    for step in plan.steps.values():
        yield from faults_of_answers(step, plan)
        yield from faults_of_statistics(step, plan)
        yield from faults_of_paths(step, plan)

"""How far a run has come, step by step, for the plan of what is left. Takes no lock."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from awo.engine.folder import never_started, read_input
from awo.engine.planning import Done
from awo.engine.reading import events_of
from awo.evidence.records import InputRecord
from awo.lifecycle.rules import RunState
from awo.lifecycle.steps import Status, StepState


def done_so_far(folder: Path) -> tuple[InputRecord, dict[str, Done]]:
    """input.json, and what is done of each step that has begun. Raises `UsageError` or `EvidenceError`."""
    plan, _ = read_input(folder)
    state = RunState(plan.steps, plan.budget_usd)
    for event in events_of(folder):
        state.advance(event)
    if state.started is None:
        raise never_started(folder)
    is_over = bool(state.outcome)
    return plan, {
        id_: Done(
            is_over=is_over or step.status in (Status.DONE, Status.SKIPPED),
            answered=step.lines,
            has_answer=_asked(step),
        )
        for id_, step in state.steps.items()
        if is_over or step.attempts or step.status is Status.SKIPPED
    }


def _asked(step: StepState) -> Callable[[int], bool]:
    answered = step.answered.cells() if step.answered is not None else frozenset()
    return answered.__contains__

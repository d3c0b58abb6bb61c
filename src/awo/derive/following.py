"""Whether the plan was followed below a result: steps skipped or tried again, and answers that are missing."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Final

from awo.derive.seam import Sources
from awo.errors import StepFailed

GATE_OPERATION: Final = "audit_gate"

_COUNTS: Final = (("failed", "cells"), ("missing", "answers"))
"""How values say what is missing of how many."""


def rests_on(steps: Sequence[str], sources: Sources) -> list[str]:
    """`steps` and all that they need, and so on; a gate is not gone through, since it orders and computes nothing."""
    found: dict[str, None] = {}
    waiting = list(reversed(steps))
    while waiting:
        step = waiting.pop()
        record = sources.record_of(step)
        if step in found or record.op == GATE_OPERATION:
            continue
        found[step] = None
        waiting += reversed(record.needs)
    return list(found)


def deviations_below(steps: Sequence[str], most_missing: float, sources: Sources) -> list[str]:
    """What was not done as planned in `steps`, a sentence each.

    A step was skipped; or one of its attempts failed; or more than the share `most_missing` of its cells
    failed, or of its answers have no score. Counts are the pairs `failed` of `cells` and `missing` of
    `answers` in a step's value, and in each entry of its `scores`.
    """
    said = []
    for step in steps:
        try:
            value = sources.value_of(step)
        except StepFailed:
            said.append(f"step {step} was skipped")
            continue
        if sources.has_failed(step):
            said.append(f"step {step} failed and was tried again")
        worst = max(_shares(value), default=None, key=lambda one: one[0])
        if worst is not None and worst[0] > most_missing:
            said.append(f"step {step}: {worst[1]}")
    return said


def _shares(value: Any) -> Iterator[tuple[float, str]]:
    """The shares that are missing, and how they are said."""
    if not isinstance(value, dict):
        return
    scores = value.get("scores")
    for one in (value, *(scores.values() if isinstance(scores, dict) else ())):
        for part, whole in _COUNTS:
            lost, of = (one.get(part), one.get(whole)) if isinstance(one, dict) else (None, None)
            if _is_count(lost) and _is_count(of) and of:
                yield lost / of, f"{lost} of {of} {whole} {'failed' if part == 'failed' else 'are missing'}"


def _is_count(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0

"""Which decisions at a gate stand, what they are still short of, and until when they hold."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

from awo.canon import time
from awo.evidence.gates import Decision, Need


def standing(decisions: Iterable[Decision]) -> list[Decision]:
    """What each person said last, without those who withdrew, in the order of `decisions`."""
    last: dict[str, Decision] = {}
    for decision in decisions:
        last.pop(decision.signer.id, None)
        last[decision.signer.id] = decision
    return [decision for decision in last.values() if decision.verdict != "withdraw"]


def approvals(decisions: Iterable[Decision], *, at: datetime) -> list[Decision]:
    """The approvals that count at the time `at` (aware): they stand, have not expired, one for each person and key."""
    counted: dict[str, Decision] = {}
    for decision in sorted(standing(decisions), key=lambda decision: decision.signer.id):
        if decision.verdict == "approve" and not has_expired(decision, at):
            counted.setdefault(decision.signer.key, decision)
    return list(counted.values())


def missing(needs: Sequence[Need], decisions: Iterable[Decision], *, at: datetime) -> list[Need]:
    """What the gate still needs at the time `at` (aware) after these decisions, in their order; empty when it has all.

    An approval counts for its signer's role, and where the need asks for a meaning, only with that.
    """
    counted = approvals(decisions, at=at)
    still = []
    for need in needs:
        there = sum(
            decision.signer.role == need.role and need.meaning in ("", decision.meaning) for decision in counted
        )
        if there < need.count:
            still.append(Need(role=need.role, count=need.count - there, meaning=need.meaning))
    return still


def expires_first(decisions: Iterable[Decision]) -> str:
    """When the first of the approvals that stand expires; '' when none ever does."""
    ends = [d.expires_at for d in standing(decisions) if d.verdict == "approve" and d.expires_at]
    return min(ends, default="")


def has_expired(decision: Decision, at: datetime) -> bool:
    """Whether a decision is over at the time `at` (aware). One whose end is no time is over."""
    try:
        return bool(decision.expires_at) and at >= time.read(decision.expires_at)
    except ValueError:
        return True

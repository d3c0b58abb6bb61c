"""Records that people were told of a gate (counts alone, after the sending), and that its deadline has passed."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from awo.engine.at_gate import DeadlineClosed, at_gate
from awo.evidence import events as ev

Occasion = Literal["opened", "deadline", "decided"]


async def record_told(folder: Path, gate: str, occasion: Occasion, *, sent: int, failed: int) -> bool:
    """Appends `people_told`, durable on return, and renews the views; False where `gate` is not open (any more).

    Raises as `at_gate`.
    """
    try:
        async with at_gate(folder) as at:
            if at.journal.state.gates.open_gate != gate:
                return False
            at.journal.append(ev.PeopleTold, gate=gate, occasion=occasion, sent=sent, failed=failed)
    except DeadlineClosed:
        return False
    return True


async def record_deadline(folder: Path) -> None:
    """Does at the gate that waits what its deadline asks for, if that has passed. Raises as `at_gate`."""
    try:
        async with at_gate(folder):
            pass
    except DeadlineClosed:
        return

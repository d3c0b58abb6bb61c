"""How one step of a run stands: what the rule book (`rules`) moves, and the engine reads."""

from __future__ import annotations

from enum import IntEnum

from awo.evidence import events as ev
from awo.evidence.records import StepRecord
from awo.lifecycle.answered import AnsweredLines
from awo.plugins import GATE_OPERATION


class Status(IntEnum):
    """How a step stands."""

    WAITING = 0
    RUNNING = 1
    DONE = 2
    FAILED = 3
    SKIPPED = 4
    GATE_OPEN = 5
    GATE_APPROVED = 6
    GATE_REJECTED = 7


class StepState:
    """One step: status, attempts so far, digest of its value, and its calls while it is not done.

    `value_sha256` is 32 bytes, or none before the step is done. `answered` has the lines of its
    responses, `open_calls` maps a call to its intent, `unknown` names the requests that must not be
    repeated unasked. All are emptied when the step is done. `cells` is how often the attempt does its
    work: 1, or what its `fanned_out` says (`is_fanned_out`), and 0 before that. `failed_attempt` is
    the last one that failed, 0 for none.
    """

    __slots__ = (
        "answered",
        "attempts",
        "cells",
        "failed_attempt",
        "is_fanned_out",
        "lines",
        "may_start",
        "open_calls",
        "record",
        "status",
        "unknown",
        "value_sha256",
    )

    def __init__(self, record: StepRecord) -> None:
        self.record = record
        self.status = Status.WAITING
        self.may_start = True
        self.attempts = 0
        self.failed_attempt = 0
        self.cells = 0 if record.cells else 1
        self.is_fanned_out = False
        self.lines = 0
        self.value_sha256 = b""
        self.open_calls: dict[str, ev.CallIntended] | None = None
        self.answered: AnsweredLines | None = None
        self.unknown: set[str] | None = None

    @property
    def is_cut_off(self) -> bool:
        """Whether an attempt was begun and neither ended nor taken up again: its last answers may not be on record."""
        return bool(self.open_calls) or (self.status is Status.WAITING and self.attempts > 0)

    @property
    def is_gate(self) -> bool:
        return self.record.op == GATE_OPERATION

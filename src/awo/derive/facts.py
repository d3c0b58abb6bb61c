"""What happened in a run, as plain frozen facts: what the journal says once it has been read to its end.

`lifecycle/chronicle.py` makes them from events; views and the report are computed from them.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum
from typing import Any, Final

import msgspec
from msgspec.structs import replace

from awo.evidence.events import (
    BudgetReached,
    BudgetSet,
    CallFailed,
    Checkpoint,
    DeadlinePassed,
    DecisionRecorded,
    DecisionRefused,
    FileRef,
    LimitChanged,
    PeopleTold,
    Reason,
    RunInterrupted,
    RunResumed,
    Software,
    Starter,
    TailCut,
    VoteCommitted,
)
from awo.evidence.layout import value_path
from awo.evidence.records import InputRecord, StepRecord

DIGEST_BYTES: Final = 32


class StepStatus(Enum):
    """How a step stands. A gate that a person rejected or sent back is `failed`, with that reason."""

    DONE = "done"
    FAILED = "failed"
    SKIPPED = "skipped"
    WAITING = "waiting"
    RUNNING = "running"
    NOT_RUN = "not_run"


class _Fact(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A fact. Small, and never part of a cycle."""


class CallCounts(_Fact, frozen=True):
    """Model calls; each sending is one. `recovered` ones are among the answered: their line was found after a crash.

    `retried` sendings came after a failed one of the same request; they are counted by their outcome,
    too. `reused` responses were answered in another run: they are no calls. `open` ones have no outcome yet.
    """

    answered: int = 0
    failed: int = 0
    unknown: int = 0
    recovered: int = 0
    reused: int = 0
    retried: int = 0
    open: int = 0

    @property
    def responses(self) -> int:
        """The lines of responses.jsonl that they amount to."""
        return self.answered + self.reused

    def plus(self, more: CallCounts) -> CallCounts:
        """Both together."""
        return CallCounts(**{name: getattr(self, name) + getattr(more, name) for name in self.__struct_fields__})


NO_CALLS = CallCounts()


class MoneyFacts(_Fact, frozen=True):
    """What calls cost, in picodollars: `spent` is known, `reserved` is the worst case of calls without outcome.

    `unknown` is the worst case of calls that may have been paid for without a known cost. `unpriced`
    counts the calls of which neither price nor cost is known: they are in none of the three.
    """

    spent: int = 0
    reserved: int = 0
    unknown: int = 0
    unpriced: int = 0

    def plus(self, more: MoneyFacts) -> MoneyFacts:
        """Both together."""
        return MoneyFacts(**{name: getattr(self, name) + getattr(more, name) for name in self.__struct_fields__})


NO_MONEY = MoneyFacts()


class CellFacts(_Fact, frozen=True):
    """How far a step that fans out has come: `planned` cells, the requests that they mean to make, and cells
    of which at least one request has a response."""

    planned: int
    asks: int
    answered: int


class LimitFacts(_Fact, frozen=True):
    """How many calls to one model may be in flight: how often that changed, the least it was, and the last change."""

    changes: int
    lowest: int
    last: LimitChanged


class StepFacts(_Fact, frozen=True):
    """One step. `reason` is why the last failed attempt failed or why the step was skipped, or None.

    `files` is every file beside the value, `failed_files` what failed attempts left. Times and the
    value are packed, since a run may have a million steps: read `started_at` and its like. `cells` is
    None for a step that has not fanned out. `reused_from` is the run from which the step was taken over, or ''.
    """

    record: StepRecord
    status: StepStatus = StepStatus.NOT_RUN
    attempts: int = 0
    reason: Reason | None = None
    packed_start: int = 0
    packed_finish: int = 0
    packed_value: bytes = b""
    value_size_bytes: int = 0
    files: tuple[FileRef, ...] = ()
    failed_files: tuple[FileRef, ...] = ()
    calls: CallCounts = NO_CALLS
    cells: CellFacts | None = None
    reused_from: str = ""

    @property
    def started_at(self) -> str:
        """When the first attempt began; '' while none has."""
        return _unpacked(self.packed_start)

    @property
    def finished_at(self) -> str:
        """When the step was done, failed for good or was skipped; '' until then."""
        return _unpacked(self.packed_finish)

    @property
    def value(self) -> FileRef | None:
        """The file with the step's value, None until there is one."""
        if not self.packed_value:
            return None
        path = self.packed_value[DIGEST_BYTES:].decode(errors="surrogatepass") or value_path(self.record.id)
        return FileRef(path=path, sha256=self.packed_value[:DIGEST_BYTES].hex(), size_bytes=self.value_size_bytes)

    def with_value(self, value: FileRef) -> StepFacts:
        """The same step with this value."""
        path = b"" if value.path == value_path(self.record.id) else value.path.encode(errors="surrogatepass")
        return replace(self, packed_value=bytes.fromhex(value.sha256) + path, value_size_bytes=value.size_bytes)


def packed(time: str) -> int:
    """The digits of a time in our spelling, as one number; half the memory of the text."""
    return int(time[:4] + time[5:7] + time[8:10] + time[11:13] + time[14:16] + time[17:19] + time[20:26])


def _unpacked(number: int) -> str:
    if not number:
        return ""
    d = f"{number:020d}"
    return f"{d[:4]}-{d[4:6]}-{d[6:8]}T{d[8:10]}:{d[10:12]}:{d[12:14]}.{d[14:]}Z"


class GateFacts(_Fact, frozen=True):
    """One gate that has opened. `checkpoint` covers the journal up to and with its gate_opened.

    `verdict` is 'approved', 'rejected' or 'revised', or '' while the gate waits. `votes` lay sealed at a blind
    gate; `deadline` is None while it has not passed; `lapses` says when an approval had expired before the run
    went on; `told` are the notices that were sent.
    """

    gate: str
    opened_at: str
    request: FileRef
    files: tuple[FileRef, ...]
    shows: tuple[FileRef, ...]
    checkpoint: Checkpoint
    decisions: tuple[DecisionRecorded, ...] = ()
    closed_at: str = ""
    verdict: str = ""
    votes: tuple[VoteCommitted, ...] = ()
    deadline: DeadlinePassed | None = None
    lapses: tuple[str, ...] = ()
    told: tuple[PeopleTold, ...] = ()

    @property
    def votes_to_open(self) -> tuple[str, ...]:
        """Whose votes still lie sealed now that the first has been opened; () before, while votes are awaited."""
        opened = {one.opens for one in self.decisions}
        return tuple(one.signer for one in self.votes if one.number not in opened) if self.decisions else ()


class EnvironmentFacts(_Fact, frozen=True):
    """What environment_recorded said, and when."""

    at: str
    environment: Mapping[str, Any]


class ModelFacts(_Fact, frozen=True):
    """What a model said of itself each time it was opened (the last is `facts`), and its calls.

    `has_changed` is true when a later opening gave other facts than the first.
    """

    name: str
    recorded_at: str
    facts: Mapping[str, Any]
    has_changed: bool = False


class RunFacts(_Fact, frozen=True):
    """A run, as far as its journal has been read. `outcome` and `ended_at` are '' while it is open.

    `steps` has every step of the workflow in the order of the file. `failed_calls` and `limit_changes`
    have the first few only; `calls`, `failures_by_code` and `limits` (by model) count all of them.
    `budget_usd` is the budget now, '' for none, and `budgets` how it was set after the start;
    `budget_reached` is where the run stands still for want of money, else None.
    """

    run_id: str
    started_at: str
    ended_at: str
    last_at: str
    software: Software
    starter: Starter
    is_solo: bool
    supersedes: str
    input: InputRecord
    input_file: FileRef
    environments: tuple[EnvironmentFacts, ...]
    models: Mapping[str, ModelFacts]
    steps: tuple[StepFacts, ...]
    calls: CallCounts
    calls_by_model: Mapping[str, CallCounts]
    money: MoneyFacts
    money_by_model: Mapping[str, MoneyFacts]
    budget_usd: str
    budgets: tuple[BudgetSet, ...]
    budget_stops: int
    budget_reached: BudgetReached | None
    failed_calls: tuple[CallFailed, ...]
    failures_by_code: Mapping[str, int]
    limits: Mapping[str, LimitFacts]
    limit_changes: tuple[LimitChanged, ...]
    gates: tuple[GateFacts, ...]
    refusals: tuple[DecisionRefused, ...]
    tail_cuts: tuple[TailCut, ...]
    interruptions: tuple[RunInterrupted, ...]
    resumes: tuple[RunResumed, ...]
    outcome: str
    checkpoint: Checkpoint
    event_count: int

    @property
    def open_gate(self) -> GateFacts | None:
        """The gate that waits for a person, if one does."""
        return next((gate for gate in self.gates if not gate.verdict), None) if not self.outcome else None

    def with_status(self, *wanted: StepStatus) -> tuple[StepFacts, ...]:
        """The steps that stand so, in the order of the workflow."""
        return tuple(step for step in self.steps if step.status in wanted)

    def without_steps(self) -> RunFacts:
        """What is left when nobody asks about single steps: small, whatever the size of the run."""
        return replace(self, steps=(), input=replace(self.input, steps=[]))

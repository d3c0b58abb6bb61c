"""The history of a run, for readers: a fold from events to facts. It refuses nothing; `rules` does that."""

from __future__ import annotations

from collections.abc import Callable
from functools import singledispatchmethod
from typing import Final

from msgspec.structs import replace

from awo.derive.facts import (
    NO_CALLS,
    CallCounts,
    EnvironmentFacts,
    GateFacts,
    ModelFacts,
    RunFacts,
    StepFacts,
    StepStatus,
    packed,
)
from awo.errors import EvidenceError
from awo.evidence import events as ev
from awo.evidence.layout import JOURNAL
from awo.evidence.merkle import MerkleTree
from awo.evidence.records import InputRecord, StepRecord

FAILED_CALLS_KEPT: Final = 50


class Chronicle:
    """Takes the events of one journal in their order; `facts` gives what they amount to so far.

    Memory: one small struct per step that has begun, one entry per call in flight.
    """

    def __init__(self, input_: InputRecord) -> None:
        self._input = input_
        self._tree = MerkleTree()
        self._started: ev.RunStarted | None = None
        self._finished: ev.RunFinished | None = None
        self._last_at = ""
        self._environments: list[EnvironmentFacts] = []
        self._models: dict[str, ModelFacts] = {}
        self._steps: dict[str, StepRecord | StepFacts] = {record.id: record for record in input_.steps}
        self._calls = NO_CALLS
        self._calls_by_model: dict[str, CallCounts] = {}
        self._model_of_open_call: dict[tuple[str, str], str] = {}
        self._failed_calls: list[ev.CallFailed] = []
        self._gates: list[GateFacts] = []
        self._refusals: list[ev.DecisionRefused] = []
        self._tail_cuts: list[ev.TailCut] = []
        self._interruptions: list[ev.RunInterrupted] = []
        self._resumes: list[ev.RunResumed] = []

    def add(self, event: ev.AnyEvent, line: bytes | None = None) -> None:
        """Takes the next event. `line` is its journal line without newline, where the caller has it at hand."""
        self._tree.append(ev.encode(event) if line is None else line)
        self._last_at = event.at
        self._take(event)

    def facts(self) -> RunFacts:
        """What the events so far amount to. Raises `EvidenceError` before the first run_started."""
        if self._started is None:
            raise EvidenceError("the journal has no run_started", where=JOURNAL)
        return RunFacts(
            run_id=self._started.run_id,
            started_at=self._started.at,
            ended_at=self._finished.at if self._finished else "",
            last_at=self._last_at,
            software=self._started.software,
            starter=self._started.starter,
            is_solo=self._started.solo,
            supersedes=self._started.supersedes,
            input=self._input,
            input_file=self._started.input,
            environments=tuple(self._environments),
            models=dict(self._models),
            steps=tuple(self._step(record.id) for record in self._input.steps),
            calls=self._calls,
            calls_by_model=dict(self._calls_by_model),
            failed_calls=tuple(self._failed_calls),
            gates=tuple(self._gates),
            refusals=tuple(self._refusals),
            tail_cuts=tuple(self._tail_cuts),
            interruptions=tuple(self._interruptions),
            resumes=tuple(self._resumes),
            outcome=self._finished.outcome if self._finished else "",
            checkpoint=self._checkpoint(),
            event_count=self._tree.size,
        )

    def _checkpoint(self) -> ev.Checkpoint:
        return ev.Checkpoint(size=self._tree.size, root=self._tree.root().hex())

    # --- what each kind of event adds -----------------------------------------------------------

    @singledispatchmethod
    def _take(self, event: ev.AnyEvent) -> None:
        raise AssertionError(f"no chapter for {type(event).__name__}")

    @_take.register
    def _(self, event: ev.RunStarted) -> None:
        self._started = event

    @_take.register
    def _(self, event: ev.EnvironmentRecorded) -> None:
        self._environments.append(EnvironmentFacts(at=event.at, environment=event.environment))

    @_take.register
    def _(self, event: ev.ModelRecorded) -> None:
        before = self._models.get(event.model)
        self._models[event.model] = ModelFacts(
            name=event.model,
            recorded_at=event.at,
            facts=event.facts,
            has_changed=before is not None and (before.has_changed or before.facts != event.facts),
        )

    @_take.register
    def _(self, event: ev.RunResumed) -> None:
        self._resumes.append(event)

    @_take.register
    def _(self, event: ev.RunInterrupted) -> None:
        self._interruptions.append(event)

    @_take.register
    def _(self, event: ev.TailCut) -> None:
        self._tail_cuts.append(event)

    @_take.register
    def _(self, event: ev.StepStarted) -> None:
        step = self._step(event.step)
        self._put(
            replace(
                step,
                status=StepStatus.RUNNING,
                attempts=max(step.attempts, event.attempt),
                packed_start=step.packed_start or packed(event.at),
                packed_finish=0,
            )
        )

    @_take.register
    def _(self, event: ev.StepFinished) -> None:
        step = self._step(event.step)
        self._put(
            replace(
                step,
                status=StepStatus.DONE,
                attempts=max(step.attempts, event.attempt),
                packed_start=step.packed_start or packed(event.at),
                packed_finish=packed(event.at),
                files=tuple(event.files),
            ).with_value(event.value)
        )

    @_take.register
    def _(self, event: ev.StepFailed) -> None:
        step = self._step(event.step)
        self._put(
            replace(
                step,
                status=StepStatus.RUNNING if event.retries_left else StepStatus.FAILED,
                attempts=max(step.attempts, event.attempt),
                reason=event.reason,
                packed_finish=0 if event.retries_left else packed(event.at),
                failed_files=(*step.failed_files, *event.files),
            )
        )

    @_take.register
    def _(self, event: ev.StepSkipped) -> None:
        self._put(
            replace(
                self._step(event.step), status=StepStatus.SKIPPED, reason=event.reason, packed_finish=packed(event.at)
            )
        )

    @_take.register
    def _(self, event: ev.CallIntended) -> None:
        self._model_of_open_call[event.step, event.call] = event.model

    @_take.register
    def _(self, event: ev.CallAnswered) -> None:
        recovered = int(event.recovered)
        self._count(
            event.step, event.call, lambda c: replace(c, answered=c.answered + 1, recovered=c.recovered + recovered)
        )

    @_take.register
    def _(self, event: ev.CallFailed) -> None:
        self._count(event.step, event.call, lambda c: replace(c, failed=c.failed + 1))
        if len(self._failed_calls) < FAILED_CALLS_KEPT:
            self._failed_calls.append(event)

    @_take.register
    def _(self, event: ev.CallUnknown) -> None:
        self._count(event.step, event.call, lambda c: replace(c, unknown=c.unknown + 1))

    @_take.register
    def _(self, event: ev.GateOpened) -> None:
        self._gates.append(
            GateFacts(
                gate=event.gate,
                opened_at=event.at,
                request=event.request,
                shows=tuple(event.shows),
                checkpoint=self._checkpoint(),
            )
        )
        step = self._step(event.gate)
        self._put(replace(step, status=StepStatus.WAITING, packed_start=step.packed_start or packed(event.at)))

    @_take.register
    def _(self, event: ev.DecisionRecorded) -> None:
        self._at_gate(event.gate, lambda gate: replace(gate, decisions=(*gate.decisions, event)))

    @_take.register
    def _(self, event: ev.DecisionRefused) -> None:
        self._refusals.append(event)

    @_take.register
    def _(self, event: ev.GateClosed) -> None:
        self._at_gate(event.gate, lambda gate: replace(gate, verdict=event.verdict, closed_at=event.at))
        step = self._step(event.gate)
        if event.verdict == "approved":
            self._put(replace(step, status=StepStatus.RUNNING))
        else:
            reason = ev.Reason(code=event.verdict, message=f"a person {event.verdict} it")
            self._put(replace(step, status=StepStatus.FAILED, reason=reason, packed_finish=packed(event.at)))

    @_take.register
    def _(self, event: ev.RunFinished) -> None:
        self._finished = event

    # --- what the chapters share ------------------------------------------------------------------

    def _step(self, step: str) -> StepFacts:
        known = self._steps.get(step)
        if known is None:
            raise EvidenceError(f"the workflow has no step {step!r}", where=f"{JOURNAL}:{self._tree.size}")
        return StepFacts(record=known) if isinstance(known, StepRecord) else known

    def _put(self, step: StepFacts) -> None:
        self._steps[step.record.id] = step

    def _count(self, step: str, call: str, more: Callable[[CallCounts], CallCounts]) -> None:
        self._calls = more(self._calls)
        facts = self._step(step)
        self._put(replace(facts, calls=more(facts.calls)))
        model = self._model_of_open_call.pop((step, call), "")
        self._calls_by_model[model] = more(self._calls_by_model.get(model, NO_CALLS))

    def _at_gate(self, gate: str, change: Callable[[GateFacts], GateFacts]) -> None:
        """Changes the last opening of `gate`."""
        for index in range(len(self._gates) - 1, -1, -1):
            if self._gates[index].gate == gate:
                self._gates[index] = change(self._gates[index])
                return

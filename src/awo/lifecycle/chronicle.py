"""The history of a run, for readers: a fold from events to facts. It refuses nothing; `rules` does that."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from msgspec.structs import replace

from awo.derive.facts import (
    NO_CALLS,
    NO_MONEY,
    CallCounts,
    EnvironmentFacts,
    GateFacts,
    LimitFacts,
    ModelFacts,
    MoneyFacts,
    RunFacts,
    StepFacts,
    StepStatus,
    packed,
)
from awo.errors import EvidenceError
from awo.evidence import events as ev
from awo.evidence.event_blocks import PLAIN
from awo.evidence.layout import JOURNAL
from awo.evidence.merkle import MerkleTree
from awo.evidence.records import InputRecord, StepRecord
from awo.lifecycle.call_tally import CallBook, StepTally

FAILED_CALLS_KEPT: Final = 50
LIMIT_CHANGES_KEPT: Final = 50
COUNTS_SHARED: Final = 256


class Chronicle:
    """Takes the events of one journal in their order; `facts` gives what they amount to so far.

    Memory: one small struct per step that has begun, one entry per call in flight, and a byte per
    cell of a step that fans out and is not done.
    """

    def __init__(self, input_: InputRecord, tree: MerkleTree | None = None) -> None:
        """`tree` is that of the journal where the caller grows it: then each line is in it before it is added here."""
        self._input = input_
        self._tree = MerkleTree() if tree is None else tree
        self._grows_tree = tree is None
        self._started: ev.RunStarted | None = None
        self._finished: ev.RunFinished | None = None
        self._last_at = ""
        self._environments: list[EnvironmentFacts] = []
        self._models: dict[str, ModelFacts] = {}
        self._steps: dict[str, StepRecord | StepFacts] = {record.id: record for record in input_.steps}
        self._calls = CallBook()
        self._failed_calls: list[ev.CallFailed] = []
        self._limits: dict[str, LimitFacts] = {}
        self._limit_changes: list[ev.LimitChanged] = []
        self._budgets: list[ev.BudgetSet] = []
        self._budget_stops = 0
        self._budget_reached: ev.BudgetReached | None = None
        self._shared_counts: dict[CallCounts, CallCounts] = {}
        self._gates: list[GateFacts] = []
        self._refusals: list[ev.DecisionRefused] = []
        self._tail_cuts: list[ev.TailCut] = []
        self._interruptions: list[ev.RunInterrupted] = []
        self._resumes: list[ev.RunResumed] = []

    def add(self, event: ev.AnyEvent, line: bytes | None = None) -> None:
        """Takes the next event. `line` is its journal line without newline, where the caller has it at hand."""
        if self._grows_tree:
            self._tree.append(ev.encode(event) if line is None else line)
        self._last_at = event.at
        _CHAPTERS[type(event)](self, event)

    def facts(self) -> RunFacts:
        """What the events so far amount to. Raises `EvidenceError` before the first run_started."""
        if self._started is None:
            raise EvidenceError("the journal has no run_started", where=JOURNAL)
        calls = {name: tally.frozen() for name, tally in self._calls.models.items()}
        money = {name: tally.money_facts() for name, tally in self._calls.models.items()}
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
            steps=tuple(self._as_it_stands(record.id) for record in self._input.steps),
            calls=_sum_of_calls(calls),
            calls_by_model=calls,
            money=_sum_of_money(money),
            money_by_model={name: amounts for name, amounts in money.items() if amounts is not NO_MONEY},
            budget_usd=self._budgets[-1].usd if self._budgets else self._input.budget_usd,
            budgets=tuple(self._budgets),
            budget_stops=self._budget_stops,
            budget_reached=self._budget_reached,
            failed_calls=tuple(self._failed_calls),
            failures_by_code=dict(self._calls.failures_by_code),
            limits=dict(self._limits),
            limit_changes=tuple(self._limit_changes),
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

    def _run_started(self, event: ev.RunStarted) -> None:
        self._started = event

    def _environment_recorded(self, event: ev.EnvironmentRecorded) -> None:
        self._environments.append(EnvironmentFacts(at=event.at, environment=event.environment))

    def _model_recorded(self, event: ev.ModelRecorded) -> None:
        before = self._models.get(event.model)
        self._models[event.model] = ModelFacts(
            name=event.model,
            recorded_at=event.at,
            facts=event.facts,
            has_changed=before is not None and (before.has_changed or _own(before.facts) != _own(event.facts)),
        )

    def _run_resumed(self, event: ev.RunResumed) -> None:
        self._resumes.append(event)
        self._budget_reached = None

    def _run_interrupted(self, event: ev.RunInterrupted) -> None:
        self._interruptions.append(event)

    def _tail_cut(self, event: ev.TailCut) -> None:
        self._tail_cuts.append(event)

    def _step_started(self, event: ev.StepStarted) -> None:
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

    def _step_finished(self, event: ev.StepFinished) -> None:
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
        self._close_tally(event.step)

    def _step_failed(self, event: ev.StepFailed) -> None:
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

    def _step_skipped(self, event: ev.StepSkipped) -> None:
        self._put(
            replace(
                self._step(event.step), status=StepStatus.SKIPPED, reason=event.reason, packed_finish=packed(event.at)
            )
        )

    def _fanned_out(self, event: ev.FannedOut) -> None:
        self._calls.step(event.step).fan_out(event.cells, event.asks)

    def _call_intended(self, event: ev.CallIntended) -> None:
        self._calls.intended(event)

    def _call_answered(self, event: ev.CallAnswered) -> None:
        self._calls.answered(event)

    def _call_failed(self, event: ev.CallFailed) -> None:
        self._calls.failed(event)
        if len(self._failed_calls) < FAILED_CALLS_KEPT:
            self._failed_calls.append(event)

    def _call_unknown(self, event: ev.CallUnknown) -> None:
        self._calls.lost(event)

    def _response_reused(self, event: ev.ResponseReused) -> None:
        self._calls.reused(event)

    def _limit_changed(self, event: ev.LimitChanged) -> None:
        before = self._limits.get(event.model)
        self._limits[event.model] = LimitFacts(
            changes=before.changes + 1 if before else 1,
            lowest=min(before.lowest, event.in_flight) if before else event.in_flight,
            last=event,
        )
        if len(self._limit_changes) < LIMIT_CHANGES_KEPT:
            self._limit_changes.append(event)

    def _budget_set(self, event: ev.BudgetSet) -> None:
        self._budgets.append(event)

    def _stopped_for_money(self, event: ev.BudgetReached) -> None:
        self._budget_stops += 1
        self._budget_reached = event

    def _gate_opened(self, event: ev.GateOpened) -> None:
        self._gates.append(
            GateFacts(
                gate=event.gate,
                opened_at=event.at,
                request=event.request,
                files=tuple(event.files),
                shows=tuple(event.shows),
                checkpoint=self._checkpoint(),
            )
        )
        step = self._step(event.gate)
        self._put(replace(step, status=StepStatus.WAITING, packed_start=step.packed_start or packed(event.at)))

    def _decision_recorded(self, event: ev.DecisionRecorded) -> None:
        self._at_gate(event.gate, lambda gate: replace(gate, decisions=(*gate.decisions, event)))

    def _vote_committed(self, event: ev.VoteCommitted) -> None:
        self._at_gate(event.gate, lambda gate: replace(gate, votes=(*gate.votes, event)))

    def _deadline_passed(self, event: ev.DeadlinePassed) -> None:
        self._at_gate(event.gate, lambda gate: replace(gate, deadline=event))

    def _gate_lapsed(self, event: ev.GateLapsed) -> None:
        lapsed = event.at
        self._at_gate(event.gate, lambda gate: replace(gate, verdict="", closed_at="", lapses=(*gate.lapses, lapsed)))
        self._put(replace(self._step(event.gate), status=StepStatus.WAITING))

    def _people_told(self, event: ev.PeopleTold) -> None:
        self._at_gate(event.gate, lambda gate: replace(gate, told=(*gate.told, event)))

    def _step_reused(self, event: ev.StepReused) -> None:
        self._put(
            replace(
                self._step(event.step),
                status=StepStatus.DONE,
                packed_start=packed(event.at),
                packed_finish=packed(event.at),
                files=tuple(event.files),
                reused_from=event.run_id,
            ).with_value(event.value)
        )

    def _decision_refused(self, event: ev.DecisionRefused) -> None:
        self._refusals.append(event)

    def _gate_closed(self, event: ev.GateClosed) -> None:
        self._at_gate(event.gate, lambda gate: replace(gate, verdict=event.verdict, closed_at=event.at))
        step = self._step(event.gate)
        if event.verdict == "approved":
            self._put(replace(step, status=StepStatus.RUNNING))
        else:
            reason = ev.Reason(code=event.verdict, message=f"a person {event.verdict} it")
            self._put(replace(step, status=StepStatus.FAILED, reason=reason, packed_finish=packed(event.at)))

    def _run_finished(self, event: ev.RunFinished) -> None:
        self._finished = event

    # --- what the chapters share ------------------------------------------------------------------

    def _step(self, step: str) -> StepFacts:
        known = self._steps.get(step)
        if known is None:
            raise EvidenceError(f"the workflow has no step {step!r}", where=f"{JOURNAL}:{self._tree.size}")
        return StepFacts(record=known) if isinstance(known, StepRecord) else known

    def _put(self, step: StepFacts) -> None:
        self._steps[step.record.id] = step

    def _as_it_stands(self, step: str) -> StepFacts:
        """The step with the calls that are counted apart while it is not done."""
        facts = self._step(step)
        tally = self._calls.steps.get(step)
        return self._with_calls(facts, tally) if tally is not None else facts

    def _close_tally(self, step: str) -> None:
        tally = self._calls.steps.pop(step, None)
        if tally is not None:
            self._put(self._with_calls(self._step(step), tally))

    def _with_calls(self, facts: StepFacts, tally: StepTally) -> StepFacts:
        calls = facts.calls.plus(tally.frozen())
        shared = self._shared_counts.get(calls)  # in a long chain most steps have the same few numbers
        if shared is None:
            shared = calls
            if len(self._shared_counts) < COUNTS_SHARED:
                self._shared_counts[calls] = calls
        return replace(facts, calls=shared, cells=tally.cell_facts() or facts.cells)

    def _at_gate(self, gate: str, change: Callable[[GateFacts], GateFacts]) -> None:
        """Changes the last opening of `gate`."""
        for index in range(len(self._gates) - 1, -1, -1):
            if self._gates[index].gate == gate:
                self._gates[index] = change(self._gates[index])
                return


def _own(facts: Mapping[str, Any]) -> dict[str, Any]:
    """What a model said of itself, wherever that was recorded."""
    return {name: value for name, value in facts.items() if name != "recorded_in"}


def _sum_of_calls(by_model: Mapping[str, CallCounts]) -> CallCounts:
    total = NO_CALLS
    for counts in by_model.values():
        total = total.plus(counts)
    return total


def _sum_of_money(by_model: Mapping[str, MoneyFacts]) -> MoneyFacts:
    total = NO_MONEY
    for amounts in by_model.values():
        total = total.plus(amounts)
    return total


_CHAPTERS: dict[type[ev.Event], Callable[[Chronicle, Any], None]] = {
    ev.RunStarted: Chronicle._run_started,
    ev.EnvironmentRecorded: Chronicle._environment_recorded,
    ev.ModelRecorded: Chronicle._model_recorded,
    ev.RunResumed: Chronicle._run_resumed,
    ev.RunInterrupted: Chronicle._run_interrupted,
    ev.TailCut: Chronicle._tail_cut,
    ev.StepStarted: Chronicle._step_started,
    ev.StepFinished: Chronicle._step_finished,
    ev.StepFailed: Chronicle._step_failed,
    ev.StepSkipped: Chronicle._step_skipped,
    ev.FannedOut: Chronicle._fanned_out,
    ev.CallIntended: Chronicle._call_intended,
    ev.CallAnswered: Chronicle._call_answered,
    ev.CallFailed: Chronicle._call_failed,
    ev.CallUnknown: Chronicle._call_unknown,
    ev.ResponseReused: Chronicle._response_reused,
    ev.LimitChanged: Chronicle._limit_changed,
    ev.BudgetSet: Chronicle._budget_set,
    ev.BudgetReached: Chronicle._stopped_for_money,
    ev.GateOpened: Chronicle._gate_opened,
    ev.DecisionRecorded: Chronicle._decision_recorded,
    ev.DecisionRefused: Chronicle._decision_refused,
    ev.VoteCommitted: Chronicle._vote_committed,
    ev.DeadlinePassed: Chronicle._deadline_passed,
    ev.GateLapsed: Chronicle._gate_lapsed,
    ev.PeopleTold: Chronicle._people_told,
    ev.StepReused: Chronicle._step_reused,
    ev.GateClosed: Chronicle._gate_closed,
    ev.RunFinished: Chronicle._run_finished,
}
_CHAPTERS |= {PLAIN[kind]: _CHAPTERS[kind] for kind in PLAIN}

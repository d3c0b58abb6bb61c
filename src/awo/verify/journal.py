"""Reads the journal line by line: what is recorded, whether each move was allowed, and the tree over it all."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final

from awo.canon.digest import leaf_hashes
from awo.canon.lines import Lines
from awo.derive.facts import RunFacts
from awo.errors import AwoError, EvidenceError
from awo.evidence import events as ev
from awo.evidence.event_blocks import PLAIN, decode_block
from awo.evidence.layout import (
    DECISIONS,
    INPUT,
    ITEMS_FILE,
    JOURNAL,
    OUTPUTS,
    attempt_folder,
    authority_path,
    decision_path,
    gate_request_path,
    items_path,
    responses_path,
    signature_path,
    value_path,
    vote_path,
)
from awo.evidence.merkle import MerkleTree
from awo.evidence.records import InputRecord
from awo.lifecycle.chronicle import Chronicle
from awo.lifecycle.rules import RuleBroken, RunState
from awo.verify.findings import MOST_FINDINGS, Finding
from awo.verify.recorded import RecordedFrames, RecordedItems, RecordedLines
from awo.verify.shown import why_not_all_shown

OF_CALLS: Final = frozenset(PLAIN.values())
"""Kinds of events that are taken before the tree has their line."""


@dataclass(slots=True)
class GateSeen:
    """A gate that opened. `checkpoint` covers the journal up to and with its gate_opened.

    `turns` are the events that closed it, opened it again, or said that its deadline had passed, in their order;
    `went_on` is the event with which the run went on behind it.
    """

    opened: ev.GateOpened
    checkpoint: ev.Checkpoint
    decisions: list[ev.DecisionRecorded] = field(default_factory=list)
    votes: list[ev.VoteCommitted] = field(default_factory=list)
    turns: list[ev.DeadlinePassed | ev.GateLapsed | ev.GateClosed] = field(default_factory=list)
    went_on: ev.StepFinished | None = None
    verdict: str = ""
    escalated: ev.DeadlinePassed | None = None

    def is_escalated_at(self, seq: int) -> bool:
        """Whether event `seq` came after the deadline, when other people were asked."""
        return self.escalated is not None and self.escalated.seq < seq


class JournalReader:
    """A fold over the journal's bytes; `plan` is input.json, or None when that could not be read.

    After the first bad line nothing is decoded any more, after the first broken rule the rule book
    is not asked any more; the tree goes on to the end.
    """

    def __init__(self, plan: InputRecord | None, line_limit_bytes: int) -> None:
        self.tree = MerkleTree()
        self.state = RunState(plan.steps, plan.budget_usd, keeps_answers=False) if plan is not None else None
        self.chronicle = Chronicle(plan, self.tree) if plan is not None else None
        self.bad_line: Finding | None = None
        self.broken_rule: Finding | None = None
        self.torn_bytes = 0
        self.started: ev.RunStarted | None = None
        self.finished: ev.RunFinished | None = None
        self.refs: dict[str, ev.FileRef] = {}
        self.misplaced: list[Finding] = []
        self.lines: dict[str, RecordedLines] = {}
        self.segments: dict[int, RecordedFrames] = {}
        self.items: dict[str, RecordedItems] = {}
        self.gates: list[GateSeen] = []
        self.shown_wrongly: list[Finding] = []
        self.gate_events: list[ev.AnyEvent] = []
        self.clock_steps_back = 0
        self.answered = 0
        self.exchanges = 0
        self.failures: set[tuple[str, int, str]] = set()
        self._fans_out = {step.id for step in plan.steps if step.cells} if plan is not None else set()
        self._cells: dict[str, int] = {}
        self._intents: dict[str, ev.CallIntended] = {}
        self._outputs: dict[str, ev.FileRef] = {}
        self._gate_of: dict[str, GateSeen] = {}
        self._last_at = ""
        self._cutter = Lines(line_limit_bytes)
        self._takes: dict[type[Any], Callable[[Any], None]] = {
            ev.RunStarted: self._run_started,
            ev.StepFinished: self._step_finished,
            ev.StepFailed: self._step_failed,
            ev.FannedOut: self._fanned_out,
            ev.CallIntended: self._call_intended,
            ev.CallAnswered: self._call_answered,
            ev.CallFailed: self._call_without_answer,
            ev.CallUnknown: self._call_without_answer,
            ev.ResponseReused: self._response_reused,
            ev.StepReused: self._step_reused,
            ev.GateOpened: self._gate_opened,
            ev.VoteCommitted: self._vote_committed,
            ev.DeadlinePassed: self._of_gate,
            ev.GateLapsed: self._of_gate,
            ev.DecisionRecorded: self._decision_recorded,
            ev.GateClosed: self._gate_closed,
            ev.RunFinished: self._run_finished,
        }
        self._takes |= {PLAIN[kind]: self._takes[kind] for kind in PLAIN}

    def feed(self, chunk: bytes | memoryview) -> None:
        """The next bytes of the file."""
        block = self._cutter.block(chunk)
        if not block:
            return
        lines = block[:-1].split(b"\n")
        events = decode_block(block, len(lines)) if self.bad_line is None else None
        if events is None:
            for line in lines:
                self._line(line)
        else:
            self._events(events, leaf_hashes(lines))

    def end(self) -> None:
        """After the last byte."""
        self.torn_bytes = len(self._cutter.rest)
        if self._cutter.is_too_long:
            self._bad(Finding(f"{JOURNAL}:{self.tree.size + 1}", "a journal line is longer than the limit"))

    def facts(self) -> RunFacts | None:
        """What the events amount to; None when they cannot be followed to the end."""
        if self.chronicle is None or self.started is None or self.bad_line or self.broken_rule:
            return None
        return self.chronicle.facts()

    @property
    def checkpoint(self) -> ev.Checkpoint:
        return ev.Checkpoint(size=self.tree.size, root=self.tree.root().hex())

    def _line(self, line: bytes) -> None:
        number = self.tree.size
        self.tree.append(line)
        if self.bad_line is not None:
            return
        try:
            event = ev.decode(line, number)
        except EvidenceError as error:
            self._bad(Finding.of(error))
            return
        except RecursionError:
            self._bad(Finding(f"{JOURNAL}:{number + 1}", "a journal line is nested too deeply"))
            return
        self._event(event)

    def _events(self, events: list[ev.AnyEvent], leaves: bytes) -> None:
        """The events of a block, each as `_line` takes it. Of those of calls nobody asks how large the tree is."""
        tree, done = self.tree, 0
        for number, event in enumerate(events, start=1):
            if type(event) not in OF_CALLS:
                tree.append_hashes(leaves[32 * done : 32 * number])
                done = number
            self._event(event)
        tree.append_hashes(leaves[32 * done :])

    def _event(self, event: ev.AnyEvent) -> None:
        if event.at < self._last_at:
            self.clock_steps_back += 1
        self._last_at = event.at
        if self.state is not None and self.broken_rule is None:
            try:
                self.state.advance(event)
            except RuleBroken as error:
                self.broken_rule = Finding.of(error)
            else:
                self._tell(event)
        take = self._takes.get(type(event))
        if take is not None:
            take(event)

    def _tell(self, event: ev.AnyEvent) -> None:
        """The history of the run, as far as every move was allowed."""
        if self.chronicle is None:
            return
        try:
            self.chronicle.add(event)
        except (AwoError, LookupError, ValueError):
            self.chronicle = None

    def _bad(self, finding: Finding) -> None:
        if self.bad_line is None:
            self.bad_line = finding

    # --- what the kinds of event add -----------------------------------------------------------------

    def _run_started(self, event: ev.RunStarted) -> None:
        if self.started is None:
            self.started = event
            self._name(event.input, event.input.path == INPUT)
            self._outputs[event.input.path] = event.input
            self.gate_events.append(event)

    def _step_finished(self, event: ev.StepFinished) -> None:
        self._value(event)
        gate = self._gate(event.step)
        if gate is not None and gate.went_on is None:
            gate.went_on = event
        if event.step in self._fans_out:
            cells = self._cells.get(event.step, 0)
            self.items[items_path(event.step)] = RecordedItems(event.step, cells, event.value)

    def _step_failed(self, event: ev.StepFailed) -> None:
        self._name_files(event.step, event.files)
        path = f"{attempt_folder(event.step, event.attempt)}/{ITEMS_FILE}"
        if event.step in self._fans_out and any(ref.path == path for ref in event.files):
            self.items[path] = RecordedItems(event.step, self._cells.get(event.step, 0), None)

    def _step_reused(self, event: ev.StepReused) -> None:
        self._value(event)

    def _value(self, event: ev.StepFinished | ev.StepReused) -> None:
        self._name(event.value, event.value.path == value_path(event.step))
        self._outputs[event.value.path] = event.value
        self._name_files(event.step, event.files)

    def _name_files(self, step: str, files: list[ev.FileRef]) -> None:
        folder = f"{OUTPUTS}/{step}/"
        for ref in files:
            self._name(ref, ref.path.startswith(folder))
            self._outputs[ref.path] = ref

    def _fanned_out(self, event: ev.FannedOut) -> None:
        self._cells[event.step] = event.cells

    def _call_intended(self, event: ev.CallIntended) -> None:
        self._intents[event.call] = event

    def _call_answered(self, event: ev.CallAnswered) -> None:
        intent = self._intent(event)
        self._lines_of(event.step).answered(event, intent)
        self._exchange(event, intent)
        self.answered += 1

    def _call_without_answer(self, event: ev.CallFailed | ev.CallUnknown) -> None:
        intent = self._intent(event)
        self._exchange(event, intent)
        if intent is not None:
            code = event.reason.code if isinstance(event, ev.CallFailed) else "outcome_unknown"
            self.failures.add((sys.intern(event.step), intent.cell, sys.intern(code)))

    def _response_reused(self, event: ev.ResponseReused) -> None:
        self._lines_of(event.step).reused(event)
        self.answered += 1

    def _intent(self, event: ev.CallAnswered | ev.CallFailed | ev.CallUnknown) -> ev.CallIntended | None:
        intent = self._intents.pop(event.call, None)
        return intent if intent is not None and intent.step == event.step else None

    def _lines_of(self, step: str) -> RecordedLines:
        path = responses_path(step)
        known = self.lines.get(path)
        if known is None:
            known = self.lines[path] = RecordedLines()
        return known

    def _exchange(
        self, event: ev.CallAnswered | ev.CallFailed | ev.CallUnknown, intent: ev.CallIntended | None
    ) -> None:
        ref = event.exchange
        if ref is not None:
            frames = self.segments.get(ref.segment)
            if frames is None:
                frames = self.segments[ref.segment] = RecordedFrames()
            frames.add(ref, event.step, event.call, intent.model if intent is not None else "")
            self.exchanges += 1

    def _gate_opened(self, event: ev.GateOpened) -> None:
        self._name(event.request, event.request.path == gate_request_path(event.gate))
        for ref in event.files:
            self._name(ref, ref.path.startswith(f"{OUTPUTS}/{event.gate}/"))
        for ref in event.shows:
            self._name(ref, not ref.path.startswith(f"{DECISIONS}/"))
        self._outputs.update((ref.path, ref) for ref in (event.request, *event.files))
        wrong = why_not_all_shown(event, self._outputs, self.tree.size)
        if wrong is not None and len(self.shown_wrongly) < MOST_FINDINGS:
            self.shown_wrongly.append(wrong)
        self._gate_of[event.gate] = GateSeen(event, self.checkpoint)
        self.gates.append(self._gate_of[event.gate])
        self.gate_events.append(event)

    def _decision_recorded(self, event: ev.DecisionRecorded) -> None:
        path = decision_path(event.number, event.gate)
        self._name(event.decision, event.decision.path == path)
        self._name_signed(path, event)
        gate = self._gate(event.gate)
        if gate is not None:
            gate.decisions.append(event)
        self.gate_events.append(event)

    def _vote_committed(self, event: ev.VoteCommitted) -> None:
        path = vote_path(event.number, event.gate)
        self._name(event.vote, event.vote.path == path)
        self._name_signed(path, event)
        gate = self._gate(event.gate)
        if gate is not None:
            gate.votes.append(event)
        self.gate_events.append(event)

    def _name_signed(self, path: str, event: ev.DecisionRecorded | ev.VoteCommitted) -> None:
        self._name(event.signature, event.signature.path == signature_path(path))
        self._name(event.authority, event.authority.path == authority_path(path))

    def _of_gate(self, event: ev.DeadlinePassed | ev.GateLapsed) -> None:
        gate = self._gate(event.gate)
        if gate is not None:
            gate.turns.append(event)
            if isinstance(event, ev.DeadlinePassed) and event.then == "escalate" and gate.escalated is None:
                gate.escalated = event
        self.gate_events.append(event)

    def _gate_closed(self, event: ev.GateClosed) -> None:
        gate = self._gate(event.gate)
        if gate is not None:
            gate.verdict = event.verdict
            gate.turns.append(event)
        self.gate_events.append(event)

    def _run_finished(self, event: ev.RunFinished) -> None:
        self.finished = event
        self.gate_events.append(event)

    def _gate(self, gate: str) -> GateSeen | None:
        return self._gate_of.get(gate)

    def _name(self, ref: ev.FileRef, is_in_place: bool) -> None:
        """Notes a file that an event names; the same path with another digest is a contradiction."""
        where = f"{JOURNAL}:{self.tree.size}"
        if not is_in_place:
            self.misplaced.append(Finding(where, f"the event names a file in a place that is not its own: {ref.path}"))
        known = self.refs.setdefault(ref.path, ref)
        if known is not ref and known != ref:
            self.misplaced.append(
                Finding(where, f"two events name {ref.path} with different digests", known.sha256, ref.sha256)
            )

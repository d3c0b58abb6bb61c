"""The rule book of a run (spec section 5): a fold over events that refuses a move that may not follow.

`RunState` is the whole state of a run. The engine has no other; the judge replays it line by line.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, NoReturn

from awo.canon.usd import picodollars, usd
from awo.errors import EvidenceError
from awo.evidence import events as ev
from awo.evidence.event_blocks import PLAIN
from awo.evidence.exchanges import LARGEST_SEGMENT_BYTES
from awo.evidence.layout import JOURNAL
from awo.evidence.records import StepRecord
from awo.lifecycle.answered import AnsweredLines
from awo.lifecycle.gate_book import GateBook
from awo.lifecycle.money import Money
from awo.lifecycle.steps import Status, StepState


class RuleBroken(EvidenceError):
    """An event stands where the rule book does not allow it."""


class RunState:
    """The state of a run after a number of events; `advance` takes the next one.

    `size` is the number of events so far, `gates` what is known of gates and decisions; `raw_end` is where
    the next exchange is written: segment (0 before the first) and offset in bytes.
    """

    def __init__(self, steps: Iterable[StepRecord], budget_usd: str = "", *, keeps_answers: bool = True) -> None:
        """`keeps_answers`: whether `StepState.answered` is kept, for whoever asks for an answer again."""
        self.steps: dict[str, StepState] = {record.id: StepState(record) for record in steps}
        self.size = 0
        self.started: ev.RunStarted | None = None
        self.outcome = ""
        self.gates = GateBook()
        self.running = 0
        self.calls = 0
        self.is_resumed = False
        self._keeps_answers = keeps_answers
        self.raw_end = (0, 0)
        self.money = Money(picodollars(budget_usd) if budget_usd else None)

    def advance(self, event: ev.AnyEvent) -> None:
        """Takes the next event, or raises `RuleBroken` and leaves the state as it was."""
        if event.seq != self.size:
            self._refuse(event, f"its seq is {event.seq}", expected=str(self.size))
        if self.outcome:
            self._refuse(event, "the run has finished")
        if self.started is None and not isinstance(event, ev.RunStarted):
            self._refuse(event, "the first event must be run_started")
        _RULES[type(event)](self, event)
        self.size += 1

    def needs_met(self, step: StepState) -> bool:
        """Whether everything that `step` needs is done. A skipped need counts for or behind a gate only."""
        return all(self._need_met(step, self.steps[need]) for need in step.record.needs)

    def is_held_by_skip(self, step: StepState) -> str:
        """The id of a skipped step that makes `step` impossible, or ''."""
        for need in step.record.needs:
            needed = self.steps[need]
            if needed.status is Status.SKIPPED and not needed.is_gate and not step.is_gate:
                return need
        return ""

    def outcome_allowed(self) -> str:
        """The outcome with which the run may finish now of itself (completed, approved, rejected), or ''."""
        if self.gates.rejected:
            return "rejected"
        if all(s.status in (Status.DONE, Status.SKIPPED) for s in self.steps.values()):
            return "approved" if self.gates.approved else "completed"
        return ""

    def failed_steps(self) -> list[str]:
        """The ids of the steps that have failed, in the order of the workflow."""
        return [id_ for id_, step in self.steps.items() if step.status is Status.FAILED]

    # --- the rules, one per kind ---------------------------------------------------------------

    def _run_started(self, event: ev.RunStarted) -> None:
        if self.started is not None:
            self._refuse(event, "the run has started already")
        self.started = event

    def _noted(self, event: ev.AnyEvent) -> None:
        """A fact that moves nothing."""

    def _run_resumed(self, event: ev.RunResumed) -> None:
        for step in self.steps.values():
            if step.status is Status.RUNNING:
                step.status = Status.WAITING
            step.may_start = True
        self.running = 0
        self.is_resumed = True

    def _step_started(self, event: ev.StepStarted) -> None:
        step = self._step(event, event.step)
        if step.status not in (Status.WAITING, Status.FAILED) or not step.may_start:
            self._refuse(event, f"step {event.step!r} is {step.status.name.lower()} and may not start")
        if self.gates.open_gate:
            self._refuse(event, f"the gate {self.gates.open_gate!r} is open")
        if self.gates.rejected:
            self._refuse(event, f"the gate {self.gates.rejected!r} was rejected")
        if not self.needs_met(step):
            self._refuse(event, f"step {event.step!r} needs a step that is not done")
        if step.open_calls:
            self._refuse(event, f"step {event.step!r} has a call whose outcome is not recorded")
        if event.attempt != step.attempts + 1:
            self._refuse(event, f"attempt {event.attempt}", expected=str(step.attempts + 1))
        step.attempts += 1
        step.cells = 0 if step.record.cells else 1
        step.is_fanned_out = False
        step.status = Status.RUNNING
        self.running += 1

    def _fanned_out(self, event: ev.FannedOut) -> None:
        step = self._running_step(event, event.step, event.attempt)
        if step.record.cells is None:
            self._refuse(event, f"step {event.step!r} does not fan out")
        if step.is_fanned_out:
            self._refuse(event, f"step {event.step!r} has fanned out in this attempt already")
        step.cells = event.cells
        step.is_fanned_out = True

    def _call_intended(self, event: ev.CallIntended) -> None:
        step = self._running_step(event, event.step, event.attempt)
        call = event.call
        if call != str(self.calls):
            self._refuse(event, f"call {call!r}", expected=repr(str(self.calls)))
        self._in_cell(event, step, event.cell, event.repeat)
        if (event.tries == 1) != (not event.because):
            self._refuse(event, "a first sending has no reason, and a later one has")
        money, price = self.money, event.worst_price
        if money.budget is not None and (why := money.why_not(price)):
            self._refuse(event, why)
        if step.open_calls is None:
            step.open_calls = {}
        step.open_calls[call] = event
        if price != "0":
            money.reserve(price)
        self.calls += 1

    def _call_answered(self, event: ev.CallAnswered) -> None:
        step = self._step(event, event.step)
        intent = self._open_call(event, step, event.call)
        if event.recovered == (step.status is Status.RUNNING):
            self._refuse(event, "an answer is recovered if and only if its step is not running")
        if event.line != step.lines:
            self._next_line(event, step, event.line)
        if event.exchange is not None:
            self._next_exchange(event, event.exchange)
        self._close_call(step, event.call)
        if self._keeps_answers:
            self._answered(step).add(intent.request_sha256, event.sha256, event.size_bytes, intent.cell)
        step.lines += 1
        if step.unknown is not None:
            step.unknown.discard(intent.request_sha256)  # somebody let it be asked again, and it was answered
        if not intent.worst_price == event.cost == "0":
            self.money.settle(intent.worst_price, event.cost)

    def _call_failed(self, event: ev.CallFailed) -> None:
        step = self._running_step(event, event.step)
        intent = self._open_call(event, step, event.call)
        self._next_exchange(event, event.exchange)
        self._close_call(step, event.call)
        self.money.settle(intent.worst_price, "" if event.may_have_cost else "0")

    def _call_unknown(self, event: ev.CallUnknown) -> None:
        step = self._step(event, event.step)
        intent = self._open_call(event, step, event.call)
        self._next_exchange(event, event.exchange)
        self._close_call(step, event.call)
        self.money.settle(intent.worst_price, "")
        if event.policy == "fail":
            if step.unknown is None:
                step.unknown = set()
            step.unknown.add(intent.request_sha256)

    def _response_reused(self, event: ev.ResponseReused) -> None:
        step = self._step(event, event.step)
        if event.attempt != step.attempts or step.status not in (Status.RUNNING, Status.WAITING, Status.FAILED):
            self._refuse(event, f"step {event.step!r} is not at attempt {event.attempt}")
        self._in_cell(event, step, event.cell, event.repeat)
        self._next_line(event, step, event.line)
        if self._keeps_answers:
            self._answered(step).add(event.request_sha256, event.sha256, event.size_bytes, event.cell)
        step.lines += 1

    def _budget_set(self, event: ev.BudgetSet) -> None:
        self.money.budget = picodollars(event.usd)

    def _budget_reached(self, event: ev.BudgetReached) -> None:
        money = self.money
        if money.budget is None:
            self._refuse(event, "the run has no budget")
        for name, said, known in (
            ("budget", event.budget, money.budget),
            ("spent", event.spent, money.spent),
            ("unknown", event.unknown, money.unknown),
        ):
            if picodollars(said) != known:
                self._refuse(event, f"its {name} is {said}", expected=usd(known))
        if not money.why_not(event.worst):
            self._refuse(event, f"a call of {event.worst} is within the budget")

    def _step_finished(self, event: ev.StepFinished) -> None:
        step = self._step(event, event.step)
        if step.is_gate:
            if step.status is not Status.GATE_APPROVED:
                self._refuse(event, f"the gate {event.step!r} has not been approved")
        else:
            step = self._running_step(event, event.step, event.attempt)
            self.running -= 1
        if step.open_calls:
            self._refuse(event, f"step {event.step!r} has a call whose outcome is not recorded")
        if step.record.cells and not step.is_fanned_out:
            self._refuse(event, f"step {event.step!r} has not fanned out in this attempt")
        step.status = Status.DONE
        step.value_sha256 = bytes.fromhex(event.value.sha256)
        step.open_calls = step.answered = step.unknown = None

    def _step_failed(self, event: ev.StepFailed) -> None:
        step = self._running_step(event, event.step, event.attempt)
        if step.open_calls:
            self._refuse(event, f"step {event.step!r} has a call whose outcome is not recorded")
        step.status = Status.FAILED
        step.failed_attempt = event.attempt
        step.may_start = event.retries_left > 0
        self.running -= 1

    def _step_reused(self, event: ev.StepReused) -> None:
        step = self._step(event, event.step)
        if step.status is not Status.WAITING or step.attempts or step.is_gate or step.record.cells:
            self._refuse(event, f"step {event.step!r} may not be taken over")
        if self.gates.open_gate or self.gates.rejected:
            self._refuse(event, f"the gate {self.gates.open_gate or self.gates.rejected!r} stands before it")
        if not self.needs_met(step):
            self._refuse(event, f"step {event.step!r} needs a step that is not done")
        step.status = Status.DONE
        step.value_sha256 = bytes.fromhex(event.value.sha256)

    def _step_skipped(self, event: ev.StepSkipped) -> None:
        step = self._step(event, event.step)
        if step.status is not Status.WAITING or not all(
            self.steps[need].status in (Status.DONE, Status.SKIPPED) for need in step.record.needs
        ):
            self._refuse(event, f"step {event.step!r} may not be skipped now")
        if not step.record.when and not self.is_held_by_skip(step):
            self._refuse(event, f"step {event.step!r} has no condition and needs no skipped step")
        step.status = Status.SKIPPED

    def _gate_opened(self, event: ev.GateOpened) -> None:
        step = self._running_step(event, event.gate)
        if not step.is_gate:
            self._refuse(event, f"step {event.gate!r} is no gate")
        if self.running != 1:
            self._refuse(event, "other steps are running")
        step.status = Status.GATE_OPEN
        self.running -= 1
        self.gates.open(event)

    def _vote_committed(self, event: ev.VoteCommitted) -> None:
        self._at_open_gate(event, event.gate)
        if why := self.gates.why_no_vote(event):
            self._refuse(event, why)

    def _decision_recorded(self, event: ev.DecisionRecorded) -> None:
        self._at_open_gate(event, event.gate)
        if why := self.gates.why_no_decision(event):
            self._refuse(event, why)

    def _gate_closed(self, event: ev.GateClosed) -> None:
        self._at_open_gate(event, event.gate)
        if why := self.gates.why_not_closed(event):
            self._refuse(event, why)
        is_approved = event.verdict == "approved"
        self.steps[event.gate].status = Status.GATE_APPROVED if is_approved else Status.GATE_REJECTED

    def _deadline_passed(self, event: ev.DeadlinePassed) -> None:
        self._at_open_gate(event, event.gate)
        if self.gates.deadline is not None:
            self._refuse(event, "the deadline of this gate has passed already")
        self.gates.pass_deadline(event)

    def _gate_lapsed(self, event: ev.GateLapsed) -> None:
        step = self._step(event, event.gate)
        if step.status is not Status.GATE_APPROVED:
            self._refuse(event, f"the gate {event.gate!r} is not approved, or the run has gone on behind it")
        step.status = Status.GATE_OPEN
        self.gates.reopen(event)

    def _people_told(self, event: ev.PeopleTold) -> None:
        self._at_open_gate(event, event.gate)

    def _run_finished(self, event: ev.RunFinished) -> None:
        if self.running:
            self._refuse(event, "steps are running")
        allowed = self.outcome_allowed()
        if event.outcome == "failed":
            fits = not allowed and bool(self.failed_steps())
        elif event.outcome == "abandoned":
            fits = not allowed
        else:
            fits = event.outcome == allowed
        if not fits:
            self._refuse(event, f"the run may not finish as {event.outcome}", expected=allowed or "failed or abandoned")
        self.outcome = event.outcome

    # --- what the rules share ---------------------------------------------------------------------

    def _refuse(self, event: ev.AnyEvent, why: str, *, expected: str = "") -> NoReturn:
        kind = event.__struct_config__.tag
        raise RuleBroken(f"{kind} may not stand here: {why}", where=f"{JOURNAL}:{self.size + 1}", expected=expected)

    def _step(self, event: ev.AnyEvent, id_: str) -> StepState:
        step = self.steps.get(id_)
        if step is None:
            raise RuleBroken(f"the workflow has no step {id_!r}", where=f"{JOURNAL}:{self.size + 1}")
        return step

    def _running_step(self, event: ev.AnyEvent, id_: str, attempt: int = 0) -> StepState:
        step = self._step(event, id_)
        if step.status is not Status.RUNNING:
            self._refuse(event, f"step {id_!r} is not running")
        if attempt and attempt != step.attempts:
            self._refuse(event, f"attempt {attempt}", expected=str(step.attempts))
        return step

    def _open_call(self, event: ev.AnyEvent, step: StepState, call: str) -> ev.CallIntended:
        intent = step.open_calls.get(call) if step.open_calls else None
        if intent is None:
            raise RuleBroken(
                f"call {call!r} was not intended, or has its outcome already", where=f"{JOURNAL}:{self.size + 1}"
            )
        return intent

    @staticmethod
    def _answered(step: StepState) -> AnsweredLines:
        if step.answered is None:
            step.answered = AnsweredLines()
        return step.answered

    def _in_cell(self, event: ev.AnyEvent, step: StepState, cell: int, repeat: int) -> None:
        """A request belongs to a cell of the attempt; the repeats of a row and combination follow one another."""
        if cell >= step.cells:
            self._refuse(event, f"cell {cell}", expected=f"below {step.cells}")
        fits = cell % step.record.cells.repeats if step.record.cells else 0
        if repeat != fits:
            self._refuse(event, f"repeat {repeat}", expected=str(fits))

    def _next_line(self, event: ev.AnyEvent, step: StepState, line: int) -> None:
        if line != step.lines:
            self._refuse(event, f"line {line}", expected=str(step.lines))

    def _next_exchange(self, event: ev.AnyEvent, exchange: ev.ExchangeRef | None) -> None:
        """Exchanges stand one after the other, in the order of the events that name them."""
        if exchange is None:
            return
        segment, end = self.raw_end
        if (exchange.segment, exchange.offset) not in ((segment, end), (segment + 1, 0)):
            got = f"segment {exchange.segment}, byte {exchange.offset}"
            self._refuse(event, got, expected=f"segment {segment}, byte {end}, or a new segment")
        if exchange.offset and exchange.offset + exchange.size_bytes > LARGEST_SEGMENT_BYTES:
            self._refuse(event, f"segment {exchange.segment} is full", expected="a new segment")
        self.raw_end = (exchange.segment, exchange.offset + exchange.size_bytes)

    @staticmethod
    def _close_call(step: StepState, call: str) -> None:
        if step.open_calls is not None:
            del step.open_calls[call]
            if not step.open_calls:
                step.open_calls = None

    def _at_open_gate(self, event: ev.AnyEvent, gate: str) -> None:
        self._step(event, gate)
        if self.gates.open_gate != gate:
            self._refuse(event, f"the gate {gate!r} is not open")

    def _need_met(self, step: StepState, needed: StepState) -> bool:
        if needed.status is Status.DONE:
            return True
        return needed.status is Status.SKIPPED and (needed.is_gate or step.is_gate)


_RULES: dict[type[ev.Event], Callable[[RunState, Any], None]] = {
    ev.RunStarted: RunState._run_started,
    ev.EnvironmentRecorded: RunState._noted,
    ev.ModelRecorded: RunState._noted,
    ev.RunInterrupted: RunState._noted,
    ev.TailCut: RunState._noted,
    ev.DecisionRefused: RunState._noted,
    ev.LimitChanged: RunState._noted,
    ev.BudgetSet: RunState._budget_set,
    ev.BudgetReached: RunState._budget_reached,
    ev.RunResumed: RunState._run_resumed,
    ev.StepStarted: RunState._step_started,
    ev.FannedOut: RunState._fanned_out,
    ev.CallIntended: RunState._call_intended,
    ev.CallAnswered: RunState._call_answered,
    ev.CallFailed: RunState._call_failed,
    ev.CallUnknown: RunState._call_unknown,
    ev.ResponseReused: RunState._response_reused,
    ev.StepFinished: RunState._step_finished,
    ev.StepFailed: RunState._step_failed,
    ev.StepReused: RunState._step_reused,
    ev.StepSkipped: RunState._step_skipped,
    ev.GateOpened: RunState._gate_opened,
    ev.VoteCommitted: RunState._vote_committed,
    ev.DeadlinePassed: RunState._deadline_passed,
    ev.GateLapsed: RunState._gate_lapsed,
    ev.PeopleTold: RunState._people_told,
    ev.DecisionRecorded: RunState._decision_recorded,
    ev.GateClosed: RunState._gate_closed,
    ev.RunFinished: RunState._run_finished,
}
_RULES |= {PLAIN[kind]: _RULES[kind] for kind in PLAIN}

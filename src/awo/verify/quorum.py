"""Chapter 4: whether each gate had what it asks for, at the time when it closed and when the run went on."""

from __future__ import annotations

from collections.abc import Sequence
from typing import assert_never

from awo.canon import time
from awo.evidence import events as ev
from awo.evidence.gates import Decision, GateRequest, GateRules, Need
from awo.evidence.layout import JOURNAL
from awo.gate.policy import missing
from awo.gate.votes import still_to_vote
from awo.verify.authority import gates_of
from awo.verify.decisions import FAILS_EARLIER, NOT_ASKED, Judged, JudgedGate
from awo.verify.findings import Answer
from awo.verify.opening import asked_as_planned
from awo.verify.reading import Reading
from awo.verify.structure import moment


def ep_4_11(reading: Reading, answer: Answer) -> None:
    """Each gate asked what the plan says, and had what it asks for: approvals that held when it closed and when the run
    went on, by role and meaning;
    what a deadline brings only after it; a lapse only when an approval had expired; no vote open before all are in."""
    for gate in gates_of(reading, answer):
        if gate.request is None:
            not_asked(reading, gate, answer)
            continue
        asked_as_planned(reading, gate, gate.request, answer)
        unsound = [one for one in gate.signed if not one.is_sound]
        for one in unsound:
            if one.is_withheld:
                answer.withhold(one.path)
            else:
                answer.cannot(one.path, FAILS_EARLIER)
        if not unsound:
            _turns(gate, gate.request, answer)
            _panel(gate, gate.request, answer)


def not_asked(reading: Reading, gate: JudgedGate, answer: Answer) -> None:
    """Says that what the gate asked is not known."""
    path = gate.seen.opened.request.path
    if reading.withheld.is_away(path):
        answer.withhold(path)
    else:
        answer.cannot(path, NOT_ASKED)


def needs_at(request: GateRequest, gate: JudgedGate, seq: int) -> Sequence[Need]:
    """Whose approvals the gate asked for when event `seq` was written."""
    return request.rules.escalate if gate.seen.is_escalated_at(seq) else request.needs


def decided_before(gate: JudgedGate, seq: int) -> list[Decision]:
    """The decisions on record when event `seq` was written, in their order."""
    return [one.record for one in gate.decisions if one.event.seq < seq and isinstance(one.record, Decision)]


def where_of(event: ev.Event) -> str:
    """The line of the journal on which an event stands."""
    return f"{JOURNAL}:{event.seq + 1}"


def _turns(gate: JudgedGate, request: GateRequest, answer: Answer) -> None:
    for turn in gate.seen.turns:
        match turn:
            case ev.DeadlinePassed():
                _deadline(gate, request, turn, answer)
            case ev.GateClosed():
                if turn.verdict == "approved":
                    _approved(gate, request, turn, "the gate was closed as approved", answer)
            case ev.GateLapsed():
                if not _missing(gate, request, turn):
                    answer.fail(
                        where_of(turn), "the gate was opened again, and no approval had expired", "an expired approval"
                    )
            case never:
                assert_never(never)
    if gate.seen.went_on is not None and gate.seen.verdict == "approved":
        _approved(gate, request, gate.seen.went_on, "the run went on behind the gate", answer)
    _late(gate, request, answer)


def _approved(
    gate: JudgedGate, request: GateRequest, event: ev.GateClosed | ev.StepFinished, what: str, answer: Answer
) -> None:
    if moment(event.at) is None:
        answer.cannot(where_of(event), "the time of the event is no time", got=event.at)
        return
    for need in _missing(gate, request, event):
        asked = f"{need.count} more by a {need.role}{f' that means {need.meaning}' if need.meaning else ''}"
        answer.fail(
            where_of(event), f"{what}, and approvals are missing or had expired: {gate.seen.opened.gate}", asked
        )


def _missing(
    gate: JudgedGate, request: GateRequest, event: ev.GateClosed | ev.GateLapsed | ev.StepFinished
) -> list[Need]:
    at = moment(event.at)
    return missing(needs_at(request, gate, event.seq), decided_before(gate, event.seq), at=at) if at else []


def _deadline(gate: JudgedGate, request: GateRequest, event: ev.DeadlinePassed, answer: Answer) -> None:
    due, where = due_of(gate, request.rules), where_of(event)
    if not due:
        answer.fail(where, "a deadline passed, and the gate has none", got=event.at)
    elif event.at < due:
        answer.fail(where, "the deadline passed before its time", f"{due} or later", event.at)
    if event.then != request.rules.then:
        answer.fail(
            where, "the deadline brings something else than the gate's rules say", request.rules.then, event.then
        )


def _late(gate: JudgedGate, request: GateRequest, answer: Answer) -> None:
    """What the deadline brings cannot be passed over: a decision after it stands behind the event that says so."""
    due = due_of(gate, request.rules)
    if not due or request.rules.then == "wait":
        return
    passed = next((turn.seq for turn in gate.seen.turns if isinstance(turn, ev.DeadlinePassed)), None)
    for one in gate.signed:
        is_before_it = passed is None or one.event.seq < passed
        if is_before_it and one.record is not None and one.record.at >= due and not _opens(one):
            answer.fail(one.path, f"decided after the deadline, which was to {request.rules.then}", due, one.record.at)


def due_of(gate: JudgedGate, rules: GateRules) -> str:
    """When the gate stops waiting by these rules; '' for never, or for a time that cannot be."""
    try:
        return time.later(gate.seen.opened.at, rules.deadline_s) if rules.deadline_s else ""
    except (ValueError, OverflowError):
        return ""


def _panel(gate: JudgedGate, request: GateRequest, answer: Answer) -> None:
    """At a blind gate nobody decides in the open before all have voted, and nothing is approved over a sealed vote."""
    if request.panel is None:
        return
    decided = [one.event for one in gate.decisions if isinstance(one.event, ev.DecisionRecorded)]
    if decided:
        first = decided[0]
        voters = [vote.record.signer for vote in gate.votes if vote.record is not None and vote.event.seq < first.seq]
        for need in still_to_vote(needs_at(request, gate, first.seq), voters):
            answer.fail(
                first.decision.path,
                "the gate is blind, and a decision was open before all had voted",
                f"{need.count} more sealed by a {need.role}",
            )
    opened = {event.opens: event for event in decided if event.opens}
    for turn in gate.seen.turns:
        if isinstance(turn, ev.GateClosed) and turn.verdict != "rejected":
            for vote in gate.votes:
                opening = opened.get(vote.event.number)
                if opening is None or opening.seq > turn.seq:
                    answer.fail(vote.path, f"the gate was closed as {turn.verdict}, and this vote was never opened")


def _opens(one: Judged) -> bool:
    return isinstance(one.event, ev.DecisionRecorded) and one.event.opens > 0

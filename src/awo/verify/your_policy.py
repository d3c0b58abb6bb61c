"""Chapter 4: whether the recorded decisions would have been enough for the reader's own awo.toml."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Final

from msgspec.structs import replace as with_fields

from awo.evidence import events as ev
from awo.evidence.gates import Decision, GateRules, Need
from awo.gate.faults import expiry, why_not_present
from awo.gate.gate_facts import DecisionFault
from awo.gate.independence import is_author, is_starter, why_kept_out, why_not_known
from awo.gate.policy import missing
from awo.gate.project import Policy
from awo.verify.authority import gates_of
from awo.verify.decisions import FAILS_EARLIER, Judged, JudgedGate
from awo.verify.findings import Answer
from awo.verify.quorum import due_of, not_asked, where_of
from awo.verify.reading import Reading
from awo.verify.structure import moment

DEFAULT: Final = "the default (no awo.toml of yours was given)"
CURE: Final = "say what you ask of gates: awo verify --policy awo.toml"


def ep_4_12(reading: Reading, answer: Answer) -> None:
    """The reader's own settings would have taken each decision, by role, presence and independence, and each approval
    of a gate as enough. The run had its own settings, so a difference is no fault: it is not checked. Who gives no
    settings asks for the default."""
    given, name = reading.trust.policy, reading.trust.policy_name
    policy = given if given is not None else Policy()
    for gate in gates_of(reading, answer):
        if not gate.signed:
            continue
        if gate.request is None:
            not_asked(reading, gate, answer)
        elif not all(one.is_sound or one.is_withheld for one in gate.signed):
            answer.cannot(gate.seen.opened.request.path, FAILS_EARLIER)
        elif not all(one.is_sound for one in gate.signed):
            answer.withhold(gate.seen.opened.request.path, "what was decided at the gate, or by whom, is withheld")
        else:
            is_enough = _held_against(gate, policy, name if given is not None else DEFAULT, reading, answer)
            if given is not None and not is_enough:
                what = f"what was decided at the gate {gate.seen.opened.gate} would not have been enough by {name}"
                answer.note(f"YOUR POLICY ASKS MORE: {what}")


def _held_against(gate: JudgedGate, policy: Policy, name: str, reading: Reading, answer: Answer) -> bool:
    """Whether what was decided at the gate is enough for these settings."""
    id_ = gate.seen.opened.gate
    needs, rules = policy.needs_of(id_), policy.rules_of(id_)
    is_enough = True
    hint = CURE if name == DEFAULT else ""
    believed: list[Judged] = []
    for one in gate.decisions:
        fault = _fault(one, policy, rules, reading) or _too_late(one, gate, rules)
        if fault is None:
            believed.append(one)
        else:
            is_enough = False
            what = f"{name} would not take this decision: {fault.what}"
            answer.cannot(one.path, what, fault.expected, fault.got, hint)
    for event, need in _short_of(gate, believed, needs, rules):
        is_enough = False
        asked = f"{need.count} more by a {need.role}{f' that means {need.meaning}' if need.meaning else ''}"
        answer.cannot(where_of(event), f"{name} asks for more at the gate {id_}", asked, hint=hint)
    return is_enough


def _fault(one: Judged, policy: Policy, rules: GateRules, reading: Reading) -> DecisionFault | None:
    """Why the reader's settings would have refused this decision."""
    record, key, facts = one.record, one.key, one.facts
    assert record is not None
    assert key is not None
    assert facts is not None
    person = policy.person(record.signer.id)
    if record.signer.role not in person.roles:
        had = ", ".join(person.roles) or "no role"
        return DecisionFault("role", f"{record.signer.id} does not have this role there", had, record.signer.role)
    starter = is_starter(facts.starter, record.signer.id, key.key, reading.trust.signers) or (
        one.is_maker and not is_author(facts.authors, record.signer.id, one.authority.git if one.authority else ())
    )
    author = is_author(facts.authors, record.signer.id, person.git)
    yours = replace(facts, request=with_fields(facts.request, rules=rules))
    return (
        why_not_present(record.presence, rules)
        or why_not_known(yours)
        or why_kept_out(rules, record.signer.id, starter=starter, author=author)
    )


def _too_late(one: Judged, gate: JudgedGate, rules: GateRules) -> DecisionFault | None:
    """A decision from a time at which the reader's settings would have rejected the gate already."""
    due = due_of(gate, rules) if rules.then == "reject" else ""
    if not due or one.record is None or one.record.at < due:
        return None
    return DecisionFault("deadline", "the gate would have been rejected by then", f"before {due}", one.record.at)


def _short_of(
    gate: JudgedGate, believed: list[Judged], needs: list[Need], rules: GateRules
) -> Iterator[tuple[ev.Event, Need]]:
    """What an approval of the gate lacked by the reader's settings, when it closed and when the run went on."""
    ends: list[ev.GateClosed | ev.StepFinished] = [
        turn for turn in gate.seen.turns if isinstance(turn, ev.GateClosed) and turn.verdict == "approved"
    ]
    if gate.seen.went_on is not None and ends:
        ends = [gate.seen.went_on]  # it is the later of the two, and the one that matters
    for event in ends[-1:]:
        at = moment(event.at)
        asked = rules.escalate if _is_escalated(gate, rules, event) else needs
        decisions = [_as_yours(one.record, rules) for one in believed if one.event.seq < event.seq]
        for need in missing(asked, [one for one in decisions if one is not None], at=at) if at else ():
            yield event, need


def _is_escalated(gate: JudgedGate, rules: GateRules, event: ev.Event) -> bool:
    """Whether the reader's settings, too, would have asked other people by then: their deadline had passed."""
    escalated, due = gate.seen.escalated, due_of(gate, rules)
    if rules.then != "escalate" or escalated is None or not due:
        return False
    return escalated.seq < event.seq and escalated.at >= due


def _as_yours(decision: object, rules: GateRules) -> Decision | None:
    """The decision with the end that the reader's settings would have given it, where that is the earlier."""
    if not isinstance(decision, Decision):
        return None
    try:
        ends = [end for end in (decision.expires_at, expiry(rules, decision.verdict, decision.at)) if end]
    except (ValueError, OverflowError):
        return decision
    return with_fields(decision, expires_at=min(ends, default=""))

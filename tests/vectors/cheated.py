"""The packages behind the bad vectors of gates: what somebody who cheats would have, for each check of chapter 4."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from msgspec.structs import replace as with_fields
from tests.vectors.builder import Package
from tests.vectors.gated import (
    ALL_LINES,
    FIRST,
    HOUR_S,
    LENA,
    OF_LEAD,
    PANEL,
    SECOND,
    TWO,
    VOTE,
    at,
    closed,
    escalated,
    later,
    sealed,
)
from tests.vectors.people import (
    LEAD_ID,
    OPERATOR,
    OPERATOR_ID,
    REVIEWER,
    REVIEWER_ID,
    SEALER_LINE,
    STRANGER,
)
from tests.vectors.record import sha256
from tests.vectors.stories import GATE, GREET, Vector, approved, at_gate, file_of, save

from awo.canon import time
from awo.canon.json import canonical, pretty
from awo.evidence import events as ev
from awo.evidence import layout
from awo.evidence.earlier import EarlierRun
from awo.evidence.gates import ChecklistItem, Decision, Need, Panel
from awo.sign.allowed_signers import line_for

# --- signed by another, about something else ---------------------------------------------------------------------


def _signed_by_another() -> Vector:
    package = approved(signed_by=STRANGER)
    later_checks = ("EP-4.6", "EP-4.8", "EP-4.10", "EP-4.11", "EP-4.12")
    return Vector(package.freeze(), 3, ("EP-4.3",), later_checks, f"{FIRST} with {FIRST}.sig")


def _vote_signed_by_another() -> Vector:
    package = at_gate(asks=PANEL)
    first, second = package.vote(GATE, signed_by=STRANGER), package.vote(GATE, **OF_LEAD)
    package.open_vote(first)
    package.open_vote(second)
    unknown = ("EP-4.4", "EP-4.5", "EP-4.6", "EP-4.8", "EP-4.10", "EP-4.11", "EP-4.12")
    return sealed(closed(package), 3, ("EP-4.3",), unknown, f"{VOTE} with {VOTE}.sig", policy=LENA)


NOT_COUNTED = ("EP-4.11", "EP-4.12")


def _about(**changes: Any) -> Vector:
    return Vector(approved(**changes).freeze(), 3, ("EP-4.4",), ("EP-4.5", *NOT_COUNTED), FIRST)


def _stale() -> Vector:
    return _about(checkpoint=ev.Checkpoint(size=3, root="ab" * 32))


def _other_run() -> Vector:
    return _about(run_id="run_2026-01-01T00-00-00Z")


def _other_gate() -> Vector:
    return _about(gate="another")


def _other_commitment() -> Vector:
    package = at_gate(asks=PANEL)
    voted = package.vote(GATE, "reject", answers=[])
    lead = package.vote(GATE, **OF_LEAD)
    swapped = package.decision(GATE, at=voted.decision.at)
    package.record(swapped, *_bytes(swapped), voted.authority, opens=1, nonce=voted.nonce)
    package.open_vote(lead)
    return sealed(closed(package), 3, ("EP-4.4",), NOT_COUNTED, FIRST, policy=LENA)


def _bytes(decision: Decision) -> tuple[bytes, bytes]:
    data = canonical(decision)
    return data, REVIEWER.sign(data, "awo-decision")


def _hidden() -> Vector:
    """The gate did not show the answer, and the reviewer signed what it showed."""
    package = at_gate(asks={"hidden": layout.value_path(GREET)})
    where = f"{layout.JOURNAL}:{len(package.lines)}"
    package.decide(GATE)
    return Vector(closed(package).freeze(), 3, ("EP-4.4",), where=where)


# --- incomplete, out of order ---------------------------------------------------------------------


def _incomplete(asks: Mapping[str, Any] | None = None, **changes: Any) -> Vector:
    return Vector(approved(None, asks, **changes).freeze(), 3, ("EP-4.5",), NOT_COUNTED, FIRST)


def _without_answers() -> Vector:
    return _incomplete(answers=())


def _item(kind: Any, **fields: Any) -> Mapping[str, Any]:
    return {"checklist": [ChecklistItem(id="polite", text="How polite is it?", kind=kind, required=True, **fields)]}


def _before_the_opening() -> Vector:
    return _incomplete(at=at(2))


def _of_the_future() -> Vector:
    return _incomplete(at=at(HOUR_S))


def _expired() -> Vector:
    return _incomplete({"lasts_s": 1}, at=at(7), expires_at=at(8))


def _decided_again() -> Vector:
    package = at_gate(asks={"redecide": False, "count": 2})
    package.decide(GATE, "reject", answers=[])
    package.decide(GATE)
    package.decide(GATE, "reject", answers=[])
    package.close_gate(GATE, "rejected")
    package.end("rejected")
    return Vector(package.freeze(), 3, ("EP-4.5",), NOT_COUNTED, SECOND)


def _truncated() -> Vector:
    package = at_gate()
    decision = package.decision(GATE)
    data, signature = _bytes(decision)
    package.record(decision, data[:-40], signature, pretty(package.authority(GATE, decision.signer, REVIEWER)))
    package = closed(package)
    unknown = ("EP-4.4", "EP-4.5", "EP-4.6", "EP-4.8", "EP-4.10", *NOT_COUNTED)
    return Vector(package.freeze(), 3, ("EP-1.4", "EP-4.3"), unknown, FIRST)


# --- who decided ---------------------------------------------------------------------


def _not_named() -> Vector:
    package = approved()
    package.signers = [SEALER_LINE]
    package.write_views()
    return Vector(package.freeze(), 3, ("EP-4.6",), where=FIRST)


def _known(authority: Mapping[str, Any]) -> Vector:
    return Vector(approved(authority=authority).freeze(), 3, ("EP-4.6",), NOT_COUNTED, FIRST)


def _without_the_role() -> Vector:
    return _known({"roles": ["guest"]})


def _no_longer_valid() -> Vector:
    ended = line_for(REVIEWER_ID, REVIEWER.key, ["awo-decision"], valid_before=time.read(at(0)))
    return _known({"lines": [ended]})


def _of_somebody_else() -> Vector:
    return _known({"signer": LEAD_ID})


def _vote_known_at_another_time() -> Vector:
    """The record beside a sealed vote says who its signer was at another time than that of the vote."""
    package = at_gate(asks=PANEL)
    first, second = package.vote(GATE, known={"at": later(package, HOUR_S)}), package.vote(GATE, **OF_LEAD)
    package.open_vote(first)
    package.open_vote(second)
    return sealed(closed(package), 3, ("EP-4.6",), NOT_COUNTED, VOTE, policy=LENA)


def _not_trusted() -> Vector:
    return Vector(approved().freeze(), 7, (), ("EP-4.8",), FIRST, trust=f"{SEALER_LINE}\n")


def _other_attempts() -> Vector:
    checkpoint = ev.Checkpoint(size=9, root="cd" * 32)
    before = EarlierRun(
        run_id="run_2026-01-01T00-00-00Z",
        outcome="rejected",
        checkpoint=checkpoint,
        seal_sha256=sha256(b"the seal before"),
        decisions=[],
        reason="",
        required_changes=[],
    )
    return Vector(approved({"earlier": [before]}).freeze(), 3, ("EP-4.9",), where=f"{layout.JOURNAL}:1")


def _by_the_starter() -> Vector:
    package = approved(who=OPERATOR_ID, key=OPERATOR)
    package.signers = [SEALER_LINE, line_for(OPERATOR_ID, OPERATOR.key, ["awo-decision"])]
    package.write_views()
    trust = "".join(f"{line}\n" for line in package.signers)
    return Vector(package.freeze(), 3, ("EP-4.10",), NOT_COUNTED, FIRST, trust=trust)


def _by_the_author() -> Vector:
    git = {"git": ["Rita@Home.example.org"]}
    asks = {"separate_from": ["starter", "author"]}
    package = approved({"authors": ["rita@home.example.org"]}, asks, authority=git)
    return Vector(package.freeze(), 3, ("EP-4.10",), NOT_COUNTED, FIRST)


def _with_one_key() -> Vector:
    package = at_gate(asks=TWO)
    package.decide(GATE)
    package.decide(GATE, who=LEAD_ID, role="lead", key=REVIEWER)
    lines = [*ALL_LINES, line_for(LEAD_ID, REVIEWER.key, ["awo-decision"])]
    closed(package).signers = lines
    package.write_views()
    trust = "".join(f"{line}\n" for line in lines)
    return Vector(package.freeze(), 3, ("EP-4.10",), NOT_COUNTED, SECOND, trust=trust, policy=LENA)


# --- what the gate asks for ---------------------------------------------------------------------


def _line(package: Package, back: int) -> str:
    """The line of the journal that many events before the last."""
    return f"{layout.JOURNAL}:{len(package.lines) - back}"


def _short_of_people() -> Vector:
    package = at_gate(asks=TWO)
    package.decide(GATE)
    where = f"{layout.JOURNAL}:{len(package.lines) + 1}"
    return sealed(closed(package), 3, ("EP-4.11",), (), where)


def _before_the_deadline() -> Vector:
    package = at_gate(asks={"deadline_s": HOUR_S, "then": "reject"})
    package.pass_deadline(GATE, "reject")
    package.close_gate(GATE, "rejected")
    where = _line(package, 1)
    package.end("rejected")
    return Vector(package.freeze(), 3, ("EP-4.11",), where=where)


def _past_the_deadline() -> Vector:
    package = at_gate(asks={"deadline_s": HOUR_S, "then": "reject"})
    package.waited_s += HOUR_S
    package.decide(GATE)
    return Vector(closed(package).freeze(), 3, ("EP-4.11",), where=FIRST)


def _approved_after_it_was_rejected() -> Vector:
    """The deadline had rejected the gate, and it was approved all the same."""
    package = at_gate(asks={"deadline_s": HOUR_S, "then": "reject"})
    package.waited_s += HOUR_S
    package.pass_deadline(GATE, "reject")
    where = f"{layout.JOURNAL}:{len(package.lines) + 1}"
    package.decide(GATE)
    not_followed = ("EP-3.3", "EP-5.1", "EP-5.2", "EP-5.4")
    return Vector(closed(package).freeze(), 3, ("EP-3.1",), not_followed, where)


def _without_a_lapse() -> Vector:
    package = at_gate()
    package.decide(GATE)
    package.close_gate(GATE, "approved", goes_on=False)
    package.lapse(GATE)
    where = _line(package, 0)
    return Vector(closed(package).freeze(), 3, ("EP-4.11",), where=where)


def _gone_on_too_late() -> Vector:
    package = at_gate(asks={"lasts_s": HOUR_S})
    package.decide(GATE, expires_at=later(package, HOUR_S))
    package.close_gate(GATE, "approved", goes_on=False)
    package.waited_s += HOUR_S
    package.finish(GATE, {"verdict": "approved", "decisions": package.gates[-1].decisions})
    where = _line(package, 0)
    save(package)
    return Vector(package.freeze(), 3, ("EP-4.11",), ("EP-4.12",), where)


def _over_a_sealed_vote() -> Vector:
    package = at_gate(asks={**PANEL, "needs": [Need(role="reviewer", count=1)]})
    held = package.vote(GATE)
    package.vote(GATE, "reject", **{**OF_LEAD, "role": "reviewer"}, answers=[])
    package.open_vote(held)
    where = f"{layout.JOURNAL}:{len(package.lines) + 1}"
    not_followed = ("EP-3.3", "EP-5.1", "EP-5.2", "EP-5.4")
    return sealed(closed(package), 3, ("EP-3.1", "EP-4.11"), not_followed, where)


def _opened_early() -> Vector:
    package = at_gate(asks=PANEL)
    package.open_vote(package.vote(GATE))
    package.decide(GATE, **OF_LEAD)
    return sealed(closed(package), 3, ("EP-4.11",), (), FIRST, policy=LENA)


def _in_the_open() -> Vector:
    package = at_gate(asks=PANEL)
    package.decide(GATE)
    package.decide(GATE, **OF_LEAD)
    return sealed(closed(package), 3, ("EP-4.11",), (), FIRST, policy=LENA)


def _another_question() -> Vector:
    """The plan's question is approved with `yes`; the gate let anything pass."""
    asked = _item("yes_no")
    planned = with_fields(asked["checklist"][0], approve_with="yes")
    package = approved({"files": [file_of([planned])]}, asks=asked, answers=[("polite", "no")])
    return Vector(package.freeze(), 3, ("EP-4.11",), where=layout.gate_request_path(GATE))


def _another_panel() -> Vector:
    """A seed of the operator's choice, under which the favoured answer stands first."""
    package = at_gate(asks={**PANEL, "panel": Panel(seed=7, of=[], path="")})
    first, second = package.vote(GATE), package.vote(GATE, **OF_LEAD)
    package.open_vote(first)
    package.open_vote(second)
    return sealed(closed(package), 3, ("EP-4.11",), (), layout.gate_request_path(GATE), policy=LENA)


def _sealed_too_late() -> Vector:
    package = at_gate(asks={**PANEL, "deadline_s": HOUR_S, "then": "reject"})
    first = package.vote(GATE)
    package.waited_s += HOUR_S
    second = package.vote(GATE, **OF_LEAD)
    package.open_vote(first)
    package.open_vote(second)
    return sealed(closed(package), 3, ("EP-4.11",), (), layout.vote_path(2, GATE), policy=LENA)


def _escalated_to_nobody() -> Vector:
    package = at_gate(asks={"count": 2, "deadline_s": HOUR_S, "then": "escalate"})
    package.decide(GATE)
    package.waited_s += HOUR_S
    package.pass_deadline(GATE, "escalate")
    return Vector(closed(package).freeze(), 3, ("EP-4.11",), (), layout.gate_request_path(GATE))


def _another_value() -> Vector:
    """The steps behind the gate read that two people decided."""
    package = at_gate()
    package.decide(GATE)
    package.close_gate(GATE, "approved", goes_on=False)
    package.finish(GATE, {"verdict": "approved", "decisions": [FIRST, SECOND]})
    save(package)
    return Vector(package.freeze(), 3, ("EP-4.11",), where=layout.value_path(GATE))


def _escalated_too_soon() -> Vector:
    """After an hour the lead was asked; the reader would have waited for two reviewers for two weeks."""
    package = closed(escalated())
    policy = '[gates]\nneeds = { reviewer = 2 }\ndeadline = "14d"\nthen = "escalate"\nescalate = { lead = 1 }\n'
    where = f"{layout.JOURNAL}:{_number_of(package, ev.StepFinished, GATE)}"
    return sealed(package, 7, (), ("EP-4.12",), where, policy=f"{policy}{LENA}")


def _weaker_than_asked() -> Vector:
    package = approved()
    where = f"{layout.JOURNAL}:{_number_of(package, ev.StepFinished, GATE)}"
    policy = "[gates]\nneeds = { reviewer = 2 }\n"
    return Vector(package.freeze(), 7, (), ("EP-4.12",), where, policy=policy)


def _in_a_role_of_yours() -> Vector:
    policy = f'[people."{REVIEWER_ID}"]\nroles = ["guest"]\n'
    return Vector(approved().freeze(), 7, (), ("EP-4.12",), FIRST, policy=policy)


def _number_of(package: Package, kind: type[Any], step: str) -> int:
    events = [ev.decode(line, number) for number, line in enumerate(package.lines)]
    return next(number for number, one in enumerate(events, 1) if isinstance(one, kind) and one.step == step)


def bad() -> dict[str, Vector]:
    """For each check a vector that fails it, by the id."""
    return {id_: make() for id_, make in _BAD.items()}


_BAD: dict[str, Callable[[], Vector]] = {
    "EP-1.4-truncated": _truncated,
    "EP-3.1-sealed-vote": _over_a_sealed_vote,
    "EP-3.1-deadline": _approved_after_it_was_rejected,
    "EP-4.3": _signed_by_another,
    "EP-4.3-vote": _vote_signed_by_another,
    "EP-4.4": _stale,
    "EP-4.4-run": _other_run,
    "EP-4.4-gate": _other_gate,
    "EP-4.4-commitment": _other_commitment,
    "EP-4.4-hidden": _hidden,
    "EP-4.5": _without_answers,
    "EP-4.5-yes-no": lambda: _incomplete(answers=[("polite", "perhaps")]),
    "EP-4.5-choice": lambda: _incomplete(_item("choice", choices=["very", "not"]), answers=[("polite", "rather")]),
    "EP-4.5-number": lambda: _incomplete(_item("number", highest="10"), answers=[("polite", "11")]),
    "EP-4.5-text": lambda: _incomplete(_item("text"), answers=[("polite", " ")]),
    "EP-4.5-reason": lambda: _incomplete(comment="\x1b[2Jall good"),
    "EP-4.5-clock": _before_the_opening,
    "EP-4.5-future": _of_the_future,
    "EP-4.5-expired": _expired,
    "EP-4.5-again": _decided_again,
    "EP-4.6": _not_named,
    "EP-4.6-role": _without_the_role,
    "EP-4.6-validity": _no_longer_valid,
    "EP-4.6-somebody-else": _of_somebody_else,
    "EP-4.6-vote": _vote_known_at_another_time,
    "EP-4.8": _not_trusted,
    "EP-4.9": _other_attempts,
    "EP-4.10": _by_the_starter,
    "EP-4.10-author": _by_the_author,
    "EP-4.10-same-key": _with_one_key,
    "EP-4.11": _short_of_people,
    "EP-4.11-deadline": _before_the_deadline,
    "EP-4.11-passed-over": _past_the_deadline,
    "EP-4.11-lapse": _without_a_lapse,
    "EP-4.11-expired": _gone_on_too_late,
    "EP-4.11-opened-early": _opened_early,
    "EP-4.11-in-the-open": _in_the_open,
    "EP-4.11-questions": _another_question,
    "EP-4.11-panel": _another_panel,
    "EP-4.11-vote-too-late": _sealed_too_late,
    "EP-4.11-nobody": _escalated_to_nobody,
    "EP-4.11-value": _another_value,
    "EP-4.12": _weaker_than_asked,
    "EP-4.12-role": _in_a_role_of_yours,
    "EP-4.12-escalation": _escalated_too_soon,
}

"""What people decided, in sentences: who, as what, when, and what is not known of them."""

from __future__ import annotations

from collections.abc import Iterator

from awo.derive.facts import GateFacts
from awo.derive.markdown import visible
from awo.derive.phrases import count, moment
from awo.evidence.gates import Decision
from awo.evidence.records import NOBODY
from awo.evidence.relayed import environment_of, in_words
from awo.publish.described.shapes import Described
from awo.publish.words.phrases import listed, quoted, shown

VERDICTS = {
    "approve": "approved",
    "reject": "rejected",
    "revise": "sent back",
    "withdraw": "withdrew their decision on",
}
MOST_GATES = 50


def people(described: Described) -> list[str]:
    """A line for each gate that opened, or one that says that there was none."""
    facts = described.facts
    if not facts.gates:
        return ["No decision by a person is on record: no gate opened in this run."]
    known = {one.path: one.decision for one in described.decisions}
    lines = [_gate(gate, known) for gate in facts.gates[:MOST_GATES]]
    if len(facts.gates) > MOST_GATES:
        lines.append(f"{count(len(facts.gates) - MOST_GATES, 'more gate')} opened; the journal has all of them.")
    lines += _independence(described)
    return lines


def decisions_taken(described: Described) -> int:
    """How many signed decisions are on record."""
    return sum(len(gate.decisions) for gate in described.facts.gates)


def _gate(gate: GateFacts, known: dict[str, Decision]) -> str:
    standing = f"closed as {gate.verdict}" if gate.verdict else "still waits"
    said = [_decision(one.signer, one.verdict, one.at, known.get(one.decision.path)) for one in gate.decisions]
    if gate.votes:
        said.append(f"{count(len(gate.votes), 'vote was', 'votes were')} sealed before any was opened")
    if gate.deadline is not None:
        said.append("its deadline passed")
    if not said:
        said.append("nobody decided")
    return f"The gate {quoted(gate.gate)} opened on {moment(gate.opened_at)} and {standing}: {'; '.join(said)}."


def _decision(signer: str, verdict: str, at: str, decision: Decision | None) -> str:
    did = f"{VERDICTS[verdict]} it on {moment(at)}"
    if decision is None:
        return f"{quoted(signer)} {did} (the decision itself is withheld here)"
    role, comment = decision.signer.role, decision.comment
    if environment_of(role):
        return f"an approval {visible(in_words(role, comment))}: it {did}"
    has_name = decision.signer.name not in ("", signer)
    name = f"{shown(decision.signer.name)} ({shown(signer)})" if has_name else quoted(signer)
    own = ", who had started the run or written its workflow," if decision.solo else ""
    signed = f", signing for {decision.meaning}" if verdict == "approve" else ""  # the gate's word, whoever refuses it
    return f"{name}, as {shown(role)},{own} {did}{signed}; presence: {decision.presence}"


def _independence(described: Described) -> Iterator[str]:
    facts = described.facts
    deciders = {one.signer for gate in facts.gates for one in gate.decisions}
    if deciders and facts.starter.id == NOBODY:
        yield "Who started the run is unknown: a decider may have started it."
    elif facts.starter.id in deciders:
        yield f"This was no independent review: {quoted(facts.starter.id)} started the run and decided on it."
    if facts.refusals:
        yield f"{count(len(facts.refusals), 'attempt to decide was', 'attempts to decide were')} refused."


def relayed_decisions(described: Described) -> int:
    """How many of the decisions are approvals that software relayed. A decision that is withheld counts as signed."""
    return len(_relayed(described))


def _relayed(described: Described) -> set[str]:
    return {one.path for one in described.decisions if environment_of(one.decision.signer.role)}


def deciders_named(described: Described) -> str:
    """The ids of those who signed a decision themselves."""
    relayed, gates = _relayed(described), described.facts.gates
    signed = [one for gate in gates for one in gate.decisions if one.decision.path not in relayed]
    signers = dict.fromkeys(one.signer for one in signed)
    return listed((quoted(one) for one in signers), "people")

"""A decision: the exact bytes that a person signs, and whether such bytes count at this gate.

The same check is made when a decision is taken and when it is judged years later. It is pure:
bytes, the facts of the gate and the time go in, a value or an error comes out.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from awo.canon import time
from awo.canon.json import canonical, parse_canonical
from awo.errors import AwoError, EvidenceError
from awo.evidence.gates import Answer, Authority, Decision, Meaning, Signer, Verdict
from awo.gate.faults import expiry, why_incomplete, why_not_present, why_out_of_order, why_stale
from awo.gate.gate_facts import DecisionFault, GateFacts
from awo.gate.independence import why_not_independent
from awo.gate.role import why_not_in_role, why_role_not_asked
from awo.sign.namespaces import DECISION
from awo.sign.seam import Presence
from awo.sign.sshsig import VerifiedSignature, verify

__all__ = [
    "CheckedDecision",
    "DecisionFault",
    "GateFacts",
    "build_decision",
    "decision_bytes",
    "judge_decision",
    "read_decision",
    "why_incomplete",
    "why_not_in_role",
    "why_not_independent",
    "why_not_present",
    "why_not_signed",
    "why_out_of_order",
    "why_stale",
]

LARGEST_BYTES = 64 << 20
"""Room for some 300,000 shown files. A verifier reads no larger record."""


@dataclass(frozen=True, slots=True)
class CheckedDecision:
    """A decision whose signature holds, which is about this gate, and which counts by the records of the run."""

    decision: Decision
    signature: VerifiedSignature


def build_decision(
    facts: GateFacts,
    *,
    verdict: Verdict,
    meaning: Meaning,
    signer: Signer,
    at: str,
    presence: Presence,
    solo: bool,
    answers: Sequence[Answer],
    comment: str = "",
    required_changes: Sequence[str] = (),
    from_step: str = "",
) -> Decision | DecisionFault:
    """The decision of `signer` on exactly what the gate shows; a fault when it could not count.

    `at` is in the spelling of `canon.time`. An approval expires as the gate's rules say. Whether the signer may
    decide at all is asked of `policy.may_decide`.
    """
    decision = Decision(
        format="awo/decision/v1",
        run_id=facts.run_id,
        gate=facts.request.gate,
        verdict=verdict,
        meaning=meaning,
        signer=signer,
        at=at,
        expires_at=expiry(facts.request.rules, verdict, at),
        presence=presence,
        solo=solo,
        answers=list(answers),
        comment=comment,
        required_changes=list(required_changes),
        from_step=from_step,
        checkpoint=facts.checkpoint,
        shows=list(facts.shows),
    )
    return (
        why_incomplete(decision, facts)
        or why_role_not_asked(signer, facts)
        or why_out_of_order(decision, facts, time.read(at))
        or decision
    )


def decision_bytes(decision: Decision) -> bytes:
    """The bytes that are signed and stored: canonical JSON without a newline."""
    return canonical(decision)


def read_decision(data: bytes, *, where: str) -> Decision | DecisionFault:
    """The decision that these bytes are, in the one canonical spelling."""
    if len(data) > LARGEST_BYTES:
        return DecisionFault("form", "a decision file is too large", expected=f"at most {LARGEST_BYTES} bytes")
    try:
        return parse_canonical(data, Decision, where=where)
    except AwoError as error:  # outside the subset of canonical JSON is as bad as not canonical
        return DecisionFault("form", error.what, error.expected, error.got)


def why_not_signed(decision: Decision, data: bytes, armored: bytes, *, where: str) -> VerifiedSignature | DecisionFault:
    """The signature of `decision` over exactly `data`, by the key and with the touch that it names; else a fault."""
    try:
        signature = verify(armored, data, DECISION, where=where)
    except EvidenceError as error:
        return DecisionFault("signature", error.what, error.expected, error.got)
    if signature.key.fingerprint != decision.signer.key:
        return DecisionFault(
            "key",
            "the decision is signed with another key than it names",
            decision.signer.key,
            signature.key.fingerprint,
        )
    if decision.presence == "touch" and signature.presence != "touch":
        return DecisionFault("presence", "the decision claims a touched security key, and its signature shows none")
    return signature


def judge_decision(
    data: bytes, armored: bytes, facts: GateFacts, *, authority: Authority, at: datetime, where: str
) -> CheckedDecision | DecisionFault:
    """What `data` with its signature is worth at this gate when it is recorded at the time `at` (aware).

    In this order: canonical form; this run, this gate, nothing changed since; content, answers, meaning, presence;
    the signature over exactly these bytes in namespace awo-decision, with the key and the touch that they name; the
    role and the key, by `authority`; independence; the order of things in time.
    """
    decision = read_decision(data, where=where)
    if isinstance(decision, DecisionFault):
        return decision
    if fault := why_stale(decision, facts) or why_incomplete(decision, facts):
        return fault
    signature = why_not_signed(decision, data, armored, where=where)
    if isinstance(signature, DecisionFault):
        return signature
    signer, key = decision.signer, signature.key
    fault = (
        why_not_in_role(signer, key, facts, authority, at=time.read(decision.at))
        or why_not_independent(signer, key, facts, authority, solo=decision.solo)
        or why_out_of_order(decision, facts, at)
    )
    return fault or CheckedDecision(decision, signature)

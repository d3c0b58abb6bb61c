"""A decision: the exact bytes that a person signs, and whether such bytes count at this gate.

The same check is made when a decision is taken and when it is judged years later. It is pure:
bytes, the facts of the gate and the time go in, a value or an error comes out.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from awo.canon import time
from awo.canon.json import canonical, parse_canonical
from awo.errors import AwoError, EvidenceError
from awo.evidence.events import Checkpoint, FileRef, Starter
from awo.evidence.gates import Answer, Decision, GateRequest, Meaning, Signer, Verdict
from awo.gate.answers import fault_of
from awo.gate.checklist import why_not_plain
from awo.sign.allowed_signers import AllowedSigners, MayNotSign, MaySign
from awo.sign.namespaces import DECISION
from awo.sign.patterns import why_not_a_principal
from awo.sign.seam import Presence
from awo.sign.sshsig import VerifiedSignature, verify

LONGEST_COMMENT = 10_000
LARGEST_BYTES = 1 << 20

FaultCode = Literal[
    "form",
    "other_run",
    "other_gate",
    "stale",
    "answers",
    "content",
    "role",
    "solo",
    "expired",
    "signature",
    "key",
    "presence",
]


@dataclass(frozen=True, slots=True)
class GateFacts:
    """What the log says about an open gate, against which a decision is held.

    `checkpoint` is the journal up to and with the event gate_opened; `shows` is that event's list;
    `request` is outputs/<gate>/gate.json.
    """

    run_id: str
    starter: Starter
    request: GateRequest
    checkpoint: Checkpoint
    shows: tuple[FileRef, ...]


@dataclass(frozen=True, slots=True)
class DecisionFault:
    """Why a decision does not count: a code for the journal and the parts of an error."""

    code: FaultCode
    what: str
    expected: str = ""
    got: str = ""
    hint: str = ""


@dataclass(frozen=True, slots=True)
class CheckedDecision:
    """A decision whose signature holds and which is about this gate.

    `authority` is what `allowed` says of its signer; None when no list was given. A refusal there is
    not a fault of the decision: it means that the reader of the list does not believe the signer.
    """

    decision: Decision
    signature: VerifiedSignature
    authority: MaySign | MayNotSign | None


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
    expires_at: str = "",
) -> Decision | DecisionFault:
    """The decision of `signer` on exactly what the gate shows; a fault when it could not count.

    `at` and `expires_at` are in the spelling of `canon.time`; '' means that it never expires.
    """
    decision = Decision(
        format="awo/decision/v1",
        run_id=facts.run_id,
        gate=facts.request.gate,
        verdict=verdict,
        meaning=meaning,
        signer=signer,
        at=at,
        expires_at=expires_at,
        presence=presence,
        solo=solo,
        answers=list(answers),
        comment=comment,
        required_changes=list(required_changes),
        from_step=from_step,
        checkpoint=facts.checkpoint,
        shows=list(facts.shows),
    )
    return _first_fault(decision, facts, time.read(at)) or decision


def decision_bytes(decision: Decision) -> bytes:
    """The bytes that are signed and stored: canonical JSON without a newline."""
    return canonical(decision)


def judge_decision(
    data: bytes, armored: bytes, facts: GateFacts, *, allowed: AllowedSigners | None, at: datetime, where: str
) -> CheckedDecision | DecisionFault:
    """What `data` with its signature is worth at this gate at the time `at` (aware).

    In this order: canonical form; this run, this gate, nothing changed since; content; the
    signature over exactly these bytes in namespace awo-decision; the key and presence that the
    decision names. `allowed` is only asked, see `CheckedDecision.authority`.
    """
    if len(data) > LARGEST_BYTES:
        return DecisionFault("form", "a decision file is too large", expected=f"at most {LARGEST_BYTES} bytes")
    try:
        decision = parse_canonical(data, Decision, where=where)
    except AwoError as error:  # outside the subset of canonical JSON is as bad as not canonical
        return DecisionFault("form", error.what, error.expected, error.got)
    if fault := _first_fault(decision, facts, at):
        return fault
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
    authority = None if allowed is None else allowed.may_sign(decision.signer.id, signature.key, DECISION, at)
    return CheckedDecision(decision, signature, authority)


def check_decision(
    data: bytes, armored: bytes, facts: GateFacts, *, allowed: AllowedSigners | None, at: datetime, where: str
) -> CheckedDecision:
    """As `judge_decision`; raises `EvidenceError`, naming `where`, in place of a fault."""
    judged = judge_decision(data, armored, facts, allowed=allowed, at=at, where=where)
    if isinstance(judged, DecisionFault):
        raise EvidenceError(judged.what, where=where, expected=judged.expected, got=judged.got, hint=judged.hint)
    return judged


def _first_fault(decision: Decision, facts: GateFacts, at: datetime) -> DecisionFault | None:
    rules: tuple[Callable[[Decision, GateFacts], DecisionFault | None], ...] = (
        _about_another_gate,
        _stale,
        _content,
        _answers,
        _authority_claims,
    )
    for rule in rules:
        if fault := rule(decision, facts):
            return fault
    return _times(decision, at)


def _about_another_gate(decision: Decision, facts: GateFacts) -> DecisionFault | None:
    if decision.run_id != facts.run_id:
        return DecisionFault(
            "other_run", "the decision is about another run", facts.run_id, ascii(decision.run_id)[:80]
        )
    if decision.gate != facts.request.gate:
        return DecisionFault("other_gate", "the decision is about another gate", facts.request.gate, decision.gate)
    return None


def _stale(decision: Decision, facts: GateFacts) -> DecisionFault | None:
    if decision.checkpoint != facts.checkpoint:
        return DecisionFault(
            "stale",
            "the decision is stale: the log is not what it was when the person decided",
            f"{facts.checkpoint.size} lines, root {facts.checkpoint.root}",
            f"{decision.checkpoint.size} lines, root {decision.checkpoint.root}",
            "look again, and decide again",
        )
    if tuple(decision.shows) != facts.shows:
        differ = {f.path for f in set(decision.shows) ^ set(facts.shows)} or {"their order"}
        return DecisionFault(
            "stale",
            "the decision is stale: the files are not those that the person was shown",
            got=", ".join(ascii(path)[1:-1] for path in sorted(differ))[:400],
            hint="look again, and decide again",
        )
    return None


def _content(decision: Decision, facts: GateFacts) -> DecisionFault | None:
    if why := why_not_a_principal(decision.signer.id):
        return DecisionFault("content", f"the signer's id cannot be one: {why}", got=ascii(decision.signer.id)[:80])
    if not decision.signer.name.strip() or why_not_plain(decision.signer.name):
        return DecisionFault("content", "the signer's printed name is empty or not plain text")
    texts = [decision.comment, *decision.required_changes]
    if any(why_not_plain(text, allowed="\n\t") for text in texts) or sum(map(len, texts)) > LONGEST_COMMENT:
        return DecisionFault(
            "content", "the comment cannot be shown", expected=f"plain text, at most {LONGEST_COMMENT} characters"
        )
    if decision.verdict != "approve" and not decision.comment.strip():
        return DecisionFault("content", f"to {decision.verdict} needs a reason", expected="a comment that is not empty")
    return None


def _answers(decision: Decision, facts: GateFacts) -> DecisionFault | None:
    fault = fault_of(decision.answers, facts.request.checklist, decision.verdict)
    return None if fault is None else DecisionFault("answers", fault.what, fault.expected, fault.got, fault.hint)


def _authority_claims(decision: Decision, facts: GateFacts) -> DecisionFault | None:
    roles = [need.role for need in facts.request.needs]
    if decision.signer.role not in roles:
        return DecisionFault(
            "role", "the gate does not ask for the signer's role", ", ".join(roles), ascii(decision.signer.role)[:80]
        )
    is_starter = decision.signer.id == facts.starter.id or decision.signer.key == facts.starter.key
    if is_starter and not decision.solo:
        return DecisionFault("solo", "whoever started the run decided on it, and the decision does not say so")
    return None


def _times(decision: Decision, at: datetime) -> DecisionFault | None:
    try:
        expires = time.read(decision.expires_at) if decision.expires_at else None
        time.read(decision.at)
    except ValueError as error:
        return DecisionFault("content", "a time of the decision is not a time", got=str(error))
    if expires is not None and at >= expires:
        return DecisionFault(
            "expired", "the decision has expired", f"a time before {decision.expires_at}", at.isoformat()
        )
    return None

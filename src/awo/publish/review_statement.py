"""What an attestation says of one decision: the in-toto Statement, from what the run's record says. Touches no disk."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from awo.canon.digest import sha256_hex
from awo.derive.facts import GateFacts
from awo.evidence.events import DecisionRecorded
from awo.evidence.gates import ChecklistItem, Decision, GateRequest
from awo.evidence.human_review import (
    PREDICATE_TYPE,
    STATEMENT_TYPE,
    AskedOfTheGate,
    Attester,
    Digests,
    GateOutcome,
    HumanReview,
    HumanReviewStatement,
    OwnSignature,
    Question,
    SealRef,
    Subject,
)


@dataclass(frozen=True, slots=True)
class Reviewed:
    """A decision with what stands around it. `signature` is the text of its signature file."""

    gate: GateFacts
    request: GateRequest
    event: DecisionRecorded
    decision: Decision
    signature: str


def statement_of(reviewed: Reviewed, seal: SealRef, attester: Attester, *, has_texts: bool) -> HumanReviewStatement:
    """The statement. Without `has_texts` what people wrote in their own words is left out, and says so."""
    decision, event = reviewed.decision, reviewed.event
    return HumanReviewStatement(
        type_=STATEMENT_TYPE,
        subject=_subjects(reviewed),
        predicate_type=PREDICATE_TYPE,
        predicate=HumanReview(
            run_id=decision.run_id,
            gate=decision.gate,
            number=event.number,
            verdict=decision.verdict,
            meaning=decision.meaning,
            reviewer=decision.signer,
            presence=decision.presence,
            at=decision.at,
            expires_at=decision.expires_at,
            solo=decision.solo,
            checklist=_checklist(reviewed.request.checklist, decision, has_texts=has_texts),
            has_texts=has_texts,
            comment=decision.comment if has_texts else "",
            comment_sha256=sha256_hex(decision.comment.encode()),
            required_changes=decision.required_changes if has_texts else [],
            from_step=decision.from_step,
            checkpoint=decision.checkpoint,
            asked=_asked(reviewed),
            outcome=_outcome(reviewed.gate, event),
            signature=OwnSignature(
                decision=event.decision.path,
                decision_sha256=event.decision.sha256,
                namespace="awo-decision",
                sshsig=reviewed.signature,
            ),
            seal=seal,
            attester=attester,
        ),
    )


def _subjects(reviewed: Reviewed) -> list[Subject]:
    """The decision file, then what was shown: input.json, the outputs, the questions and the report as it stood."""
    refs = {ref.path: ref for ref in (reviewed.event.decision, *reviewed.decision.shows)}
    return [Subject(name=path, digest=Digests(sha256=ref.sha256)) for path, ref in refs.items()]


def _checklist(items: Sequence[ChecklistItem], decision: Decision, *, has_texts: bool) -> list[Question]:
    given = {answer.id: answer for answer in decision.answers}
    found = []
    for item in items:
        answer = given.get(item.id)
        is_told = has_texts or item.kind != "text"
        found.append(
            Question(
                id=item.id,
                text=item.text,
                kind=item.kind,
                required=item.required,
                unit=item.unit,
                is_answered=answer is not None,
                answer=answer.answer if answer is not None and is_told else "",
                evidence=answer.evidence if answer is not None and has_texts else "",
            )
        )
    return found


def _asked(reviewed: Reviewed) -> AskedOfTheGate:
    late = reviewed.gate.deadline
    return AskedOfTheGate(
        request_sha256=reviewed.gate.request.sha256,
        needs=reviewed.request.needs,
        rules=reviewed.request.rules,
        is_blind=reviewed.request.panel is not None,
        is_escalated=late is not None and late.then == "escalate" and late.seq < reviewed.event.seq,
    )


def _outcome(gate: GateFacts, event: DecisionRecorded) -> GateOutcome:
    last = [one for one in gate.decisions if one.signer == event.signer][-1]
    verdict: Any = gate.verdict  # one of the words of gate_closed, or ''
    return GateOutcome(
        verdict=verdict,
        closed_at=gate.closed_at,
        has_quorum=gate.verdict == "approved",
        decision_stands=last.number == event.number and event.verdict != "withdraw",
    )

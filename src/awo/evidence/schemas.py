"""The published JSON Schema of each shape on disk, made from its type (spec sections 3, 4, 6, 7)."""

from __future__ import annotations

from typing import Any

import msgspec

from awo.evidence.events import AnyEvent
from awo.evidence.exchanges import Exchange
from awo.evidence.gates import Authority, Decision, GatePending, GateRequest, SealedVote
from awo.evidence.human_review import HumanReviewStatement
from awo.evidence.judgements import GradeValue, PreferenceValue, RefutationValue
from awo.evidence.ledger import Entry, Registration
from awo.evidence.metadata import Metadata
from awo.evidence.proof import ConsistencyProof, RecordProof
from awo.evidence.publication import Addendum, Deposit
from awo.evidence.received import ArrivalNote, ReceivedLine, ReceivedValue
from awo.evidence.records import InputRecord, ItemLine, ResponseLine, Seal, StatusView
from awo.evidence.redaction import PartialText, Redaction
from awo.evidence.redaction_policy import RedactionPolicy
from awo.evidence.run_statement import RunStatement
from awo.evidence.scores import ScoreLine, ScoresValue
from awo.evidence.statistics import StatisticsValue
from awo.evidence.verdicts import ClaimsValue
from awo.evidence.votes import ComparisonLine, ComparisonValue, DissentLine, DissentValue, VoteLine, VotesValue

SHAPES: dict[str, tuple[Any, str]] = {
    "event": (AnyEvent, "A line of audit/journal.jsonl"),
    "input": (InputRecord, "input.json"),
    "response": (ResponseLine, "A line of outputs/<step>/responses.jsonl"),
    "item": (ItemLine, "A line of outputs/<step>/items.jsonl"),
    "grade": (GradeValue, "The value of a grade step, or of a cell of one"),
    "preference": (PreferenceValue, "The value of a prefer step, or of a cell of one"),
    "refutation": (RefutationValue, "The value of a refute step, or of a cell of one"),
    "score": (ScoreLine, "A line of outputs/<step>/files/scores.jsonl"),
    "scores": (ScoresValue, "The value of a step that scores"),
    "statistics": (StatisticsValue, "The value of a step of statistics"),
    "vote": (VoteLine, "A line of outputs/<step>/files/votes.jsonl"),
    "votes": (VotesValue, "The value of a consensus_vote step over a step that fanned out"),
    "dissent": (DissentLine, "A line of outputs/<step>/files/dissent.jsonl"),
    "dissents": (DissentValue, "The value of a dissent step"),
    "comparison": (ComparisonLine, "A line of outputs/<step>/files/comparison.jsonl"),
    "comparisons": (ComparisonValue, "The value of a compare step"),
    "claims": (ClaimsValue, "The value of a claims step"),
    "received": (ReceivedLine, "A line of outputs/<step>/files/received.jsonl"),
    "receipt": (ReceivedValue, "The value of a receive step"),
    "arrival": (ArrivalNote, "runs/imports/<run id>.json"),
    "exchange": (Exchange, "A line in audit/raw/NNNNN.jsonl.gz"),
    "gate-request": (GateRequest, "outputs/<gate>/gate.json"),
    "gate": (GatePending, "audit/gate_pending.json"),
    "sealed-vote": (SealedVote, "audit/decisions/vote-NNNN-<gate>.json"),
    "authority": (Authority, "audit/decisions/NNNN-<gate>.authority.json"),
    "decision": (Decision, "audit/decisions/NNNN-<gate>.json"),
    "human-review": (HumanReviewStatement, "The in-toto Statement that attests one decision"),
    "run-statement": (RunStatement, "The in-toto Statement that attests a sealed run"),
    "status": (StatusView, "audit/status.json"),
    "metadata": (Metadata, "metadata.json"),
    "seal": (Seal, "audit/seal.json"),
    "partial": (PartialText, "A line, or the whole, of a file NAME.partial"),
    "redaction": (Redaction, "audit/redactions/NNNN.json"),
    "redaction-policy": (RedactionPolicy, "What a redaction shows: a file that a person writes"),
    "ledger-entry": (Entry, "An entry of the ledger"),
    "registration": (Registration, "audit/registration.json"),
    "proof": (RecordProof, "A proof that one record belongs to a sealed run"),
    "consistency": (ConsistencyProof, "A proof that a state of the journal is the beginning of the sealed one"),
    "deposit": (Deposit, "runs/publications/<run id>/<kind>-<place>.deposit.json"),
    "addendum": (Addendum, "runs/publications/<run id>/NNNN.json"),
}


def schema_of(name: str) -> dict[str, Any]:
    """The JSON Schema (draft 2020-12) of the shape of that name in `SHAPES`."""
    kind, title = SHAPES[name]
    (root,), definitions = msgspec.json.schema_components([kind], ref_template="#/$defs/{name}")
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": f"urn:awo:schema:{name}:v1",
        "title": title,
        **root,
        "$defs": definitions,
    }

"""What an attestation of one decision says: an in-toto Statement with the predicate of docs/spec/human-review-v1.md."""

from __future__ import annotations

from typing import Final, Literal

import msgspec

from awo.evidence.events import Checkpoint, Count, Sha256, StepId, Time
from awo.evidence.gates import GateRules, MaybeTime, Meaning, Need, Presence, Signer, Verdict

STATEMENT_TYPE: Final = "https://in-toto.io/Statement/v1"
PREDICATE_TYPE: Final = "urn:awo:predicate:human-review:v1"


class _Part(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A part of the statement. The keys of the predicate are those of the decision file, where it has them."""


class Digests(_Part, frozen=True):
    """The digests of a subject."""

    sha256: Sha256


class Subject(_Part, frozen=True):
    """A file of the run by its path from the run's folder."""

    name: str
    digest: Digests


class Question(_Part, frozen=True):
    """One item of the checklist as it stood, and its answer: `is_answered` tells no answer from a withheld one."""

    id: str
    text: str
    kind: Literal["yes_no", "choice", "number", "text"]
    required: bool
    unit: str
    is_answered: bool
    answer: str
    evidence: str


class AskedOfTheGate(_Part, frozen=True):
    """What the gate asked for when it opened: `request_sha256` is the digest of its gate.json.

    `is_blind`: people voted unseen by each other. `is_escalated`: the deadline passed before this decision, and
    from then on the needs were those of `rules.escalate`.
    """

    request_sha256: Sha256
    needs: list[Need]
    rules: GateRules
    is_blind: bool
    is_escalated: bool


class GateOutcome(_Part, frozen=True):
    """What the gate came to. `verdict` is '' where it never closed. `has_quorum`: it closed as approved.

    `decision_stands`: at the end this decision was the last of its person since the gate (last) opened, and
    no withdrawal.
    """

    verdict: Literal["", "approved", "rejected", "revised"]
    closed_at: MaybeTime
    has_quorum: bool
    decision_stands: bool


class OwnSignature(_Part, frozen=True):
    """The reviewer's own signature: SSHSIG over the bytes of the decision file, which is a subject.

    `sshsig` is the text of its .sig file.
    """

    decision: str
    decision_sha256: Sha256
    namespace: Literal["awo-decision"]
    sshsig: str


class SealRef(_Part, frozen=True):
    """The seal of the run in which the decision stands: the digest of audit/seal.json, and what it says."""

    sha256: Sha256
    outcome: Literal["completed", "approved", "rejected", "failed", "abandoned"]
    at: Time
    sealer: str
    journal: Checkpoint


class Attester(_Part, frozen=True):
    """Who signs the envelope: the id that the project's list gives the key ('' for none), and its fingerprint.
    `software` wrote it: name and version."""

    id: str
    key: str
    software: str


class HumanReview(_Part, frozen=True):
    """One decision of one person at one gate. `has_texts` is false where comment, required changes, answers in
    words and evidence were left out: they are '' then, and `comment_sha256` is still that of the real comment."""

    run_id: str
    gate: StepId
    number: Count
    verdict: Verdict
    meaning: Meaning
    reviewer: Signer
    presence: Presence
    at: Time
    expires_at: MaybeTime
    solo: bool
    checklist: list[Question]
    has_texts: bool
    comment: str
    comment_sha256: Sha256
    required_changes: list[str]
    from_step: str
    checkpoint: Checkpoint
    asked: AskedOfTheGate
    outcome: GateOutcome
    signature: OwnSignature
    seal: SealRef
    attester: Attester


class HumanReviewStatement(_Part, frozen=True, rename="camel"):
    """The payload of the envelope: canonical JSON. Subjects are the decision file and every file that was shown."""

    type_: Literal["https://in-toto.io/Statement/v1"] = msgspec.field(name="_type")
    subject: list[Subject]
    predicate_type: Literal["urn:awo:predicate:human-review:v1"]
    predicate: HumanReview

"""What an attestation of a whole run says: an in-toto Statement with the predicate of docs/spec/run-v1.md."""

from __future__ import annotations

from typing import Final, Literal

import msgspec

from awo.evidence.events import Checkpoint, Count, MaybeSha256, Sha256, Size, Software, Starter, StepId, Time
from awo.evidence.gates import MaybeTime, Meaning, Presence, Signer, Verdict
from awo.evidence.human_review import SealRef, Subject

PREDICATE_TYPE: Final = "urn:awo:predicate:run:v1"


class _Part(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A part of the statement. The keys of the predicate are those of the run's own files, where they have them."""


class StepsByStatus(_Part, frozen=True):
    """How the steps of the workflow stood at the end. They add up to `total`."""

    total: Size
    done: Size
    failed: Size
    skipped: Size
    waiting: Size
    running: Size
    not_run: Size


class CallsByOutcome(_Part, frozen=True):
    """Calls of the whole run. `reused` responses came from another run and are no calls."""

    answered: Size
    failed: Size
    unknown: Size
    reused: Size


class AttestedModel(_Part, frozen=True):
    """A model by its name in the workflow: what was asked for, and under which names its answers came.

    `weights_sha256` is '' where the model did not say. `answered_left_out` counts names beyond the first 20.
    """

    name: str
    backend: str
    asked: str
    answered: list[str]
    answered_left_out: Size
    weights_sha256: MaybeSha256


class AttestedCalls(_Part, frozen=True):
    """All calls of one step to one model. The times are when the first began and the last ended, '' for neither."""

    step: StepId
    model: str
    answered: Size
    failed: Size
    unknown: Size
    reused: Size
    first_at: MaybeTime
    last_at: MaybeTime


class AttestedDecision(_Part, frozen=True):
    """What a person decided, and where the signed file of it stands. Nothing that people wrote in words is here."""

    gate: StepId
    number: Count
    verdict: Verdict
    meaning: Meaning
    reviewer: Signer
    presence: Presence
    at: Time
    solo: bool
    decision: str
    decision_sha256: Sha256


class AttestedClaim(_Part, frozen=True):
    """What came of a claim, by its id; the statement itself stands in the workflow and in the file at `path`."""

    step: StepId
    path: str
    id: str
    claim_sha256: Sha256
    attempt: Size
    verdict: Literal["supported", "falsified", "deviated", "not_tested"]


class LeftOut(_Part, frozen=True):
    """How many of each list did not find a place: a statement has at most 1,000 of each, the first ones."""

    subjects: Size
    models: Size
    call_groups: Size
    decisions: Size
    claims: Size


class RunAttester(_Part, frozen=True):
    """Who signs the envelope: the fingerprint of the key, and the id of the sealer where it is the sealer's key, else
    ''. `software` wrote it: name and version."""

    id: str
    key: str
    software: str


class AttestedRun(_Part, frozen=True):
    """A sealed run. `withheld` is true where texts were taken away by a redaction or an erasure: decisions and claims
    that went with them are not here."""

    run_id: str
    name: str
    started_at: Time
    ended_at: MaybeTime
    supersedes: str
    starter: Starter
    solo: bool
    software: Software
    checkpoint: Checkpoint
    seal: SealRef
    sums_sha256: Sha256
    disclosure_sha256: Sha256
    withheld: bool
    steps: StepsByStatus
    calls: CallsByOutcome
    models: list[AttestedModel]
    call_groups: list[AttestedCalls]
    decisions: list[AttestedDecision]
    claims: list[AttestedClaim]
    left_out: LeftOut
    attester: RunAttester


class RunStatement(_Part, frozen=True, rename="camel"):
    """The payload of the envelope: canonical JSON. Subjects are the seal, SHA256SUMS, and what the run put out."""

    type_: Literal["https://in-toto.io/Statement/v1"] = msgspec.field(name="_type")
    subject: list[Subject]
    predicate_type: Literal["urn:awo:predicate:run:v1"]
    predicate: AttestedRun

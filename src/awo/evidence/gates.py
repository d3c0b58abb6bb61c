"""What a gate asks and what people answer: requests, decisions, sealed votes, and who they were (spec 3.5 to 3.7)."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from awo.evidence.events import Checkpoint, FileRef, Sha256, Size, StepId, Time

Verdict = Literal["approve", "reject", "revise", "withdraw"]
Meaning = Literal["authorship", "review", "approval", "responsibility"]
Presence = Literal["passphrase", "touch", "agent", "not proved"]
Maker = Literal["starter", "author"]

MaybeTime = str
"""A time as in `Time`, or '' for none."""


class _Record(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A shape on disk: unknown fields are refused."""


# --- outputs/<gate>/gate.json ---------------------------------------------------------------------


class ChecklistItem(_Record, frozen=True):
    """One question of a checklist. `id` is stable and short; `text` is what the person reads.

    `choices` are the answers of a `choice`; `lowest` and `highest` bound a `number` ('' for no bound), decimals
    as text; `unit` stands behind it. `approve_with` is the one answer with which an approval goes, '' for any.
    `evidence` says whether a path of the run or an address may or must stand beside the answer; '' that none may.
    """

    id: str
    text: str
    kind: Literal["yes_no", "choice", "number", "text"]
    required: bool
    choices: list[str] = []
    lowest: str = ""
    highest: str = ""
    unit: str = ""
    approve_with: str = ""
    evidence: Literal["", "optional", "required"] = "optional"


class Need(_Record, frozen=True, omit_defaults=True):
    """How many distinct people of a role must approve, and with which meaning ('' for any)."""

    role: str
    count: Annotated[int, Meta(ge=1, le=1000)]
    meaning: Literal["", "authorship", "review", "approval", "responsibility"] = ""


class GateRules(_Record, frozen=True):
    """What the project's policy asked of decisions at this gate when it opened, beside `needs`.

    No decider may be one of `separate_from`, unless `solo` lets them say so openly. `known_starter`: the run
    must have been started by somebody with a name. `presence`: the proofs that are accepted. `redecide`: who has
    decided may decide again. `lasts_s`: how long an approval holds, `deadline_s`: how long the gate waits before
    it does as `then` says, both in seconds, 0 for ever. `escalate` are the needs after an escalation.
    """

    separate_from: list[Maker]
    solo: bool
    known_starter: bool
    presence: list[Presence]
    redecide: bool
    lasts_s: Size
    deadline_s: Size
    then: Literal["wait", "reject", "escalate"]
    escalate: list[Need]


class Panel(_Record, frozen=True):
    """The gate is blind: people vote unseen by each other, on answers without the names of models.

    `of` are the steps whose answers are judged, `seed` sets their order, and `path` is the file that shows them
    ('' where `of` is empty).
    """

    seed: Size
    of: list[StepId]
    path: str


class GateRequest(_Record, frozen=True):
    """outputs/<gate>/gate.json: what the gate asks, frozen when it opens. `panel` is None but for a blind gate."""

    format: Literal["awo/gate-request/v1"]
    gate: StepId
    checklist: list[ChecklistItem]
    needs: list[Need]
    rules: GateRules
    panel: Panel | None = None


class GatePending(_Record, frozen=True):
    """audit/gate_pending.json: a view for people and programs while a gate waits.

    `deadline_at` is '' without a deadline. At a blind gate `voted` counts the votes that lie sealed.
    """

    format: Literal["awo/gate/v1"]
    run_id: str
    gate: StepId
    opened_at: Time
    checklist: list[ChecklistItem]
    needs: list[Need]
    missing: list[Need]
    shows: list[FileRef]
    checkpoint: Checkpoint
    rules: GateRules
    deadline_at: MaybeTime = ""
    is_escalated: bool = False
    panel: Panel | None = None
    voted: Size = 0


# --- audit/decisions/ -------------------------------------------------------------------------------


class Signer(_Record, frozen=True):
    """Who signs: id as in allowed_signers, printed name, role, and the key's SHA256 fingerprint."""

    id: str
    name: str
    role: str
    key: str


class Answer(_Record, frozen=True):
    """The answer to one checklist item, as text. `evidence` is a path of the run or an address behind it, or ''."""

    id: str
    answer: str
    evidence: str = ""


class Decision(_Record, frozen=True):
    """audit/decisions/0001-<gate>.json: canonical JSON, signed byte for byte in namespace awo-decision.

    `expires_at` is a time or '' for never. `presence` says what proves that the person was there
    at the signing: a passphrase typed, a key touched, an agent that agreed, or 'not proved'. `solo`: the
    signer started the run or wrote its workflow. `required_changes` and `from_step` ('' for no step in
    particular) are what a `revise` asks for.
    """

    format: Literal["awo/decision/v1"]
    run_id: str
    gate: StepId
    verdict: Verdict
    meaning: Meaning
    signer: Signer
    at: Time
    expires_at: MaybeTime
    presence: Presence
    solo: bool
    answers: list[Answer]
    comment: str
    required_changes: list[str]
    from_step: str
    checkpoint: Checkpoint
    shows: list[FileRef]


class SealedVote(_Record, frozen=True):
    """audit/decisions/vote-0001-<gate>.json: canonical JSON, signed in namespace awo-decision, at a blind gate.

    The signer has decided, and says what only when everybody has. `commitment` is the SHA-256 of the nonce (64 hex
    digits), a line feed, and the bytes of the decision.
    """

    format: Literal["awo/vote/v1"]
    run_id: str
    gate: StepId
    signer: Signer
    at: Time
    presence: Presence
    solo: bool
    checkpoint: Checkpoint
    commitment: Sha256


class Authority(_Record, frozen=True):
    """Who a decider was to the project when the decision was taken, in `<decision>.authority.json`.

    `roles` and `name` are those of awo.toml, `git` the addresses under which the person commits, `lines` the lines
    of reviewers/allowed_signers for this id or key. The digests are those of the two files, '' for none.
    """

    format: Literal["awo/authority/v1"]
    run_id: str
    gate: StepId
    signer: str
    at: Time
    name: str
    roles: list[str]
    git: list[str]
    lines: list[str]
    policy_sha256: str
    reviewers_sha256: str

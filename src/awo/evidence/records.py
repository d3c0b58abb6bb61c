"""The files of a run that are not the journal, each as one frozen shape (spec section 3)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from awo.evidence.events import Checkpoint, FileRef, Sha256, Size, Software, Starter, StepId, Time

NOBODY = "awo-seal"
"""The starter's id when a run was started with the machine's own key: it names no person."""

Salt = Annotated[str, Meta(pattern=r"^[0-9a-f]{32}$(?!\n)")]
JsonObject = Annotated[msgspec.Raw, Meta(extra_json_schema={"type": "object"})]
Verdict = Literal["approve", "reject", "revise", "withdraw"]
Meaning = Literal["authorship", "review", "approval", "responsibility"]
Outcome = Literal["completed", "approved", "rejected", "failed", "abandoned"]


class _Record(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A shape on disk: unknown fields are refused."""


# --- input.json -------------------------------------------------------------------------------


class InputFile(_Record, frozen=True):
    """A file that the workflow reads. Small text stands in `content`; otherwise only the digest does."""

    path: str
    sha256: Sha256
    size_bytes: Size
    encoding: Literal["utf-8", "absent"]
    content: str


class ModelRecord(_Record, frozen=True):
    """A model as the workflow asks for it. `on_unknown` '' means retry where a call is free, else fail."""

    backend: str
    model: str
    params: dict[str, Any]
    seed: int
    on_unknown: Literal["", "retry", "fail"]


class RetryRecord(_Record, frozen=True):
    """How often and how fast a failed step is tried again: attempts after the first, seconds between."""

    max: Annotated[int, Meta(ge=0, le=100)]
    delay_s: Annotated[float, Meta(ge=0, le=86400)]


class StepRecord(_Record, frozen=True, gc=False):
    """A step with everything resolved: `needs` has every step that must be done before it.

    `args` stays JSON text until it is looked at: a run of many thousand steps keeps all of them.
    """

    id: StepId
    op: str
    args: JsonObject
    needs: tuple[StepId, ...]
    when: str
    retries: RetryRecord
    timeout_s: Annotated[float, Meta(ge=0)]

    def arguments(self) -> dict[str, Any]:
        """The arguments, parsed anew at each call."""
        parsed: dict[str, Any] = msgspec.json.decode(self.args, type=dict[str, Any])
        return parsed


class InputRecord(_Record, frozen=True):
    """input.json: the workflow as it ran. `timeout_s` 0 means no limit, `when` '' means always."""

    format: Literal["awo/input/v1"]
    name: str
    description: str
    source: FileRef
    seed: int
    inputs: dict[str, Any]
    files: list[InputFile]
    models: dict[str, ModelRecord]
    default_model: str
    steps: list[StepRecord]


def json_object(value: object) -> JsonObject:
    """The JSON text of a mapping or struct, for a field that stays text until it is looked at."""
    return msgspec.Raw(msgspec.json.encode(value))


def encode_input(record: InputRecord) -> Iterator[bytes]:
    """The bytes of input.json in pieces: indented for people, but one line for each step."""
    head = msgspec.json.format(msgspec.json.encode(msgspec.structs.replace(record, steps=[])), indent=2)
    yield head.removesuffix(b"[]\n}")
    before = b"[\n    "
    for step in record.steps:
        yield before + msgspec.json.encode(step)
        before = b",\n    "
    yield b"\n  ]\n}\n" if record.steps else b"[]\n}\n"


# --- outputs/<step>/responses.jsonl -------------------------------------------------------------


class Message(_Record, frozen=True):
    """One turn of a conversation."""

    role: Literal["system", "user", "assistant"]
    content: str


class Usage(_Record, frozen=True):
    """Tokens as the model counted them; -1 where it did not say."""

    prompt_tokens: int
    completion_tokens: int


class ResponseLine(_Record, frozen=True):
    """One model answer to one request; a line of responses.jsonl (sorted compact JSON)."""

    salt: Salt
    step: StepId
    call: str
    attempt: int
    at: Time
    model: str
    backend: str
    model_asked: str
    model_answered: str
    messages: list[Message]
    params: dict[str, Any]
    seed: int
    text: str
    stop_reason: str
    usage: Usage
    latency_ms: Size


# --- gate and decision ----------------------------------------------------------------------------


class ChecklistItem(_Record, frozen=True):
    """One question of a checklist. `id` is stable and short; `text` is what the person reads."""

    id: str
    text: str
    kind: Literal["yes_no", "choice", "number", "text"]
    required: bool


class Need(_Record, frozen=True):
    """How many distinct people of a role must decide."""

    role: str
    count: Annotated[int, Meta(ge=1)]


class GateRequest(_Record, frozen=True):
    """outputs/<gate>/gate.json: what the gate asks, frozen when it opens."""

    format: Literal["awo/gate-request/v1"]
    gate: StepId
    checklist: list[ChecklistItem]
    needs: list[Need]


class GatePending(_Record, frozen=True):
    """audit/gate_pending.json: a view for people and programs while a gate waits."""

    format: Literal["awo/gate/v1"]
    run_id: str
    gate: StepId
    opened_at: Time
    checklist: list[ChecklistItem]
    needs: list[Need]
    missing: list[Need]
    shows: list[FileRef]
    checkpoint: Checkpoint


class Signer(_Record, frozen=True):
    """Who signs: id as in allowed_signers, printed name, role, and the key's SHA256 fingerprint."""

    id: str
    name: str
    role: str
    key: str


class Answer(_Record, frozen=True):
    """The answer to one checklist item, as text."""

    id: str
    answer: str


class Decision(_Record, frozen=True):
    """audit/decisions/0001-<gate>.json: canonical JSON, signed byte for byte in namespace awo-decision.

    `expires_at` is a time or '' for never. `presence` says what proves that the person was there
    at the signing: a passphrase typed, a key touched, an agent that confirmed, or 'not proved'.
    """

    format: Literal["awo/decision/v1"]
    run_id: str
    gate: StepId
    verdict: Verdict
    meaning: Meaning
    signer: Signer
    at: Time
    expires_at: str
    presence: Literal["passphrase", "touch", "agent", "not proved"]
    solo: bool
    answers: list[Answer]
    comment: str
    required_changes: list[str]
    checkpoint: Checkpoint
    shows: list[FileRef]


# --- views and seal ---------------------------------------------------------------------------------


class GateStatus(_Record, frozen=True):
    """How one gate stands."""

    gate: StepId
    status: Literal["pending", "approved", "rejected", "revised"]
    decisions: list[str]


class StatusView(_Record, frozen=True):
    """audit/status.json: pending, approved or rejected, or not_required when no gate has opened."""

    format: Literal["awo/status/v1"]
    run_id: str
    status: Literal["pending", "approved", "rejected", "not_required"]
    outcome: Literal["", "completed", "approved", "rejected", "failed", "abandoned"]
    gates: list[GateStatus]


class Seal(_Record, frozen=True):
    """audit/seal.json: canonical JSON, signed in namespace awo-seal. `supersedes` may be ''."""

    format: Literal["awo/seal/v1"]
    run_id: str
    outcome: Outcome
    checkpoint: Checkpoint
    sums_sha256: Sha256
    at: Time
    software: Software
    sealer: Starter
    supersedes: str

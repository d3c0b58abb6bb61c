"""The files of a run that are not the journal, each as one frozen shape (spec section 3)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from awo.evidence.earlier import EarlierRun
from awo.evidence.events import (
    Checkpoint,
    FileRef,
    MaybeUsd,
    Origin,
    Reason,
    Sha256,
    Size,
    Software,
    Starter,
    StepId,
    Time,
    Usd,
)
from awo.evidence.plan_changes import PlanChange
from awo.evidence.verdicts import RegisteredClaim

NOBODY = "awo-seal"
"""The starter's id when a run was started with the machine's own key: it names no person."""

SALT_DIGITS = 32
MAYBE_SHA256 = r"^([0-9a-f]{64})?$(?!\n)"
Salt = Annotated[str, Meta(pattern=r"^[0-9a-f]{32}$(?!\n)")]
JsonObject = Annotated[msgspec.Raw, Meta(extra_json_schema={"type": "object"})]
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


class DataRecord(_Record, frozen=True):
    """A data set of the workflow; its file stands among `files`. `id_column` '' means ids from the content.

    `rows` is how many there are, `columns` the names that every row has.
    """

    path: str
    format: Literal["csv", "jsonl", "parquet"]
    id_column: str
    rows: Size
    columns: list[str]


class PriceRecord(_Record, frozen=True):
    """What a model costs, in US dollars per million tokens. `source` says who says so."""

    input_usd_per_mtok: Usd
    output_usd_per_mtok: Usd
    source: str


class LimitsRecord(_Record, frozen=True):
    """How fast a model may be asked. 0 means as the backend has it, or no limit.

    `tries` is how often one request is sent at most, `timeout_s` how long one sending may take.
    """

    in_flight: Annotated[int, Meta(ge=0, le=10_000)]
    requests_per_minute: Annotated[int, Meta(ge=0)]
    tokens_per_minute: Annotated[int, Meta(ge=0)]
    tries: Annotated[int, Meta(ge=1, le=100)]
    timeout_s: Annotated[float, Meta(gt=0, le=86400)]


NO_LIMITS = LimitsRecord(in_flight=0, requests_per_minute=0, tokens_per_minute=0, tries=5, timeout_s=600.0)


class ModelRecord(_Record, frozen=True):
    """A model as the workflow asks for it. `on_unknown` '' means retry where a call is free, else fail.

    `price` is None when nobody says what it costs.
    """

    backend: str
    model: str
    params: dict[str, Any]
    seed: int
    on_unknown: Literal["", "retry", "fail"]
    price: PriceRecord | None = None
    limits: LimitsRecord = NO_LIMITS


class RetryRecord(_Record, frozen=True):
    """How often and how fast a failed step is tried again: attempts after the first, seconds between."""

    max: Annotated[int, Meta(ge=0, le=100)]
    delay_s: Annotated[float, Meta(ge=0, le=86400)]


class OverRecord(_Record, frozen=True):
    """What a step fans out over: the rows of a data set, or the cells of an earlier step, by name."""

    kind: Literal["data", "step"]
    name: str


class CellsRecord(_Record, frozen=True):
    """How a step fans out: for each row of `over` (None: once), each combination of `matrix` (the last
    name turns fastest), and each of `repeats`. More failed cells than `max_failed` fail the step."""

    over: OverRecord | None
    matrix: dict[str, list[Any]]
    repeats: Annotated[int, Meta(ge=1, le=10_000)]
    max_failed: Size


class StepRecord(_Record, frozen=True, gc=False):
    """A step with everything resolved: `needs` has every step that must be done before it.

    `args` stays JSON text until it is looked at: a run of many thousand steps keeps all of them.
    `cells` is None for a step that does its work once.
    """

    id: StepId
    op: str
    args: JsonObject
    needs: tuple[StepId, ...]
    when: str
    retries: RetryRecord
    timeout_s: Annotated[float, Meta(ge=0)]
    cells: CellsRecord | None = None

    def arguments(self) -> dict[str, Any]:
        """The arguments, parsed anew at each call."""
        parsed: dict[str, Any] = msgspec.json.decode(self.args, type=dict[str, Any])
        return parsed


class InputRecord(_Record, frozen=True, kw_only=True):
    """input.json: the workflow as it ran. `timeout_s` 0 means no limit, `when` '' means always.

    `budget_usd` '' means that no budget was set; `cache` that responses of other runs may be used again;
    `rescores` names the run whose responses answer every request of this one, '' for none. `claims` are
    registered here: each claim of the workflow, before the first call. `changes` is what this plan says
    otherwise than that of the run which this one supersedes. `earlier` are the attempts before, oldest first.
    `revises` names the run of which this one takes over what the changes and `revised_from` (a step) leave
    untouched; both are '' for none. `authors` are the addresses that git has for the workflow file, where a gate's
    policy asks for them.
    """

    format: Literal["awo/input/v1"]
    name: str
    description: str
    source: FileRef
    seed: int
    inputs: dict[str, Any]
    files: list[InputFile]
    models: dict[str, ModelRecord]
    default_model: str
    budget_usd: MaybeUsd = ""
    cache: bool = False
    rescores: str = ""
    data: dict[str, DataRecord] = {}
    claims: list[RegisteredClaim] = []
    changes: list[PlanChange] = []
    earlier: list[EarlierRun] = []
    revises: str = ""
    revised_from: str = ""
    authors: list[str] = []
    steps: list[StepRecord]  # last: `encode_input` writes one line for each


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
    """One turn of a conversation. `images` are files that the workflow declares, shown with the text."""

    role: Literal["system", "user", "assistant"]
    content: str
    images: tuple[FileRef, ...] = ()


class Usage(_Record, frozen=True):
    """Tokens as the model counted them; -1 where it did not say.

    `cached_tokens` are among the prompt's, `reasoning_tokens` among the completion's.
    """

    prompt_tokens: int
    completion_tokens: int
    cached_tokens: int = -1
    reasoning_tokens: int = -1


class TokenLogprob(_Record, frozen=True):
    """One token of an answer with its natural log probability, and those of the likeliest alternatives."""

    token: str
    logprob: float
    top: dict[str, float] = {}


StopReason = Literal["stop", "length", "refusal", "tool_calls", "other"]


class ResponseLine(_Record, frozen=True):
    """One model answer to one request; a line of responses.jsonl (sorted compact JSON).

    `stop_reason` is one of five words, `stop_reason_given` the provider's own. `schema_sha256` names
    the JSON Schema that was asked for ('' for none) and `schema_fault` says how the answer breaks it.
    `cost` is US dollars, '' when not known. A reused response has its `origin`, and the `call` r and its line's number.
    """

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
    stop_reason: StopReason
    usage: Usage
    latency_ms: Size
    cell: Size = 0
    repeat: Size = 0
    tries: Annotated[int, Meta(ge=1)] = 1
    stop_reason_given: str = ""
    request_id: str = ""
    fingerprint: str = ""
    schema_sha256: Annotated[str, Meta(pattern=MAYBE_SHA256)] = ""
    schema_fault: str = ""
    logprobs: list[TokenLogprob] | None = None
    cost: MaybeUsd = ""
    origin: Origin | None = None


# --- outputs/<step>/items.jsonl -----------------------------------------------------------------


class ItemLine(_Record, frozen=True):
    """The result of one cell of a fan-out; a line of items.jsonl (sorted compact JSON), line n for cell n.

    `item` is the row's id ('' without `over`) and `row` its columns. `reason` is why it failed, else
    None, and `value` then null. `calls` are the calls whose answers the value rests on, in order.
    """

    cell: Size
    item: str
    matrix: dict[str, Any]
    repeat: Size
    row: dict[str, Any]
    status: Literal["done", "failed"]
    reason: Reason | None
    value: Any
    calls: list[str]


class CellsValue(_Record, frozen=True):
    """The value of a step that fans out, its output.json: how its cells went, and where their results stand."""

    cells: Size
    done: Size
    failed: Size
    path: str


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
    """audit/seal.json: canonical JSON, signed in namespace awo-seal. `supersedes` may be ''.

    `disclosure_sha256` is the root over what stands for each file where texts are withheld (spec section 9).
    """

    format: Literal["awo/seal/v1"]
    run_id: str
    outcome: Outcome
    checkpoint: Checkpoint
    sums_sha256: Sha256
    disclosure_sha256: Sha256
    at: Time
    software: Software
    sealer: Starter
    supersedes: str

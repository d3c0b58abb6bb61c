"""The journal's events: a closed union, one frozen shape per kind (spec section 4).

A line of `audit/journal.jsonl` is the canonical JSON of one event. Events carry digests and facts,
never prompts, answers or secrets.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from awo.canon import time, usd
from awo.canon.json import canonical, encode_sorted
from awo.errors import AwoError, EvidenceError
from awo.evidence.layout import JOURNAL

FORMAT = "awo/journal/v1"

# `(?!\n)`: in Python `$` also matches before a final line break, in JSON Schema it does not.
Time = Annotated[str, Meta(pattern=time.PATTERN)]
Sha256 = Annotated[str, Meta(pattern=r"^[0-9a-f]{64}$(?!\n)")]
MaybeSha256 = Annotated[str, Meta(pattern=r"^([0-9a-f]{64})?$(?!\n)")]
"""A digest, or '' for none."""
Size = Annotated[int, Meta(ge=0, le=2**53 - 1)]
Count = Annotated[int, Meta(ge=1, le=2**53 - 1)]
STEP_ID = r"^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$(?!\n)"
StepId = Annotated[str, Meta(pattern=STEP_ID)]
Usd = Annotated[str, Meta(pattern=usd.PATTERN)]
MaybeUsd = Annotated[str, Meta(pattern=usd.PATTERN_OR_EMPTY)]


class _Frozen(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True, gc=False):
    """A value inside an event."""


class FileRef(_Frozen, frozen=True):
    """A file of the run, by its path from the run's folder, its digest and its length."""

    path: str
    sha256: Sha256
    size_bytes: Size


class Checkpoint(_Frozen, frozen=True):
    """The first `size` lines of the journal as a Merkle root (RFC 6962), 64 hex digits."""

    size: Size
    root: Sha256


class ExchangeRef(_Frozen, frozen=True):
    """One exchange with a model: a frame of `audit/raw/<segment>.jsonl.gz` (spec section 3.8).

    `offset` and `size_bytes` are those of the compressed frame; `sha256` is over the line inside it,
    without its newline.
    """

    segment: Count
    offset: Size
    size_bytes: Count
    sha256: Sha256


class Origin(_Frozen, frozen=True):
    """The response of another run that was used again: line `line` (from 0) of its step's responses.jsonl."""

    run_id: str
    step: StepId
    line: Size
    sha256: Sha256


class Software(_Frozen, frozen=True):
    """Which program wrote the journal. `report_layout` numbers the layout of its report; 0 where it does not say."""

    name: str
    version: str
    report_layout: Size = 0


class Starter(_Frozen, frozen=True):
    """Who started the run: an id as `allowed_signers` knows it, and the fingerprint of the sealing key."""

    id: str
    key: str


class Reason(_Frozen, frozen=True):
    """Why something failed: a code from the spec's table and a sentence without texts of models."""

    code: str
    message: str


class Event(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True, gc=False, tag_field="kind"):
    """What every event has: its place in the journal and the time of the machine that wrote it."""

    seq: Size
    at: Time


class RunStarted(Event, frozen=True, tag="run_started"):
    """The first event. `input` is input.json; `supersedes` names an older run or is empty."""

    format: Literal["awo/journal/v1"]
    run_id: str
    software: Software
    input: FileRef
    starter: Starter
    supersedes: str
    solo: bool


class EnvironmentRecorded(Event, frozen=True, tag="environment_recorded"):
    """The machine and its software, at the start and after each resume: facts for metadata.json."""

    environment: dict[str, Any]


class RunResumed(Event, frozen=True, tag="run_resumed"):
    """A process took the run up again."""

    software: Software


class RunInterrupted(Event, frozen=True, tag="run_interrupted"):
    """A signal stopped the run in order."""

    signal: str


class TailCut(Event, frozen=True, tag="tail_cut"):
    """Bytes after the last whole, recorded line of a file were cut when the run was opened."""

    path: str
    cut_bytes: Count
    sha256: Sha256


class ModelRecorded(Event, frozen=True, tag="model_recorded"):
    """A model is ready on this machine: asked and answered names, weights digest, build, threads and so on.

    `facts` has text, integers and booleans only; decimals are text. With `recorded_in` they are those of
    an earlier run that is scored again, and no model was opened.
    """

    model: str
    facts: dict[str, Any]


class StepStarted(Event, frozen=True, tag="step_started"):
    """An attempt (from 1) of a step begins."""

    step: StepId
    attempt: Count


class FannedOut(Event, frozen=True, tag="fanned_out"):
    """The step does its work `cells` times in this attempt, and means to ask models `asks` times in all."""

    step: StepId
    attempt: Count
    cells: Size
    asks: Size


class CallIntended(Event, frozen=True, tag="call_intended"):
    """A request will be sent. `request_sha256` names it; `worst_price` is US dollars as text, '0' when
    free and '' when no price is known. `cell` is its place in the fan-out (0 without one), `tries` counts
    the sendings of one request from 1, and `because` is the code of the failure before, or ''."""

    step: StepId
    attempt: Count
    call: str
    cell: Size
    repeat: Size
    tries: Count
    because: str
    model: str
    request_sha256: Sha256
    worst_price: MaybeUsd


class CallAnswered(Event, frozen=True, tag="call_answered"):
    """The response is line `line` (from 0) of the step's responses.jsonl, whose bytes have this digest.

    `cost` is US dollars as text, '' when it is not known. `exchange` is None where nothing crossed a
    wire. `recovered` is true when a resumed run found the line on disk without its event.
    """

    step: StepId
    call: str
    line: Size
    sha256: Sha256
    size_bytes: Size
    cost: MaybeUsd
    exchange: ExchangeRef | None
    recovered: bool


class CallFailed(Event, frozen=True, tag="call_failed"):
    """The request got no response. `may_have_cost` says that it may have been worked on and paid for."""

    step: StepId
    call: str
    reason: Reason
    may_have_cost: bool
    exchange: ExchangeRef | None


class CallUnknown(Event, frozen=True, tag="call_unknown"):
    """An intent without outcome: its process was killed or told to stop. `policy` says what follows."""

    step: StepId
    call: str
    policy: Literal["retry", "fail"]
    exchange: ExchangeRef | None


class ResponseReused(Event, frozen=True, tag="response_reused"):
    """A response of another run answers this request: it is copied to line `line`, and nothing was asked."""

    step: StepId
    attempt: Count
    cell: Size
    repeat: Size
    model: str
    request_sha256: Sha256
    line: Size
    sha256: Sha256
    size_bytes: Size
    origin: Origin


class LimitChanged(Event, frozen=True, tag="limit_changed"):
    """How many calls to this model may be in flight from now on; 0 while its endpoint is left alone."""

    model: str
    in_flight: Size
    reason: Reason


class BudgetSet(Event, frozen=True, tag="budget_set"):
    """From now on all calls of the run together may cost this much, in US dollars."""

    usd: Usd


class BudgetReached(Event, frozen=True, tag="budget_reached"):
    """The next call could have exceeded the budget: it was not made, and the run stands still.

    `spent` has an answer, `unknown` may have been paid for without one; `worst` is what the next
    call might cost. All are US dollars.
    """

    step: StepId
    budget: Usd
    spent: Usd
    unknown: Usd
    worst: Usd


class StepFinished(Event, frozen=True, tag="step_finished"):
    """A step is done. `value` is its output.json, `files` every other file it made, sorted by path."""

    step: StepId
    attempt: Count
    value: FileRef
    files: list[FileRef]


class StepFailed(Event, frozen=True, tag="step_failed"):
    """An attempt failed. `retries_left` is how many automatic attempts follow; `files` is what the
    attempt left, moved to outputs/<step>/attempt-<n>/, sorted by path."""

    step: StepId
    attempt: Count
    reason: Reason
    retries_left: Size
    files: list[FileRef]


class StepReused(Event, frozen=True, tag="step_reused"):
    """A step that acts on the world was done in run `run_id`, which this run revises, and nothing that it rests on
    has changed: its value and files are copied from there."""

    step: StepId
    run_id: str
    value: FileRef
    files: list[FileRef]


class StepSkipped(Event, frozen=True, tag="step_skipped"):
    """The step's `when` was false, or it needs a step that was skipped."""

    step: StepId
    reason: Reason


class GateOpened(Event, frozen=True, tag="gate_opened"):
    """The run stops for a person. `request` is outputs/<gate>/gate.json: checklist, needs and rules, frozen.
    `files` is what else the gate made to be looked at: outputs/<gate>/report.md, the report as it stood then, and
    what a panel judges. All of them are among `shows`."""

    gate: StepId
    request: FileRef
    files: list[FileRef]
    shows: list[FileRef]


class VoteCommitted(Event, frozen=True, tag="vote_committed"):
    """At a blind gate somebody has decided and not yet said what. Votes of a run are counted from 1."""

    gate: StepId
    number: Count
    signer: str
    vote: FileRef
    signature: FileRef
    authority: FileRef


class DecisionRecorded(Event, frozen=True, tag="decision_recorded"):
    """A signed decision was accepted; its file and its signature stand in audit/decisions/.

    `authority` is what the project said of the signer. At a blind gate it opens vote `opens` with `nonce`;
    elsewhere they are 0 and ''.
    """

    gate: StepId
    number: Count
    verdict: Literal["approve", "reject", "revise", "withdraw"]
    signer: str
    decision: FileRef
    signature: FileRef
    authority: FileRef
    opens: Size
    nonce: Annotated[str, Meta(pattern=r"^([0-9a-f]{64})?$(?!\n)")]


class DecisionRefused(Event, frozen=True, tag="decision_refused"):
    """Somebody tried to decide and was refused. `key` is the fingerprint of the key, '' where none was opened."""

    gate: StepId
    verdict: Literal["approve", "reject", "revise", "withdraw"]
    signer: str
    key: str
    reason: Reason


class DeadlinePassed(Event, frozen=True, tag="deadline_passed"):
    """The gate waited longer than its rules say. `then` is what follows: nothing, a rejection, or other needs."""

    gate: StepId
    then: Literal["wait", "reject", "escalate"]


class GateLapsed(Event, frozen=True, tag="gate_lapsed"):
    """An approval expired before the run went on: the gate that was approved is open again."""

    gate: StepId


class PeopleTold(Event, frozen=True, tag="people_told"):
    """Notices were sent while the gate was open, to `sent` addresses; to `failed` others they could not be."""

    gate: StepId
    occasion: Literal["opened", "deadline", "decided"]
    sent: Size
    failed: Size


class GateClosed(Event, frozen=True, tag="gate_closed"):
    """The gate has all it needs, or a rejection."""

    gate: StepId
    verdict: Literal["approved", "rejected", "revised"]


class RunFinished(Event, frozen=True, tag="run_finished"):
    """The last event: nothing follows but the seal."""

    outcome: Literal["completed", "approved", "rejected", "failed", "abandoned"]


AnyEvent = (
    RunStarted
    | EnvironmentRecorded
    | RunResumed
    | RunInterrupted
    | TailCut
    | ModelRecorded
    | StepStarted
    | FannedOut
    | CallIntended
    | CallAnswered
    | CallFailed
    | CallUnknown
    | ResponseReused
    | LimitChanged
    | BudgetSet
    | BudgetReached
    | StepFinished
    | StepFailed
    | StepReused
    | StepSkipped
    | GateOpened
    | VoteCommitted
    | DecisionRecorded
    | DecisionRefused
    | DeadlinePassed
    | GateLapsed
    | PeopleTold
    | GateClosed
    | RunFinished
)

_decoder = msgspec.json.Decoder(AnyEvent)


def encode(event: AnyEvent) -> bytes:
    """The journal line of `event` without its newline: canonical JSON."""
    return encode_sorted(event)


def decode(line: bytes, number: int) -> AnyEvent:
    """The event on line `number` (from 0). Raises `EvidenceError` for an unknown kind, a missing or
    unknown field, or bytes that are not the canonical spelling."""
    where = f"{JOURNAL}:{number + 1}"
    try:
        event: AnyEvent = _decoder.decode(line)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise EvidenceError("a journal line is not an event of this format", where=where, got=str(error)) from error
    if encode_sorted(event) != line:
        raise EvidenceError("a journal line is not canonical JSON", where=where)
    if isinstance(event, (EnvironmentRecorded, ModelRecorded)):  # no other kind has values of any type
        refuse_outside_canonical(event, where)
    return event


def refuse_outside_canonical(event: EnvironmentRecorded | ModelRecorded, where: str) -> None:
    """Raises `EvidenceError` where a value of any type lies outside canonical JSON, as `decode` does."""
    try:
        canonical(event)
    except AwoError as error:
        raise EvidenceError(error.what, where=where, got=error.got) from error

"""metadata.json as a shape: what a reader wants to know of a run without its journal (spec section 6.3)."""

from __future__ import annotations

from typing import Any, Literal

import msgspec

from awo.evidence.events import Checkpoint, MaybeUsd, Sha256, Size, Software, Starter, Usd
from awo.evidence.records import LimitsRecord, PriceRecord


class _Part(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A part of metadata.json: unknown fields are refused."""


class Seeds(_Part, frozen=True):
    """Where chance began: of the run, and of each model by its name."""

    run: int
    models: dict[str, int]


class CallNumbers(_Part, frozen=True):
    """How many calls were answered, failed, have an unknown outcome, or none yet (`open`).

    Recovered ones are among the answered. Retried ones came after a failed sending of the same request.
    Reused responses came from another run and are no calls.
    """

    answered: Size
    failed: Size
    unknown: Size
    recovered: Size
    reused: Size
    retried: Size
    open: Size


class Amounts(_Part, frozen=True):
    """US dollars: spent, reserved for calls without outcome, and possibly spent without a known cost.

    Of `unpriced_calls` neither price nor cost is known: they are in none of the three.
    """

    spent_usd: Usd
    reserved_usd: Usd
    unknown_usd: Usd
    unpriced_calls: Size


class MoneyMetadata(_Part, frozen=True):
    """What the run cost and was allowed to cost. `budget_usd` is '' where no budget was set."""

    budget_usd: MaybeUsd
    spent_usd: Usd
    reserved_usd: Usd
    unknown_usd: Usd
    unpriced_calls: Size


class DataMetadata(_Part, frozen=True):
    """A data set that the workflow reads."""

    path: str
    format: Literal["csv", "jsonl", "parquet"]
    rows: Size
    sha256: Sha256


class AskedFor(_Part, frozen=True):
    """A model as the workflow asked for it."""

    backend: str
    model: str
    params: dict[str, Any]
    seed: int


class ModelMetadata(_Part, frozen=True):
    """A model as asked for, and what it said of itself.

    `recorded_at` is '' and `facts` is empty when it was never opened. `price` is null where nobody says it.
    """

    name: str
    asked: AskedFor
    price: PriceRecord | None
    limits: LimitsRecord
    recorded_at: str
    facts: dict[str, Any]
    facts_changed_during_the_run: bool
    calls: CallNumbers
    money: Amounts


class LaterEnvironment(_Part, frozen=True):
    """The machine after a resume."""

    at: str
    environment: dict[str, Any]


class JournalMetadata(_Part, frozen=True):
    """How far the journal went when this was written."""

    events: Size
    checkpoint: Checkpoint


class Counts(_Part, frozen=True):
    """How much happened. `steps` counts by status, with `total`."""

    steps: dict[str, int]
    calls: CallNumbers
    limit_changes: Size
    budget_stops: Size
    gates: Size
    decisions: Size
    decisions_refused: Size
    resumes: Size
    interruptions: Size
    tail_cuts: Size


class Metadata(_Part, frozen=True):
    """metadata.json. `outcome` and `ended_at` are '' while the run is open, `supersedes` when it corrects none.

    `read` and `hashes` map a path to its digest: of what the workflow reads, and of what the journal names.
    """

    format: Literal["awo/metadata/v1"]
    run_id: str
    name: str
    outcome: Literal["", "completed", "approved", "rejected", "failed", "abandoned"]
    started_at: str
    ended_at: str
    supersedes: str
    software: Software
    starter: Starter
    solo: bool
    seeds: Seeds
    models: list[ModelMetadata]
    money: MoneyMetadata
    data: dict[str, DataMetadata]
    environment: dict[str, Any]
    environments_after_resume: list[LaterEnvironment]
    journal: JournalMetadata
    counts: Counts
    read: dict[str, Sha256]
    hashes: dict[str, Sha256]

"""metadata.json as a shape: what a reader wants to know of a run without its journal (spec section 6.3)."""

from __future__ import annotations

from typing import Any, Literal

import msgspec

from awo.evidence.events import Checkpoint, Sha256, Size, Software, Starter


class _Part(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A part of metadata.json: unknown fields are refused."""


class Seeds(_Part, frozen=True):
    """Where chance began: of the run, and of each model by its name."""

    run: int
    models: dict[str, int]


class CallNumbers(_Part, frozen=True):
    """How many calls were answered, failed, or have an unknown outcome. Recovered ones are among the answered."""

    answered: Size
    failed: Size
    unknown: Size
    recovered: Size


class AskedFor(_Part, frozen=True):
    """A model as the workflow asked for it."""

    backend: str
    model: str
    params: dict[str, Any]
    seed: int


class ModelMetadata(_Part, frozen=True):
    """A model as asked for, and what it said of itself.

    `recorded_at` is '' and `facts` is empty when it was never opened.
    """

    name: str
    asked: AskedFor
    recorded_at: str
    facts: dict[str, Any]
    facts_changed_during_the_run: bool
    calls: CallNumbers


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
    environment: dict[str, Any]
    environments_after_resume: list[LaterEnvironment]
    journal: JournalMetadata
    counts: Counts
    read: dict[str, Sha256]
    hashes: dict[str, Sha256]

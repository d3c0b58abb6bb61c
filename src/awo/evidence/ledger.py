"""What stands in the ledger of a project, and what a package carries of it (spec section 10)."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from awo.evidence.events import Checkpoint, Sha256, Size, Time
from awo.evidence.layout import RUN_ID_PATTERN
from awo.evidence.records import Outcome

LARGEST_ENTRY_BYTES = 65_535
"""An entry's length is written in two bytes (C2SP tlog-tiles)."""

RunId = Annotated[str, Meta(pattern=RUN_ID_PATTERN)]
COMMIT_PATTERN = r"^([0-9a-f]{40}|[0-9a-f]{64})$(?!\n)"
GitCommit = Annotated[str, Meta(pattern=COMMIT_PATTERN)]


class _Entry(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True, tag_field="kind"):
    """A leaf of the ledger: canonical JSON without a final newline, at most 65,535 bytes."""

    format: Literal["awo/ledger-entry/v1"]
    run_id: RunId
    at: Time


class RunEntered(_Entry, frozen=True, tag="run_started"):
    """A run began. `journal_sha256` is the digest of its first event, which names the digest of input.json."""

    input_sha256: Sha256
    journal_sha256: Sha256
    supersedes: str


class DecisionEntered(_Entry, frozen=True, tag="decision_recorded"):
    """A person decided, or sealed a vote. `number` counts the decisions of the run, or its votes, from 1."""

    gate: str
    what: Literal["decision", "vote"]
    number: Annotated[int, Meta(ge=1)]
    sha256: Sha256


class SealEntered(_Entry, frozen=True, tag="run_sealed"):
    """A run was sealed, with this outcome, over a journal of this checkpoint."""

    outcome: Outcome
    checkpoint: Checkpoint
    seal_sha256: Sha256


class CommitEntered(_Entry, frozen=True, tag="run_committed"):
    """A sealed run was committed to git."""

    seal_sha256: Sha256
    commit: GitCommit


class ErasureEntered(_Entry, frozen=True, tag="run_erased"):
    """Texts of a sealed run were destroyed. `sha256` is the digest of the record that says so."""

    seal_sha256: Sha256
    sha256: Sha256


Entry = RunEntered | DecisionEntered | SealEntered | CommitEntered | ErasureEntered


class EntryProof(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """An entry as it stands in the ledger (`entry`, its exact text) at `index` (from 0), and its inclusion path."""

    index: Size
    entry: str
    path: list[Sha256]


class Registration(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """audit/registration.json: the entries of one run, in their order, each proved against one checkpoint.

    `checkpoint` is the whole signed note (C2SP tlog-checkpoint), with the signatures of log and witnesses.
    `stamp` is an RFC 3161 time stamp over the checkpoint's note as base64, or ''.
    """

    format: Literal["awo/registration/v1"]
    run_id: RunId
    entries: list[EntryProof]
    checkpoint: str
    stamp: str

"""The attempts before a run, as its input.json names them (spec section 3.1): what each came to, and who decided."""

from __future__ import annotations

from typing import Literal

import msgspec

from awo.evidence.events import Checkpoint, Sha256, StepId


class _Record(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A shape on disk: unknown fields are refused."""


class EarlierDecision(_Record, frozen=True):
    """A decision on an earlier attempt: `sha256` is that of its file."""

    gate: StepId
    verdict: Literal["approve", "reject", "revise", "withdraw"]
    signer: str
    sha256: Sha256


class EarlierRun(_Record, frozen=True):
    """One attempt. `checkpoint` is that of its whole journal, `seal_sha256` that of its seal ('' for none).

    `reason` and `required_changes` are those of the decision that rejected it or sent it back, if one did.
    """

    run_id: str
    outcome: str
    checkpoint: Checkpoint
    seal_sha256: str
    decisions: list[EarlierDecision]
    reason: str
    required_changes: list[str]

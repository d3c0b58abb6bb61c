"""A proof that one record, or one state of the journal, belongs to a sealed run (spec section 11)."""

from __future__ import annotations

from typing import Literal

import msgspec

from awo.evidence.events import Checkpoint, Sha256, Size


class _Record(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A shape on disk: unknown fields are refused."""


class ProvedLine(_Record, frozen=True):
    """Line `line` (from 0) of the file at `path`, exactly as it stands there, without its newline."""

    path: str
    line: Size
    text: str


class ProvedEvent(_Record, frozen=True):
    """Event `seq` of the journal, exactly as it stands there, and its inclusion path in the sealed tree."""

    seq: Size
    text: str
    path: list[Sha256]


class SealedBy(_Record, frozen=True):
    """The seal that the proof leads to: the texts of audit/seal.json and of its signature.

    `allowed_signers` is the one line, with its newline, that lets the sealer sign seals with the key of the signature.
    """

    seal: str
    signature: str
    allowed_signers: str


class RecordProof(_Record, frozen=True):
    """One record of a run: the line, the event that names its digest, and the way to the sealed root.

    `record` is None where an event alone is proved.
    """

    format: Literal["awo/proof/v1"]
    run_id: str
    record: ProvedLine | None
    event: ProvedEvent
    sealed: SealedBy


class ConsistencyProof(_Record, frozen=True):
    """The journal at `first` is the beginning of the sealed one."""

    format: Literal["awo/consistency/v1"]
    run_id: str
    first: Checkpoint
    path: list[Sha256]
    sealed: SealedBy


LARGEST_PROOF_BYTES = 256 << 20

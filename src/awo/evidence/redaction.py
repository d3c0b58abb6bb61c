"""What a redaction or an erasure says of itself, and how a file with parts withheld is shown (spec section 9)."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from awo.evidence.events import MaybeSha256, Sha256, Size, Starter, Time

SaltHex = Annotated[str, Meta(pattern=r"^[0-9a-f]{32}$(?!\n)")]
Number = Annotated[int, Meta(ge=1, le=9999)]


class _Record(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A shape on disk: unknown fields are refused."""


class RedactedFile(_Record, frozen=True):
    """One file of the sealed package, and what there is of it now.

    `node` is what stands for the file in the root that was sealed. `partial` means that the file stands beside its
    name with `.partial`. `withheld` counts the values, or for a file of lines the lines, that are withheld at least in
    part; `kind` says in a word what they are, `reason` why.
    """

    path: str
    state: Literal["shown", "withheld", "partial"]
    node: Sha256
    size_bytes: Size
    withheld: Size
    kind: str
    reason: str


class Waiver(_Record, frozen=True):
    """A finding of the scan that somebody let pass: what was found where, and why it may be published."""

    finding: str
    where: str
    reason: str


class Redaction(_Record, frozen=True):
    """audit/redactions/NNNN.json: canonical JSON, signed in namespace awo-redaction.

    `files` has every path of SHA256SUMS but audit/disclosure.key, which is never shown, sorted by its bytes. The record
    with the highest number is in force; `previous_sha256` is the digest of the one before, or ''. `scanned_by` names
    the scanner with its version, or is '' where nothing was scanned.
    """

    format: Literal["awo/redaction/v1"]
    run_id: str
    number: Number
    act: Literal["redaction", "erasure"]
    seal_sha256: Sha256
    previous_sha256: MaybeSha256
    at: Time
    signer: Starter
    reason: str
    policy_sha256: MaybeSha256
    files: list[RedactedFile]
    scanned_by: str
    waivers: list[Waiver]


class ShownValue(_Record, frozen=True):
    """A value that is shown: its sorted compact JSON as text, and the salt with which it is committed to."""

    salt: SaltHex
    json: str


class PartialText(_Record, frozen=True):
    """A line of `NAME.jsonl.partial`, or the whole of another `NAME.partial`.

    Either `leaf` is set and nothing is shown, or `skeleton` has the text with a mark for every value that can be
    withheld, and `shown` the values that are shown, by their place (a JSON pointer).
    """

    leaf: MaybeSha256
    skeleton: str
    shown: dict[str, ShownValue]

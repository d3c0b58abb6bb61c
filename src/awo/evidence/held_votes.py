"""What a voter keeps until the votes of a blind gate are opened: a file on their own machine, never in the run."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from awo.evidence.events import Count, StepId


class HeldVote(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A decision that was sealed as vote `number`, and the nonce that opens it.

    `decision` and `signature` are the texts of the two files that the opening writes, byte for byte.
    """

    format: Literal["awo/held-vote/v1"]
    run_id: str
    gate: StepId
    number: Count
    nonce: Annotated[str, Meta(pattern=r"^[0-9a-f]{64}$(?!\n)")]
    decision: str
    signature: str

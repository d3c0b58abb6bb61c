"""The operation `consensus_vote`: which answer most models gave."""

from __future__ import annotations

from awo.derive.votes.consensus_vote import DERIVATION
from awo.ops.derived import operation_of

OPERATION = operation_of(DERIVATION)

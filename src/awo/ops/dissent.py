"""The operation `dissent`: which minority answers of a vote were answered."""

from __future__ import annotations

from awo.derive.votes.dissent import DERIVATION
from awo.ops.derived import operation_of

OPERATION = operation_of(DERIVATION)

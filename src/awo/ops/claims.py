"""The operation `claims`: what came of each claim, tested against the numbers of the run."""

from __future__ import annotations

from awo.derive.verdicts import DERIVATION
from awo.ops.derived import operation_of

OPERATION = operation_of(DERIVATION)

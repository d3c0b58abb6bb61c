"""The operation `statistics`: what the scores of a run say, with intervals, tests and agreement."""

from __future__ import annotations

from awo.derive.statistics.step import DERIVATION
from awo.ops.derived import operation_of

OPERATION = operation_of(DERIVATION)

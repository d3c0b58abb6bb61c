"""The operation `compare`: what models, or arms of a matrix, said of the same items."""

from __future__ import annotations

from awo.derive.comparison import DERIVATION
from awo.ops.derived import operation_of

OPERATION = operation_of(DERIVATION)

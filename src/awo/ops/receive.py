"""The operation `receive`: a file that others made is kept, and the answers in it are listed as received."""

from __future__ import annotations

from awo.derive.received.step import DERIVATION
from awo.ops.derived import operation_of

OPERATION = operation_of(DERIVATION)

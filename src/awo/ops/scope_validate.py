"""The operation `scope_validate`: can each claim be proved false?"""

from __future__ import annotations

from awo.derive.claims import DERIVATION
from awo.ops.derived import operation_of

OPERATION = operation_of(DERIVATION)

"""The operation `assert_contains`: every given text must occur in a field of an earlier step."""

from __future__ import annotations

from awo.derive.containment import DERIVATION
from awo.ops.derived import operation_of

OPERATION = operation_of(DERIVATION)

"""The operations `score` and `assert`: scores for every answer of a step."""

from __future__ import annotations

from awo.derive.scores.step import ASSERT, SCORE
from awo.ops.derived import operation_of

SCORE_OPERATION = operation_of(SCORE)
ASSERT_OPERATION = operation_of(ASSERT)

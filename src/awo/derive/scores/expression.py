"""The score that an author's own CEL expression gives."""

from __future__ import annotations

import math
import re
from typing import Annotated, Any, Final, Literal

from msgspec import UNSET, Meta, UnsetType

from awo.derive.answers import Answer
from awo.derive.scores.labels import LONGEST_LABEL
from awo.derive.scores.seam import (
    GRADE_THRESHOLD,
    TEST_THRESHOLD,
    Looking,
    Scored,
    Scoring,
    Spec,
    measured,
    said_why,
    verdict,
)
from awo.evidence.scores import ScoreType
from awo.workflow import conditions
from awo.workflow.words import CellCondition, CellTemplate

_TEXT: Final = re.compile(r"(?<![\w.])text\b")
"""The name `text` in CEL. What merely looks like it, in a quoted text, counts as well."""


class Expression(Spec, frozen=True, kw_only=True, tag="expression"):
    """What a CEL expression gives: a truth for a test, a number for a grade or a measure, a text for a label."""

    cel: Annotated[
        CellCondition,
        Meta(min_length=1, description="CEL over `item` (as in templates), `text`, `expected` and `inputs`."),
    ]
    expected: Annotated[CellTemplate, Meta(description="What `expected` is, filled in.")] | UnsetType = UNSET
    type: Annotated[Literal["test", "grade", "measure", "label"], Meta(description="What it gives.")] = "test"
    threshold: Annotated[float, Meta(ge=0, le=1, description="The grade from which on an answer has passed.")] = (
        GRADE_THRESHOLD
    )

    def score_type(self) -> ScoreType | None:
        return self.type

    def reads_answer(self) -> bool:
        return not self.value and _TEXT.search(self.cel) is not None

    def mark(self) -> float:
        return {"test": TEST_THRESHOLD, "grade": self.threshold}.get(self.type, 0.0)

    def scoring(self, looking: Looking) -> Scoring:
        texts, cel, kind = looking.texts(self.value), self.cel, self.type
        expected = None if self.expected is UNSET else looking.values(self.expected)
        names = conditions.names_used_for_cells(cel).inputs
        inputs = {name: looking.sources.fill(f"{{{{ inputs['{name}'] }}}}") for name in names}

        def score(answer: Answer) -> Scored:
            text = texts(answer)
            if "\x00" in text:  # the library reads a text up to its first NUL only
                return said_why("the text has a NUL character, which CEL cannot look past")
            given = conditions.of_cell(cel, answer.shown.row, text, expected(answer) if expected else None, inputs)
            return _as_type(given, kind)

        return score


def _as_type(given: Any, kind: Literal["test", "grade", "measure", "label"]) -> Scored:
    is_number = isinstance(given, (int, float)) and not isinstance(given, bool)
    match kind:
        case "test":
            return verdict(given) if isinstance(given, bool) else said_why("the expression gives no truth")
        case "measure":
            return measured(given) if is_number else said_why("the expression gives no number")
        case "grade":
            if not is_number or not math.isfinite(given) or not 0 <= given <= 1:
                return said_why("the expression gives no number from 0 to 1")
            return measured(given)
        case "label":
            if not isinstance(given, str) or not 0 < len(given) <= LONGEST_LABEL:
                return said_why(f"the expression gives no text of 1 to {LONGEST_LABEL} characters")
            return Scored(None, "", given)

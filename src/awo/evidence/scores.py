"""What a step that scores leaves: a line for each answer, and how each score came out over all (spec section 3.15)."""

from __future__ import annotations

from typing import Any, Literal

import msgspec

from awo.evidence.events import Size

SCORES_FILE = "scores.jsonl"

ScoreType = Literal["test", "grade", "measure", "label", "ratings"]
"""A test is 0 or 1, a grade from 0 to 1, a measure any number; a label is a word, ratings are a list of them."""


class _Record(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A shape on disk: unknown fields are refused."""


class ScoreLine(_Record, frozen=True):
    """The scores of one answer; a line of outputs/<step>/files/scores.jsonl (sorted compact JSON).

    `cell` and `answer` count from 0: the answer's cell in the scored step, and its place among the answers
    of that cell. `item` is the id of the row ('' without one), `model` who was asked ('' when nobody).
    Every score of the step is a key of `scores` (null where there is none), `labels` or `ratings`; `why`
    says of a score in one sentence why it is null, or why it is the lowest although nothing was compared.
    """

    cell: Size
    answer: Size
    item: str
    matrix: dict[str, Any]
    repeat: Size
    model: str
    status: Literal["done", "failed"]
    groups: dict[str, Any] = {}
    scores: dict[str, float | None] = {}
    labels: dict[str, str | None] = {}
    ratings: dict[str, list[Any]] = {}
    why: dict[str, str] = {}


class ScoreSummary(_Record, frozen=True):
    """One score over all answers. `missing` answers failed or could not be scored.

    They count as 0 in the `mean` of a test or a grade, and are left out of that of a measure. `passed`
    counts the answers that reach `threshold` (tests and grades).
    """

    kind: str
    type: ScoreType
    answers: Size
    missing: Size
    passed: Size
    threshold: float
    mean: float | None


class ScoresValue(_Record, frozen=True):
    """The value of a step that scores, its output.json."""

    of: str
    cells: Size
    failed: Size
    answers: Size
    path: str
    scores: dict[str, ScoreSummary]

"""Scores that another step gave to the same answers: the lines of one that scores, or the values of one that judged."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Annotated, Any, Final, Literal

import msgspec
from msgspec import UNSET, Meta, UnsetType

from awo.derive.answers import Answer
from awo.derive.containment import NO_SUCH_FIELD, value_at
from awo.derive.scores.labels import LONGEST_LABEL
from awo.derive.scores.seam import (
    GRADE_THRESHOLD,
    TEST_THRESHOLD,
    Looking,
    Outcome,
    Scored,
    Scoring,
    Spec,
    measured,
    said_why,
)
from awo.errors import StepFailed
from awo.evidence.scores import SCORES_FILE, ScoreLine, ScoreSummary, ScoresValue, ScoreType
from awo.workflow.words import StepRef

_LONGEST_WHY: Final = 300
_lines = msgspec.json.Decoder(ScoreLine)


class FromStep(Spec, frozen=True, kw_only=True, tag="from_step"):
    """What another step said of the same answers: one that scores them, or one that goes over their cells."""

    step: Annotated[
        StepRef, Meta(description="A step that scores the same step, or one that goes over it, such as `grade`.")
    ]
    score: Annotated[str, Meta(min_length=1, description="The score's name in a step that scores.")] | UnsetType = UNSET
    field: Annotated[
        str, Meta(min_length=1, description="The place in the value of a cell, with dots, in any other step.")
    ] = "score"
    type: (
        Annotated[
            Literal["test", "grade", "measure", "label"],
            Meta(description="What it is; by default what the other step says, or a grade."),
        ]
        | UnsetType
    ) = UNSET
    threshold: Annotated[float, Meta(ge=0, le=1, description="The grade from which on an answer has passed.")] = (
        GRADE_THRESHOLD
    )

    def __post_init__(self) -> None:
        if self.value:
            raise ValueError("from_step takes the score that is there, so `value` has no meaning here")
        if self.score is not UNSET and self.type is not UNSET:
            raise ValueError("give `type` only for a step that does not score: one that does says it itself")

    def score_type(self) -> ScoreType | None:
        if self.score is UNSET:
            return "grade" if self.type is UNSET else self.type
        return None

    def mark(self) -> float:
        return {"test": TEST_THRESHOLD, "grade": self.threshold}.get(str(self.score_type()), 0.0)

    def outcome(self, looking: Looking) -> Outcome:
        if self.score is UNSET:
            return Spec.outcome(self, looking)
        summary = _summary(looking, self.step, self.score)
        return Outcome(self.kind_on_record(), summary.type, summary.threshold, summary.type == "label")

    def scoring(self, looking: Looking) -> Scoring:
        if self.score is not UNSET:
            return _scored_before(looking, self.step, self.score)
        kind = self.score_type()
        values = _cell_values(looking, self.step)
        field = self.field

        def score(answer: Answer) -> Scored:
            value = values.get(answer.shown.item_id, NO_SUCH_FIELD)
            if value is NO_SUCH_FIELD:
                return said_why("the other step has nothing on this answer")
            found = value_at(value, field)
            why = value.get("why", "") if isinstance(value, dict) else ""
            if found is NO_SUCH_FIELD or found is None:
                return said_why(why[:_LONGEST_WHY] if isinstance(why, str) and why else "the other step gave none")
            return _as_type(found, kind)

        return score


def _scored_before(looking: Looking, step: str, name: str) -> Scoring:
    """Takes the lines of the other step one by one: both go over the answers of one step in the same order."""
    lines = _score_lines(looking, step)

    def score(answer: Answer) -> Scored:
        for line in lines:
            if (line.cell, line.answer) == (answer.cell, answer.number):
                return Scored(
                    number=line.scores.get(name),
                    why=line.why.get(name, ""),
                    label=line.labels.get(name),
                    ratings=tuple(line.ratings.get(name, ())),
                )
            if (line.cell, line.answer) > (answer.cell, answer.number):
                break
        return said_why("the other step has nothing on this answer")

    return score


def _score_lines(looking: Looking, step: str) -> Iterator[ScoreLine]:
    for raw in looking.sources.lines_of(step, SCORES_FILE):
        try:
            yield _lines.decode(raw)
        except msgspec.MsgspecError as error:
            raise StepFailed("the other step's scores cannot be read", code="scores", where=step) from error


def _summary(looking: Looking, step: str, name: str) -> ScoreSummary:
    try:
        value = msgspec.convert(looking.sources.value_of(step), ScoresValue)
    except msgspec.ValidationError as error:
        raise StepFailed(
            f"the step {step!r} does not score",
            code="scores",
            where=looking.sources.step,
            hint="leave `score` out, and say in `field` where in its value the score is",
        ) from error
    if value.of != looking.of:
        raise StepFailed(
            f"the step {step!r} scores other answers",
            code="scores",
            where=looking.sources.step,
            expected=f"scores of {looking.of!r}",
            got=f"scores of {value.of!r}",
        )
    if name not in value.scores:
        raise StepFailed(
            f"the step {step!r} has no score {name!r}",
            code="scores",
            where=looking.sources.step,
            expected=", ".join(value.scores),
        )
    return value.scores[name]


def _cell_values(looking: Looking, step: str) -> Mapping[str, Any]:
    """The values of a step that goes over the scored one, by the id of the cell that each looked at."""
    record = looking.sources.record_of(step)
    over = record.cells.over if record.cells else None
    if over is None or over.kind != "step" or over.name != looking.of:
        raise StepFailed(
            f"the step {step!r} does not go over {looking.of!r}",
            code="scores",
            where=looking.sources.step,
            expected=f"`over: {{step: {looking.of}}}` there, or the name of one of its scores in `score`",
        )
    found: dict[str, Any] = {}
    for line in looking.sources.items_of(step):
        if line.matrix or line.repeat:
            raise StepFailed(
                f"the step {step!r} has several cells for an answer",
                code="scores",
                where=looking.sources.step,
                expected="a step without `matrix` and `repeats`",
            )
        if line.status == "done":
            found[line.item] = line.value
    return found


def _as_type(found: Any, kind: ScoreType | None) -> Scored:
    is_number = isinstance(found, (int, float)) and not isinstance(found, bool)
    match kind:
        case "test":
            if isinstance(found, bool) or (is_number and found in (0, 1)):
                return Scored(float(found))
            return said_why("the other step gave neither true nor false")
        case "measure":
            return measured(found) if is_number else said_why("the other step gave no number")
        case "label":
            if isinstance(found, str) and 0 < len(found) <= LONGEST_LABEL:
                return Scored(None, "", found)
            return said_why(f"the other step gave no text of 1 to {LONGEST_LABEL} characters")
        case _:
            if is_number and 0 <= found <= 1:
                return measured(found)
            return said_why("the other step gave no number from 0 to 1")

"""Scores that another step gave to the same answers: the lines of one that scores, or the values of one that judged."""

from __future__ import annotations

from collections.abc import Iterator
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

ANSWER_NAME: Final = "answer"
"""The matrix name of a judging step that says which answer of a cell it looks at, from 0."""

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
            Meta(
                description="What it is; by default what a step that scores says, and a measure of any other: "
                "what was not judged is then missing, and not the lowest grade."
            ),
        ]
        | UnsetType
    ) = UNSET
    threshold: (
        Annotated[float, Meta(ge=0, le=1, description="With `type: grade`, from where on an answer has passed; 0.5.")]
        | UnsetType
    ) = UNSET

    def __post_init__(self) -> None:
        if self.value:
            raise ValueError("from_step takes the score that is there, so `value` has no meaning here")
        if self.threshold is not UNSET and self.type != "grade":
            raise ValueError("`threshold` is for `type: grade`")
        if self.score is not UNSET and self.type is not UNSET:
            raise ValueError("give `type` only for a step that does not score: one that does says it itself")

    def score_type(self) -> ScoreType | None:
        if self.score is UNSET:
            return "measure" if self.type is UNSET else self.type
        return None

    def mark(self) -> float:
        grade = GRADE_THRESHOLD if self.threshold is UNSET else self.threshold
        return {"test": TEST_THRESHOLD, "grade": grade}.get(str(self.score_type()), 0.0)

    def reads_answer(self) -> bool:
        return False

    def outcome(self, looking: Looking) -> Outcome:
        if self.score is UNSET:
            return Spec.outcome(self, looking)
        summary = _summary(looking, self.step, self.score)
        return Outcome(self.kind_on_record(), summary.type, summary.threshold, summary.type == "label")

    def scoring(self, looking: Looking) -> Scoring:
        if self.score is not UNSET:
            return _scored_before(looking, self.step, self.score)
        kind = self.score_type()
        judged = _Judged(looking, self.step)
        field = self.field

        def score(answer: Answer) -> Scored:
            value = judged.of(answer)
            if value is NO_SUCH_FIELD:
                return said_why("the other step has nothing on this answer")
            found = value_at(value, field)
            if found is NO_SUCH_FIELD or found is None:
                return said_why(_why_none(value, field))
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


class _Judged:
    """The values of a step that goes over the scored one: one for each cell, or for each answer of a cell.

    A cell of the judging step looks at the answer whose number (from 0) is its matrix name `answer`; without that
    name it looks at a cell as a whole, which says what it thinks of an answer only where there is just one.
    """

    def __init__(self, looking: Looking, step: str) -> None:
        self._step, self._of, self._where = step, looking.of, f"step {looking.sources.step}"
        record = looking.sources.record_of(step)
        cells = record.cells
        if cells is None or cells.over is None or cells.over.kind != "step" or cells.over.name != looking.of:
            raise self._refused(
                f"the step {step!r} does not go over {looking.of!r}",
                expected=f"`over: {{step: {looking.of}}}` there, or the name of one of its scores in `score`",
            )
        numbers = cells.matrix.get(ANSWER_NAME)
        if cells.repeats > 1 or len(cells.matrix) > (numbers is not None):
            raise self._refused(
                f"the step {step!r} has several cells for an answer",
                expected=f"a step without `repeats`, and without `matrix` but for the name `{ANSWER_NAME}`",
            )
        if numbers is not None and not all(type(number) is int and number >= 0 for number in numbers):
            raise self._refused(
                f"the matrix name `{ANSWER_NAME}` of the step {step!r} says which answer of a cell is judged",
                expected="whole numbers from 0",
            )
        self._by_number = numbers is not None
        self._values = {
            (line.item, line.matrix[ANSWER_NAME] if self._by_number else 0): line.value
            for line in looking.sources.items_of(step)
            if line.status == "done"
        }

    def of(self, answer: Answer) -> Any:
        """What was judged of `answer`; `NO_SUCH_FIELD` for nothing."""
        if answer.number and not self._by_number:
            raise self._refused(
                f"the cells of {self._of!r} have several answers, and the step {self._step!r} judges each cell once",
                hint=f"ask the models with `llm_map` and `matrix: {{model: [...]}}`, or give the step {self._step!r} "
                f"`matrix: {{{ANSWER_NAME}: [0, 1, ...]}}` and let it judge "
                f'"{{{{ item.value.responses[matrix.{ANSWER_NAME}].text }}}}"',
            )
        return self._values.get((answer.shown.item_id, answer.number), NO_SUCH_FIELD)

    def _refused(self, what: str, *, expected: str = "", hint: str = "") -> StepFailed:
        return StepFailed(what, code="scores", where=self._where, expected=expected, hint=hint, is_final=True)


def _why_none(value: Any, field: str) -> str:
    """The `why` that stands beside the field, or else in the value: the reason that the judging step gave."""
    beside = value_at(value, field.rpartition(".")[0]) if "." in field else value
    for one in (beside, value):
        why = one.get("why") if isinstance(one, dict) else None
        if isinstance(why, str) and why:
            return why[:_LONGEST_WHY]
    return "the other step gave none"


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

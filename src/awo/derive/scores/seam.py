"""The seam of scores: what one kind of score may be told, what it sees, and what it gives for one answer."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from functools import cached_property
from typing import Annotated, Any, Final, NamedTuple

import msgspec
from msgspec import UNSET, Meta, UnsetType

from awo.derive.answers import Answer
from awo.derive.seam import Sources
from awo.evidence.records import StopReason
from awo.evidence.scores import ScoreType
from awo.workflow.templates import as_text, is_template, sole_reference
from awo.workflow.words import CellTemplate

TEST_THRESHOLD: Final = 1.0
GRADE_THRESHOLD: Final = 0.5
NO_ANSWER: Final = "there is no answer"


class Scored(NamedTuple):
    """One score of one answer. `number` None is no score, and `why` then says why not.

    A `why` beside a number says why it is the lowest although nothing was compared; such a test is not passed,
    negated or not. `ratings` is for scores of that type alone.
    """

    number: float | None = None
    why: str = ""
    label: str | None = None
    ratings: tuple[Any, ...] = ()


PASSED: Final = Scored(1.0)
FAILED: Final = Scored(0.0)

Scoring = Callable[[Answer], Scored]


class Outcome(NamedTuple):
    """What a score is on record: its kind, its type, the number from which on an answer has passed, and whether
    each answer has a label, alone or beside its number."""

    kind: str
    type: ScoreType
    threshold: float
    has_label: bool


def said_why(why: str) -> Scored:
    """No score, and the reason."""
    return Scored(None, why)


def lowest(why: str) -> Scored:
    """The lowest score, given because there was nothing that could be compared."""
    return Scored(0.0, why)


def verdict(is_passed: bool) -> Scored:
    """1 or 0."""
    return PASSED if is_passed else FAILED


def measured(number: float) -> Scored:
    """A number as it is; NaN and infinities are no score."""
    return Scored(float(number) + 0.0) if math.isfinite(number) else said_why("the number is not finite")


class Spec(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True, tag_field="kind"):
    """One score: its kind, and what is scored."""

    value: Annotated[
        CellTemplate, Meta(description="What is scored, filled in for each answer; the answer's text when empty.")
    ] = ""

    def score_type(self) -> ScoreType | None:
        """Test, grade, measure, label or ratings; None where only another step can say."""
        raise NotImplementedError

    def scoring(self, looking: Looking) -> Scoring:
        """What scores each answer that came. It may raise `StepFailed` with the codes `template` and `expression`."""
        raise NotImplementedError

    def reads_answer(self) -> bool:
        """Whether it looks at the answer itself, its text or its response, and not at what a template gives alone."""
        return not self.value

    def gives_label(self) -> bool:
        """Whether each answer gets a label, alone or beside its number."""
        return self.score_type() == "label"

    def mark(self) -> float:
        """The number from which on an answer has passed; 0 where nothing passes."""
        return 0.0

    def kind_on_record(self) -> str:
        """The kind as the summary names it, with what else decides its numbers."""
        return str(self.__struct_config__.tag)

    def outcome(self, looking: Looking) -> Outcome:
        """What comes out, known for certain. Raises `StepFailed` where another step should say and does not."""
        kind = self.score_type()
        if kind is None:
            raise NotImplementedError
        return Outcome(self.kind_on_record(), kind, self.mark(), self.gives_label())


class VerdictSpec(Spec, frozen=True, kw_only=True):
    """A test gives 1 or 0."""

    negate: Annotated[bool, Meta(description="Whether the test is passed where it would not be.")] = False

    def score_type(self) -> ScoreType | None:
        return "test"

    def mark(self) -> float:
        return TEST_THRESHOLD


class LabelSpec(Spec, frozen=True, kw_only=True):
    """A score that gives a label, and is a test where it says what is `expected`."""

    expected: str | UnsetType = UNSET

    def score_type(self) -> ScoreType | None:
        return "label" if self.expected is UNSET else "test"

    def gives_label(self) -> bool:
        return True

    def mark(self) -> float:
        return 0.0 if self.expected is UNSET else TEST_THRESHOLD


class GradeSpec(Spec, frozen=True, kw_only=True):
    """A grade goes from 0 to 1."""

    threshold: Annotated[float, Meta(ge=0, le=1, description="The grade from which on an answer has passed.")] = (
        GRADE_THRESHOLD
    )

    def score_type(self) -> ScoreType | None:
        return "grade"

    def mark(self) -> float:
        return self.threshold


def negated(scoring: Scoring) -> Scoring:
    """The test turned round; what has no score, or was not compared, stays as it is."""

    def turned(answer: Answer) -> Scored:
        scored = scoring(answer)
        if scored.number is None or scored.why:
            return scored
        return scored._replace(number=1.0 - scored.number)

    return turned


class Behind(NamedTuple):
    """What is on record of the response behind an answer; `cost_usd` None and token counts -1 where not known."""

    latency_ms: int
    cost_usd: float | None
    prompt_tokens: int
    completion_tokens: int
    stop_reason: StopReason


class Looking:
    """What kinds score with: templates filled in for an answer, and the responses behind the answers."""

    def __init__(self, sources: Sources, of: str) -> None:
        self.sources = sources
        self.of = of

    def values(self, template: str) -> Callable[[Answer], Any]:
        """What the template gives for an answer; the answer's text for an empty one."""
        if not template:
            return lambda answer: answer.text
        if not is_template(template):
            return lambda _: template
        fill = self.sources.fill
        return lambda answer: fill(template, answer.shown)

    def texts(self, template: str) -> Callable[[Answer], str]:
        """As `values`, as text; what is no text stands as one line of JSON, null as no text at all."""
        if not template:
            return lambda answer: answer.text
        if not is_template(template):
            return lambda _: template
        if sole_reference(template) is None:
            render = self.sources.render
            return lambda answer: render(template, answer.shown)
        values = self.values(template)

        def text(answer: Answer) -> str:
            value = values(answer)
            if isinstance(value, str):
                return value
            return "" if value is None else as_text(value)

        return text

    @cached_property
    def behind(self) -> Mapping[str, Behind]:
        """The responses of the scored step by call."""
        return {
            line.call: Behind(
                latency_ms=line.latency_ms,
                cost_usd=float(line.cost) if line.cost else None,
                prompt_tokens=line.usage.prompt_tokens,
                completion_tokens=line.usage.completion_tokens,
                stop_reason=line.stop_reason,
            )
            for line in self.sources.responses_of(self.of)
        }

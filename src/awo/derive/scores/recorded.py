"""Scores of what is on record of a response: how long it took, what it cost, how it ended, whether it refused."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Annotated, ClassVar, Final, Literal

from msgspec import UNSET, Meta, UnsetType

from awo.derive.answers import Answer
from awo.derive.scores.normal import normaliser
from awo.derive.scores.seam import (
    TEST_THRESHOLD,
    Behind,
    LabelSpec,
    Looking,
    Scored,
    Scoring,
    Spec,
    VerdictSpec,
    measured,
    negated,
    said_why,
    verdict,
)
from awo.evidence.records import StopReason
from awo.evidence.scores import ScoreType

NO_RESPONSE: Final = "no response on record is behind this answer"

REFUSAL_BEGINNING: Final = 200
REFUSALS: Final = (
    "as an ai language model",
    "as an ai model",
    "i am not able to",
    "i am sorry but i can't",
    "i am sorry but i cannot",
    "i am unable to",
    "i can not help",
    "i can't answer",
    "i can't assist",
    "i can't comply",
    "i can't fulfill",
    "i can't help",
    "i can't provide",
    "i cannot answer",
    "i cannot assist",
    "i cannot comply",
    "i cannot fulfill",
    "i cannot help",
    "i cannot provide",
    "i decline to",
    "i must decline",
    "i won't be able to",
    "i'm not able to",
    "i'm sorry but i can't",
    "i'm sorry but i cannot",
    "i'm unable to",
)
"""What an answer that refuses says near its beginning: English, lower case, without commas, a straight apostrophe."""


class _Bounded(Spec, frozen=True, kw_only=True):
    """A number that is a measure, or with a bound a test whether it keeps to it."""

    min: Annotated[float, Meta(ge=0, description="The smallest that passes; makes it a test.")] | UnsetType = UNSET
    max: Annotated[float, Meta(ge=0, description="The largest that passes; makes it a test.")] | UnsetType = UNSET

    def score_type(self) -> ScoreType | None:
        return "measure" if self.min is UNSET and self.max is UNSET else "test"

    def mark(self) -> float:
        return TEST_THRESHOLD if self.score_type() == "test" else 0.0

    def scoring(self, looking: Looking) -> Scoring:
        number, is_test = self._number(looking), self.score_type() == "test"
        low = -math.inf if self.min is UNSET else self.min
        high = math.inf if self.max is UNSET else self.max

        def score(answer: Answer) -> Scored:
            found = number(answer)
            if isinstance(found, str):
                return said_why(found)
            return verdict(low <= found <= high) if is_test else measured(found)

        return score

    def _number(self, looking: Looking) -> Callable[[Answer], float | str]:
        """What gives the number, or why there is none."""
        raise NotImplementedError


class Length(_Bounded, frozen=True, kw_only=True, tag="length"):
    """How long it is; a test with `min` or `max`."""

    unit: Annotated[
        Literal["characters", "words", "bytes"],
        Meta(description="Unicode code points, runs without white space, or bytes in UTF-8."),
    ] = "characters"

    def _number(self, looking: Looking) -> Callable[[Answer], float | str]:
        texts = looking.texts(self.value)
        match self.unit:
            case "characters":
                return lambda answer: len(texts(answer))
            case "words":
                return lambda answer: len(texts(answer).split())
            case "bytes":
                return lambda answer: len(texts(answer).encode("utf-8", "surrogatepass"))


class _OfResponse(_Bounded, frozen=True, kw_only=True):
    """A number of the response behind the answer."""

    unknown: ClassVar[str] = ""

    def __post_init__(self) -> None:
        _refuse_value(self)

    def _number(self, looking: Looking) -> Callable[[Answer], float | str]:
        behind, unknown = looking.behind, self.unknown

        def number(answer: Answer) -> float | str:
            response = behind.get(answer.call)
            if response is None:
                return NO_RESPONSE
            found = self._of(response)
            return unknown if found is None else found

        return number

    def _of(self, response: Behind) -> float | None:
        raise NotImplementedError


class LatencyMs(_OfResponse, frozen=True, kw_only=True, tag="latency_ms"):
    """Milliseconds until the answer was there; a test with `max`."""

    def _of(self, response: Behind) -> float | None:
        return response.latency_ms


class CostUsd(_OfResponse, frozen=True, kw_only=True, tag="cost_usd"):
    """US dollars that the response cost; a test with `max`."""

    unknown: ClassVar[str] = "what the response cost is not known"

    def _of(self, response: Behind) -> float | None:
        return response.cost_usd


class Tokens(_OfResponse, frozen=True, kw_only=True, tag="tokens"):
    """Tokens as the model counted them; a test with `min` or `max`."""

    unknown: ClassVar[str] = "the model did not count tokens"
    count: Annotated[
        Literal["total", "prompt", "completion"], Meta(description="Of what is asked, of the answer, or both.")
    ] = "total"

    def _of(self, response: Behind) -> float | None:
        asked, answered = response.prompt_tokens, response.completion_tokens
        counted = {"prompt": (asked,), "completion": (answered,), "total": (asked, answered)}[self.count]
        return None if min(counted) < 0 else sum(counted)


class StoppedBy(LabelSpec, frozen=True, kw_only=True, tag="stop_reason"):
    """Why the answer ended, as a label; with `expected` a test."""

    expected: Annotated[StopReason, Meta(description="The reason that passes.")] | UnsetType = UNSET

    def __post_init__(self) -> None:
        _refuse_value(self)

    def scoring(self, looking: Looking) -> Scoring:
        behind, expected = looking.behind, self.expected

        def score(answer: Answer) -> Scored:
            response = behind.get(answer.call)
            if response is None:
                return said_why(NO_RESPONSE)
            number = None if expected is UNSET else float(response.stop_reason == expected)
            return Scored(number, "", response.stop_reason)

        return score


class Refusal(VerdictSpec, frozen=True, kw_only=True, tag="refusal"):
    """The answer refuses: the model said that it does, or it begins with a phrase of the list."""

    def scoring(self, looking: Looking) -> Scoring:
        behind, texts = looking.behind, looking.texts(self.value)

        def score(answer: Answer) -> Scored:
            response = behind.get(answer.call)
            said_so = response is not None and response.stop_reason == "refusal"
            return verdict(said_so or is_refusal(texts(answer)))

        return negated(score) if self.negate else score


_normal = normaliser(("case", "space"))


def is_refusal(text: str) -> bool:
    """Whether one of `REFUSALS` stands in the first `REFUSAL_BEGINNING` characters."""
    beginning = _normal(text[:REFUSAL_BEGINNING].replace("\u2019", "'").replace(",", " "))
    return any(phrase in beginning for phrase in REFUSALS)


def _refuse_value(spec: Spec) -> None:
    if spec.value:
        raise ValueError(f"{spec.__struct_config__.tag} looks at the response, so `value` has no meaning here")

"""Scores of numbers: the number that an answer gives, on its own, beside the expected one, or within bounds."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from typing import Annotated, Any, Final, Literal, NamedTuple

from msgspec import UNSET, Meta, UnsetType

from awo.derive.answers import Answer
from awo.derive.scores.seam import (
    Looking,
    Scored,
    Scoring,
    Spec,
    VerdictSpec,
    lowest,
    measured,
    negated,
    said_why,
    verdict,
)
from awo.evidence.scores import ScoreType
from awo.workflow.words import CellTemplate

LONGEST_NUMBER: Final = 400
_ROUNDING: Final = 2**-51
"""How much of the larger of two numbers their difference may miss that of the decimals by."""

# A sign only where no word or number ends before it, so that 2024-01 has no -1; 1,234,567.5 is one number, 1.2.3 none.
# A sign of money may stand behind it: -$5 is -5.
_NUMBER = re.compile(
    r"(?:(?<![\w.])[-+\u2212][$\u00a3\u00a5\u20ac]?)?(?<![0-9.])"
    r"(?:[0-9]{1,3}(?:,[0-9]{3})+(?![0-9,])|[0-9]+)(?:\.[0-9]+)?(?:[eE][-+]?[0-9]{1,4})?(?!\.?[0-9])"
    r"|(?<![\w.])[-+\u2212]?\.[0-9]+(?!\.?[0-9])"
)

_PLAIN: Final = str.maketrans({"\u2212": "-"} | dict.fromkeys(",$\u00a3\u00a5\u20ac"))

Take = Annotated[
    Literal["only", "first", "last"],
    Meta(description="Which number of a text: the `only` one (the same one twice is one), the `first` or the `last`."),
]
Number = CellTemplate | int | float


class Read(NamedTuple):
    """A number, or None and why there is none."""

    number: float | None
    why: str = ""


class ValueNumber(Spec, frozen=True, kw_only=True, tag="value_number"):
    """The number that is in it, as a measure."""

    take: Take = "only"

    def score_type(self) -> ScoreType | None:
        return "measure"

    def scoring(self, looking: Looking) -> Scoring:
        values, take = looking.values(self.value), self.take

        def score(answer: Answer) -> Scored:
            found = number_in(values(answer), take)
            return said_why(found.why) if found.number is None else measured(found.number)

        return score


class IsNumber(VerdictSpec, frozen=True, kw_only=True, tag="number"):
    """The number in it is the expected one, or as near as is allowed."""

    expected: Annotated[Number, Meta(description="The number; a text is a template.")]
    tolerance: Annotated[float, Meta(ge=0, description="How far away it may be.")] = 0.0
    relative: Annotated[float, Meta(ge=0, description="How far away it may be, as a share of the expected number.")] = (
        0.0
    )
    take: Take = "only"

    def scoring(self, looking: Looking) -> Scoring:
        values, expected, take = looking.values(self.value), _numbers(looking, self.expected), self.take
        tolerance, relative = self.tolerance, self.relative

        def score(answer: Answer) -> Scored:
            want = expected(answer).number
            if want is None:
                return said_why("what is expected is no number")
            got, why = number_in(values(answer), take)
            if got is None:
                return lowest(why)
            return verdict(got == want or is_within(got, want, max(tolerance, relative * abs(want))))

        return negated(score) if self.negate else score


class NumberInRange(VerdictSpec, frozen=True, kw_only=True, tag="number_in_range"):
    """The number in it lies within the bounds, which belong to them."""

    min: Annotated[Number, Meta(description="The smallest that passes; a text is a template.")] | UnsetType = UNSET
    max: Annotated[Number, Meta(description="The largest that passes; a text is a template.")] | UnsetType = UNSET
    take: Take = "only"

    def __post_init__(self) -> None:
        if self.min is UNSET and self.max is UNSET:
            raise ValueError("give `min`, `max` or both")

    def scoring(self, looking: Looking) -> Scoring:
        values, take = looking.values(self.value), self.take
        low = _numbers(looking, -math.inf if self.min is UNSET else self.min)
        high = _numbers(looking, math.inf if self.max is UNSET else self.max)

        def score(answer: Answer) -> Scored:
            least, most = low(answer).number, high(answer).number
            if least is None or most is None:
                return said_why("a bound is no number")
            got, why = number_in(values(answer), take)
            return lowest(why) if got is None else verdict(least <= got <= most)

        return negated(score) if self.negate else score


def is_within(got: float, want: float, most: float) -> bool:
    """Whether two numbers are no further apart than `most`, but for rounding: 0.8 is within 0.1 of 0.7."""
    apart = abs(got - want)
    return apart <= most or (most > 0 and apart - most <= _ROUNDING * max(abs(got), abs(want)))


def number_in(value: Any, take: Literal["only", "first", "last"]) -> Read:
    """The number that a value is, or that stands in a text. Numbers that are not finite are none.

    In a text: digits, with commas before each three of them or without, a decimal point, an exponent.
    """
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        return Read(None, "the value is no number")
    if not isinstance(value, str):
        return _finite(value)
    found = _found(value, is_first=take == "first")
    if not found:
        return Read(None, "there is no number in it")
    if take == "only" and any(number != found[0] for number in found[1:]):
        return Read(None, "there are several numbers in it")
    return _finite(found[-1] if take == "last" else found[0])


def _found(text: str, *, is_first: bool) -> list[float]:
    numbers: list[float] = []
    for match in _NUMBER.finditer(text):
        spelled = match[0]
        numbers.append(float(spelled.translate(_PLAIN)) if len(spelled) <= LONGEST_NUMBER else math.inf)
        if is_first:
            break
    return numbers


def _finite(number: float) -> Read:
    try:
        number = float(number)
    except OverflowError:
        number = math.inf
    return Read(number) if math.isfinite(number) else Read(None, "the number is not finite")


def _numbers(looking: Looking, given: str | float) -> Callable[[Answer], Read]:
    """What gives the number that the author wrote, or that a template gives; infinities stand for no bound."""
    if not isinstance(given, str):
        constant = Read(float(given))
        return lambda _: constant
    values = looking.values(given)
    return lambda answer: number_in(values(answer), "only")

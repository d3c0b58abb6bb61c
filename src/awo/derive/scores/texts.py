"""Scores that compare a text with another: equal, contained, at one end, matched by a pattern."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any, Final

import msgspec
from msgspec import Meta

from awo.derive.answers import Answer
from awo.derive.scores.normal import Ignoring, normaliser
from awo.derive.scores.seam import Looking, Scored, Scoring, VerdictSpec, negated, said_why, verdict
from awo.workflow.names import BadText
from awo.workflow.patterns import searcher
from awo.workflow.templates import as_text
from awo.workflow.words import CellTemplate

NOTHING_EXPECTED: Final = "nothing is expected here"
NO_LIST: Final = "what is expected is no list"

Expected = Annotated[CellTemplate, Meta(description="What is expected, filled in for each answer.")]
ExpectedTexts = Annotated[
    Annotated[tuple[CellTemplate, ...], Meta(min_length=1)] | CellTemplate,
    Meta(description="The texts that are expected: a list of templates, or one template that gives a list."),
]


class _Compared(VerdictSpec, frozen=True, kw_only=True):
    """A test against one text. An empty text that is expected is nothing to compare with."""

    expected: Expected
    ignore: Ignoring = ()

    def scoring(self, looking: Looking) -> Scoring:
        normal = normaliser(self.ignore)
        given, expected, holds = looking.texts(self.value), looking.texts(self.expected), self._holds

        def score(answer: Answer) -> Scored:
            wanted = normal(expected(answer))
            return verdict(holds(normal(given(answer)), wanted)) if wanted else said_why(NOTHING_EXPECTED)

        return negated(score) if self.negate else score

    def _holds(self, text: str, wanted: str) -> bool:
        raise NotImplementedError


class Equals(_Compared, frozen=True, kw_only=True, tag="equals"):
    """The text is the expected one."""

    ignore: Ignoring = ("space",)

    def _holds(self, text: str, wanted: str) -> bool:
        return text == wanted


class Contains(_Compared, frozen=True, kw_only=True, tag="contains"):
    """The expected text stands in it."""

    def _holds(self, text: str, wanted: str) -> bool:
        return wanted in text


class StartsWith(_Compared, frozen=True, kw_only=True, tag="starts_with"):
    """It begins with the expected text."""

    def _holds(self, text: str, wanted: str) -> bool:
        return text.startswith(wanted)


class EndsWith(_Compared, frozen=True, kw_only=True, tag="ends_with"):
    """It ends with the expected text."""

    def _holds(self, text: str, wanted: str) -> bool:
        return text.endswith(wanted)


class _ComparedWithMany(VerdictSpec, frozen=True, kw_only=True):
    """A test against several texts."""

    expected: ExpectedTexts
    ignore: Ignoring = ()

    def scoring(self, looking: Looking) -> Scoring:
        normal = normaliser(self.ignore)
        given, listed, holds = looking.texts(self.value), expected_texts(looking, self.expected), self._holds

        def score(answer: Answer) -> Scored:
            wanted = listed(answer)
            if wanted is None:
                return said_why(NO_LIST)
            wanted = [text for one in wanted if (text := normal(one))]
            return verdict(holds(normal(given(answer)), wanted)) if wanted else said_why(NOTHING_EXPECTED)

        return negated(score) if self.negate else score

    def _holds(self, text: str, wanted: list[str]) -> bool:
        raise NotImplementedError


class ContainsAll(_ComparedWithMany, frozen=True, kw_only=True, tag="contains_all"):
    """Every expected text stands in it."""

    def _holds(self, text: str, wanted: list[str]) -> bool:
        return all(one in text for one in wanted)


class ContainsAny(_ComparedWithMany, frozen=True, kw_only=True, tag="contains_any"):
    """One of the expected texts stands in it."""

    def _holds(self, text: str, wanted: list[str]) -> bool:
        return any(one in text for one in wanted)


class OneOf(_ComparedWithMany, frozen=True, kw_only=True, tag="one_of"):
    """It is one of the expected texts."""

    ignore: Ignoring = ("space",)

    def _holds(self, text: str, wanted: list[str]) -> bool:
        return text in wanted


class Regex(VerdictSpec, frozen=True, kw_only=True, tag="regex"):
    """A pattern matches somewhere in it."""

    pattern: Annotated[
        str,
        Meta(
            min_length=1,
            description="The pattern, in the syntax of Rust's regex crate: no look-around and no references back, "
            "so that no text makes it hang. (?i) at its start ignores case. No template.",
        ),
    ]

    def __post_init__(self) -> None:
        try:
            searcher(self.pattern)
        except BadText as error:
            raise ValueError(f"`pattern`: {error.what}; {error.expected}") from error

    def scoring(self, looking: Looking) -> Scoring:
        matches, given = searcher(self.pattern), looking.texts(self.value)

        def score(answer: Answer) -> Scored:
            return verdict(matches(given(answer)))

        return negated(score) if self.negate else score


def expected_texts(looking: Looking, expected: tuple[str, ...] | str) -> Callable[[Answer], list[str] | None]:
    """The texts of a list of templates, or of one template that gives a list; None where that gives no list.

    A list that stands as JSON in one text, as in a column of a CSV file, is a list too.
    """
    if not isinstance(expected, str):
        every = [looking.texts(one) for one in expected]
        return lambda answer: [text(answer) for text in every]
    values = looking.values(expected)

    def listed(answer: Answer) -> list[str] | None:
        found = as_list(values(answer))
        return None if found is None else [as_text(one) for one in found if one is not None]

    return listed


def as_list(value: Any) -> list[Any] | None:
    """A list, or the list that a text spells as JSON; None for anything else."""
    if isinstance(value, str):
        try:
            value = msgspec.json.decode(value)
        except (msgspec.MsgspecError, UnicodeEncodeError, RecursionError):
            return None
    return value if isinstance(value, list) else None

"""Scores of answers that should be JSON: whether they are, follow a schema, or say the expected value."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any, Final

import msgspec
from msgspec import UNSET, Meta, UnsetType

from awo.derive.answers import Answer
from awo.derive.containment import NO_SUCH_FIELD, value_at
from awo.derive.scores.seam import (
    FAILED,
    PASSED,
    Looking,
    Scored,
    Scoring,
    VerdictSpec,
    lowest,
    negated,
    said_why,
    verdict,
)
from awo.errors import StepFailed
from awo.workflow.answer_schema import text_of, why_no_schema, why_not
from awo.workflow.templates import is_template
from awo.workflow.words import AnswerSchema, CellTemplate

_NOT_JSON: Final = "the answer is not JSON"


class IsJson(VerdictSpec, frozen=True, kw_only=True, tag="is_json"):
    """It is one JSON value, with nothing around it but white space."""

    def scoring(self, looking: Looking) -> Scoring:
        values = looking.values(self.value)

        def score(answer: Answer) -> Scored:
            return verdict(_parsed(values(answer)) is not NO_SUCH_FIELD)

        return negated(score) if self.negate else score


class JsonSchema(VerdictSpec, frozen=True, kw_only=True, tag="json_schema"):
    """It is a JSON value that follows a JSON Schema."""

    schema: Annotated[AnswerSchema, Meta(description="The schema: a mapping, or the path of a JSON file.")]

    def __post_init__(self) -> None:
        if isinstance(self.schema, dict) and (why := why_no_schema(self.schema)):
            raise ValueError(f"`schema` is no JSON Schema: {why}")

    def scoring(self, looking: Looking) -> Scoring:
        schema, texts = self._schema_json(looking), looking.texts(self.value)

        def score(answer: Answer) -> Scored:
            text = texts(answer)
            why = why_not(schema, text)
            if why and _parsed(text) is NO_SUCH_FIELD:
                return lowest(_NOT_JSON)
            return FAILED._replace(why="" if self.negate else f"the answer breaks the schema: {why}") if why else PASSED

        return negated(score) if self.negate else score

    def _schema_json(self, looking: Looking) -> str:
        if isinstance(self.schema, dict):
            return msgspec.json.encode(self.schema).decode()
        try:
            text = text_of(looking.sources.read_text(self.schema))
            why = why_no_schema(msgspec.json.decode(text))
        except ValueError as error:
            raise StepFailed("the file of the schema is not JSON", code="schema", where=self.schema) from error
        if why:
            raise StepFailed(f"the file is no JSON Schema: {why}", code="schema", where=self.schema)
        return text


class JsonEquals(VerdictSpec, frozen=True, kw_only=True, tag="json_equals"):
    """It is the expected JSON value: keys in any order, 1 and 1.0 the same."""

    expected: Annotated[
        CellTemplate | int | float | bool | dict[str, Any] | list[Any],
        Meta(description="The value; a text is a template whose result is the value, or JSON text that spells it."),
    ]

    def scoring(self, looking: Looking) -> Scoring:
        values, wanted = looking.values(self.value), _expected(looking, self.expected, is_json=True)

        def score(answer: Answer) -> Scored:
            want = wanted(answer)
            if want is NO_SUCH_FIELD:
                return said_why("what is expected is not JSON")
            got = _parsed(values(answer))
            return lowest(_NOT_JSON) if got is NO_SUCH_FIELD else verdict(same_json(got, want))

        return negated(score) if self.negate else score


class JsonField(VerdictSpec, frozen=True, kw_only=True, tag="json_field"):
    """The answer is JSON, and has a field there, with the expected value where one is given."""

    path: Annotated[
        str, Meta(min_length=1, description="Keys and places in lists, counted from 0, with dots between them.")
    ]
    expected: (
        Annotated[
            CellTemplate | int | float | bool | dict[str, Any] | list[Any],
            Meta(description="The value; a text is a template. Without it, it is enough that the field is there."),
        ]
        | UnsetType
    ) = UNSET

    def scoring(self, looking: Looking) -> Scoring:
        values, path = looking.values(self.value), self.path
        wanted = None if self.expected is UNSET else _expected(looking, self.expected, is_json=False)

        def score(answer: Answer) -> Scored:
            whole = _parsed(values(answer))
            if whole is NO_SUCH_FIELD:
                return lowest(_NOT_JSON)
            got = value_at(whole, path)
            if wanted is None:
                return verdict(got is not NO_SUCH_FIELD)
            if got is NO_SUCH_FIELD:
                return lowest("the answer has no such field")
            return verdict(same_json(got, wanted(answer)))

        return negated(score) if self.negate else score


def same_json(one: Any, other: Any) -> bool:
    """Whether two JSON values are equal: numbers by their value, but true is not 1; keys in any order."""
    if isinstance(one, bool) or isinstance(other, bool):
        return one is other
    if isinstance(one, dict):
        return (
            isinstance(other, dict)
            and one.keys() == other.keys()
            and all(same_json(value, other[key]) for key, value in one.items())
        )
    if isinstance(one, list):
        return isinstance(other, list) and len(one) == len(other) and all(map(same_json, one, other))
    return bool(one == other)


def _parsed(value: Any) -> Any:
    """The JSON value that a text spells, or a value that is no text as it is; `NO_SUCH_FIELD` for what is not JSON."""
    if not isinstance(value, str):
        return value
    try:
        return msgspec.json.decode(value)
    except (msgspec.MsgspecError, UnicodeEncodeError, RecursionError):
        return NO_SUCH_FIELD


def _expected(looking: Looking, expected: Any, *, is_json: bool) -> Callable[[Answer], Any]:
    """The value that is expected; a text is filled in, and where `is_json` read as JSON."""
    if not isinstance(expected, str):
        return lambda _: expected
    if not is_template(expected):
        constant = _parsed(expected) if is_json else expected
        return lambda _: constant
    values = looking.values(expected)
    return (lambda answer: _parsed(values(answer))) if is_json else values

"""Required texts in a text, and dotted fields."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from awo.derive.containment import NO_SUCH_FIELD, missing_from, value_at

VALUE = {
    "text": "hi",
    "nothing": None,
    "responses": [{"text": "a"}, {"text": "b"}],
    "dotted.key": {"inner": 1},
    "0": "a key that looks like a number",
}


def test_case_does_not_matter_and_what_is_missing_keeps_its_order() -> None:
    assert missing_from("The Straße is BLUE", ["blue", "STRASSE", "red", "The", "green"]) == ["red", "green"]


def test_white_space_does_matter() -> None:
    assert missing_from("a  b", ["a b"]) == ["a b"]


@given(st.text(), st.text(), st.text())
def test_a_part_of_a_text_is_never_missing_from_it(before: str, part: str, after: str) -> None:
    assert missing_from(before + part + after, [part]) == []


@pytest.mark.parametrize(
    ("field", "found"),
    [
        ("text", "hi"),
        ("nothing", None),
        ("responses.1.text", "b"),
        ("responses.0", {"text": "a"}),
        ("dotted.key", {"inner": 1}),
        ("0", "a key that looks like a number"),
    ],
)
def test_a_dotted_field_goes_into_objects_and_lists(field: str, found: object) -> None:
    assert value_at(VALUE, field) == found


@pytest.mark.parametrize(
    "field", ["", "none", "text.0", "responses.2", "responses.-1", "responses.x", "responses.²", "responses.", ".text"]
)
def test_a_field_that_is_not_there_is_not_null(field: str) -> None:
    assert value_at(VALUE, field) is NO_SUCH_FIELD

"""Scores that compare texts, JSON, numbers and words: right, wrong, empty and hostile answers."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.scored_answers import one, scores_of, sources

from awo.derive.scores.json_values import same_json
from awo.derive.scores.labels import Choice
from awo.derive.scores.normal import Ignored, normaliser
from awo.derive.scores.numeric import number_in
from awo.errors import StepFailed

HOSTILE = "\x00{{ item }} </script> \u202e(a+)+$ " + "a" * 100_000

RIGHT_AND_WRONG: list[tuple[dict[str, Any], str, str]] = [
    ({"kind": "equals", "expected": "yes"}, " yes\n", "Yes"),
    ({"kind": "equals", "expected": "STRASSE", "ignore": ["case"]}, "straße", "strase"),
    ({"kind": "equals", "expected": "caf\u00e9"}, "cafe\u0301", "cafe"),
    ({"kind": "contains", "expected": "{{ item.row.want }}"}, "so good!", "so bad!"),
    ({"kind": "contains", "expected": "Good", "ignore": ["case"]}, "so GOOD", "so bad"),
    ({"kind": "contains_all", "expected": ["a", "{{ item.row.want }}"]}, "a good one", "a bad one"),
    ({"kind": "contains_all", "expected": "{{ item.row.wants }}"}, "good and fine", "good"),
    ({"kind": "contains_any", "expected": ["good", "fine"]}, "fine", "bad"),
    ({"kind": "starts_with", "expected": "So"}, "So be it", "so be it"),
    ({"kind": "ends_with", "expected": "it"}, "So be it", "So be it."),
    ({"kind": "regex", "pattern": "(?i)^so .*it$"}, "SO BE IT", "so be it."),
    ({"kind": "one_of", "expected": ["A", "B"]}, " B ", "b"),
    ({"kind": "one_of", "expected": "{{ item.row.wants_json }}"}, "fine", "good fine"),
    ({"kind": "is_json"}, ' {"a": [1]} ', "{'a': 1}"),
    ({"kind": "json_schema", "schema": {"type": "object", "required": ["a"]}}, '{"a": 1}', '{"b": 1}'),
    ({"kind": "json_equals", "expected": {"a": 1, "b": [True]}}, '{"b": [true], "a": 1.0}', '{"b": [1], "a": 1}'),
    ({"kind": "json_equals", "expected": "{{ item.row.wants }}"}, '["good", "fine"]', '["fine", "good"]'),
    ({"kind": "json_equals", "expected": "[1, 2]"}, "[1,2]", "[2,1]"),
    (
        {"kind": "json_field", "path": "a.0.b", "expected": "{{ item.row.want }}"},
        '{"a":[{"b":"good"}]}',
        '{"a":[{"b":1}]}',
    ),
    ({"kind": "json_field", "path": "a"}, '{"a": null}', '{"b": 1}'),
    ({"kind": "number", "expected": 1234.5}, "It is 1,234.5 exactly", "It is 1234"),
    ({"kind": "number", "expected": "{{ item.row.n }}", "tolerance": 0.5}, "7.4", "7.6"),
    ({"kind": "number", "expected": 200, "relative": 0.01}, "about 202", "about 203"),
    ({"kind": "number", "expected": 0.7, "tolerance": 0.1}, "0.8", "0.8000001"),
    ({"kind": "number", "expected": 0.2, "relative": 0.5}, "0.3", "0.30000001"),
    ({"kind": "number", "expected": -5}, "I owe -$5", "I have $5"),
    ({"kind": "number", "expected": 4, "take": "last"}, "2 + 2 = 4", "4 = 2 + 2"),
    ({"kind": "number_in_range", "min": 1, "max": "{{ item.row.n }}"}, "7", "7.01"),
    ({"kind": "choice", "choices": ["good", "bad"], "expected": "{{ item.row.want }}"}, "It is *Good*.", "Bad"),
    ({"kind": "choice", "choices": ["-1", "0", "1"], "expected": "-1"}, "I say: -1", "1"),
    ({"kind": "length", "max": 3}, "abc", "abcd"),
    ({"kind": "length", "unit": "words", "min": 2}, "a b", "ab"),
    ({"kind": "length", "unit": "bytes", "max": 2}, "é", "éa"),
    ({"kind": "refusal"}, "I\u2019m sorry, but I can\u2019t help with that.", "Sure. I cannot think of a better one."),
    ({"kind": "expression", "cel": "text == expected", "expected": "{{ item.row.want }}"}, "good", "bad"),
    ({"kind": "expression", "cel": "item.row.n > size(text)"}, "short", "much longer"),
]
ROW = {"want": "good", "wants": ["good", "fine"], "wants_json": '["good", "fine"]', "n": 7}


@pytest.mark.parametrize(
    ("spec", "right", "wrong"), RIGHT_AND_WRONG, ids=lambda x: x["kind"] if isinstance(x, dict) else ""
)
def test_a_test_passes_a_right_answer_and_no_wrong_empty_or_hostile_one(
    spec: dict[str, Any], right: str, wrong: str
) -> None:
    assert one(spec, right, ROW).scores == {"s": 1.0}
    assert one(spec, wrong, ROW).scores == {"s": 0.0}
    may_be_empty = spec["kind"] == "length" and "max" in spec
    assert one(spec, "", ROW).scores == {"s": float(may_be_empty or "item.row.n >" in spec.get("cel", ""))}
    long_is_fine = spec["kind"] == "length" and "min" in spec
    hostile = HOSTILE.replace("\x00", "") if spec["kind"] == "expression" else HOSTILE
    assert one(spec, hostile, ROW).scores == {"s": float(long_is_fine)}
    lost = one(spec, None, ROW)
    assert (lost.scores, lost.why) == ({"s": None}, {"s": "there is no answer"})


@pytest.mark.parametrize(
    "spec", [s for s, _, _ in RIGHT_AND_WRONG if s["kind"] not in ("choice", "length", "expression")]
)
def test_a_negated_test_is_the_other_way_round_but_where_nothing_was_compared(spec: dict[str, Any]) -> None:
    right, wrong = next((r, w) for s, r, w in RIGHT_AND_WRONG if s is spec)
    assert one({**spec, "negate": True}, right, ROW).scores == {"s": 0.0}
    said = one(spec, wrong, ROW).why.get("s", "")
    was_compared = not said or said.startswith("the answer breaks the schema")
    assert one({**spec, "negate": True}, wrong, ROW).scores == {"s": 1.0 if was_compared else 0.0}


@pytest.mark.parametrize(
    ("spec", "text", "why"),
    [
        ({"kind": "json_equals", "expected": 1}, "no", "the answer is not JSON"),
        ({"kind": "json_schema", "schema": {"type": "integer"}}, "no", "the answer is not JSON"),
        ({"kind": "json_field", "path": "a", "expected": 1}, "{}", "the answer has no such field"),
        ({"kind": "number", "expected": 1}, "none", "there is no number in it"),
        ({"kind": "number", "expected": 1}, "1 or 2", "there are several numbers in it"),
        ({"kind": "number", "expected": 1}, "1e999", "the number is not finite"),
        ({"kind": "choice", "choices": ["a", "b"], "expected": "a"}, "c", "none of the choices stands in the answer"),
        (
            {"kind": "choice", "choices": ["a", "b"], "expected": "a"},
            "a, b",
            "several of the choices stand in the answer",
        ),
    ],
)
def test_the_lowest_score_says_why_where_nothing_could_be_compared(spec: dict[str, Any], text: str, why: str) -> None:
    line = one(spec, text)
    assert (line.scores["s"], line.why["s"]) == (0.0, why)


@pytest.mark.parametrize(
    ("spec", "row", "why"),
    [
        ({"kind": "equals", "expected": "{{ item.row.x }}"}, {"x": None}, "nothing is expected here"),
        ({"kind": "contains_all", "expected": "{{ item.row.x }}"}, {"x": "a"}, "what is expected is no list"),
        ({"kind": "one_of", "expected": "{{ item.row.x }}"}, {"x": []}, "nothing is expected here"),
        ({"kind": "json_equals", "expected": "{{ item.row.x }}"}, {"x": "{"}, "what is expected is not JSON"),
        ({"kind": "number", "expected": "{{ item.row.x }}"}, {"x": float("nan")}, "what is expected is no number"),
        ({"kind": "number", "expected": "{{ item.row.x }}"}, {"x": True}, "what is expected is no number"),
        ({"kind": "number_in_range", "min": "{{ item.row.x }}"}, {"x": float("inf")}, "a bound is no number"),
        ({"kind": "choice", "choices": ["a"], "expected": "b"}, {}, "what is expected is none of the choices"),
        ({"kind": "value_number", "value": "{{ item.row.x }}"}, {"x": float("nan")}, "the number is not finite"),
        ({"kind": "value_number", "value": "{{ item.row.x }}"}, {"x": 10**400}, "the number is not finite"),
        ({"kind": "value_number", "value": "{{ item.row.x }}"}, {"x": None}, "the value is no number"),
        ({"kind": "expression", "cel": "item.row.x / 0.0", "type": "measure"}, {"x": 1.5}, "the number is not finite"),
        (
            {"kind": "expression", "cel": "item.row.x", "type": "grade"},
            {"x": 2},
            "the expression gives no number from 0 to 1",
        ),
        ({"kind": "expression", "cel": "item.row.x"}, {"x": 1}, "the expression gives no truth"),
    ],
)
def test_a_score_that_is_not_defined_is_null_and_says_why(spec: dict[str, Any], row: dict[str, Any], why: str) -> None:
    line = one(spec, "a", row)
    assert (line.scores["s"], line.why["s"]) == (None, why)


def test_a_template_that_one_row_cannot_fill_is_that_answers_matter() -> None:
    spec = {"kind": "equals", "expected": "{{ item.row.x }}"}
    _, lines = scores_of({"s": spec}, sources(["a", "a"], [{}, {"x": "a"}]))
    assert [line.scores["s"] for line in lines] == [None, 1.0]
    assert lines[0].why["s"] == "the template names 'x', which is not there"


def test_a_template_that_no_row_can_fill_fails_the_step() -> None:
    with pytest.raises(StepFailed) as error:
        scores_of({"s": {"kind": "equals", "expected": "{{ item.row.typo }}"}}, sources(["a", "b"], [{}, {}]))
    assert error.value.code == "template"


def test_a_text_that_cel_would_see_only_the_beginning_of_has_no_score() -> None:
    line = one({"kind": "expression", "cel": "text == 'good'"}, "good\x00 or not")
    assert (line.scores["s"], "NUL" in line.why["s"]) == (None, True)


def test_a_choice_gives_its_label_as_the_author_spelled_it() -> None:
    line = one({"kind": "choice", "choices": ["Very Good", "Good"], "expected": "good"}, "very   GOOD!")
    assert (line.scores["s"], line.labels["s"]) == (0.0, "Very Good")
    line = one({"kind": "choice", "choices": ["good"]}, "awful")
    assert (line.scores, line.labels["s"]) == ({}, None)
    assert line.why["s"] == "none of the choices stands in the answer"


@pytest.mark.parametrize(("pick", "label"), [("first", "a"), ("last", "b"), ("only", None), ("whole", None)])
def test_which_of_several_choices_is_picked_is_declared(pick: str, label: str | None) -> None:
    assert one({"kind": "choice", "choices": ["a", "b"], "pick": pick}, "a, not b").labels["s"] == label


def test_the_sign_and_the_point_of_a_number_are_no_punctuation() -> None:
    ignore: tuple[Ignored, ...] = ("punctuation",)
    normal = normaliser(ignore)
    assert normal("Say: \u22121.5, or 2024-01!") == "Say -1.5 or 2024 01"
    assert one({"kind": "choice", "choices": ["1", "2"]}, "-1 or 1.5").labels["s"] is None


def test_a_label_is_a_word_of_the_answer_or_of_the_row() -> None:
    assert one({"kind": "label"}, " fine\n").labels == {"s": "fine"}
    assert one({"kind": "label", "value": "{{ item.row.x }}"}, "a", {"x": "good"}).labels == {"s": "good"}
    assert one({"kind": "label"}, "x" * 201).why == {"s": "a label has at most 200 characters"}


def test_ratings_are_a_list_of_the_row_or_one_template_for_each_rater() -> None:
    listed = {"kind": "ratings", "value": "{{ item.row.x }}"}
    assert one(listed, "a", {"x": [0, -1.5, None, float("nan"), "good"]}).ratings == {
        "s": [0, -1.5, None, None, "good"]
    }
    assert one(listed, "a", {"x": "[1, 2]"}).ratings == {"s": [1, 2]}
    line = one(listed, "a", {"x": []})
    assert (line.ratings, line.why) == ({"s": []}, {"s": "there is no list of ratings"})
    named = {"kind": "ratings", "raters": ["{{ item.row.x }}", "{{ item.row.y }}"]}
    assert one(named, "a", {"x": 1, "y": 2}).ratings == {"s": [1, 2]}


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("42", 42.0),
        ("-3.5 degrees", -3.5),
        ("\u22127", -7.0),
        ("$1,234,567.50", 1234567.5),
        (".5", 0.5),
        ("1e-3", 0.001),
        ("5 of 5", 5.0),
        ("version 1.2.3", None),
        ("2024-01-02", None),
        ("9" * 500, None),
        ("", None),
    ],
)
def test_the_number_of_a_text(text: str, number: float | None) -> None:
    assert number_in(text, "only").number == number


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_a_number_that_is_written_out_is_read_as_itself(number: float) -> None:
    assert number_in(f"It is {number!r}.", "only").number == number


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=8,
)


@given(JSON, JSON)
def test_json_values_are_equal_when_their_sorted_spellings_are(one_value: Any, other: Any) -> None:
    def spelled(value: Any) -> bytes:
        return msgspec.json.encode(value, order="sorted")

    assert same_json(one_value, one_value)
    assert same_json(one_value, other) == (spelled(one_value) == spelled(other))


@pytest.mark.parametrize("depth", [900, 100_000])
def test_json_that_is_nested_too_deeply_has_no_score(depth: int) -> None:
    deep = "[" * depth + "]" * depth
    line = one({"kind": "json_equals", "expected": "{{ item.row.x }}"}, deep, {"x": deep})
    assert line.scores["s"] is None
    assert line.why["s"] in ("a value is nested too deeply", "what is expected is not JSON")


def test_choices_that_cannot_be_told_apart_are_refused() -> None:
    with pytest.raises(ValueError, match="the same"):
        Choice(choices=("Yes", "yes."))

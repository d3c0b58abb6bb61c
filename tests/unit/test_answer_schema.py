"""Whether an answer follows its schema is said without the answer's own words, and nothing is fetched for it."""

from __future__ import annotations

from typing import Any

import pytest

from awo.workflow.answer_schema import text_of, why_no_schema, why_not

SCHEMA = (
    '{"type":"object","required":["label"],"properties":{"label":{"enum":["good","bad"]},'
    '"parts":{"type":"array","items":{"type":"number"}}},"additionalProperties":false}'
)


@pytest.mark.parametrize("text", ['{"label":"good"}', ' {"label": "bad", "parts": [1, 2.5]}\n'])
def test_an_answer_that_follows_has_no_fault(text: str) -> None:
    assert why_not(SCHEMA, text) == ""


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "it is empty"),
        (" \n", "it is empty"),
        ('Sure: {"label":"good"}', "it is not JSON"),
        ('{"label":"good"} and more', "it is not JSON"),
        ("[" * 5000, "it is not JSON"),
        ("{}", '"label" is a required property'),
        ('{"label":"MADE UP"}', "the value is not one of"),
        ('{"label":"good","MADE UP":1}', "it has a key that the schema does not allow"),
        ('{"label":"good","parts":[1,"MADE UP"]}', 'the value is not of type "number" (at parts.1)'),
        ('"MADE UP"', 'the value is not of type "object"'),
    ],
)
def test_a_fault_says_what_is_wrong_and_not_what_was_answered(text: str, why: str) -> None:
    said = why_not(SCHEMA, text)
    assert said.startswith(why)
    assert "MADE UP" not in said


def test_the_place_of_a_fault_does_not_repeat_a_key_that_the_model_made_up() -> None:
    said = why_not('{"additionalProperties":{"type":"string"}}', '{"MADE UP":1}')
    assert said == 'the value is not of type "string" (at …)'


@pytest.mark.parametrize(
    ("schema", "why"),
    [
        ({"type": "object"}, ""),
        ({"$schema": "http://json-schema.org/draft-07/schema#", "type": "string"}, ""),
        ([], "it is no mapping"),
        ({"properties": {"a": {"type": "txt"}}}, "['properties']['a']['type'] is not as JSON Schema has it"),
        ({"pattern": "(a"}, "['pattern'] is not as JSON Schema has it"),
        ({"$ref": "https://example.org/x.json"}, "it refers to what is not in it"),
        ({"$ref": "file:///etc/hostname"}, "it refers to what is not in it"),
        ({"$ref": "#/$defs/none"}, "it refers to what is not in it"),
        ({"enum": ["x" * 300_000]}, "it is longer than 262144 bytes"),
    ],
)
def test_a_schema_that_cannot_be_used_is_told(schema: Any, why: str) -> None:
    assert why_no_schema(schema) == why


def test_a_schema_in_a_file_has_one_spelling() -> None:
    assert text_of('{ "type" : "object",\n "a": [1, 2] }') == '{"type":"object","a":[1,2]}'
    with pytest.raises(ValueError):
        text_of("{")


def test_a_short_schema_whose_references_branch_is_refused_before_it_takes_all_memory() -> None:
    definitions = {f"a{n}": {"anyOf": [{"$ref": f"#/$defs/a{n + 1}"}] * 2} for n in range(40)}
    schema = {"$defs": {**definitions, "a40": {"type": "string"}}, "$ref": "#/$defs/a0"}
    assert why_no_schema(schema) == "its references branch too often"


def test_a_schema_that_refers_to_itself_is_not_refused() -> None:
    tree = {"type": "object", "properties": {"left": {"$ref": "#"}, "right": {"$ref": "#"}}}
    assert why_no_schema(tree) == ""

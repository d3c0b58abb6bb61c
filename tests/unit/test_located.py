"""Text becomes plain values or one clear sentence with line and column; YAML and JSON alike."""

from __future__ import annotations

import json
import unicodedata
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from awo.canon.located import read
from awo.canon.located_elements import Elements, Packed
from awo.canon.positions import Position
from awo.errors import Problem, WorkflowInvalid

_plain = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53) + 1, 2**53 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)
_mappings = st.dictionaries(st.text(), _plain, max_size=4)


def _problems(text: str | bytes, file: str) -> tuple[Problem, ...]:
    with pytest.raises(WorkflowInvalid) as caught:
        read(text if isinstance(text, bytes) else text.encode(), file)
    return caught.value.problems


def _value(text: str, file: str = "f.yaml") -> dict[str, Any]:
    return read(text.encode(), file)[0]


def _places(text: str, file: str) -> list[tuple[int, int, str]]:
    return [(p.line, p.column, p.what) for p in _problems(text, file)]


# --- values ---------------------------------------------------------------------------------------------


@given(_mappings)
def test_json_gives_back_what_was_written(value: dict[str, Any]) -> None:
    assert _value(json.dumps(value), "f.json") == value


@given(_mappings)
def test_json_is_read_as_yaml_too(value: dict[str, Any]) -> None:
    text = json.dumps(value, ensure_ascii=False)
    # What YAML 1.2 spells otherwise: control characters, and the line breaks of Unicode.
    odd = {"Cc", "Zl", "Zp"}
    assume(not any(unicodedata.category(c) in odd or c in "\ufeff\ufffe\uffff" for c in text))
    assert _value(text, "f.yaml") == value


@pytest.mark.parametrize(
    ("spelled", "value"),
    [
        ("no", "no"),
        ("on", "on"),
        ("y", "y"),
        ("2026-11-23", "2026-11-23"),
        ("12:30:45", "12:30:45"),
        ("1_000", "1_000"),
        ("010", 10),
        ("0o10", 8),
        ("0x1F", 31),
        ("-7", -7),
        ("+7", 7),
        ("1e3", 1000.0),
        (".5", 0.5),
        ("1.", 1.0),
        ("true", True),
        ("False", False),
        ("~", None),
        ("", None),
        ("null", None),
        ("'null'", "null"),
        ('"1"', "1"),
        ("|\n  a\n  b", "a\nb\n"),
        ("<<", "<<"),
        ("-", [None]),
        ("-x", "-x"),
    ],
)
def test_yaml_scalars_follow_the_core_schema_of_version_1_2(spelled: str, value: object) -> None:
    got = _value(f"a: {spelled}\n" if spelled != "-" else "a:\n  -\n")["a"]
    assert (got, type(got)) == (value, type(value))


def test_an_alias_repeats_the_value_of_its_anchor() -> None:
    assert _value("a: &x {k: [1]}\nb: *x\n") == {"a": {"k": [1]}, "b": {"k": [1]}}


def test_a_file_without_a_telling_suffix_is_json_when_it_starts_with_a_brace() -> None:
    assert _value(' {"a": 1}', "workflow") == {"a": 1}
    assert _value("a: 1", "workflow") == {"a": 1}
    assert _value("{a: 1}", "workflow.yml") == {"a": 1}


# --- positions ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("file", "text"),
    [
        ("f.yaml", 'é: "😀"\nlist:\n  - 1\n  - {k: v}\n'),
        ("f.json", '{"é": "😀",\n "list": [\n    1,\n    {"k": "v"}\n]}'),
    ],
)
def test_every_value_and_key_has_its_line_and_column(file: str, text: str) -> None:
    _, source = read(text.encode(), file)
    positions = source.positions()
    lines = text.splitlines()

    def at(position: Position) -> str:
        return lines[position.line - 1][position.column - 1 :]

    assert at(positions.value(("é",))).startswith('"😀"')
    assert at(positions.value(("list", 0))).startswith("1")
    assert at(positions.value(("list", 1))).startswith("{")
    assert at(positions.key(("list", 1, "k"))).startswith(("k", '"k"'))
    assert at(positions.value(("list", 1, "k"))).startswith(("v", '"v"'))
    assert positions.value(("list", 1, "missing", 3)) == positions.value(("list", 1))
    assert positions.key(("list", 7)) == positions.value(("list",))


@given(_mappings)
def test_json_positions_point_at_the_values(value: dict[str, Any]) -> None:
    text = json.dumps(value, indent=1)
    _, source = read(text.encode(), "f.json")
    lines = text.split("\n")
    decoder = json.JSONDecoder()
    positions = source.positions()
    for path, place in positions.values.items():
        rest = "\n".join([lines[place.line - 1][place.column - 1 :], *lines[place.line :]])
        inner: Any = value
        for part in path:
            inner = inner[part]
        assert decoder.raw_decode(rest)[0] == inner


# --- what is refused ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("data", "line", "column", "what"),
    [
        (b"", 0, 0, "the file is empty"),
        (b" \n\t\n", 0, 0, "the file is empty"),
        (b"\xef\xbb\xbfname: x", 1, 1, "the file starts with a byte order mark"),
        ("name: x".encode("utf-16"), 1, 1, "the file starts with a byte order mark"),
        (b"a: 1\nb: \xe9\xff", 2, 4, "the file is not UTF-8 text"),
        (b"- 1\n", 1, 1, "the file is not a mapping of keys to values"),
        (b"just text", 1, 1, "the file is not a mapping of keys to values"),
        (b"# nothing but a remark\n", 0, 0, "the file is empty"),
    ],
)
def test_a_file_that_can_hold_no_mapping_is_refused(data: bytes, line: int, column: int, what: str) -> None:
    (problem,) = _problems(data, "f.yaml")
    assert (problem.line, problem.column, problem.what) == (line, column, what)


@pytest.mark.parametrize(
    ("text", "line", "column", "what"),
    [
        ("a: 1\n b: 2\n", 2, 3, "a ':' stands where no key can be"),
        ("a:\n\t- x", 2, 1, "a value starts with a character that YAML reserves, or with a tab"),
        ("a: [1, 2\n", 2, 1, "a list that began with '[' is not closed"),
        ("a: 'x", 1, 6, "a quote is not closed"),
        ('a: "\\q"', 1, 5, "a back slash stands before a character that needs none"),
        ("- a\nb: 1", 2, 1, "the indentation does not fit the list above"),
        ("a: @x", 1, 4, "a value starts with a character that YAML reserves, or with a tab"),
        ("a: b\nc: \x01", 2, 4, "there is a control character"),
    ],
)
def test_a_fault_of_yaml_syntax_has_its_place_and_our_words(text: str, line: int, column: int, what: str) -> None:
    assert _places(text, "f.yaml") == [(line, column, f"this is not YAML: {what}")]


@pytest.mark.parametrize(
    ("text", "line", "column", "what"),
    [
        ('{"a": 1, b: 2}', 1, 10, "a key in double quotes is missing"),
        ('{"a" 1}', 1, 6, "a ':' is missing after a key"),
        ('{"a": 1 "b": 2}', 1, 9, "a ',' or a closing bracket is missing"),
        ('{"a": }', 1, 7, "a value is missing"),
        ('{"a": 1} x', 1, 10, "there is text after the end"),
        ('{"a": "x}', 1, 7, "a quote is not closed"),
        ('{"a": "x\ty"}', 1, 9, "a line break or control character stands inside quotes"),
        ('{"a": "\\q"}', 1, 8, "a back slash stands before a character that needs none"),
    ],
)
def test_a_fault_of_json_syntax_has_its_place_and_our_words(text: str, line: int, column: int, what: str) -> None:
    assert _places(text, "f.json") == [(line, column, f"this is not JSON: {what}")]


def test_repeated_keys_are_refused_each_with_its_place() -> None:
    twice = "the key 'a' stands here twice"
    assert _places("a: 1\nb: {a: 1, a: 2}\na: 3\n", "f.yaml") == [(2, 11, twice), (3, 1, twice)]
    assert _places('{"a": 1,\n"b": {"a": 1, "a": 2},\n"a": 3}', "f.json") == [(2, 15, twice), (3, 1, twice)]


@pytest.mark.parametrize("key", ["1", "true", "null", "1.5", "~"])
def test_a_key_of_yaml_that_is_no_text_is_refused(key: str) -> None:
    assert _places(f"a: 1\n{key}: 2\n", "f.yaml") == [(2, 1, "a key must be text")]


@pytest.mark.parametrize(
    ("text", "line", "column", "what"),
    [
        ("a: !!str 1", 1, 4, "tags are not read"),
        ("a: !x {}", 1, 4, "tags are not read"),
        ("a: !!python/object/apply:os.system [ls]", 1, 4, "tags are not read"),
        ("a: .nan", 1, 4, "this is no number that JSON has"),
        ("a: -.Inf", 1, 4, "this is no number that JSON has"),
        ("a: 9007199254740992", 1, 4, "a number is too large"),
        ("a: 1e999", 1, 4, "a number is too large"),
        ("a: " + "9" * 5000, 1, 4, "a number is too large"),
        ("a: *x", 1, 4, "the alias 'x' names nothing that is complete before it"),
        ("a: &x [*x]", 1, 8, "the alias 'x' names nothing that is complete before it"),
        ("a: 1\n---\nb: 2", 2, 1, "the file holds more than one document"),
        ("%YAML 1.1\n---\na: 1", 1, 1, "this version of YAML is not read"),
        ("? [a]\n: 1", 1, 3, "a key must be text"),
        ("a: " + "[" * 64 + "]" * 64, 1, 67, "values are nested too deeply"),
    ],
)
def test_what_plain_values_cannot_hold_is_refused_in_yaml(text: str, line: int, column: int, what: str) -> None:
    assert _places(text, "f.yaml") == [(line, column, what)]


@pytest.mark.parametrize(
    ("text", "line", "column", "what"),
    [
        ('{"a": NaN}', 1, 7, "this is no number that JSON has"),
        ('{"a": [1, -Infinity]}', 1, 11, "this is no number that JSON has"),
        ('{"a": 9007199254740992}', 1, 7, "a number is too large"),
        ('{"a": 1e999}', 1, 7, "a number is too large"),
        ('{"a": -' + "9" * 5000 + "}", 1, 7, "a number is too large"),
        ('{"a": "\\ud800"}', 1, 7, "half of an escaped character pair is missing"),
        ('{"\\uDC00": 1}', 1, 2, "half of an escaped character pair is missing"),
        ('{"a": ' + "[" * 64 + "]" * 64 + "}", 1, 70, "values are nested too deeply"),
        ('{"a": ' + "[" * 100_000 + "]" * 100_000 + "}", 1, 70, "values are nested too deeply"),
    ],
)
def test_what_plain_values_cannot_hold_is_refused_in_json(text: str, line: int, column: int, what: str) -> None:
    assert _places(text, "f.json") == [(line, column, what)]


def test_nesting_up_to_the_limit_is_read() -> None:
    text = '{"a": ' + "[" * 63 + "]" * 63 + "}"
    assert _value(text, "f.json") == _value(text, "f.yaml")


def test_a_large_float_is_no_integer_and_is_read() -> None:
    assert _value('{"a": 1e300}', "f.json") == _value("a: 1e300") == {"a": 1e300}


def test_aliases_that_grow_without_end_are_refused() -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 12)]
    (problem,) = _problems("\n".join(lines), "f.yaml")
    assert problem.what == "the aliases stand for too much"


@given(st.text(alphabet=st.sampled_from("ab:-[]{},\"'&*!|>#%@\n \t1.0\\x"), max_size=60), st.booleans())
def test_any_text_gives_a_mapping_or_problems_and_nothing_else(text: str, as_json: bool) -> None:
    file = "f.json" if as_json else "f.yaml"
    try:
        value, source = read(text.encode(), file)
    except WorkflowInvalid as error:
        problems = error.problems
    else:
        problems = ()
        assert isinstance(value, dict)
        assert source.positions().value(()) != (0, 0)
    assert all(problem.what and "\n" not in problem.what for problem in problems)


ELEMENT_TEXTS = [
    '{"name": "x", "steps": [{"a": 1}, {"b": [1, 2, {"c": null}]}]}',
    '{"steps":[{}],"name":"\\u00e9"}',
    '  {"steps" : [ {"a":"]}"} , {"b":"\\""} ] }  ',
]


@pytest.mark.parametrize("file", ["x.json", "x.yaml"])
@pytest.mark.parametrize("text", ELEMENT_TEXTS)
def test_elements_are_what_the_whole_list_would_be(text: str, file: str) -> None:
    value, _ = read(text.encode(), file, elements_of="steps")
    whole, _ = read(text.encode(), file)
    elements = value["steps"]
    assert isinstance(elements, Elements)
    assert {**value, "steps": list(elements)} == whole
    assert len(elements) == len(whole["steps"])


@pytest.mark.parametrize(
    "text",
    [
        '{"name": "x"}',
        '{"steps": []}',
        '{"steps": [1]}',
        '{"steps": {"a": 1}}',
        '{"name": "x", "steps": [{"a": "\\ud83d\\ude00"}]}',
    ],
)
def test_without_a_list_of_mappings_there_are_no_elements(text: str) -> None:
    assert read(text.encode(), "x.json", elements_of="steps") == read(text.encode(), "x.json")


@pytest.mark.parametrize(
    "text",
    [
        '{"steps": [{"a": 1, "a": 2}]}',
        '{"steps": [{"a": 1}], "steps": [{"a": 1}]}',
        '{"steps": [{"a": NaN}]}',
        '{"steps": [{"a": 9007199254740992}]}',
        '{"steps": [{"a": 1},]}',
        '{"steps": [{"a": 1}]',
        '{"steps": [{"a": 1}]} x',
        '{"steps": [{"a": 1}] "b": 2}',
    ],
)
def test_a_fault_is_told_the_same_with_elements_and_without(text: str) -> None:
    with pytest.raises(WorkflowInvalid) as plain:
        read(text.encode(), "x.json")
    with pytest.raises(WorkflowInvalid) as lean:
        read(text.encode(), "x.json", elements_of="steps")
    assert lean.value.problems == plain.value.problems


YAML_ELEMENTS = [
    'name: x\nsteps:\n  - a: 1\n    b: [é, \'no\', {c: ~}]\n  - {d: "]}\\u00e9\\""}\nlast: [1]\n',
    "steps:\n  - &one {a: [1]}\n  - {b: *one}\n  - *one\n",
    "base: &base {a: 1}\nsteps:\n  - {b: *base}\n  - c: &inner [2]\n  - {d: *inner}\n",
    "steps: &all\n  - {a: 1}\nagain: *all\n",
    "steps:\n  - {a: 1}\n  - text\n  - '{\"a\":1}'\n",
    "other:\n  steps:\n    - {a: 1}\n",
    "steps: []\n",
]


@pytest.mark.parametrize("text", YAML_ELEMENTS)
def test_yaml_elements_are_what_the_whole_list_would_be(text: str) -> None:
    value, _ = read(text.encode(), "x.yaml", elements_of="steps")
    whole, _ = read(text.encode(), "x.yaml")
    found = value.get("steps")
    assert {**value, "steps": list(found) if isinstance(found, Elements) else found} == {"steps": None, **whole}
    assert type(found) is not list or not any(type(item) is Packed for item in found)


def test_a_yaml_list_of_mappings_comes_as_elements() -> None:
    value, _ = read(YAML_ELEMENTS[0].encode(), "x.yaml", elements_of="steps")
    assert isinstance(value["steps"], Elements)
    assert len(value["steps"]) == 2

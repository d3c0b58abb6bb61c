"""Checklists in YAML and JSON, and files of answers: what they say, and where they are wrong."""

from __future__ import annotations

import json

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from awo.errors import UsageError
from awo.evidence.gates import Answer, ChecklistItem
from awo.gate.answers_file import read_answers_file
from awo.gate.checklist import read_any_checklist
from awo.gate.items import fault_of_item

EVERYTHING = """\
# what is asked of a release
items:
  - text: I have read every answer.
  - {id: vote, text: Who was right?, kind: choice, choices: [Ada, Ben, 3], approve_with: Ada}
  - id: score
    text: How good is it?
    kind: number
    range: [0, 10.50]
    unit: points
  - {text: Could it harm somebody?, approve_with: no, evidence: required}
  - {text: What else?, kind: text, required: false, evidence: none}
  - {text: A free choice, approve_with: any}
"""


def read(text: str, where: str = "check.yaml") -> list[ChecklistItem]:
    return read_any_checklist(text, where=where)


def refusal(text: str, where: str = "check.yaml") -> UsageError:
    with pytest.raises(UsageError) as caught:
        read(text, where)
    return caught.value


def test_every_kind_of_item_is_read_with_all_that_it_says() -> None:
    assert read(EVERYTHING) == [
        ChecklistItem(
            id="i-have-read-every-answer",
            text="I have read every answer.",
            kind="yes_no",
            required=True,
            approve_with="yes",
        ),
        ChecklistItem(
            id="vote",
            text="Who was right?",
            kind="choice",
            required=True,
            choices=["Ada", "Ben", "3"],
            approve_with="Ada",
        ),
        ChecklistItem(
            id="score",
            text="How good is it?",
            kind="number",
            required=True,
            lowest="0",
            highest="10.5",
            unit="points",
        ),
        ChecklistItem(
            id="could-it-harm-somebody",
            text="Could it harm somebody?",
            kind="yes_no",
            required=True,
            approve_with="no",
            evidence="required",
        ),
        ChecklistItem(id="what-else", text="What else?", kind="text", required=False, evidence=""),
        ChecklistItem(id="a-free-choice", text="A free choice", kind="yes_no", required=True),
    ]


def test_markdown_and_yaml_that_say_the_same_are_the_same_checklist() -> None:
    markdown = """\
- [ ] {#read} I have read it.
- [ ] Who was right? {choice: Ada, Ben}
- [ ] How good? {number: 0..10 points} {evidence: required}
- [ ] Harm? {expects: no}
- [ ] What else? {text} (optional)
"""
    yaml = """\
items:
  - {id: read, text: I have read it.}
  - {text: Who was right?, kind: choice, choices: [Ada, Ben]}
  - {text: How good?, kind: number, range: ["0.0", 10], unit: points, evidence: required}
  - {text: Harm?, approve_with: no}
  - {text: What else?, kind: text, required: false}
"""
    assert read(markdown, "check.md") == read(yaml)


def test_what_a_file_holds_is_told_by_its_name_and_else_by_its_beginning() -> None:
    yaml = "# A remark\n---\nitems: [{text: Read}]\n"
    assert [item.id for item in read(yaml, "check.txt")] == ["read"]
    assert [item.id for item in read('{"items": [{"text": "Read"}]}', "check.json")] == ["read"]
    markdown = "# Title\nitems: these\n- [ ] Seen\n"
    assert [item.id for item in read(markdown, "check.md")] == ["seen"]
    assert [item.id for item in read("# Title\n\n- [ ] Seen\n\nitems:\n", "check")] == ["seen"]


@pytest.mark.parametrize(
    ("text", "where", "what"),
    [
        ("items: []", "1:8", "no items"),
        ("items: {}", "1:8", "no items"),
        ("things: []", "1:1", "no key 'things'"),
        ("items: [{text: A}]\nitem: x", "2:1", "no key 'item'"),
        ("items: [\n", "2:1", "not YAML"),
        ("- a", "1:1", "not a mapping"),
        ("items: [A]", "1:9", "not a mapping"),
        ("items: [{txt: A}]", "1:10", "no key 'txt'"),
        ("items: [{text: ''}]", "1:16", "no text"),
        ("items: [{id: a}]", "1:9", "no text"),
        ("items: [{text: 3}]", "1:16", "must be text"),
        ("items: [{id: A b, text: A}]", "1:14", "id is not usable"),
        ("items: [{id: '', text: A}]", "1:14", "id is not usable"),
        ("items:\n- {id: a, text: A}\n- {id: a, text: B}", "3:8", "given to two items"),
        ("items: [{text: A, kind: numbr}]", "1:25", "kind is not known"),
        ("items: [{text: A, required: yes}]", "1:29", "not true or false"),
        ("items: [{text: A, approve_with: true}]", "1:33", "must be text"),
        ("items: [{text: A, approve_with: maybe}]", "1:33", "none of the item's answers"),
        ("items: [{text: A, kind: choice}]", "1:9", "answers to choose from"),
        ("items: [{text: A, choices: [A, B]}]", "1:28", "has no choices"),
        ("items: [{text: A, kind: choice, choices: [A, true]}]", "1:42", "must be text"),
        ("items: [{text: A, kind: choice, choices: A}]", "1:42", "must be a list"),
        ("items: [{text: A, kind: number, range: 0..10}]", "1:40", "no range"),
        ("items: [{text: A, kind: number, range: [1, 0]}]", "1:40", "range is empty"),
        ("items: [{text: A, kind: number, range: [.nan, 0]}]", "1:41", "no number that JSON has"),
        ("items: [{text: A, kind: number, range: [a, 0]}]", "1:40", "no number"),
        ("items: [{text: A, range: [0, 1]}]", "1:26", "has no range"),
        ("items: [{text: A, kind: text, unit: mg}]", "1:37", "has no unit"),
        ("items: [{text: A, evidence: true}]", "1:29", "evidence is not known"),
        ('items: [{text: "a\\u202eb"}]', "1:16", "cannot be shown"),
        (f"items: [{{text: {'x' * 2001}}}]", "1:16", "too long"),
        (f"items: [{', '.join(['{text: A}'] * 501)}]", "1:8", "too long"),
        ("items: [{text: A, text: B}]", "1:19", "twice"),
        ("items: [{text: !!python/name:os.system A}]", "1:16", "tags"),
    ],
)
def test_what_is_wrong_is_told_with_line_and_column(text: str, where: str, what: str) -> None:
    error = refusal(text)
    assert what in error.what
    assert error.where == f"check.yaml:{where}"


def test_the_nearest_word_is_told() -> None:
    assert refusal("items: [{txet: A}]").hint == "did you mean 'text'?"
    assert refusal("items: [{text: A, kind: chioce}]").hint == "did you mean 'choice'?"


def test_aliases_that_stand_for_very_much_are_refused() -> None:
    bomb = "items:\n- text: &a [x, x, x, x, x, x, x, x, x, x]\n"
    for before, after in zip("abcdefg", "bcdefgh", strict=True):
        bomb += f"- text: &{after} [{', '.join([f'*{before}'] * 10)}]\n"
    assert "aliases" in refusal(bomb).what


@given(st.text())
def test_any_text_reads_or_gives_one_error(text: str) -> None:
    for name in ("check.yaml", "check.json", "check"):
        try:
            items = read(text, name)
        except UsageError:
            continue
        assert items


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(
                st.sampled_from(["id", "text", "kind", "choices", "range", "unit", "approve_with", "evidence"]), inner
            )
        ),
        max_leaves=8,
    )
)
def test_any_value_as_an_item_is_a_sound_item_or_gives_one_error(value: object) -> None:
    try:
        items = read(json.dumps({"items": [value]}), "check.json")
    except UsageError:
        return
    assert [fault_of_item(item) for item in items] == [None]


# --- files of answers -----------------------------------------------------------------------------------


def test_answers_are_values_or_values_with_evidence() -> None:
    text = b"read: yes\nfair: true\nbad: false\nscore: 7.5\ncount: 3\nharm:\n  answer: no\n  evidence: input.json\n"
    assert read_answers_file(text, "answers.yaml") == [
        Answer(id="read", answer="yes"),
        Answer(id="fair", answer="yes"),
        Answer(id="bad", answer="no"),
        Answer(id="score", answer="7.5"),
        Answer(id="count", answer="3"),
        Answer(id="harm", answer="no", evidence="input.json"),
    ]


def test_answers_in_json_are_read_by_the_name_or_the_first_letter() -> None:
    for name in ("answers.json", "answers"):
        assert read_answers_file(b'{"read": true}', name) == [Answer(id="read", answer="yes")]


@pytest.mark.parametrize(
    ("text", "where", "what"),
    [
        ("read: null", "1:7", "must be a text"),
        ("read: {evidence: x}", "1:7", "must be a text"),
        ("read: {answer: yes, evidence: [x]}", "1:31", "must be a text"),
        ("read: {anser: yes}", "1:8", "no key 'anser'"),
        ("score: 3.14159265358979323846", "1:8", "so many digits"),
        ("score: .inf", "1:8", "no number that JSON has"),
        ("a: 1\na: 2", "2:1", "twice"),
    ],
)
def test_answers_that_cannot_be_read_are_told_with_their_place(text: str, where: str, what: str) -> None:
    with pytest.raises(UsageError) as caught:
        read_answers_file(text.encode(), "a.yaml")
    assert what in caught.value.what
    assert caught.value.where == f"a.yaml:{where}"


@given(st.dictionaries(st.text(), st.text() | st.booleans() | st.integers(-(2**53) + 1, 2**53 - 1), max_size=5))
def test_whatever_is_written_as_json_comes_back_as_answers(said: dict[str, str | bool | int]) -> None:
    try:
        data = msgspec.json.encode(said)
    except UnicodeEncodeError:  # a lone surrogate
        return
    found = read_answers_file(data, "a.json")
    assert [one.id for one in found] == list(said)

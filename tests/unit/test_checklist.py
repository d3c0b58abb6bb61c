"""Checklists in Markdown: which lines are items, what their ids are, what answers they want, and what is kept out."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from awo.errors import UsageError
from awo.evidence.gates import ChecklistItem
from awo.gate.checklist import read_checklist


def ids(markdown: str) -> list[str]:
    return [item.id for item in read_checklist(markdown, where="check.md")]


def texts(markdown: str) -> list[str]:
    return [item.text for item in read_checklist(markdown, where="check.md")]


def refusal(markdown: str) -> UsageError:
    with pytest.raises(UsageError) as caught:
        read_checklist(markdown, where="check.md")
    return caught.value


def test_every_box_in_a_list_is_an_item_ticked_or_not() -> None:
    found = texts("# Audit\n\n- [ ] One\n* [x] Two\n+ [X] Three\n  - [ ] Inside\n> - [ ] Quoted\n\nEnd.\n")
    assert found == ["One", "Two", "Three", "Inside", "Quoted"]


@pytest.mark.parametrize(
    "line", ["- [] no", "-[ ] no", "[ ] no", "- [ ]no", "- [y] no", "- no", "1. no", "text - [ ] no"]
)
def test_a_line_that_only_looks_like_an_item_is_none(line: str) -> None:
    assert texts(f"- [ ] real\n\n{line}\n") == ["real"]


@pytest.mark.parametrize("fence", ["```", "~~~~", "   ```markdown"])
def test_boxes_inside_fenced_code_are_no_items(fence: str) -> None:
    end = re.sub(r"[^`~]", "", fence)
    assert texts(f"- [ ] before\n{fence}\n- [ ] code\n``\n{end}\n- [ ] after\n") == ["before", "after"]


def test_a_fence_ends_only_at_its_own_mark() -> None:
    assert texts("- [ ] a\n````\n```\n- [ ] code\n~~~~\n````\n- [ ] b") == ["a", "b"]


def test_indented_lines_below_an_item_belong_to_its_text() -> None:
    found = texts("- [ ] The numbers\n  were checked\n  - not this\n- [ ] Next\nnor this\n\n  nor this\n")
    assert found == ["The numbers were checked", "Next"]


def test_a_file_from_windows_reads_the_same() -> None:
    markdown = "\ufeff- [ ] One\n- [ ] Two\n"
    assert ids(markdown.replace("\n", "\r\n")) == ids(markdown) == ["one", "two"]


@pytest.mark.parametrize(
    ("text", "item_id"),
    [
        ("The numbers were checked.", "the-numbers-were-checked"),
        ("Caf\u00e9 & na\u00efve", "cafe-naive"),
        ("I don't object", "i-dont-object"),
        ("\u68c0\u67e5", "item"),
        ("x" * 60, "x" * 40),
        ("These words are many and go far beyond forty letters", "these-words-are-many-and-go-far-beyond"),
        ("{#numbers} The numbers were checked.", "numbers"),
    ],
)
def test_an_id_is_made_of_the_words_or_given(text: str, item_id: str) -> None:
    assert ids(f"- [ ] {text}") == [item_id]


def test_the_given_id_is_not_part_of_the_text() -> None:
    assert texts("- [ ] {#numbers} The numbers were checked.") == ["The numbers were checked."]


def test_equal_texts_get_numbers_and_given_ids_keep_theirs() -> None:
    assert ids("- [ ] Same\n- [ ] Same\n- [ ] {#same} Other\n- [ ] same!") == ["same-2", "same-3", "same", "same-4"]


def test_a_numbered_id_stays_within_forty_characters() -> None:
    assert ids(f"- [ ] {'x' * 50}\n- [ ] {'x' * 50}") == ["x" * 40, "x" * 38 + "-2"]


def test_optional_at_the_end_makes_an_item_that_may_be_left_out() -> None:
    items = read_checklist("- [ ] One (optional)\n- [ ] (optional) Two\n- [ ] Three (Optional).", where="check.md")
    assert [(item.text, item.required) for item in items] == [
        ("One", False),
        ("(optional) Two", True),
        ("Three", False),
    ]
    assert {item.kind for item in items} == {"yes_no"}


@pytest.mark.parametrize(
    ("markdown", "what", "where"),
    [
        ("", "no items", "check.md"),
        ("# Title\n\nText\n", "no items", "check.md"),
        ("- [ ] ok\n- [ ]\n", "no text", "check.md:2"),
        ("- [ ] (optional)", "no text", "check.md:1"),
        ("- [ ] {#a}", "no text", "check.md:1"),
        ("- [ ] {#a} x\n- [ ] {#a} y", "given to two", "check.md:2"),
        ("- [ ] {#A b} x", "not usable", "check.md:1"),
        ("- [ ] {#} x", "not usable", "check.md:1"),
        (f"- [ ] {{#{'a' * 41}}} x", "not usable", "check.md:1"),
        ("- [ ] ok\n\n- [ ] \x1b[2Jx", "cannot be shown", "check.md:3"),
        ("- [ ] a\u202eb", "cannot be shown", "check.md:1"),
        ("- [ ] a\u200bb", "cannot be shown", "check.md:1"),
        ("- [ ] a\x00b", "cannot be shown", "check.md:1"),
        ("- [ ] a\u2028b", "cannot be shown", "check.md:1"),
        (f"- [ ] {'x' * 2001}", "too long", "check.md:1"),
        ("- [ ] x\n" * 501, "too long", "check.md"),
    ],
)
def test_a_checklist_that_cannot_be_used_is_refused_and_the_line_named(markdown: str, what: str, where: str) -> None:
    error = refusal(markdown)
    assert what in error.what
    assert error.where == where


def test_writing_that_needs_joiners_is_shown_as_it_is() -> None:
    assert texts("- [ ] \u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645") == [
        "\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645"
    ]


# --- what stands behind an item -----------------------------------------------------------------------


def only(text: str) -> ChecklistItem:
    (item,) = read_checklist(f"- [ ] {text}", where="check.md")
    return item


def test_a_question_without_notes_is_answered_with_yes_or_no_and_approved_with_yes() -> None:
    item = only("Checked")
    assert (item.kind, item.required, item.approve_with, item.evidence) == ("yes_no", True, "yes", "optional")
    assert only("Checked (optional)").approve_with == ""


def test_braces_at_the_end_say_what_kind_of_answer_an_item_wants() -> None:
    assert (only("Who? {choice: A, Model B , neither}").kind, only("Who? {choice: A, Model B , neither}").choices) == (
        "choice",
        ["A", "Model B", "neither"],
    )
    assert only("Why? {text}").kind == "text"
    assert only("How many? {number}").kind == "number"
    assert only("Why? {text}").approve_with == ""


@pytest.mark.parametrize(
    ("notes", "lowest", "highest", "unit"),
    [
        ("{number: 0..10}", "0", "10", ""),
        ("{number: 0..10 points of 10}", "0", "10", "points of 10"),
        ("{number: -0.50..+2.5 mg}", "-0.5", "2.5", "mg"),
        ("{number: 3..}", "3", "", ""),
        ("{number: ..1e2 %}", "", "100", "%"),
        ("{number: euros}", "", "", "euros"),
    ],
)
def test_a_number_may_have_a_range_and_a_unit(notes: str, lowest: str, highest: str, unit: str) -> None:
    item = only(f"How much? {notes}")
    assert (item.text, item.lowest, item.highest, item.unit) == ("How much?", lowest, highest, unit)


def test_what_an_approval_expects_and_the_evidence_are_said_in_any_order() -> None:
    for notes in (
        "{expects: no} {evidence: required} (optional)",
        "(optional) {evidence: required}  {expects: no}",
    ):
        item = only(f"Harm? {notes}")
        assert (item.text, item.required, item.approve_with, item.evidence) == ("Harm?", False, "no", "required")
    assert only("Harm? {expects: any} {evidence: none}").approve_with == ""
    assert only("Harm? {expects: any} {evidence: none}").evidence == ""
    assert only("Which? {choice: A, B} {expects: B}").approve_with == "B"


def test_notes_on_a_line_of_their_own_belong_to_the_item() -> None:
    (item,) = read_checklist("- [ ] {#who} Who is right?\n  {choice: A, B}\n", where="check.md")
    assert (item.id, item.text, item.kind) == ("who", "Who is right?", "choice")


@pytest.mark.parametrize(
    "text",
    [
        "Is {text} filled in",
        "Is {text}.",
        "The template {{ inputs.text }}",
        "A set {1, 2}",
        "A set{text}",
        "JSON {context: 3}",
        'JSON {"number": 3}',
        "Style {color: red}",
        "Empty {}",
        "Open {text",
        "Closed text}",
        "Nested {choice: {A}}",
        "A {test}",
        "(text)",
    ],
)
def test_other_braces_are_text(text: str) -> None:
    item = only(text)
    assert (item.text, item.kind) == (text, "yes_no")


@pytest.mark.parametrize(
    ("text", "what", "hint"),
    [
        ("Who? {choise: A, B}", "not understood", "did you mean {choice: …}?"),
        ("Who? {Choice: A, B}", "not understood", "did you mean {choice: …}?"),
        ("Who? {choices: A, B}", "not understood", "did you mean {choice: …}?"),
        ("Who? {choice}", "not understood", "choice"),
        ("How? {numbers: 0..1}", "not understood", "did you mean {number: …}?"),
        ("Harm? {expect: no}", "not understood", "did you mean {expects: …}?"),
        ("Harm? {evidense: required}", "not understood", "did you mean {evidence: …}?"),
        ("Harm? {evidence: must}", "not known", ""),
        ("Harm? {expects: maybe}", "none of the item's answers", ""),
        ("Harm? {expects:}", "nothing is expected", ""),
        ("Who? {choice: A}", "answers to choose from", ""),
        ("Who? {choice: A, A}", "twice", ""),
        ("Who? {choice: A, , B}", "empty", ""),
        ("Who? {choice: A, Ben} {expects: Bem}", "none of the item's answers", "did you mean 'Ben'?"),
        ("How? {number: 0-10}", "no range", ""),
        ("How? {number: 5}", "no range", ""),
        ("How? {number: a..b}", "no number", ""),
        ("How? {number: 10..0}", "range is empty", ""),
        ("How? {number: 0..1e99}", "no number", ""),
        ("How? {number} {expects: 5}", "no one answer", ""),
        ("How? {number} {text}", "two groups", ""),
        ("Why? {text: long}", "takes nothing", ""),
        ("{text}", "no text", ""),
    ],
)
def test_a_slip_in_the_braces_is_told_with_its_line(text: str, what: str, hint: str) -> None:
    error = refusal(f"- [ ] fine\n\n- [ ] {text}\n")
    assert what in error.what
    assert error.where == "check.md:3"
    assert hint in error.hint


def test_hostile_markdown_stays_plain_text() -> None:
    hostile = "<img src=x onerror=alert(1)> [a](javascript:b) ![c](http://d) `{text}` </script> &lt; \\u001b ${x} %s"
    assert only(hostile).text == hostile


@pytest.mark.parametrize("piece", ["{", "}", "{text", " {", "(", " (optional) x", "> ", "- [ ] ", "{a:}", " {text}"])
def test_a_very_long_line_of_anything_is_refused_with_its_line(piece: str) -> None:
    error = refusal(f"- [ ] x {piece * 20_000}\n")
    assert "too long" in error.what
    assert error.where == "check.md:1"


@pytest.mark.parametrize("piece", ["````\n", "~~~\n```\n", "  \t ", "\n", "> > ", "- \n", "<!-- \n"])
def test_a_great_deal_of_anything_between_items_changes_nothing(piece: str) -> None:
    assert texts(f"- [ ] x\n\n{piece * 20_000}\n")[0] == "x"


def test_an_item_with_very_many_lines_is_refused_as_too_long() -> None:
    assert "too long" in refusal("- [ ] x\n" + "  y\n" * 50_000).what


@given(
    st.lists(st.text(st.characters(codec="utf-8", exclude_categories=["C", "Z"]), min_size=1), min_size=1, max_size=30)
)
def test_ids_are_unique_short_and_ascii_for_any_words(words: list[str]) -> None:
    found = ids("".join(f"- [ ] q{word}\n\n" for word in words))
    assert len(found) == len(set(found)) == len(words)
    assert all(re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", item_id) and len(item_id) <= 40 for item_id in found)


@given(st.text())
def test_any_text_reads_or_gives_one_error(markdown: str) -> None:
    try:
        items = read_checklist(markdown, where="check.md")
    except UsageError:
        return
    assert items

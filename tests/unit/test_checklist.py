"""Checklists: which lines are items, what their ids are, and what is kept out."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from awo.errors import UsageError
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

"""Answers: what may be said to a checklist, and what an approval needs."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from awo.errors import UsageError
from awo.evidence.gates import Answer, ChecklistItem, Verdict
from awo.gate.answers import fault_of, read_answers

CHECKLIST = [
    ChecklistItem(id="numbers", text="The numbers were checked", kind="yes_no", required=True),
    ChecklistItem(id="sources", text="The sources exist", kind="yes_no", required=True),
    ChecklistItem(id="style", text="It reads well", kind="yes_no", required=False),
]
OTHERS: tuple[Verdict, ...] = ("reject", "revise", "withdraw")


def refusal(*pairs: str, verdict: Verdict = "approve") -> UsageError:
    with pytest.raises(UsageError) as caught:
        read_answers(pairs, CHECKLIST, verdict)
    assert caught.value.where == "--answer"
    return caught.value


def test_answers_come_in_the_order_of_the_checklist() -> None:
    found = read_answers(["style=no", "sources=yes", "numbers= YES "], CHECKLIST, "approve")
    assert [(answer.id, answer.answer) for answer in found] == [("numbers", "yes"), ("sources", "yes"), ("style", "no")]


def test_an_optional_item_may_be_left_out() -> None:
    assert len(read_answers(["numbers=yes", "sources=yes"], CHECKLIST, "approve")) == 2


@pytest.mark.parametrize(
    ("pairs", "what"),
    [
        (["numbers"], "must be an item and its answer"),
        (["number=yes"], "no item 'number'"),
        (["\x1b[2J=yes"], "no item '\\x1b[2J'"),
        (["numbers=maybe"], "answered with yes or no"),
        (["numbers="], "answered with yes or no"),
        (["numbers=yes", "numbers=yes"], "answered twice"),
        (["numbers=yes"], "not every required item is answered"),
        ([], "not every required item is answered"),
        (["numbers=yes", "sources=no"], "cannot answer a required item with no"),
    ],
)
def test_an_approval_with_wrong_answers_is_refused(pairs: list[str], what: str) -> None:
    assert what in refusal(*pairs).what


def test_an_unknown_item_is_told_the_nearest_one() -> None:
    error = refusal("number=yes")
    assert error.hint == "did you mean 'numbers'?"
    assert error.expected == "numbers, sources, style"


def test_what_is_missing_is_told_as_what_to_type() -> None:
    error = refusal("numbers=yes")
    assert error.got == "none to sources"
    assert error.hint == "--answer sources=yes"


@pytest.mark.parametrize("verdict", OTHERS)
def test_a_no_and_missing_answers_may_stand_under_any_other_verdict(verdict: Verdict) -> None:
    assert read_answers(["sources=no"], CHECKLIST, verdict) == [Answer(id="sources", answer="no")]
    assert read_answers([], CHECKLIST, verdict) == []


@pytest.mark.parametrize("verdict", OTHERS)
def test_nonsense_is_refused_under_any_verdict(verdict: Verdict) -> None:
    assert "no item" in refusal("nonsense=yes", verdict=verdict).what
    assert "yes or no" in refusal("numbers=perhaps", verdict=verdict).what


@pytest.mark.parametrize("kind", ["choice", "number", "text"])
def test_kinds_of_items_that_this_version_cannot_ask_are_refused(kind: str) -> None:
    item = ChecklistItem(id="a", text="A", kind=kind, required=True)  # type: ignore[arg-type]
    fault = fault_of([Answer(id="a", answer="yes")], [item], "approve")
    assert fault is not None
    assert kind in fault.what


@given(
    st.lists(
        st.sampled_from(["numbers=yes", "numbers=no", "sources=yes", "sources=no", "style=yes", "x=yes", "y"]),
        max_size=4,
    )
)
def test_an_approval_is_accepted_only_when_each_required_item_has_one_yes(pairs: list[str]) -> None:
    try:
        found = read_answers(pairs, CHECKLIST, "approve")
    except UsageError:
        return
    assert len(found) == len(pairs)
    assert {"numbers=yes", "sources=yes"} <= set(pairs)
    assert not {"x=yes", "y", "numbers=no", "sources=no"} & set(pairs)

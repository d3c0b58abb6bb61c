"""Answers: what may be said to a checklist, and what an approval needs."""

from __future__ import annotations

import shlex
from decimal import Decimal
from typing import Any, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from awo.errors import UsageError
from awo.evidence.gates import Answer, ChecklistItem, Verdict
from awo.gate.answers import AnswerFault, example, fault_of, read_answers, wanted
from awo.gate.decimals import number, spelled

CHECKLIST = [
    ChecklistItem(id="numbers", text="The numbers were checked", kind="yes_no", required=True, approve_with="yes"),
    ChecklistItem(id="sources", text="The sources exist", kind="yes_no", required=True, approve_with="yes"),
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
        (["numbers=yes", "sources=no"], "cannot go with some of the answers"),
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


def item(kind: Literal["yes_no", "choice", "number", "text"], **more: Any) -> ChecklistItem:
    return ChecklistItem(id="a", text="A", kind=kind, required=True, **more)


def fault(one: ChecklistItem, answer: str, *, evidence: str = "", verdict: Verdict = "approve") -> AnswerFault | None:
    return fault_of([Answer(id="a", answer=answer, evidence=evidence)], [one], verdict, SHOWN)


CHOICE = item("choice", choices=["Model A", "Model B", "neither"])
SCORE = item("number", lowest="0", highest="10", unit="points")
REMARK = item("text")
SHOWN = ["input.json", "outputs/ask/output.json"]


@pytest.mark.parametrize(
    ("one", "typed", "signed"),
    [
        (item("yes_no"), " Y ", "yes"),
        (item("yes_no"), "NO", "no"),
        (CHOICE, " Model A ", "Model A"),
        (SCORE, "7.50", "7.5"),
        (SCORE, "+007", "7"),
        (SCORE, "1e1", "10"),
        (SCORE, "-0", "0"),
        (item("number"), "-2.5E-3", "-0.0025"),
        (REMARK, " two\nlines ", "two\nlines"),
    ],
)
def test_what_is_typed_is_signed_in_one_spelling(one: ChecklistItem, typed: str, signed: str) -> None:
    found = read_answers([f"a={typed}"], [one], "approve")
    assert found == [Answer(id="a", answer=signed)]
    assert fault(one, signed) is None


@pytest.mark.parametrize(
    ("one", "answer", "says"),
    [
        (item("yes_no"), "true", "yes or no"),
        (CHOICE, "model a", "one of its choices"),
        (CHOICE, "", "one of its choices"),
        (SCORE, "10.01", "in its range"),
        (SCORE, "-1", "in its range"),
        (SCORE, "NaN", "in its range"),
        (SCORE, "Infinity", "in its range"),
        (SCORE, "1e9999999999", "in its range"),
        (SCORE, "0x5", "in its range"),
        (SCORE, "\u0665", "in its range"),
        (SCORE, "7,5", "in its range"),
        (item("number"), "1" * 31, "a number"),
        (item("number"), "", "a number"),
        (REMARK, "   ", "a text"),
        (REMARK, "x" * 4001, "a text"),
        (REMARK, "a\u202eb", "cannot be shown"),
        (REMARK, "a\x1b[2Jb", "cannot be shown"),
    ],
)
def test_what_is_no_answer_of_its_kind_is_refused(one: ChecklistItem, answer: str, says: str) -> None:
    with pytest.raises(UsageError) as caught:
        read_answers([f"a={answer}"], [one], "reject")
    assert says in caught.value.what


@pytest.mark.parametrize("answer", ["7.0", "+7", "07", "7e0", "-0", "7.", ".5", " 7"])
def test_a_number_in_another_spelling_than_the_one_that_is_signed_does_not_verify(answer: str) -> None:
    assert fault(SCORE, answer) is not None


def test_the_nearest_choice_is_told() -> None:
    found = fault(CHOICE, "Model C")
    assert found is not None
    assert found.hint in ("did you mean 'Model A'?", "did you mean 'Model B'?")
    assert found.expected == "one of: Model A, Model B, neither"


def test_a_bound_that_is_no_number_lets_nothing_pass() -> None:
    assert fault(item("number", lowest="low"), "5") is not None


@pytest.mark.parametrize(
    "evidence",
    ["input.json", "outputs/ask/output.json", "https://example.org/a?b=c#d", "http://[::1]:8080/x"],
)
def test_evidence_is_a_shown_file_or_an_address(evidence: str) -> None:
    assert fault(item("yes_no", evidence="required"), "yes", evidence=evidence) is None


@pytest.mark.parametrize(
    "evidence",
    [
        *("/etc/passwd", "../input.json", "outputs/ask/output.jsn", "file:///input.json", "javascript:alert(1)"),
        *("https://", "https:///x", "https://a b", "https://user:secret@example.org/", "https://[::1", "https://a:0/"),
        *("https://example.org/\u202e", f"https://example.org/{'x' * 2000}", "ftp://example.org/"),
    ],
)
def test_anything_else_is_no_evidence(evidence: str) -> None:
    found = fault(item("yes_no"), "yes", evidence=evidence)
    assert found is not None
    assert "neither a file shown at the gate nor an address" in found.what


def test_evidence_that_must_be_there_is_missed_and_evidence_that_may_not_be_there_is_refused() -> None:
    missed = fault(item("yes_no", evidence="required"), "no", verdict="reject")
    assert missed is not None
    assert "without the evidence" in missed.what
    refused = fault(item("yes_no", evidence=""), "yes", evidence="input.json")
    assert refused is not None
    assert "takes no evidence" in refused.what


def test_all_that_keeps_an_approval_back_is_told_at_once() -> None:
    expects = ChecklistItem(id="harm", text="Harm?", kind="yes_no", required=False, approve_with="no")
    with pytest.raises(UsageError) as caught:
        read_answers(["numbers=no", "harm=yes"], [*CHECKLIST, SCORE, expects], "approve")
    error = caught.value
    assert error.what == "not every required item is answered, and an approval cannot go with some of the answers"
    assert error.got == "none to sources, a, numbers=no, harm=yes"
    assert "a (a number from 0 to 10 (points))" in error.expected
    assert "--answer sources=yes --answer a=0" in error.hint


def test_what_to_type_is_safe_in_a_shell_whatever_the_checklist_says() -> None:
    hostile = ["$(touch x)`id`'; rm -rf .", "B, C"]
    words = shlex.split(example(item("choice", choices=hostile)))
    assert words == ["--answer", f"a={hostile[0]}"]
    assert wanted(item("choice", choices=["A, B", "C"])) == "one of: 'A, B', 'C'"


def test_an_item_may_expect_a_choice() -> None:
    one = item("choice", choices=["A", "B"], approve_with="A")
    assert fault(one, "A") is None
    assert fault(one, "B") is not None
    assert fault(one, "B", verdict="reject") is None


def test_answers_of_a_file_go_with_typed_ones_and_none_may_be_given_twice() -> None:
    given = [Answer(id="sources", answer="YES", evidence=" input.json ")]
    found = read_answers(["numbers=yes"], CHECKLIST, "approve", given=given, shown=SHOWN)
    assert found == [
        Answer(id="numbers", answer="yes"),
        Answer(id="sources", answer="yes", evidence="input.json"),
    ]
    with pytest.raises(UsageError, match="answered twice"):
        read_answers(["sources=yes"], CHECKLIST, "approve", given=given, shown=SHOWN)


@given(st.decimals(allow_nan=False, allow_infinity=False, places=6, min_value=-(10**12), max_value=10**12))
def test_a_number_is_spelled_in_one_way_and_stays_the_same(value: Decimal) -> None:
    text = spelled(str(value))
    assert number(text) == value
    assert spelled(text) == text
    assert spelled(f"{value:e}") == text


@given(st.text(max_size=40))
def test_any_text_is_an_answer_or_one_fault_whatever_the_kind(text: str) -> None:
    for one in (item("yes_no"), CHOICE, SCORE, REMARK):
        try:
            (found,) = read_answers([f"a={text}"], [one], "reject")
        except UsageError:
            continue
        assert fault(one, found.answer, verdict="reject") is None


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

"""The vote over answers: grouping, ties, and the numbers that go into the record."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from awo.derive.consensus import Candidate, candidates_in, folded, vote


def ballots(*texts: str) -> list[Candidate]:
    return [Candidate(model=f"m{number}", text=text) for number, text in enumerate(texts)]


def test_texts_that_differ_in_case_and_white_space_are_one_group() -> None:
    result = vote(ballots("  Blue\n sky ", "blue sky", "BLUE\tSKY", "red"))
    assert result.winner.voters == ("m0", "m1", "m2")
    assert result.winner.norm == "blue sky"


def test_the_winning_text_is_the_first_members_own() -> None:
    assert vote(ballots("red", " Blue ", "blue")).winner.text == " Blue "


def test_the_largest_group_wins_over_a_longer_text() -> None:
    assert vote(ballots("a very long answer", "no", "no")).winner.norm == "no"


def test_on_a_tie_the_longer_folded_text_wins() -> None:
    assert vote(ballots("ab        ", "abc")).winner.norm == "abc"


def test_on_a_tie_of_equal_length_the_earlier_answer_wins() -> None:
    assert vote(ballots("two", "one")).winner.norm == "two"
    assert vote(ballots("one", "two")).winner.norm == "one"


def test_the_stand_ins_of_awo_1x_agree_two_to_one() -> None:
    value = vote([Candidate("echo", "Hello"), Candidate("upper", "HELLO"), Candidate("reverse", "olleH")]).as_value()
    assert value == {
        "consensus_text": "Hello",
        "consensus_norm": "hello",
        "voters": ["echo", "upper"],
        "voter_count": 2,
        "total_candidates": 3,
        "agreement_ratio": 0.666667,
        "groups": [
            {"norm": "hello", "text": "Hello", "voters": ["echo", "upper"]},
            {"norm": "olleh", "text": "olleH", "voters": ["reverse"]},
        ],
    }


def test_an_empty_answer_is_a_candidate_too() -> None:
    assert vote(ballots("", " ", "x")).winner.norm == ""


def test_a_vote_without_candidates_is_refused() -> None:
    with pytest.raises(ValueError, match="at least one"):
        vote([])


@given(st.lists(st.text(max_size=4), min_size=1, max_size=12))
def test_every_candidate_votes_once_and_nobody_beats_the_winner(texts: list[str]) -> None:
    result = vote(ballots(*texts))
    assert sorted(name for group in result.groups for name in group.voters) == sorted(
        f"m{n}" for n in range(len(texts))
    )
    assert all(len(group.voters) <= len(result.winner.voters) for group in result.groups)
    assert len({group.norm for group in result.groups}) == len(result.groups)


@given(st.text())
def test_folding_leaves_no_white_space_but_single_spaces(text: str) -> None:
    assert folded(text) == " ".join(folded(text).split())


@given(st.lists(st.sampled_from(["a", "A ", "bb", "c"]), min_size=1, max_size=9))
def test_the_value_reads_back_from_json_as_itself(texts: list[str]) -> None:
    value = vote(ballots(*texts)).as_value()
    assert msgspec.json.decode(msgspec.json.encode(value)) == value


def test_candidates_are_the_responses_of_a_fan_out_or_one_answer_itself() -> None:
    answer = {"model": "echo", "text": "hi", "call": "0", "stop_reason": "stop"}
    assert candidates_in({"responses": [answer, answer], "count": 2}) == [Candidate("echo", "hi")] * 2
    assert candidates_in(answer) == [Candidate("echo", "hi")]


@pytest.mark.parametrize(
    "value",
    [None, 3, "text", [], {}, {"text": "no model"}, {"responses": []}, {"responses": [1, {"model": 2, "text": "x"}]}],
)
def test_a_value_without_answers_has_no_candidates(value: object) -> None:
    assert candidates_in(value) == []

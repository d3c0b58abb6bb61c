"""Votes over items: normalised, weighted or ranked; who abstained or failed still counts, and dissent is kept."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from fractions import Fraction
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from awo.derive.seam import Derived
from awo.derive.votes.consensus_vote import DERIVATION, ConsensusVoteArgs
from awo.derive.votes.dissent import DERIVATION as DISSENT
from awo.derive.votes.dissent import DissentArgs
from awo.derive.votes.normal import normaliser
from awo.derive.votes.tally import Ballot, exact, tally
from awo.errors import StepFailed
from awo.evidence.events import Reason
from awo.evidence.records import CellsRecord, ItemLine, OverRecord, RetryRecord, StepRecord, json_object
from awo.evidence.votes import DissentLine, DissentValue, VoteLine, Voter, VotesValue
from awo.testing.fake_sources import FakeSources


def fanned(id_: str, op: str = "fanout_generate", over: OverRecord | None = None, **args: Any) -> StepRecord:
    return StepRecord(
        id=id_,
        op=op,
        args=json_object(args),
        needs=(),
        when="",
        retries=RetryRecord(max=0, delay_s=0.0),
        timeout_s=0.0,
        cells=CellsRecord(over=over or OverRecord(kind="data", name="rows"), matrix={}, repeats=1, max_failed=9),
    )


def cell(number: int, item: str, said: dict[str, str] | None, repeat: int = 0) -> ItemLine:
    """A cell of a fan-out over models; None for one that failed."""
    answers = [{"model": model, "text": text, "call": f"{number}-{model}"} for model, text in (said or {}).items()]
    return ItemLine(
        cell=number,
        item=item,
        matrix={},
        repeat=repeat,
        row={},
        status="failed" if said is None else "done",
        reason=Reason(code="model", message="no") if said is None else None,
        value=None if said is None else {"responses": answers, "count": len(answers)},
        calls=[answer["call"] for answer in answers],
    )


def sources(items: Sequence[ItemLine], models: Sequence[str] = ("a", "b", "c")) -> FakeSources:
    return FakeSources(step="vote", records={"ask": fanned("ask", models=list(models))}, items={"ask": items})


def voted(items: Sequence[ItemLine], **args: Any) -> tuple[VotesValue, list[VoteLine], list[DissentLine]]:
    derived = DERIVATION.compute(msgspec.convert({"inputs_from": "ask", **args}, ConsensusVoteArgs), sources(items))
    return (
        msgspec.convert(msgspec.to_builtins(derived.value), VotesValue),
        [msgspec.json.decode(line, type=VoteLine) for line in derived.files["votes.jsonl"]],
        [msgspec.json.decode(line, type=DissentLine) for line in derived.files["dissent.jsonl"]],
    )


def test_each_item_has_one_vote_over_its_models_and_repeats() -> None:
    items = [
        cell(0, "x", {"a": "Yes", "b": "yes ", "c": "no"}),
        cell(1, "x", {"a": "yes", "b": "no", "c": "no"}, repeat=1),
        cell(2, "y", {"a": "no", "b": "no", "c": "no"}),
    ]
    value, lines, dissents = voted(items)
    assert [(line.item, line.cell, line.asked, line.norm, line.is_tie) for line in lines] == [
        ("x", 0, 6, "yes", True),
        ("y", 2, 3, "no", False),
    ]
    assert (value.votes, value.decided, value.ties, value.unanimous, value.dissents) == (2, 2, 1, 1, 1)
    assert value.mean_agreement == 0.75
    assert [(one.item, one.norm, one.winner, one.is_answered) for one in dissents] == [("x", "no", "yes", None)]
    assert [voter.call for voter in dissents[0].voters] == ["0-c", "1-b", "1-c"]


def test_a_vote_within_a_cell_keeps_repeats_apart() -> None:
    items = [cell(0, "x", {"a": "yes", "b": "no"}), cell(1, "x", {"a": "no", "b": "no"}, repeat=1)]
    value, lines, _ = voted(items, by="cell")
    assert [(line.repeat, line.norm) for line in lines] == [(0, "yes"), (1, "no")]
    assert value.by == "cell"


def test_who_failed_or_abstained_stays_in_the_denominator() -> None:
    items = [cell(0, "x", {"a": "good", "b": "perhaps", "c": "bad"}), cell(1, "x", None, repeat=1)]
    value, (line,), _ = voted(items, choices=["Good", "Bad"])
    assert (line.asked, line.candidates, line.abstained, line.failed) == (6, 2, 1, 3)
    assert line.share == pytest.approx(1 / 6)
    assert (value.asked, value.abstained, value.failed) == (6, 1, 3)


def test_below_its_quorum_nothing_is_decided_and_every_option_is_a_dissent() -> None:
    value, (line,), dissents = voted([cell(0, "x", {"a": "p", "b": "q", "c": "q"})], quorum=0.7)
    assert (line.decided, line.norm, line.text) == (False, "", "")
    assert line.why == "the largest share is below the quorum of 0.7"
    assert [one.norm for one in dissents] == ["q", "p"]
    assert (value.mean_agreement, value.why) == (None, "no vote is decided")


def test_a_share_that_equals_the_quorum_decides() -> None:
    _, (line,), _ = voted([cell(0, "x", {"a": "p", "b": "p", "c": "q", "d": "q", "e": "p"})], quorum=0.6)
    assert line.decided


def test_where_all_cells_failed_nothing_is_decided_and_nothing_is_invented() -> None:
    value, (line,), dissents = voted([cell(0, "x", None)])
    assert (line.decided, line.share, line.options, dissents) == (False, None, [], [])
    assert line.why == "nobody gave an answer that can be counted"
    assert value.undecided == 1


def test_a_heavy_model_outvotes_two_light_ones_and_weights_are_decimals() -> None:
    items = [cell(0, "x", {"a": "p", "b": "p", "c": "q"})]
    _, (line,), _ = voted(items, method="weighted", weights={"a": 0.1, "b": 0.2, "c": 0.3})
    assert line.is_tie  # 0.1 + 0.2 is 0.3 here, although not in binary
    _, (line,), _ = voted(items, method="weighted", weights={"c": 3})
    assert (line.norm, line.share) == ("q", 0.6)


def test_votes_that_weigh_nothing_decide_nothing() -> None:
    _, (line,), _ = voted([cell(0, "x", {"a": "p"})], method="weighted", weights={"a": 0})
    assert (line.decided, line.share, line.why) == (False, None, "all who were asked weigh nothing")


def test_a_weight_of_a_model_that_was_never_asked_is_refused() -> None:
    with pytest.raises(StepFailed) as caught:
        voted([cell(0, "x", {"a": "p"})], method="weighted", weights={"aa": 2})
    assert (caught.value.code, caught.value.got) == ("unknown_model", "'aa'")


def test_ranked_answers_get_bordas_points() -> None:
    said = {"a": "1. Tea\n2. Milk\n3. Juice", "b": '["milk", "juice"]', "c": "- juice\n- milk\n- tea\n- rum"}
    _, (line,), dissents = voted([cell(0, "x", said)], method="ranked", choices=["tea", "milk", "juice"])
    assert [(one.norm, one.weight) for one in line.options] == [("milk", 7.0), ("juice", 6.0), ("tea", 4.0)]
    assert line.share == pytest.approx(7 / 9)
    assert [(one.norm, [voter.model for voter in one.voters]) for one in dissents] == [("juice", ["c"]), ("tea", ["a"])]


def test_a_field_is_voted_on_where_one_is_named() -> None:
    item = cell(0, "x", {"a": "long story", "b": "other story"})
    for answer, label in zip(item.value["responses"], ("Good", "good"), strict=True):
        answer["parsed"] = {"label": label}
    _, (line,), _ = voted([item], field="{{ item.value.parsed.label }}")
    assert (line.norm, line.candidates) == ("good", 2)


@pytest.mark.parametrize(
    ("normalise", "choices", "text", "norm"),
    [
        ([], [], " A  b", " A  b"),
        (["fold_case", "collapse_space"], [], " A  b\n", "a b"),
        (["first_line", "strip_punctuation"], [], "\n **Yes!**\nbecause", "Yes"),
        (["nfkc"], [], "ﬁne ①", "fine 1"),
        (["collapse_space"], ["yes"], "no", None),
        (["fold_case", "choice"], ["happy", "not happy"], "I am NOT HAPPY about it", "not happy"),
        (["fold_case", "choice"], ["happy", "not happy"], "unhappy", None),
        (["choice"], ["good night", "night owl"], "good night owl", None),
        (["choice"], ["0", "1"], "I say -1", None),
        (["choice"], ["1", "2"], "about 1.5", None),
        (["choice"], ["1", "1000"], "1,000 of them", None),
        (["choice"], ["3", "4"], "3-4", None),
        (["fold_case", "choice"], ["yes", "no"], "yes and no", None),
    ],
)
def test_what_is_done_to_an_answer_is_what_was_declared(
    normalise: Any, choices: list[str], text: str, norm: str | None
) -> None:
    assert normaliser(normalise, choices)(text) == norm


@pytest.mark.parametrize(
    "args",
    [
        {"method": "weighted"},
        {"weights": {"a": 1}},
        {"method": "weighted", "weights": {"a": -1}},
        {"normalise": ["choice"]},
        {"choices": ["yes", "!"], "normalise": ["strip_punctuation"]},
        {"choices": ["Yes", "yes"]},
        {"normalise": ["nfkc", "nfkc"]},
        {"quorum": 1.5},
    ],
)
def test_a_vote_that_contradicts_itself_is_refused(args: dict[str, Any]) -> None:
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert({"inputs_from": "ask", **args}, ConsensusVoteArgs)


def once(said: dict[str, str], **args: Any) -> Derived:
    value = {"responses": [{"model": model, "text": text, "call": "0"} for model, text in said.items()]}
    convert = msgspec.convert({"inputs_from": "ask", **args}, ConsensusVoteArgs)
    return DERIVATION.compute(convert, FakeSources(values={"ask": value}))


def test_a_step_done_once_is_counted_as_in_1x_and_its_dissent_is_kept() -> None:
    derived = once({"echo": "Hello", "upper": "HELLO", "reverse": "olleH"})
    assert list(derived.value) == [
        "consensus_text",
        "consensus_norm",
        "voters",
        "voter_count",
        "total_candidates",
        "agreement_ratio",
        "groups",
    ]
    (line,) = derived.files["dissent.jsonl"]
    assert msgspec.json.decode(line, type=DissentLine).voters[0].model == "reverse"


def test_a_step_done_once_says_more_where_more_was_asked() -> None:
    value = msgspec.to_builtins(once({"a": "x", "b": "y"}, quorum=0.9).value)
    assert (value["decided"], value["consensus_text"], value["voters"], value["share"]) == (False, "", [], 0.5)
    assert len(value["groups"]) == 2


# --- properties -----------------------------------------------------------------------------------------


def ballot(norm: str, weight: Fraction = Fraction(1)) -> Ballot:
    voter = Voter(model="m", matrix={}, repeat=0, cell=0, answer=0, call="")
    return Ballot(ranking=((norm, norm),), voter=voter, weight=weight)


@given(st.lists(st.sampled_from(["a", "bb", "cc", "d"]), min_size=1, max_size=8), st.randoms(use_true_random=False))
def test_the_order_of_ballots_moves_the_winner_only_between_equally_long_ties(said: list[str], chance: Any) -> None:
    moved = list(said)
    chance.shuffle(moved)
    one, other = (tally([ballot(norm) for norm in order], Fraction(len(said))) for order in (said, moved))
    first, second = one.options[0], other.options[0]
    assert (first.weight, len(first.norm), one.is_tie) == (second.weight, len(second.norm), other.is_tie)
    if first.norm != second.norm:
        assert one.is_tie


@given(st.lists(st.tuples(st.sampled_from("ab"), st.sampled_from([0.1, 0.2, 0.7])), min_size=1, max_size=9))
def test_shares_add_up_to_one_where_everybody_votes(votes: list[tuple[str, float]]) -> None:
    ballots = [ballot(norm, exact(weight)) for norm, weight in votes]
    counted = tally(ballots, sum((one.weight for one in ballots), Fraction(0)))
    assert sum(option.share or 0.0 for option in counted.options) == pytest.approx(1)
    assert [option.weight for option in counted.options] == sorted((o.weight for o in counted.options), reverse=True)


def test_borda_agrees_with_a_count_by_hand_over_every_pair_of_rankings() -> None:
    voter = Voter(model="m", matrix={}, repeat=0, cell=0, answer=0, call="")
    for one, other in itertools.product(itertools.permutations("xyz"), repeat=2):
        ballots = [Ballot(ranking=tuple((n, n) for n in ranking), voter=voter) for ranking in (one, other)]
        counted = tally(ballots, Fraction(2), 3, is_ranked=True)
        by_hand = {name: 6 - one.index(name) - other.index(name) for name in "xyz"}
        assert {option.norm: option.weight for option in counted.options} == by_hand


# --- dissent -----------------------------------------------------------------------------------------------


def answered(items: Sequence[ItemLine], over: OverRecord, **args: Any) -> tuple[DissentValue, list[DissentLine], Any]:
    voting = sources([cell(0, "x", {"a": "p", "b": "p", "c": "q"}), cell(1, "y", {"a": "p", "b": "p", "c": "r"})])
    lines = DERIVATION.compute(ConsensusVoteArgs(inputs_from="ask"), voting).files["dissent.jsonl"]
    made = FakeSources(
        step="ledger",
        records={"vote": fanned("vote", "consensus_vote"), "reply": fanned("reply", "llm_map", over)},
        items={"reply": items},
        lines={("vote", "dissent.jsonl"): lines},
    )
    derived = DISSENT.compute(msgspec.convert({"of": "vote", **args}, DissentArgs), made)
    found = [msgspec.json.decode(line, type=DissentLine) for line in derived.files["dissent.jsonl"]]
    return msgspec.convert(msgspec.to_builtins(derived.value), DissentValue), found, derived.failure


def reply(number: int, item: str, *, over_cells: bool = False, failed: bool = False) -> ItemLine:
    line = cell(number, item, None if failed else {"z": "because"})
    seen = {"id": item, "row": {}, "matrix": {}, "repeat": 0, "value": None}
    return msgspec.structs.replace(line, item="repeat=0", row=seen) if over_cells else line


@pytest.mark.parametrize("over_cells", [False, True])
def test_a_dissent_is_answered_by_a_result_for_its_item(over_cells: bool) -> None:
    over = OverRecord(kind="step", name="ask") if over_cells else OverRecord(kind="data", name="rows")
    items = [reply(0, "x", over_cells=over_cells), reply(1, "y", over_cells=over_cells, failed=True)]
    value, lines, failure = answered(items, over, answered_by="reply")
    assert (value.dissents, value.answered, value.unanswered, failure) == (2, 1, 1, None)
    assert [line.is_answered for line in lines] == [True, False]
    assert [(one.step, one.cell, one.calls) for one in lines[0].replies] == [("reply", 0, ["0-z"])]


def test_an_unanswered_dissent_holds_the_run_back_where_that_is_asked() -> None:
    _, lines, failure = answered([], OverRecord(kind="data", name="rows"), require="answered")
    assert failure.code == "dissent_unanswered"
    assert len(lines) == 2  # the ledger is kept with the failed attempt


def test_a_step_that_is_no_vote_has_no_dissent() -> None:
    with pytest.raises(StepFailed) as caught:
        DISSENT.compute(DissentArgs(of="note"), FakeSources(values={"note": "x"}))
    assert caught.value.code == "no_dissent"

"""prefer: both orders, a flip that abstains, ties, and the majority of a panel."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import msgspec
import pytest

from awo.evidence.judgements import PreferenceValue
from awo.ops.prefer import OPERATION
from awo.testing.fake_desk import FakeDesk

ARGS = {"first": "short", "second": "a longer one", "criterion": "Brief is better."}


def votes_for(first: str, second: str) -> Callable[[str], str]:
    """A judge that says `first` where the first answer stands as A, else `second`."""
    return lambda asked: first if asked.index("\nshort\n") < asked.index("\na longer one\n") else second


FIRST = votes_for("PREFER: A", "PREFER: B")
SECOND = votes_for("PREFER: B", "PREFER: A")
TIE = votes_for("PREFER: TIE", "PREFER: tie")
FLIP = votes_for("PREFER: A", "PREFER: A")
HALF_TIE = votes_for("PREFER: TIE", "PREFER: B")
LOST = votes_for("PREFER: A", "Both are fine.")


def preferred(*judges: Callable[[str], str], **args: Any) -> PreferenceValue:
    names = {f"j{number}": judge for number, judge in enumerate(judges)}
    at = FakeDesk(answers=names)
    given = msgspec.convert(ARGS | {"judges": list(names)} | args, OPERATION.args)

    async def work() -> Any:
        return await OPERATION.perform(given, at)

    return msgspec.convert(asyncio.run(work()), PreferenceValue)


@pytest.mark.parametrize(
    ("judge", "letters", "verdict", "score"),
    [
        (FIRST, ("A", "B"), "first", 1.0),
        (SECOND, ("B", "A"), "second", 0.0),
        (TIE, ("TIE", "TIE"), "tie", 0.5),
        (FLIP, ("A", "A"), "abstain", None),
        (HALF_TIE, ("TIE", "B"), "abstain", None),
        (LOST, ("A", None), "abstain", None),
    ],
)
def test_a_vote_counts_only_when_it_is_the_same_in_both_orders(
    judge: Callable[[str], str], letters: tuple[str | None, ...], verdict: str, score: float | None
) -> None:
    value = preferred(judge)
    (vote,) = value.votes
    assert ((vote.forward, vote.swapped), vote.verdict, vote.calls) == (letters, verdict, ["0", "1"])
    assert (value.winner, value.score, value.abstained) == (verdict, score, int(score is None))


def test_an_abstention_says_why() -> None:
    assert preferred(FLIP).votes[0].why == "it chose A in both orders: it goes by position"
    assert preferred(HALF_TIE).votes[0].why == "it saw a tie in one order and none in the other"
    assert preferred(LOST).votes[0].why == "swapped: the answer has no line `PREFER: …`"
    assert preferred(FLIP, LOST).why == "every judge abstained"


@pytest.mark.parametrize(
    ("judges", "winner", "why"),
    [
        ((FIRST, FIRST, SECOND), "first", ""),
        ((FIRST, FLIP, FLIP), "first", ""),
        ((FIRST, SECOND), "tie", "no side has more than half of the votes"),
        ((FIRST, TIE), "tie", "no side has more than half of the votes"),
        ((TIE, TIE, SECOND), "tie", ""),
        ((SECOND, SECOND, TIE), "second", ""),
    ],
)
def test_a_side_wins_with_more_than_half_of_the_votes_that_count(
    judges: tuple[Callable[[str], str], ...], winner: str, why: str
) -> None:
    value = preferred(*judges)
    assert (value.winner, value.why) == (winner, why)


def test_judges_do_not_see_whose_answers_they_compare() -> None:
    at = FakeDesk(answers={"j": FIRST})
    args = msgspec.convert(ARGS | {"judges": ["j"], "first_is": "gpt", "second_is": "llama"}, OPERATION.args)
    value = asyncio.run(_performed(args, at))
    assert (value["first_is"], value["second_is"]) == ("gpt", "llama")
    assert not any("gpt" in ask.messages[0].content or "llama" in ask.messages[0].content for ask in at.asked[0])


def test_the_two_questions_differ_in_the_order_of_the_answers_alone() -> None:
    at = FakeDesk(answers={"j": FIRST})
    asyncio.run(_performed(msgspec.convert(ARGS | {"judges": ["j"], "question": "How?"}, OPERATION.args), at))
    forward, swapped = (ask.messages[0].content for ask in at.asked[0])
    assert sorted(map(len, forward.splitlines())) == sorted(map(len, swapped.splitlines()))
    assert forward.index("\nshort\n") < forward.index("\na longer one\n")
    assert swapped.index("\na longer one\n") < swapped.index("\nshort\n")
    assert "\nHow?\n" in forward


async def _performed(args: Any, at: FakeDesk) -> Any:
    return await OPERATION.perform(args, at)

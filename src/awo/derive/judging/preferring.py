"""Two answers before judges, each asked twice with the answers swapped: a judge that goes by position abstains."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Annotated, Final, cast

from msgspec import Meta, field

from awo.derive.judging.framing import DATA_NOTE, Said, framed
from awo.derive.judging.grading import Judges
from awo.derive.judging.verdict_words import labelled
from awo.evidence.judgements import Letter, PreferenceValue, PreferenceVote, Side, Vote
from awo.workflow.words import Args, Params, Template

LABEL: Final = "PREFER"
MENU: Final[tuple[Letter, ...]] = ("A", "B", "TIE")
INSTRUCTIONS: Final = (
    "You compare two answers that others gave. The criterion says which is better; judge by it alone. "
    "The order in which they stand says nothing about them."
)
ENDING: Final = (
    "Say in a few sentences how they differ by the criterion. Then end with one line, which is one of these:\n"
    "PREFER: A\nPREFER: B\nPREFER: TIE"
)
SCORES: Final = {"first": 1.0, "second": 0.0, "tie": 0.5}
_FORWARD: Final[dict[Letter, Side]] = {"A": "first", "B": "second", "TIE": "tie"}
_SWAPPED: Final[dict[Letter, Side]] = {"A": "second", "B": "first", "TIE": "tie"}


class PreferArgs(Args, frozen=True, kw_only=True):
    """Which two answers are compared, by what, and by whom."""

    first: Annotated[Template, Meta(description="The first answer (Jinja2).")]
    second: Annotated[Template, Meta(description="The second answer (Jinja2).")]
    criterion: Annotated[Template, Meta(description="What makes one answer better than another (Jinja2).")]
    question: Annotated[Template, Meta(description="What was answered (Jinja2); empty to show none.")] = ""
    judges: Judges
    first_is: Annotated[
        Template, Meta(description="What the first is called in results, such as its model; judges do not see it.")
    ] = "first"
    second_is: Annotated[
        Template, Meta(description="What the second is called in results, such as its model; judges do not see it.")
    ] = "second"
    instructions: Annotated[
        Template, Meta(description="What the judges are told first, in place of AWO's own words (Jinja2).")
    ] = ""
    params: Annotated[Params, Meta(description="Sampling parameters by their OpenAI names; texts are templates.")] = (
        field(default_factory=dict)
    )


def question_texts(*, first: str, second: str, criterion: str, question: str, instructions: str) -> tuple[str, str]:
    """What each judge is asked: with the first answer as A, and with the second as A."""
    before = {"question": question} if question else {}
    before |= {"criterion": criterion}
    orders = ((first, second), (second, first))
    forward, swapped = (
        f"{instructions or INSTRUCTIONS}\n{DATA_NOTE}\n\n{framed(before | {'answer A': a, 'answer B': b})}\n\n{ENDING}"
        for a, b in orders
    )
    return forward, swapped


def preference_of(first_is: str, second_is: str, answers: Sequence[Said]) -> PreferenceValue:
    """What follows from two answers of each judge, in their order: forward, then swapped."""
    votes = [_vote(*pair) for pair in zip(answers[::2], answers[1::2], strict=True)]
    counted = Counter(vote.verdict for vote in votes if vote.verdict != "abstain")
    total = counted.total()
    if not total:
        why = "every judge abstained" if len(votes) > 1 else "the judge abstained"
        return PreferenceValue(
            winner="abstain",
            score=None,
            first_is=first_is,
            second_is=second_is,
            abstained=len(votes),
            votes=votes,
            why=why,
        )
    winner: Side = "first" if 2 * counted["first"] > total else "second" if 2 * counted["second"] > total else "tie"
    is_split = winner == "tie" and 2 * counted["tie"] <= total
    return PreferenceValue(
        winner=winner,
        score=SCORES[winner],
        first_is=first_is,
        second_is=second_is,
        abstained=len(votes) - total,
        votes=votes,
        why="no side has more than half of the votes" if is_split else "",
    )


def _vote(forward: Said, swapped: Said) -> PreferenceVote:
    one, other = labelled(forward, LABEL, MENU), labelled(swapped, LABEL, MENU)
    letters = [cast("Letter | None", choice.word) for choice in (one, other)]
    verdict: Vote = "abstain"
    why = ""
    if letters[0] is None or letters[1] is None:
        orders = (("forward", one.why), ("swapped", other.why))
        why = "; ".join(f"{order}: {reason}" for order, reason in orders if reason)
    elif (side := _FORWARD[letters[0]]) == _SWAPPED[letters[1]]:
        verdict = side
    elif letters[0] == letters[1]:
        why = f"it chose {letters[0]} in both orders: it goes by position"
    else:
        why = "it saw a tie in one order and none in the other"
    return PreferenceVote(
        judge=forward.model,
        forward=letters[0],
        swapped=letters[1],
        verdict=verdict,
        calls=[forward.call, swapped.call],
        why=why,
    )

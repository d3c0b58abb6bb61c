"""refute: rounds of objections and replies, what stands, and answers that cannot be read."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import msgspec
import pytest

from awo.derive.judging.replies import LONGEST_TEXT_BYTES
from awo.errors import StepFailed
from awo.evidence.judgements import RefutationValue
from awo.ops.refute import OPERATION
from awo.testing.fake_desk import FakeDesk

BASE = {"statement": "All swans are white.", "proposer": "p", "refuters": ["r"], "on_standing": "report"}
Model = Callable[[str], str]


def refuter(objection: str = "OBJECTION: Mine is black.", verdict: str = "ANSWERED") -> Model:
    """A refuter that says `objection` when asked for one, and `verdict` of every reply."""
    return lambda asked: verdict if "----- begin reply " in asked else objection


def says(text: str) -> Model:
    return lambda _: text


def perform(at: FakeDesk, **args: Any) -> RefutationValue:
    given = msgspec.convert(BASE | args, OPERATION.args)

    async def work() -> Any:
        return await OPERATION.perform(given, at)

    return msgspec.convert(asyncio.run(work()), RefutationValue)


DEFENDER = says("REPLY: That is a goose.")


def refuted(r: Model, p: Model = DEFENDER, **args: Any) -> RefutationValue:
    return perform(FakeDesk(answers={"r": r, "p": p}), **args)


def test_an_objection_that_is_answered_does_not_stand() -> None:
    value = refuted(refuter(), rounds=1)
    (objection,) = value.objections
    assert (objection.id, objection.round, objection.refuter) == ("o1-1", 1, "r")
    assert (objection.text, objection.reply) == ("Mine is black.", "That is a goose.")
    assert (objection.status, objection.replied_by, objection.calls) == ("answered", "p", ["0", "1", "2"])
    assert (value.verdict, value.standing, value.rounds, value.calls) == ("unrefuted", 0, 1, ["0", "1", "2"])
    assert (value.statement, value.why) == ("All swans are white.", "")


def test_a_round_without_objections_is_the_last() -> None:
    value = refuted(says("I looked hard.\nNo objection."), rounds=5)
    assert (value.rounds, value.objections, value.no_objection, value.verdict) == (1, [], 1, "unrefuted")


def test_an_objection_stands_when_its_refuter_says_so() -> None:
    value = refuted(refuter(verdict="STANDS"), rounds=2)
    assert [(one.id, one.status) for one in value.objections] == [("o1-1", "standing"), ("o2-1", "standing")]
    assert (value.verdict, value.standing, value.why) == ("refuted", 2, "unanswered: o1-1 of r, o2-1 of r")


def test_a_conceded_objection_stands_and_is_not_judged() -> None:
    value = refuted(refuter(), says("You are right.\nCONCEDE"), rounds=1)
    (objection,) = value.objections
    assert (objection.status, objection.reply, objection.calls) == ("conceded", None, ["0", "1"])
    assert (value.verdict, value.standing) == ("refuted", 1)


@pytest.mark.parametrize("text", ["It is fine.", "REPLY: Fine.\nCONCEDE", ""])
def test_a_reply_that_cannot_be_read_is_none_and_the_objection_stands(text: str) -> None:
    (objection,) = refuted(refuter(), says(text), rounds=1).objections
    assert (objection.status, objection.reply) == ("standing", None)
    assert objection.why == "the reply is not one of `REPLY: …` and `CONCEDE`, so there is none"


def test_a_verdict_that_cannot_be_read_leaves_the_objection_standing() -> None:
    (objection,) = refuted(refuter(verdict="Perhaps it is answered."), rounds=1).objections
    assert objection.status == "standing"
    assert objection.why.endswith("so the objection stands")


@pytest.mark.parametrize("text", ["Swans, you say?", "OBJECTION: x\nNO OBJECTION", "OBJECTION:"])
def test_a_refuter_that_cannot_be_read_is_unclear_and_counts_as_neither(text: str) -> None:
    answers = {"r": says(text), "s": says("NO OBJECTION"), "p": says("REPLY: x")}
    value = perform(FakeDesk(answers=answers), refuters=["r", "s"], rounds=1)
    (objection,) = value.objections
    assert (objection.status, objection.text, objection.calls) == ("unclear", text, ["0"])
    assert (value.verdict, value.standing, value.unclear, value.no_objection) == ("unrefuted", 0, 1, 1)


def test_where_no_refuter_can_be_read_nobody_has_tested_the_statement() -> None:
    value = refuted(says("Swans?"), rounds=2)
    assert (value.verdict, value.unclear, value.rounds) == ("unclear", 2, 2)
    with pytest.raises(StepFailed) as caught:
        refuted(says("Swans?"), on_standing="fail")
    assert caught.value.code == "refuters_unclear"


def test_a_standing_objection_fails_the_step_and_says_what_to_do() -> None:
    with pytest.raises(StepFailed) as caught:
        refuted(refuter("OBJECTION: SECRET WORDS", verdict="STANDS"), rounds=1, on_standing="fail")
    error = caught.value
    assert (error.code, error.is_final) == ("objection_stands", True)
    assert error.what == "1 objection to the statement stands unanswered: o1-1 of r"
    assert "`answers: {o1-1: …}`" in error.hint
    assert "`on_standing: report`" in error.hint


# --- people -----------------------------------------------------------------------------------------


def test_a_person_replies_in_place_of_the_proposer_and_the_refuter_judges_it() -> None:
    at = FakeDesk(answers={"r": refuter(), "p": says("REPLY: x")}, inputs={"who": "Ada"})
    value = perform(at, rounds=1, answers={"o1-1": "{{ inputs.who }} looked: it is a goose."})
    (objection,) = value.objections
    assert (objection.reply, objection.replied_by, objection.status) == (
        "Ada looked: it is a goose.",
        "person",
        "answered",
    )
    assert [ask.model for asks in at.asked for ask in asks] == ["r", "r"]


def test_a_person_may_reply_to_all_objections_of_a_model() -> None:
    value = refuted(refuter(), rounds=2, answers={"r": "No.", "o2-1": "Still no."})
    assert [one.reply for one in value.objections] == ["No.", "Still no."]


def test_an_answer_that_nobody_asked_for_is_shown() -> None:
    assert refuted(says("NO OBJECTION"), answers={"o1-1": "x", "s": "y"}).unused_answers == ["o1-1", "s"]


# --- what is asked ----------------------------------------------------------------------------------


def test_a_later_round_shows_what_was_said_before_and_asks_for_something_new() -> None:
    at = FakeDesk(answers={"r": refuter(), "p": says("REPLY: A goose.")})
    perform(at, rounds=2, evidence="A photograph.")
    first, later = at.asked[0][0].messages[0].content, at.asked[3][0].messages[0].content
    assert "Mine is black." not in first
    assert "----- begin objection o1-1, answered " in later
    assert "Mine is black.\n\nReply: A goose." in later
    assert "This is round 2 of 2." in later
    assert all("\nA photograph.\n" in ask.messages[0].content for asks in at.asked for ask in asks)


def test_a_long_objection_is_cut_where_others_are_shown_it() -> None:
    value = refuted(refuter("OBJECTION: " + "ü" * 9000), rounds=1)
    text = value.objections[0].text
    assert len(text.encode()) <= LONGEST_TEXT_BYTES
    assert text.endswith("… [cut]")


def test_what_can_be_asked_at_most_is_known_before() -> None:
    desk = FakeDesk()
    said = OPERATION.requests and OPERATION.requests(
        msgspec.convert(BASE | {"refuters": ["r", "s"], "rounds": 3}, OPERATION.args), desk
    )
    assert said is not None
    assert len(said) == 3 * (2 + 2 + 2)
    assert sum(ask.model == "p" for ask in said) == 6
    longest = max(len(ask.messages[0].content) for ask in said)
    assert longest > 4 * 2 * LONGEST_TEXT_BYTES  # the third round shows four objections and their replies


def test_a_person_who_replies_saves_the_proposer_a_request() -> None:
    args = msgspec.convert(BASE | {"rounds": 1, "answers": {"o1-1": "x"}}, OPERATION.args)
    assert OPERATION.requests is not None
    assert [ask.model for ask in OPERATION.requests(args, FakeDesk())] == ["r", "r"]

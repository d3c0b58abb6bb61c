"""Adversarial rounds over one statement: who is asked what next, and what the whole exchange comes to.

The rounds are a generator: it gives the questions to be asked next and is sent their answers. So the step
asks real models, the plan asks nobody, and the judge reads recorded answers, all through the same rules.
"""

from __future__ import annotations

from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

import msgspec

from awo.derive.judging.framing import DATA_NOTE, Question, Said, framed
from awo.derive.judging.replies import LONGEST_TEXT_BYTES, objection_of, with_reply, with_verdict
from awo.errors import StepFailed
from awo.evidence.judgements import Objection, RefutationValue
from awo.workflow.templates import is_template

PERSON: Final = "person"

REFUTER_TASK: Final = (
    "You try to refute a statement. Look for the one strongest objection to it that is not raised yet: an error, "
    "a gap, a counter-example, a conclusion that does not follow. Raise no objection for its own sake."
)
REFUTER_ENDING: Final = (
    "This is round {round} of {rounds}. Answer with your objection in at most one paragraph, after the word:\n"
    "OBJECTION: …\n"
    "or, if you have none that is serious and new, with the one line:\n"
    "NO OBJECTION"
)
PROPOSER_TASK: Final = (
    "You stand for a statement. Somebody objects to it. Reply to the objection, or concede it if it is right."
)
PROPOSER_ENDING: Final = (
    "Answer with your reply in at most one paragraph, after the word:\n"
    "REPLY: …\n"
    "or, if the objection is right, with the one line:\n"
    "CONCEDE"
)
VERDICT_TASK: Final = (
    "You raised an objection to a statement, and somebody replied. Judge whether the reply answers the objection. "
    "A reply that changes the subject, repeats the statement or only promises does not."
)
VERDICT_ENDING: Final = "Say in a few sentences why. Then end with one line, which is one of these:\nANSWERED\nSTANDS"


@dataclass(frozen=True, slots=True)
class Dispute:
    """The arguments of the step with their templates filled in."""

    statement: str
    evidence: str
    proposer: str
    refuters: Sequence[str]
    rounds: int
    answers: Mapping[str, str]


Rounds = Generator[tuple[Question, ...], Sequence[Said], RefutationValue]


@dataclass(slots=True)
class _State:
    """What has been said so far; `objections` in the order of their rounds and refuters."""

    dispute: Dispute
    objections: list[Objection] = field(default_factory=list)
    calls: list[str] = field(default_factory=list)
    no_objection: int = 0
    used: set[str] = field(default_factory=set)

    def ask(self, questions: Sequence[Question]) -> Generator[tuple[Question, ...], Sequence[Said], Sequence[Said]]:
        """The answers to `questions`, in their order; nobody is waited for when there are none."""
        if not questions:
            return ()
        said = yield tuple(questions)
        self.calls += [one.call for one in said]
        return said

    def frames(self, more: Mapping[str, str]) -> str:
        """The statement, what all may rely on, and `more`, each as data."""
        dispute = self.dispute
        evidence = {"evidence": dispute.evidence} if dispute.evidence else {}
        return f"{DATA_NOTE}\n\n{framed({'statement': dispute.statement} | evidence | dict(more))}"


def rounds_of(dispute: Dispute) -> Rounds:
    """All rounds: gives the questions to be asked next, is sent their answers in the same order, returns the value.

    A round: every refuter objects or has no objection; each objection gets a reply, of a person where the
    workflow has one, else of the proposer; and its refuter judges the reply. A round in which every refuter
    says that it has no objection is the last.
    """
    state = _State(dispute)
    held = 0
    for number in range(1, dispute.rounds + 1):
        held = number
        opened = yield from _opened(state, number)
        if not opened:
            break
        replied = yield from _replied(state, opened)
        state.objections += yield from _judged(state, replied)
    return _value(state, held)


def replayed(rounds: Rounds, answers: Sequence[Said]) -> RefutationValue:
    """The value of `rounds` from recorded answers, in the order in which they were used.

    Raises `StepFailed` (code `calls`) for too few of them or too many.
    """
    given = 0
    try:
        questions = next(rounds)
        while True:
            taken = answers[given : given + len(questions)]
            given += len(questions)
            _fit(questions, taken)
            questions = rounds.send(taken)
    except StopIteration as end:
        if given < len(answers):
            raise StepFailed(
                "the exchange was over before its last answer", code="calls", expected=f"{given}", got=f"{len(answers)}"
            ) from None
        value: RefutationValue = end.value
        return value


def _fit(questions: Sequence[Question], answers: Sequence[Said]) -> None:
    """Raises `StepFailed` unless each question has its answer, of the model that was asked where its name is known."""
    if len(answers) < len(questions):
        raise StepFailed("the exchange breaks off before its end", code="calls")
    for question, answer in zip(questions, answers, strict=True):
        if not is_template(question.model) and question.model != answer.model:
            raise StepFailed(
                "an answer is of another model",
                code="calls",
                where=f"call {answer.call}",
                expected=question.model,
                got=answer.model,
            )


def at_most(dispute: Dispute) -> list[Question]:
    """Every question of the longest exchange there can be, each at least as long as the one that is asked."""
    rounds = rounds_of(dispute)
    asked: list[Question] = []
    try:
        questions = next(rounds)
        while True:
            asked += questions
            questions = rounds.send([_longest(question) for question in questions])
    except StopIteration:
        return asked


# --- one round --------------------------------------------------------------------------------------


def _opened(state: _State, number: int) -> Generator[tuple[Question, ...], Sequence[Said], list[Objection] | None]:
    """The objections of a round, unclear answers among them; None when every refuter has none."""
    dispute = state.dispute
    ending = REFUTER_ENDING.format(round=number, rounds=dispute.rounds)
    text = f"{REFUTER_TASK}\n{state.frames(_earlier(state.objections))}\n\n{ending}"
    said = yield from state.ask([Question(model, text) for model in dispute.refuters])
    objections = [objection_of(f"o{number}-{place}", number, one) for place, one in enumerate(said, start=1)]
    found = [objection for objection in objections if objection is not None]
    state.no_objection += len(objections) - len(found)
    return found or None


def _replied(
    state: _State, objections: Sequence[Objection]
) -> Generator[tuple[Question, ...], Sequence[Said], list[Objection]]:
    """The objections with their replies: a person's where the workflow has one, else the proposer's."""
    with_people = [_answered_by_person(state, objection) for objection in objections]
    waiting = [one for one in with_people if one.status != "unclear" and one.reply is None]
    questions = [
        Question(
            state.dispute.proposer,
            f"{PROPOSER_TASK}\n{state.frames({'objection': one.text})}\n\n{PROPOSER_ENDING}",
        )
        for one in waiting
    ]
    said = yield from state.ask(questions)
    replied = {one.id: with_reply(one, answer) for one, answer in zip(waiting, said, strict=True)}
    return [replied.get(one.id, one) for one in with_people]


def _judged(
    state: _State, objections: Sequence[Objection]
) -> Generator[tuple[Question, ...], Sequence[Said], list[Objection]]:
    """The objections with what their refuters make of the replies."""
    waiting = [one for one in objections if one.status == "standing" and one.reply is not None]
    questions = [
        Question(
            one.refuter,
            f"{VERDICT_TASK}\n{state.frames({'objection': one.text, 'reply': one.reply or ''})}\n\n{VERDICT_ENDING}",
        )
        for one in waiting
    ]
    said = yield from state.ask(questions)
    judged = {one.id: with_verdict(one, answer) for one, answer in zip(waiting, said, strict=True)}
    return [judged.get(one.id, one) for one in objections]


def _earlier(objections: Sequence[Objection]) -> dict[str, str]:
    """What a refuter is shown of earlier rounds."""
    return {
        f"objection {one.id}, {one.status}": f"{one.text}\n\nReply: {one.reply or 'none'}"
        for one in objections
        if one.status != "unclear"
    }


def _answered_by_person(state: _State, objection: Objection) -> Objection:
    if objection.status == "unclear":
        return objection
    answers = state.dispute.answers
    key = next((key for key in (objection.id, objection.refuter) if key in answers), "")
    if not key:
        return objection
    state.used.add(key)
    return msgspec.structs.replace(objection, reply=answers[key], replied_by=PERSON)


def _longest(question: Question) -> Said:
    """The answer that makes the rest of an exchange longest: an objection, a reply or a verdict, as it is asked for."""
    longest = "x" * LONGEST_TEXT_BYTES
    return Said(question.model, "", f"OBJECTION: {longest}\n\nREPLY: {longest}\nSTANDS")


def _value(state: _State, held: int) -> RefutationValue:
    objections = state.objections
    standing = sum(one.status in ("standing", "conceded") for one in objections)
    unclear = sum(one.status == "unclear" for one in objections)
    is_silent = unclear == len(objections) and not state.no_objection
    value = RefutationValue(
        statement=state.dispute.statement,
        verdict="refuted" if standing else "unclear" if is_silent else "unrefuted",
        rounds=held,
        objections=objections,
        standing=standing,
        unclear=unclear,
        no_objection=state.no_objection,
        unused_answers=sorted(set(state.dispute.answers) - state.used),
        calls=state.calls,
        why="no refuter gave an answer that can be read" if is_silent else "",
    )
    return msgspec.structs.replace(value, why=f"unanswered: {named_in(value)}") if standing else value


def standing_in(value: RefutationValue) -> list[Objection]:
    """The objections that stand or were conceded."""
    return [one for one in value.objections if one.status in ("standing", "conceded")]


def named_in(value: RefutationValue) -> str:
    """The objections that stand, by their ids and who raised them: nothing that a model said."""
    return ", ".join(f"{one.id} of {one.refuter}" for one in standing_in(value))

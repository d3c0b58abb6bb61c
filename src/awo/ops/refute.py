"""The operation `refute`: models attack a statement, another defends it, and what stands holds the run back."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from awo.derive.judging.framing import Question, said_of
from awo.derive.judging.refuting import RefuteArgs, refuse_standing
from awo.derive.judging.rounds import Dispute, Rounds, at_most, rounds_of
from awo.evidence.judgements import RefutationValue
from awo.evidence.records import Message
from awo.ops.asking import model_named
from awo.ops.seam import Ask, Desk, Operation, Writing


def requests(args: RefuteArgs, writing: Writing) -> list[Ask]:
    """All that the longest exchange would ask, with a text of the greatest length for each answer to come.

    Raises `StepFailed` (code `template`) for a name that is not there.
    """
    params = _params(args, writing)
    return [_ask(question, params) for question in at_most(_dispute(args, writing))]


async def perform(args: RefuteArgs, desk: Desk) -> Any:
    """A `RefutationValue` (spec section 3.14): every objection, the reply to it, and what stands.

    Raises `StepFailed` with code `objection_stands` or `refuters_unclear`, unless `on_standing` is `report`.
    """
    value = await _held(rounds_of(_dispute(args, desk)), _params(args, desk), desk)
    return msgspec.to_builtins(refuse_standing(args, value))


async def _held(rounds: Rounds, params: Mapping[str, Any], desk: Desk) -> RefutationValue:
    """Holds the rounds at the desk; those asked at the same time are asked at once."""
    questions = next(rounds)
    while True:
        lines = await desk.ask([_ask(question, params) for question in questions])
        try:
            questions = rounds.send([said_of(line) for line in lines])
        except StopIteration as end:
            value: RefutationValue = end.value
            return value


def _dispute(args: RefuteArgs, writing: Writing) -> Dispute:
    return Dispute(
        statement=writing.render(args.statement),
        evidence=writing.render(args.evidence),
        proposer=model_named(args.proposer, writing),
        refuters=[model_named(refuter, writing) for refuter in args.refuters],
        rounds=args.rounds,
        answers={key: writing.render(text) for key, text in args.answers.items()},
    )


def _params(args: RefuteArgs, writing: Writing) -> Mapping[str, Any]:
    params: Mapping[str, Any] = writing.fill(args.params) if args.params else {}
    return params


def _ask(question: Question, params: Mapping[str, Any]) -> Ask:
    return Ask(model=question.model, messages=(Message(role="user", content=question.text),), params=params)


OPERATION = Operation(
    name="refute",
    summary="Lets models raise objections to a statement, and holds the run back while one stands.",
    args=RefuteArgs,
    purity="effect",
    perform=perform,
    requests=requests,
    asks_at_most=True,
)

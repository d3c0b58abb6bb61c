"""The operation `prefer`: models say which of two answers is better, each asked in both orders."""

from __future__ import annotations

from typing import Any

import msgspec

from awo.derive.judging.framing import said_of
from awo.derive.judging.preferring import PreferArgs, preference_of, question_texts
from awo.evidence.records import Message
from awo.ops.asking import model_named
from awo.ops.seam import Ask, Desk, Operation, Writing


def requests(args: PreferArgs, writing: Writing) -> list[Ask]:
    """Two questions to each judge: forward, then swapped. Raises `StepFailed` (code `template`)."""
    questions = question_texts(
        first=writing.render(args.first),
        second=writing.render(args.second),
        criterion=writing.render(args.criterion),
        question=writing.render(args.question),
        instructions=writing.render(args.instructions),
    )
    params = writing.fill(args.params) if args.params else {}
    return [
        Ask(model=model_named(judge, writing), messages=(Message(role="user", content=text),), params=params)
        for judge in args.judges
        for text in questions
    ]


async def perform(args: PreferArgs, desk: Desk) -> Any:
    """A `PreferenceValue` (spec section 3.14): the winner, its score, and the vote of each judge."""
    first_is, second_is = desk.render(args.first_is), desk.render(args.second_is)
    lines = await desk.ask(requests(args, desk))
    return msgspec.to_builtins(preference_of(first_is, second_is, [said_of(line) for line in lines]))


OPERATION = Operation(
    name="prefer",
    summary="Asks models which of two answers is better, in both orders.",
    args=PreferArgs,
    purity="effect",
    perform=perform,
    requests=requests,
)

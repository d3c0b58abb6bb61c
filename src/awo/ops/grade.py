"""The operation `grade`: models grade an answer by a rubric, one judge or a panel."""

from __future__ import annotations

from typing import Any

import msgspec

from awo.derive.judging.framing import said_of
from awo.derive.judging.grading import GradeArgs, grade_of, question_text, schema_text
from awo.evidence.records import Message
from awo.ops.asking import model_named
from awo.ops.seam import Ask, Desk, Operation, Writing


def requests(args: GradeArgs, writing: Writing) -> list[Ask]:
    """The same question to each judge. Raises `StepFailed` (code `template`) for a name that is not there."""
    texts = {
        name: writing.render(template)
        for name, template in (
            ("rubric", args.rubric),
            ("answer", args.answer),
            ("question", args.question),
            ("instructions", args.instructions),
        )
    }
    messages = (Message(role="user", content=question_text(args, **texts)),)
    params = writing.fill(args.params) if args.params else {}
    schema = schema_text(args)
    return [
        Ask(model=model_named(judge, writing), messages=messages, params=params, schema=schema, must_follow=False)
        for judge in args.judges
    ]


async def perform(args: GradeArgs, desk: Desk) -> Any:
    """A `GradeValue` (spec section 3.14): the score, how far the judges agree, and the verdict of each."""
    lines = await desk.ask(requests(args, desk))
    return msgspec.to_builtins(grade_of(args, [said_of(line) for line in lines]))


OPERATION = Operation(
    name="grade",
    summary="Asks one model or a panel to grade an answer by a rubric.",
    args=GradeArgs,
    purity="effect",
    perform=perform,
    requests=requests,
)

"""A statement that models attack and another defends: the arguments, and when what stands holds the run back."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from awo.derive.judging.rounds import named_in, standing_in
from awo.errors import StepFailed
from awo.evidence.judgements import RefutationValue
from awo.workflow.words import Args, ModelRef, Params, Template


class RefuteArgs(Args, frozen=True, kw_only=True):
    """Which statement is attacked and defended, by whom, and for how long."""

    statement: Annotated[Template, Meta(description="What is to be refuted (Jinja2).")]
    evidence: Annotated[Template, Meta(description="What all may rely on (Jinja2); empty to show none.")] = ""
    proposer: Annotated[ModelRef, Meta(description="The model that replies to objections.")]
    refuters: Annotated[
        tuple[ModelRef, ...], Meta(min_length=1, max_length=10, description="The models that object, once a round.")
    ]
    rounds: Annotated[int, Meta(ge=1, le=10, description="How many rounds are held at most.")] = 2
    on_standing: Annotated[
        Literal["fail", "report"],
        Meta(description="Whether a standing objection fails the step, which holds the run back, or is only recorded."),
    ] = "fail"
    answers: Annotated[
        dict[str, Template],
        Meta(description="Replies of people, by the id of an objection (o1-2) or by the refuter's model (Jinja2)."),
    ] = msgspec.field(default_factory=dict)
    params: Annotated[Params, Meta(description="Sampling parameters by their OpenAI names; texts are templates.")] = (
        msgspec.field(default_factory=dict)
    )


def refuse_standing(args: RefuteArgs, value: RefutationValue) -> RefutationValue:
    """`value`, where the step may go on with it.

    Raises `StepFailed`, where it may not: codes `objection_stands`, and `refuters_unclear` where no
    refuter said anything that can be read, so that nobody has looked at the statement.
    """
    if args.on_standing == "report" or value.verdict == "unrefuted":
        return value
    if value.verdict == "unclear":
        raise StepFailed(
            "no refuter gave an answer that can be read: the statement was not put to the test",
            code="refuters_unclear",
            expected="OBJECTION: … or NO OBJECTION",
            hint="read their answers in the step's responses.jsonl and ask other models; "
            "`on_standing: report` keeps the exchange on record and goes on",
            is_final=True,
        )
    raise _objection_stands(value)


def _objection_stands(value: RefutationValue) -> StepFailed:
    many = value.standing != 1
    return StepFailed(
        f"{value.standing} objection{'s' if many else ''} to the statement stand{'' if many else 's'} unanswered: "
        f"{named_in(value)}",
        code="objection_stands",
        hint="read the exchange in the step's responses.jsonl; then correct the statement, or reply yourself with "
        f"`answers: {{{standing_in(value)[0].id}: …}}`, and start the run anew; "
        "`on_standing: report` keeps the objections on record and goes on",
        is_final=True,
    )

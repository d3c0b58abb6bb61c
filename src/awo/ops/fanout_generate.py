"""The operation `fanout_generate`: one request to each of several models, all at once."""

from __future__ import annotations

from typing import Annotated, Any

from msgspec import Meta

from awo.derive.concluding import answer_of
from awo.ops.asking import AskingArgs, asks_of
from awo.ops.seam import Ask, Desk, Operation, Writing
from awo.workflow.words import ModelRef

Models = Annotated[tuple[ModelRef, ...], Meta(min_length=1, description="The models that are asked, in this order.")]


class FanoutGenerateArgs(AskingArgs, frozen=True, kw_only=True):
    """What is asked, and of which models."""

    models: Models = ("echo", "upper", "reverse")


def requests(args: FanoutGenerateArgs, writing: Writing) -> list[Ask]:
    """One request to each model. Raises `StepFailed` (code `template`) for a name that is not there."""
    return asks_of(args, args.models, writing)


async def perform(args: FanoutGenerateArgs, desk: Desk) -> dict[str, Any]:
    """`{"responses": [{"text", "model", "call", "stop_reason"}], "count"}`, in the order of `models`."""
    asks = requests(args, desk)
    lines = await desk.ask(asks)
    responses = [answer_of(line, has_schema=bool(ask.schema)) for line, ask in zip(lines, asks, strict=True)]
    return {"responses": responses, "count": len(responses)}


OPERATION = Operation(
    name="fanout_generate",
    summary="Asks several models the same question at once.",
    args=FanoutGenerateArgs,
    purity="effect",
    perform=perform,
    requests=requests,
)

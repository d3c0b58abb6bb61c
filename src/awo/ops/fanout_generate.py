"""The operation `fanout_generate`: one request to each of several models, all at once."""

from __future__ import annotations

from typing import Annotated, Any

from msgspec import Meta, field

from awo.ops.asking import answer, exchange
from awo.ops.seam import Ask, Desk, Operation
from awo.workflow.words import Args, ModelRef, Template

Models = Annotated[tuple[ModelRef, ...], Meta(min_length=1, description="The models that are asked, in this order.")]


class FanoutGenerateArgs(Args, frozen=True, kw_only=True):
    """What is asked, and of which models."""

    prompt: Annotated[Template, Meta(description="What every model is asked (Jinja2).")]
    system: Annotated[Template, Meta(description="What every model is told first (Jinja2); empty for nothing.")] = ""
    models: Models = ("echo", "upper", "reverse")
    params: Annotated[
        dict[str, Any], Meta(description="Sampling parameters by their OpenAI names; `seed` may stand here.")
    ] = field(default_factory=dict)


async def perform(args: FanoutGenerateArgs, desk: Desk) -> dict[str, Any]:
    """`{"responses": [{"text", "model", "call", "stop_reason"}], "count"}`, in the order of `models`."""
    messages = exchange(desk.render(args.system), desk.render(args.prompt))
    asks = [Ask(model=model, messages=messages, params=args.params) for model in args.models]
    responses = [answer(line) for line in await desk.ask(asks)]
    return {"responses": responses, "count": len(responses)}


OPERATION = Operation(
    name="fanout_generate",
    summary="Asks several models the same question at once.",
    args=FanoutGenerateArgs,
    purity="effect",
    perform=perform,
)

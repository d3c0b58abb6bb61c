"""The operation `llm_map`: one request to one model."""

from __future__ import annotations

from typing import Annotated, Any

from msgspec import UNSET, Meta, UnsetType, field

from awo.ops.asking import answer, exchange
from awo.ops.seam import Ask, Desk, Operation
from awo.workflow.words import Args, ModelRef, Template


class LlmMapArgs(Args, frozen=True, kw_only=True):
    """What is asked, and of whom."""

    prompt: Annotated[Template, Meta(description="What the model is asked (Jinja2).")]
    system: Annotated[Template, Meta(description="What the model is told first (Jinja2); empty for nothing.")] = ""
    model: (
        Annotated[ModelRef, Meta(description="Which model; the workflow's default model when absent.")] | UnsetType
    ) = UNSET
    params: Annotated[
        dict[str, Any], Meta(description="Sampling parameters by their OpenAI names; `seed` may stand here.")
    ] = field(default_factory=dict)


async def perform(args: LlmMapArgs, desk: Desk) -> dict[str, str]:
    """`{"text", "model", "call", "stop_reason"}`: the answer, who gave it, and its call id."""
    model = desk.default_model if args.model is UNSET else args.model
    messages = exchange(desk.render(args.system), desk.render(args.prompt))
    (response,) = await desk.ask([Ask(model=model, messages=messages, params=args.params)])
    return answer(response)


OPERATION = Operation(
    name="llm_map",
    summary="Asks one model one question.",
    args=LlmMapArgs,
    purity="effect",
    perform=perform,
)

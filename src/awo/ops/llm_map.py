"""The operation `llm_map`: one request to one model."""

from __future__ import annotations

from typing import Annotated, Any

from msgspec import UNSET, Meta, UnsetType

from awo.derive.concluding import answer_of
from awo.ops.asking import AskingArgs, asks_of
from awo.ops.seam import Ask, Desk, Operation, Writing
from awo.workflow.words import ModelRef


class LlmMapArgs(AskingArgs, frozen=True, kw_only=True):
    """What is asked, and of whom."""

    model: (
        Annotated[ModelRef, Meta(description="Which model; the workflow's default model when absent.")] | UnsetType
    ) = UNSET


def requests(args: LlmMapArgs, writing: Writing) -> list[Ask]:
    """The one request. Raises `StepFailed` (code `template`) for a name that is not there."""
    return asks_of(args, [writing.default_model if args.model is UNSET else args.model], writing)


async def perform(args: LlmMapArgs, desk: Desk) -> dict[str, Any]:
    """`{"text", "model", "call", "stop_reason"}`: the answer, who gave it, and its call id; `parsed` with a schema."""
    (ask,) = requests(args, desk)
    (response,) = await desk.ask([ask])
    return answer_of(response, has_schema=bool(ask.schema))


OPERATION = Operation(
    name="llm_map",
    summary="Asks one model one question.",
    args=LlmMapArgs,
    purity="effect",
    perform=perform,
    requests=requests,
)

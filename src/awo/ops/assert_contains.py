"""The operation `assert_contains`: every given text must occur in a field of an earlier step."""

from __future__ import annotations

from typing import Annotated, Any

from msgspec import Meta

from awo.derive.containment import missing_from
from awo.errors import StepFailed
from awo.ops.seam import Desk, Operation
from awo.ops.texts import text_at
from awo.workflow.words import Args, StepRef

Text = Annotated[str, Meta(min_length=1)]


class AssertContainsArgs(Args, frozen=True, kw_only=True):
    """Where to look, and for what."""

    from_step: Annotated[StepRef, Meta(description="The step whose value is looked into.")]
    field: Annotated[
        str, Meta(min_length=1, description="The text's place in that value; dots go deeper, `responses.0.text`.")
    ] = "consensus_text"
    must_include: Annotated[
        tuple[Text, ...], Meta(min_length=1, description="Each must occur in the text; letter case does not matter.")
    ]


async def perform(args: AssertContainsArgs, desk: Desk) -> dict[str, Any]:
    """`{"passed": true, "checked": n, "must_include": [...]}`.

    Raises `StepFailed`: `assertion_failed` when a text does not occur; `field_missing` or
    `field_not_text` when there is no text to look into.
    """
    text = text_at(desk, args.from_step, args.field)
    missing = missing_from(text, args.must_include)
    if missing:
        raise StepFailed(
            f"{len(missing)} of {len(args.must_include)} required texts do not occur",
            code="assertion_failed",
            where=f"step {desk.step}",
            expected=f"in {args.from_step}.{args.field}: " + ", ".join(repr(text) for text in missing),
        )
    return {"passed": True, "checked": len(args.must_include), "must_include": list(args.must_include)}


OPERATION = Operation(
    name="assert_contains",
    summary="Fails unless every given text occurs in an earlier result.",
    args=AssertContainsArgs,
    purity="derived",
    perform=perform,
)

"""The operation `write_text`: a text becomes a file among the step's outputs."""

from __future__ import annotations

from typing import Annotated, Any

from msgspec import UNSET, Meta, UnsetType

from awo.ops.seam import Desk, Operation
from awo.ops.texts import text_at, utf8
from awo.workflow.words import Args, StepRef, Template, WritePath


class WriteTextArgs(Args, frozen=True, kw_only=True):
    """The file, and either `text` or `from_step` with `field`."""

    path: Annotated[WritePath, Meta(description="The file's name below outputs/<step>/files/.")]
    text: Annotated[Template, Meta(description="What is written (Jinja2).")] | UnsetType = UNSET
    from_step: Annotated[StepRef, Meta(description="The step whose value has the text.")] | UnsetType = UNSET
    field: (
        Annotated[
            str, Meta(min_length=1, description="The text's place in that value; dots go deeper, `responses.0.text`.")
        ]
        | UnsetType
    ) = UNSET

    def __post_init__(self) -> None:
        if (self.text is UNSET) == (self.from_step is UNSET):
            raise ValueError("give exactly one of `text` and `from_step`")
        if (self.from_step is UNSET) != (self.field is UNSET):
            raise ValueError("`from_step` and `field` belong together")


async def perform(args: WriteTextArgs, desk: Desk) -> dict[str, Any]:
    """`{"path", "sha256", "size_bytes"}` of the file, which is UTF-8; `path` is from the run's folder.

    Raises `StepFailed`: `field_missing` or `field_not_text` when `from_step` has no such text; `not_utf8`.
    """
    if args.from_step is not UNSET and args.field is not UNSET:
        text = text_at(desk, args.from_step, args.field)
    else:
        text = desk.render("" if args.text is UNSET else args.text)
    ref = await desk.keep_file(args.path, utf8(text, desk, "text"))
    return {"path": ref.path, "sha256": ref.sha256, "size_bytes": ref.size_bytes}


OPERATION = Operation(
    name="write_text",
    summary="Writes a text into a file among the step's outputs.",
    args=WriteTextArgs,
    purity="derived",
    perform=perform,
)

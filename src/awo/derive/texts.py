"""The derivation of `write_text`: a text becomes a file."""

from __future__ import annotations

from typing import Annotated

from msgspec import UNSET, Meta, UnsetType

from awo.canon.digest import sha256_hex
from awo.derive.containment import text_at
from awo.derive.seam import Derivation, Derived, Sources
from awo.errors import StepFailed
from awo.evidence.layout import file_path
from awo.workflow.words import Args, StepRef, Template, WritePath


def utf8(text: str, step: str, argument: str) -> bytes:
    """`text` as UTF-8. Raises `StepFailed` `not_utf8` for half a surrogate pair, which only an escape can make."""
    try:
        return text.encode()
    except UnicodeEncodeError as error:
        raise StepFailed(
            "a text cannot be written as UTF-8",
            code="not_utf8",
            where=f"step {step}, {argument}",
            got=f"a lone surrogate at character {error.start}",
        ) from error


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


def written(args: WriteTextArgs, sources: Sources) -> Derived:
    """`{"path", "sha256", "size_bytes"}` of the file, which is UTF-8; `path` is from the run's folder.

    Raises `StepFailed`: `field_missing` or `field_not_text` when `from_step` has no such text; `not_utf8`.
    """
    if args.from_step is not UNSET and args.field is not UNSET:
        text = text_at(sources, args.from_step, args.field)
    else:
        text = sources.render("" if args.text is UNSET else args.text)
    data = utf8(text, sources.step, "text")
    value = {"path": file_path(sources.step, args.path), "sha256": sha256_hex(data), "size_bytes": len(data)}
    return Derived(value, {args.path: (data,)})


DERIVATION = Derivation(
    name="write_text",
    summary="Writes a text into a file among the step's outputs.",
    args=WriteTextArgs,
    compute=written,
    reads_lines=False,
)

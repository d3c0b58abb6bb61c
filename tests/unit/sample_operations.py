"""Small operations for tests of workflow files: every kind of mark, in every kind of place."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from msgspec import UNSET, Meta, UnsetType

from awo.workflow.words import (
    Args,
    Condition,
    ImagePath,
    ModelRef,
    Params,
    ReadGlob,
    ReadPath,
    StepKind,
    StepRef,
    Template,
    WritePath,
)


class AskArgs(Args, frozen=True, kw_only=True):
    """Asks models."""

    prompt: Template
    models: Annotated[tuple[ModelRef, ...], Meta(min_length=1)] = ("echo",)
    params: Params = msgspec.field(default_factory=dict)
    images: tuple[ImagePath, ...] = ()
    image_files: ReadGlob | UnsetType = UNSET


class GateArgs(Args, frozen=True, kw_only=True):
    """Stops for a person."""

    checklist: ReadPath


class Source(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One thing to put together."""

    step: StepRef
    weight: Annotated[float, Meta(ge=0)] = 1.0


class MixArgs(Args, frozen=True, kw_only=True):
    """Puts steps, files and texts together."""

    sources: list[Source]
    files: dict[str, ReadPath] = msgspec.field(default_factory=dict)
    pattern: ReadGlob | UnsetType = UNSET
    text: Template | list[Template] | None = None
    stop_if: Condition | UnsetType = UNSET
    outputs: tuple[WritePath, ...] = ()
    mode: Literal["fast", "slow"] = "fast"
    count: Annotated[int, Meta(ge=1, le=9)] = 1
    label: Annotated[str, Meta(pattern=r"^[a-z]+$(?!\n)", description="Small letters.")] = "x"
    flag: bool = False


class EitherArgs(Args, frozen=True, kw_only=True):
    """Exactly one of two."""

    one: str | UnsetType = UNSET
    other: str | UnsetType = UNSET

    def __post_init__(self) -> None:
        if (self.one is UNSET) == (self.other is UNSET):
            raise ValueError("give exactly one of `one` and `other`")


OPERATIONS: dict[str, StepKind] = {
    "llm_map": StepKind(AskArgs, can_fan_out=True),
    "audit_gate": StepKind(GateArgs),
    "mix": StepKind(MixArgs),
    "either": StepKind(EitherArgs),
}

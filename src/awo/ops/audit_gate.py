"""The operation `audit_gate`: the run stops until a person has decided."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

from awo.ops.seam import Desk, OpensGate, Operation
from awo.workflow.words import Args, ReadPath, StepRef


class AuditGateArgs(Args, frozen=True, kw_only=True):
    """What people are asked, and whether they vote unseen by each other."""

    checklist: Annotated[
        ReadPath,
        Meta(description="A Markdown file of `- [ ]` items, or a YAML file of `items`, relative to the workflow file."),
    ]
    blind: Annotated[bool, Meta(description="People vote sealed, and no vote is opened before all are in.")] = False
    of: Annotated[
        tuple[StepRef, ...],
        Meta(
            max_length=20, description="With `blind`: the steps whose answers are judged without the names of models."
        ),
    ] = ()

    def __post_init__(self) -> None:
        if self.of and not self.blind:
            raise ValueError("`of` needs `blind: true`: it says whose answers are judged without the names of models")
        if len(set(self.of)) < len(self.of):
            raise ValueError("`of` names a step twice")


async def perform(args: AuditGateArgs, desk: Desk) -> OpensGate:
    """The checklist's text; what it asks and who may answer is for the gate to say."""
    return OpensGate(checklist_text=desk.read_text(args.checklist))


OPERATION = Operation(
    name="audit_gate",
    summary="Stops the run until a person approves or rejects it.",
    args=AuditGateArgs,
    purity="gate",
    perform=perform,
)

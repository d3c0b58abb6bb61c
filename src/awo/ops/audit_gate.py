"""The operation `audit_gate`: the run stops until a person has decided."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

from awo.ops.seam import Desk, OpensGate, Operation
from awo.workflow.words import Args, ReadPath


class AuditGateArgs(Args, frozen=True, kw_only=True):
    """What the person is asked."""

    checklist: Annotated[ReadPath, Meta(description="A Markdown file of `- [ ]` items, relative to the workflow file.")]


async def perform(args: AuditGateArgs, desk: Desk) -> OpensGate:
    """The checklist's text; what it asks and who may answer is for the gate to say."""
    return OpensGate(checklist_markdown=desk.read_text(args.checklist))


OPERATION = Operation(
    name="audit_gate",
    summary="Stops the run until a person approves or rejects it.",
    args=AuditGateArgs,
    purity="gate",
    perform=perform,
)

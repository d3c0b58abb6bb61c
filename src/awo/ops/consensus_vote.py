"""The operation `consensus_vote`: which answer most models gave."""

from __future__ import annotations

from typing import Annotated, Any

from msgspec import Meta

from awo.derive.consensus import candidates_in, vote
from awo.errors import StepFailed
from awo.ops.seam import Desk, Operation
from awo.workflow.words import Args, StepRef


class ConsensusVoteArgs(Args, frozen=True, kw_only=True):
    """Whose answers are counted."""

    inputs_from: Annotated[StepRef, Meta(description="The fanout_generate or llm_map step whose answers are counted.")]


async def perform(args: ConsensusVoteArgs, desk: Desk) -> dict[str, Any]:
    """The vote as `awo.derive.consensus.Consensus.as_value` gives it. Raises `StepFailed` `nothing_to_vote`."""
    candidates = candidates_in(desk.value_of(args.inputs_from))
    if not candidates:
        raise StepFailed(
            "there is nothing to vote on",
            code="nothing_to_vote",
            where=f"step {desk.step}, inputs_from",
            expected="a step with answers of models, such as fanout_generate",
            got=f"step {args.inputs_from}, which has none",
        )
    return vote(candidates).as_value()


OPERATION = Operation(
    name="consensus_vote",
    summary="Groups answers that say the same and takes the largest group.",
    args=ConsensusVoteArgs,
    purity="derived",
    perform=perform,
)

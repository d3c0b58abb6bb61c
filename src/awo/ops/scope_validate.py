"""The operation `scope_validate`: can each claim be proved false?"""

from __future__ import annotations

from typing import Annotated, Any

from msgspec import UNSET, Meta, UnsetType

from awo.derive.claims import Claim, examine
from awo.errors import StepFailed
from awo.ops.claim_files import claims_matching
from awo.ops.seam import Desk, Operation
from awo.workflow.words import Args, ReadGlob


class ScopeValidateArgs(Args, frozen=True, kw_only=True):
    """The claims: exactly one of `claim` and `claims_glob`."""

    claim: Annotated[dict[str, Any], Meta(description="One claim, written here.")] | UnsetType = UNSET
    claims_glob: (
        Annotated[
            ReadGlob, Meta(description="JSON or YAML files, relative to the workflow file; each a claim or a list.")
        ]
        | UnsetType
    ) = UNSET
    require_ok: Annotated[bool, Meta(description="Whether a bad claim fails the step.")] = False

    def __post_init__(self) -> None:
        if (self.claim is UNSET) == (self.claims_glob is UNSET):
            raise ValueError("give exactly one of `claim` and `claims_glob`")


async def perform(args: ScopeValidateArgs, desk: Desk) -> dict[str, Any]:
    """`{"claims": [{"id", "source", "problems"}], "overall_ok"}`; a bad claim is reported, not a failure.

    Raises `StepFailed`: `no_claims` when there is none, `claims_unreadable` for a file that is no
    JSON or YAML, `claim_invalid` when `require_ok` is set and a claim has a problem.
    """
    if args.claims_glob is not UNSET:
        claims = claims_matching(desk, args.claims_glob)
        if not claims:
            raise StepFailed(
                "there are no claims to check",
                code="no_claims",
                where=f"step {desk.step}, claims_glob",
                got=f"no claim in any file that matches {args.claims_glob!r}",
            )
    else:
        claims = [Claim(source="", content=args.claim)]
    verdict = examine(claims)
    if args.require_ok and not verdict.overall_ok:
        bad = [claim for claim in verdict.claims if claim.problems]
        raise StepFailed(
            f"{len(bad)} of {len(verdict.claims)} claims cannot be tested",
            code="claim_invalid",
            where=f"step {desk.step}",
            got="; ".join(f"{c.id or c.source or 'the claim'}: {', '.join(c.problems)}" for c in bad),
        )
    return verdict.as_value()


OPERATION = Operation(
    name="scope_validate",
    summary="Checks that every claim says how it could be proved false.",
    args=ScopeValidateArgs,
    purity="derived",
    perform=perform,
)

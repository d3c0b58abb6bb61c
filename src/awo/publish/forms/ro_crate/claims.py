"""What came of claims: each with its verdict and the tests that it rests on."""

from __future__ import annotations

from typing import Final

from awo.evidence.verdicts import ClaimVerdict
from awo.publish.described.shapes import Described
from awo.publish.forms.ro_crate.graph import Graph, Ref, local_id, short

MOST_CLAIMS: Final = 500


def add_claims(graph: Graph, described: Described, step: str) -> list[Ref]:
    """The verdicts that this step found; none for a step that judged no claims."""
    found = [(judged.path, one) for judged in described.claims if judged.step == step for one in judged.verdicts]
    return [_verdict(graph, step, path, claim) for path, claim in found[:MOST_CLAIMS]]


def _verdict(graph: Graph, step: str, path: str, claim: ClaimVerdict) -> Ref:
    statement = short(claim.statement, path)
    about = graph.add(local_id("claim", step, claim.id), "CreativeWork", "Claim", name=claim.id, description=statement)
    tests = [f"{test.name} {test.outcome.replace('_', ' ')}" for test in claim.tests]
    return graph.add(
        local_id("verdict", step, claim.id),
        "CreativeWork",
        "ClaimReview",
        name=f"{claim.id}: {claim.verdict.replace('_', ' ')}",
        claimReviewed=statement,
        itemReviewed=about,
        reviewBody=short("; ".join([claim.verdict.replace("_", " "), *tests]), path),
        additionalProperty=graph.values(
            "verdict-fact",
            [step, claim.id],
            {
                "verdict": claim.verdict,
                "registered before the first call": claim.attempt > 0 and not claim.is_late,
                "deviations": len(claim.deviations) or "",
            },
            path,
        ),
    )

"""What is promised about claims before a run, and what came of them (spec sections 3.1 and 3.18)."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from awo.evidence.events import Sha256, Size, StepId


class _Record(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A shape on disk: unknown fields are refused."""


class RegisteredClaim(_Record, frozen=True):
    """A claim in input.json, so before the first call. `sha256` is over its sorted compact JSON.

    `attempt` counts the runs of this project that had registered a claim of this id, with this one;
    `earlier` names the latest hundred of them, oldest first. `is_late` is true in a re-scoring (3.1) whose
    earlier run had not registered the same claim over steps of the same plan.
    """

    id: str
    step: StepId
    statement: str
    sha256: Sha256
    attempt: Annotated[int, Meta(ge=1)]
    earlier: list[str] = []
    is_late: bool = False


class MetricValue(_Record, frozen=True):
    """A named number: what gave it, or null and `why`. `reads` are the values it was made from, STEP.FIELD."""

    expression: str
    value: float | None
    why: str
    reads: list[str]


class ClaimTestResult(_Record, frozen=True):
    """One prediction or falsification test. `observed` is the number or the truth that was looked at, null
    where there is none; `expected` says in words what would pass; `why` says why it was not tested, or failed."""

    name: str
    kind: Literal["prediction", "falsification_test"]
    outcome: Literal["passed", "failed", "not_tested"]
    observed: float | bool | None
    expected: str
    why: str
    reads: list[str]


class Evidence(_Record, frozen=True):
    """An output that a test read: outputs/<step>/output.json."""

    step: StepId
    path: str


class ClaimVerdict(_Record, frozen=True):
    """What came of one claim. `source` is its file, '' where it stands in the workflow.

    `attempt` 0 says that it was not registered, `is_late` that the answers were known then.
    `deviations` say what was not done as planned under what its tests rest on.
    """

    id: str
    statement: str
    source: str
    sha256: Sha256
    attempt: Size
    earlier: list[str]
    verdict: Literal["supported", "falsified", "deviated", "not_tested"]
    tests: list[ClaimTestResult]
    deviations: list[str]
    evidence: list[Evidence]
    is_late: bool = False


class ClaimsValue(_Record, frozen=True):
    """The value of a `claims` step, its output.json."""

    metrics: dict[str, MetricValue]
    claims: list[ClaimVerdict]
    supported: Size
    falsified: Size
    deviated: Size
    not_tested: Size

"""What the presets of a policy show (`like`): lists that a policy begins with and adds to."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from awo.evidence.redaction_policy import Show

_WHO: Final = ["audit/allowed_signers", "audit/status.json"]
_PLAN: Final = [
    "/format",
    "/name",
    "/seed",
    "/default_model",
    "/budget_usd",
    "/cache",
    "/rescores",
    "/revises",
    "/revised_from",
    "/models/*/backend",
    "/models/*/model",
    "/steps/*/id",
    "/steps/*/op",
    "/steps/*/needs",
    "/steps/*/when",
    "/steps/*/cells/over/**",
    "/steps/*/cells/repeats",
    "/steps/*/cells/max_failed",
]

PRESETS: Final[Mapping[str, Show]] = {
    "": Show(),
    "structure-only": Show(files=_WHO, values={"input.json": [*_PLAN]}, responses="facts only"),
    "answers-only": Show(files=_WHO, values={"input.json": [*_PLAN]}, responses=["text"]),
    "no-prompts": Show(
        files=[*_WHO, "audit/decisions/**", "outputs/*/gate.json"],
        values={"input.json": [*_PLAN], "outputs/*/output.json": "all"},
        responses=["text", "logprobs", "schema_fault"],
        items=["value", "reason"],
    ),
}

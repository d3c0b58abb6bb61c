"""A claim that can be tested by AWO: what it states, what it predicts in numbers, and what would prove it false."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import UNSET, Meta, UnsetType

from awo.workflow.words import ClaimTest, Observation

Word = Annotated[str, Meta(min_length=1, pattern=r"\S")]
NUMBER_PATTERN = r"^[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d{1,3})?$(?!\n)"
Bound = Annotated[int, Meta(ge=-(2**53), le=2**53)] | float | Annotated[str, Meta(pattern=NUMBER_PATTERN)]


class _Part(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A part of a claim. What is not said stays away, so that the claim is written as it was read."""


class Tolerance(_Part, frozen=True):
    """The bounds of the number that is observed. `within` is the greatest distance from `target`."""

    metric: Annotated[Observation, Meta(description="What is observed, in place of `function`.")] | UnsetType = UNSET
    max: Annotated[Bound, Meta(description="The greatest number that is as predicted.")] | UnsetType = UNSET
    min: Annotated[Bound, Meta(description="The least number that is as predicted.")] | UnsetType = UNSET
    target: Annotated[Bound, Meta(description="The number that is predicted.")] | UnsetType = UNSET
    within: Annotated[Bound, Meta(description="How far from `target` it may lie; 0 when absent.")] | UnsetType = UNSET

    def __post_init__(self) -> None:
        if self.within is not UNSET and self.target is UNSET:
            raise ValueError("`within` needs a `target`")


class Prediction(_Part, frozen=True):
    """A number that is predicted."""

    name: Annotated[Word, Meta(description="What it is called.")]
    function: (
        Annotated[Observation, Meta(description="What is observed: a metric, or a CEL expression that gives a number.")]
        | UnsetType
    ) = UNSET
    tolerance: Annotated[Tolerance, Meta(description="What it may be.")] | UnsetType = UNSET

    def __post_init__(self) -> None:
        if self.function is not UNSET and self.tolerance is not UNSET and self.tolerance.metric is not UNSET:
            raise ValueError("a prediction observes one number: give `function` or `metric`, not both")

    @property
    def observation(self) -> str:
        """The name of a metric or the expression that is observed; '' for none."""
        if self.function is not UNSET:
            return self.function
        if self.tolerance is not UNSET and self.tolerance.metric is not UNSET:
            return self.tolerance.metric
        return ""


class FalsificationTest(_Part, frozen=True):
    """What would prove the claim false. Without a CEL expression it is for people, and not tested by AWO."""

    name: Annotated[Word, Meta(description="What it is called.")]
    tool: Annotated[str, Meta(description="Who or what tests it.")] | UnsetType = UNSET
    procedure: Annotated[str, Meta(description="How, in words.")] | UnsetType = UNSET
    must_pass: Annotated[bool | ClaimTest, Meta(description="What must be true (CEL).")] | UnsetType = UNSET
    fail_if: Annotated[bool | ClaimTest, Meta(description="What must not be true (CEL).")] | UnsetType = UNSET


class Citation(_Part, frozen=True):
    """A source."""

    url: str | UnsetType = UNSET
    title: str | UnsetType = UNSET
    archival_hash: str | UnsetType = UNSET


class StatedClaim(_Part, frozen=True):
    """A statement, and how it could be proved false."""

    id: Annotated[Word, Meta(description="What the claim is called, in every run that tests it.")]
    statement: Annotated[Word, Meta(description="What is claimed.")]
    assumptions: Annotated[tuple[str, ...], Meta(description="What is taken as given.")] | UnsetType = UNSET
    formal: Annotated[str, Meta(description="The statement as a formula.")] | UnsetType = UNSET
    predictions: Annotated[tuple[Prediction, ...], Meta(description="Numbers that are predicted.")] | UnsetType = UNSET
    falsification_tests: (
        Annotated[tuple[FalsificationTest, ...], Meta(description="What would prove it false.")] | UnsetType
    ) = UNSET
    citations: Annotated[tuple[Citation, ...], Meta(description="Sources.")] | UnsetType = UNSET
    max_missing: (
        Annotated[
            float, Meta(ge=0, le=1, description="The share of answers that may be missing below it; 0 when absent.")
        ]
        | UnsetType
    ) = UNSET

    def __post_init__(self) -> None:
        if not (
            any(one.tolerance is not UNSET for one in self.predicted)
            or any(_says(one.must_pass) or _says(one.fail_if) for one in self.tested)
        ):
            raise ValueError(
                f"nothing could prove the claim {self.id!r} false: it needs a prediction with a `tolerance`, "
                "or a falsification test with `must_pass` or `fail_if`"
            )

    @property
    def predicted(self) -> tuple[Prediction, ...]:
        """Its predictions."""
        return () if self.predictions is UNSET else self.predictions

    @property
    def tested(self) -> tuple[FalsificationTest, ...]:
        """Its falsification tests."""
        return () if self.falsification_tests is UNSET else self.falsification_tests


def _says(condition: bool | str | UnsetType) -> bool:
    return condition is not UNSET and bool(condition)

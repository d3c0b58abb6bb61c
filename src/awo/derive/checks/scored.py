"""What the steps behind a statistics step will have: scores with their types, factors with their values."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Any, Final

from awo.canon.json import encode_sorted
from awo.derive.checks.plan import SCORING, Planned, matrix_of, score_args
from awo.derive.scores.elsewhere import FromStep
from awo.evidence.scores import ScoreType
from awo.workflow.definition import Step
from awo.workflow.marks import marked_in
from awo.workflow.templates import is_template

GIVEN: Final = ("model", "item", "repeat", "step")
"""The factors that every answer has."""
_MAYBE_BINARY: Final = ("from_step", "expression", "value_number")
"""Kinds whose grades and measures may well be 0 and 1 alone."""


@dataclass(frozen=True, slots=True)
class Scored:
    """The steps of a statistics step's `of` that score, each with the step whose answers it scores."""

    plan: Planned
    steps: tuple[tuple[Step, Step | None], ...]

    @classmethod
    def by(cls, names: tuple[str, ...], plan: Planned) -> Scored:
        """Those of `names` that are there and score."""
        scoring = [plan.steps[name] for name in names if name in plan.steps and plan.steps[name].op in SCORING]
        return cls(plan, tuple((step, plan.looked_at(step)) for step in scoring))

    @property
    def is_open(self) -> bool:
        """Whether a function of the author's decides which scores there are."""
        return any(step.op == "python_score" for step, _ in self.steps)

    def names(self) -> list[str]:
        """Every score that is known by name."""
        return list(dict.fromkeys(name for step, _ in self.steps if (a := score_args(step)) for name in a.scores))

    def types(self, score: str) -> set[ScoreType]:
        """What the score is in the steps that have it; empty where the plan cannot tell."""
        return {kind for step, _ in self.steps if (kind := _type_of(step, score, self.plan)) is not None}

    def may_be_binary(self, score: str) -> bool:
        """Whether each of its numbers may be 0 or 1, although it is no test."""
        return self.is_open or any(
            args.scores[score].__struct_config__.tag in _MAYBE_BINARY
            for step, _ in self.steps
            if (args := score_args(step)) and score in args.scores
        )

    def factors(self) -> list[str]:
        """Every factor that an answer may have."""
        found = dict.fromkeys(GIVEN)
        for step, seen in self.steps:
            found |= dict.fromkeys(matrix_of(seen) if seen else ())
            args = score_args(step)
            found |= dict.fromkeys(args.groups if args else ())
        return list(found)

    def has_hidden_factors(self) -> bool:
        """Whether a step is missing or does not say whose answers it scores."""
        return not self.steps or any(seen is None for _, seen in self.steps)

    def below(self, factor: str) -> Step | None:
        """The step whose matrix has `factor`, and over whose cells a scored step goes."""
        for _, seen in self.steps:
            over = seen.fan_out.over if seen and seen.fan_out else None
            while over is not None and over.kind == "step" and over.name in self.plan.steps:
                lower = self.plan.steps[over.name]
                if factor in matrix_of(lower):
                    return lower
                over = lower.fan_out.over if lower.fan_out else None
        return None

    def values(self, factor: str) -> list[Any] | None:
        """Every value that the factor can have in an answer; None where the plan cannot tell."""
        found: list[Any] = []
        for step, seen in self.steps:
            of_step = self._values_in(factor, step, seen)
            if of_step is None:
                return None
            found += of_step
        return list({key_of(value): value for value in found}.values())

    def _values_in(self, factor: str, step: Step, seen: Step | None) -> list[Any] | None:
        if factor == "step":
            return [step.id]
        if seen is None or factor == "item":
            return None
        if factor == "model":
            return self.plan.models_of(seen)
        if factor == "repeat":
            return list(range(seen.fan_out.repeats)) if seen.fan_out else [0]
        if factor in matrix_of(seen):
            return list(matrix_of(seen)[factor])
        args = score_args(step)
        return None if args and factor in args.groups else [None]

    def varying(self, fixed: Collection[str]) -> Iterator[str]:
        """What makes several answers of one item beside the factors `fixed`, where only one step is scored."""
        if len(self.steps) != 1:
            return
        seen = self.steps[0][1]
        if seen is None:
            return
        if seen.fan_out and seen.fan_out.repeats > 1 and "repeat" not in fixed:
            yield "repeat"
        said = [marked.text for marked in marked_in(seen.args) if marked.kind == "model"]
        for name, values in matrix_of(seen).items():
            is_model = "model" in fixed and any(is_template(text) and name in text for text in said)
            if len(values) > 1 and name not in fixed and not is_model:
                yield name
        if seen.op == "fanout_generate" and len(said) > 1 and "model" not in fixed:
            yield "model"


def key_of(value: Any) -> str:
    """One spelling for equal values, as statistics tells them apart: 1.0 is 1, and neither is true nor '1'."""
    if isinstance(value, float) and value.is_integer() and abs(value) < 2**53:
        value = int(value)
    return encode_sorted(value).decode()


def _type_of(step: Step, score: str, plan: Planned) -> ScoreType | None:
    """The type of a score, found where it was given first: each step is looked at once."""
    looked: set[str] = set()
    while step.id not in looked:
        looked.add(step.id)
        args = score_args(step)
        if args is None:
            types = getattr(step.args, "types", {})
            return types.get(score) if isinstance(types, dict) else None
        spec = args.scores.get(score)
        if spec is None:
            return None
        if not isinstance(spec, FromStep) or not isinstance(spec.score, str):
            return spec.score_type()
        if spec.step not in plan.steps:
            return None
        step, score = plan.steps[spec.step], spec.score
    return None

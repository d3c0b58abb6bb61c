"""A workflow as the checks of derived steps see it: whose answers are looked at, who is asked, and over what."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from awo.derive.scores.step import ScoreArgs
from awo.workflow.definition import Step
from awo.workflow.marks import marked_in
from awo.workflow.references import CELL_COLUMNS
from awo.workflow.templates import is_template, sole_reference

ANSWERING: Final = ("llm_map", "fanout_generate")
"""The operations whose values are answers of models: a text, and who gave it."""
SCORING: Final = ("score", "assert", "python_score")
"""The operations that leave scores behind."""
MOST_SHOWN: Final = 20


@dataclass(frozen=True, slots=True)
class Planned:
    """The steps by id, the columns of the data sets that could be read, and the model that is asked by default."""

    steps: Mapping[str, Step]
    columns: Mapping[str, Sequence[str]] = field(default_factory=dict)
    default_model: str = ""

    @classmethod
    def of(cls, steps: Iterable[Step], columns: Mapping[str, Sequence[str]], default_model: str) -> Planned:
        """The plan of these steps."""
        return cls({step.id: step for step in steps}, columns, default_model)

    def looked_at(self, step: Step) -> Step | None:
        """The one step whose answers `step` scores, counts or compares; None where it does nothing of the kind."""
        name = getattr(step.args, "inputs_from" if step.op == "consensus_vote" else "of", None)
        return self.steps.get(name) if isinstance(name, str) else None

    def models_of(self, step: Step) -> list[str] | None:
        """The models that an answering step asks, by their names; None for one that asks nobody or cannot be told."""
        if step.op not in ANSWERING:
            return None
        said = [marked.text for marked in marked_in(step.args) if marked.kind == "model"]
        models: list[str] = []
        for name in said or [self.default_model]:
            path = sole_reference(name) if is_template(name) else None
            if not is_template(name):
                models.append(name)
            elif path is not None and len(path) == 2 and path[0] == "matrix":
                models += [str(value) for value in matrix_of(step).get(str(path[1]), ())]
            else:
                return None
        return models

    def columns_of(self, step: Step) -> Sequence[str] | None:
        """What `item.row` has in the cells of `step`; None where the plan cannot tell."""
        over = step.fan_out.over if step.fan_out else None
        if over is None:
            return ()
        return CELL_COLUMNS if over.kind == "step" else self.columns.get(over.name)


def matrix_of(step: Step) -> Mapping[str, Sequence[Any]]:
    """The matrix of a step; empty where it has none."""
    return step.fan_out.matrix if step.fan_out else {}


def score_args(step: Step) -> ScoreArgs | None:
    """The arguments of a step that scores by kinds: its scores and groups have names that are known."""
    return step.args if isinstance(step.args, ScoreArgs) else None


def listed(names: Iterable[str]) -> str:
    """Names in a sentence, the first of them."""
    return ", ".join(list(names)[:MOST_SHOWN])

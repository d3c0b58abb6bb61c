"""The kinds of values that an operation's arguments may be: names of steps, models and files, templates, conditions.

An operation declares its arguments as a frozen struct with these types. The checker, the published
schema and the step graph all read the mark `x-awo`, so an operation says only here what it refers to.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any

import msgspec
from msgspec import Meta

MARK = "x-awo"


def _marked(kind: str, description: str, **more: Any) -> Meta:
    return Meta(description=description, extra_json_schema={MARK: kind}, **more)


StepRef = Annotated[str, _marked("step", "The id of an earlier step.")]
ModelRef = Annotated[
    str,
    _marked("model", "A model: one of `models`, provider/model, echo, upper, reverse, or {{ matrix.NAME }} for these."),
]
Template = Annotated[
    str, _marked("template", "Text with {{ inputs.NAME }} and {{ steps.ID.FIELD }} filled in (Jinja2).")
]
CellTemplate = Annotated[
    str,
    _marked(
        "cell_template",
        "Text filled in for each cell of the step that is looked at (Jinja2): {{ item.row.COLUMN }}, "
        "{{ item.matrix.NAME }}, {{ item.repeat }}, {{ item.value.text }}, {{ inputs.NAME }}.",
    ),
]
CellCondition = Annotated[
    str, _marked("cell_cel", "A CEL expression over `item` (as in templates), `text`, `expected` and `inputs`.")
]
Params = Annotated[
    dict[str, Any],
    _marked("params", "Sampling parameters by their OpenAI names; `seed` may stand here. Texts are templates."),
]
AnswerSchema = Annotated[
    dict[str, Any] | str,
    _marked("schema", "The JSON Schema of the answer: the schema itself, or the path of a JSON file."),
]
Condition = Annotated[str, _marked("cel", "A CEL expression over `inputs` and `steps`.")]
Metrics = Annotated[
    dict[str, str],
    _marked("metrics", "Numbers with names: each a CEL expression over `inputs` and `steps`."),
]
Observation = Annotated[
    str,
    _marked("observation", "A number: the name of a metric, or a CEL expression over `inputs`, `steps` and `metrics`."),
]
ClaimTest = Annotated[
    str, _marked("claim_test", "A CEL expression over `inputs`, `steps` and `metrics` that is true or false.")
]
ReadPath = Annotated[str, _marked("read", "A file that the step reads, relative to the workflow file.")]
ImagePath = Annotated[
    str, _marked("image", "An image that the step reads: a path, or a template that gives the path of a declared file.")
]
ReadGlob = Annotated[str, _marked("glob", "Files that the step reads, as a pattern relative to the workflow file.")]
WritePath = Annotated[str, _marked("write", "A file that the step writes, below outputs/<step>/files/.")]


class Args(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Base of every operation's arguments. An unknown argument is an error."""


@dataclass(frozen=True, slots=True)
class StepKind:
    """What a workflow file may say of an operation: its arguments, and whether it can be done once for each cell."""

    args: type[Args]
    can_fan_out: bool = False

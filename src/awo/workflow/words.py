"""The kinds of text that an operation's arguments may be: names of steps, models and files, templates, conditions.

An operation declares its arguments as a frozen struct with these types. The checker, the published
schema and the step graph all read the mark `x-awo`, so an operation says only here what it refers to.
"""

from __future__ import annotations

from typing import Annotated, Any

import msgspec
from msgspec import Meta

MARK = "x-awo"


def _marked(kind: str, description: str, **more: Any) -> Meta:
    return Meta(description=description, extra_json_schema={MARK: kind}, **more)


StepRef = Annotated[str, _marked("step", "The id of an earlier step.")]
ModelRef = Annotated[str, _marked("model", "The name of a model: one of `models`, or echo, upper, reverse.")]
Template = Annotated[
    str, _marked("template", "Text with {{ inputs.NAME }} and {{ steps.ID.FIELD }} filled in (Jinja2).")
]
Condition = Annotated[str, _marked("cel", "A CEL expression over `inputs` and `steps`.")]
ReadPath = Annotated[str, _marked("read", "A file that the step reads, relative to the workflow file.")]
ReadGlob = Annotated[str, _marked("glob", "Files that the step reads, as a pattern relative to the workflow file.")]
WritePath = Annotated[str, _marked("write", "A file that the step writes, below outputs/<step>/files/.")]


class Args(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Base of every operation's arguments. An unknown argument is an error."""

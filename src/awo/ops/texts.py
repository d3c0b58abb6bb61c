"""Texts that operations pass on: out of the value of an earlier step, and into bytes."""

from __future__ import annotations

from awo.derive.containment import NO_SUCH_FIELD, value_at
from awo.errors import StepFailed
from awo.ops.seam import Desk


def text_at(desk: Desk, step: str, field: str) -> str:
    """The text at the dotted `field` of the value of `step`.

    Raises `StepFailed`: `field_missing` when nothing is there, `field_not_text` when it is no text.
    """
    found = value_at(desk.value_of(step), field)
    if found is NO_SUCH_FIELD:
        raise StepFailed(
            f"the value of step {step} has no field {field!r}",
            code="field_missing",
            where=f"step {desk.step}, field",
            hint=f"look at outputs/{step}/output.json for the fields it has",
        )
    if not isinstance(found, str):
        raise StepFailed(
            f"field {field!r} of step {step} is not text",
            code="field_not_text",
            where=f"step {desk.step}, field",
            expected="text",
            got=type(found).__name__,
        )
    return found


def utf8(text: str, desk: Desk, argument: str) -> bytes:
    """`text` as UTF-8. Raises `StepFailed` `not_utf8` for half a surrogate pair, which only an escape can make."""
    try:
        return text.encode()
    except UnicodeEncodeError as error:
        raise StepFailed(
            "a text cannot be written as UTF-8",
            code="not_utf8",
            where=f"step {desk.step}, {argument}",
            got=f"a lone surrogate at character {error.start}",
        ) from error

"""Which required texts are missing from a text, and how a dotted field finds that text: `assert_contains`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, Final

from msgspec import Meta

from awo.derive.seam import Derivation, Derived, Sources
from awo.errors import StepFailed
from awo.workflow.words import Args, StepRef

Text = Annotated[str, Meta(min_length=1)]


class _NoSuchField:
    """What `value_at` gives when nothing is there; null is something."""


NO_SUCH_FIELD: Final = _NoSuchField()


def missing_from(text: str, required: Sequence[str]) -> list[str]:
    """Those of `required` that do not occur in `text`, in order; compared by Unicode case folding."""
    inside = text.casefold()
    return [one for one in required if one.casefold() not in inside]


def value_at(value: Any, field: str) -> Any:
    """What stands in `value` at `field`, or `NO_SUCH_FIELD`.

    The parts of `field` between dots are keys of objects, or places in lists counted from 0. A key
    that has dots itself is found when the whole rest of `field` spells it.
    """
    if isinstance(value, dict):
        if field in value:
            return value[field]
        first, dot, rest = field.partition(".")
        return value_at(value[first], rest) if dot and first in value else NO_SUCH_FIELD
    if isinstance(value, list):
        first, dot, rest = field.partition(".")
        if not (first.isascii() and first.isdigit() and len(first) < 10 and int(first) < len(value)):
            return NO_SUCH_FIELD
        return value_at(value[int(first)], rest) if dot else value[int(first)]
    return NO_SUCH_FIELD


def text_at(sources: Sources, step: str, field: str) -> str:
    """The text at the dotted `field` of the value of `step`.

    Raises `StepFailed`: `field_missing` when nothing is there, `field_not_text` when it is no text.
    """
    found = value_at(sources.value_of(step), field)
    if found is NO_SUCH_FIELD:
        raise StepFailed(
            f"the value of step {step} has no field {field!r}",
            code="field_missing",
            where=f"step {sources.step}, field",
            hint=f"look at outputs/{step}/output.json for the fields it has",
        )
    if not isinstance(found, str):
        raise StepFailed(
            f"field {field!r} of step {step} is not text",
            code="field_not_text",
            where=f"step {sources.step}, field",
            expected="text",
            got=type(found).__name__,
        )
    return found


class AssertContainsArgs(Args, frozen=True, kw_only=True):
    """Where to look, and for what."""

    from_step: Annotated[StepRef, Meta(description="The step whose value is looked into.")]
    field: Annotated[
        str, Meta(min_length=1, description="The text's place in that value; dots go deeper, `responses.0.text`.")
    ] = "consensus_text"
    must_include: Annotated[
        tuple[Text, ...], Meta(min_length=1, description="Each must occur in the text; letter case does not matter.")
    ]


def contained(args: AssertContainsArgs, sources: Sources) -> Derived:
    """`{"passed": true, "checked": n, "must_include": [...]}`.

    Raises `StepFailed`: `assertion_failed` when a text does not occur; `field_missing` or
    `field_not_text` when there is no text to look into.
    """
    missing = missing_from(text_at(sources, args.from_step, args.field), args.must_include)
    if missing:
        raise StepFailed(
            f"{len(missing)} of {len(args.must_include)} required texts do not occur",
            code="assertion_failed",
            where=f"step {sources.step}",
            expected=f"in {args.from_step}.{args.field}: " + ", ".join(repr(text) for text in missing),
        )
    return Derived({"passed": True, "checked": len(args.must_include), "must_include": list(args.must_include)})


DERIVATION = Derivation(
    name="assert_contains",
    summary="Fails unless every given text occurs in an earlier result.",
    args=AssertContainsArgs,
    compute=contained,
    reads_lines=False,
)

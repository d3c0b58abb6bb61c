"""Which required texts are missing from a text, and how a dotted field finds that text."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final


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

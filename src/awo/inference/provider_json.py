"""Reads what a provider sent: JSON that may be anything, of which only what is asked for is taken, type by type."""

from __future__ import annotations

import re
from typing import Any, Final

import msgspec

LONGEST_MESSAGE: Final = 300
LARGEST_COUNT: Final = 2**53 - 1

_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]+")


def object_of(data: bytes) -> dict[str, Any] | None:
    """The JSON object in `data`, or None when it is anything else. A list of one object is that object."""
    try:
        found = msgspec.json.decode(data)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return None
    if isinstance(found, list) and len(found) == 1:
        found = found[0]
    return found if isinstance(found, dict) else None


def part(value: Any, *names: str) -> dict[str, Any]:
    """The object under `names`, one inside the other; empty when there is none."""
    for name in names:
        value = value.get(name) if isinstance(value, dict) else None
    return value if isinstance(value, dict) else {}


def items(value: Any, name: str) -> list[Any]:
    """The list under `name`; empty when there is none."""
    found = value.get(name) if isinstance(value, dict) else None
    return found if isinstance(found, list) else []


def text(value: Any, name: str) -> str:
    """The text under `name`; '' when there is none."""
    found = value.get(name) if isinstance(value, dict) else None
    return found if isinstance(found, str) else ""


def count(value: Any, name: str) -> int:
    """The whole number from 0 below 2^53 under `name`; -1 when there is none."""
    found = value.get(name) if isinstance(value, dict) else None
    is_count = isinstance(found, int) and not isinstance(found, bool) and 0 <= found <= LARGEST_COUNT
    return found if is_count else -1  # type: ignore[return-value]


def number(value: Any, name: str) -> float | None:
    """The finite number under `name`, or None."""
    found = value.get(name) if isinstance(value, dict) else None
    if isinstance(found, bool) or not isinstance(found, int | float):
        return None
    try:
        return float(found)
    except OverflowError:
        return None


def short(message: str) -> str:
    """A provider's words for people: one line, no control characters, at most 300 characters."""
    line = _CONTROL.sub(" ", message[: 4 * LONGEST_MESSAGE]).strip()
    return line if len(line) <= LONGEST_MESSAGE else f"{line[: LONGEST_MESSAGE - 1]}…"

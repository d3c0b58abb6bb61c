"""JSON that a stranger wrote: every value has one meaning, or is refused. `NaN` and huge numbers become text."""

from __future__ import annotations

import json
import math
import re
from typing import Any, Final

from awo.canon.json import encode_sorted
from awo.derive.received.seam import NotUnderstood, Scalar

DEEPEST: Final = 100
LARGEST_EXACT: Final = 2**53 - 1
MOST_DIGITS: Final = 300

_KEPT = b'"[]{}'
_DROPPED = bytes(set(range(256)) - set(_KEPT))
_texts = re.compile(rb'"[^"]*"')
_half_pair = re.compile(rb"\\u[dD][89a-fA-F]")
_lone_surrogate = re.compile("[\ud800-\udfff]")


def parsed(data: bytes) -> Any:
    """The value that the bytes spell, with `NaN`, infinities and whole numbers from 2^53 as text.

    Half a surrogate pair becomes U+FFFD. Raises `NotUnderstood` for what is not JSON, a key that stands twice, more
    than `DEEPEST` levels, or a number of more than `MOST_DIGITS` characters.
    """
    if _is_deep(data):
        raise NotUnderstood(f"brackets that do not close, or more than {DEEPEST} levels of them")
    try:
        value = _decoder.decode(data.decode("utf-8-sig"))
        return _cleaned(value) if _half_pair.search(data) else value
    except UnicodeDecodeError as error:
        raise NotUnderstood("not UTF-8 text") from error
    except (ValueError, RecursionError) as error:
        raise NotUnderstood("not JSON") from error


def text(value: Any) -> str:
    """A text as it is, '' for null, anything else as sorted compact JSON (spec section 1.3)."""
    if isinstance(value, str):
        return value
    return "" if value is None else encode_sorted(value).decode()


def mapping(value: Any) -> dict[str, Any]:
    """The object, or an empty one for anything else."""
    return value if isinstance(value, dict) else {}


def listed(value: Any) -> list[Any]:
    """The list, or an empty one for anything else."""
    return value if isinstance(value, list) else []


def whole(value: Any) -> int:
    """A count from 0 to 2^53-1; -1 for anything else, a number with a fraction included."""
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    is_count = isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= LARGEST_EXACT
    return value if is_count else -1


def milliseconds(seconds: Any) -> int:
    """Seconds as whole milliseconds; -1 for what is no such number."""
    is_number = isinstance(seconds, int | float) and not isinstance(seconds, bool)
    return whole(float(round(seconds * 1000))) if is_number and 0 <= seconds < LARGEST_EXACT / 1000 else -1


def scalar(value: Any) -> Scalar:
    """A number, text, truth or null as it is; anything else as compact JSON."""
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, int | float):
        return float(value)
    return text(value)


def _is_deep(data: bytes) -> bool:
    """Whether taking innermost pairs of brackets away `DEEPEST` times leaves some. Follows from the bytes alone, so
    that every Python says the same."""
    structure = data.replace(b"\\\\", b"").replace(b'\\"', b"").translate(None, _DROPPED)
    structure = _texts.sub(b"", structure)
    for _ in range(DEEPEST):
        if not structure:
            return False
        structure = structure.replace(b"[]", b"").replace(b"{}", b"")
    return bool(structure)


def _cleaned(value: Any) -> Any:
    """The value with U+FFFD in the place of half a surrogate pair, which UTF-8 cannot have."""
    if isinstance(value, str):
        return _lone_surrogate.sub("\ufffd", value)
    if isinstance(value, list):
        return [_cleaned(one) for one in value]
    if isinstance(value, dict):
        return _object([(_cleaned(name), _cleaned(one)) for name, one in value.items()])
    return value


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise NotUnderstood("a key stands twice in one object")
    return found


def _integer(digits: str) -> int | str:
    if len(digits) > MOST_DIGITS:
        raise NotUnderstood("a number of more digits than is read")
    number = int(digits)
    return number if abs(number) <= LARGEST_EXACT else digits


def _float(digits: str) -> float | str:
    if len(digits) > MOST_DIGITS:
        raise NotUnderstood("a number of more digits than is read")
    number = float(digits)
    return number if math.isfinite(number) else digits


_decoder = json.JSONDecoder(
    object_pairs_hook=_object, parse_int=_integer, parse_float=_float, parse_constant=lambda word: word
)

"""Canonical JSON: the one spelling of a signed file or a journal line (RFC 8785 for our subset).

The subset has no floats (decimals are strings), integers below 2^53 in size and ASCII keys, so
that sorted, compact JSON is the JCS form. Structs and plain values both go through `canonical`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeVar

import msgspec

from awo.errors import AwoError, EvidenceError

T = TypeVar("T")

LARGEST_INTEGER = 2**53 - 1

_sorted_encoder = msgspec.json.Encoder(order="sorted")
_plain_encoder = msgspec.json.Encoder()


def canonical(value: Any) -> bytes:
    """The canonical bytes of `value`, without a final newline.

    Raises `AwoError` when the value lies outside the subset: a float, an integer of 2^53 or
    more, a key that is not ASCII, or text with a lone surrogate.
    """
    plain = msgspec.to_builtins(value)
    _refuse_outside_subset(plain, "$")
    return encode_sorted(plain)


def encode_sorted(value: Any) -> bytes:
    """Sorted compact JSON of a value whose type already keeps it inside the subset (see `canonical`)."""
    try:
        return _sorted_encoder.encode(value)
    except (TypeError, UnicodeEncodeError, msgspec.MsgspecError) as error:
        raise AwoError("a value cannot be written as JSON", got=str(error)) from error


def encode_sorted_lines(values: Sequence[Any]) -> bytes:
    """`encode_sorted` of each with a newline behind it, in one piece."""
    try:
        return _sorted_encoder.encode_lines(values)
    except (TypeError, UnicodeEncodeError, msgspec.MsgspecError) as error:
        raise AwoError("a value cannot be written as JSON", got=str(error)) from error


def pretty(value: Any) -> bytes:
    """JSON for people: two spaces of indent, a final newline, keys in the order of the value."""
    try:
        return msgspec.json.format(_plain_encoder.encode(value), indent=2) + b"\n"
    except (TypeError, UnicodeEncodeError, msgspec.MsgspecError) as error:
        raise AwoError("a value cannot be written as JSON", got=str(error)) from error


def parse(data: bytes, kind: type[T], *, where: str) -> T:
    """`data` as `kind`; raises `EvidenceError` naming `where` when it is not that."""
    try:
        return msgspec.json.decode(data, type=kind)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise EvidenceError("this is not the JSON that belongs here", where=where, got=str(error)) from error


def parse_canonical(data: bytes, kind: type[T], *, where: str) -> T:
    """As `parse`, and the bytes must be the canonical spelling of what they say."""
    value = parse(data, kind, where=where)
    if canonical(value) != data:
        raise EvidenceError(
            "this file is not in canonical form",
            where=where,
            expected="sorted, compact JSON without doubled or unknown keys (RFC 8785)",
        )
    return value


def _refuse_outside_subset(value: Any, place: str) -> None:
    match value:
        case None | bool() | str():
            return
        case int():
            if abs(value) > LARGEST_INTEGER:
                raise AwoError("an integer is too large for canonical JSON", where=place, got=str(value))
        case dict():
            for key, inner in value.items():
                if not key.isascii():
                    raise AwoError("a key of canonical JSON must be ASCII", where=place, got=repr(key))
                _refuse_outside_subset(inner, f"{place}.{key}")
        case list() | tuple():
            for index, inner in enumerate(value):
                _refuse_outside_subset(inner, f"{place}[{index}]")
        case _:
            raise AwoError(
                "canonical JSON has no floats",
                where=place,
                got=repr(value),
                hint="write a decimal as text, for example '0.25'",
            )

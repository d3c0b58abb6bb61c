"""Reads many lines of responses.jsonl or items.jsonl at once: the same records as line by line, or none of them."""

from __future__ import annotations

import re
from typing import Any, Final

import msgspec

from awo.canon import usd
from awo.canon.columns import are_all, are_hex, are_times
from awo.canon.json import encode_sorted_lines
from awo.errors import AwoError
from awo.evidence.events import STEP_ID
from awo.evidence.records import MAYBE_SHA256, SALT_DIGITS, ItemLine, ResponseLine


class PlainResponse(ResponseLine, frozen=True):
    """As `ResponseLine`, its texts not looked at yet: a pattern costs more than all else of a line."""

    salt: str
    step: str
    at: str
    schema_sha256: str = ""
    cost: str = ""


_responses: Final = msgspec.json.Decoder(PlainResponse)
_items: Final = msgspec.json.Decoder(ItemLine)
_STEP: Final = re.compile(STEP_ID)
_PRICE: Final = re.compile(usd.PATTERN_OR_EMPTY)
_DIGEST: Final = re.compile(MAYBE_SHA256)


def decode_responses(block: bytes, count: int) -> list[ResponseLine] | None:
    """The responses on `count` whole lines, each with its newline; None where one is none, or not spelled as usual."""
    found: list[ResponseLine] | None = _decoded(_responses, block, count)
    if found is None or not (
        are_hex([one.salt for one in found], SALT_DIGITS)
        and are_times([one.at for one in found])
        and are_all([one.step for one in found], _STEP)
        and are_all([one.cost for one in found], _PRICE)
        and are_all([one.schema_sha256 for one in found], _DIGEST)
    ):
        return None
    return found


def decode_items(block: bytes, count: int) -> list[ItemLine] | None:
    """The items on `count` whole lines, each with its newline; None where one is none, or not spelled as usual."""
    found: list[ItemLine] | None = _decoded(_items, block, count)
    return found


def _decoded(decoder: msgspec.json.Decoder[Any], block: bytes, count: int) -> list[Any] | None:
    try:
        found: list[Any] = decoder.decode_lines(block)
        return found if len(found) == count and encode_sorted_lines(found) == block else None
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError, AwoError):
        return None

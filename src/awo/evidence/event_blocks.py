"""Reads many journal lines at once: the same events as `events.decode` gives line by line, or none of them."""

from __future__ import annotations

import re
from functools import reduce
from operator import or_
from typing import Any, Final, get_args

import msgspec

from awo.canon import usd
from awo.canon.columns import are_all, are_hex, are_times
from awo.canon.json import encode_sorted_lines
from awo.errors import AwoError, EvidenceError
from awo.evidence import events as ev


class PlainCallIntended(ev.CallIntended, frozen=True, tag="call_intended"):
    """As `CallIntended`, its texts not looked at yet: a pattern costs more than all else of a line."""

    at: str
    step: str
    request_sha256: str
    worst_price: str


class PlainCallAnswered(ev.CallAnswered, frozen=True, tag="call_answered"):
    """As `CallAnswered`, its texts not looked at yet."""

    at: str
    step: str
    sha256: str
    cost: str


PLAIN: Final[dict[type[ev.Event], type[ev.Event]]] = {
    ev.CallIntended: PlainCallIntended,
    ev.CallAnswered: PlainCallAnswered,
}
"""The kinds of which a journal has one for each call, and their twins that a block is read into."""

_decoder: Final[msgspec.json.Decoder[Any]] = msgspec.json.Decoder(
    reduce(or_, (PLAIN.get(kind, kind) for kind in get_args(ev.AnyEvent)))
)
_STEP: Final = re.compile(ev.STEP_ID)
_PRICE: Final = re.compile(usd.PATTERN_OR_EMPTY)


def decode_block(block: bytes, count: int) -> list[ev.AnyEvent] | None:
    """The events on `count` whole lines, each with its newline. None where `events.decode` would refuse one of them.

    It may be None also where that would not: ask it line by line then.
    """
    try:
        events: list[ev.AnyEvent] = _decoder.decode_lines(block)
        if len(events) != count or encode_sorted_lines(events) != block:
            return None
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError, AwoError):
        return None
    asked = [event for event in events if type(event) is PlainCallIntended]
    answered = [event for event in events if type(event) is PlainCallAnswered]
    calls: list[PlainCallIntended | PlainCallAnswered] = [*asked, *answered]
    if not (
        are_times([event.at for event in calls])
        and are_all([event.step for event in calls], _STEP)
        and are_hex([event.request_sha256 for event in asked], 64)
        and are_all([event.worst_price for event in asked], _PRICE)
        and are_hex([event.sha256 for event in answered], 64)
        and are_all([event.cost for event in answered], _PRICE)
    ):
        return None
    try:
        for event in events:
            if isinstance(event, (ev.EnvironmentRecorded, ev.ModelRecorded)):
                ev.refuse_outside_canonical(event, "")
    except (EvidenceError, RecursionError):
        return None
    return events

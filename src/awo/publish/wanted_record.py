"""What of a run is to be proved: how a person names one record or event, and how it is found in a journal."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final, get_args

from awo.canon.json import encode_sorted
from awo.errors import EvidenceError, UsageError
from awo.evidence.events import CallAnswered, ResponseReused, StepId, decode
from awo.evidence.layout import responses_path

FORMS: Final = "STEP:LINE (lines of responses.jsonl count from 0), call:N (the id of a call) or STEP[ITEM]"

_STEP = get_args(StepId)[1].pattern.removeprefix("^").removesuffix("$(?!\\n)")
_call = re.compile(r"call:(0|[1-9][0-9]{0,14})\Z")
_line = re.compile(rf"({_STEP}):(0|[1-9][0-9]{{0,14}})\Z")
_item = re.compile(rf"({_STEP})\[(.+)\]\Z", re.DOTALL)

Named = CallAnswered | ResponseReused
"""The events that name a response by its digest."""


@dataclass(frozen=True, slots=True)
class WantedLine:
    """Line `line` (from 0) of the responses of a step."""

    step: str
    line: int

    @property
    def said(self) -> str:
        return f"{self.step}:{self.line}"

    def needles(self) -> tuple[bytes, ...]:
        """Bytes one of which stands in the event that is looked for. No text holds them: its quotes are escaped."""
        return (
            b'"kind":"call_answered","line":%d,' % self.line,
            b'"kind":"response_reused","line":%d,' % self.line,
        )

    def fits(self, event: Named) -> bool:
        return (event.step, event.line) == (self.step, self.line)


@dataclass(frozen=True, slots=True)
class WantedCall:
    """The response to the call of that id."""

    call: str

    @property
    def said(self) -> str:
        return f"call:{self.call}"

    def needles(self) -> tuple[bytes, ...]:
        """As `WantedLine.needles`."""
        return (b'"call":%b,"cost":' % encode_sorted(self.call),)

    def fits(self, event: Named) -> bool:
        return isinstance(event, CallAnswered) and event.call == self.call


@dataclass(frozen=True, slots=True)
class WantedItem:
    """The one response on which the result of an item of a step rests."""

    step: str
    item: str

    @property
    def said(self) -> str:
        return f"{self.step}[{self.item}]"


Wanted = WantedLine | WantedCall | WantedItem


def read_wanted(text: str) -> Wanted:
    """What `--record` names. Raises `UsageError` for anything that has none of the three forms."""
    if found := _call.match(text):
        return WantedCall(found[1])
    if found := _line.match(text):
        return WantedLine(found[1], int(found[2]))
    if found := _item.match(text):
        return WantedItem(found[1], found[2])
    raise UsageError("this names no record", where="--record", expected=FORMS, got=ascii(text)[:80])


class EventFinder:
    """Looks for the one event that names a wanted response, among the lines of a journal that go by."""

    def __init__(self, wanted: WantedLine | WantedCall) -> None:
        self._wanted = wanted
        self._needles = wanted.needles()
        self.seq = -1
        self.text = b""
        self.event: Named | None = None

    def look(self, chunk: bytes, lines: list[bytes], first: int) -> None:
        """`lines` are those that `chunk` completes, the first of them event number `first`.

        Raises `EvidenceError` where two events name the response, or where one of them is no event.
        """
        in_chunk = any(needle in chunk for needle in self._needles)
        for place, line in enumerate(lines if in_chunk else lines[:1]):  # the first may have begun in another chunk
            if not any(needle in line for needle in self._needles):
                continue
            event = decode(line, first + place)
            if not isinstance(event, CallAnswered | ResponseReused) or not self._wanted.fits(event):
                continue
            if self.event is not None:
                raise EvidenceError("two events of the journal name this response", where=self._wanted.said)
            self.seq, self.text, self.event = first + place, line, event


def place_of(event: Named) -> tuple[str, int]:
    """The file in which the response of an event stands, and its line (from 0)."""
    return responses_path(event.step), event.line

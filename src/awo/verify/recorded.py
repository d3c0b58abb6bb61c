"""What the journal says of each response and each exchange: compact tables, about 200 bytes a line."""

from __future__ import annotations

import sys
from array import array
from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

from awo.evidence import events as ev


class Told(NamedTuple):
    """What the events say of the response on one line. `origin` is None unless it was reused."""

    call: str
    attempt: int
    cell: int
    repeat: int
    tries: int
    model: str
    cost: str
    request_sha256: str
    origin: ev.Origin | None


class RecordedLines:
    """The lines of one responses.jsonl as the journal names them."""

    __slots__ = ("_counts", "_digests", "_models", "_origins", "_requests", "calls", "costs", "sizes")

    def __init__(self) -> None:
        self.sizes = array("Q")
        self.calls: list[str] = []
        self.costs: list[str] = []
        self._digests = bytearray()
        self._requests = bytearray()
        self._models: list[str] = []
        self._counts = array("Q")
        self._origins: dict[int, ev.Origin] = {}

    def answered(self, event: ev.CallAnswered, intent: ev.CallIntended | None) -> None:
        """The next line. Without an intent (a rule is broken then) there is less to compare it with."""
        if intent is None:
            self._add(event, event.call, event.cost, "", bytes(32), (0, 0, 0, 0))
            return
        counts = (intent.attempt, intent.cell, intent.repeat, intent.tries)
        self._add(event, event.call, event.cost, intent.model, bytes.fromhex(intent.request_sha256), counts)

    def reused(self, event: ev.ResponseReused) -> None:
        """The next line: a response of another run."""
        self._origins[len(self)] = event.origin
        counts = (event.attempt, event.cell, event.repeat, 1)
        self._add(event, f"r{len(self)}", "0", event.model, bytes.fromhex(event.request_sha256), counts)

    def digest(self, line: int) -> str:
        """SHA-256 of a line, from 0."""
        return self._digests[32 * line : 32 * line + 32].hex()

    def told(self, line: int) -> Told | None:
        """What the events say of a line, from 0; None when its call was never intended."""
        attempt, cell, repeat, tries = self._counts[4 * line : 4 * line + 4]
        if not attempt:
            return None
        request = self._requests[32 * line : 32 * line + 32].hex()
        model, cost, origin = self._models[line], self.costs[line], self._origins.get(line)
        return Told(self.calls[line], attempt, cell, repeat, tries, model, cost, request, origin)

    @property
    def has_reused(self) -> bool:
        return bool(self._origins)

    @property
    def origins(self) -> Mapping[int, ev.Origin]:
        """Where the reused responses come from, by line from 0."""
        return self._origins

    def __len__(self) -> int:
        return len(self.calls)

    def _add(
        self,
        event: ev.CallAnswered | ev.ResponseReused,
        call: str,
        cost: str,
        model: str,
        request: bytes,
        counts: tuple[int, int, int, int],
    ) -> None:
        self._digests += bytes.fromhex(event.sha256)
        self.sizes.append(event.size_bytes)
        self.calls.append(call)
        self.costs.append(sys.intern(cost))
        self._models.append(sys.intern(model))
        self._requests += request
        self._counts.extend(counts)


class Frame(NamedTuple):
    """One exchange as its event names it. `model` is '' when its call was never intended."""

    offset: int
    size_bytes: int
    sha256: str
    step: str
    call: str
    model: str


class RecordedFrames:
    """The frames of one segment of audit/raw/, in the order of the events that name them."""

    __slots__ = ("_calls", "_digests", "_models", "_places", "_steps")

    def __init__(self) -> None:
        self._places = array("Q")
        self._digests = bytearray()
        self._steps: list[str] = []
        self._calls: list[str] = []
        self._models: list[str] = []

    def add(self, ref: ev.ExchangeRef, step: str, call: str, model: str) -> None:
        """The next frame."""
        self._places.extend((ref.offset, ref.size_bytes))
        self._digests += bytes.fromhex(ref.sha256)
        self._steps.append(sys.intern(step))
        self._calls.append(call)
        self._models.append(sys.intern(model))

    def __getitem__(self, number: int) -> Frame:
        offset, size_bytes = self._places[2 * number : 2 * number + 2]
        digest = self._digests[32 * number : 32 * number + 32].hex()
        return Frame(offset, size_bytes, digest, self._steps[number], self._calls[number], self._models[number])

    def __len__(self) -> int:
        return len(self._calls)


@dataclass(frozen=True, slots=True)
class RecordedItems:
    """An items.jsonl that an event names: of which step, and of how many cells."""

    step: str
    cells: int
    value: ev.FileRef | None
    """The step's output.json; None where the attempt failed."""

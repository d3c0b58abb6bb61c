"""What the journal says of each response and each exchange: compact tables, about 200 bytes a line."""

from __future__ import annotations

import sys
from array import array
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final, NamedTuple

from awo.evidence import events as ev

LONGEST_NUMBER: Final = 15
NO_NUMBER: Final = -1
AS_ITS_LINE: Final = -2
"""Of a call that is called r and the number of its line, as a reused response is."""


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


class ToldAlike(NamedTuple):
    """What the events say of some lines. `counts` has attempt, cell, repeat and tries of each in turn."""

    calls: list[str]
    counts: array[int]
    models: list[str]
    costs: list[str]
    requests: bytes


class RecordedCalls:
    """The calls of the lines of one responses.jsonl in their order: 8 bytes each, where the run counted them."""

    __slots__ = ("_indexed", "_line_of", "_numbers", "_others")

    def __init__(self) -> None:
        self._numbers = array("q")
        self._others: dict[int, str] = {}
        self._line_of: array[int] | dict[int | str, int] = {}
        self._indexed = 0

    def append(self, call: str) -> None:
        """The call of the next line."""
        number = int(call) if call.isdigit() and len(call) <= LONGEST_NUMBER else NO_NUMBER
        if str(number) != call:
            number = AS_ITS_LINE if call == f"r{len(self._numbers)}" else NO_NUMBER
            if number == NO_NUMBER:
                self._others[len(self._numbers)] = call
        self._numbers.append(number)

    def line_of(self, call: str) -> int | None:
        """The last line that this call has; None when it has none."""
        if self._indexed != len(self._numbers):
            self._index()
        known = self._line_of
        if isinstance(known, dict):
            return known.get(call)
        number = int(call) if call.isdigit() and len(call) <= LONGEST_NUMBER else NO_NUMBER
        if not 0 <= number < len(known) or str(number) != call:
            return None
        line = known[number]
        return line if line >= 0 else None

    def of(self, lines: slice) -> list[str]:
        """The calls of a piece of the lines."""
        start = lines.indices(len(self))[0]
        return [str(one) if one >= 0 else self[start + at] for at, one in enumerate(self._numbers[lines])]

    def __getitem__(self, line: int) -> str:
        number = self._numbers[line]
        if number >= 0:
            return str(number)
        return f"r{line}" if number == AS_ITS_LINE else self._others[line]

    def __len__(self) -> int:
        return len(self._numbers)

    def __iter__(self) -> Iterator[str]:
        return map(self.__getitem__, range(len(self)))

    def _index(self) -> None:
        """A table by number where that is small, as it is in a run whose calls are counted."""
        numbers = self._numbers
        self._indexed = len(numbers)
        largest = max(numbers, default=-1)
        if min(numbers, default=-1) < 0 or largest > 4 * len(numbers) + 1024:
            self._line_of = {call: line for line, call in enumerate(self)}
            return
        table = array("q", [-1]) * (largest + 1)
        for line, number in enumerate(numbers):
            table[number] = line
        self._line_of = table


class RecordedLines:
    """The lines of one responses.jsonl as the journal names them."""

    __slots__ = ("_counts", "_digests", "_models", "_origins", "_requests", "calls", "costs", "sizes")

    def __init__(self) -> None:
        self.sizes = array("Q")
        self.calls = RecordedCalls()
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

    def digests(self, first: int, end: int) -> bytes:
        """SHA-256 of these lines, 32 bytes each."""
        return bytes(self._digests[32 * first : 32 * end])

    def told_alike(self, first: int, end: int) -> ToldAlike | None:
        """What the events say of these lines, column by column; None where one is reused, or was never intended."""
        counts = self._counts[4 * first : 4 * end]
        if self._origins or 0 in counts[::4]:
            return None
        return ToldAlike(
            self.calls.of(slice(first, end)),
            counts,
            self._models[first:end],
            self.costs[first:end],
            bytes(self._requests[32 * first : 32 * end]),
        )

    def cell(self, line: int) -> int:
        """The cell of a line; 0 without one, and where its call was never intended."""
        return self._counts[4 * line + 1]

    def request(self, line: int) -> bytes:
        """What names the request of a line, 32 bytes."""
        return bytes(self._requests[32 * line : 32 * line + 32])

    def model(self, line: int) -> str:
        """The model of a line."""
        return self._models[line]

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


class LinesOfCells:
    """Which lines answer in which cell: 16 bytes a line, where the cells are about as many as the lines."""

    __slots__ = ("_first", "_next")

    def __init__(self, recorded: RecordedLines) -> None:
        count = len(recorded)
        cells = [recorded.cell(line) for line in range(count)]
        largest = max(cells, default=-1)
        is_table = largest <= 4 * count + 1024  # a hostile journal may name cell 10^15
        self._first: array[int] | dict[int, int] = array("q", [-1]) * (largest + 1) if is_table else {}
        self._next = array("q", [-1]) * count
        first = self._first
        for line in range(count - 1, -1, -1):
            cell = cells[line]
            self._next[line] = first[cell] if is_table else first.get(cell, -1)  # type: ignore[union-attr]
            first[cell] = line

    def of(self, cell: int) -> list[int]:
        """The lines of a cell, in the order of the file."""
        first = self._first
        line = first.get(cell, -1) if isinstance(first, dict) else first[cell] if 0 <= cell < len(first) else -1
        found: list[int] = []
        while line >= 0:
            found.append(line)
            line = self._next[line]
        return found


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

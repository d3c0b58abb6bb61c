"""The responses of one step by their calls and cells, each read again when it is asked for: about 32 bytes a line."""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Sequence
from typing import Final

from awo.errors import EvidenceError
from awo.evidence.layout import responses_path
from awo.evidence.records import ResponseLine
from awo.verify.recorded import LinesOfCells, RecordedLines
from awo.verify.sources import Package

WINDOW_BYTES: Final = 1 << 20
"""So much is read at once: answers stand nearly in the order of their cells."""


class Responses:
    """The responses of one step. `recorded` is what the journal says of them."""

    def __init__(self, package: Package, step: str) -> None:
        self.path = responses_path(step)
        journal = package.reading.journal
        recorded = journal.lines.get(self.path) if journal is not None else None
        self.recorded = recorded if recorded is not None else RecordedLines()
        self._package = package
        self._of_cells = LinesOfCells(self.recorded)
        self._offsets = array("Q")
        self._windows: list[tuple[int, bytes]] = []
        offset = 0
        for size_bytes in self.recorded.sizes:
            self._offsets.append(offset)
            offset += size_bytes + 1

    def of(self, calls: Iterable[str]) -> list[ResponseLine]:
        """The responses of these calls, in their order. Raises as `Package.held`, and `EvidenceError`."""
        found = []
        for call in calls:
            number = self.recorded.calls.line_of(call)
            if number is None:
                raise EvidenceError("the value rests on a call that has no answer", got=f"call {call}")
            found.append(self._at(number))
        return found

    def in_cell(self, cell: int, but: Sequence[str] = ()) -> list[ResponseLine]:
        """The responses of a cell but those of the calls `but`, in the order of the file; without cells, of cell 0."""
        calls = self.recorded.calls
        return [self._at(number) for number in self._of_cells.of(cell) if calls[number] not in but]

    def only_line(self, cell: int, call: str) -> int | None:
        """The line of this call, where it is the only one of this cell; else None."""
        lines = self._of_cells.of(cell)
        return lines[0] if len(lines) == 1 and self.recorded.calls.line_of(call) == lines[0] else None

    def line(self, number: int) -> bytes:
        """The bytes of a line without its newline. Raises `CannotCheck` as `Package.held`."""
        start, size_bytes = self._offsets[number], self.recorded.sizes[number]
        for begin, window in self._windows:
            if begin <= start and start + size_bytes <= begin + len(window):
                return window[start - begin : start - begin + size_bytes]
        window = self._package.reading.spool.read(self._package.held(self.path), start, max(size_bytes, WINDOW_BYTES))
        self._windows = [(start, window), *self._windows[:1]]
        return window[:size_bytes]

    def _at(self, number: int) -> ResponseLine:
        return self._package.response(self.path, self._offsets[number], self.recorded.sizes[number])

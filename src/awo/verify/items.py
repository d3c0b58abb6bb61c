"""Checks an items.jsonl while it streams by: line n is the result of cell n, at its place in the fan-out."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import islice
from typing import Any

import msgspec

from awo.canon.json import encode_sorted
from awo.canon.lines import Lines
from awo.errors import AwoError, CannotCheck
from awo.evidence.record_blocks import decode_items
from awo.evidence.records import CellsRecord, DataRecord, ItemLine
from awo.verify.compared import differences
from awo.verify.doubled import doubled_key
from awo.verify.findings import MOST_FINDINGS, Finding
from awo.verify.recorded import RecordedItems, RecordedLines
from awo.workflow.cells import cells_a_row, place_of
from awo.workflow.datasets import BadData, Row

COLUMNS_OF_A_STEP = ("id", "row", "matrix", "repeat", "value")
"""What a cell of an earlier step is as a row."""

_decoder = msgspec.json.Decoder(ItemLine)


class ItemReader:
    """Takes the bytes of one items.jsonl. `misshapen` has the first 100 faults; `done` and `failed` count the lines."""

    def __init__(
        self,
        path: str,
        recorded: RecordedItems,
        cells: CellsRecord,
        data: Mapping[str, DataRecord],
        answers: RecordedLines | None,
        line_limit_bytes: int,
        rows: Iterator[Row] | None = None,
    ) -> None:
        """`rows` are those of the data set that the step goes over, where input.json carries it."""
        self.path = path
        self.recorded = recorded
        self.cells = cells
        self.misshapen: list[Finding] = []
        self.done = 0
        self.failed = 0
        self.count = 0
        self._columns: set[str] | None = None
        if cells.over is None:
            self._columns = set()
        elif cells.over.kind == "data" and cells.over.name in data:
            self._columns = set(data[cells.over.name].columns)
        elif cells.over.kind == "step":
            self._columns = set(COLUMNS_OF_A_STEP)
        self._cells_a_row = cells_a_row(cells.matrix, cells.repeats)
        self._only = place_of(0, cells.matrix, cells.repeats)
        self._calls = answers.calls if answers is not None else None
        self._row: tuple[int, str, dict[str, Any]] = (-1, "", {})
        self._rows = rows
        self._cutter = Lines(line_limit_bytes)

    def feed(self, chunk: bytes | memoryview) -> None:
        """The next bytes of the file."""
        block = self._cutter.block(chunk)
        if not block:
            return
        lines = block[:-1].split(b"\n")
        items = decode_items(block, len(lines))
        if items is None:
            for line in lines:
                self._line(line)
        else:
            for item in items:
                self._item(item)

    def end(self) -> None:
        """After the last byte."""
        if self._cutter.is_too_long:
            self._put("a line is longer than the limit")
        elif self._cutter.rest:
            self._put("the last line has no newline")

    def _line(self, line: bytes) -> None:
        try:
            item = _decoder.decode(line)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
            self.count += 1
            self._put("the line is not an item", got=str(error))
            return
        self._item(item, line)

    def _item(self, item: ItemLine, line: bytes = b"") -> None:
        """The next item; `line` where it may not be the usual spelling, which has no key twice."""
        number = self.count
        self.count += 1
        if item.status == "done":
            self.done += 1
        else:
            self.failed += 1
        if line and not _is_compact(item, line) and (key := doubled_key(line)):
            self._put("a key stands twice in one object", got=key)
        if item.cell != number:
            self._put("the item is not in its place", f"cell {number}", f"cell {item.cell}")
            return
        self._compare(item)

    def _compare(self, item: ItemLine) -> None:
        """The item says of itself what its place in the fan-out says."""
        row, matrix, repeat = self._place(item.cell)
        if item.repeat != repeat or item.matrix != matrix:
            self._put(
                "the item has other values of the matrix, or another repeat, than its cell",
                f"{matrix!a}, repeat {repeat}",
                f"{item.matrix!a}, repeat {item.repeat}",
            )
        if row != self._row[0] and self._rows is not None and item.row.keys() == self._columns:
            self._compare_row(item)
        if row == self._row[0] and (item.item, item.row) != self._row[1:]:
            self._put("the items of one row differ in its id or its values", self._row[1], item.item)
        self._row = (row, item.item, item.row)
        if self._columns is not None and item.row.keys() != self._columns:
            self._put(
                "the item has other columns than what it goes over", ascii(sorted(self._columns)), ascii(list(item.row))
            )
        if self.cells.over is None and item.item:
            self._put("the item has the id of a row, and its step goes over nothing", got=item.item)
        if (item.reason is None) != (item.status == "done") or (item.reason is not None and item.value is not None):
            self._put("a failed item has a reason and no value, and any other has no reason")
        for call in item.calls:
            if self._calls is None or self._calls.line_of(call) is None:
                self._put("the item rests on a call of its step that has no answer", got=call)

    def _place(self, cell: int) -> tuple[int, Mapping[str, Any], int]:
        if self._cells_a_row == 1:
            return cell, self._only.matrix, self._only.repeat
        place = place_of(cell, self.cells.matrix, self.cells.repeats)
        return place.row, place.matrix, place.repeat

    def _compare_row(self, item: ItemLine) -> None:
        """The first cell of a row has the next row of the data set, and its id."""
        assert self._rows is not None
        try:
            row = next(self._rows, None)
        except (BadData, CannotCheck) as error:
            self._rows = None
            self._put(f"the data set that input.json carries cannot be read: {error.what}", got=error.got)
            return
        if row is None:
            self._rows = None
            self._put("the data set that input.json carries has no such row")
        elif row.id != item.item:
            self._put("the item has another id than its row", row.id, item.item)
        else:
            for one in islice(differences(row.values, item.row), MOST_FINDINGS):
                self._put(f"the item has another value than its row: {one.place}", one.expected, one.got)

    def _put(self, what: str, expected: str = "", got: str = "") -> None:
        if len(self.misshapen) < MOST_FINDINGS:
            self.misshapen.append(Finding(f"{self.path}:{max(self.count, 1)}", what, expected, got))


def _is_compact(item: ItemLine, line: bytes) -> bool:
    """Whether the line is the usual spelling of its item, which has no key twice."""
    try:
        return encode_sorted(item) == line
    except (AwoError, RecursionError):
        return False

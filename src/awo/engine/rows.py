"""What a step fans out over: the rows of a data set, the cells of an earlier step, or nothing; drawn one by one."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import msgspec

from awo.engine.desk import Bench
from awo.errors import EvidenceError, StepFailed
from awo.evidence.layout import items_path
from awo.evidence.records import CellsRecord, DataRecord, InputRecord, ItemLine
from awo.workflow import cells
from awo.workflow.cells import Cell
from awo.workflow.datasets import BadData, Row, read_rows

MOST_WORKERS = 2048
FEWEST_WORKERS = 64
USUAL_IN_FLIGHT = 128
WORKERS_A_SLOT = 2  # for each call that may be in flight: one under way, and one that is ready to follow

_decoder = msgspec.json.Decoder(ItemLine)


def workers_for(plan: InputRecord) -> int:
    """How many cells are worked on at once, for the limits of the workflow's models."""
    slots = sum(model.limits.in_flight or USUAL_IN_FLIGHT for model in plan.models.values())
    return max(FEWEST_WORKERS, min(MOST_WORKERS, WORKERS_A_SLOT * slots))


class Rows:
    """The cells of one step. `cell_count` is how many there are; `cells` gives them anew at each call.

    Raises `StepFailed` (codes `missing_input`, `changed_input`, `data`, `no_value`).
    """

    def __init__(self, record: CellsRecord, bench: Bench) -> None:
        self._record = record
        self._bench = bench
        self._source: Path | bytes = b""
        self._data: DataRecord | None = None
        over = record.over
        if over is None:
            rows = 1
        elif over.kind == "data":
            self._data = self._find(over.name)
            rows = self._data.rows
        else:
            rows = self._cells_done(over.name)
        self.cell_count = cells.count(rows, record.matrix, record.repeats)
        if self.cell_count > cells.MOST_CELLS:  # said of a workflow before its run; a copied run is somebody else's
            raise EvidenceError("input.json has a step of too many cells", where=bench.record.id)

    def cells(self) -> Iterator[Cell]:
        """Every cell, in order."""
        return cells.cells(self._rows(), self._record.matrix, self._record.repeats)

    def _rows(self) -> Iterator[Row]:
        over = self._record.over
        if over is None:
            return iter(cells.NO_ROWS)
        return self._data_rows(self._data) if self._data is not None else self._cells_of(over.name)

    def _find(self, name: str) -> DataRecord:
        data = self._bench.plan.data.get(name)
        if data is None:
            raise EvidenceError("input.json has no such data set", where=self._bench.record.id, got=name)
        declared = self._bench.declared(data.path)
        is_text = declared.encoding == "utf-8"
        self._source = declared.content.encode() if is_text else self._bench.input_path(data.path)
        return data

    def _data_rows(self, data: DataRecord) -> Iterator[Row]:
        try:
            yield from read_rows(self._source, data.format, data.id_column, data.rows)
            if isinstance(self._source, Path):  # hours may have passed
                self._bench.input_path(data.path)
        except BadData as error:
            where = f"{data.path}:{error.line}" if error.line else data.path
            raise StepFailed(
                error.what, code="data", where=where, expected=error.expected, got=error.got, hint=error.hint
            ) from error
        except OSError as error:
            raise StepFailed(
                "a data set cannot be read here", code="missing_input", where=data.path, got=str(error.strerror)
            ) from error

    def _cells_done(self, step: str) -> int:
        value = self._bench.values.get(step)
        done = value.get("done") if isinstance(value, dict) else None
        if not isinstance(done, int):
            raise StepFailed(f"step {step!r} did not fan out", code="no_value", where=self._bench.record.id)
        return done

    def _cells_of(self, step: str) -> Iterator[Row]:
        """The cells of an earlier step that were done, as rows; `line` counts from 1."""
        path = items_path(step)
        try:
            with (self._bench.root / path).open("rb") as lines:
                for number, line in enumerate(lines, start=1):
                    item = _decoder.decode(line)
                    if item.status == "done":
                        values = {
                            "id": item.item,
                            "row": item.row,
                            "matrix": item.matrix,
                            "repeat": item.repeat,
                            "value": item.value,
                        }
                        yield Row(cells.row_id(item.item, item.matrix, item.repeat), values, number)
        except (OSError, msgspec.MsgspecError) as error:
            raise EvidenceError("a recorded file cannot be read", where=path, got=str(error)) from error

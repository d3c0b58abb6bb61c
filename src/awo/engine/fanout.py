"""One step that does its work once for each cell: rows of data, combinations of its matrix, repeats.

Cells are drawn from the data one by one by a bounded number of workers; results are put in the
order of the cells at the end, whatever the order in which they come.
"""

from __future__ import annotations

import asyncio
from array import array
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any, BinaryIO

from awo.canon.json import encode_sorted
from awo.engine.calls import Calls
from awo.engine.desk import Bench, EngineDesk
from awo.engine.groups import first_error
from awo.engine.models import ModelGone
from awo.engine.traffic import Stopping
from awo.errors import AwoError, DiskTrouble, EvidenceError, StepFailed
from awo.evidence import events as ev
from awo.evidence.layout import items_path
from awo.evidence.records import CellsRecord, ItemLine
from awo.evidence.secrets import SecretCutter
from awo.lifecycle.steps import StepState
from awo.ops.seam import Operation
from awo.workflow.cells import Cell
from awo.workflow.words import Args


class FanOut:
    """The cells of one attempt of a step. `cells` gives them from the first, anew each time it is called."""

    def __init__(
        self,
        step: StepState,
        record: CellsRecord,
        operation: Operation[Args],
        args: Args,
        bench: Bench,
        calls: Calls,
        cells: Callable[[], Iterator[Cell]],
        count: int,
    ) -> None:
        self._step = step
        self._record = record
        self._operation = operation
        self._args = args
        self._bench = bench
        self._calls = calls
        self._cells = cells
        self._count = count
        self._results = Results(bench.outputs.spool(), count, bench.secrets)
        self._first_failure: StepFailed | None = None
        self._ending: AwoError | Stopping | None = None

    async def run(self, workers: int) -> dict[str, Any]:
        """The step's value: `{"cells", "done", "failed", "path"}`; items.jsonl is written.

        Raises `StepFailed` when too many cells failed (code `items`) or a model answers nobody, and
        `Stopping`; responses stay in every case.
        """
        try:
            self._announce()
            source = self._source()
            async with asyncio.TaskGroup() as group:
                for _ in range(max(1, min(workers, self._count))):
                    group.create_task(self._work(source))
            if self._ending is not None:
                raise self._ending
            self._bench.outputs.keep_items(self._results.in_order())
            return self._value()
        except BaseExceptionGroup as group_error:
            raise first_error(group_error) from group_error
        finally:
            self._results.close()

    def _announce(self) -> None:
        first = next(self._cells(), None)
        asks = 0
        if first is not None and self._operation.requests is not None:
            with suppress(StepFailed):  # that cell will fail, as any other may
                asks = len(self._operation.requests(self._args, EngineDesk(self._bench, first))) * self._count
        step = self._step
        self._bench.journal.append(
            ev.FannedOut, step=step.record.id, attempt=step.attempts, cells=self._count, asks=asks
        )

    def _source(self) -> Iterator[Cell]:
        """What was never asked comes first, so that a resumed run is soon at new work."""
        answered = self._step.answered
        if answered is None:
            yield from self._cells()
            return
        known = answered.cells()
        yield from (cell for cell in self._cells() if cell.index not in known)
        yield from (cell for cell in self._cells() if cell.index in known)

    async def _work(self, source: Iterator[Cell]) -> None:
        while self._ending is None:
            try:
                cell = next(source, None)
            except StepFailed as error:
                self._end(error)
                return
            if cell is None:
                return
            desk = EngineDesk(self._bench, cell)
            try:
                value = await self._operation.perform(self._args, desk)
            except (EvidenceError, DiskTrouble):
                raise
            except (ModelGone, Stopping) as error:
                self._end(error)
            except StepFailed as error:
                self._put(cell, desk, error.code, error)
            except AwoError as error:
                self._end(error)
            except Exception as error:
                broke = f"the operation {self._operation.name} broke: {type(error).__name__}: {error}"
                self._put(cell, desk, "fault", StepFailed(broke, code="fault"))
            else:
                self._results.put(cell, value, None, desk.calls)

    def _end(self, error: AwoError | Stopping) -> None:
        """Nothing new is begun; what is in flight comes to its end."""
        if self._ending is None or isinstance(self._ending, Stopping):
            self._ending = error
        self._calls.is_ending = True

    def _put(self, cell: Cell, desk: EngineDesk, code: str, error: StepFailed) -> None:
        reason = ev.Reason(code=code, message=self._bench.secrets.cut_text(error.what))
        self._first_failure = self._first_failure or error
        self._results.put(cell, None, reason, desk.calls)

    def _value(self) -> dict[str, Any]:
        failed, step = self._results.failed, self._step.record.id
        if failed > self._record.max_failed:
            raise self._too_many(failed)
        return {"cells": self._count, "done": self._count - failed, "failed": failed, "path": items_path(step)}

    def _too_many(self, failed: int) -> StepFailed:
        """The error for the step, with all that is known of the first cell that failed."""
        first = self._first_failure
        assert first is not None
        is_vain = first.is_final or first.code in ("outcome_unknown", "template")  # a template stays as it is
        retry = "" if is_vain else "`awo retry RUN` asks again for what failed"
        return StepFailed(
            f"{failed} of {self._count} cells failed, and max_failed is {self._record.max_failed}; "
            f"the first: {first.what}",
            code="items",
            where=first.where or self._step.record.id,
            expected=first.expected,
            got=first.got,
            hint="; ".join(filter(None, [first.hint, retry])),
        )


class Results:
    """Results as they come, in a file without a name; `in_order` gives their lines by cell. 16 bytes a cell."""

    def __init__(self, spool: BinaryIO, count: int, secrets: SecretCutter) -> None:
        self._spool = spool
        self._secrets = secrets
        self._offsets = array("Q", bytes(8 * count))
        self._sizes = array("Q", bytes(8 * count))
        self._end_bytes = 0
        self.failed = 0

    def put(self, cell: Cell, value: Any, reason: ev.Reason | None, calls: list[str]) -> None:
        """Takes the result of one cell."""
        item = ItemLine(
            cell=cell.index,
            item=cell.item_id,
            matrix=dict(cell.matrix),
            repeat=cell.repeat,
            row=dict(cell.row),
            status="failed" if reason else "done",
            reason=reason,
            value=value,
            calls=calls,
        )
        line = self._secrets.cut(encode_sorted(item))
        self._offsets[cell.index] = self._end_bytes
        self._sizes[cell.index] = len(line) + 1
        try:
            self._end_bytes += self._spool.write(line + b"\n")
        except OSError as error:
            raise DiskTrouble("a result cannot be kept", got=str(error.strerror)) from error
        if reason is not None:
            self.failed += 1

    def in_order(self) -> Iterator[bytes]:
        """Every line with its newline, by cell."""
        end_bytes = -1
        for offset, size_bytes in zip(self._offsets, self._sizes, strict=True):
            if offset != end_bytes:
                self._spool.seek(offset)
            yield self._spool.read(size_bytes)
            end_bytes = offset + size_bytes

    def close(self) -> None:
        self._spool.close()

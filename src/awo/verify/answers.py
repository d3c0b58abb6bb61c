"""Holds the steps that asked models against the plan: what each asked, and what its answers and failures give."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import chain, islice
from typing import Any, Final, NamedTuple

import msgspec

from awo.canon.json import encode_sorted
from awo.derive.answers import shown_as
from awo.derive.concluding import NotConcluded, calls_of, concluded, templates_of
from awo.derive.facts import StepFacts
from awo.errors import CannotCheck, EvidenceError, StepFailed
from awo.evidence.layout import items_path
from awo.evidence.records import CellsRecord, ItemLine, ResponseLine
from awo.verify.compared import differences
from awo.verify.findings import MOST_FINDINGS, Answer
from awo.verify.reading import rows_of
from awo.verify.requests import Requests, departures
from awo.verify.responses_again import Responses
from awo.verify.second_core import LEAST_BYTES, Helper
from awo.verify.sources import Package, PackageSources
from awo.verify.usual_cells import UsualCells
from awo.workflow.cells import Cell, cells_a_row, place_of
from awo.workflow.datasets import BadData

CONCLUDED_AS_FAILURES = ("objection_stands", "refuters_unclear")
"""Reasons of failed cells that follow from their answers."""

ONE_QUESTION = ("llm_map", "fanout_generate")
"""Operations that ask one question, until an answer follows its schema."""

ANSWERED_AT_ONCE = ("llm_map", "fanout_generate", "grade", "prefer")
"""Operations whose number of requests does not depend on the answers."""

FAILURES_OF_CALLS = frozenset(
    {
        "auth",
        "bad_answer",
        "bad_request",
        "context_length",
        "cut_off",
        "no_credit",
        "outcome_unknown",
        "overloaded",
        "rate_limited",
        "timeout",
        "too_large",
        "unknown_model",
        "unreachable",
    }
)
"""Reasons of failed cells that a call of the cell must have had."""


CELLS_AT_ONCE: Final = 200
ALL_RIGHT: Final = b"right"


class Beside(NamedTuple):
    """A copy of this process that looks at the cells from `first` on."""

    helper: Helper
    first: int


class Asked:
    """A step that asked models. `check` finds each of its requests that the plan does not make, each of its
    values that its responses do not give, and each answer or failure that is passed over."""

    def __init__(self, package: Package, step: StepFacts, answer: Answer) -> None:
        self._package = package
        self._step = step
        self._op = step.record.op
        self._args: Mapping[str, Any] = step.record.arguments()
        self._templates = templates_of(self._op, self._args)
        self._sources = PackageSources(package, step.record.id)
        self._requests = Requests(self._op, self._args, package.plan, self._sources)
        self._responses = Responses(package, step.record.id)
        self._answer = answer
        self._with_secrets = 0

    def check(self) -> None:
        """Raises as `Package` where the step cannot be read."""
        step = self._step
        if step.record.cells is not None:
            path = items_path(step.record.id)
            if any(reader.path == path and reader.misshapen for reader in self._package.reading.items):
                raise CannotCheck("the items are not in their shape", where=path)
            rows = Rows(self._package, step.record.cells)
            self._items(path, rows)
        elif step.value is not None:
            value = self._package.value(step.value.path)
            self._held_against(lambda: calls_of(self._op, value), value, step.value.path, None)
        if self._with_secrets:
            which = f"{self._with_secrets} requests of step {step.record.id}"
            self._answer.note(f"{which} cannot be held against the plan: a secret was cut")

    def _items(self, path: str, rows: Rows) -> None:
        """Many cells at once as long as nothing is to be said of them; then one by one."""
        usual = UsualCells.of(self._package, self._step, self._responses, self._sources)
        beside = self._beside(path, usual) if usual is not None else None
        try:
            self._in_turn(path, rows, usual, beside)
        finally:
            if beside is not None:
                beside.helper.close()

    def _in_turn(self, path: str, rows: Rows, usual: UsualCells | None, beside: Beside | None) -> None:
        items = self._package.items(path)
        waiting: list[tuple[ItemLine, Cell, str]] = []
        is_over, count = False, 0
        while not is_over:
            is_second_half = usual is not None and beside is not None and count == beside.first
            if is_second_half and beside is not None and beside.helper.answer() == ALL_RIGHT:
                return
            try:
                most = CELLS_AT_ONCE if usual is not None else 1
                waiting.extend((item, *rows.cell_of(item)) for item in islice(items, most))
            except Exception:
                self._each(waiting, path)  # of what came before it something may have to be said first
                if self._answer.left_out:
                    return
                raise
            is_over = not waiting
            count += len(waiting)
            if usual is None or not usual.are_right(waiting):
                usual = None
                self._each(waiting, path)
            waiting = []
            is_over = is_over or bool(self._answer.left_out)

    def _beside(self, path: str, usual: UsualCells) -> Beside | None:
        """The second half of many cells, held against the plan on a second core: it says that all are right, or
        nothing."""
        package, cells = self._package, self._step.record.cells
        reader = next((one for one in package.reading.items if one.path == path), None)
        if cells is None or reader is None or package.reading.spool.size_bytes(path) < LEAST_BYTES // 4:
            return None
        first = reader.count // (2 * CELLS_AT_ONCE) * CELLS_AT_ONCE
        package.reading.spool.flush()

        def work() -> Iterator[bytes]:
            rows = Rows(package, cells)
            items = package.items(path) if rows.go_by else package.items(path, first)
            for _ in range(first if rows.go_by else 0):
                rows.cell_of(next(items))
            while waiting := [(item, *rows.cell_of(item)) for item in islice(items, CELLS_AT_ONCE)]:
                if not usual.are_right(waiting):
                    return
            yield ALL_RIGHT

        helper = Helper.start(work)
        return Beside(helper, first) if helper is not None else None

    def _each(self, waiting: Sequence[tuple[ItemLine, Cell, str]], path: str) -> None:
        for item, cell, fault in waiting:
            if self._answer.left_out:
                return
            self._item(item, cell, fault, f"{path}:{item.cell + 1}")

    def _item(self, item: ItemLine, cell: Cell, fault: str, where: str) -> None:
        if fault:
            self._answer.fail(where, fault)
        if item.reason is None:
            self._held_against(lambda: item.calls, item.value, where, cell)
        elif item.reason.code in CONCLUDED_AS_FAILURES:
            self._held_against(lambda: item.calls, None, where, cell, item.reason.code)
        else:
            self._failed(item, cell, where, item.reason.code)

    def _held_against(self, calls: Any, got: Any, where: str, cell: Cell | None, code: str = "") -> None:
        answer = self._answer
        try:
            named = calls()
            lines = self._responses.of(named)
            moved = next((line for line in lines if cell is not None and line.cell != cell.index), None)
            if moved is not None:
                raise EvidenceError("the value rests on an answer to another cell", got=f"call {moved.call}")
            broken = self._responses.in_cell(cell.index if cell is not None else 0, named)
            self._nothing_passed_over(broken, where)
            self._as_planned(lines, broken, where, cell)
            texts = {name: self._sources.render(text, cell) for name, text in self._templates.items()}
            data = encode_sorted(concluded(self._op, self._args, lines, texts))
        except NotConcluded as error:
            answer.cannot(where, str(error))
        except EvidenceError as error:
            answer.fail(where, error.what, error.expected, error.got)
        except StepFailed as error:
            if error.code != code:
                answer.fail(where, f"the answers give another end: {error.what}", error.expected, error.got)
        else:
            if code:
                answer.fail(where, "the cell failed, and its answers give a value", code)
            elif data != encode_sorted(got):
                for one in islice(differences(msgspec.json.decode(data), got), MOST_FINDINGS):
                    place = f"{where}: {one.place}" if one.place else where
                    answer.fail(place, "the recorded value is not the one that its responses give", *one[1:])

    def _nothing_passed_over(self, broken: Sequence[ResponseLine], where: str) -> None:
        """Every answer that follows its schema counts: nobody may ask twice and take what they like better."""
        for line in broken:
            if not line.schema_fault:
                self._answer.fail(where, "an answer that was recorded is passed over", got=f"call {line.call}")

    def _as_planned(
        self, lines: Sequence[ResponseLine], broken: Sequence[ResponseLine], where: str, cell: Cell | None
    ) -> None:
        """The requests behind the value, and those whose answers broke their schema, are those that the plan makes."""
        asked = self._requests.of(cell, lines)
        faults = departures(self._requests, asked, lines, cell)
        if self._op in ONE_QUESTION and broken and asked:
            by_model = {one.model: one for one in asked}
            again = [by_model.get(line.model, asked[0]) for line in broken]
            faults = chain(faults, departures(self._requests, again, broken, cell))
        for fault in faults:
            if fault is None:
                self._with_secrets += 1
            else:
                self._answer.fail(f"{where}, {fault.where}", fault.what, fault.expected, fault.got)

    def _failed(self, item: ItemLine, cell: Cell, where: str, code: str) -> None:
        """A cell without a value has none for a reason that is on record, and no answer that would give one."""
        there = [line for line in self._responses.in_cell(cell.index) if not line.schema_fault]
        try:
            asked = self._requests.of(cell, there)
        except StepFailed as error:
            if error.code != code:
                self._answer.fail(where, f"the cell fails for another reason: {error.what}", error.code, code)
            return
        if code == "template":
            self._answer.fail(where, "the cell failed for its templates, and they can be filled in", got=code)
        elif self._op in ANSWERED_AT_ONCE and asked and len(there) >= len(asked):
            self._answer.fail(where, "the cell failed, and every request of it has an answer", got=code)
        elif self._package.plan.rescores or self._step.record.id in self._package.untouched:
            return  # it failed so in the run whose answers these are
        elif code == "schema" and len(there) == len(self._responses.in_cell(cell.index)):
            self._answer.fail(where, "the cell failed for its schema, and no answer breaks it", got=code)
        elif code in FAILURES_OF_CALLS and not self._has_failure(cell.index, code):
            self._answer.fail(where, "no call of the cell failed for the reason that it gives", got=code)

    def _has_failure(self, cell: int, code: str) -> bool:
        journal = self._package.reading.journal
        return journal is not None and (self._step.record.id, cell, code) in journal.failures


class Rows:
    """The cells of a step as the plan has them: their rows from the data set, or from the step that it goes over."""

    def __init__(self, package: Package, cells: CellsRecord) -> None:
        self._cells = cells
        self._columns: list[str] = []
        self._items: Iterator[ItemLine] | None = None
        self._rows = rows_of(package.plan, cells)
        if cells.over is not None and cells.over.kind == "step":
            self._items = package.items(items_path(cells.over.name))
        elif cells.over is not None and cells.over.name in package.plan.data:
            self._columns = package.plan.data[cells.over.name].columns
        self._at: tuple[int, Mapping[str, Any], str] = (-1, {}, "")
        self._only = place_of(0, cells.matrix, cells.repeats) if cells_a_row(cells.matrix, cells.repeats) == 1 else None

    @property
    def go_by(self) -> bool:
        """Whether each row is read only once, in its order."""
        return self._rows is not None or self._items is not None

    def cell_of(self, item: ItemLine) -> tuple[Cell, str]:
        """The cell of an item, its keys in the order in which templates see them; and what is wrong with its row."""
        if (only := self._only) is not None:
            row, fault = self._row(item.cell, item)
            return Cell(item.cell, item.item, row, only.matrix, only.repeat), fault
        place = place_of(item.cell, self._cells.matrix, self._cells.repeats)
        row, fault = self._row(place.row, item)
        return Cell(item.cell, item.item, row, place.matrix, place.repeat), fault

    def _row(self, number: int, item: ItemLine) -> tuple[Mapping[str, Any], str]:
        if number == self._at[0]:
            return self._at[1], self._at[2]
        row: Mapping[str, Any] = {name: item.row[name] for name in self._columns if name in item.row} or item.row
        fault = ""
        if self._rows is not None:  # compared in EP-1.8
            try:
                found = next(self._rows, None)
            except BadData:
                found = None
            row = found.values if found is not None else row
        elif self._items is not None:
            before = next((one for one in self._items if one.status == "done"), None)
            if before is None:
                fault = "there is no such cell in the step that this one goes over"
            else:
                shown = shown_as(before)
                if shown.item_id != item.item or any(differences(shown.row, item.row)):
                    fault = "the row of this cell is not the cell of the step that it goes over"
                row = shown.row
        self._at = (number, row, fault)
        return row, fault

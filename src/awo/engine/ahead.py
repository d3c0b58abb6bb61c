"""What a step will ask, said before it runs: with inputs and data sets, but without the values of other steps."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import islice
from pathlib import Path
from typing import Any, Final

import msgspec

from awo import plugins
from awo.canon.digest import sha256_file
from awo.errors import CannotCheck, EvidenceError, StepFailed
from awo.evidence.events import FileRef
from awo.evidence.records import CellsRecord, InputFile, InputRecord, OverRecord
from awo.ops.seam import Ask, Operation
from awo.workflow import templates
from awo.workflow.cells import NO_ROWS, Cell, cells
from awo.workflow.datasets import BadData, Row, read_values
from awo.workflow.definition import Step
from awo.workflow.fan_out import Counted
from awo.workflow.words import Args

NO_CELL: Final = Cell(0, "", {}, {}, 0)


class Ahead:
    """One step before it runs; implements `awo.ops.seam.Writing`.

    `is_known` is false once a text was asked for that waits for another step: it came out empty.
    `cell` is the cell at hand. `steps_ahead` says that `item` is a cell of another step.
    """

    def __init__(self, record: InputRecord, *, item_waits: bool) -> None:
        self.is_known = True
        self.cell = NO_CELL
        self._record = record
        self._item_waits = item_waits
        self._files: dict[str, InputFile] | None = None
        self._waiting: dict[str, bool] = {}

    @property
    def default_model(self) -> str:
        return self._record.default_model

    def render(self, template: str) -> str:
        if self.waits(template):
            self.is_known = False
            return ""
        return templates.render(template, inputs=self._record.inputs, steps={}, cell=self.cell)

    def fill(self, value: Any) -> Any:
        """As the seam says; a text that waits stays as it is."""
        if isinstance(value, str):
            if self.waits(value):
                return value
            return templates.fill(value, inputs=self._record.inputs, steps={}, cell=self.cell)
        if isinstance(value, Mapping):
            return {key: self.fill(inner) for key, inner in value.items()}
        if isinstance(value, (list, tuple)):
            return [self.fill(inner) for inner in value]
        return value

    def read_text(self, path: str) -> str:
        return self._declared(path).content

    def file_ref(self, path: str) -> FileRef:
        declared = self._declared(path)
        return FileRef(path=path, sha256=declared.sha256, size_bytes=declared.size_bytes)

    def _declared(self, path: str) -> InputFile:
        if self._files is None:
            self._files = {file.path: file for file in self._record.files}
        if path not in self._files:
            raise StepFailed("the step reads a file that the workflow does not declare", code="undeclared", got=path)
        return self._files[path]

    def waits(self, template: str) -> bool:
        if not templates.is_template(template):
            return False
        known = self._waiting.get(template)
        if known is None:
            names = templates.names_used(template)
            known = bool(names.steps) or (self._item_waits and "item" in names.cell)
            self._waiting[template] = known
        return known


def operation_of(op: str) -> Operation[Any]:
    """The operation of that name."""
    operation: Operation[Any] = plugins.load(plugins.OPERATIONS, op, "operation")
    return operation


def asks_ahead(operation: Operation[Any], args: Args, ahead: Ahead, cell: Cell) -> list[Ask]:
    """What the step will ask in this cell; `ahead.is_known` then says whether the texts are the real ones.

    Empty for an operation that asks nobody, and for a cell that will fail for want of a name or a file.
    """
    if operation.requests is None:
        return []
    ahead.cell = cell
    ahead.is_known = True
    try:
        return operation.requests(args, ahead)
    except StepFailed:
        ahead.is_known = False
        return []


def cells_ahead(record: InputRecord, root: Path, fan_out: CellsRecord, earlier: int) -> Iterator[Cell]:
    """The cells of a step, ids aside. `earlier` is how many cells the step has that it goes over, if it does.

    Raises `CannotCheck` when the data set is not here as it was.
    """
    return cells(_rows_ahead(record, root, fan_out, earlier), fan_out.matrix, fan_out.repeats)


def _rows_ahead(record: InputRecord, root: Path, fan_out: CellsRecord, earlier: int) -> Iterator[Row]:
    over = fan_out.over
    if over is None:
        yield from NO_ROWS
    elif over.kind == "step":
        for number in range(earlier):
            yield Row("", {}, number + 1)
    else:
        data = record.data[over.name]
        try:
            for values, line in read_values(data_source(record, root, data.path), data.format, data.rows):
                yield Row("", values, line)
        except BadData as error:
            raise CannotCheck(error.what, where=f"{data.path}:{error.line}", got=error.got, hint=error.hint) from error


def data_source(record: InputRecord, root: Path, path: str) -> Path | bytes:
    """A data set's content on record, or its file. Raises `CannotCheck` when that is not as it was."""
    declared = next((file for file in record.files if file.path == path), None)
    if declared is None:
        raise EvidenceError("input.json has no file of this data set", where=path)
    if declared.encoding == "utf-8":
        return declared.content.encode()
    try:
        sha256, _ = sha256_file(root / path)
    except OSError as error:
        raise CannotCheck("a data set cannot be read here", where=path, got=str(error.strerror).lower()) from error
    if sha256 != declared.sha256:
        raise CannotCheck(
            "a data set is not as it was", where=path, expected=f"SHA-256 {declared.sha256}", got=f"SHA-256 {sha256}"
        )
    return root / path


def cells_record(step: Step, counted: Counted) -> CellsRecord | None:
    """How a step fans out, as input.json has it; None for one that is done once."""
    fan_out = step.fan_out
    if fan_out is None:
        return None
    return CellsRecord(
        over=OverRecord(kind=fan_out.over.kind, name=fan_out.over.name) if fan_out.over is not None else None,
        matrix={name: list(values) for name, values in fan_out.matrix.items()},
        repeats=fan_out.repeats,
        max_failed=counted.max_failed[step.id],
    )


def first_cells(record: InputRecord, root: Path, fan_out: CellsRecord | None, most: int) -> list[Cell]:
    """The first cells of a step, at most so many; one without a place for a step that is done once."""
    return [NO_CELL] if fan_out is None else list(islice(cells_ahead(record, root, fan_out, 1), most))


def args_of(operation: Operation[Any], arguments: Mapping[str, Any]) -> Args:
    """The arguments of a step as input.json has them."""
    args: Args = msgspec.convert(arguments, operation.args)
    return args

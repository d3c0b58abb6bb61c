"""How steps fan out: what their keys say, the data sets they go over, and how many cells that makes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import msgspec
from msgspec import UNSET

from awo.canon.positions import Path
from awo.workflow import templates
from awo.workflow.cells import MOST_CELLS, cells_a_row
from awo.workflow.datasets import BadData, DataFormat, count_rows
from awo.workflow.definition import AnyInput, DataInput, FanOut, Over, Step, StepShape
from awo.workflow.faults import Fault
from awo.workflow.files import BadFile, Folder
from awo.workflow.marks import marked_in
from awo.workflow.names import BadText
from awo.workflow.references import bad_column_names


@dataclass(frozen=True, slots=True)
class DataSet:
    """A data set that was gone through once: every one of its `rows` fits its `columns`."""

    path: str
    format: DataFormat
    id_column: str
    rows: int
    columns: tuple[str, ...]


def of_shape(shape: StepShape) -> FanOut | None:
    """How the step fans out; None when it is done once."""
    if shape.over is UNSET and shape.matrix is UNSET and shape.repeats is UNSET:
        return None
    return FanOut(
        over=_over(shape),
        matrix={} if shape.matrix is UNSET else shape.matrix,
        repeats=1 if shape.repeats is UNSET else shape.repeats,
        max_failed=0 if shape.max_failed is UNSET else shape.max_failed,
    )


def _over(shape: StepShape) -> Over | None:
    match shape.over:
        case str(name):
            return Over("data", name, ("over",))
        case msgspec.UNSET:
            return None
        case over:
            if over.step is not UNSET:
                return Over("step", over.step, ("over", "step"))
            return Over("data", "" if over.data is UNSET else over.data, ("over", "data"))


def read_data(folder: Folder, inputs: Mapping[str, AnyInput]) -> tuple[dict[str, DataSet], list[Fault]]:
    """Goes once through each data set whose file `folder` can read; gives them by name, and what is wrong with them."""
    found: dict[str, DataSet] = {}
    faults: list[Fault] = []
    for name, declared in inputs.items():
        if not isinstance(declared, DataInput):
            continue
        place = ("inputs", name, "data")
        try:
            folder.read(declared.path)
        except BadFile:
            continue  # told with the other files
        try:
            counted = count_rows(folder.path_of(declared.path), declared.format, declared.id_column, declared.limit)
        except BadData as error:
            where = f"{declared.path}:{error.line}" if error.line else declared.path
            faults.append(Fault(place, f"{error.what} ({where})", error.expected, error.got, error.hint))
        except OSError as error:
            faults.append(Fault(place, f"the file {declared.path!r} cannot be read", got=str(error.strerror).lower()))
        else:
            found[name] = DataSet(declared.path, declared.format, declared.id_column, counted.rows, counted.columns)
    return found, faults


def bad_columns(steps: Iterable[Step], data: Mapping[str, DataSet]) -> Iterator[Fault]:
    """The columns that templates name and the data sets have not."""
    for step in steps:
        over = step.fan_out.over if step.fan_out else None
        if over is None or over.kind != "data" or over.name not in data:
            continue
        for marked in marked_in(step.args):
            if marked.kind in ("template", "image") and templates.is_template(marked.text):
                try:
                    names = templates.names_used(marked.text)
                except BadText:
                    continue  # told with the references
                columns = data[over.name].columns
                yield from bad_column_names(names, columns, f"the data set {over.name!r}", step.path_of(marked.path))


@dataclass(frozen=True, slots=True)
class Counted:
    """How many cells each step that fans out has at most, and how many of them may fail, by the step's id.

    A step that goes over the cells of another has fewer where some of those fail.
    """

    cells: Mapping[str, int]
    max_failed: Mapping[str, int]
    faults: tuple[Fault, ...]


def counted(steps: Iterable[Step], data: Mapping[str, DataSet]) -> Counted:
    """The cells of all steps, and each matrix that says a thing twice or makes too many cells."""
    fanning = {step.id: step for step in steps if step.fan_out}
    cells: dict[str, int] = {}
    max_failed: dict[str, int] = {}
    faults: list[Fault] = []
    for id_, step in fanning.items():
        faults += _said_twice(step)
        number = _cells_of(id_, fanning, data, cells)
        if number > MOST_CELLS:
            what = f"the step {id_!r} has too many cells"
            faults.append(Fault((*step.place, _widest(step)), what, f"at most {MOST_CELLS}", str(number), is_key=True))
        cells[id_] = number
        failures = _failures(step, number)
        if isinstance(failures, Fault):
            faults.append(failures)
        else:
            max_failed[id_] = failures
    return Counted(cells, max_failed, tuple(faults))


def _cells_of(id_: str, fanning: Mapping[str, Step], data: Mapping[str, DataSet], known: Mapping[str, int]) -> int:
    """The cells of a step, through the steps that it goes over: they form no circle, which was checked before."""
    number = 1
    step: Step | None = fanning[id_]
    while step is not None and step.fan_out is not None:
        number *= cells_a_row(step.fan_out.matrix, step.fan_out.repeats)
        over = step.fan_out.over
        if over is None:
            break
        if over.kind == "data":
            return number * (data[over.name].rows if over.name in data else 1)
        if over.name in known:
            return number * known[over.name]
        step = fanning.get(over.name)
    return number


def _failures(step: Step, cells: int) -> int | Fault:
    """How many of a step's cells may fail."""
    said = step.fan_out.max_failed if step.fan_out else 0
    if isinstance(said, int):
        return said
    over = step.fan_out.over if step.fan_out else None
    if over is not None and over.kind == "step":
        what = "a share needs a number of cells that is known before the run"
        return Fault((*step.place, "max_failed"), what, "a whole number", f"a share of the cells of {over.name!r}")
    return int(Fraction(said.removesuffix("%")) * cells / 100)


def _widest(step: Step) -> str:
    fan_out = step.fan_out
    if fan_out is not None and fan_out.over is None:
        return "matrix" if fan_out.matrix else "repeats"
    return "over"


def _said_twice(step: Step) -> Iterator[Fault]:
    """Equal values of one name would be the same request, bought twice."""
    for name, values in step.fan_out.matrix.items() if step.fan_out else ():
        seen: set[bytes] = set()
        for index, value in enumerate(values):
            spelled = _spelled(value)
            if spelled in seen:
                place: Path = (*step.place, "matrix", name, index)
                yield Fault(place, "this value stands here twice", hint="use `repeats` to ask the same again")
            seen.add(spelled)


def _spelled(value: Any) -> bytes:
    return msgspec.json.encode(value, order="sorted")

"""What a workflow refers to: steps, inputs and models by name. Unknown names are found here; so is who needs whom."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Final, Literal

from awo.canon.paths import why_not_inside
from awo.canon.positions import Path
from awo.plugins import nearest
from awo.workflow import models, templates
from awo.workflow.definition import Step
from awo.workflow.faults import Fault
from awo.workflow.marks import Marked, marked_in
from awo.workflow.names import CELL_NAMES, BadText, Names, did_you_mean

_METRIC_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,63}")

CELL_COLUMNS: Final = ("id", "row", "matrix", "repeat", "value")
"""What `item` has in a step that goes over the cells of another."""


@dataclass(frozen=True, slots=True)
class Known:
    """The names that the file declares. `data` has the inputs that are data sets, `fanning` the steps that fan out."""

    steps: Collection[str]
    inputs: Collection[str]
    models: Collection[str]
    data: Collection[str] = ()
    fanning: Collection[str] = ()


@dataclass(frozen=True, slots=True)
class References:
    """What one step refers to, each name once, in the order of first use; `models` with the place of that use."""

    steps: tuple[str, ...]
    models: Mapping[str, Path]
    faults: tuple[Fault, ...]


def references_of(step: Step, known: Known) -> References:
    """What `step` refers to, and each reference that leads nowhere. Faults have their place in the file.

    Whether a data set has the columns that templates name is not looked at: `fan_out.bad_columns`.
    """
    collector = _Collector(step, known)
    for index, need in enumerate(step.explicit_needs):
        collector.step(need, (*step.place, "needs", index))
    collector.over()
    if step.when:
        collector.marked(Marked("cel", (), step.when), (*step.place, "when"))
    found = list(marked_in(step.args))
    collector.metrics = {marked.text: None for marked in found if marked.kind == "metric"}
    for marked in found:
        collector.marked(marked, step.path_of(marked.path))
    return References(tuple(collector.steps), collector.models, tuple(collector.faults))


class _Collector:
    def __init__(self, step: Step, known: Known) -> None:
        self.of = step
        self.known = known
        self.steps: dict[str, None] = {}
        self.models: dict[str, Path] = {}
        self.metrics: Collection[str] = ()
        self.faults: list[Fault] = []

    def step(self, name: str, place: Path) -> None:
        if name in self.known.steps:
            self.steps[name] = None
        else:
            self._unknown("step", name, [other for other in self.known.steps if other != self.of.id], place)

    def over(self) -> None:
        """What the step goes over: a data set, or a step that fans out itself."""
        over = self.of.fan_out.over if self.of.fan_out else None
        if over is None:
            return
        place = (*self.of.place, *over.key)
        if over.kind == "step":
            self.step(over.name, place)
            if over.name in self.known.steps and over.name not in self.known.fanning:
                what = f"the step {over.name!r} is done once: it has no cells to go over"
                self.faults.append(Fault(place, what, ", ".join(self.known.fanning) or "a step that fans out"))
        elif over.name in self.known.inputs and over.name not in self.known.data:
            what = f"the input {over.name!r} is no data set"
            self.faults.append(Fault(place, what, hint="write the input as {data: PATH}"))
        elif over.name not in self.known.data:
            hint = f"did you mean {{step: {over.name}}}?" if over.name in self.known.steps else ""
            self._unknown("data set", over.name, self.known.data, place, hint)

    def marked(self, marked: Marked, place: Path) -> None:
        match marked.kind:
            case "step":
                self.step(marked.text, place)
            case "model":
                self._model(marked.text, place)
            case "template" | "cel":
                self._names("template" if marked.kind == "template" else "condition", marked.text, place)
            case "metric" | "measure" | "observation" | "claim_test":
                self._of_claim(marked, place)
            case "cell_template" | "cell_cel":
                look = self._names_of_seen_cell if marked.kind == "cell_template" else self._cell_condition
                look(marked.text, place)
            case "image":
                if templates.is_template(marked.text):
                    self._names("template", marked.text, place)
            case "param":
                self.faults += models.fault_of_param(marked.text, place)
            case "write":
                self._write(marked.text, place)
            case "read" | "glob" | "schema" | "params" | "metrics":
                pass  # files are looked at all together; what is in params is found one by one

    def _write(self, name: str, place: Path) -> None:
        if templates.is_template(name):
            self._names("template", name, place)
        elif why := why_not_inside(name):
            what = "a step may not write a file of this name"
            self.faults.append(Fault(place, what, "a name below the step's own folder", f"{name!r}: {why}"))

    def _model(self, name: str, place: Path) -> None:
        if not templates.is_template(name):
            self._model_called(name, place)
            return
        path = templates.sole_reference(name)
        matrix = self.of.fan_out.matrix if self.of.fan_out else {}
        if path is None or len(path) != 2 or path[0] != "matrix" or path[1] not in matrix:
            what, expected = "a model cannot be worked out by this template", "{{ matrix.NAME }}, or the model's name"
            self.faults.append(Fault(place, what, expected, repr(name)))
            return
        for index, value in enumerate(matrix[str(path[1])]):
            at = (*self.of.place, "matrix", path[1], index)
            if isinstance(value, str):
                self._model_called(value, at)
            else:
                self.faults.append(Fault(at, "this is no model's name", "text"))

    def _model_called(self, name: str, place: Path) -> None:
        if models.is_model(name, self.known.models):
            self.models.setdefault(name, place)
        else:
            self.faults.append(models.unknown_model(name, self.known.models, place))

    def _names(self, kind: str, text: str, place: Path) -> None:
        try:
            names = templates.names_used(text) if kind == "template" else _names_of_condition(text)
        except BadText as error:
            what = f"{error.what} (line {error.line} of the {kind})" if error.line > 1 else error.what
            self.faults.append(Fault(place, what, error.expected, error.got, error.hint))
            return
        self._steps_and_inputs(kind, names, place)
        for name in names.unknown:
            what = f"the {kind} names {name!r}, which is not there"
            is_of_cell = kind == "condition" and name.partition(".")[0] in CELL_NAMES
            hint = "a condition is asked once for the whole step" if is_of_cell else _where_meant(name, self.known)
            self.faults.append(Fault(place, what, "inputs.NAME or steps.ID", hint=hint))
        self._names_of_cell(names, place)

    def _steps_and_inputs(self, kind: str, names: Names, place: Path) -> None:
        for name in names.steps:
            self.step(name, place)
        for name in names.inputs:
            if name in self.known.data:
                what, hint = f"the input {name!r} is a data set", f"say `over: {name}`, and name item.COLUMN"
                self.faults.append(Fault(place, what, hint=hint))
            elif name not in self.known.inputs:
                self._unknown("input", name, self.known.inputs, place)

    def _names_of_seen_cell(self, text: str, place: Path) -> None:
        """A template over the cells of the step that is looked at: they are seen as a step over it sees them."""
        try:
            names = templates.names_used(text)
        except BadText as error:
            what = f"{error.what} (line {error.line} of the template)" if error.line > 1 else error.what
            self.faults.append(Fault(place, what, error.expected, error.got, error.hint))
            return
        self._steps_and_inputs("template", names, place)
        for name in names.unknown:
            what = f"the template names {name!r}, which is not there"
            self.faults.append(Fault(place, what, "item, inputs.NAME or steps.ID", hint=_where_meant(name, self.known)))
        for name in names.cell:
            if name != "item":
                what = f"the template names {name!r}, which is not there"
                self.faults.append(Fault(place, what, "item, inputs.NAME or steps.ID", hint=f"say item.{name}"))
        self.faults += bad_column_names(names, CELL_COLUMNS, "a cell that is looked at", place)

    def _cell_condition(self, text: str, place: Path) -> None:
        from awo.workflow import conditions

        try:
            names = conditions.names_used_for_cells(text)
        except BadText as error:
            what = f"{error.what} (line {error.line} of the expression)" if error.line > 1 else error.what
            self.faults.append(Fault(place, what, error.expected, error.got, error.hint))
            return
        self._steps_and_inputs("expression", names, place)

    def _of_claim(self, marked: Marked, place: Path) -> None:
        """What a metric or a claim rests on. An observation may be the bare name of a metric."""
        if marked.kind == "metric":
            self.faults += fault_of_metric_name(marked.text, place)
            return
        if marked.kind == "observation" and marked.text in self.metrics:
            return
        kind: Literal["measure", "observation", "test"] = "test"
        if marked.kind == "measure" or marked.kind == "observation":
            kind = marked.kind
        names, faults = names_of_claim(marked.text, kind, self.metrics, place)
        self.faults += faults
        self._steps_and_inputs("expression", names, place)

    def _names_of_cell(self, names: Names, place: Path) -> None:
        """What a template says of the cell at hand, as far as the file alone can tell."""
        fan_out = self.of.fan_out
        for name in names.cell:
            has_it = fan_out is not None and (name != "item" or fan_out.over is not None)
            if not has_it:
                what = f"the template names {name!r}, and the step goes over nothing that has it"
                self.faults.append(Fault(place, what, hint=_HINTS[name]))
        if fan_out is None:
            return
        for name in names.matrix:
            if name not in fan_out.matrix:
                hint = did_you_mean(name, list(fan_out.matrix))
                what = f"the matrix of this step has no {name!r}"
                self.faults.append(Fault(place, what, ", ".join(fan_out.matrix), hint=hint))
        if fan_out.over is not None and fan_out.over.kind == "step":
            self.faults += bad_column_names(names, CELL_COLUMNS, f"a cell of {fan_out.over.name!r}", place)

    def _unknown(self, kind: str, name: str, names: Collection[str], place: Path, hint: str = "") -> None:
        known = ", ".join(list(names)[:20]) if names else f"the workflow has no {kind}s"
        what = f"there is no {kind} called {name!r}"
        self.faults.append(Fault(place, what, known, "", hint or did_you_mean(name, list(names))))


_HINTS: Final = {
    "item": "say what the step goes over: `over: NAME` of a data set",
    "matrix": "say `matrix: {NAME: [value, …]}` in the step",
    "repeat": "say `repeats: N` in the step",
}


def bad_column_names(names: Names, columns: Collection[str], whose: str, place: Path) -> list[Fault]:
    """The columns that a template names and `whose` rows have not."""
    known = ", ".join(list(columns)[:20])
    return [
        Fault(place, f"{whose} has no column {name!r}", known, hint=_column_meant(name, columns))
        for name in names.columns
        if name not in columns
    ]


def _column_meant(name: str, columns: Collection[str]) -> str:
    near = nearest(name, list(columns))
    if not near:
        is_of_row = columns is CELL_COLUMNS and name.isidentifier()
        return f"did you mean item.row.{name}?" if is_of_row else ""
    return f"did you mean item.{near}?" if near.isidentifier() else f"did you mean item[{near!r}]?"


def _names_of_condition(text: str) -> Names:
    from awo.workflow import conditions

    return conditions.names_used(text)


def names_of_claim(
    text: str, kind: Literal["measure", "observation", "test"], metrics: Collection[str], place: Path
) -> tuple[Names, list[Fault]]:
    """What a text of a claim names, and what is wrong with it as far as its metrics go."""
    from awo.workflow import conditions

    known = ", ".join(list(metrics)[:20]) or "the step has no metrics"
    try:
        names = conditions.names_used(text, kind)
    except BadText as error:
        what = f"{error.what} (line {error.line} of the expression)" if error.line > 1 else error.what
        hint = error.hint or ("" if kind == "measure" else "prose belongs in `procedure`")
        return Names(), [Fault(place, what, error.expected, error.got, hint)]
    faults = [
        Fault(place, f"there is no metric called {name!r}", known, hint=did_you_mean(name, list(metrics)))
        for name in names.metrics
        if name not in metrics
    ]
    for name in names.unknown:
        if kind == "observation" and text == name:
            hint = did_you_mean(name, list(metrics))
            faults.append(Fault(place, f"there is no metric called {name!r}", known, hint=hint))
            continue
        hint = f"did you mean metrics.{name}?" if name in metrics and kind != "measure" else ""
        expected = "inputs.NAME or steps.ID" if kind == "measure" else "inputs.NAME, steps.ID or metrics.NAME"
        hint = hint or did_you_mean(name, ["inputs", "steps", "metrics"])
        faults.append(Fault(place, f"the expression names {name!r}, which is not there", expected, hint=hint))
    return names, faults


def fault_of_metric_name(name: str, place: Path) -> list[Fault]:
    """What is wrong with the name of a metric: expressions say metrics.NAME."""
    if _METRIC_NAME.fullmatch(name):
        return []
    expected = "letters, digits and _, and no digit first"
    return [Fault(place, f"a metric may not be called {name!r}", expected, is_key=True)]


def _where_meant(name: str, known: Known) -> str:
    """A hint for a bare name: the input or step it was meant for."""
    if name in known.inputs:
        return f"did you mean inputs.{name}?"
    if name in known.steps:
        return f"did you mean steps.{name}?" if name.isidentifier() else f"did you mean steps[{name!r}]?"
    return did_you_mean(name, ["inputs", "steps", *CELL_NAMES])

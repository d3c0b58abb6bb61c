"""Reads a workflow file and checks it: everything that is wrong is found before anything starts, and told at once."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any, Final

from msgspec import UNSET

from awo.canon import located
from awo.canon.located_elements import Elements
from awo.canon.paths import folded
from awo.canon.positions import Path as Place
from awo.errors import CannotCheck, UsageError
from awo.workflow import fan_out, graph, models, one_x
from awo.workflow.datasets import ENDINGS, format_of
from awo.workflow.definition import (
    FAN_OUT_KEYS,
    STAND_INS,
    STEP_KEYS,
    AnyInput,
    DataInput,
    DataShape,
    FileInput,
    Retries,
    RetryShape,
    Step,
    StepShape,
    ValueInput,
    Workflow,
    WorkflowShape,
)
from awo.workflow.faults import Fault, invalid
from awo.workflow.files import Folder, read_declared
from awo.workflow.names import did_you_mean
from awo.workflow.references import Known, references_of
from awo.workflow.shape import Checker
from awo.workflow.words import Args, StepKind

LARGEST_FILE_BYTES: Final = 32 * 2**20
MOST_GATES: Final = 100
_FAN_OUT_HINT: Final = "say what the step goes over: `over`, `matrix` or `repeats`"
NO_NEEDS: Final[list[int]] = []


def load(path: Path, operations: Mapping[str, StepKind]) -> Workflow:
    """The workflow in the file at `path`; `operations` says what each operation takes.

    Raises `WorkflowInvalid` with every problem found, in the order of the file; when there is one,
    files that steps read are looked at too. Raises `UsageError` when the file cannot be read.
    """
    value, source = located.read(_bytes_of(path), str(path), elements_of="steps")
    draft = _Draft(value, operations)
    draft.check()
    if draft.faults:
        folder = Folder(path.resolve().parent)
        draft.faults += read_declared(folder, draft.inputs, draft.steps.values())
        with contextlib.suppress(CannotCheck):  # what this machine lacks is told once the file is right
            data, faults = fan_out.read_data(folder, draft.inputs)
            draft.faults += [*faults, *fan_out.bad_columns(draft.steps.values(), data)]
        raise invalid(source, draft.faults)
    return draft.workflow(source)


def parse(data: bytes, file: str, operations: Mapping[str, StepKind]) -> Workflow:
    """As `load`, from the bytes of a file. Looks at no other file."""
    value, source = located.read(data, file, elements_of="steps")
    draft = _Draft(value, operations)
    draft.check()
    if draft.faults:
        raise invalid(source, draft.faults)
    return draft.workflow(source)


def _bytes_of(path: Path) -> bytes:
    try:
        if not path.is_file():
            what = "the workflow is no file" if path.exists() else "there is no workflow file here"
            raise UsageError(what, where=str(path), hint="give the path of a .yaml or .json file")
        if path.stat().st_size > LARGEST_FILE_BYTES:
            raise UsageError(
                "the workflow file is too large", where=str(path), expected=f"at most {LARGEST_FILE_BYTES} bytes"
            )
        return path.read_bytes()
    except OSError as error:
        raise UsageError(
            "the workflow file cannot be read", where=str(path), got=(error.strerror or "").lower()
        ) from error


class _Draft:
    """A workflow while it is checked: what was understood so far, and what is wrong."""

    def __init__(self, value: dict[str, Any], operations: Mapping[str, StepKind]) -> None:
        self.faults: list[Fault] = []
        self.inputs: dict[str, AnyInput] = {}
        self.steps: dict[int, Step] = {}
        self._value = value
        self._operations = operations
        self._checker = Checker(operations)
        self._shape: WorkflowShape | None = None
        self._ids: list[str] = []
        self._used_models: dict[str, Place] = {}
        self._needs: list[list[int]] = []

    def check(self) -> None:
        """Finds every fault. What is wrong in one place does not hide what is wrong in another."""
        shape = self._checker.convert(_without_steps(self._value), WorkflowShape)
        if isinstance(shape, list):
            self.faults += shape
        else:
            self._shape = shape
        self._check_inputs()
        steps = self._value.get("steps")
        for index, step in enumerate(steps if isinstance(steps, list | Elements) else ()):
            self._check_step(index, step)
        self._check_ids()
        self._check_models()
        self._check_budget()
        self._check_references()
        self._check_order()

    def workflow(self, source: located.Source) -> Workflow:
        """The workflow, when no fault was found."""
        shape = self._shape
        if shape is None or self.faults:
            raise AssertionError("a workflow with faults is none")
        gates = [index for index, step in self.steps.items() if step.is_gate]
        needs = graph.with_barriers(self._needs, gates)
        default = shape.default_model or next(iter(shape.models), "echo")
        named = {name: models.model_of(entry, shape.seed, ("models", name)) for name, entry in shape.models.items()}
        used = {default: ("default_model",) if shape.default_model else ()} | self._used_models
        for name in sorted(used, key=lambda name: name not in STAND_INS):
            if name not in named:
                named[name] = models.model_of(name, shape.seed, used[name])
        return Workflow(
            source=source,
            name=shape.name,
            description=shape.description,
            version=str(shape.version),
            seed=shape.seed,
            inputs=self.inputs,
            models=named,
            default_model=default,
            budget_usd="" if shape.budget is UNSET else models.amount(shape.budget),
            cache=shape.cache,
            steps=[
                replace(self.steps.pop(index), explicit_needs=(), needs=tuple(self._ids[n] for n in needs[index]))
                for index in list(self.steps)
            ],
        )

    def _check_inputs(self) -> None:
        for name, value in _mapping_in(self._value, "inputs").items():
            if not isinstance(value, dict):
                self.inputs[name] = ValueInput(value)
            elif list(value) == ["file"] and isinstance(value["file"], str):
                self.inputs[name] = FileInput(value["file"])
            elif list(value) == ["value"]:
                self.inputs[name] = ValueInput(value["value"])
            elif "data" in value:
                self._check_data_set(name, value)
            else:
                self._fault(
                    ("inputs", name),
                    f"the input {name!r} is not as it should be",
                    expected="a plain value, {file: PATH}, {data: PATH} or {value: …}",
                    got="a mapping with " + (", ".join(map(repr, value)) or "nothing in it"),
                    hint="write a mapping as {value: {…}}",
                )

    def _check_data_set(self, name: str, value: dict[str, Any]) -> None:
        place = ("inputs", name)
        shape = self._checker.convert(value, DataShape)
        if isinstance(shape, list):
            self.faults += [fault.below(place) for fault in shape]
            return
        kind = format_of(shape.data) if shape.format is UNSET else shape.format
        if kind is None:
            what, expected = "the format of the data set is not known", f"a name that ends in {', '.join(ENDINGS)}"
            self._fault((*place, "data"), what, expected=expected, got=repr(shape.data), hint="or say `format: csv`")
            return
        id_column = "" if shape.id is UNSET else shape.id
        self.inputs[name] = DataInput(shape.data, kind, id_column, 0 if shape.limit is UNSET else shape.limit)

    def _check_step(self, index: int, step: Any) -> None:
        place = ("steps", index)
        self._ids.append("")
        if not isinstance(step, dict):
            return  # told with the shape of the file
        split = one_x.split(step, index + 1)
        if isinstance(split.envelope["id"], str):
            self._ids[index] = split.envelope["id"]
        for name in split.twice:
            what = f"the argument {name!r} stands beside the step and in its args"
            self._fault((*place, "args", name), what, hint="keep one of them", is_key=True)
        envelope = self._checker.convert(split.envelope, StepShape)
        if isinstance(envelope, list):
            self.faults += [fault.below(place) for fault in envelope]
            envelope = self._what_is_left(split.envelope, {fault.path[0] for fault in envelope if fault.path})
        kind = self._operation(split.envelope.get("op"), place)
        if kind is None:
            return
        unused = [key for key in STEP_KEYS if key not in split.envelope]
        self._check_fan_out(split.envelope, kind, place)
        args = self._checker.convert(split.args, kind.args, also_known=unused)
        if isinstance(args, list):
            for fault in args:
                inside = ("args",) if fault.path and fault.path[0] in split.in_args else ()
                self.faults.append(fault.below((*place, *inside)))
        else:
            self.steps[index] = _step(envelope, args, split, index)

    def _check_fan_out(self, envelope: dict[str, Any], kind: StepKind, place: Place) -> None:
        said = [key for key in FAN_OUT_KEYS if key in envelope]
        if said and not kind.can_fan_out:
            able = [name for name, other in self._operations.items() if other.can_fan_out]
            what = f"{envelope['op']} is done once in a run: {said[0]!r} has no meaning here"
            self._fault((*place, said[0]), what, expected=", ".join(able), is_key=True)
        elif said == ["max_failed"]:
            what, hint = "'max_failed' has no meaning in a step that is done once", _FAN_OUT_HINT
            self._fault((*place, "max_failed"), what, hint=hint, is_key=True)

    def _what_is_left(self, envelope: dict[str, Any], wrong: set[str | int]) -> StepShape:
        """A faulty step without its faults, so that its references can still be looked at."""
        left = {key: value for key, value in envelope.items() if key not in wrong}
        shape = self._checker.convert({"id": "x", "op": "", **left}, StepShape)
        return StepShape(id="x", op="") if isinstance(shape, list) else shape

    def _operation(self, name: Any, place: Place) -> StepKind | None:
        if isinstance(name, str) and name not in self._operations:
            expected = ", ".join(self._operations)
            hint = did_you_mean(name, self._operations)
            self._fault((*place, "op"), f"there is no operation called {name!r}", expected=expected, hint=hint)
        return self._operations.get(name) if isinstance(name, str) else None

    def _check_ids(self) -> None:
        seen: dict[str, int] = {}
        for index, id_ in enumerate(self._ids):
            first = seen.setdefault(folded(id_), index) if id_ else index
            if first != index:
                other = self._ids[first]
                what = f"the step id {id_!r} stands here twice"
                if id_ != other:
                    what = f"the step ids {other!r} and {id_!r} differ by upper and lower case only"
                self._fault(("steps", index, "id"), what, hint="give every step a name of its own")

    def _check_models(self) -> None:
        entries = _mapping_in(self._value, "models")
        for name, entry in entries.items():
            self.faults += models.faults_of_entry(name, entry)
        default = self._value.get("default_model")
        if default and isinstance(default, str) and not models.is_model(default, entries):
            self.faults.append(models.unknown_model(default, entries, ("default_model",)))

    def _check_budget(self) -> None:
        budget = self._value.get("budget")
        faults = list(models.fault_of_amount(budget, ("budget",)))
        shape = self._shape
        if shape is not None and shape.budget is not UNSET and not faults and models.amount(shape.budget) == "0":
            faults = [Fault(("budget",), "the budget is nothing", "more than 0 US dollars")]
        self.faults += faults if shape is not None else ()

    def _check_references(self) -> None:
        known = Known(
            steps=dict.fromkeys(filter(None, self._ids)),
            inputs=_mapping_in(self._value, "inputs"),
            models=_mapping_in(self._value, "models"),
            data=[name for name, value in self.inputs.items() if isinstance(value, DataInput)],
            fanning={step.id: None for step in self.steps.values() if step.fan_out},
        )
        places = {self._ids[index]: index for index in range(len(self._ids) - 1, -1, -1)}
        self._needs = [NO_NEEDS] * len(self._ids)
        for index, step in self.steps.items():
            references = references_of(step, known)
            self._used_models = {**references.models, **self._used_models}
            self.faults += references.faults
            if references.steps:
                self._needs[index] = sorted(places[name] for name in references.steps)

    def _check_order(self) -> None:
        for circle in graph.cycles(self._needs):
            names = [self._ids[index] for index in circle]
            walk = " needs ".join([*names, names[0]]) if len(names) <= 10 else f"{' needs '.join(names[:10])} needs …"
            what = "steps wait for each other" if len(names) > 1 else "a step waits for itself"
            self._fault(("steps", circle[0]), what, got=walk, hint="remove one of these references")
        gates = [index for index, step in self.steps.items() if step.is_gate]
        if len(gates) > MOST_GATES:
            what = "there are too many gates"
            self._fault(("steps", gates[MOST_GATES]), what, expected=f"at most {MOST_GATES}", got=str(len(gates)))

    def _fault(
        self,
        path: Place,
        what: str,
        *,
        expected: str = "",
        got: str = "",
        hint: str = "",
        is_key: bool = False,
    ) -> None:
        self.faults.append(Fault(path, what, expected, got, hint, is_key))


def _without_steps(value: dict[str, Any]) -> dict[str, Any]:
    """The file for the check of its outer shape: steps are looked at one by one, so one stands for all mappings."""
    steps = value.get("steps")
    is_list = isinstance(steps, list) and steps and all(isinstance(step, dict) for step in steps)
    is_plain = is_list or isinstance(steps, Elements)
    return {**value, "steps": [{}]} if is_plain else value


def _mapping_in(value: dict[str, Any], key: str) -> dict[str, Any]:
    """The mapping at `key`; empty when something else is there, which is told with the shape of the file."""
    inner = value.get(key)
    return inner if isinstance(inner, dict) else {}


def _step(envelope: StepShape, args: Args, split: one_x.SplitStep, index: int) -> Step:
    retries = envelope.retries
    return Step(
        id=envelope.id,
        op=envelope.op,
        args=args,
        in_args=split.in_args,
        index=index,
        explicit_needs=(envelope.needs,) if isinstance(envelope.needs, str) else tuple(envelope.needs),
        needs=(),
        when="" if envelope.when is UNSET else envelope.when,
        retries=Retries(retries.max, retries.delay_s) if isinstance(retries, RetryShape) else _retries(retries),
        timeout_s=0.0 if envelope.timeout is UNSET else envelope.timeout,
        fan_out=fan_out.of_shape(envelope),
    )


@cache
def _retries(times: int) -> Retries:
    return Retries(times, 0.0)

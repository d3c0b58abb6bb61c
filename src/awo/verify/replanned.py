"""Reads input.json, or puts the plan together again from what is shown of it, and says what of it is hidden."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from typing import Any, Final, NamedTuple

import msgspec
from msgspec import inspect

from awo.canon.json import encode_sorted, parse
from awo.canon.pointer import pointer_to
from awo.errors import AwoError, EvidenceError
from awo.evidence.layout import INPUT
from awo.evidence.records import InputRecord
from awo.verify.doubled import doubled_key
from awo.verify.findings import Finding
from awo.verify.partial import PartialReader, mark_in

LIFE_CYCLE: Final = ("steps/id", "steps/op", "steps/needs", "steps/cells/repeats", "budget_usd")
"""What the rules of a run need of its plan."""

SOME_CONDITION: Final = "true"
"""Stands for a condition that is withheld: the rules ask only whether there is one, and only where it was skipped."""

FAN_OUT: Final = ("steps/cells", "data")
REQUESTS: Final = ("models/backend", "models/model")
CHAIN: Final = ("earlier", "changes", "rescores", "revises", "revised_from")
AUTHORS: Final = ("authors",)
SEED: Final = ("seed",)

_IN_EACH: Final = ("steps", "files", "models", "data")
"""Keys whose value has many of one shape, so that what is hidden is named without the number or name of each."""


class Hidden:
    """Which places of input.json are withheld. Places are named as `steps/when`: without number and name of each.

    `arguments`, `conditions` and `files` are the numbers of the steps and files of which these are withheld.
    """

    def __init__(self, *, is_all: bool = False) -> None:
        self.is_all = is_all
        self.arguments: set[int] = set()
        self.files: set[int] = set()
        self.conditions: set[int] = set()
        self._places: set[str] = set()

    def add(self, parts: tuple[str | int, ...]) -> None:
        """A value at this place is withheld."""
        first = str(parts[0]) if parts else ""
        if first not in _IN_EACH or len(parts) < 3:
            self._places.add(first)
            return
        names = (first, *map(str, parts[2 : 4 if parts[2] == "cells" else 3]))
        self._places.update("/".join(names[:length]) for length in range(2, len(names) + 1))
        if first == "files" and isinstance(parts[1], int):
            self.files.add(parts[1])
        if names[:2] == ("steps", "args") and isinstance(parts[1], int):
            self.arguments.add(parts[1])
        if names == ("steps", "when") and isinstance(parts[1], int):
            self.conditions.add(parts[1])

    def any_of(self, *places: str) -> bool:
        """Whether anything is withheld at one of these places or, where such a place is a key, in it."""
        return self.is_all or any(
            one == place or one.startswith(f"{place}/") for place in places for one in self._places
        )

    @property
    def anything(self) -> bool:
        """Whether anything is withheld."""
        return self.is_all or bool(self._places)


class ReadPlan(NamedTuple):
    """What input.json says. `plan` is None where it is not one, `problem` says why, or '' that too much is withheld.

    `doubled` is a key that stands twice in one object.
    """

    plan: InputRecord | None
    problem: Finding | None = None
    doubled: str = ""


def whole_plan(data: bytes) -> ReadPlan:
    """The plan of an input.json that is there."""
    try:
        plan = parse(data, InputRecord, where=INPUT)
    except EvidenceError as error:
        return ReadPlan(None, Finding.of(error))
    problem = _contradiction(plan)
    return ReadPlan(plan if problem is None else None, problem, doubled_key(data))


def partial_plan(partial: PartialReader, hidden: Hidden) -> ReadPlan:
    """The plan as far as it is shown, with nothing in the place of what is withheld; fills `hidden`.

    There is none where the rules of a run need what is withheld.
    """
    if partial.misshapen or partial.broken or partial.skeleton is None:
        hidden.is_all = True  # its faults are said elsewhere
        return ReadPlan(None)
    try:
        value = _Filling(partial.shown, hidden).fill(partial.skeleton, _shape_of_input(), ())
        plan = msgspec.json.decode(encode_sorted(value), type=InputRecord)
    except (msgspec.MsgspecError, AwoError, RecursionError) as error:
        what = "what is shown of input.json is not what belongs there"
        return ReadPlan(None, Finding(partial.path, what, got=str(error)))
    if hidden.any_of(*LIFE_CYCLE):
        return ReadPlan(None)
    is_known = not hidden.any_of(*FAN_OUT, "files/path")
    problem = _contradiction(plan) if is_known else None
    return ReadPlan(plan if problem is None else None, problem)


class _Filling:
    """Puts shown values back in a skeleton, and something of the right type for each that is withheld."""

    def __init__(self, shown: Mapping[str, Any], hidden: Hidden) -> None:
        self._shown = shown
        self._hidden = hidden

    def fill(self, skeleton: Any, shape: inspect.Type, place: tuple[str | int, ...]) -> Any:
        shape = _bare(shape)
        if mark_in(skeleton) is not None:
            pointer = "".join(pointer_to("", part) for part in place)
            if pointer in self._shown:
                return self._shown[pointer]
            if isinstance(shape, inspect.UnionType) and _is_only_null(shape):
                return None  # nothing else fits the mark of a single value here
            self._hidden.add(place)
            return SOME_CONDITION if place[:1] == ("steps",) and place[2:] == ("when",) else _nothing_of(shape)
        if isinstance(skeleton, dict):
            return {name: self.fill(one, _inside(shape, name), (*place, name)) for name, one in skeleton.items()}
        if isinstance(skeleton, list):
            return [self.fill(one, _inside(shape, number), (*place, number)) for number, one in enumerate(skeleton)]
        return skeleton


@cache
def _shape_of_input() -> inspect.Type:
    return inspect.type_info(InputRecord)


def _bare(shape: inspect.Type) -> inspect.Type:
    while isinstance(shape, inspect.Metadata):
        shape = shape.type
    return shape


def _inside(shape: inspect.Type, part: str | int) -> inspect.Type:
    """The shape of what lies at `part` of a value of this shape."""
    match shape:
        case inspect.UnionType():
            inner = [one for one in map(_bare, shape.types) if not isinstance(one, inspect.NoneType)]
            return _inside(inner[0], part) if len(inner) == 1 else inspect.AnyType()
        case inspect.StructType():
            fields = {field.encode_name: field.type for field in shape.fields}
            return fields.get(str(part), inspect.AnyType())
        case inspect.DictType():
            return shape.value_type
        case inspect.ListType() | inspect.VarTupleType():
            return shape.item_type
        case _:
            return inspect.AnyType()


def _is_only_null(shape: inspect.UnionType) -> bool:
    """Whether null is the one single value that fits: all else has keys or members."""
    many = (inspect.StructType, inspect.DictType, inspect.ListType, inspect.NoneType)
    return all(isinstance(_bare(one), many) for one in shape.types)


def _nothing_of(shape: inspect.Type) -> Any:
    match shape:
        case inspect.IntType():
            return shape.ge or 0
        case inspect.FloatType():
            return 1.0
        case inspect.BoolType():
            return False
        case inspect.NoneType():
            return None
        case inspect.LiteralType():
            return "absent" if "absent" in shape.values else shape.values[0]
        case inspect.StrType() if shape.pattern is not None:
            return next((one for one in _EXAMPLES if re.search(shape.pattern, one)), "")
        case inspect.UnionType():
            return _nothing_of(_bare(shape.types[0]))
        case _:
            return ""


_EXAMPLES: Final = ("", "0", "0" * 64, "2000-01-01T00:00:00.000000Z")


def _contradiction(plan: InputRecord) -> Finding | None:
    """What keeps a plan from being folded over: two steps of one name, a need that is no step, no data to go over."""
    files = {file.path for file in plan.files}
    for name, record in plan.data.items():
        if record.path not in files:
            return Finding(INPUT, f"the data set {name} is in {record.path}, which is no file of the workflow")
    ids = {step.id for step in plan.steps}
    if len(ids) != len(plan.steps):
        return Finding(INPUT, "two steps have the same id")
    for step in plan.steps:
        for need in step.needs:
            if need not in ids:
                return Finding(INPUT, f"step {step.id} needs {need}, which is no step")
        over = step.cells.over if step.cells else None
        if over is not None and over.name not in (plan.data if over.kind == "data" else step.needs):
            return Finding(INPUT, f"step {step.id} goes over {over.name}, which is no {over.kind} that it can go over")
    return None

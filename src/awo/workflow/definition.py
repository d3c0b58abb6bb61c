"""The shapes of a workflow: as its author writes it (`…Shape`), and as it is once checked (`Workflow`)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Final, Literal

import msgspec
from msgspec import UNSET, Meta, UnsetType

from awo.canon.located import Source
from awo.canon.positions import Path
from awo.workflow.words import Args, Condition

GATE_OPERATION: Final = "audit_gate"
STAND_INS: Final = ("echo", "upper", "reverse")

# `(?!\n)` because Python's `$` also matches before a final line break, and JSON Schema's does not.
STEP_ID_PATTERN: Final = r"^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$(?!\n)"
INPUT_NAME_PATTERN: Final = r"^[A-Za-z_][A-Za-z0-9_]{0,63}$(?!\n)"
MODEL_NAME_PATTERN: Final = r"^[A-Za-z0-9][A-Za-z0-9_.:/-]{0,99}$(?!\n)"

StepName = Annotated[
    str,
    Meta(pattern=STEP_ID_PATTERN, description="1 to 64 letters, digits, '-' or '_'; the first is a letter or a digit."),
]
InputName = Annotated[
    str, Meta(pattern=INPUT_NAME_PATTERN, description="Letters, digits or '_'; the first is no digit.")
]
ModelName = Annotated[
    str,
    Meta(
        pattern=MODEL_NAME_PATTERN, description="1 to 100 letters, digits or '_.:/-'; the first is a letter or a digit."
    ),
]
Seed = Annotated[
    int, Meta(ge=0, le=2**31 - 1, description="Where chance begins. The same seed gives the same choices.")
]


class _Shape(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What an author writes: an unknown key is an error."""


class RetryShape(_Shape, frozen=True, kw_only=True):
    """How often a failed step is tried again."""

    max: Annotated[int, Meta(ge=0, le=100, description="Attempts after the first.")]
    delay_s: Annotated[float, Meta(ge=0, le=86400, description="Seconds between two attempts.")] = 0.0


class ModelShape(_Shape, frozen=True, kw_only=True):
    """A model that steps may name."""

    backend: Annotated[str, Meta(description="What answers: echo, upper, reverse or llama.", min_length=1)]
    model: Annotated[str, Meta(description="Which model of the backend, for example a file of weights.")] = ""
    params: Annotated[dict[str, Any], Meta(description="Sampling parameters for every request.")] = {}
    seed: Seed | UnsetType = UNSET
    on_unknown: Annotated[
        Literal["retry", "fail"], Meta(description="What resume does with a call whose outcome is not known.")
    ] = "retry"


class WorkflowShape(_Shape, frozen=True, kw_only=True):
    """The whole file. Inputs and steps are looked at one by one."""

    name: Annotated[str, Meta(min_length=1, max_length=200, description="What the run is called in the report.")]
    description: Annotated[str, Meta(description="What the workflow is for.")] = ""
    version: Annotated[str | int | float, Meta(description="The author's own version of this file.")] = ""
    seed: Seed = 0
    inputs: Annotated[dict[InputName, Any], Meta(description="What steps read as inputs.NAME.")] = {}
    models: Annotated[dict[ModelName, ModelShape], Meta(description="The models that steps may name.")] = {}
    default_model: Annotated[str, Meta(description="The model of steps that name none.")] = ""
    steps: Annotated[list[dict[str, Any]], Meta(min_length=1, description="What is done.")]


class StepShape(_Shape, frozen=True, kw_only=True):
    """What every step may say beside the arguments of its operation."""

    id: StepName
    op: Annotated[str, Meta(description="What the step does.")]
    needs: Annotated[
        StepName | list[StepName],
        Meta(description="Steps that must be done before, beside those that the step refers to."),
    ] = []
    when: Annotated[Condition, Meta(min_length=1)] | UnsetType = UNSET
    retries: Annotated[int, Meta(ge=0, le=100, description="Attempts after the first.")] | RetryShape = 0
    timeout: Annotated[float, Meta(gt=0, description="Seconds after which an attempt is stopped.")] | UnsetType = UNSET
    args: Annotated[
        dict[str, Any], Meta(description="The arguments of the operation; they may also stand beside.")
    ] = {}


STEP_KEYS: Final = StepShape.__struct_fields__


@dataclass(frozen=True, slots=True)
class Retries:
    """`max` attempts after the first, `delay_s` seconds between two."""

    max: int
    delay_s: float


@dataclass(frozen=True, slots=True)
class Step:
    """A step that was checked. `index` is its place in the file, from 0.

    `in_args` names the arguments that stand in `args`. `needs` has every step that must be done
    before, gates included. `timeout_s` 0 means no limit, `when` '' always.
    """

    id: str
    op: str
    args: Args
    in_args: frozenset[str]
    index: int
    explicit_needs: tuple[str, ...]
    needs: tuple[str, ...]
    when: str
    retries: Retries
    timeout_s: float

    @property
    def is_gate(self) -> bool:
        return self.op == GATE_OPERATION

    @property
    def place(self) -> Path:
        """Where the step stands in the file: `("steps", 3)`."""
        return ("steps", self.index)

    def path_of(self, argument: Path) -> Path:
        """Where an argument, or a value inside one, stands in the file."""
        inside = ("args",) if argument and argument[0] in self.in_args else ()
        return (*self.place, *inside, *argument)


@dataclass(frozen=True, slots=True)
class FileInput:
    """An input whose value is the text of a file."""

    path: str


@dataclass(frozen=True, slots=True)
class ValueInput:
    """An input whose value stands in the workflow."""

    value: Any


@dataclass(frozen=True, slots=True)
class Model:
    """A model as its author asks for it."""

    backend: str
    model: str
    params: Mapping[str, Any]
    seed: int
    on_unknown: Literal["retry", "fail"]


@dataclass(frozen=True, slots=True)
class Workflow:
    """A workflow file that was checked, with its source for whatever must still be reported.

    `models` has the author's models and the stand-ins that steps name; `default_model` is one of them.
    """

    source: Source
    name: str
    description: str
    version: str
    seed: int
    inputs: Mapping[str, FileInput | ValueInput]
    models: Mapping[str, Model]
    default_model: str
    steps: list[Step]

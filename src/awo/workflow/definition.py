"""The shapes of a workflow: as its author writes it (`…Shape`), and as it is once checked (`Workflow`)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Annotated, Any, Final, Literal

import msgspec
from msgspec import UNSET, Meta, UnsetType

from awo.canon.located import Source
from awo.canon.positions import Path
from awo.plugins import GATE_OPERATION
from awo.workflow.datasets import DataFormat
from awo.workflow.words import MARK, Args, Condition

STAND_INS: Final = ("echo", "upper", "reverse")

# `(?!\n)` because Python's `$` also matches before a final line break, and JSON Schema's does not.
STEP_ID_PATTERN: Final = r"^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$(?!\n)"
INPUT_NAME_PATTERN: Final = r"^[A-Za-z_][A-Za-z0-9_]{0,63}$(?!\n)"
MODEL_NAME_PATTERN: Final = r"^[A-Za-z0-9][A-Za-z0-9_.:/-]{0,99}$(?!\n)"

DOLLARS_PATTERN: Final = r"^[0-9]{1,12}(\.[0-9]{1,12})?$(?!\n)"
SHARE_PATTERN: Final = r"^(100|[0-9]{1,2}(\.[0-9]{1,6})?)%$(?!\n)"

_READ: Final = {MARK: "read"}

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
Dollars = (
    Annotated[float, Meta(ge=0, lt=1e12)] | Annotated[str, Meta(pattern=DOLLARS_PATTERN, description="US dollars.")]
)
Seed = Annotated[
    int, Meta(ge=0, le=2**31 - 1, description="Where chance begins. The same seed gives the same choices.")
]


class _Shape(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What an author writes: an unknown key is an error."""


class RetryShape(_Shape, frozen=True, kw_only=True):
    """How often a failed step is tried again."""

    max: Annotated[int, Meta(ge=0, le=100, description="Attempts after the first.")]
    delay_s: Annotated[float, Meta(ge=0, le=86400, description="Seconds between two attempts.")] = 0.0


ProviderModel = Annotated[str, Meta(description="A provider and its model, as provider/model.")]


class PriceShape(_Shape, frozen=True, kw_only=True):
    """What a model costs, in US dollars per million tokens."""

    input: Annotated[Dollars, Meta(description="For a million tokens of what is asked.")]
    output: Annotated[Dollars, Meta(description="For a million tokens of the answer.")]


class LimitsShape(_Shape, frozen=True, kw_only=True):
    """How fast a model may be asked."""

    in_flight: Annotated[int, Meta(ge=1, le=10_000, description="Requests at once.")] | UnsetType = UNSET
    requests_per_minute: Annotated[int, Meta(ge=1, description="Requests begun in a minute.")] | UnsetType = UNSET
    tokens_per_minute: Annotated[int, Meta(ge=1, description="Tokens asked and answered in a minute.")] | UnsetType = (
        UNSET
    )
    tries: Annotated[int, Meta(ge=1, le=100, description="How often one request is sent at most.")] | UnsetType = UNSET
    timeout_s: (
        Annotated[float, Meta(gt=0, le=86400, description="Seconds after which one sending is given up.")] | UnsetType
    ) = UNSET


class ModelShape(_Shape, frozen=True, kw_only=True):
    """A model that steps may name."""

    backend: Annotated[str, Meta(description="Who answers: a provider, llama, echo, upper or reverse.", min_length=1)]
    model: Annotated[str, Meta(description="Which model of the backend, for example a file of weights.")] = ""
    params: Annotated[dict[str, Any], Meta(description="Sampling parameters for every request.")] = {}
    seed: Seed | UnsetType = UNSET
    on_unknown: (
        Annotated[
            Literal["retry", "fail"], Meta(description="What resume does with a call whose outcome is not known.")
        ]
        | UnsetType
    ) = UNSET
    price: Annotated[PriceShape | Literal["free"], Meta(description="What it costs.")] | UnsetType = UNSET
    limits: Annotated[LimitsShape, Meta(description="How fast it may be asked.")] = LimitsShape()


class DataShape(_Shape, frozen=True, kw_only=True):
    """A data set, which steps go over row by row."""

    data: Annotated[
        str, Meta(description="A CSV, JSONL or Parquet file, relative to the workflow file.", extra_json_schema=_READ)
    ]
    id: Annotated[str, Meta(min_length=1, description="The column that names each row.")] | UnsetType = UNSET
    format: (
        Annotated[DataFormat, Meta(description="When the file's name does not end in .csv, .jsonl or .parquet.")]
        | UnsetType
    ) = UNSET
    limit: Annotated[int, Meta(ge=1, le=2**53 - 1, description="Only so many rows from the start.")] | UnsetType = UNSET


class WorkflowShape(_Shape, frozen=True, kw_only=True):
    """The whole file. Inputs and steps are looked at one by one."""

    name: Annotated[str, Meta(min_length=1, max_length=200, description="What the run is called in the report.")]
    description: Annotated[str, Meta(description="What the workflow is for.")] = ""
    version: Annotated[str | int | float, Meta(description="The author's own version of this file.")] = ""
    seed: Seed = 0
    inputs: Annotated[dict[InputName, Any], Meta(description="What steps read as inputs.NAME.")] = {}
    models: Annotated[
        dict[ModelName, ModelShape | ProviderModel], Meta(description="The models that steps may name.")
    ] = {}
    default_model: Annotated[str, Meta(description="The model of steps that name none.")] = ""
    budget: Annotated[Dollars, Meta(description="What all calls together may cost, in US dollars.")] | UnsetType = UNSET
    cache: Annotated[bool, Meta(description="Whether answers of earlier runs to the same requests are used again.")] = (
        False
    )
    steps: Annotated[list[dict[str, Any]], Meta(min_length=1, description="What is done.")]


class OverShape(_Shape, frozen=True, kw_only=True):
    """What a step goes over: the rows of a data set, or the cells of another step."""

    data: Annotated[str, Meta(description="The name of an input that is a data set.")] | UnsetType = UNSET
    step: Annotated[StepName, Meta(description="A step that fans out itself.")] | UnsetType = UNSET

    def __post_init__(self) -> None:
        if (self.data is UNSET) == (self.step is UNSET):
            raise ValueError("give exactly one of `data` and `step`")


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
    over: (
        Annotated[str | OverShape, Meta(description="The data set whose rows the step goes over, or {step: ID}.")]
        | UnsetType
    ) = UNSET
    matrix: (
        Annotated[
            dict[InputName, Annotated[list[Any], Meta(min_length=1)]],
            Meta(min_length=1, description="Values by name: the step is done for each combination."),
        ]
        | UnsetType
    ) = UNSET
    repeats: Annotated[int, Meta(ge=1, le=10_000, description="How often each is done.")] | UnsetType = UNSET
    max_failed: (
        Annotated[int, Meta(ge=0, le=2**53 - 1)]
        | Annotated[str, Meta(pattern=SHARE_PATTERN, description='A share such as "5%".')]
        | UnsetType
    ) = UNSET
    args: Annotated[
        dict[str, Any], Meta(description="The arguments of the operation; they may also stand beside.")
    ] = {}


STEP_KEYS: Final = StepShape.__struct_fields__
FAN_OUT_KEYS: Final = ("over", "matrix", "repeats", "max_failed")


@dataclass(frozen=True, slots=True)
class Retries:
    """`max` attempts after the first, `delay_s` seconds between two."""

    max: int
    delay_s: float


@dataclass(frozen=True, slots=True)
class Over:
    """What a step goes over: `kind` says which sort of name; `key` is where the name stands in the step."""

    kind: Literal["data", "step"]
    name: str
    key: Path


@dataclass(frozen=True, slots=True)
class FanOut:
    """How a step fans out. `max_failed` is a number of cells, or a share such as `5%`."""

    over: Over | None
    matrix: Mapping[str, Sequence[Any]]
    repeats: int
    max_failed: int | str


@dataclass(frozen=True, slots=True)
class Step:
    """A step that was checked. `index` is its place in the file, from 0.

    `in_args` names the arguments that stand in `args`. `needs` has every step that must be done
    before, gates included. `timeout_s` 0 means no limit, `when` '' always. `fan_out` is None for a
    step that is done once.
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
    fan_out: FanOut | None = None

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
class DataInput:
    """An input that is a data set. `id_column` '' means ids from the content, `limit` 0 all rows."""

    path: str
    format: DataFormat
    id_column: str
    limit: int


AnyInput = FileInput | ValueInput | DataInput


@dataclass(frozen=True, slots=True)
class Price:
    """US dollars per million tokens, each in the one spelling of `awo.canon.usd`."""

    input: str
    output: str


@dataclass(frozen=True, slots=True)
class Limits:
    """How fast a model may be asked; 0 where the author says nothing."""

    in_flight: int = 0
    requests_per_minute: int = 0
    tokens_per_minute: int = 0
    tries: int = 0
    timeout_s: float = 0.0


@dataclass(frozen=True, slots=True)
class Model:
    """A model as its author asks for it, and where: `place` is its entry, or the first place that names it.

    `on_unknown` is '' and `price` None where the author says nothing.
    """

    backend: str
    model: str
    params: Mapping[str, Any]
    seed: int
    on_unknown: Literal["", "retry", "fail"] = ""
    price: Price | None = None
    limits: Limits = Limits()
    place: Path = field(default=(), compare=False)


@dataclass(frozen=True, slots=True)
class Workflow:
    """A workflow file that was checked, with its source for whatever must still be reported.

    `models` has the author's models and those that steps name by `provider/model` or as stand-ins;
    `default_model` is one of them. `budget_usd` is '' where none was set.
    """

    source: Source
    name: str
    description: str
    version: str
    seed: int
    inputs: Mapping[str, AnyInput]
    models: Mapping[str, Model]
    default_model: str
    budget_usd: str
    cache: bool
    steps: list[Step]

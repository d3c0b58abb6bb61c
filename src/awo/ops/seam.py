"""The seam of operations: what an operation is, and the desk at which it works.

An operation sees only its arguments and its desk. It can write neither the journal nor a
signature; what it asks of a model or keeps as a file is recorded by the desk.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, Literal, Protocol, TypeVar

from awo.derive.seam import Sources
from awo.evidence.events import FileRef
from awo.evidence.records import Message, ResponseLine
from awo.workflow.words import Args

A = TypeVar("A", bound=Args)


@dataclass(frozen=True, slots=True)
class Ask:
    """One request to one model, by its name in the workflow. `params` go over the model's own.

    `schema` is the JSON Schema that the answer must follow, as JSON text, or ''. An answer that does
    not is kept, and asked for again until there are `schema_tries` of them; the last is given out all
    the same where `must_follow` is false.
    """

    model: str
    messages: tuple[Message, ...]
    params: Mapping[str, Any]
    schema: str = ""
    schema_tries: int = 1
    must_follow: bool = True


@dataclass(frozen=True, slots=True)
class OpensGate:
    """What `perform` returns to stop the run for a person: the checklist's text, Markdown or YAML."""

    checklist_text: str


class Writing(Protocol):
    """What is needed to say what will be asked: `awo plan` has no more than this.

    In a step that fans out, templates know `item`, `matrix` and `repeat` of the cell at hand.
    """

    @property
    def default_model(self) -> str: ...

    def render(self, template: str) -> str:
        """The template filled in. Raises `StepFailed` (code `template`) for a name that is not there."""

    def fill(self, value: Any) -> Any:
        """`value` with every text in it filled in; a text that is one reference becomes the value itself.

        So `{"temperature": "{{ matrix.temperature }}"}` gives a number. Raises as `render`.
        """

    def read_text(self, path: str) -> str:
        """A file that the workflow declared, as it was when the run started. Raises `StepFailed`."""

    def file_ref(self, path: str) -> FileRef:
        """Digest and length of a file that the workflow declared. Raises `StepFailed` for another."""


class Desk(Writing, Protocol):
    """What the engine gives an operation for one attempt of one step, or for one cell of its fan-out."""

    @property
    def step(self) -> str: ...
    @property
    def run_id(self) -> str: ...

    @property
    def sources(self) -> Sources:
        """Earlier outputs as a derivation reads them."""

    def value_of(self, step: str) -> Any:
        """The value (parsed output.json) of a step that this one needs."""

    def path_of(self, step: str, name: str) -> Path:
        """An artifact of a step that this one needs. Raises `StepFailed` when there is none."""

    def files_of(self, step: str) -> list[str]:
        """The names of the artifacts of a step that this one needs, sorted, as `path_of` takes them."""

    def input_path(self, path: str) -> Path:
        """Where a declared file lies on this machine, its digest checked. Raises `StepFailed`."""

    def files_matching(self, pattern: str) -> list[str]:
        """The declared files that a glob of the workflow matched, sorted."""

    async def ask(self, asks: Sequence[Ask]) -> list[ResponseLine]:
        """The models' answers, in the order of `asks`; each is durable and in the journal.

        Answers that an earlier attempt or an earlier process got are not bought again.
        Raises `StepFailed` when a model gives none (with the code of `ModelFailed`), or none that
        follows its schema (code `schema`).
        """

    async def keep_file(self, name: str, content: bytes) -> FileRef:
        """Writes `outputs/<step>/files/<name>`. Raises `StepFailed` for a name that leaves the folder."""

    async def keep_path(self, name: str, path: Path) -> FileRef:
        """As `keep_file`, with the bytes of the regular file `path`, copied in pieces: for large files.

        `path` is not followed when it is a link (`StepFailed`, as for a name that leaves the folder).
        """

    async def keep_lines(self, name: str, lines: Iterable[bytes]) -> FileRef:
        """As `keep_file`, with lines (newlines included) that are taken one by one."""

    def scratch(self) -> Path:
        """An empty folder outside the run for this attempt, removed after it."""

    def cut_secrets(self, data: bytes) -> bytes:
        """`data` with every known secret replaced by `[secret NAME]`."""


Perform = Callable[[A, Desk], Awaitable[Any]]
Requests = Callable[[A, Writing], list[Ask]]


@dataclass(frozen=True, slots=True)
class Operation(Generic[A]):
    """One kind of step.

    `purity` is `derived` when the value follows from arguments and earlier outputs alone (no
    network, no clock, no chance), so that the judge can recompute it; else `effect`.
    `perform` gives the step's value, plain JSON, or `OpensGate`. `requests` gives what `perform` will
    ask of models; only an operation that has it can fan out over a data set, and be planned. With
    `asks_at_most` what it asks depends on the answers: `requests` gives at least as many requests to each
    model, each at least as long.
    `reads_lines` says that it reads items, responses or artifacts of earlier steps through `Desk.sources`.
    """

    name: str
    summary: str
    args: type[A]
    purity: Literal["derived", "effect", "gate"]
    perform: Perform[A]
    requests: Requests[A] | None = None
    asks_at_most: bool = False
    reads_lines: bool = False

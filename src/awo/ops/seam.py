"""The seam of operations: what an operation is, and the desk at which it works.

An operation sees only its arguments and its desk. It can write neither the journal nor a
signature; what it asks of a model or keeps as a file is recorded by the desk.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, Literal, Protocol, TypeVar

from awo.evidence.events import FileRef
from awo.evidence.records import Message, ResponseLine
from awo.workflow.words import Args

A = TypeVar("A", bound=Args)


@dataclass(frozen=True, slots=True)
class Ask:
    """One request to one model, by its name in the workflow. `params` go over the model's own."""

    model: str
    messages: tuple[Message, ...]
    params: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class OpensGate:
    """What `perform` returns to stop the run for a person: the checklist's Markdown text."""

    checklist_markdown: str


class Desk(Protocol):
    """What the engine gives an operation for one attempt of one step."""

    @property
    def step(self) -> str: ...
    @property
    def run_id(self) -> str: ...
    @property
    def default_model(self) -> str: ...

    def value_of(self, step: str) -> Any:
        """The value (parsed output.json) of a step that this one needs."""

    def path_of(self, step: str, name: str) -> Path:
        """An artifact of a step that this one needs. Raises `StepFailed` when there is none."""

    def files_of(self, step: str) -> list[str]:
        """The names of the artifacts of a step that this one needs, sorted, as `path_of` takes them."""

    def render(self, template: str) -> str:
        """The template filled in. Raises `StepFailed` (code `template`) for a name that is not there."""

    def read_text(self, path: str) -> str:
        """A file that the workflow declared, as it was when the run started. Raises `StepFailed`."""

    def input_path(self, path: str) -> Path:
        """Where a declared file lies on this machine, its digest checked. Raises `StepFailed`."""

    def files_matching(self, pattern: str) -> list[str]:
        """The declared files that a glob of the workflow matched, sorted."""

    async def ask(self, asks: Sequence[Ask]) -> list[ResponseLine]:
        """The models' answers, in the order of `asks`; each is durable and in the journal.

        Answers that an earlier attempt or an earlier process got are not bought again.
        Raises `StepFailed` (code `model`) when a model gives none.
        """

    async def keep_file(self, name: str, content: bytes) -> FileRef:
        """Writes `outputs/<step>/files/<name>`. Raises `StepFailed` for a name that leaves the folder."""

    async def keep_path(self, name: str, path: Path) -> FileRef:
        """As `keep_file`, with the bytes of the regular file `path`, copied in pieces: for large files.

        `path` is not followed when it is a link (`StepFailed`, as for a name that leaves the folder).
        """

    def scratch(self) -> Path:
        """An empty folder outside the run for this attempt, removed after it."""

    def cut_secrets(self, data: bytes) -> bytes:
        """`data` with every known secret replaced by `[secret NAME]`."""


Perform = Callable[[A, Desk], Awaitable[Any]]


@dataclass(frozen=True, slots=True)
class Operation(Generic[A]):
    """One kind of step.

    `purity` is `derived` when the value follows from arguments and earlier outputs alone (no
    network, no clock, no chance), so that the judge can recompute it; else `effect`.
    `perform` gives the step's value, plain JSON, or `OpensGate`.
    """

    name: str
    summary: str
    args: type[A]
    purity: Literal["derived", "effect", "gate"]
    perform: Perform[A]

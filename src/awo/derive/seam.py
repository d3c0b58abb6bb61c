"""The seam of derivations: a result computed from results, purely, so that the judge can compute it again.

A derivation sees its arguments and its sources, and nothing else: no clock, no network, no chance but a
seed that is on record. Operations compute with it (`awo.ops.derived`), and verify recomputes with it.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, BinaryIO, Generic, Protocol, TypeVar

from awo.errors import StepFailed
from awo.evidence.records import ItemLine, ResponseLine, StepRecord
from awo.evidence.verdicts import RegisteredClaim
from awo.workflow.cells import Cell
from awo.workflow.words import Args

A = TypeVar("A", bound=Args)


class Sources(Protocol):
    """Earlier outputs of the run, and what its workflow declares. Every method raises `StepFailed` (codes
    `no_value`, `no_file`, `undeclared`, `template`) for what is not there."""

    @property
    def step(self) -> str:
        """The id of the step that is computed."""

    @property
    def seed(self) -> int:
        """The workflow's seed."""

    @property
    def default_model(self) -> str: ...

    @property
    def inputs(self) -> Mapping[str, Any]:
        """The workflow's inputs, as templates and conditions see them."""

    @property
    def registered(self) -> Sequence[RegisteredClaim]:
        """The claims that input.json has registered."""

    def record_of(self, step: str) -> StepRecord:
        """An earlier step as it stands in input.json."""

    def value_of(self, step: str) -> Any:
        """The value (parsed output.json) of an earlier step."""

    def items_of(self, step: str) -> Iterator[ItemLine]:
        """The cells of an earlier step that fanned out, in order, read as they are taken; none of any other step."""

    def responses_of(self, step: str) -> Iterator[ResponseLine]:
        """The responses of an earlier step in the order of its file, read as they are taken."""

    def lines_of(self, step: str, name: str) -> Iterator[bytes]:
        """The lines of the artifact `files/<name>` of an earlier step, each without its newline."""

    def attempts_of(self, step: str) -> int:
        """How many attempts an earlier step took; 0 when it was skipped."""

    def has_failed(self, step: str) -> bool:
        """Whether an attempt of an earlier step failed; one that was only cut off did not."""

    def render(self, template: str, cell: Cell | None = None) -> str:
        """The template filled in. `cell` gives `item`, `matrix` and `repeat`."""

    def fill(self, value: Any, cell: Cell | None = None) -> Any:
        """`value` with every text in it filled in; a text that is one reference becomes the value itself."""

    def holds(self, condition: str) -> bool:
        """Whether a CEL condition over `inputs` and `steps` is true. Raises `StepFailed` (code `condition`)."""

    def read_text(self, path: str) -> str:
        """A file that the workflow declared, as it was when the run started."""

    def files_matching(self, pattern: str) -> list[str]:
        """The declared files that a glob of the workflow matched, sorted."""

    def open_declared(self, path: str, kept: str) -> BinaryIO:
        """The bytes of a declared file from their start, whatever they are; they can be sought.

        `kept` is the artifact of this very step that has the same bytes: a package may have no other copy of them.
        """


@dataclass(frozen=True, slots=True)
class Derived:
    """What comes out: the step's value (plain JSON or a record), and artifacts as lines with their newlines.

    `failure` is set where the step fails after all; its artifacts are kept with the failed attempt.
    """

    value: Any
    files: Mapping[str, Sequence[bytes]] = field(default_factory=dict)
    failure: StepFailed | None = None


def needs_nothing(args: Args) -> Collection[str]:
    """The needs of a derivation that no extra brings anything for."""
    return ()


@dataclass(frozen=True, slots=True)
class Derivation(Generic[A]):
    """One kind of derived step: `compute` gives the same for the same arguments and sources, always.

    It raises `StepFailed`, and `CannotCheck` where a library that it computes with is not installed.
    `is_heavy` computations are done beside the engine's loop. `reads_lines` is false for one that looks at
    values and declared files alone. `needs` names the modules (keys of `plugins.EXTRA_OF_MODULE`) that it will
    load for these arguments, so that a missing one is told before anything is asked.
    """

    name: str
    summary: str
    args: type[A]
    compute: Callable[[A, Sources], Derived]
    is_heavy: bool = False
    reads_lines: bool = True
    needs: Callable[[A], Collection[str]] = needs_nothing

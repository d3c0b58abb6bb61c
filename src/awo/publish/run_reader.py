"""A run that is read to be sent out: its facts, values, items and artifacts, each held against its recorded digest."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cached_property
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from awo.canon.digest import sha256_running
from awo.derive.facts import RunFacts, StepFacts
from awo.engine.folder import RESTORE, refuse_altered
from awo.engine.reading import read_facts
from awo.engine.recorded import RecordedRun, read_recorded
from awo.errors import EvidenceError, StepFailed, UsageError
from awo.evidence.events import FileRef
from awo.evidence.layout import file_path, items_path
from awo.evidence.records import InputRecord, ItemLine, StepRecord
from awo.plugins import nearest
from awo.workflow import templates
from awo.workflow.cells import Cell

T = TypeVar("T")

_items = msgspec.json.Decoder(ItemLine)


class RunReader:
    """A run's folder, sealed or not; implements `awo.derive.answers.AnswerSources`. Takes no lock, writes nothing.

    `facts` is what the journal says. Raises `UsageError` and `EvidenceError` when it is made.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.facts: RunFacts = read_facts(folder)
        self._steps = {step.record.id: step for step in self.facts.steps}
        self._values = _Values(self)

    @property
    def plan(self) -> InputRecord:
        return self.facts.input

    @property
    def default_model(self) -> str:
        return self.plan.default_model

    @cached_property
    def recorded(self) -> RecordedRun:
        """Every response by its place, each checked. Raises `EvidenceError` for one that is altered."""
        return read_recorded(self.folder)

    def facts_of(self, step: str) -> StepFacts:
        """What the journal says of a step. Raises `UsageError` for an id that the workflow has not."""
        found = self._steps.get(step)
        if found is None:
            near = nearest(step, list(self._steps))
            raise UsageError(
                f"the run has no step {step!r}",
                where=self.facts.run_id,
                expected=", ".join(list(self._steps)[:20]),
                hint=f"did you mean {near!r}?" if near else "",
            )
        return found

    def record_of(self, step: str) -> StepRecord:
        return self.facts_of(step).record

    def value_of(self, step: str) -> Any:
        ref = self.facts_of(step).value
        if ref is None:
            raise StepFailed(f"step {step!r} has no value", code="no_value", where=self.facts.run_id)
        return msgspec.json.decode(refuse_altered(self.folder, ref.path, ref.sha256))

    def items_of(self, step: str) -> Iterator[ItemLine]:
        ref = self._ref(step, items_path(step))
        return iter(()) if ref is None else self._decoded(ref, _items)

    def has_file(self, step: str, name: str) -> bool:
        """Whether a step left the artifact `files/<name>`."""
        return self._ref(step, file_path(step, name)) is not None

    def lines_of(self, step: str, name: str) -> Iterator[bytes]:
        ref = self._ref(step, file_path(step, name))
        if ref is None:
            raise StepFailed(f"step {step!r} has no file {name!r}", code="no_file", where=self.facts.run_id)
        return self._lines(ref)

    def render(self, template: str, cell: Cell | None = None) -> str:
        return templates.render(template, inputs=self.plan.inputs, steps=self._values, cell=cell)

    def fill(self, value: Any, cell: Cell | None = None) -> Any:
        return templates.fill(value, inputs=self.plan.inputs, steps=self._values, cell=cell)

    def _ref(self, step: str, path: str) -> FileRef | None:
        return next((ref for ref in self.facts_of(step).files if ref.path == path), None)

    def _decoded(self, ref: FileRef, decoder: msgspec.json.Decoder[T]) -> Iterator[T]:
        for number, line in enumerate(self._lines(ref), start=1):
            try:
                yield decoder.decode(line)
            except msgspec.MsgspecError as error:
                where = f"{ref.path}:{number}"
                raise EvidenceError("a recorded line is not its shape", where=where, got=str(error)) from error

    def _lines(self, ref: FileRef) -> Iterator[bytes]:
        """The lines without newline; raises `EvidenceError` at the end when the file was altered."""
        path = self.folder / ref.path
        hasher = sha256_running()
        try:
            with path.open("rb") as lines:
                for line in lines:
                    hasher.update(line)
                    yield line.removesuffix(b"\n")
        except OSError as error:
            raise EvidenceError("a recorded file cannot be read", where=str(path), got=str(error.strerror)) from error
        if hasher.hexdigest() != ref.sha256:
            what = "a recorded file has been altered"
            raise EvidenceError(what, where=str(path), expected=f"SHA-256 {ref.sha256}", hint=RESTORE)


class _Values(Mapping[str, Any]):
    """The values of steps by id, read when a template looks at them."""

    def __init__(self, reader: RunReader) -> None:
        self._reader = reader

    def __getitem__(self, step: str) -> Any:
        if step not in set(self):
            raise KeyError(step)
        return self._reader.value_of(step)

    def __iter__(self) -> Iterator[str]:
        return (step.record.id for step in self._reader.facts.steps if step.value is not None)

    def __len__(self) -> int:
        return sum(1 for _ in self)

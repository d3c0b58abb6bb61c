"""What a derivation reads in a run that is being made: earlier outputs from disk, each held against its digest."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from io import BytesIO
from typing import TYPE_CHECKING, Any, BinaryIO, TypeVar

import msgspec

from awo.canon.digest import sha256_running
from awo.errors import EvidenceError, StepFailed
from awo.evidence.events import FileRef
from awo.evidence.layout import file_path, items_path, responses_path
from awo.evidence.records import ItemLine, ResponseLine, StepRecord
from awo.evidence.verdicts import RegisteredClaim
from awo.workflow import conditions, globs, templates
from awo.workflow.cells import Cell

if TYPE_CHECKING:
    from awo.engine.desk import Bench

T = TypeVar("T")

_items = msgspec.json.Decoder(ItemLine)
_responses = msgspec.json.Decoder(ResponseLine)


class EngineSources:
    """Implements `awo.derive.seam.Sources` over the folder of the run."""

    def __init__(self, bench: Bench) -> None:
        self._bench = bench

    @property
    def step(self) -> str:
        return self._bench.record.id

    @property
    def seed(self) -> int:
        return self._bench.plan.seed

    @property
    def default_model(self) -> str:
        return self._bench.plan.default_model

    @property
    def inputs(self) -> Mapping[str, Any]:
        return self._bench.plan.inputs

    @property
    def registered(self) -> Sequence[RegisteredClaim]:
        return self._bench.plan.claims

    def record_of(self, step: str) -> StepRecord:
        state = self._bench.journal.state.steps.get(step)
        if state is None:
            raise StepFailed(f"there is no step {step!r}", code="no_value", where=self.step)
        return state.record

    def value_of(self, step: str) -> Any:
        try:
            return self._bench.values[step]
        except KeyError as error:
            raise StepFailed(f"step {step!r} has no value", code="no_value", where=self.step) from error

    def items_of(self, step: str) -> Iterator[ItemLine]:
        if self.record_of(step).cells is None:
            return iter(())
        return self._decoded(items_path(step), _items)

    def responses_of(self, step: str) -> Iterator[ResponseLine]:
        if self._bench.artifacts.ref(step, responses_path(step)) is None:
            return iter(())
        return self._decoded(responses_path(step), _responses)

    def lines_of(self, step: str, name: str) -> Iterator[bytes]:
        path = file_path(step, name)
        if self._bench.artifacts.ref(step, path) is None:
            raise StepFailed(f"step {step!r} has no file {name!r}", code="no_file", where=self.step)
        return self._lines(path)

    def attempts_of(self, step: str) -> int:
        return self._bench.journal.state.steps[step].attempts

    def has_failed(self, step: str) -> bool:
        return self._bench.journal.state.steps[step].failed_attempt > 0

    def render(self, template: str, cell: Cell | None = None) -> str:
        return templates.render(template, inputs=self._bench.plan.inputs, steps=self._bench.values, cell=cell)

    def fill(self, value: Any, cell: Cell | None = None) -> Any:
        return templates.fill(value, inputs=self._bench.plan.inputs, steps=self._bench.values, cell=cell)

    def holds(self, condition: str) -> bool:
        values = self._bench.values
        named = {step: values[step] for step in conditions.names_used(condition).steps if step in values}
        return conditions.is_true(condition, inputs=self._bench.plan.inputs, steps=named)

    def read_text(self, path: str) -> str:
        declared = self._bench.declared(path)
        if declared.encoding == "utf-8":
            return declared.content
        try:
            return self._bench.input_path(path).read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise StepFailed("a declared file is no text", code="input_not_text", where=path) from error

    def files_matching(self, pattern: str) -> list[str]:
        return sorted(file.path for file in self._bench.plan.files if globs.matches(pattern, file.path))

    def open_declared(self, path: str, kept: str) -> BinaryIO:
        declared = self._bench.declared(path)
        if declared.encoding == "utf-8":
            return BytesIO(declared.content.encode())
        try:
            return self._bench.input_path(path).open("rb")
        except OSError as error:
            raise StepFailed("a declared file cannot be read here", code="missing_input", where=path) from error

    def _decoded(self, path: str, decoder: msgspec.json.Decoder[T]) -> Iterator[T]:
        for number, line in enumerate(self._lines(path), start=1):
            try:
                yield decoder.decode(line)
            except msgspec.MsgspecError as error:
                raise EvidenceError(
                    "a recorded line is not its shape", where=f"{path}:{number}", got=str(error)
                ) from error

    def _lines(self, path: str) -> Iterator[bytes]:
        """The lines of a recorded file without newline; raises `EvidenceError` at its end when it was altered."""
        ref = self._bench.artifacts.ref(path.split("/")[1], path)
        if ref is None:
            raise EvidenceError("a recorded file is not there", where=path)
        hasher = sha256_running()
        try:
            with (self._bench.root / path).open("rb") as lines:
                for line in lines:
                    hasher.update(line)
                    yield line.removesuffix(b"\n")
        except OSError as error:
            raise EvidenceError("a recorded file cannot be read", where=path, got=str(error.strerror)) from error
        if hasher.hexdigest() != ref.sha256:
            raise _altered(ref)


def _altered(ref: FileRef) -> EvidenceError:
    return EvidenceError(
        "a recorded file has been altered",
        where=ref.path,
        expected=f"SHA-256 {ref.sha256}",
        hint="restore the run from a copy; AWO does not go on from altered evidence",
    )

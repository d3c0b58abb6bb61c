"""Sources without a run: a derivation can be tried on lines and values that a test gives."""

from __future__ import annotations

import fnmatch
import io
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, BinaryIO

import msgspec

from awo.errors import StepFailed
from awo.evidence.records import ItemLine, ResponseLine, RetryRecord, StepRecord, json_object
from awo.evidence.verdicts import RegisteredClaim
from awo.workflow import conditions, templates
from awo.workflow.cells import Cell


class FakeSources:
    """Implements `awo.derive.seam.Sources` in memory.

    `records`: earlier steps as input.json has them; a step that has only a value is taken as one that was
    done once. `items` and `responses`: the lines of earlier steps. `lines`: artifacts, by step and name.
    `attempts`: how often a step was tried, 1 when it is not said. `failed`: steps of which an attempt failed.
    `registered`: the claims of input.json. `files` and `blobs`: what the workflow declared, as text and as bytes.
    """

    def __init__(
        self,
        *,
        step: str = "step",
        seed: int = 0,
        values: Mapping[str, Any] | None = None,
        records: Mapping[str, StepRecord] | None = None,
        items: Mapping[str, Sequence[ItemLine]] | None = None,
        responses: Mapping[str, Sequence[ResponseLine]] | None = None,
        lines: Mapping[tuple[str, str], Sequence[bytes]] | None = None,
        files: Mapping[str, str] | None = None,
        blobs: Mapping[str, bytes] | None = None,
        inputs: Mapping[str, Any] | None = None,
        default_model: str = "echo",
        attempts: Mapping[str, int] | None = None,
        failed: Sequence[str] = (),
        registered: Sequence[RegisteredClaim] = (),
    ) -> None:
        self.step = step
        self.seed = seed
        self.default_model = default_model
        self._values = values or {}
        self._records = records or {}
        self._items = items or {}
        self._responses = responses or {}
        self._lines = lines or {}
        self._files = files or {}
        self._blobs = {**{path: text.encode() for path, text in self._files.items()}, **(blobs or {})}
        self.inputs = inputs or {}
        self.registered = registered
        self._attempts = attempts or {}
        self._failed = failed

    def record_of(self, step: str) -> StepRecord:
        if step in self._records:
            return self._records[step]
        if step not in self._values:
            raise StepFailed(f"there is no step {step!r}", code="no_value", where=self.step)
        return StepRecord(
            id=step,
            op="command",
            args=json_object({}),
            needs=(),
            when="",
            retries=RetryRecord(max=0, delay_s=0.0),
            timeout_s=0.0,
        )

    def value_of(self, step: str) -> Any:
        if step not in self._values:
            raise StepFailed(f"step {step!r} has no value", code="no_value", where=self.step)
        return msgspec.json.decode(msgspec.json.encode(self._values[step]))

    def items_of(self, step: str) -> Iterator[ItemLine]:
        return iter(self._items.get(step, ()))

    def responses_of(self, step: str) -> Iterator[ResponseLine]:
        return iter(self._responses.get(step, ()))

    def lines_of(self, step: str, name: str) -> Iterator[bytes]:
        if (step, name) not in self._lines:
            raise StepFailed(f"step {step!r} has no file {name!r}", code="no_file", where=self.step)
        return (line.removesuffix(b"\n") for line in self._lines[step, name])

    def attempts_of(self, step: str) -> int:
        return self._attempts.get(step, 1)

    def has_failed(self, step: str) -> bool:
        return step in self._failed

    def render(self, template: str, cell: Cell | None = None) -> str:
        return templates.render(template, inputs=self.inputs, steps=self._values, cell=cell)

    def fill(self, value: Any, cell: Cell | None = None) -> Any:
        return templates.fill(value, inputs=self.inputs, steps=self._values, cell=cell)

    def holds(self, condition: str) -> bool:
        return conditions.is_true(condition, inputs=self.inputs, steps=self._values)

    def read_text(self, path: str) -> str:
        if path not in self._files:
            raise StepFailed("a declared file cannot be read here", code="missing_input", where=path)
        return self._files[path]

    def files_matching(self, pattern: str) -> list[str]:
        return sorted(path for path in self._blobs if fnmatch.fnmatchcase(path, pattern))

    def open_declared(self, path: str, kept: str) -> BinaryIO:
        if path not in self._blobs:
            raise StepFailed("a declared file cannot be read here", code="missing_input", where=path)
        return io.BytesIO(self._blobs[path])

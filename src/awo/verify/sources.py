"""What is computed from when a package is judged: its own bytes, as derivations and the report read them."""

from __future__ import annotations

import io
import time
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from typing import Any, BinaryIO, TypeVar

import msgspec

from awo.derive.facts import RunFacts, StepFacts, StepStatus
from awo.derive.untouched import untouched
from awo.errors import CannotCheck, EvidenceError, StepFailed
from awo.evidence.gates import Decision, GateRequest
from awo.evidence.layout import file_path, items_path, responses_path
from awo.evidence.record_blocks import decode_items
from awo.evidence.records import InputRecord, ItemLine, ResponseLine, StepRecord
from awo.evidence.verdicts import RegisteredClaim
from awo.verify.doubled import doubled_key
from awo.verify.kept import KeptFile
from awo.verify.reading import Reading
from awo.workflow import conditions, globs, templates
from awo.workflow.cells import Cell

T = TypeVar("T")

VALUES_KEPT = 16
LARGEST_VALUE_KEPT_BYTES = 4 << 20

_items = msgspec.json.Decoder(ItemLine)
_responses = msgspec.json.Decoder(ResponseLine)
_decisions = msgspec.json.Decoder(Decision)
_requests = msgspec.json.Decoder(GateRequest)


class Package:
    """A package that was read once, and whose outputs can be read again as far as they were kept.

    Every method raises `CannotCheck` for bytes that were not kept or are not the recorded ones, and when the
    time for recomputing is over; `EvidenceError` for what is not its shape.
    """

    def __init__(self, reading: Reading, facts: RunFacts, plan: InputRecord) -> None:
        self.reading = reading
        self.facts = facts
        self.plan = plan
        self.steps = {step.record.id: step for step in facts.steps}
        self.untouched = untouched(plan)
        self.texts = {file.path: file.content for file in plan.files if file.encoding == "utf-8"}
        self._ends_at = time.monotonic() + reading.limits.recompute_s
        self._altered = {one.path for one in reading.altered_refs}
        self._altered |= {one.path for one in reading.responses if one.altered or one.missing}

    def tick(self) -> None:
        """Raises `CannotCheck` when recomputing has taken too long."""
        if time.monotonic() > self._ends_at:
            raise CannotCheck(f"recomputing takes longer than {self.reading.limits.recompute_s:g} s")

    def held(self, path: str) -> str:
        """`path`, where the file is here as it was recorded. Raises `CannotCheck`."""
        self.tick()
        if path in self._altered:
            raise CannotCheck("a file that is needed is not the recorded one", where=path)
        if not self.reading.spool.has(path):
            why = self.reading.why_unread(path) or self.reading.spool.problem
            raise CannotCheck("a file that is needed is not here", where=path, got=why)
        return path

    def value(self, path: str) -> Any:
        """A parsed value. Raises `EvidenceError` also where an object has a key twice."""
        data = self.reading.spool.read(self.held(path))
        value = _decoded(data, _values, path)
        if key := doubled_key(data):
            raise EvidenceError("a key stands twice in one object", where=path, got=key)
        return value

    def lines(self, path: str) -> Iterator[bytes]:
        """The lines of a file without their newlines, as they are taken."""
        for line in self.reading.spool.lines(self.held(path)):
            self.tick()
            yield line

    def records(self, path: str, decoder: msgspec.json.Decoder[T]) -> Iterator[T]:
        """The lines of a file as records."""
        for number, line in enumerate(self.lines(path), start=1):
            yield _decoded(line, decoder, f"{path}:{number}")

    def response(self, path: str, offset: int, size_bytes: int) -> ResponseLine:
        """The response that stands at these bytes of a responses.jsonl."""
        return _decoded(self.reading.spool.read(self.held(path), offset, size_bytes), _responses, path)

    def items(self, path: str, first: int = 0) -> Iterator[ItemLine]:
        """The cells of an items.jsonl in order, from number `first` on."""
        number = 0
        for block in self.reading.spool.blocks(self.held(path)):
            self.tick()
            count = block.count(b"\n")
            found = decode_items(block, count) if block.endswith(b"\n") and number + count > first else None
            if found is not None:
                yield from islice(found, max(0, first - number), None)
            elif number + count > first or not block.endswith(b"\n"):
                for at, line in enumerate(block.removesuffix(b"\n").split(b"\n"), start=number):
                    if at >= first:
                        yield _decoded(line, _items, f"{path}:{at + 1}")
            number += count


_values = msgspec.json.Decoder(Any)


def _decoded(data: bytes, decoder: msgspec.json.Decoder[T], where: str) -> T:
    try:
        return decoder.decode(data)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise EvidenceError("recorded bytes are not their shape", where=where, got=str(error)) from error


class _Values(Mapping[str, Any]):
    """The values of steps by id, read when looked at; the last small ones are kept, for templates that loop."""

    def __init__(self, package: Package) -> None:
        self._package = package
        self._kept: dict[str, Any] = {}

    def __getitem__(self, step: str) -> Any:
        package = self._package
        package.tick()
        if step in self._kept:
            return self._kept[step]
        facts = package.steps.get(step)
        ref = facts.value if facts is not None else None
        if ref is None:
            raise KeyError(step)
        value = package.value(ref.path)
        if ref.size_bytes <= LARGEST_VALUE_KEPT_BYTES:
            if len(self._kept) >= VALUES_KEPT:
                del self._kept[next(iter(self._kept))]
            self._kept[step] = value
        return value

    def __iter__(self) -> Iterator[str]:
        return (id_ for id_, step in self._package.steps.items() if step.value is not None)

    def __len__(self) -> int:
        return sum(1 for _ in self)


class PackageSources:
    """Implements `awo.derive.seam.Sources` over the bytes of a package, for one of its steps."""

    def __init__(self, package: Package, step: str) -> None:
        self.step = step
        self.seed = package.plan.seed
        self.default_model = package.plan.default_model
        self.inputs: Mapping[str, Any] = package.plan.inputs
        self.registered: Sequence[RegisteredClaim] = package.plan.claims
        self._package = package
        self._values = _Values(package)

    def record_of(self, step: str) -> StepRecord:
        return self._facts(step).record

    def value_of(self, step: str) -> Any:
        facts = self._package.steps.get(step)
        if facts is None or facts.value is None:
            raise StepFailed(f"step {step!r} has no value", code="no_value", where=self.step)
        return self._package.value(facts.value.path)

    def items_of(self, step: str) -> Iterator[ItemLine]:
        if self.record_of(step).cells is None:
            return iter(())
        return self._package.items(items_path(step))

    def responses_of(self, step: str) -> Iterator[ResponseLine]:
        if not self._has(step, responses_path(step)):
            return iter(())
        return self._package.records(responses_path(step), _responses)

    def lines_of(self, step: str, name: str) -> Iterator[bytes]:
        if not self._has(step, file_path(step, name)):
            raise StepFailed(f"step {step!r} has no file {name!r}", code="no_file", where=self.step)
        return self._package.lines(file_path(step, name))

    def attempts_of(self, step: str) -> int:
        return self._facts(step).attempts

    def has_failed(self, step: str) -> bool:
        facts = self._facts(step)
        return facts.reason is not None and facts.status is not StepStatus.SKIPPED

    def render(self, template: str, cell: Cell | None = None) -> str:
        self._package.tick()
        return templates.render(template, inputs=self._package.plan.inputs, steps=self._values, cell=cell)

    def fill(self, value: Any, cell: Cell | None = None) -> Any:
        self._package.tick()
        return templates.fill(value, inputs=self._package.plan.inputs, steps=self._values, cell=cell)

    def holds(self, condition: str) -> bool:
        self._package.tick()
        named = {step: self._values[step] for step in conditions.names_used(condition).steps if step in self._values}
        return conditions.is_true(condition, inputs=self._package.plan.inputs, steps=named)

    def read_text(self, path: str) -> str:
        declared = next((file for file in self._package.plan.files if file.path == path), None)
        if declared is None:
            raise StepFailed("the step reads a file that the workflow does not declare", code="undeclared", got=path)
        if declared.encoding != "utf-8":
            raise CannotCheck("the package has only the digest of a file that the step reads", where=path)
        return declared.content

    def files_matching(self, pattern: str) -> list[str]:
        return sorted(file.path for file in self._package.plan.files if globs.matches(pattern, file.path))

    def open_declared(self, path: str, kept: str) -> BinaryIO:
        declared = next((file for file in self._package.plan.files if file.path == path), None)
        if declared is None:
            raise StepFailed("the step reads a file that the workflow does not declare", code="undeclared", got=path)
        place = file_path(self.step, kept)
        refs = (*self._facts(self.step).files, *self._facts(self.step).failed_files)
        ref = next((ref for ref in refs if ref.path == place), None)
        if ref is None or ref.sha256 != declared.sha256:
            raise EvidenceError(
                "the file that the step kept is not the one that input.json names",
                where=place,
                expected=f"SHA-256 {declared.sha256}",
                got=ref.sha256 if ref is not None else "no file",
            )
        return io.BufferedReader(KeptFile(self._package, self._package.held(place)))

    def _facts(self, step: str) -> StepFacts:
        facts = self._package.steps.get(step)
        if facts is None:
            raise StepFailed(f"there is no step {step!r}", code="no_value", where=self.step)
        return facts

    def _has(self, step: str, path: str) -> bool:
        facts = self._package.steps.get(step)
        return facts is not None and any(ref.path == path for ref in facts.files)


class PackageReader:
    """Implements `awo.derive.report.Reader` over the bytes of a package."""

    def __init__(self, package: Package) -> None:
        self._package = package

    def value(self, path: str) -> Any:
        return self._package.value(path)

    def responses(self, step: str) -> Iterator[ResponseLine]:
        path = responses_path(step)
        if not self._package.steps[step].calls.responses:
            return iter(())
        return self._package.records(path, _responses)

    def items(self, path: str) -> Iterator[ItemLine]:
        return self._package.items(path)

    def failed_items(self, path: str) -> Iterator[ItemLine]:
        for line in self._package.lines(path):
            if b'"status":"failed"' in line:
                item = _decoded(line, _items, path)
                if item.status == "failed":  # a row may have a column of that name
                    yield item

    def decision(self, path: str) -> Decision:
        return self._record(path, _decisions)

    def gate_request(self, path: str) -> GateRequest:
        return self._record(path, _requests)

    def head(self, path: str, limit_bytes: int) -> str:
        return self._package.reading.spool.read(self._package.held(path), 0, limit_bytes).decode(errors="replace")

    def _record(self, path: str, decoder: msgspec.json.Decoder[T]) -> T:
        data = self._package.reading.kept.get(path)
        if data is None:
            raise CannotCheck("a record that is needed is not here", where=path)
        return _decoded(data, decoder, path)

"""The desk at which an operation works: its only way to earlier outputs, models and files."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec

from awo.canon.digest import sha256_file, sha256_hex
from awo.engine.artifacts import Artifacts
from awo.engine.calls import Calls
from awo.engine.folder import refuse_altered
from awo.engine.journal import Journal
from awo.engine.outputs import StepOutputs
from awo.engine.sources import EngineSources
from awo.errors import DiskTrouble, EvidenceError, StepFailed
from awo.evidence.events import FileRef
from awo.evidence.layout import value_path
from awo.evidence.records import InputFile, InputRecord, ResponseLine, StepRecord
from awo.evidence.secrets import SecretCutter
from awo.lifecycle.rules import RunState
from awo.ops.seam import Ask
from awo.workflow import globs, templates
from awo.workflow.cells import Cell


def scratch_prefix(run: Path) -> str:
    """How the scratch folders of the run in this folder begin, in the folder for temporary files."""
    return f"awo-{sha256_hex(os.fsencode(run.resolve()))[:16]}-"


def remove_scratch(run: Path) -> None:
    """Removes the scratch folders that a killed process of this run left behind."""
    for left in Path(tempfile.gettempdir()).glob(f"{scratch_prefix(run)}*"):
        if not left.is_symlink():
            shutil.rmtree(left, ignore_errors=True)


class Values(Mapping[str, Any]):
    """The values of finished steps by id, read from disk when looked at and checked against their digest."""

    def __init__(self, root: Path, state: RunState) -> None:
        self._root = root
        self._state = state

    def __getitem__(self, step: str) -> Any:
        state = self._state.steps.get(step)
        if state is None or not state.value_sha256:
            raise KeyError(step)
        return msgspec.json.decode(refuse_altered(self._root, value_path(step), state.value_sha256.hex()))

    def __iter__(self) -> Iterator[str]:
        return (id_ for id_, step in self._state.steps.items() if step.value_sha256)

    def __len__(self) -> int:
        return sum(1 for _ in self)


class Bench:
    """What every desk of one attempt of a step shares. `close` removes the scratch folder."""

    def __init__(
        self,
        record: StepRecord,
        journal: Journal,
        plan: InputRecord,
        workflow_root: Path,
        artifacts: Artifacts,
        outputs: StepOutputs,
        secrets: SecretCutter,
    ) -> None:
        self.record = record
        self.journal = journal
        self.plan = plan
        self.root = journal.folder
        self.workflow_root = workflow_root
        self.artifacts = artifacts
        self.outputs = outputs
        self.secrets = secrets
        self.values = Values(journal.folder, journal.state)
        self.calls: Calls | None = None
        self._scratch: Path | None = None
        self._declared = {file.path: file for file in plan.files}

    def declared(self, path: str) -> InputFile:
        """A file that the workflow declared. Raises `StepFailed` for another."""
        found = self._declared.get(path)
        if found is None:
            raise StepFailed(
                "the step reads a file that the workflow does not declare",
                code="undeclared",
                where=self.record.id,
                got=path,
                hint="name the file in the workflow, so that its digest is on record",
            )
        return found

    def input_path(self, path: str) -> Path:
        """Where a declared file lies on this machine, its digest checked. Raises `StepFailed`."""
        declared = self.declared(path)
        if declared.encoding == "utf-8":
            return self._copy_of(declared)
        if path.startswith("/") or ".." in path.split("/"):
            raise EvidenceError("input.json names a file outside the workflow's folder", where=path)
        place = self.workflow_root / path
        try:
            sha256, _ = sha256_file(place)
        except OSError as error:
            raise StepFailed(
                "a declared file cannot be read here",
                code="missing_input",
                where=path,
                got=str(error.strerror),
                hint="put the same file back and `awo resume` the run",
            ) from error
        if sha256 != declared.sha256:
            raise StepFailed(
                "a declared file has changed since the run started",
                code="changed_input",
                where=path,
                expected=f"SHA-256 {declared.sha256}",
                got=sha256,
            )
        return place

    def read_image(self, ref: FileRef) -> bytes:
        """The bytes of a declared file that has this digest. Raises `StepFailed`."""
        try:
            return self.input_path(ref.path).read_bytes()
        except OSError as error:
            raise StepFailed("a declared file cannot be read here", code="missing_input", where=ref.path) from error

    def private(self) -> Path:
        """A folder outside the run for this attempt."""
        if self._scratch is None:
            try:
                self._scratch = Path(tempfile.mkdtemp(prefix=scratch_prefix(self.root)))
            except OSError as error:
                raise DiskTrouble("no scratch folder can be made", got=str(error.strerror)) from error
        return self._scratch

    def close(self) -> None:
        """Removes whatever the attempt left outside the run."""
        if self.calls is not None:
            self.calls.close()
        if self._scratch is not None:
            shutil.rmtree(self._scratch, ignore_errors=True)
            self._scratch = None

    def _copy_of(self, declared: InputFile) -> Path:
        copies = self.private() / "inputs"
        copy = copies / declared.path
        if not copy.resolve().is_relative_to(copies.resolve()):  # a copied run is somebody else's text
            raise EvidenceError("input.json names a file outside the workflow's folder", where=declared.path)
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.write_bytes(declared.content.encode())
        return copy


class EngineDesk:
    """One attempt of one step, or one cell of it; implements `awo.ops.seam.Desk`.

    `calls` has the ids of the calls whose answers were given out here, in their order.
    """

    __slots__ = ("_bench", "_cell", "calls")

    def __init__(self, bench: Bench, cell: Cell | None = None) -> None:
        self._bench = bench
        self._cell = cell
        self.calls: list[str] = []

    @property
    def step(self) -> str:
        return self._bench.record.id

    @property
    def run_id(self) -> str:
        return self._bench.root.name

    @property
    def default_model(self) -> str:
        return self._bench.plan.default_model

    @property
    def sources(self) -> EngineSources:
        return EngineSources(self._bench)

    def value_of(self, step: str) -> Any:
        try:
            return self._bench.values[step]
        except KeyError as error:
            raise StepFailed(f"step {step!r} has no value", code="no_value", where=self.step) from error

    def path_of(self, step: str, name: str) -> Path:
        path = self._bench.artifacts.path(step, name)
        if path is None:
            raise StepFailed(f"step {step!r} has no file {name!r}", code="no_file", where=self.step)
        return path

    def files_of(self, step: str) -> list[str]:
        return self._bench.artifacts.names(step)

    def render(self, template: str) -> str:
        bench = self._bench
        return templates.render(template, inputs=bench.plan.inputs, steps=bench.values, cell=self._cell)

    def fill(self, value: Any) -> Any:
        bench = self._bench
        return templates.fill(value, inputs=bench.plan.inputs, steps=bench.values, cell=self._cell)

    def read_text(self, path: str) -> str:
        declared = self._bench.declared(path)
        if declared.encoding == "utf-8":
            return declared.content
        try:
            return self.input_path(path).read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise StepFailed("a declared file is no text", code="input_not_text", where=path) from error

    def file_ref(self, path: str) -> FileRef:
        declared = self._bench.declared(path)
        return FileRef(path=path, sha256=declared.sha256, size_bytes=declared.size_bytes)

    def input_path(self, path: str) -> Path:
        return self._bench.input_path(path)

    def files_matching(self, pattern: str) -> list[str]:
        return sorted(file.path for file in self._bench.plan.files if globs.matches(pattern, file.path))

    async def ask(self, asks: Sequence[Ask]) -> list[ResponseLine]:
        calls = self._bench.calls
        assert calls is not None
        cell = self._cell
        lines = await (calls.ask(asks) if cell is None else calls.ask(asks, cell.index, cell.repeat))
        self.calls += [line.call for line in lines]
        return lines

    async def keep_file(self, name: str, content: bytes) -> FileRef:
        return self._bench.outputs.keep(name, content)

    async def keep_lines(self, name: str, lines: Iterable[bytes]) -> FileRef:
        return self._bench.outputs.keep_lines(name, lines)

    async def keep_path(self, name: str, path: Path) -> FileRef:
        return self._bench.outputs.keep_path(name, path)

    def scratch(self) -> Path:
        folder = self._bench.private() / "work"
        folder.mkdir(exist_ok=True)
        return folder

    def cut_secrets(self, data: bytes) -> bytes:
        return self._bench.secrets.cut(data)

"""A desk without an engine: an operation can be tried at it, and what it did can be looked at."""

from __future__ import annotations

import fnmatch
import shutil
import tempfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from awo.canon.digest import sha256_hex
from awo.canon.paths import why_not_inside
from awo.derive.seam import Sources
from awo.errors import StepFailed
from awo.evidence.events import FileRef
from awo.evidence.layout import file_path
from awo.evidence.records import ResponseLine, Usage
from awo.ops.seam import Ask
from awo.testing.fake_sources import FakeSources
from awo.workflow import templates
from awo.workflow.cells import Cell

STAND_INS: Mapping[str, Callable[[str], str]] = {"echo": str, "upper": str.upper, "reverse": lambda text: text[::-1]}


class FakeDesk:
    """Implements `awo.ops.seam.Desk` in memory. The disk is touched only by `scratch`, `input_path` and `path_of`.

    `values`: the values of earlier steps. `files`: the files that the workflow declared. `artifacts`:
    the files of earlier steps, by step and name. `inputs`: what templates see as `inputs`. `answers`:
    a model's answer to the last turn, by its name; echo, upper and reverse are there already.
    `secrets`: text to be cut, by the secret's name. `cell`: the place of a fan-out, for its templates.
    `sources`: earlier outputs as a derivation reads them; made of `values`, `files` and `inputs` when absent.

    Afterwards, `asked` has the requests of each call of `ask`, and `kept` the bytes of each artifact.
    Use it as a context manager, or call `close`, when the disk was touched.
    """

    def __init__(
        self,
        *,
        step: str = "step",
        values: Mapping[str, Any] | None = None,
        files: Mapping[str, str] | None = None,
        artifacts: Mapping[tuple[str, str], bytes] | None = None,
        inputs: Mapping[str, Any] | None = None,
        answers: Mapping[str, Callable[[str], str]] | None = None,
        default_model: str = "echo",
        secrets: Mapping[str, str] | None = None,
        cell: Cell | None = None,
        sources: FakeSources | None = None,
    ) -> None:
        self.step = step
        self.run_id = "run_2026-01-01T00-00-00Z"
        self.default_model = default_model
        self.asked: list[tuple[Ask, ...]] = []
        self.kept: dict[str, bytes] = {}
        self._values = values or {}
        self._files = files or {}
        self._artifacts = artifacts or {}
        self._inputs = inputs or {}
        self._answers = {**STAND_INS, **(answers or {})}
        self._secrets = secrets or {}
        self._cell = cell
        self._folder: Path | None = None
        self._sources = sources or FakeSources(
            step=step, values=self._values, files=self._files, inputs=self._inputs, default_model=default_model
        )

    def __enter__(self) -> FakeDesk:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Removes what was put on the disk. Safe to call twice."""
        if self._folder is not None:
            shutil.rmtree(self._folder)
            self._folder = None

    @property
    def sources(self) -> Sources:
        return self._sources

    def value_of(self, step: str) -> Any:
        if step not in self._values:
            raise StepFailed(f"step {step!r} has no value", code="no_value", where=self.step)
        return self._values[step]

    def path_of(self, step: str, name: str) -> Path:
        if (step, name) not in self._artifacts:
            raise StepFailed(f"step {step!r} has no file {name!r}", code="no_file", where=self.step)
        return self._on_disk(f"artifacts/{step}/{name}", self._artifacts[step, name])

    def files_of(self, step: str) -> list[str]:
        return sorted(name for owner, name in self._artifacts if owner == step)

    def render(self, template: str) -> str:
        return templates.render(template, inputs=self._inputs, steps=self._values, cell=self._cell)

    def fill(self, value: Any) -> Any:
        return templates.fill(value, inputs=self._inputs, steps=self._values, cell=self._cell)

    def read_text(self, path: str) -> str:
        if path not in self._files:
            raise StepFailed("a declared file cannot be read here", code="missing_input", where=path)
        return self._files[path]

    def file_ref(self, path: str) -> FileRef:
        content = self.read_text(path).encode()
        return FileRef(path=path, sha256=sha256_hex(content), size_bytes=len(content))

    def input_path(self, path: str) -> Path:
        return self._on_disk(f"inputs/{path}", self.read_text(path).encode())

    def files_matching(self, pattern: str) -> list[str]:
        return sorted(path for path in self._files if fnmatch.fnmatchcase(path, pattern))

    async def ask(self, asks: Sequence[Ask]) -> list[ResponseLine]:
        self.asked.append(tuple(asks))
        return [self._response(ask, number) for number, ask in enumerate(asks)]

    async def keep_file(self, name: str, content: bytes) -> FileRef:
        if (why := why_not_inside(name)) or name in self.kept:
            raise StepFailed(f"a file may not be called {name!r}: {why or 'it is there'}", code="path", where=self.step)
        self.kept[name] = content
        return FileRef(path=file_path(self.step, name), sha256=sha256_hex(content), size_bytes=len(content))

    async def keep_lines(self, name: str, lines: Iterable[bytes]) -> FileRef:
        return await self.keep_file(name, b"".join(lines))

    async def keep_path(self, name: str, path: Path) -> FileRef:
        return await self.keep_file(name, self._regular(name, path))

    def scratch(self) -> Path:
        folder = self._private() / "scratch"
        folder.mkdir()
        return folder

    def cut_secrets(self, data: bytes) -> bytes:
        for name, secret in self._secrets.items():
            data = data.replace(secret.encode(), f"[secret {name}]".encode())
        return data

    def _regular(self, name: str, path: Path) -> bytes:
        if path.is_symlink() or not path.is_file():
            raise StepFailed(f"{name!r} is not a regular file", code="path", where=self.step)
        return path.read_bytes()

    def _response(self, ask: Ask, number: int) -> ResponseLine:
        if ask.model not in self._answers:
            raise StepFailed(f"{ask.model}: no answer", code="model", where=self.step)
        return ResponseLine(
            salt="0" * 32,
            step=self.step,
            call=str(sum(len(asks) for asks in self.asked[:-1]) + number),
            attempt=1,
            at="2026-01-01T00:00:00.000000Z",
            model=ask.model,
            backend=ask.model,
            model_asked=ask.model,
            model_answered=ask.model,
            messages=list(ask.messages),
            params=dict(ask.params),
            seed=0,
            text=self._answers[ask.model](ask.messages[-1].content),
            stop_reason="stop",
            usage=Usage(prompt_tokens=-1, completion_tokens=-1),
            latency_ms=0,
        )

    def _private(self) -> Path:
        if self._folder is None:
            self._folder = Path(tempfile.mkdtemp(prefix="awo-desk-"))
        return self._folder

    def _on_disk(self, name: str, content: bytes) -> Path:
        path = self._private() / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        return path

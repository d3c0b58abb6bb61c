"""The models of a run: opened when first asked, recorded once per process, each with its own queue."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

from awo import plugins
from awo.engine.journal import Journal
from awo.errors import AwoError, CannotCheck, StepFailed
from awo.evidence import events as ev
from awo.evidence.records import InputRecord, ModelRecord
from awo.evidence.secrets import SecretCutter
from awo.inference.seam import Backend


class Ready:
    """A model that is ready: its backend, its record in the workflow, and room for calls in flight."""

    __slots__ = ("asked", "backend", "record", "room")

    def __init__(self, backend: Backend, record: ModelRecord, asked: str) -> None:
        self.backend = backend
        self.record = record
        self.asked = asked
        self.room = asyncio.Semaphore(backend.concurrency)

    @property
    def on_unknown(self) -> str:
        """What a resumed run does about a call without outcome: retry where a call is free, else fail."""
        if self.record.on_unknown:
            return self.record.on_unknown
        return "retry" if self.backend.is_free else "fail"


class Models:
    """Opens each model at most once; `close` frees them all."""

    def __init__(self, record: InputRecord, root: Path, journal: Journal, secrets: SecretCutter) -> None:
        self._records = record.models
        self._root = root
        self._journal = journal
        self._secrets = secrets
        self._opening: dict[str, asyncio.Task[Ready]] = {}

    async def get(self, name: str) -> Ready:
        """The model of that name. Raises `StepFailed` (code `model`) when it cannot be made ready."""
        if name not in self._opening:
            self._opening[name] = asyncio.create_task(self._open(name))
        return await asyncio.shield(self._opening[name])

    async def _open(self, name: str) -> Ready:
        record = self._records.get(name) or ModelRecord(backend=name, model=name, params={}, seed=0, on_unknown="")
        try:
            factory = plugins.load(plugins.BACKENDS, record.backend, "model backend")
            backend: Backend = factory(record.model, record.params, record.seed, self._root)
            facts: dict[str, Any] = await backend.open()
        except CannotCheck:
            del self._opening[name]
            raise
        except AwoError as error:
            del self._opening[name]
            raise StepFailed(
                f"the model {name!r} cannot be made ready: {self._secrets.cut_text(error.what)}",
                code="model",
                expected=error.expected,
                got=error.got,
                hint=error.hint,
            ) from error
        self._journal.append(ev.ModelRecorded, model=name, facts={"backend": record.backend, **facts})
        return Ready(backend, record, str(facts.get("asked", record.model)))

    async def close(self) -> None:
        """Frees every model that was opened."""
        for task in self._opening.values():
            if task.done() and not task.cancelled() and task.exception() is None:
                await task.result().backend.close()
            else:
                task.cancel()

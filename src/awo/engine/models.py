"""The models of a run: opened when first asked, recorded once per process, each with its own pace."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec

from awo import plugins
from awo.canon.json import encode_sorted
from awo.engine.journal import Journal
from awo.errors import AwoError, CannotCheck, StepFailed
from awo.evidence import events as ev
from awo.evidence.records import InputRecord, LimitsRecord, ModelRecord
from awo.evidence.secrets import SecretCutter
from awo.inference.limits import Breaker, Change
from awo.inference.pace import Pace
from awo.inference.seam import Backend, ModelFailed

GROWS_TO = 8
"""A model without a limit of its own may grow to this many times the backend's usual number in flight."""

CALLS_A_PLACE_AHEAD = 8
"""For so many calls that may be in flight, one more may be on record and wait for room."""


class ModelGone(StepFailed):
    """A model that fails for every request alike: whatever else would ask it need not try."""


class Ready:
    """A model that is ready: its backend, its record in the workflow, and its pace.

    `facts` are what its event says of it. `ahead` is for calls that are on record and wait for room
    on the wire; `gone` is why it answers nobody.
    """

    __slots__ = ("ahead", "asked", "backend", "facts", "gone", "name", "pace", "record")

    def __init__(
        self,
        name: str,
        backend: Backend,
        record: ModelRecord,
        asked: str,
        facts: Mapping[str, Any],
        pace: Pace,
        most: int,
    ) -> None:
        self.name = name
        self.backend = backend
        self.record = record
        self.asked = asked
        self.facts = facts
        self.pace = pace
        self.ahead = asyncio.Semaphore(1 + (most // CALLS_A_PLACE_AHEAD if backend.is_remote else most))
        self.gone: ModelFailed | None = None

    @property
    def limits(self) -> LimitsRecord:
        return self.record.limits

    @property
    def is_free(self) -> bool:
        """Whether a call costs nothing: the workflow's price says so, or without one the backend."""
        price = self.record.price
        if price is None:
            return self.backend.is_free
        return price.input_usd_per_mtok == "0" and price.output_usd_per_mtok == "0"

    @property
    def on_unknown(self) -> str:
        """What a resumed run does about a call without outcome: retry where a call is free, else fail."""
        return self.record.on_unknown or ("retry" if self.is_free else "fail")


class Models:
    """Opens each model at most once; `close` frees them all."""

    def __init__(self, record: InputRecord, root: Path, journal: Journal, secrets: SecretCutter) -> None:
        self._records = record.models
        self._root = root
        self._journal = journal
        self._secrets = secrets
        self._opening: dict[str, asyncio.Task[Ready]] = {}
        self._ready: dict[str, Ready] = {}
        self._breakers: dict[str, Breaker] = {}

    async def get(self, name: str) -> Ready:
        """The model of that name. Raises `ModelGone` when it cannot be made ready."""
        if ready := self._ready.get(name):
            return ready
        if name not in self._opening:
            self._opening[name] = asyncio.create_task(self._open(name))
        return await asyncio.shield(self._opening[name])

    def paces(self) -> Mapping[str, Pace]:
        """The pace of each model that is ready, for those who watch."""
        return {name: ready.pace for name, ready in self._ready.items()}

    async def _open(self, name: str) -> Ready:
        record = self._records.get(name) or ModelRecord(backend=name, model=name, params={}, seed=0, on_unknown="")
        try:
            backend, facts = await self._made(name, record)
        except (CannotCheck, ModelGone):
            del self._opening[name]
            raise
        except AwoError as error:
            del self._opening[name]
            raise ModelGone(
                f"the model {name!r} cannot be made ready: {self._secrets.cut_text(error.what)}",
                code=error.code if isinstance(error, ModelFailed) else "model",
                where=error.where,
                expected=error.expected,
                got=self._secrets.cut_text(error.got),
                hint=error.hint,
            ) from error
        facts = msgspec.json.decode(self._secrets.cut(encode_sorted({"backend": record.backend, **facts})))
        self._journal.append(ev.ModelRecorded, model=name, facts=facts)
        asked = str(facts.get("asked", record.model))
        limits, usual = record.limits, backend.concurrency
        most = limits.in_flight or (usual * GROWS_TO if backend.is_remote and usual > 1 else usual)
        pace = self._pace(name, limits, backend, most)
        ready = self._ready[name] = Ready(name, backend, record, asked, facts, pace, most)
        return ready

    async def _made(self, name: str, record: ModelRecord) -> tuple[Backend, dict[str, Any]]:
        """The model's backend, open, and what it says of itself."""
        factory = plugins.load(plugins.BACKENDS, record.backend, "model backend")
        backend: Backend = factory(record.model, record.params, record.seed, self._root)
        return backend, await backend.open()

    def _pace(self, name: str, limits: LimitsRecord, backend: Backend, most: int) -> Pace:
        breaker = self._breakers.setdefault(backend.endpoint, Breaker(backend.endpoint)) if backend.endpoint else None

        def tell(change: Change) -> None:
            self._journal.append(
                ev.LimitChanged,
                model=name,
                in_flight=change.in_flight,
                reason=ev.Reason(code=change.code, message=self._secrets.cut_text(change.message)),
            )

        return Pace(
            most=most,
            start=limits.in_flight or backend.concurrency,
            requests_per_minute=limits.requests_per_minute,
            tokens_per_minute=limits.tokens_per_minute,
            breaker=breaker,
            tell=tell,
        )

    async def close(self) -> None:
        """Frees every model that was opened."""
        for task in self._opening.values():
            if task.done() and not task.cancelled() and task.exception() is None:
                await task.result().backend.close()
            else:
                task.cancel()

"""What a run asked of models, summed up from its evidence: the numbers behind the statements."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from awo.derive.facts import NO_CALLS, NO_MONEY, CallCounts, MoneyFacts, RunFacts
from awo.inference.providers import PROVIDERS
from awo.publish.described.shapes import Described
from awo.workflow.definition import STAND_INS

REPLAY: Final = "replay"
LLAMA: Final = "llama"


@dataclass(frozen=True, slots=True)
class ModelUse:
    """One model of the workflow, as it was used. '' is what nobody recorded.

    `asked_as` is what the provider or the engine was asked for, `answered_as` under which names answers came (empty:
    not on record). `where` says in words who ran it. `took_seed` is False where the provider takes none. `first_at`
    and `last_at` are of its requests. `steps` are the steps that asked it.
    """

    name: str
    backend: str
    asked_as: str
    answered_as: tuple[str, ...]
    where: str
    engine: str
    weights_sha256: str
    params: Mapping[str, Any]
    seed: int
    took_seed: bool
    is_stand_in: bool
    has_changed: bool
    calls: CallCounts
    money: MoneyFacts
    first_at: str
    last_at: str
    steps: tuple[str, ...]

    @property
    def is_replayed(self) -> bool:
        """Whether nothing was asked of it: its answers are those on record of an earlier run."""
        return self.backend == REPLAY

    @property
    def was_asked(self) -> bool:
        """Whether it is a model at all, and was asked in this run."""
        return not self.is_stand_in and not self.is_replayed

    @property
    def requests(self) -> int:
        """How many requests were sent to it."""
        return sent(self.calls)


def sent(calls: CallCounts) -> int:
    """How many requests were sent: each has been answered, has failed, or its outcome is unknown or still open."""
    return calls.answered + calls.failed + calls.unknown + calls.open


def models_used(described: Described) -> tuple[ModelUse, ...]:
    """The models that were asked, or whose answers were taken over, in the order of the workflow, then of the calls."""
    facts = described.facts
    called = dict.fromkeys(group.model for group in described.groups)
    names = [name for name in facts.input.models if name in called]
    names += [name for name in called if name not in facts.input.models]
    return tuple(_use(described, name) for name in names)


def not_asked(facts: RunFacts) -> tuple[str, ...]:
    """The models that the workflow names and no request was sent to, nor an answer taken over from."""
    return tuple(name for name in facts.input.models if not _responses_or_calls(facts, name))


def _responses_or_calls(facts: RunFacts, name: str) -> int:
    calls = facts.calls_by_model.get(name, NO_CALLS)
    return sent(calls) + calls.reused


def _use(described: Described, name: str) -> ModelUse:
    facts = described.facts
    record, known = facts.input.models.get(name), facts.models.get(name)
    said = known.facts if known is not None else {}
    backend = record.backend if record is not None else name if name in STAND_INS else ""
    groups = [group for group in described.groups if group.model == name]
    return ModelUse(
        name=name,
        backend=backend,
        asked_as=_text(said.get("asked")) or (record.model if record is not None else ""),
        answered_as=described.answered.get(name, ()),
        where=_where(backend, said),
        engine=_text(said.get("llama_cpp")) or _server(backend, said),
        weights_sha256=_text(said.get("weights_sha256")),
        params=record.params if record is not None else {},
        seed=record.seed if record is not None else 0,
        took_seed=said.get("seed_sent") is not False,
        is_stand_in=backend in STAND_INS,
        has_changed=known.has_changed if known is not None else False,
        calls=facts.calls_by_model.get(name, NO_CALLS),
        money=facts.money_by_model.get(name, NO_MONEY),
        first_at=min((group.first_at for group in groups if group.first_at), default=""),
        last_at=max((group.last_at for group in groups if group.last_at), default=""),
        steps=tuple(dict.fromkeys(group.step for group in groups)),
    )


def _server(backend: str, said: Mapping[str, Any]) -> str:
    """The server's name and version, where it told its version."""
    version = _text(said.get(backend)) if backend else ""
    return f"{backend} {version}" if version else ""


def _where(backend: str, said: Mapping[str, Any]) -> str:
    """Who ran the model, as far as it is on record. An address of the users' own is not given: it may be private."""
    if backend in STAND_INS or backend == LLAMA:
        return "run in the process of AWO itself"
    if backend == REPLAY:
        return "answered from the recorded responses of an earlier run"
    provider = PROVIDERS.get(backend)
    if provider is None:
        return f"reached through the backend {backend}" if backend else ""
    if provider.address and said.get("endpoint") == provider.address and not provider.is_local:
        return f"reached at the address of the provider {provider.name}"
    return f"reached at an address of the authors' own, by the protocol of {provider.name}"


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""

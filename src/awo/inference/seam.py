"""The seam of model backends: a request goes in, an answer comes out, and the model says what it is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from awo.errors import AwoError


@dataclass(frozen=True, slots=True)
class Turn:
    """One turn of a conversation: `role` is system, user or assistant."""

    role: str
    content: str


@dataclass(frozen=True, slots=True)
class Request:
    """What is asked of a model: the turns, sampling parameters by their OpenAI names, and a seed."""

    turns: tuple[Turn, ...]
    params: Mapping[str, Any]
    seed: int


@dataclass(frozen=True, slots=True)
class Reply:
    """What a model answered. Tokens are -1 where the model did not count them."""

    text: str
    model_answered: str
    stop_reason: str
    prompt_tokens: int
    completion_tokens: int


class ModelFailed(AwoError):
    """A model gave no answer. `is_transient` says whether another attempt could help."""

    exit_code = 6

    def __init__(self, what: str, *, is_transient: bool, where: str = "", got: str = "", hint: str = "") -> None:
        super().__init__(what, where=where, got=got, hint=hint)
        self.is_transient = is_transient


class Backend(Protocol):
    """A model that is ready to answer. Made by a factory, a row of `awo.plugins.BACKENDS`.

    The factory is `(model: str, params: Mapping[str, Any], seed: int, root: Path) -> Backend`: the
    model as the workflow spells it, the model's own parameters and seed, and the workflow's folder,
    from which a relative path in `model` starts. It is quick and touches nothing: `open` does the work.
    """

    @property
    def is_free(self) -> bool:
        """True when a call costs nothing, so that an unknown outcome may be tried again unasked."""

    @property
    def concurrency(self) -> int:
        """How many calls may be in flight at once; 1 keeps a local model deterministic."""

    def check(self) -> None:
        """Whether `open` can be expected to work here; loads nothing, so that a run need not find out late.

        Raises `ModelFailed` for what is asked wrongly, and `CannotCheck` for what this machine lacks.
        """

    async def open(self) -> dict[str, Any]:
        """Makes the model ready; gives the facts for the record (text, integers, booleans)."""

    async def ask(self, request: Request) -> Reply:
        """One answer. Raises `ModelFailed`."""

    async def close(self) -> None:
        """Frees what `open` took. Safe to call twice."""

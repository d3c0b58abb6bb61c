"""The stand-ins `echo`, `upper` and `reverse`: models that cost nothing and always answer the same."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from awo.inference.seam import Backend, ModelFailed, Reply, Request


class StandIn:
    """Answers with a function of the last user turn. Parameters and seeds change nothing."""

    is_free = True
    concurrency = 512  # nothing is waited for but the disk, which takes many at once
    is_remote = False
    endpoint = ""

    def __init__(self, name: str, answer: Callable[[str], str]) -> None:
        self._name = name
        self._answer = answer

    def check(self) -> None:
        return

    async def open(self) -> dict[str, Any]:
        return {"asked": self._name, "answered": self._name, "deterministic": True}

    async def ask(self, request: Request, timeout_s: float) -> Reply:
        asked = [turn.content for turn in request.turns if turn.role == "user"]
        if not asked:
            raise ModelFailed(
                "the request has no turn of a user",
                is_transient=False,
                code="bad_request",
                where=f"model {self._name}",
            )
        return Reply(
            text=self._answer(asked[-1]),
            model_answered=self._name,
            stop_reason="stop",
            prompt_tokens=-1,
            completion_tokens=-1,
        )

    async def close(self) -> None:
        return


def echo(model: str, params: Mapping[str, Any], seed: int, root: Path) -> Backend:
    """The backend that answers with the prompt itself."""
    return StandIn("echo", str)


def upper(model: str, params: Mapping[str, Any], seed: int, root: Path) -> Backend:
    """The backend that answers with the prompt in upper case (Unicode's full mapping)."""
    return StandIn("upper", str.upper)


def reverse(model: str, params: Mapping[str, Any], seed: int, root: Path) -> Backend:
    """The backend that answers with the prompt's code points in reverse order."""
    return StandIn("reverse", lambda text: text[::-1])

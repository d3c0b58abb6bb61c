"""What the tests of hosted backends share: a model of each provider, the stub as all of them, and one question."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from pathlib import Path
from typing import Any, TypeVar

import pytest
from tests.stub.running import RunningStub

from awo import plugins
from awo.inference.hosted import Hosted
from awo.inference.seam import ModelFailed, Reply, Request, Turn

MODELS = {
    "openai": "gpt-5-mini",
    "anthropic": "claude-haiku-4-5",
    "gemini": "gemini-2.5-flash",
    "openrouter": "openai/gpt-5-mini",
    "azure": "gpt-5-mini",
    "ollama": "smollm2",
    "vllm": "Qwen/Qwen3-0.6B",
    "llamacpp": "smollm2",
    "lmstudio": "local-model",
}
PROTOCOLS = ("openai", "anthropic", "gemini")

T = TypeVar("T")


def stub_everywhere(stub: RunningStub, monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    """An environment in which every provider is the stub, and `folder` has no key file."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(folder))
    monkeypatch.delenv("OPENAI_API_VERSION", raising=False)
    for name, value in stub.environment.items():
        monkeypatch.setenv(name, value)


def made(provider: str, model: str = "", **params: Any) -> Hosted:
    factory = plugins.load(plugins.BACKENDS, provider, "model backend")
    backend = factory(model or MODELS[provider], params, 7, Path())
    assert isinstance(backend, Hosted)
    return backend


def question(prompt: str = "Name one colour.", schema: dict[str, Any] | None = None, **params: Any) -> Request:
    return Request(turns=(Turn("user", prompt),), params=params, seed=7, schema=schema)


async def asked(backend: Hosted, request: Request, timeout_s: float = 20) -> Reply:
    await backend.open()
    try:
        return await backend.ask(request, timeout_s)
    finally:
        await backend.close()


def run(work: Coroutine[Any, Any, T]) -> T:
    return asyncio.run(work)


def failure(backend: Hosted, request: Request | None = None, timeout_s: float = 20) -> ModelFailed:
    with pytest.raises(ModelFailed) as caught:
        run(asked(backend, request or question(), timeout_s))
    return caught.value

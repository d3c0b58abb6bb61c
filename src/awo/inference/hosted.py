"""The backends that ask a server over HTTP: every row of `providers.py`, each in its own protocol."""

from __future__ import annotations

import importlib.util
import os
import urllib.parse
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, Final, Protocol

from awo.inference import anthropic_messages, gemini, openai_chat, server_facts, wire
from awo.inference.failures import cannot_say
from awo.inference.keys import Access, access_of, endpoint_of
from awo.inference.providers import PROVIDERS, ProtocolName, Provider
from awo.inference.seam import Backend, Exchange, Headers, ModelFailed, Reply, Request

LONGEST_NAME: Final = 256


class Speech(Protocol):
    """What a module of a protocol has. No part of it reads or writes anything."""

    @property
    def VERSION(self) -> str: ...  # noqa: N802 (a constant of a module)
    @property
    def KNOWS_SEED(self) -> bool: ...  # noqa: N802
    @property
    def DEFAULTS(self) -> Mapping[str, Any]: ...  # noqa: N802
    @property
    def check(self) -> Callable[[Mapping[str, Any]], None]: ...
    @property
    def path_of(self) -> Callable[[Access, str], str]: ...
    @property
    def headers_of(self) -> Callable[[Provider, Access], Headers]: ...
    @property
    def body_of(self) -> Callable[[Provider, str, Request, Mapping[str, Any]], bytes]: ...
    @property
    def reply_of(self) -> Callable[[Exchange, str], Reply]: ...


SPEECH: Final[Mapping[ProtocolName, Speech]] = {
    "openai-chat": openai_chat,
    "anthropic-messages": anthropic_messages,
    "gemini": gemini,
}


class Hosted:
    """One model of one provider. Models of one server share their connections."""

    def __init__(self, provider: Provider, model: str, params: Mapping[str, Any]) -> None:
        self._provider = provider
        self._speech = SPEECH[provider.protocol]
        self._model = model
        self._params = {name: value for name, value in params.items() if name != "seed"}  # a request brings its own
        self._opened: _Opened | None = None

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self._provider.name}/{self._model})"

    @property
    def is_free(self) -> bool:
        return self._provider.is_local

    @property
    def concurrency(self) -> int:
        return self._provider.concurrency

    @property
    def is_remote(self) -> bool:
        return True

    @property
    def endpoint(self) -> str:
        return self._opened.access.base_url if self._opened else endpoint_of(self._provider, os.environ)

    def check(self) -> None:
        """Raises `ModelFailed` for a model's name or a parameter that the protocol cannot say, `CannotCheck` for
        a key, an address or a library that is missing here. Connects to nothing."""
        self._checked()

    async def open(self) -> dict[str, Any]:
        """The facts: model as asked, address, protocol, whether it knows a seed; of a local server what it tells.

        Raises as `check`; and of a local server `ModelFailed` when it is not there or lacks the model.
        """
        access = self._checked()
        await self.close()
        shared = await wire.take(access.base_url)
        headers = self._speech.headers_of(self._provider, access)
        opened = self._opened = _Opened(access, shared, headers, self._speech.path_of(access, self._model))
        facts: dict[str, Any] = {
            "asked": self._model,
            "endpoint": access.base_url,
            "protocol": self._provider.protocol,
            "api_version": access.api_version or self._speech.VERSION,
            "seed_sent": self._speech.KNOWS_SEED,
            **self._speech.DEFAULTS,
        }
        if not self._provider.is_local:
            return facts
        try:
            return facts | await self._told_by_server(opened)
        except BaseException:
            await self.close()
            raise

    async def ask(self, request: Request, timeout_s: float) -> Reply:
        """One answer over one request. Raises `ModelFailed`, with the exchange where there was one."""
        opened = self._opened
        if opened is None:
            raise ModelFailed("the model is not open", is_transient=False)
        if not any(turn.role == "user" for turn in request.turns):
            raise cannot_say("the request has no turn of a user")
        body = self._speech.body_of(self._provider, self._model, request, {**self._params, **request.params})
        headers = opened.headers
        if request.key and self._provider.idempotency_header:
            headers = (*headers, (self._provider.idempotency_header, request.key))
        try:
            exchange = await opened.wire.post(opened.path, headers, body, timeout_s)
            reply = self._speech.reply_of(exchange, self._model)
        except ModelFailed as error:
            raise self._without_key(error, opened.access.key) from error.__cause__
        if not self._provider.is_local:
            return reply
        # llama.cpp's server names its model by the file's path unless it was given an alias.
        return replace(reply, model_answered=server_facts.file_name(reply.model_answered))

    async def close(self) -> None:
        if self._opened is not None:
            base_url, self._opened = self._opened.access.base_url, None
            await wire.give_back(base_url)

    def _checked(self) -> Access:
        name = self._model
        if not name or len(name) > LONGEST_NAME or not name.isprintable() or " " in name or ".." in name:
            raise cannot_say("this cannot be a model's name", got=repr(name[:LONGEST_NAME]))
        self._speech.check(self._params)
        if importlib.util.find_spec("aiohttp") is None:
            raise wire.no_library()
        return access_of(self._provider, os.environ)

    async def _told_by_server(self, opened: _Opened) -> dict[str, Any]:
        split = urllib.parse.urlsplit(opened.access.base_url)
        above = wire.Wire(f"{split.scheme}://{split.netloc}{split.path.removesuffix(self._provider.root)}")
        await above.open()
        try:
            return await server_facts.ask_server(self._provider, opened.access, above, opened.headers, self._model)
        finally:
            await above.close()

    def _without_key(self, error: ModelFailed, key: str) -> ModelFailed:
        """`error`, said of this model, and without the key, which a provider's message may repeat."""
        error.where = error.where or f"model {self._provider.name}/{self._model}"
        if key:
            error.got = error.got.replace(key, "[key]")
        return error


class _Opened:
    """What an open model needs for each request, made once."""

    __slots__ = ("access", "headers", "path", "wire")

    def __init__(self, access: Access, shared: wire.Wire, headers: Headers, path: str) -> None:
        self.access = access
        self.wire = shared
        self.headers = headers
        self.path = path


def open_hosted(provider: str, model: str, params: Mapping[str, Any], seed: int, root: Path) -> Backend:
    """The backend for `model` of `provider`, a row of `PROVIDERS`."""
    return Hosted(PROVIDERS[provider], model, params)


openai = partial(open_hosted, "openai")
anthropic = partial(open_hosted, "anthropic")
gemini_model = partial(open_hosted, "gemini")
ollama = partial(open_hosted, "ollama")
vllm = partial(open_hosted, "vllm")
llamacpp = partial(open_hosted, "llamacpp")
lmstudio = partial(open_hosted, "lmstudio")
openrouter = partial(open_hosted, "openrouter")
azure = partial(open_hosted, "azure")

"""The backend `pydantic-ai`: every provider that pydantic-ai can ask over an HTTP client of ours."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import inspect
import os
import urllib.parse
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from awo.errors import CannotCheck
from awo.inference import wire
from awo.inference.failures import cannot_say
from awo.inference.keys import ALLOW_VARIABLE, is_loopback
from awo.inference.provider_json import short
from awo.inference.pydantic_transport import SENDING, Sending, Way, httpx2_client, httpx_client, origin_of
from awo.inference.pydantic_words import messages_of, parameters_of, refuse_left_out, reply_of, settings_of
from awo.inference.seam import Backend, ModelFailed, Reply, Request

if TYPE_CHECKING:
    from pydantic_ai.models import Model
    from pydantic_ai.providers import Provider

CONCURRENCY: Final = 16
RUN_BY_THEIR_USERS: Final = frozenset({"ollama", "vllm"})

OUT_OF_REACH: Final[Mapping[str, str]] = {
    "bedrock": "its library (boto3) has no place for an HTTP client of ours",
    "gateway": "it is a gateway to other providers: name the provider itself",
    "github-copilot": "it signs in with requests of its own",
    "huggingface": "its library ignores the HTTP client that it is given",
    "openai-chatgpt": "it signs in with requests of its own",
    "openai-codex": "it signs in with requests of its own",
    "xai": "its library speaks gRPC; `openrouter` and `openai-chat` reach the same models",
}
"""Providers of pydantic-ai whose exchanges could not be recorded, and why: they are refused."""


def open_pydantic_ai(model: str, params: Mapping[str, Any], seed: int, root: Path) -> Backend:
    """The backend for `model` as pydantic-ai spells it: `openai:gpt-5-mini`, `groq:…`, `mistral:…`."""
    return PydanticAi(model, params)


class PydanticAi:
    """One model, asked through pydantic-ai. Keys and addresses come from the environment, by pydantic-ai's names."""

    def __init__(self, model: str, params: Mapping[str, Any]) -> None:
        self._name = model
        self._prefix, _, self._model_name = model.partition(":")
        self._params = {name: value for name, value in params.items() if name != "seed"}  # a request brings its own
        self._origin = ""
        self._way = Way()
        self._model: Model | None = None

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self._name})"

    @property
    def is_free(self) -> bool:
        return self._prefix in RUN_BY_THEIR_USERS

    @property
    def concurrency(self) -> int:
        return CONCURRENCY

    @property
    def is_remote(self) -> bool:
        return True

    @property
    def endpoint(self) -> str:
        if not self._origin:
            self._origin = origin_of(_base_url_of(self._made(Way()), self._prefix))
        return self._origin

    def check(self) -> None:
        """Raises `ModelFailed` for a model or parameter that pydantic-ai does not have, or a provider whose exchanges
        cannot be recorded; `CannotCheck` for a library, key or address that is missing here."""
        model = self._made(Way())
        settings_of(self._params, self._own_prefix, _ignored(model))
        _refuse_open_key(_base_url_of(model, self._prefix))

    async def open(self) -> dict[str, Any]:
        """The facts: model as asked, address, pydantic-ai's version and its class, which says which protocol it speaks.

        Raises as `check`.
        """
        self.check()
        await self.close()
        way = Way()
        self._model = self._made(way)
        base_url = _base_url_of(self._model, self._prefix)
        way.origin = self._origin = origin_of(base_url)
        way.wire = await wire.take(way.origin)
        self._way = way
        return {
            "asked": self._name,
            "endpoint": way.origin + urllib.parse.urlsplit(base_url).path,
            "pydantic_ai": importlib.metadata.version("pydantic-ai-slim"),
            "pydantic_ai_model": type(self._model).__name__,
            "seed_sent": "seed" not in _ignored(self._model),
        }

    async def ask(self, request: Request, timeout_s: float) -> Reply:
        """One answer over one request, with what crossed the wire. Raises `ModelFailed`."""
        if self._model is None:
            raise ModelFailed("the model is not open", is_transient=False)
        messages = messages_of(request)
        ignored = _ignored(self._model)
        settings = settings_of({**self._params, **request.params}, self._own_prefix, ignored)
        settings |= {name: value for name, value in (("seed", request.seed), ("max_retries", 0)) if name not in ignored}
        sending = Sending(timeout_s, partial(refuse_left_out, settings))
        token = SENDING.set(sending)
        try:
            return await self._ask(self._model, request, messages, settings, sending)
        except ModelFailed as error:
            error.where = error.where or f"model {self._name}"
            for secret in sending.secrets:
                error.got = error.got.replace(secret, "[key]")
            raise
        finally:
            SENDING.reset(token)

    async def _ask(
        self, model: Model, request: Request, messages: list[Any], settings: dict[str, Any], sending: Sending
    ) -> Reply:
        from pydantic_ai.direct import model_request

        parameters = parameters_of(request)
        try:
            parsed = await model_request(
                model,
                messages,
                model_settings=settings,  # type: ignore[arg-type]
                model_request_parameters=parameters,
                instrument=False,
            )
        except Exception as error:  # a seam: every provider's library has errors of its own
            if sending.failure is not None:
                raise sending.failure from error
            if sending.exchange is None:
                raise cannot_say(
                    "pydantic-ai does not send this request", got=short(f"{type(error).__name__}: {error}")
                ) from error
            return reply_of(sending.exchange, self._model_name, None)
        if sending.exchange is None:
            raise ModelFailed(
                "pydantic-ai answered past the recorded wire",
                is_transient=False,
                concerns_model=True,
                may_have_cost=True,
            )
        return reply_of(sending.exchange, self._model_name, parsed)

    async def close(self) -> None:
        self._model = None
        if self._way.wire is not None:
            origin, self._way = self._way.origin, Way()
            await wire.give_back(origin)

    @property
    def _own_prefix(self) -> str:
        """How pydantic-ai begins the names of settings that only this provider has."""
        return f"{self._prefix.partition('-')[0]}_"

    def _made(self, way: Way) -> Model:
        """The model, made anew; nothing is sent."""
        if not self._prefix or not self._model_name or not self._name.isprintable():
            raise cannot_say(
                "pydantic-ai needs the provider before the model's name",
                got=repr(self._name[:100]),
                hint="write it as `openai-chat:gpt-5-mini`",
            )
        why = OUT_OF_REACH.get(self._prefix.partition("/")[0])
        if why:
            raise _out_of_reach(self._prefix, why)
        for package, extra in (("pydantic_ai", "pydantic-ai"), ("aiohttp", "http")):
            if importlib.util.find_spec(package) is None:
                raise CannotCheck(
                    f"the backend pydantic-ai needs the package {package}, which is not installed",
                    hint=f"pip install 'awo[{extra}]'",
                )
        return _as_ours(self._name, lambda: self._inferred(way))

    def _inferred(self, way: Way) -> Model:
        from pydantic_ai.models import infer_model
        from pydantic_ai.providers import infer_provider_class

        def provider_of(prefix: str) -> Provider[Any]:
            try:
                kind = infer_provider_class(prefix)
            except ValueError as error:
                raise _unknown(self._name, f"it has no provider {prefix!r}") from error
            wants = inspect.signature(kind).parameters.get("http_client")
            if wants is None:
                raise _out_of_reach(prefix, "its library has no place for an HTTP client of ours")
            is_older = "httpx.AsyncClient" in str(wants.annotation)
            return kind(http_client=httpx_client(way) if is_older else httpx2_client(way))  # type: ignore[call-arg]

        return infer_model(self._name, provider_of)


def _as_ours(name: str, make: Callable[[], Model]) -> Model:
    """What `make` gives; pydantic-ai's complaints become ours."""
    from pydantic_ai.exceptions import UserError

    try:
        return make()
    except ModelFailed:
        raise
    except ImportError as error:
        raise CannotCheck(
            "a library of this provider is not installed", where=f"model {name}", hint=short(str(error))
        ) from error
    except UserError as error:
        raise CannotCheck(
            "pydantic-ai cannot reach this provider from here", where=f"model {name}", got=short(str(error))
        ) from error
    except Exception as error:  # a seam: what a provider's library says can hold what it was given, a key too
        raise _unknown(name, type(error).__name__) from error


def _unknown(name: str, got: str) -> ModelFailed:
    return ModelFailed(
        "pydantic-ai cannot make this model",
        is_transient=False,
        code="unknown_model",
        concerns_model=True,
        where=f"model {name}",
        got=got,
        hint="write it as pydantic-ai spells it, such as `openai-chat:gpt-5-mini`",
    )


def _base_url_of(model: Model, prefix: str) -> str:
    if not model.base_url:
        raise _out_of_reach(prefix, "it does not say where its server is")
    return str(model.base_url).rstrip("/")


def _ignored(model: Model) -> frozenset[str]:
    """The settings that pydantic-ai would leave out for this model without an error."""
    return frozenset(getattr(model, "unsupported_settings", ()))


def _out_of_reach(prefix: str, why: str) -> ModelFailed:
    return ModelFailed(
        f"what {prefix} answers through pydantic-ai could not be recorded: {why}",
        is_transient=False,
        code="bad_request",
        concerns_model=True,
        where=f"provider {prefix}",
    )


def _refuse_open_key(base_url: str) -> None:
    """No key crosses the network in the clear."""
    split = urllib.parse.urlsplit(base_url)
    if split.scheme == "https" or is_loopback(split.hostname or "") or os.environ.get(ALLOW_VARIABLE) == "1":
        return
    raise CannotCheck(
        "the key would cross the network in the clear",
        expected="an https:// address, or a server on this machine",
        got=origin_of(base_url),
        hint=f"use https, or set {ALLOW_VARIABLE}=1 where nobody else can listen",
    )

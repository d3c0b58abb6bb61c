"""The backend `llama`: llama.cpp in this process, one request at a time, so that the same seed gives the same text."""

from __future__ import annotations

import asyncio
import http.client
import importlib.util
import json
import secrets
import threading
import time
import urllib.parse
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from weakref import WeakValueDictionary

from awo.canon.digest import sha256_file, sha256_hex
from awo.errors import CannotCheck
from awo.inference.failures import cannot_say
from awo.inference.llama_answers import exchange_of, reply_of
from awo.inference.llama_settings import DEFAULT_MAX_TOKENS, Setup, body_of, setup_from
from awo.inference.provider_json import short
from awo.inference.seam import Backend, ModelFailed, Reply, Request
from awo.inference.weights import find_weights

QUIET = -1


def open_llama(model: str, params: Mapping[str, Any], seed: int, root: Path) -> Backend:
    """The backend for `model`: `smollm2`, or the path of a GGUF file (relative to `root`)."""
    return Llama(model, params, root)


class Llama:
    """One local model. Equal weights and set-ups share one loaded model within the process."""

    is_free = True
    concurrency = 1
    is_remote = False
    endpoint = ""

    def __init__(self, model: str, params: Mapping[str, Any], root: Path) -> None:
        self._model = model
        self._params = dict(params)
        self._root = root
        self._loaded: _Loaded | None = None

    def check(self) -> None:
        """Raises `ModelFailed` for a bad parameter or weights that are no GGUF, `CannotCheck` for what is missing."""
        setup_from(self._params)
        find_weights(self._model, self._root)
        if importlib.util.find_spec("xllamacpp") is None:
            raise _no_library()

    async def open(self) -> dict[str, Any]:
        """The facts: asked and answered names, digest and length of the weights, llama.cpp's build and
        its library's digest, chat template, context, threads, slots and quantisation.

        Raises `CannotCheck` when xllamacpp or the weights are missing here, `ModelFailed` for a bad
        parameter or weights that llama.cpp does not load.
        """
        setup = setup_from(self._params)
        weights = find_weights(self._model, self._root)
        self._loaded = await asyncio.to_thread(_load, weights.path, setup)
        return {"asked": weights.asked, "answered": weights.name} | self._loaded.facts

    async def ask(self, request: Request, timeout_s: float) -> Reply:
        """One answer; a request that is cancelled or takes too long stops at the next token.

        Raises `ModelFailed`, never transient: the same request would fare no better.
        """
        if self._loaded is None:
            raise ModelFailed("the model is not open", is_transient=False)
        body = body_of(request, self._params)
        stop = threading.Event()
        try:
            return await asyncio.wait_for(asyncio.to_thread(self._loaded.ask, body, stop), timeout_s)
        except TimeoutError as error:
            raise ModelFailed(
                "the model did not answer in time",
                is_transient=False,
                code="timeout",
                hint="ask for fewer tokens with `max_tokens`, or give the step a longer `timeout`",
            ) from error
        finally:
            stop.set()

    async def close(self) -> None:
        self._loaded = None


class _Loaded:
    """A model in memory. llama.cpp is freed when nobody holds it any more."""

    def __init__(self, path: Path, setup: Setup) -> None:
        self._one_at_a_time = threading.Lock()
        self._server, props = _start(path, setup)
        self._name = path.name
        weights_sha256, weights_size_bytes = sha256_file(path)
        self.facts: dict[str, Any] = _build_facts() | {
            "weights_sha256": weights_sha256,
            "weights_size_bytes": weights_size_bytes,
            "quantisation": str(props["model_ftype"]),
            "chat_template": str(props["chat_template"]),
            "chat_template_sha256": sha256_hex(str(props["chat_template"]).encode()),
            "n_ctx": int(props["default_generation_settings"]["n_ctx"]),
            "threads": setup.threads,
            "gpu_layers": setup.gpu_layers,
            "slots": int(props["total_slots"]),
            "prompt_cache": False,
            "default_max_tokens": DEFAULT_MAX_TOKENS,
            "default_temperature": "0",
        }

    def ask(self, body: dict[str, Any], stop: threading.Event) -> Reply:
        """Blocks until the answer is whole, or until `stop` is set."""
        chunks: list[dict[str, Any]] = []
        begun_s = time.monotonic()

        def take(chunk: dict[str, Any]) -> bool:
            chunks.append(chunk)
            return stop.is_set()  # true ends the request

        with self._one_at_a_time:
            if not stop.is_set():
                try:
                    self._server.handle_chat_completions(body, take)
                except Exception as error:  # a seam: whatever the library raises is no answer
                    raise cannot_say("llama.cpp refused the request", got=short(str(error))) from error
        return reply_of(chunks, self._name, exchange_of(body, chunks, round((time.monotonic() - begun_s) * 1000)))


# --- loading ----------------------------------------------------------------------------------------

_loading = threading.Lock()
_loaded: WeakValueDictionary[tuple[Path, Setup], _Loaded] = WeakValueDictionary()


def _load(path: Path, setup: Setup) -> _Loaded:
    key = (path.resolve(), setup)
    with _loading:
        found = _loaded.get(key)
        if found is None:
            found = _loaded[key] = _Loaded(path, setup)
        return found


def _library() -> Any:
    try:
        import xllamacpp  # type: ignore[import-untyped, import-not-found, unused-ignore]
    except ModuleNotFoundError as error:
        raise _no_library() from error
    return xllamacpp


def _no_library() -> CannotCheck:
    return CannotCheck(
        "a local model needs the package xllamacpp, which is not installed", hint="pip install 'awo[local]'"
    )


def _start(path: Path, setup: Setup) -> tuple[Any, dict[str, Any]]:
    """llama.cpp's server object with the model in it, and what it says of itself (`/props`).

    It also listens on 127.0.0.1; a random key keeps the machine's other users out.
    """
    library = _library()
    key = secrets.token_hex(32)
    params = library.CommonParams()
    params.model.path = str(path)
    params.model_alias = {path.name}  # else it answers with the weights' path on this machine
    params.n_ctx = setup.context_tokens
    params.fit_params = False  # else the context shrinks to the memory that is free
    params.n_parallel = 1  # requests that share a batch change each other's sums
    params.n_gpu_layers = setup.gpu_layers
    params.cpuparams.n_threads = setup.threads
    params.cpuparams_batch.n_threads = setup.threads
    params.cache_prompt = False
    params.cache_ram_mib = 0
    params.ctx_shift = False
    params.offline = True
    params.ui = False
    params.endpoint_slots = False
    params.n_threads_http = 1
    params.api_keys = [key]
    params.verbosity = QUIET
    try:
        server = library.Server(params)
        return server, _props(server.listening_address, key)
    except Exception as error:  # a seam: the library raises RuntimeError, the loopback connection OSError
        raise ModelFailed(
            "llama.cpp cannot load these weights",
            is_transient=False,
            where=f"model {path.name}",
            got=short(str(error)),
            hint="check that the GGUF file is whole and that there is memory for it and its context",
        ) from error


def _props(address: str, key: str) -> dict[str, Any]:
    connection = http.client.HTTPConnection(urllib.parse.urlsplit(address).netloc, timeout=30)
    try:
        connection.request("GET", "/props", headers={"Authorization": f"Bearer {key}"})
        props: dict[str, Any] = json.loads(connection.getresponse().read())
    finally:
        connection.close()
    return props


def _build_facts() -> dict[str, Any]:
    """Which llama.cpp this is: the wheel does not always know its commit, so its library's digest says it."""
    library = _library()
    build = library.BUILD_INFO
    library_sha256, _ = sha256_file(library.xllamacpp.__file__)
    return {
        "llama_cpp": f"xllamacpp {library.__version__}",
        "llama_cpp_build": (
            f"build {build['build_number']}, commit {build['commit']}, {build['compiler']}, {build['build_target']}"
        ),
        "llama_cpp_sha256": library_sha256,
        "processor_features": str(library.get_system_info()).strip(),
    }

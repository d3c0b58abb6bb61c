"""What a server of the user's own tells of itself: build, weights, quantisation, context, and the models it has."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final, Literal

import msgspec

from awo.canon.digest import sha256_hex
from awo.inference import provider_json as given
from awo.inference.failures import Refused, failure_of
from awo.inference.keys import Access
from awo.inference.providers import Provider
from awo.inference.seam import Exchange, Headers, ModelFailed
from awo.inference.wire import Wire
from awo.plugins import nearest

PATIENCE_S: Final = 10.0
LONGEST_LIST: Final = 12

Facts = dict[str, Any]


async def ask_server(provider: Provider, access: Access, wire: Wire, headers: Headers, model: str) -> Facts:
    """The facts that a local server tells. What it does not tell is left out.

    `wire` leads to the server's own address, without the protocol's root. Raises `ModelFailed`:
    `unreachable` with what to start or to set, `auth`, and `unknown_model` with the nearest that it has.
    """
    asker = _Asker(provider, wire, headers)
    root = provider.root if access.base_url.endswith(provider.root) else ""
    match provider.name:
        case "llamacpp":
            return await _llamacpp(asker, model)
        case "ollama":
            return await _ollama(asker, model)
        case "vllm":
            return await _vllm(asker, model, root)
        case _:
            return await _listed(asker, model, root)


class _Asker:
    """Asks one server, and turns silence into one clear error."""

    def __init__(self, provider: Provider, wire: Wire, headers: Headers) -> None:
        self.provider = provider
        self._wire = wire
        self._headers = headers

    async def get(self, path: str) -> dict[str, Any]:
        """The JSON object at `path`; empty where the server has none. Raises as `ask_server`."""
        return self._taken(await self._send("GET", path, b""))

    async def post(self, path: str, body: bytes) -> dict[str, Any]:
        """As `get`, for a question with a body."""
        return self._taken(await self._send("POST", path, body))

    async def _send(self, method: Literal["GET", "POST"], path: str, body: bytes) -> Exchange:
        try:
            return await self._wire.send(method, path, self._headers, body, PATIENCE_S)
        except ModelFailed as error:
            if error.code != "unreachable":
                raise
            name = self.provider.address_variables[0]
            error.hint = f"{self.provider.to_start}, or set {name} to where it runs"
            raise

    def _taken(self, exchange: Exchange) -> dict[str, Any]:
        if exchange.status in (401, 403):
            raise failure_of(exchange, Refused(""))
        return given.object_of(exchange.response_body) or {} if exchange.status == 200 else {}


# --- one server after the other -----------------------------------------------------------------------


async def _llamacpp(asker: _Asker, model: str) -> Facts:
    return llamacpp_facts(await asker.get("/props"))


def llamacpp_facts(props: Mapping[str, Any]) -> Facts:
    """From llama.cpp's `/props`. Its weights are told by their file's name, not by the server's folders."""
    template = given.text(props, "chat_template")
    path = given.text(props, "model_path")
    return _told(
        answered=file_name(given.text(props, "model_alias") or path),
        weights=file_name(path),
        llama_cpp_build=given.text(props, "build_info"),
        quantisation=given.text(props, "model_ftype"),
        n_ctx=given.count(given.part(props, "default_generation_settings"), "n_ctx"),
        slots=given.count(props, "total_slots"),
        chat_template_sha256=sha256_hex(template.encode()) if template else "",
    ) | {"prompt_cache": False}


async def _ollama(asker: _Asker, model: str) -> Facts:
    version = await asker.get("/api/version")
    tags = await asker.get("/api/tags")
    shown = await asker.post("/api/show", msgspec.json.encode({"model": model}))
    return ollama_facts(model, version, tags, shown)


def ollama_facts(model: str, version: Mapping[str, Any], tags: Mapping[str, Any], shown: Mapping[str, Any]) -> Facts:
    """From Ollama's `/api/version`, `/api/tags` and `/api/show`. Raises `ModelFailed` for a model that it lacks."""
    wanted = model if ":" in model else f"{model}:latest"
    rows = {given.text(row, "name"): row for row in given.items(tags, "models")}
    if rows and wanted not in rows and not shown:
        raise unknown_model(model, sorted(rows), hint=f"ollama pull {model}")
    row = rows.get(wanted, {})
    details = given.part(shown, "details") or given.part(row, "details")
    template = given.text(shown, "template")
    return _told(
        answered=wanted if row else model,
        weights_digest=given.text(row, "digest"),
        weights_size_bytes=given.count(row, "size"),
        quantisation=given.text(details, "quantization_level"),
        parameter_size=given.text(details, "parameter_size"),
        family=given.text(details, "family"),
        default_parameters=given.text(shown, "parameters"),
        chat_template_sha256=sha256_hex(template.encode()) if template else "",
        ollama=given.text(version, "version"),
    )


async def _vllm(asker: _Asker, model: str, root: str) -> Facts:
    version = await asker.get("/version")
    return listed_facts(model, await asker.get(f"{root}/models")) | _told(vllm=given.text(version, "version"))


async def _listed(asker: _Asker, model: str, root: str) -> Facts:
    return listed_facts(model, await asker.get(f"{root}/models"))


def listed_facts(model: str, listed: Mapping[str, Any]) -> Facts:
    """From `/v1/models`. Raises `ModelFailed` for a model that is not in the list."""
    rows = {given.text(row, "id"): row for row in given.items(listed, "data")}
    if rows and model not in rows:
        raise unknown_model(model, sorted(rows))
    row = rows.get(model, {})
    weights = file_name(given.text(row, "root"))
    return _told(answered=model if row else "", weights=weights, n_ctx=given.count(row, "max_model_len"))


def unknown_model(model: str, known: Sequence[str], hint: str = "") -> ModelFailed:
    """The server is there and does not have the model: with the nearest that it has."""
    near = nearest(model, tuple(known))
    return ModelFailed(
        f"the server has no model {model!r}",
        is_transient=False,
        code="unknown_model",
        concerns_model=True,
        expected=given.short(", ".join(known[:LONGEST_LIST])),
        hint=f"did you mean {given.short(near)!r}?" if near else hint,
    )


def file_name(path: str) -> str:
    """The last part of a path: what a record may tell of where a server keeps its weights.

    A name with one slash in it, such as `Qwen/Qwen3-0.6B`, is no path.
    """
    is_path = path.startswith(("/", "~", "\\\\", ".")) or path[1:3] in (":\\", ":/")
    return path.replace("\\", "/").rstrip("/").rpartition("/")[2] if is_path else path


def _told(**facts: str | int) -> Facts:
    """The facts that are known: no empty text, no count of -1; texts in one short line."""
    known = {name: given.short(value) if isinstance(value, str) else value for name, value in facts.items()}
    return {name: value for name, value in known.items() if value not in ("", -1)}

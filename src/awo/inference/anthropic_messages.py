"""Anthropic's Messages, as bytes."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import Any, Final

import msgspec

from awo.inference import provider_json as given
from awo.inference.failures import Refused, cannot_say, failed, failure_of
from awo.inference.keys import Access
from awo.inference.openai_chat import request_id_of
from awo.inference.providers import Provider
from awo.inference.seam import Exchange, Headers, Reply, Request, StopReason, Turn
from awo.plugins import nearest

VERSION: Final = "2023-06-01"
KNOWS_SEED: Final = False
DEFAULT_MAX_TOKENS: Final = 4096
DEFAULTS: Final[Mapping[str, Any]] = {"default_max_tokens": DEFAULT_MAX_TOKENS}
"""The protocol demands a limit; what is sent when the workflow has none."""

TRANSLATED: Final[Mapping[str, str]] = {
    "max_tokens": "max_tokens",
    "max_completion_tokens": "max_tokens",
    "stop": "stop_sequences",
    "temperature": "temperature",
    "top_p": "top_p",
    "top_k": "top_k",
}
ITS_OWN: Final = frozenset(
    {"cache_control", "inference_geo", "metadata", "output_config", "service_tier", "thinking", "tool_choice", "tools"}
)
STOPS: Final[Mapping[str, StopReason]] = {
    "end_turn": "stop",
    "stop_sequence": "stop",
    "max_tokens": "length",
    "model_context_window_exceeded": "length",
    "refusal": "refusal",
    "tool_use": "tool_calls",
}


def check(params: Mapping[str, Any]) -> None:
    """Raises `ModelFailed` for a parameter that Anthropic has no word for."""
    known = sorted(TRANSLATED.keys() | ITS_OWN)
    for name in params:
        if name not in known:
            near = nearest(name, known)
            raise cannot_say(
                f"Anthropic has no parameter {name!r}",
                hint=f"did you mean {near!r}?" if near else f"it has {', '.join(known)}",
            )
    if "max_tokens" in params and "max_completion_tokens" in params:
        raise cannot_say("`max_tokens` and `max_completion_tokens` say the same", hint="leave one of them out")


def path_of(access: Access, model: str) -> str:
    """Where a request goes, from the server's address on."""
    return "/messages"


def headers_of(provider: Provider, access: Access) -> Headers:
    """The headers that carry the key and the version of the protocol."""
    return ((provider.key_header, access.key), ("anthropic-version", VERSION))


def body_of(provider: Provider, model: str, request: Request, params: Mapping[str, Any]) -> bytes:
    """The request's JSON. Raises `ModelFailed` for what the protocol cannot say."""
    check(params)
    chosen = {TRANSLATED.get(name, name): value for name, value in params.items()}
    if isinstance(chosen.get("stop_sequences"), str):
        chosen["stop_sequences"] = [chosen["stop_sequences"]]
    if request.schema is not None:
        own = chosen.get("output_config", {})
        if not isinstance(own, dict) or "format" in own:
            raise cannot_say(
                "a schema and `output_config.format` say the same", hint="leave `output_config.format` out"
            )
        chosen["output_config"] = {**own, "format": {"type": "json_schema", "schema": request.schema}}
    system, turns = system_first(request.turns)
    said = {"system": [{"type": "text", "text": turn.content} for turn in system]} if system else {}
    body = {"model": model, "max_tokens": DEFAULT_MAX_TOKENS, **said, "messages": [_message(turn) for turn in turns]}
    return msgspec.json.encode(body | chosen)


def system_first(turns: tuple[Turn, ...]) -> tuple[tuple[Turn, ...], tuple[Turn, ...]]:
    """The system's turns, and the others. Raises `ModelFailed` for a system turn later on, and images not of a user."""
    first = next((place for place, turn in enumerate(turns) if turn.role != "system"), len(turns))
    system, rest = turns[:first], turns[first:]
    if any(turn.role == "system" for turn in rest):
        raise cannot_say("in this protocol the system speaks first only", hint="put its turns before the others")
    if odd := next((turn.role for turn in turns if turn.images and turn.role != "user"), ""):
        raise cannot_say("only a turn of a user can show images", got=f"a turn of {odd}")
    return system, rest


def _message(turn: Turn) -> dict[str, Any]:
    if not turn.images:
        return {"role": turn.role, "content": turn.content}
    shown = [
        {
            "type": "image",
            "source": {
                "type": "base64",
                "media_type": image.media_type,
                "data": base64.b64encode(image.data).decode(),
            },
        }
        for image in turn.images
    ]
    said = [{"type": "text", "text": turn.content}] if turn.content else []
    return {"role": turn.role, "content": [*shown, *said]}  # its documentation asks for images before the text


def reply_of(exchange: Exchange, model: str) -> Reply:
    """The answer in `exchange`. Raises `ModelFailed` for every answer that is none; never anything else."""
    found = given.object_of(exchange.response_body)
    if exchange.status == 200 and found is None:
        raise failed("bad_answer", exchange, got="the body is not a JSON object")
    if exchange.status != 200 or found is None or found.get("type") == "error":
        error = given.part(found, "error")
        raise failure_of(exchange, Refused(given.text(error, "message"), frozenset({given.text(error, "type")} - {""})))
    stop = given.text(found, "stop_reason")
    if not isinstance(found.get("content"), list) or not stop:
        raise failed("bad_answer", exchange, got="an answer without content, or without stop_reason")
    usage = given.part(found, "usage")
    cached = given.count(usage, "cache_read_input_tokens")
    written = given.count(usage, "cache_creation_input_tokens")
    prompt_tokens = given.count(usage, "input_tokens")
    return Reply(
        text="".join(given.text(block, "text") for block in found["content"] if given.text(block, "type") == "text"),
        model_answered=given.text(found, "model") or model,
        stop_reason=STOPS.get(stop, "other"),
        stop_reason_given=given.short(stop),
        prompt_tokens=prompt_tokens if prompt_tokens < 0 else prompt_tokens + max(cached, 0) + max(written, 0),
        completion_tokens=given.count(usage, "output_tokens"),
        cached_tokens=cached,
        reasoning_tokens=given.count(given.part(usage, "output_tokens_details"), "thinking_tokens"),
        request_id=request_id_of(exchange.response_headers) or given.short(given.text(found, "id")),
        exchange=exchange,
    )

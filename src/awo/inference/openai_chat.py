"""OpenAI's chat completions, as bytes: what OpenAI, Azure, OpenRouter, vLLM, Ollama, llama.cpp and LM Studio speak."""

from __future__ import annotations

import base64
import urllib.parse
from collections.abc import Mapping
from typing import Any, Final

import msgspec

from awo.inference import provider_json as given
from awo.inference.failures import Refused, cannot_say, failed, failure_of
from awo.inference.keys import Access
from awo.inference.providers import Provider
from awo.inference.seam import Exchange, Headers, Logprob, Reply, Request, StopReason, Turn

VERSION: Final = "v1"
KNOWS_SEED: Final = True
DEFAULTS: Final[Mapping[str, Any]] = {}

OURS: Final = ("messages", "model", "n", "stream", "stream_options")
MAX_TOKENS: Final = ("max_tokens", "max_completion_tokens")
STOPS: Final[Mapping[str, StopReason]] = {
    "stop": "stop",
    "length": "length",
    "content_filter": "refusal",
    "tool_calls": "tool_calls",
    "function_call": "tool_calls",
}
FILTERED: Final = frozenset({"content_filter", "content_policy_violation"})


def check(params: Mapping[str, Any]) -> None:
    """Raises `ModelFailed` for a parameter that is not the workflow's to set. Unknown ones go to the server."""
    for name in OURS:
        if name in params:
            raise cannot_say(
                f"the parameter {name!r} is set by AWO itself",
                hint="for several answers use `repeats`" if name == "n" else "leave it out of the model's params",
            )
    if all(name in params for name in MAX_TOKENS):
        raise cannot_say("`max_tokens` and `max_completion_tokens` say the same", hint="leave one of them out")


def path_of(access: Access, model: str) -> str:
    """Where a request goes, from the server's address on."""
    if not access.api_version:
        return "/chat/completions"
    # Azure's dated versions name the deployment in the path, beside the newer API's root.
    version = urllib.parse.quote(access.api_version, safe="")
    return f"/deployments/{urllib.parse.quote(model, safe='')}/chat/completions?api-version={version}"


def headers_of(provider: Provider, access: Access) -> Headers:
    """The headers that carry the key."""
    if not access.key:
        return ()
    is_bearer = provider.key_header == "Authorization"
    return ((provider.key_header, f"Bearer {access.key}" if is_bearer else access.key),)


def body_of(provider: Provider, model: str, request: Request, params: Mapping[str, Any]) -> bytes:
    """The request's JSON. Raises `ModelFailed` for what the protocol cannot say."""
    check(params)
    chosen = {**provider.defaults, **params}
    for name in MAX_TOKENS:
        if name in chosen and name != provider.max_tokens_name:
            chosen[provider.max_tokens_name] = chosen.pop(name)
    if request.schema is not None:
        if "response_format" in chosen:
            raise cannot_say("a schema and `response_format` say the same", hint="leave `response_format` out")
        chosen["response_format"] = response_format(request.schema)
    return msgspec.json.encode(
        {"model": model, "messages": [_message(turn) for turn in request.turns], "seed": request.seed, **chosen}
    )


def response_format(schema: Mapping[str, Any]) -> dict[str, Any]:
    """What asks for an answer that follows `schema`."""
    return {"type": "json_schema", "json_schema": {"name": "answer", "strict": True, "schema": schema}}


def _message(turn: Turn) -> dict[str, Any]:
    if not turn.images:
        return {"role": turn.role, "content": turn.content}
    if turn.role != "user":
        raise cannot_say("only a turn of a user can show images", got=f"a turn of {turn.role}")
    shown = [
        {"type": "image_url", "image_url": {"url": f"data:{image.media_type};base64,{_base64(image.data)}"}}
        for image in turn.images
    ]
    said = [{"type": "text", "text": turn.content}] if turn.content else []
    return {"role": turn.role, "content": [*said, *shown]}


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode()


# --- answers ----------------------------------------------------------------------------------------


def reply_of(exchange: Exchange, model: str) -> Reply:
    """The answer in `exchange`. Raises `ModelFailed` for every answer that is none; never anything else."""
    found = given.object_of(exchange.response_body)
    if exchange.status != 200 or found is None or (found.get("error") and not given.items(found, "choices")):
        return _refusal_or_failure(exchange, found, model)
    choices = given.items(found, "choices")
    message = given.part(choices[0], "message") if choices else {}
    if not message:
        raise failed("bad_answer", exchange, got="no message in the answer's first choice")
    choice = choices[0]
    if broken := given.part(choice, "error"):
        raise failure_of(exchange, _refused({"error": broken}))
    finish = given.text(choice, "finish_reason")
    if finish == "error":
        raise failed("overloaded", exchange, got="finish_reason: error", may_have_cost=True)
    text, refusal = _text_of(message.get("content")), given.text(message, "refusal")
    if text is None:
        raise failed("bad_answer", exchange, got="the message's content is no text")
    usage = given.part(found, "usage")
    return Reply(
        text=text or refusal,
        model_answered=given.text(found, "model") or model,
        stop_reason="refusal" if refusal and not text else STOPS.get(finish, "other"),
        stop_reason_given=given.short(finish),
        prompt_tokens=given.count(usage, "prompt_tokens"),
        completion_tokens=given.count(usage, "completion_tokens"),
        cached_tokens=given.count(given.part(usage, "prompt_tokens_details"), "cached_tokens"),
        reasoning_tokens=given.count(given.part(usage, "completion_tokens_details"), "reasoning_tokens"),
        request_id=request_id_of(exchange.response_headers) or given.short(given.text(found, "id")),
        fingerprint=given.short(given.text(found, "system_fingerprint")),
        logprobs=logprobs_of(choice),
        exchange=exchange,
    )


def request_id_of(headers: Headers) -> str:
    """The provider's id of the request, for asking its support; '' when it gives none."""
    found = {name.lower(): value for name, value in headers}
    names = ("x-request-id", "request-id", "apim-request-id", "x-ms-request-id", "cf-ray")
    return next((given.short(found[name]) for name in names if found.get(name)), "")


def logprobs_of(choice: Any) -> list[Logprob] | None:
    """The tokens of a choice with their log probabilities, or None when none are given."""
    entries = given.items(given.part(choice, "logprobs"), "content")
    found = [
        Logprob(
            token=given.text(entry, "token"),
            logprob=value,
            top={
                given.text(other, "token"): likely
                for other in given.items(entry, "top_logprobs")
                if (likely := given.number(other, "logprob")) is not None
            },
        )
        for entry in entries
        if (value := given.number(entry, "logprob")) is not None
    ]
    return found or None


def _text_of(content: Any) -> str | None:
    """The text of a message, whose content may be null or a list of parts; None when it is neither."""
    if content is None:
        return ""
    if isinstance(content, list):
        return "".join(given.text(piece, "text") for piece in content)
    return content if isinstance(content, str) else None


def _refusal_or_failure(exchange: Exchange, found: dict[str, Any] | None, model: str) -> Reply:
    """A provider's filter answers with an error's status: that is a refusal. Everything else raises."""
    if found is None and exchange.status == 200:
        raise failed("bad_answer", exchange, got="the body is not a JSON object")
    refused = _refused(found or {})
    if exchange.status in (400, 403) and refused.names & FILTERED:
        return Reply(
            text="",
            model_answered=model,
            stop_reason="refusal",
            stop_reason_given="content_filter",
            prompt_tokens=-1,
            completion_tokens=-1,
            request_id=request_id_of(exchange.response_headers),
            exchange=exchange,
        )
    raise failure_of(exchange, refused)


def _refused(found: dict[str, Any]) -> Refused:
    """What the error says: OpenAI's `error`, vLLM's older form without it, or Ollama's `error` of mere text."""
    error = given.part(found, "error") or found
    message = given.text(error, "message") or given.text(found, "error")
    names = {given.text(error, "type"), given.text(error, "code"), given.text(error, "status")}
    metadata = given.part(error, "metadata")
    if given.items(metadata, "reasons") or "flagged_input" in metadata:  # OpenRouter's moderation
        names.add("content_filter")
    status = given.count(error, "code")
    return Refused(message, frozenset(names - {""}), status=status if 400 <= status <= 599 else 0)

"""Google Gemini's generateContent, as bytes."""

from __future__ import annotations

import base64
import urllib.parse
from collections.abc import Mapping
from typing import Any, Final

import msgspec

from awo.inference import provider_json as given
from awo.inference.anthropic_messages import system_first
from awo.inference.failures import Refused, cannot_say, failed, failure_of
from awo.inference.keys import Access
from awo.inference.openai_chat import request_id_of
from awo.inference.providers import Provider
from awo.inference.seam import Exchange, Headers, Logprob, Reply, Request, StopReason, Turn
from awo.plugins import nearest

VERSION: Final = "v1beta"
KNOWS_SEED: Final = True
DEFAULTS: Final[Mapping[str, Any]] = {}

TRANSLATED: Final[Mapping[str, str]] = {
    "frequency_penalty": "frequencyPenalty",
    "logprobs": "responseLogprobs",
    "max_completion_tokens": "maxOutputTokens",
    "max_tokens": "maxOutputTokens",
    "presence_penalty": "presencePenalty",
    "stop": "stopSequences",
    "temperature": "temperature",
    "top_k": "topK",
    "top_logprobs": "logprobs",
    "top_p": "topP",
}
ITS_OWN: Final = frozenset({"mediaResolution", "thinkingConfig"})
BESIDE: Final = frozenset({"cachedContent", "safetySettings", "serviceTier", "toolConfig", "tools"})
"""What stands beside `generationConfig`, not in it."""

STOPS: Final[Mapping[str, StopReason]] = {
    "STOP": "stop",
    "MAX_TOKENS": "length",
    "SAFETY": "refusal",
    "RECITATION": "refusal",
    "BLOCKLIST": "refusal",
    "PROHIBITED_CONTENT": "refusal",
    "SPII": "refusal",
    "IMAGE_SAFETY": "refusal",
    "IMAGE_PROHIBITED_CONTENT": "refusal",
    "IMAGE_RECITATION": "refusal",
}


def check(params: Mapping[str, Any]) -> None:
    """Raises `ModelFailed` for a parameter that Gemini has no word for."""
    known = sorted(TRANSLATED.keys() | ITS_OWN | BESIDE)
    for name in params:
        if name not in known:
            near = nearest(name, known)
            raise cannot_say(
                f"Gemini has no parameter {name!r}",
                hint=f"did you mean {near!r}?" if near else f"it has {', '.join(known)}",
            )
    if "max_tokens" in params and "max_completion_tokens" in params:
        raise cannot_say("`max_tokens` and `max_completion_tokens` say the same", hint="leave one of them out")


def path_of(access: Access, model: str) -> str:
    """Where a request goes, from the server's address on. The key is never part of it."""
    name = model if "/" in model else f"models/{model}"
    return f"/{urllib.parse.quote(name, safe='/')}:generateContent"


def headers_of(provider: Provider, access: Access) -> Headers:
    """The header that carries the key."""
    return ((provider.key_header, access.key),)


def body_of(provider: Provider, model: str, request: Request, params: Mapping[str, Any]) -> bytes:
    """The request's JSON. Raises `ModelFailed` for what the protocol cannot say."""
    check(params)
    config = {TRANSLATED.get(name, name): value for name, value in params.items() if name not in BESIDE}
    if isinstance(config.get("stopSequences"), str):
        config["stopSequences"] = [config["stopSequences"]]
    if request.schema is not None:
        config |= {"responseMimeType": "application/json", "responseJsonSchema": request.schema}
    system, turns = system_first(request.turns)
    said = {"systemInstruction": {"parts": [{"text": turn.content} for turn in system]}} if system else {}
    beside = {name: value for name, value in params.items() if name in BESIDE}
    contents = [_content(turn) for turn in turns]
    return msgspec.json.encode(
        {**said, "contents": contents, "generationConfig": {"seed": request.seed, **config}, **beside}
    )


def _content(turn: Turn) -> dict[str, Any]:
    shown = [
        {"inlineData": {"mimeType": image.media_type, "data": base64.b64encode(image.data).decode()}}
        for image in turn.images
    ]
    said = [{"text": turn.content}] if turn.content or not shown else []
    return {"role": "model" if turn.role == "assistant" else turn.role, "parts": [*shown, *said]}


def reply_of(exchange: Exchange, model: str) -> Reply:
    """The answer in `exchange`. Raises `ModelFailed` for every answer that is none; never anything else."""
    found = given.object_of(exchange.response_body)
    if exchange.status == 200 and found is None:
        raise failed("bad_answer", exchange, got="the body is not a JSON object")
    if exchange.status != 200 or found is None or found.get("error"):
        raise failure_of(exchange, _refused(found or {}))
    candidates = given.items(found, "candidates")
    blocked = given.text(given.part(found, "promptFeedback"), "blockReason")
    stop = given.text(candidates[0], "finishReason") if candidates else ""
    if not stop and not blocked:
        raise failed("bad_answer", exchange, got="no candidate with a finishReason, and no reason why")
    parts = given.items(given.part(candidates[0], "content"), "parts") if candidates else []
    calls = any(isinstance(piece, dict) and "functionCall" in piece for piece in parts)
    usage = given.part(found, "usageMetadata")
    thoughts = given.count(usage, "thoughtsTokenCount")
    spoken = given.count(usage, "candidatesTokenCount")
    return Reply(
        text="".join(given.text(piece, "text") for piece in parts if given.part(piece).get("thought") is not True),
        model_answered=given.text(found, "modelVersion") or model,
        stop_reason="refusal" if not stop else "tool_calls" if calls else STOPS.get(stop, "other"),
        stop_reason_given=given.short(stop or blocked),
        prompt_tokens=given.count(usage, "promptTokenCount"),
        completion_tokens=-1 if spoken < 0 and thoughts < 0 else max(spoken, 0) + max(thoughts, 0),
        cached_tokens=given.count(usage, "cachedContentTokenCount"),
        reasoning_tokens=thoughts,
        request_id=request_id_of(exchange.response_headers) or given.short(given.text(found, "responseId")),
        logprobs=_logprobs(candidates[0]) if candidates else None,
        exchange=exchange,
    )


def _logprobs(candidate: Any) -> list[Logprob] | None:
    result = given.part(candidate, "logprobsResult")
    tops = given.items(result, "topCandidates")
    found = [
        Logprob(
            token=given.text(chosen, "token"),
            logprob=value,
            top={
                given.text(other, "token"): likely
                for other in (given.items(tops[place], "candidates") if place < len(tops) else [])
                if (likely := given.number(other, "logProbability")) is not None
            },
        )
        for place, chosen in enumerate(given.items(result, "chosenCandidates"))
        if (value := given.number(chosen, "logProbability")) is not None
    ]
    return found or None


def _refused(found: dict[str, Any]) -> Refused:
    error = given.part(found, "error")
    details = given.items(error, "details")
    names = {given.text(error, "status"), *(given.text(detail, "reason") for detail in details)}
    waits = [_duration_s(given.text(detail, "retryDelay")) for detail in details]
    wait_s = max((wait for wait in waits if wait is not None), default=None)
    return Refused(given.text(error, "message"), frozenset(names - {""}), retry_after_s=wait_s)


def _duration_s(written: str) -> float | None:
    """A protobuf duration as JSON writes it, such as `34s` or `1.5s`."""
    number = written.removesuffix("s")
    is_number = number != written and number.replace(".", "", 1).isdecimal() and number.isascii()
    return float(number) if is_number and len(number) < 20 else None

"""OpenTelemetry's names for calls of models: the one file that knows them. They are in development and will change."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final
from urllib.parse import urlsplit

from awo.evidence.records import ModelRecord, ResponseLine

SEMANTIC_CONVENTIONS: Final = "semantic-conventions-genai 0.1.0 (development)"
"""Which names these are: the first release of OpenTelemetry's repository for them. Not one of them is stable."""

CHAT: Final = "chat"
PROVIDERS: Final[Mapping[str, str]] = {
    "openai": "openai",
    "anthropic": "anthropic",
    "gemini": "gcp.gemini",
    "azure": "azure.ai.openai",
}
"""The well-known names; every other backend stands under its own."""
IN_PROCESS: Final = frozenset({"echo", "upper", "reverse", "llama", "replay"})
"""Backends that answer within the process of the run."""

_PARAMETERS: Final = {
    "temperature": "gen_ai.request.temperature",
    "top_p": "gen_ai.request.top_p",
    "frequency_penalty": "gen_ai.request.frequency_penalty",
    "presence_penalty": "gen_ai.request.presence_penalty",
}
_WHOLE_PARAMETERS: Final = {"max_tokens": "gen_ai.request.max_tokens", "top_k": "gen_ai.request.top_k"}


def of_request(name: str, asked: ModelRecord | None, facts: Mapping[str, Any]) -> dict[str, Any]:
    """What is known before an answer, of the model that the workflow calls `name`; `facts` are what it said."""
    backend = asked.backend if asked is not None else name
    model = asked.model if asked is not None else name
    return {
        "gen_ai.operation.name": CHAT,
        "gen_ai.provider.name": PROVIDERS.get(backend, backend),
        "gen_ai.request.model": model,
        **(dict(_sampling(asked.params)) if asked is not None else {}),
        **dict(_server(facts.get("endpoint"))),
    }


def of_response(response: ResponseLine) -> dict[str, Any]:
    """What an answer says of itself; counts that the model did not give are left out."""
    usage = response.usage
    counts = {
        "gen_ai.usage.input_tokens": usage.prompt_tokens,
        "gen_ai.usage.output_tokens": usage.completion_tokens,
        "gen_ai.usage.cache_read.input_tokens": usage.cached_tokens,
        "gen_ai.usage.reasoning.output_tokens": usage.reasoning_tokens,
    }
    return {
        "gen_ai.request.model": response.model_asked,
        "gen_ai.request.seed": response.seed,
        **dict(_sampling(response.params)),
        "gen_ai.response.model": response.model_answered,
        "gen_ai.response.finish_reasons": [response.stop_reason_given or response.stop_reason],
        **({"gen_ai.output.type": "json"} if response.schema_sha256 else {}),
        **{name: count for name, count in counts.items() if count >= 0},
    }


def texts_of(response: ResponseLine) -> dict[str, Any]:
    """The texts of one call, in the structure of the conventions. Images stand by their paths."""
    return {
        "gen_ai.input.messages": [
            {
                "role": turn.role,
                "parts": [
                    {"type": "text", "content": turn.content},
                    *({"type": "uri", "modality": "image", "uri": image.path} for image in turn.images),
                ],
            }
            for turn in response.messages
        ],
        "gen_ai.output.messages": [
            {
                "role": "assistant",
                "parts": [{"type": "text", "content": response.text}],
                "finish_reason": response.stop_reason_given or response.stop_reason,
            }
        ],
    }


def _sampling(params: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    for key, name in _PARAMETERS.items():
        if isinstance(value := params.get(key), (int, float)) and not isinstance(value, bool):
            yield name, float(value)
    for key, name in _WHOLE_PARAMETERS.items():
        if isinstance(value := params.get(key), int) and not isinstance(value, bool):
            yield name, value
    stop = params.get("stop")
    if isinstance(stop, str):
        yield "gen_ai.request.stop_sequences", [stop]
    elif isinstance(stop, (list, tuple)) and stop and all(isinstance(one, str) for one in stop):
        yield "gen_ai.request.stop_sequences", list(stop)


def _server(endpoint: Any) -> Iterator[tuple[str, Any]]:
    try:
        parts = urlsplit(endpoint if isinstance(endpoint, str) else "")
        host, port = parts.hostname, parts.port
    except ValueError:
        return
    if host:
        yield "server.address", host
        yield "server.port", port or (443 if parts.scheme == "https" else 80)

"""What was asked, read from a request in whichever protocol it came: the stub answers to no more than this."""

from __future__ import annotations

import re
from typing import Any, Literal, NamedTuple

Dialect = Literal["openai", "azure", "anthropic", "gemini", "ollama"]

HOSTED: tuple[str, ...] = (
    "gpt-5",
    "gpt-5-mini",
    "gpt-4o-mini",
    "claude-sonnet-4-5",
    "claude-haiku-4-5",
    "gemini-2.5-flash",
    "gemini-2.5-pro",
    "openai/gpt-5-mini",
    "meta-llama/llama-3.3-70b-instruct",
)
"""Models that need a key."""

LOCAL: tuple[str, ...] = ("smollm2", "smollm2:latest", "llama3.2", "local-model", "Qwen/Qwen3-0.6B", "default")
"""Models of the servers that people run themselves, which ask for no key."""

_AZURE = re.compile(r"/openai/deployments/([^/]+)/chat/completions$")
_GEMINI = re.compile(r"/v1(?:beta)?/models/([^/:]+):generateContent$")


class Asked(NamedTuple):
    """One request to a model. `prompt` is the last user turn, `size_bytes` all turns together in UTF-8.

    `key` is the credential as it was given ('' for none), `max_tokens` 0 and `schema` None when
    nothing was said of them; `stop_at` says how much of the answer fits.
    """

    dialect: Dialect
    model: str
    prompt: str
    size_bytes: int
    key: str
    max_tokens: int
    schema: dict[str, Any] | None
    wants_logprobs: bool


def dialect_of(path: str) -> Dialect | None:
    """The protocol whose generating endpoint this path is, or None."""
    if path.endswith("/v1/messages"):
        return "anthropic"
    if _GEMINI.search(path):
        return "gemini"
    if path.startswith("/openai/") and path.endswith("/chat/completions"):
        return "azure"
    if path.endswith("/chat/completions"):
        return "openai"
    return "ollama" if path == "/api/chat" else None


def read(dialect: Dialect, path: str, query: str, headers: dict[str, str], content: dict[str, Any]) -> Asked:
    """The request in `content`. Raises `KeyError`, `TypeError` and their like when it is not of its protocol."""
    if dialect == "gemini":
        return _gemini(path, query, headers, content)
    turns = [(turn["role"], _text(turn["content"])) for turn in content["messages"]]
    if dialect == "anthropic":
        if "max_tokens" not in content:
            raise KeyError("max_tokens")
        turns.insert(0, ("system", _text(content.get("system", ""))))
    named = _AZURE.search(path)
    return Asked(
        dialect=dialect,
        model=named.group(1) if named else content["model"],
        prompt=next((text for role, text in reversed(turns) if role == "user"), ""),
        size_bytes=sum(len(text.encode()) for _, text in turns),
        key=_key(dialect, headers),
        max_tokens=_max_tokens(dialect, content),
        schema=_schema(dialect, content),
        wants_logprobs=bool(content.get("logprobs")),
    )


def _gemini(path: str, query: str, headers: dict[str, str], content: dict[str, Any]) -> Asked:
    turns = [(turn.get("role", "user"), _text(turn["parts"])) for turn in content["contents"]]
    system = _text(content.get("systemInstruction", content.get("system_instruction", {})).get("parts", ""))
    config = content.get("generationConfig", {})
    given = [value for name, _, value in (pair.partition("=") for pair in query.split("&")) if name == "key"]
    found = _GEMINI.search(path)
    assert found is not None
    return Asked(
        dialect="gemini",
        model=found.group(1),
        prompt=next((text for role, text in reversed(turns) if role == "user"), ""),
        size_bytes=sum(len(text.encode()) for _, text in turns) + len(system.encode()),
        key=headers.get("x-goog-api-key", given[0] if given else ""),
        max_tokens=config.get("maxOutputTokens", 0),
        schema=config.get("responseJsonSchema", config.get("responseSchema")),
        wants_logprobs=bool(config.get("responseLogprobs")),
    )


def _text(content: str | list[dict[str, Any]]) -> str:
    """The text of a turn, whose content may be a list of parts; images count as a word."""
    if isinstance(content, str):
        return content
    return "".join(part.get("text", "[image]") for part in content)


def _key(dialect: Dialect, headers: dict[str, str]) -> str:
    bearer = headers.get("authorization", "").removeprefix("Bearer ")
    if dialect == "anthropic":
        return headers.get("x-api-key", bearer)
    return headers.get("api-key", bearer) if dialect == "azure" else bearer


def _max_tokens(dialect: Dialect, content: dict[str, Any]) -> int:
    if dialect == "ollama":
        return int(content.get("options", {}).get("num_predict", 0))
    return int(content.get("max_completion_tokens") or content.get("max_tokens") or 0)


def _schema(dialect: Dialect, content: dict[str, Any]) -> dict[str, Any] | None:
    """The JSON Schema that the answer shall follow, wherever the protocol puts it."""
    found: Any = None
    if dialect == "ollama":
        found = content.get("format")
    elif dialect == "anthropic":
        found = (content.get("output_config") or {}).get("format", content.get("output_format"))
        found = found and found.get("schema")
    elif (content.get("response_format") or {}).get("type") == "json_schema":
        found = content["response_format"]["json_schema"]["schema"]
    return found if isinstance(found, dict) else None

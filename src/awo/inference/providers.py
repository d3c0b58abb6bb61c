"""The providers whose protocol AWO speaks itself: one row each, with addresses and the names of variables."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Final, Literal

ProtocolName = Literal["openai-chat", "anthropic-messages", "gemini"]


@dataclass(frozen=True, slots=True)
class Provider:
    """One provider.

    `root` is the path that every endpoint of the protocol starts with. `is_root_in_address` says
    whether the provider's own tools expect it in the address that users set (`OPENAI_BASE_URL` ends
    in /v1, `ANTHROPIC_BASE_URL` does not); an address without any path gets it in either case.
    `address` is '' where each user has an own one. `idempotency_header` is the header by which the
    provider bills a repeated request once: no provider here documents one for these endpoints
    (November 2026), so all rows leave it out.
    """

    name: str
    protocol: ProtocolName
    address: str
    root: str
    key_header: str
    is_root_in_address: bool = True
    address_variables: tuple[str, ...] = ()
    key_variables: tuple[str, ...] = ()
    version_variable: str = ""
    needs_key: bool = True
    is_local: bool = False
    concurrency: int = 16
    max_tokens_name: str = "max_tokens"
    idempotency_header: str = ""
    to_start: str = ""
    defaults: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}))


_ROWS = (
    Provider(
        name="openai",
        protocol="openai-chat",
        address="https://api.openai.com/v1",
        root="/v1",
        key_header="Authorization",
        address_variables=("OPENAI_BASE_URL",),
        key_variables=("OPENAI_API_KEY",),
        max_tokens_name="max_completion_tokens",  # models that reason refuse the older name
    ),
    Provider(
        name="anthropic",
        protocol="anthropic-messages",
        address="https://api.anthropic.com/v1",
        root="/v1",
        is_root_in_address=False,
        key_header="x-api-key",
        address_variables=("ANTHROPIC_BASE_URL",),
        key_variables=("ANTHROPIC_API_KEY",),
    ),
    Provider(
        name="gemini",
        protocol="gemini",
        address="https://generativelanguage.googleapis.com/v1beta",
        root="/v1beta",
        is_root_in_address=False,
        key_header="x-goog-api-key",
        address_variables=("GEMINI_BASE_URL", "GOOGLE_GEMINI_BASE_URL"),
        key_variables=("GEMINI_API_KEY", "GOOGLE_API_KEY"),
    ),
    Provider(
        name="openrouter",
        protocol="openai-chat",
        address="https://openrouter.ai/api/v1",
        root="/api/v1",
        key_header="Authorization",
        address_variables=("OPENROUTER_BASE_URL",),
        key_variables=("OPENROUTER_API_KEY",),
    ),
    Provider(
        name="azure",
        protocol="openai-chat",
        address="",
        root="/openai/v1",
        is_root_in_address=False,
        key_header="api-key",
        address_variables=("AZURE_OPENAI_ENDPOINT",),
        key_variables=("AZURE_OPENAI_API_KEY",),
        version_variable="OPENAI_API_VERSION",
        max_tokens_name="max_completion_tokens",
    ),
    Provider(
        name="ollama",
        protocol="openai-chat",
        address="http://127.0.0.1:11434/v1",
        root="/v1",
        is_root_in_address=False,
        key_header="Authorization",
        address_variables=("OLLAMA_HOST",),
        key_variables=("OLLAMA_API_KEY",),
        needs_key=False,
        is_local=True,
        concurrency=4,
        to_start="start it with `ollama serve`",
    ),
    Provider(
        name="vllm",
        protocol="openai-chat",
        address="http://127.0.0.1:8000/v1",
        root="/v1",
        key_header="Authorization",
        address_variables=("VLLM_BASE_URL",),
        key_variables=("VLLM_API_KEY",),
        needs_key=False,
        is_local=True,
        concurrency=32,
        to_start="start it with `vllm serve MODEL`",
    ),
    Provider(
        name="llamacpp",
        protocol="openai-chat",
        address="http://127.0.0.1:8080/v1",
        root="/v1",
        key_header="Authorization",
        address_variables=("LLAMACPP_BASE_URL",),
        key_variables=("LLAMACPP_API_KEY",),
        needs_key=False,
        is_local=True,
        concurrency=1,  # requests that share a batch change each other's sums, however many slots there are
        to_start="start it with `llama-server -m MODEL.gguf -np 1`",
        defaults=MappingProxyType({"cache_prompt": False}),  # what was asked before must not change the text
    ),
    Provider(
        name="lmstudio",
        protocol="openai-chat",
        address="http://127.0.0.1:1234/v1",
        root="/v1",
        key_header="Authorization",
        address_variables=("LMSTUDIO_BASE_URL",),
        key_variables=("LMSTUDIO_API_KEY",),
        needs_key=False,
        is_local=True,
        concurrency=1,  # as llama.cpp, which is inside
        to_start="start it with `lms server start`",
    ),
)

PROVIDERS: Final[Mapping[str, Provider]] = MappingProxyType({row.name: row for row in _ROWS})

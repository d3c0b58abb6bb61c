"""The stub's answers: a function of the last user turn alone, so that a test knows what must come back."""

from __future__ import annotations

import hashlib
import json
from typing import Any, Literal, NamedTuple

from tests.stub.asked import Asked

Style = Literal["echo", "label", "digest"]
LABELS = ("positive", "negative", "neutral")
BYTES_A_TOKEN = 4


class Said(NamedTuple):
    """An answer in no protocol yet: `stop` is stop, length, refusal, or filtered (cut by the provider)."""

    text: str
    model: str
    stop: Literal["stop", "length", "refusal", "filtered"]
    prompt_tokens: int
    completion_tokens: int
    number: int
    wants_logprobs: bool


def answer_to(prompt: str, style: Style = "echo") -> str:
    """The text that answers `prompt`: itself, one of three labels by its digest, or the digest."""
    if style == "echo":
        return prompt
    digest = hashlib.sha256(prompt.encode()).hexdigest()
    return digest if style == "digest" else LABELS[int(digest[:8], 16) % len(LABELS)]


def tokens(size_bytes: int) -> int:
    """How many tokens the stub counts for this much text: at least one, and never more than bytes."""
    return max(1, -(-size_bytes // BYTES_A_TOKEN))


def say(asked: Asked, text: str, number: int) -> Said:
    """`text` as the answer to `asked`, cut at its `max_tokens`."""
    allowed = asked.max_tokens * BYTES_A_TOKEN
    raw = text.encode()
    is_cut = bool(allowed) and len(raw) > allowed
    kept = raw[:allowed].decode(errors="ignore") if is_cut else text
    return Said(
        text=kept,
        model=asked.model,
        stop="length" if is_cut else "stop",
        prompt_tokens=tokens(asked.size_bytes),
        completion_tokens=tokens(len(kept.encode())),
        number=number,
        wants_logprobs=asked.wants_logprobs,
    )


def sample(schema: dict[str, Any], prompt: str) -> Any:
    """A small value that follows `schema`: the parts of JSON Schema that people ask models for."""
    return _sample(schema, schema, hashlib.sha256(prompt.encode()).digest()[0])


def breaks(schema: dict[str, Any]) -> str:
    """JSON text of an object or number that a schema with a type, or with required names, refuses."""
    return json.dumps(17 if schema.get("type") == "object" and not schema.get("required") else {"unexpected": True})


def _sample(schema: dict[str, Any], top: dict[str, Any], chance: int) -> Any:
    if "$ref" in schema:
        found: Any = top
        for name in schema["$ref"].removeprefix("#/").split("/"):
            found = found[name]
        return _sample(found, top, chance)
    if "const" in schema:
        return schema["const"]
    if "enum" in schema:
        return schema["enum"][chance % len(schema["enum"])]
    for word in ("anyOf", "oneOf", "allOf"):
        if word in schema:
            return _sample(schema[word][0], top, chance)
    kind = schema.get("type", "object")
    kind = kind[0] if isinstance(kind, list) else kind
    if kind == "object":
        return {name: _sample(inner, top, chance) for name, inner in schema.get("properties", {}).items()}
    if kind == "array":
        return [_sample(schema.get("items", {"type": "string"}), top, chance)] * max(1, schema.get("minItems", 1))
    if kind == "string":
        return "x" * max(1, schema.get("minLength", 1))
    if kind in ("integer", "number"):
        least = schema.get("minimum", 1)
        return least if kind == "integer" else float(least)
    return chance % 2 == 0 if kind == "boolean" else None

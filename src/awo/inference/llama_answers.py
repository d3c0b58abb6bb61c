"""What llama.cpp answers in this process, chunk by chunk, as one answer and as an exchange for the record."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import msgspec

from awo.inference.failures import failed
from awo.inference.openai_chat import STOPS, logprobs_of
from awo.inference.seam import Exchange, Logprob, ModelFailed, Reply

IN_PROCESS: Final = "llama.cpp:in-process"


def exchange_of(body: dict[str, Any], chunks: list[dict[str, Any]], elapsed_ms: int) -> Exchange:
    """What crossed from AWO to llama.cpp and back: JSON, with the chunks of the answer in a list."""
    return Exchange(
        method="CALL",
        url=IN_PROCESS,
        request_headers=(("content-type", "application/json"),),
        request_body=msgspec.json.encode(body),
        status=0 if not chunks else 400 if "error" in chunks[-1] else 200,
        response_headers=(("content-type", "application/json"),) if chunks else (),
        response_body=msgspec.json.encode(chunks) if chunks else b"",
        elapsed_ms=elapsed_ms,
    )


def reply_of(chunks: list[dict[str, Any]], name: str, exchange: Exchange) -> Reply:
    """The answer of the model `name` from all its chunks. Raises `ModelFailed`."""
    text: list[str] = []
    logprobs: list[Logprob] = []
    stop_reason = fingerprint = ""
    usage: Mapping[str, Any] = {}
    for chunk in chunks:
        if "error" in chunk:
            raise _failure(chunk["error"], exchange)
        fingerprint = chunk.get("system_fingerprint") or fingerprint
        usage = chunk.get("usage") or usage
        for choice in chunk.get("choices", ()):
            text.append(choice["delta"].get("content") or "")
            logprobs += logprobs_of(choice) or ()
            stop_reason = choice.get("finish_reason") or stop_reason
    if not stop_reason:
        raise failed("cut_off", exchange, is_transient=False)
    return Reply(
        text="".join(text),
        model_answered=name,
        stop_reason=STOPS.get(stop_reason, "other"),
        stop_reason_given=stop_reason,
        prompt_tokens=usage.get("prompt_tokens", -1),
        completion_tokens=usage.get("completion_tokens", -1),
        fingerprint=fingerprint,
        logprobs=logprobs or None,
        exchange=exchange,
    )


def _failure(error: Mapping[str, Any], exchange: Exchange) -> ModelFailed:
    if error.get("type") == "exceed_context_size_error":
        failure = failed("context_length", exchange)
        failure.got = f"{error.get('n_prompt_tokens')} tokens, with room for {error.get('n_ctx')}"
        failure.hint = "shorten the prompt, or raise `n_ctx` in the model's params"
        return failure
    return failed("bad_request", exchange, got=str(error.get("message", error)))

"""The providers' own shapes: an answer, and each kind of refusal, as each of them says it."""

from __future__ import annotations

import time
from typing import Any, Literal, NamedTuple, assert_never

from tests.stub.answers import Said
from tests.stub.asked import Dialect

Trouble = Literal[
    "no_key",
    "auth",
    "unknown_model",
    "context_length",
    "bad_request",
    "rate_limited",
    "no_credit",
    "overloaded",
    "server",
]

STATUS: dict[Trouble, int] = {
    "no_key": 401,
    "auth": 401,
    "unknown_model": 404,
    "context_length": 400,
    "bad_request": 400,
    "rate_limited": 429,
    "no_credit": 429,
    "overloaded": 503,
    "server": 500,
}
REQUEST_ID: dict[Dialect, str] = {
    "openai": "x-request-id",
    "azure": "apim-request-id",
    "anthropic": "request-id",
    "gemini": "x-stub-request-id",
    "ollama": "x-stub-request-id",
}
FINGERPRINT = "fp_stub0000"


class Refused(NamedTuple):
    """What a refusal is about. `limit` and `got` are tokens, where it is the length."""

    trouble: Trouble
    model: str = ""
    key: str = ""
    limit: int = 0
    got: int = 0
    retry_after_s: float = 0


def trouble_of(status: int) -> Trouble:
    """What a provider means by this status when nothing more is said."""
    named: dict[int, Trouble] = {400: "bad_request", 401: "auth", 404: "unknown_model", 429: "rate_limited"}
    return named.get(status, "overloaded" if status in (503, 529) else "server")


def answer(dialect: Dialect, said: Said) -> dict[str, Any]:
    """The body of an answer."""
    if dialect in ("openai", "azure"):
        return _openai(said)
    if dialect == "anthropic":
        return _anthropic(said)
    return _gemini(said) if dialect == "gemini" else _ollama(said)


def refusal(dialect: Dialect, refused: Refused, status: int, number: int) -> dict[str, Any]:
    """The body of an error."""
    match dialect:
        case "openai":
            return {"error": _openai_error(refused)}
        case "azure":
            return {"error": _azure_error(refused)}
        case "anthropic":
            kind, message = _anthropic_error(refused, status)
            return {"type": "error", "error": {"type": kind, "message": message}, "request_id": f"req_{number:012d}"}
        case "gemini":
            return {"error": _gemini_error(refused, status)}
        case "ollama":
            return {"error": _openai_error(refused)["message"]}
        case _:
            assert_never(dialect)


# --- answers -----------------------------------------------------------------------------------------


def _pieces(text: str) -> list[str]:
    return [text[start : start + 4] for start in range(0, len(text), 4)]


def _openai(said: Said) -> dict[str, Any]:
    finish = {"stop": "stop", "length": "length", "refusal": "stop", "filtered": "content_filter"}[said.stop]
    is_refusal = said.stop == "refusal"
    choice: dict[str, Any] = {
        "index": 0,
        "message": {
            "role": "assistant",
            "content": None if is_refusal else said.text,
            "refusal": said.text if is_refusal else None,
        },
        "logprobs": None,
        "finish_reason": finish,
    }
    if said.wants_logprobs:
        choice["logprobs"] = {
            "content": [
                {"token": piece, "logprob": -0.25, "bytes": None, "top_logprobs": [{"token": piece, "logprob": -0.25}]}
                for piece in _pieces(said.text)
            ],
            "refusal": None,
        }
    return {
        "id": f"chatcmpl-{said.number:012d}",
        "object": "chat.completion",
        "created": int(time.time()),
        "model": said.model,
        "choices": [choice],
        "usage": {
            "prompt_tokens": said.prompt_tokens,
            "completion_tokens": said.completion_tokens,
            "total_tokens": said.prompt_tokens + said.completion_tokens,
            "prompt_tokens_details": {"cached_tokens": 0},
            "completion_tokens_details": {"reasoning_tokens": 0},
        },
        "system_fingerprint": FINGERPRINT,
    }


def _anthropic(said: Said) -> dict[str, Any]:
    stop = {"stop": "end_turn", "length": "max_tokens", "refusal": "refusal", "filtered": "refusal"}[said.stop]
    return {
        "id": f"msg_{said.number:012d}",
        "type": "message",
        "role": "assistant",
        "model": said.model,
        "content": [] if said.stop == "filtered" else [{"type": "text", "text": said.text}],
        "stop_reason": stop,
        "stop_sequence": None,
        "usage": {
            "input_tokens": said.prompt_tokens,
            "cache_creation_input_tokens": 0,
            "cache_read_input_tokens": 0,
            "output_tokens": said.completion_tokens,
        },
    }


def _gemini(said: Said) -> dict[str, Any]:
    stop = {"stop": "STOP", "length": "MAX_TOKENS", "refusal": "SAFETY", "filtered": "PROHIBITED_CONTENT"}[said.stop]
    candidate: dict[str, Any] = {"finishReason": stop, "index": 0}
    if said.stop in ("stop", "length"):
        candidate["content"] = {"parts": [{"text": said.text}], "role": "model"}
    if said.wants_logprobs:
        chosen = [{"token": piece, "logProbability": -0.25} for piece in _pieces(said.text)]
        top = [{"candidates": [one]} for one in chosen]
        candidate["logprobsResult"] = {"chosenCandidates": chosen, "topCandidates": top}
    return {
        "candidates": [candidate],
        "usageMetadata": {
            "promptTokenCount": said.prompt_tokens,
            "candidatesTokenCount": said.completion_tokens,
            "totalTokenCount": said.prompt_tokens + said.completion_tokens,
        },
        "modelVersion": said.model,
        "responseId": f"r{said.number:012d}",
    }


def _ollama(said: Said) -> dict[str, Any]:
    return {
        "model": said.model,
        "created_at": "2026-11-01T00:00:00Z",
        "message": {"role": "assistant", "content": said.text},
        "done": True,
        "done_reason": "length" if said.stop == "length" else "stop",
        "total_duration": 1_000_000,
        "prompt_eval_count": said.prompt_tokens,
        "eval_count": said.completion_tokens,
    }


# --- errors ------------------------------------------------------------------------------------------


def _openai_error(refused: Refused) -> dict[str, Any]:
    kind, code, param = "invalid_request_error", None, None
    match refused.trouble:
        case "no_key":
            text = "You didn't provide an API key. You need to provide your API key in an Authorization header."
        case "auth":
            shown = refused.key if len(refused.key) < 12 else f"{refused.key[:8]}{'*' * 12}{refused.key[-4:]}"
            text, code = f"Incorrect API key provided: {shown}.", "invalid_api_key"
        case "unknown_model":
            text = f"The model `{refused.model}` does not exist or you do not have access to it."
            code = "model_not_found"
        case "context_length":
            text = (
                f"This model's maximum context length is {refused.limit} tokens. However, your messages resulted in "
                f"{refused.got} tokens. Please reduce the length of the messages."
            )
            code, param = "context_length_exceeded", "messages"
        case "bad_request":
            text = "We could not parse the JSON body of your request."
        case "rate_limited":
            text = (
                f"Rate limit reached for {refused.model} on requests per min (RPM): Limit 500, Used 500, Requested 1."
            )
            text, kind, code = (
                f"{text} Please try again in {refused.retry_after_s:g}s.",
                "requests",
                "rate_limit_exceeded",
            )
        case "no_credit":
            text = "You exceeded your current quota, please check your plan and billing details."
            kind = code = "insufficient_quota"
        case "overloaded":
            text, kind = "The engine is currently overloaded, please try again later", "server_error"
        case "server":
            text, kind = "The server had an error while processing your request. Sorry about that!", "server_error"
        case _:
            assert_never(refused.trouble)
    return {"message": text, "type": kind, "param": param, "code": code}


def _azure_error(refused: Refused) -> dict[str, Any]:
    if refused.trouble in ("auth", "no_key"):
        text = "Access denied due to invalid subscription key or wrong API endpoint."
        return {"code": "401", "message": f"{text} Make sure to provide a valid key for an active subscription."}
    if refused.trouble == "unknown_model":
        return {"code": "DeploymentNotFound", "message": "The API deployment for this resource does not exist."}
    if refused.trouble == "rate_limited":
        text = "Requests have exceeded the call rate limit of your current pricing tier."
        return {"code": "429", "message": f"{text} Please retry after {refused.retry_after_s:g} seconds."}
    return _openai_error(refused)


def _anthropic_error(refused: Refused, status: int) -> tuple[str, str]:
    match refused.trouble:
        case "no_key":
            return "authentication_error", "x-api-key header is required"
        case "auth":
            return "authentication_error", "invalid x-api-key"
        case "unknown_model":
            return "not_found_error", f"model: {refused.model}"
        case "context_length":
            return "invalid_request_error", f"prompt is too long: {refused.got} tokens > {refused.limit} maximum"
        case "bad_request":
            return "invalid_request_error", "messages: Field required"
        case "rate_limited":
            return "rate_limit_error", "This request would exceed your account's rate limit. Please try again later."
        case "no_credit":
            return "invalid_request_error", "Your credit balance is too low to access the Anthropic API."
        case "overloaded" | "server":
            return ("overloaded_error", "Overloaded") if status == 529 else ("api_error", "Internal server error")
        case _:
            assert_never(refused.trouble)


def _gemini_error(refused: Refused, status: int) -> dict[str, Any]:
    word, details = "INVALID_ARGUMENT", []
    match refused.trouble:
        case "no_key":
            text = "Method doesn't allow unregistered callers (callers without established identity)."
            word = "PERMISSION_DENIED"
        case "auth":
            text = "API key not valid. Please pass a valid API key."
            info = {"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": "API_KEY_INVALID"}
            details = [
                info | {"domain": "googleapis.com", "metadata": {"service": "generativelanguage.googleapis.com"}}
            ]
        case "unknown_model":
            text = (
                f"models/{refused.model} is not found for API version v1beta, or is not supported for generateContent."
            )
            word = "NOT_FOUND"
        case "context_length":
            text = (
                f"The input token count ({refused.got}) exceeds the maximum number of tokens allowed ({refused.limit})."
            )
        case "bad_request":
            text = "Invalid JSON payload received."
        case "rate_limited" | "no_credit":
            text, word = (
                "You exceeded your current quota, please check your plan and billing details.",
                "RESOURCE_EXHAUSTED",
            )
            if refused.trouble == "rate_limited":
                delay = f"{refused.retry_after_s:g}s"
                details = [{"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": delay}]
        case "overloaded":
            text, word = "The model is overloaded. Please try again later.", "UNAVAILABLE"
        case "server":
            text, word = "An internal error has occurred.", "INTERNAL"
        case _:
            assert_never(refused.trouble)
    found: dict[str, Any] = {"code": status, "message": text, "status": word}
    return found | {"details": details} if details else found


def gemini_status(trouble: Trouble, status: int) -> int:
    """Gemini says 400 to a wrong key and 403 to none; the others' statuses are its own too."""
    return {"auth": 400, "no_key": 403}.get(trouble, status)

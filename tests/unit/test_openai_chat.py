"""OpenAI's chat completions: what is sent, what is made of an answer, and of everything that is none."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.provider_answers import ACCESS, PICTURE, SCHEMA, STATUSES, asked, exchange, is_sound, odd_json, taken

from awo.inference import openai_chat
from awo.inference.keys import Access
from awo.inference.providers import PROVIDERS
from awo.inference.seam import ModelFailed, Turn

USAGE = {
    "prompt_tokens": 9,
    "completion_tokens": 4,
    "prompt_tokens_details": {"cached_tokens": 3},
    "completion_tokens_details": {"reasoning_tokens": 2},
}


def sent(provider: str = "openai", request: Any = None, **params: Any) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(openai_chat.body_of(PROVIDERS[provider], "gpt-5", request or asked(), params))
    return found


def answer(message: object = None, **choice: Any) -> dict[str, Any]:
    said = {"role": "assistant", "content": "Red."} if message is None else message
    return {
        "id": "chatcmpl-1",
        "model": "gpt-5-2026-08-01",
        "system_fingerprint": "fp_1",
        "choices": [{"index": 0, "message": said, "finish_reason": "stop"} | choice],
        "usage": USAGE,
    }


def failure(body: object, status: int, *headers: tuple[str, str]) -> ModelFailed:
    with pytest.raises(ModelFailed) as caught:
        openai_chat.reply_of(exchange(body, status, headers), "gpt-5")
    assert caught.value.exchange is not None
    return caught.value


def test_a_request_has_model_messages_seed_and_parameters() -> None:
    turns = (Turn("system", "Be brief."), Turn("user", "One?"), Turn("assistant", "1"), Turn("user", "Two?"))
    found = sent(request=asked(*turns), temperature=0.5, reasoning_effort="low")
    assert found == {
        "model": "gpt-5",
        "messages": [{"role": turn.role, "content": turn.content} for turn in turns],
        "seed": 7,
        "temperature": 0.5,
        "reasoning_effort": "low",
    }


def test_max_tokens_goes_by_the_name_that_the_provider_knows() -> None:
    assert sent("openai", max_tokens=5)["max_completion_tokens"] == 5
    assert sent("azure", max_completion_tokens=5)["max_completion_tokens"] == 5
    assert sent("vllm", max_completion_tokens=5)["max_tokens"] == 5
    assert "max_tokens" not in sent("openai", max_tokens=5)


def test_llama_cpp_forgets_what_was_asked_before_unless_told_otherwise() -> None:
    assert sent("llamacpp")["cache_prompt"] is False
    assert sent("llamacpp", cache_prompt=True)["cache_prompt"] is True
    assert "cache_prompt" not in sent("openai")


def test_a_schema_and_an_image_are_sent_as_the_protocol_wants_them() -> None:
    found = sent(request=asked(Turn("user", "What is this?", (PICTURE,)), schema=SCHEMA))
    assert found["response_format"] == {
        "type": "json_schema",
        "json_schema": {"name": "answer", "strict": True, "schema": SCHEMA},
    }
    text, image = found["messages"][0]["content"]
    assert text == {"type": "text", "text": "What is this?"}
    assert image["image_url"]["url"] == "data:image/png;base64,iVBORw=="


@pytest.mark.parametrize(
    "params", [{"n": 2}, {"stream": True}, {"messages": []}, {"max_tokens": 1, "max_completion_tokens": 1}]
)
def test_what_awo_sets_itself_is_refused_before_anything_is_sent(params: dict[str, Any]) -> None:
    with pytest.raises(ModelFailed) as caught:
        openai_chat.check(params)
    assert (caught.value.code, caught.value.is_transient) == ("bad_request", False)


def test_a_schema_said_twice_and_an_image_of_the_assistant_are_refused() -> None:
    with pytest.raises(ModelFailed, match="say the same"):
        sent(request=asked(schema=SCHEMA), response_format={"type": "json_object"})
    with pytest.raises(ModelFailed, match="only a turn of a user"):
        sent(request=asked(Turn("assistant", "", (PICTURE,)), Turn("user", "So?")))


def test_azures_dated_version_names_the_deployment_in_the_path() -> None:
    assert openai_chat.path_of(ACCESS, "gpt-5") == "/chat/completions"
    dated = Access("https://host.example/openai", "k", "2024-10-21")
    assert openai_chat.path_of(dated, "my gpt") == "/deployments/my%20gpt/chat/completions?api-version=2024-10-21"
    assert openai_chat.headers_of(PROVIDERS["azure"], dated) == (("api-key", "k"),)
    assert openai_chat.headers_of(PROVIDERS["openai"], ACCESS) == (("Authorization", "Bearer the-key-0123456789"),)
    assert openai_chat.headers_of(PROVIDERS["vllm"], Access("http://127.0.0.1", "")) == ()


def test_an_answer_says_who_why_how_much_and_under_which_id() -> None:
    reply = openai_chat.reply_of(exchange(answer(), headers=(("X-Request-Id", "req_9"),)), "gpt-5")
    assert (reply.text, reply.model_answered, reply.stop_reason) == ("Red.", "gpt-5-2026-08-01", "stop")
    assert (reply.prompt_tokens, reply.completion_tokens, reply.cached_tokens, reply.reasoning_tokens) == (9, 4, 3, 2)
    assert (reply.request_id, reply.fingerprint) == ("req_9", "fp_1")
    assert reply.exchange is not None


def test_log_probabilities_come_with_their_alternatives() -> None:
    entry = {"token": "Red", "logprob": -0.5, "top_logprobs": [{"token": "Blue", "logprob": -1.5}]}
    reply = openai_chat.reply_of(exchange(answer(logprobs={"content": [entry]})), "gpt-5")
    assert reply.logprobs is not None
    (one,) = reply.logprobs
    assert (one.token, one.logprob, one.top) == ("Red", -0.5, {"Blue": -1.5})


@pytest.mark.parametrize(
    ("finish", "reason"),
    [
        ("stop", "stop"),
        ("length", "length"),
        ("content_filter", "refusal"),
        ("tool_calls", "tool_calls"),
        ("abort", "other"),
        (None, "other"),
    ],
)
def test_each_reason_to_stop_is_one_of_five_words(finish: str | None, reason: str) -> None:
    reply = openai_chat.reply_of(exchange(answer(finish_reason=finish)), "gpt-5")
    assert (reply.stop_reason, reply.stop_reason_given) == (reason, finish or "")


def test_a_refusal_is_an_answer_not_a_failure() -> None:
    said = openai_chat.reply_of(exchange(answer({"content": None, "refusal": "I cannot help."})), "gpt-5")
    assert (said.text, said.stop_reason) == ("I cannot help.", "refusal")
    filtered = {"error": {"message": "The prompt was filtered.", "code": "content_filter"}}
    blocked = openai_chat.reply_of(exchange(filtered, 400), "gpt-5")
    assert (blocked.text, blocked.stop_reason, blocked.model_answered) == ("", "refusal", "gpt-5")
    moderated = {"error": {"code": 403, "message": "flagged", "metadata": {"reasons": ["violence"]}}}
    assert openai_chat.reply_of(exchange(moderated, 403), "gpt-5").stop_reason == "refusal"


@pytest.mark.parametrize(
    ("status", "error", "code", "is_transient", "concerns_model"),
    [
        (401, {"message": "Incorrect API key", "code": "invalid_api_key"}, "auth", False, True),
        (403, {"message": "Country not supported"}, "auth", False, True),
        (404, {"message": "The model does not exist", "code": "model_not_found"}, "unknown_model", False, True),
        (404, {"code": "DeploymentNotFound", "message": "no such deployment"}, "unknown_model", False, True),
        (402, {"message": "This request requires more credits"}, "no_credit", False, True),
        (429, {"message": "You exceeded your quota", "type": "insufficient_quota"}, "no_credit", False, True),
        (429, {"message": "Rate limit reached", "code": "rate_limit_exceeded"}, "rate_limited", True, False),
        (400, {"message": "…", "code": "context_length_exceeded"}, "context_length", False, False),
        (400, {"message": "This model's maximum context length is 8 tokens"}, "context_length", False, False),
        (
            400,
            {"message": "request (631 tokens)…", "type": "exceed_context_size_error"},
            "context_length",
            False,
            False,
        ),
        (400, {"message": "temperature must be a number"}, "bad_request", False, False),
        (422, {"message": "odd"}, "bad_request", False, False),
        (408, {"message": "slow"}, "timeout", True, False),
        (409, {"message": "busy"}, "bad_request", True, False),
        (500, {"message": "The server had an error"}, "overloaded", True, False),
        (503, {"message": "loading model"}, "overloaded", True, False),
        (529, {}, "overloaded", True, False),
    ],
)
def test_each_refusal_of_the_provider_has_one_code(
    status: int, error: dict[str, Any], code: str, is_transient: bool, concerns_model: bool
) -> None:
    found = failure({"error": error}, status)
    assert (found.code, found.is_transient, found.concerns_model) == (code, is_transient, concerns_model)
    assert str(status) in found.got


def test_errors_of_other_servers_are_read_too() -> None:
    assert failure({"object": "error", "message": "maximum context length is 9"}, 400).code == "context_length"
    assert "model 'x' not found" in failure({"error": "model 'x' not found"}, 404).got
    # OpenRouter tells of its providers' errors in an answer of status 200.
    assert failure({"error": {"code": 429, "message": "slow down"}}, 200).code == "rate_limited"
    assert failure(answer(finish_reason="error"), 200).code == "overloaded"


def test_a_gateway_that_stopped_waiting_may_have_cost_something_and_a_full_server_not() -> None:
    assert failure(b"<html>Bad gateway</html>", 502).may_have_cost
    assert not failure({"error": {"message": "overloaded"}}, 503).may_have_cost
    assert not failure({"error": {"message": "slow down"}}, 429).may_have_cost


@pytest.mark.parametrize(
    ("headers", "wait_s"),
    [
        ((("Retry-After", "7"),), 7.0),
        ((("retry-after-ms", "250"), ("retry-after", "9")), 0.25),
        ((("Retry-After", "Sun, 01 Nov 2026 10:00:30 GMT"), ("Date", "Sun, 01 Nov 2026 10:00:00 GMT")), 30.0),
        ((("Retry-After", "Sun, 01 Nov 2026 10:00:00 GMT"), ("Date", "Sun, 01 Nov 2026 10:00:30 GMT")), 0.0),
        ((("Retry-After", "Sun, 01 Nov 2026 10:00:30 GMT"),), None),
        ((("Retry-After", "soon"),), None),
        ((("Retry-After", "nan"),), None),
        ((("Retry-After", "-3"),), 0.0),
        ((), None),
    ],
)
def test_how_long_to_wait_is_read_in_each_spelling(headers: tuple[tuple[str, str], ...], wait_s: float | None) -> None:
    assert failure({"error": {"message": "slow down"}}, 429, *headers).retry_after_s == wait_s


def test_a_redirect_is_not_followed_and_says_what_to_set() -> None:
    found = failure(b"", 301, ("Location", "https://elsewhere.example"))
    assert (found.code, found.concerns_model, found.is_transient) == ("bad_answer", True, False)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[]",
        b"\xff\xfe",
        b"[" * 200_000,
        {"choices": []},
        {"choices": [None]},
        {"choices": [{"message": 3}]},
        answer({"content": 3}),
    ],
)
def test_an_answer_that_is_none_may_be_asked_for_again_and_may_have_cost(body: object) -> None:
    found = failure(body, 200)
    assert (found.code, found.is_transient, found.may_have_cost) == ("bad_answer", True, True)


def test_a_providers_message_is_one_short_line() -> None:
    found = failure({"error": {"message": "a\x1b[2J\r\n" * 500}}, 400)
    assert len(found.got) <= 300
    assert found.got.isprintable()


@given(
    body=st.binary(max_size=80)
    | odd_json(
        *("choices", "message", "content", "refusal", "usage", "error", "code", "type", "metadata", "reasons"),
        *("finish_reason", "logprobs", "token", "logprob", "top_logprobs", "prompt_tokens", "model", "id", "text"),
    ),
    status=STATUSES,
)
def test_no_bytes_raise_anything_but_model_failed(body: bytes, status: int) -> None:
    assert is_sound(taken(openai_chat.reply_of, body, status))


@given(
    choice=odd_json("message", "content", "finish_reason", "logprobs", "text", "refusal"),
    usage=odd_json("prompt_tokens"),
)
def test_no_choice_and_no_usage_raise_anything_but_model_failed(choice: bytes, usage: bytes) -> None:
    assert is_sound(taken(openai_chat.reply_of, b'{"choices": [%b], "usage": %b}' % (choice, usage)))

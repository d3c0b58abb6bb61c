"""Anthropic's Messages: what is sent, what is made of an answer, and of everything that is none."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.provider_answers import ACCESS, PICTURE, SCHEMA, STATUSES, asked, exchange, is_sound, odd_json, taken

from awo.inference import anthropic_messages
from awo.inference.providers import PROVIDERS
from awo.inference.seam import ModelFailed, Turn

ROW = PROVIDERS["anthropic"]


def sent(request: Any = None, **params: Any) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(anthropic_messages.body_of(ROW, "claude", request or asked(), params))
    return found


def answer(**fields: Any) -> dict[str, Any]:
    return {
        "id": "msg_1",
        "type": "message",
        "role": "assistant",
        "model": "claude-sonnet-4-5-20250929",
        "content": [
            {"type": "thinking", "thinking": "hm"},
            {"type": "text", "text": "Red"},
            {"type": "text", "text": "."},
        ],
        "stop_reason": "end_turn",
        "usage": {
            "input_tokens": 5,
            "cache_read_input_tokens": 3,
            "cache_creation_input_tokens": 2,
            "output_tokens": 4,
            "output_tokens_details": {"thinking_tokens": 1},
        },
    } | fields


def failure(body: object, status: int, *headers: tuple[str, str]) -> ModelFailed:
    with pytest.raises(ModelFailed) as caught:
        anthropic_messages.reply_of(exchange(body, status, headers), "claude")
    return caught.value


def test_a_request_has_its_system_apart_its_limit_and_no_seed() -> None:
    turns = (Turn("system", "Be brief."), Turn("user", "One?"), Turn("assistant", "1"), Turn("user", "Two?"))
    assert sent(asked(*turns), max_completion_tokens=9, stop="END", temperature=0.2) == {
        "model": "claude",
        "max_tokens": 9,
        "system": [{"type": "text", "text": "Be brief."}],
        "messages": [{"role": turn.role, "content": turn.content} for turn in turns[1:]],
        "stop_sequences": ["END"],
        "temperature": 0.2,
    }
    assert not anthropic_messages.KNOWS_SEED


def test_a_request_without_a_limit_has_the_default_that_the_facts_name() -> None:
    assert sent()["max_tokens"] == anthropic_messages.DEFAULTS["default_max_tokens"] == 4096


def test_the_key_and_the_version_go_into_headers() -> None:
    headers = anthropic_messages.headers_of(ROW, ACCESS)
    assert headers == (("x-api-key", "the-key-0123456789"), ("anthropic-version", "2023-06-01"))
    assert anthropic_messages.path_of(ACCESS, "claude") == "/messages"


def test_a_schema_stands_beside_other_wishes_for_the_output() -> None:
    found = sent(asked(schema=SCHEMA), output_config={"effort": "low"})
    assert found["output_config"] == {"effort": "low", "format": {"type": "json_schema", "schema": SCHEMA}}
    with pytest.raises(ModelFailed, match="say the same"):
        sent(asked(schema=SCHEMA), output_config={"format": {}})


def test_an_image_comes_before_its_text() -> None:
    image, text = sent(asked(Turn("user", "What is this?", (PICTURE,))))["messages"][0]["content"]
    assert image["source"] == {"type": "base64", "media_type": "image/png", "data": "iVBORw=="}
    assert text == {"type": "text", "text": "What is this?"}


@pytest.mark.parametrize(
    "name", ["frequency_penalty", "logprobs", "top_logprobs", "seed", "n", "response_format", "logit_bias"]
)
def test_a_parameter_without_a_word_here_is_refused_before_anything_is_sent(name: str) -> None:
    with pytest.raises(ModelFailed) as caught:
        anthropic_messages.check({name: 1})
    assert (caught.value.code, caught.value.is_transient) == ("bad_request", False)
    assert name in caught.value.what


def test_the_nearest_parameter_is_named() -> None:
    with pytest.raises(ModelFailed) as caught:
        anthropic_messages.check({"temprature": 1})
    assert caught.value.hint == "did you mean 'temperature'?"


@pytest.mark.parametrize(
    "turns",
    [
        (Turn("user", "Hi"), Turn("system", "Be brief."), Turn("user", "So?")),
        (Turn("system", "Look.", (PICTURE,)), Turn("user", "Hi")),
        (Turn("user", "Hi"), Turn("assistant", "", (PICTURE,)), Turn("user", "So?")),
    ],
)
def test_turns_that_the_protocol_cannot_say_are_refused(turns: tuple[Turn, ...]) -> None:
    with pytest.raises(ModelFailed) as caught:
        sent(asked(*turns))
    assert caught.value.code == "bad_request"


def test_an_answer_counts_its_cached_tokens_among_the_prompts() -> None:
    reply = anthropic_messages.reply_of(exchange(answer(), headers=(("request-id", "req_1"),)), "claude")
    assert (reply.text, reply.model_answered, reply.stop_reason) == ("Red.", "claude-sonnet-4-5-20250929", "stop")
    assert (reply.prompt_tokens, reply.completion_tokens, reply.cached_tokens, reply.reasoning_tokens) == (10, 4, 3, 1)
    assert reply.request_id == "req_1"
    uncounted = anthropic_messages.reply_of(exchange(answer(usage=None)), "claude")
    assert (uncounted.prompt_tokens, uncounted.completion_tokens, uncounted.cached_tokens) == (-1, -1, -1)


@pytest.mark.parametrize(
    ("given_reason", "reason"),
    [
        ("end_turn", "stop"),
        ("stop_sequence", "stop"),
        ("max_tokens", "length"),
        ("model_context_window_exceeded", "length"),
        ("refusal", "refusal"),
        ("tool_use", "tool_calls"),
        ("pause_turn", "other"),
    ],
)
def test_each_reason_to_stop_is_one_of_five_words(given_reason: str, reason: str) -> None:
    reply = anthropic_messages.reply_of(exchange(answer(stop_reason=given_reason, content=[])), "claude")
    assert (reply.stop_reason, reply.stop_reason_given, reply.text) == (reason, given_reason, "")


@pytest.mark.parametrize(
    ("status", "kind", "message", "code", "is_transient", "concerns_model"),
    [
        (401, "authentication_error", "invalid x-api-key", "auth", False, True),
        (403, "permission_error", "not allowed", "auth", False, True),
        (404, "not_found_error", "model: claude-x", "unknown_model", False, True),
        (402, "billing_error", "pay first", "no_credit", False, True),
        (400, "invalid_request_error", "Your credit balance is too low to access the API", "no_credit", False, True),
        (400, "invalid_request_error", "prompt is too long: 9 tokens > 8 maximum", "context_length", False, False),
        (400, "invalid_request_error", "messages: Field required", "bad_request", False, False),
        (413, "request_too_large", "too many bytes", "bad_request", False, False),
        (429, "rate_limit_error", "slow down", "rate_limited", True, False),
        (500, "api_error", "Internal server error", "overloaded", True, False),
        (529, "overloaded_error", "Overloaded", "overloaded", True, False),
    ],
)
def test_each_refusal_of_the_provider_has_one_code(
    status: int, kind: str, message: str, code: str, is_transient: bool, concerns_model: bool
) -> None:
    found = failure({"type": "error", "error": {"type": kind, "message": message}}, status, ("retry-after", "3"))
    assert (found.code, found.is_transient, found.concerns_model) == (code, is_transient, concerns_model)
    assert found.retry_after_s == 3
    assert message in found.got


@pytest.mark.parametrize("body", [b"", b"{}", b"[" * 100_000, {"content": "Red."}, answer(stop_reason=None)])
def test_an_answer_that_is_none_may_be_asked_for_again_and_may_have_cost(body: object) -> None:
    found = failure(body, 200)
    assert (found.code, found.is_transient, found.may_have_cost) == ("bad_answer", True, True)


@given(
    body=st.binary(max_size=80)
    | odd_json("content", "stop_reason", "type", "text", "usage", "input_tokens", "error", "message", "model", "id"),
    status=STATUSES,
)
def test_no_bytes_raise_anything_but_model_failed(body: bytes, status: int) -> None:
    assert is_sound(taken(anthropic_messages.reply_of, body, status))

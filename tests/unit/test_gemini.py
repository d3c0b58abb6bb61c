"""Gemini's generateContent: what is sent, what is made of an answer, and of everything that is none."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.provider_answers import ACCESS, PICTURE, SCHEMA, STATUSES, asked, exchange, is_sound, odd_json, taken

from awo.inference import gemini
from awo.inference.providers import PROVIDERS
from awo.inference.seam import ModelFailed, Turn

ROW = PROVIDERS["gemini"]


def sent(request: Any = None, **params: Any) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(gemini.body_of(ROW, "gemini-2.5-pro", request or asked(), params))
    return found


def answer(**candidate: Any) -> dict[str, Any]:
    parts = [{"text": "hm", "thought": True}, {"text": "Red"}, {"text": "."}]
    return {
        "candidates": [{"content": {"parts": parts, "role": "model"}, "finishReason": "STOP"} | candidate],
        "usageMetadata": {
            "promptTokenCount": 9,
            "candidatesTokenCount": 4,
            "thoughtsTokenCount": 6,
            "cachedContentTokenCount": 3,
        },
        "modelVersion": "gemini-2.5-pro-001",
        "responseId": "r1",
    }


def failure(body: object, status: int) -> ModelFailed:
    with pytest.raises(ModelFailed) as caught:
        gemini.reply_of(exchange(body, status), "gemini-2.5-pro")
    return caught.value


def test_a_request_has_its_system_apart_and_its_parameters_translated() -> None:
    turns = (Turn("system", "Be brief."), Turn("user", "One?"), Turn("assistant", "1"), Turn("user", "Two?"))
    found = sent(
        asked(*turns),
        max_tokens=9,
        stop="END",
        top_p=0.5,
        logprobs=True,
        top_logprobs=2,
        safetySettings=[],
        thinkingConfig={"thinkingBudget": 0},
    )
    assert found == {
        "systemInstruction": {"parts": [{"text": "Be brief."}]},
        "contents": [
            {"role": "user", "parts": [{"text": "One?"}]},
            {"role": "model", "parts": [{"text": "1"}]},
            {"role": "user", "parts": [{"text": "Two?"}]},
        ],
        "generationConfig": {
            "seed": 7,
            "maxOutputTokens": 9,
            "stopSequences": ["END"],
            "topP": 0.5,
            "responseLogprobs": True,
            "logprobs": 2,
            "thinkingConfig": {"thinkingBudget": 0},
        },
        "safetySettings": [],
    }


def test_the_key_goes_into_a_header_and_never_into_the_address() -> None:
    assert gemini.headers_of(ROW, ACCESS) == (("x-goog-api-key", "the-key-0123456789"),)
    assert gemini.path_of(ACCESS, "gemini-2.5-pro") == "/models/gemini-2.5-pro:generateContent"
    assert gemini.path_of(ACCESS, "tunedModels/mine?key=1") == "/tunedModels/mine%3Fkey%3D1:generateContent"


def test_a_schema_and_an_image_are_sent_as_the_protocol_wants_them() -> None:
    found = sent(asked(Turn("user", "What is this?", (PICTURE,)), schema=SCHEMA))
    assert found["generationConfig"]["responseMimeType"] == "application/json"
    assert found["generationConfig"]["responseJsonSchema"] == SCHEMA
    assert found["contents"][0]["parts"] == [
        {"inlineData": {"mimeType": "image/png", "data": "iVBORw=="}},
        {"text": "What is this?"},
    ]


@pytest.mark.parametrize("name", ["n", "logit_bias", "response_format", "reasoning_effort"])
def test_a_parameter_without_a_word_here_is_refused_before_anything_is_sent(name: str) -> None:
    with pytest.raises(ModelFailed) as caught:
        gemini.check({name: 1})
    assert (caught.value.code, caught.value.is_transient) == ("bad_request", False)


def test_an_answer_leaves_thoughts_out_of_the_text_and_in_the_count() -> None:
    reply = gemini.reply_of(exchange(answer()), "gemini-2.5-pro")
    assert (reply.text, reply.model_answered, reply.stop_reason) == ("Red.", "gemini-2.5-pro-001", "stop")
    assert (reply.prompt_tokens, reply.completion_tokens, reply.cached_tokens, reply.reasoning_tokens) == (9, 10, 3, 6)
    assert reply.request_id == "r1"


def test_log_probabilities_come_with_their_alternatives() -> None:
    result = {
        "chosenCandidates": [{"token": "Red", "logProbability": -0.5}],
        "topCandidates": [{"candidates": [{"token": "Blue", "logProbability": -1.5}]}],
    }
    reply = gemini.reply_of(exchange(answer(logprobsResult=result)), "gemini-2.5-pro")
    assert reply.logprobs is not None
    (one,) = reply.logprobs
    assert (one.token, one.logprob, one.top) == ("Red", -0.5, {"Blue": -1.5})


@pytest.mark.parametrize(
    ("finish", "reason"),
    [
        ("MAX_TOKENS", "length"),
        ("SAFETY", "refusal"),
        ("RECITATION", "refusal"),
        ("PROHIBITED_CONTENT", "refusal"),
        ("MALFORMED_FUNCTION_CALL", "other"),
    ],
)
def test_each_reason_to_stop_is_one_of_five_words(finish: str, reason: str) -> None:
    reply = gemini.reply_of(exchange({"candidates": [{"finishReason": finish}]}), "gemini-2.5-pro")
    assert (reply.stop_reason, reply.stop_reason_given, reply.text) == (reason, finish, "")


def test_a_blocked_prompt_is_a_refusal_and_a_function_call_is_told() -> None:
    blocked = gemini.reply_of(exchange({"promptFeedback": {"blockReason": "PROHIBITED_CONTENT"}}), "gemini-2.5-pro")
    assert (blocked.text, blocked.stop_reason, blocked.stop_reason_given) == ("", "refusal", "PROHIBITED_CONTENT")
    call = answer(content={"parts": [{"functionCall": {"name": "f"}}]})
    assert gemini.reply_of(exchange(call), "gemini-2.5-pro").stop_reason == "tool_calls"


@pytest.mark.parametrize(
    ("status", "error", "code", "is_transient", "concerns_model"),
    [
        (400, {"message": "API key not valid.", "details": [{"reason": "API_KEY_INVALID"}]}, "auth", False, True),
        (403, {"message": "no", "status": "PERMISSION_DENIED"}, "auth", False, True),
        (404, {"message": "models/x is not found", "status": "NOT_FOUND"}, "unknown_model", False, True),
        (
            400,
            {"message": "The input token count (9) exceeds the maximum number of tokens allowed (8)."},
            "context_length",
            False,
            False,
        ),
        (400, {"message": "Invalid value", "status": "INVALID_ARGUMENT"}, "bad_request", False, False),
        (429, {"message": "quota", "status": "RESOURCE_EXHAUSTED"}, "rate_limited", True, False),
        (503, {"message": "The model is overloaded.", "status": "UNAVAILABLE"}, "overloaded", True, False),
    ],
)
def test_each_refusal_of_the_provider_has_one_code(
    status: int, error: dict[str, Any], code: str, is_transient: bool, concerns_model: bool
) -> None:
    for body in ({"error": error}, [{"error": error}]):  # it wraps some of its errors in a list
        found = failure(body, status)
        assert (found.code, found.is_transient, found.concerns_model) == (code, is_transient, concerns_model)


@pytest.mark.parametrize(("written", "wait_s"), [("34s", 34.0), ("1.5s", 1.5), ("soon", None), ("9" * 400 + "s", None)])
def test_how_long_to_wait_stands_in_the_details(written: str, wait_s: float | None) -> None:
    error = {"message": "quota", "details": [{"@type": "RetryInfo", "retryDelay": written}]}
    assert failure({"error": error}, 429).retry_after_s == wait_s


@pytest.mark.parametrize("body", [b"", b"{}", {"candidates": []}, {"candidates": [3]}, {"candidates": [{}]}])
def test_an_answer_that_is_none_may_be_asked_for_again_and_may_have_cost(body: object) -> None:
    found = failure(body, 200)
    assert (found.code, found.is_transient, found.may_have_cost) == ("bad_answer", True, True)


@given(
    body=st.binary(max_size=80)
    | odd_json(
        *("candidates", "content", "parts", "text", "finishReason", "promptFeedback", "blockReason", "error"),
        *("details", "retryDelay", "usageMetadata", "logprobsResult", "chosenCandidates", "topCandidates", "thought"),
    ),
    status=STATUSES,
)
def test_no_bytes_raise_anything_but_model_failed(body: bytes, status: int) -> None:
    assert is_sound(taken(gemini.reply_of, body, status))


@given(candidate=odd_json("content", "parts", "text", "finishReason", "logprobsResult", "chosenCandidates", "thought"))
def test_no_candidate_raises_anything_but_model_failed(candidate: bytes) -> None:
    assert is_sound(taken(gemini.reply_of, b'{"candidates": [%b]}' % candidate))

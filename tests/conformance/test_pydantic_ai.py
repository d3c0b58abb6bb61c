"""The backend `pydantic-ai` against the stub: the wire is recorded, nothing is sent twice, failures are ours."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from tests.stub.running import RunningStub, running_stub

from awo.errors import CannotCheck
from awo.inference.pydantic_ai import OUT_OF_REACH, open_pydantic_ai
from awo.inference.seam import Image, ModelFailed, Reply, Request, Turn
from awo.testing.backends import CHECKS, Case, Check

OPENAI = "openai-chat:gpt-4o-mini"
QUESTION = (Turn("user", "Name one colour."),)
SCHEMA = {
    "type": "object",
    "properties": {"colour": {"type": "string"}},
    "required": ["colour"],
    "additionalProperties": False,
}


@pytest.fixture(scope="module")
def one_stub() -> Iterator[RunningStub]:
    with running_stub() as stub:
        yield stub


@pytest.fixture
def stub(one_stub: RunningStub, monkeypatch: pytest.MonkeyPatch) -> RunningStub:
    """The stub without orders, and the environment in which it is every provider."""
    one_stub.reset()
    for name, value in one_stub.environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("OLLAMA_BASE_URL", f"{one_stub.base_url}/v1")
    monkeypatch.setenv("OPENAI_API_VERSION", "2024-10-21")
    return one_stub


def ask(
    model: str,
    turns: tuple[Turn, ...] = QUESTION,
    *,
    params: Mapping[str, Any] | None = None,
    schema: Mapping[str, Any] | None = None,
    timeout_s: float = 20.0,
) -> Reply:
    async def session() -> Reply:
        backend = open_pydantic_ai(model, params or {}, 7, Path())
        await backend.open()
        try:
            return await backend.ask(Request(turns=turns, params={}, seed=7, schema=schema), timeout_s)
        finally:
            await backend.close()

    return asyncio.run(session())


def failure(model: str, **settings: Any) -> ModelFailed:
    with pytest.raises(ModelFailed) as caught:
        ask(model, **settings)
    return caught.value


def sent(reply: Reply) -> dict[str, Any]:
    assert reply.exchange is not None
    found: dict[str, Any] = json.loads(reply.exchange.request_body)
    return found


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
def test_it_keeps_the_contract_of_backends(check: Check, stub: RunningStub, tmp_path: Path) -> None:
    check(Case(open_pydantic_ai, model=OPENAI, params={"max_tokens": 20}, root=tmp_path, secret=stub.key))


@pytest.mark.parametrize("model", [OPENAI, "azure:gpt-4o-mini", "ollama:smollm2", "vllm:local-model"])
def test_the_answer_is_read_from_the_bytes_that_crossed_the_wire(stub: RunningStub, model: str) -> None:
    reply = ask(model, params={"max_tokens": 20})
    assert reply.exchange is not None
    answered = json.loads(reply.exchange.response_body)
    assert reply.text == answered["choices"][0]["message"]["content"]
    assert reply.fingerprint == answered["system_fingerprint"] != ""
    assert (reply.stop_reason, reply.stop_reason_given) == ("stop", "stop")
    assert reply.model_answered == model.partition(":")[2]
    assert reply.prompt_tokens == answered["usage"]["prompt_tokens"]
    assert (sent(reply)["seed"], sent(reply)["max_completion_tokens"]) == (7, 20)
    assert stub.counts()["arrived"] == 1


def test_turns_images_parameters_and_the_schema_arrive(stub: RunningStub) -> None:
    turns = (
        Turn("system", "Be brief."),
        Turn("user", "What is this?", (Image("image/png", b"\x89PNG"),)),
        Turn("assistant", "A dot."),
        Turn("user", "Which colour?"),
    )
    reply = ask(OPENAI, turns, params={"temperature": 0.5, "stop": "END", "openai_user": "nobody"}, schema=SCHEMA)
    body = sent(reply)
    assert [turn["role"] for turn in body["messages"]] == ["system", "user", "assistant", "user"]
    assert {"image_url", "text"} == {part["type"] for part in body["messages"][1]["content"]}
    assert (body["temperature"], body["stop"], body["user"]) == (0.5, ["END"], "nobody")
    assert body["response_format"]["json_schema"]["schema"] == SCHEMA
    assert set(json.loads(reply.text)) == {"colour"}


@pytest.mark.parametrize(
    ("order", "code", "is_transient"),
    [
        ({"action": "status", "status": 401}, "auth", False),
        ({"action": "status", "status": 404}, "unknown_model", False),
        ({"action": "status", "status": 429, "retry_after": "7"}, "rate_limited", True),
        ({"action": "status", "status": 500}, "overloaded", True),
        ({"action": "status", "status": 503}, "overloaded", True),
        ({"action": "reset"}, "cut_off", True),
        ({"action": "half"}, "cut_off", True),
        ({"action": "hang"}, "timeout", True),
        ({"action": "html"}, "bad_answer", True),
        ({"action": "empty"}, "bad_answer", True),
        ({"action": "wrong_shape"}, "bad_answer", True),
    ],
    ids=lambda value: "-".join(map(str, value.values())) if isinstance(value, dict) else None,
)
def test_every_failure_is_one_of_ours_and_is_sent_once(
    stub: RunningStub, order: dict[str, Any], code: str, is_transient: bool
) -> None:
    stub.order(**order)
    error = failure(OPENAI, timeout_s=1.0)
    assert (error.code, error.is_transient) == (code, is_transient)
    assert error.where == f"model {OPENAI}"
    assert error.exchange is not None
    assert error.exchange.request_body
    assert stub.counts()["arrived"] == 1
    if code == "rate_limited":
        assert error.retry_after_s == 7.0


def test_a_key_that_the_provider_repeats_is_not_told(stub: RunningStub) -> None:
    stub.order("leak", status=400)
    error = failure(OPENAI)
    assert "[key]" in error.got
    assert stub.key not in f"{error} {error.exchange and error.exchange.request_headers}"


def test_a_refusal_is_an_answer(stub: RunningStub) -> None:
    stub.order("refusal")
    assert ask(OPENAI).stop_reason == "refusal"
    stub.reset()
    stub.order("filtered")
    assert ask(OPENAI).stop_reason == "refusal"


def test_an_unreachable_server_is_told_as_such(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_BASE_URL", "http://127.0.0.1:9/v1")
    monkeypatch.setenv("OPENAI_API_KEY", "a-key-for-nothing")
    error = failure(OPENAI)
    assert (error.code, error.is_transient, error.may_have_cost) == ("unreachable", True, False)


def test_many_requests_at_once_keep_their_own_exchanges(stub: RunningStub) -> None:
    async def session() -> list[Reply]:
        backend = open_pydantic_ai(OPENAI, {}, 7, Path())
        await backend.open()
        requests = [Request((Turn("user", f"Row {number}."),), {}, number) for number in range(40)]
        try:
            return await asyncio.gather(*(backend.ask(request, 20.0) for request in requests))
        finally:
            await backend.close()

    for number, reply in enumerate(asyncio.run(session())):
        assert sent(reply)["messages"][0]["content"] == f"Row {number}."
        assert sent(reply)["seed"] == number


@pytest.mark.filterwarnings("ignore:Sampling parameters")
def test_a_parameter_that_would_be_left_out_is_refused_before_anything_is_sent(stub: RunningStub) -> None:
    for model, params in [
        ("openai-chat:gpt-5-mini", {"temperature": 0.2}),
        ("openai:gpt-5-mini", {"presence_penalty": 1}),
        (OPENAI, {"temprature": 0.2}),
        (OPENAI, {"max_tokens": 3, "max_completion_tokens": 3}),
    ]:
        error = failure(model, params=params)
        assert (error.code, error.is_transient) == ("bad_request", False)
    assert "did you mean 'temperature'" in failure(OPENAI, params={"temprature": 0.2}).hint
    assert stub.counts()["arrived"] == 0


@pytest.mark.parametrize("prefix", OUT_OF_REACH)
def test_a_provider_whose_exchanges_cannot_be_recorded_is_refused(prefix: str) -> None:
    with pytest.raises(ModelFailed, match="could not be recorded") as caught:
        open_pydantic_ai(f"{prefix}/x:y" if prefix == "gateway" else f"{prefix}:y", {}, 7, Path()).check()
    assert caught.value.concerns_model


@pytest.mark.parametrize("model", ["gpt-4o", ":gpt-4o", "openai:", "", "no-such-provider:x"])
def test_what_names_no_model_of_pydantic_ai_is_refused_by_the_check(model: str) -> None:
    with pytest.raises(ModelFailed) as caught:
        open_pydantic_ai(model, {}, 7, Path()).check()
    assert "openai-chat:" in caught.value.hint


def test_a_missing_key_and_a_key_in_the_clear_are_found_by_the_check(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    monkeypatch.delenv("OPENAI_BASE_URL", raising=False)
    with pytest.raises(CannotCheck) as caught:
        open_pydantic_ai(OPENAI, {}, 7, Path()).check()
    assert "OPENAI_API_KEY" in caught.value.got
    monkeypatch.setenv("OPENAI_API_KEY", "a-key-for-nothing")
    monkeypatch.setenv("OPENAI_BASE_URL", "http://model.test/v1")
    with pytest.raises(CannotCheck, match="in the clear"):
        open_pydantic_ai(OPENAI, {}, 7, Path()).check()


# --- a protocol that only pydantic-ai speaks -------------------------------------------------------

RESPONSE = {
    "id": "resp_1",
    "object": "response",
    "created_at": 1,
    "status": "completed",
    "model": "gpt-4o-mini-2024-07-18",
    "output": [
        {
            "id": "msg_1",
            "type": "message",
            "role": "assistant",
            "status": "completed",
            "content": [{"type": "output_text", "text": "Blue.", "annotations": []}],
        }
    ],
    "parallel_tool_calls": True,
    "tool_choice": "auto",
    "tools": [],
    "usage": {
        "input_tokens": 5,
        "input_tokens_details": {"cached_tokens": 1},
        "output_tokens": 2,
        "output_tokens_details": {"reasoning_tokens": 0},
        "total_tokens": 7,
    },
}
CUT = {"status": "incomplete", "incomplete_details": {"reason": "max_output_tokens"}}


def asked_of_responses(answer: Mapping[str, Any], monkeypatch: pytest.MonkeyPatch) -> Reply:
    """The reply of `openai:`, which is OpenAI's Responses, to a server that answers with `answer`."""

    async def respond(_: web.Request) -> web.Response:
        return web.json_response(answer)

    async def session() -> Reply:
        application = web.Application()
        application.router.add_post("/v1/responses", respond)
        runner = web.AppRunner(application)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        monkeypatch.setenv("OPENAI_BASE_URL", f"http://127.0.0.1:{runner.addresses[0][1]}/v1")
        monkeypatch.setenv("OPENAI_API_KEY", "a-key-for-nothing")
        backend = open_pydantic_ai("openai:gpt-4o-mini", {"max_tokens": 20}, 7, Path())
        await backend.open()
        try:
            return await backend.ask(Request(QUESTION, {}, 7), 20.0)
        finally:
            await backend.close()
            await runner.cleanup()

    return asyncio.run(session())


def test_a_protocol_that_is_not_ours_is_read_by_pydantic_ai(monkeypatch: pytest.MonkeyPatch) -> None:
    reply = asked_of_responses(RESPONSE, monkeypatch)
    assert (reply.text, reply.stop_reason, reply.model_answered) == ("Blue.", "stop", "gpt-4o-mini-2024-07-18")
    assert (reply.prompt_tokens, reply.completion_tokens, reply.cached_tokens) == (5, 2, 1)
    assert reply.request_id == "resp_1"
    assert "seed" not in sent(reply)


def test_an_answer_that_was_cut_for_length_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    reply = asked_of_responses(RESPONSE | CUT, monkeypatch)
    assert (reply.stop_reason, reply.stop_reason_given) == ("length", "max_output_tokens")

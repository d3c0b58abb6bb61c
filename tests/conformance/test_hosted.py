"""The hosted backends against a stub that speaks their protocols: what is sent, and what comes back."""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from tests.conformance.asking import MODELS, PROTOCOLS, asked, failure, made, question, run, stub_everywhere
from tests.stub.running import RunningStub, running_stub

from awo.inference import wire
from awo.inference.hosted import Hosted
from awo.inference.providers import PROVIDERS
from awo.inference.seam import Exchange, Image, Reply, Request, Turn

SCHEMA = {"type": "object", "properties": {"label": {"enum": ["good", "bad"]}}, "required": ["label"]}


@pytest.fixture(scope="module")
def server() -> Iterator[RunningStub]:
    with running_stub() as running:
        yield running


@pytest.fixture
def stub(server: RunningStub, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> RunningStub:
    """The stub with no orders, as every provider."""
    server.reset()
    stub_everywhere(server, monkeypatch, tmp_path)
    return server


@pytest.mark.parametrize("provider", MODELS)
def test_each_provider_answers_and_everything_but_the_key_is_on_record(provider: str, stub: RunningStub) -> None:
    reply = run(asked(made(provider, max_tokens=50), question(temperature=0.5)))
    assert (reply.text, reply.stop_reason) == ("Name one colour.", "stop")
    assert reply.model_answered == MODELS[provider]
    assert reply.prompt_tokens > 0
    assert reply.completion_tokens > 0
    assert reply.request_id
    exchange = reply.exchange
    assert exchange is not None
    assert exchange.url.startswith(stub.base_url)
    assert (exchange.method, exchange.status, exchange.error) == ("POST", 200, "")
    assert "Name one colour." in exchange.request_body.decode()
    assert json.loads(exchange.response_body)
    assert dict(exchange.request_headers)["Content-Length"] == str(len(exchange.request_body))
    assert dict(exchange.request_headers)["Accept-Encoding"] == "identity"
    assert stub.key not in repr(reply)
    assert stub.counts()["arrived"] == 1


@pytest.mark.parametrize("provider", PROTOCOLS)
def test_turns_images_schema_and_logprobs_arrive(provider: str, stub: RunningStub) -> None:
    image = Image("image/png", b"\x89PNG")
    turns = (
        Turn("system", "Be brief."),
        Turn("user", "Look.", (image,)),
        Turn("assistant", "Yes?"),
        Turn("user", "So?"),
    )
    params = {} if provider == "anthropic" else {"logprobs": True, "top_logprobs": 1}
    request = Request(turns=turns, params=params, seed=7, schema=SCHEMA)
    reply = run(asked(made(provider), request))
    assert json.loads(reply.text)["label"] in ("good", "bad")
    assert (reply.logprobs is None) == (provider == "anthropic")


@pytest.mark.parametrize("provider", PROTOCOLS)
@pytest.mark.parametrize("action", ["refusal", "filtered"])
def test_a_refusal_is_an_answer(provider: str, action: Any, stub: RunningStub) -> None:
    stub.order(action)
    assert run(asked(made(provider), question())).stop_reason == "refusal"


@pytest.mark.parametrize("provider", PROTOCOLS)
def test_an_answer_that_was_cut_at_its_limit_says_so(provider: str, stub: RunningStub) -> None:
    reply = run(asked(made(provider, max_tokens=2), question("one two three four five six")))
    assert (reply.stop_reason, reply.completion_tokens) == ("length", 2)


@pytest.mark.parametrize("provider", PROTOCOLS)
def test_another_model_than_asked_for_is_told(provider: str, stub: RunningStub) -> None:
    stub.order("answer", answered_model="something-cheaper")
    assert run(asked(made(provider), question())).model_answered == "something-cheaper"


def test_a_slow_answer_in_small_pieces_is_one_answer(stub: RunningStub) -> None:
    stub.order("drip", pieces=100, every_ms=2)
    assert run(asked(made("openai"), question())).text == "Name one colour."


def test_models_of_one_server_share_their_connections_and_the_last_one_closes_them(stub: RunningStub) -> None:
    async def session() -> tuple[int, int]:
        one, other = made("openai"), made("openai", "gpt-5")
        await asyncio.gather(one.open(), other.open())
        shared = wire._shared[asyncio.get_running_loop()]
        (_, holders), *rest = shared.values()
        await one.close()
        await one.close()
        assert (await other.ask(question(), 20)).text
        await other.close()
        return holders + len(rest), len(shared)

    assert run(session()) == (2, 0)


def test_many_calls_at_once_each_get_their_own_answer(stub: RunningStub) -> None:
    async def session() -> list[Reply]:
        backend = made("openai")
        await backend.open()
        try:
            return await asyncio.gather(*(backend.ask(question(f"row {n}"), 30) for n in range(200)))
        finally:
            await backend.close()

    assert [reply.text for reply in run(session())] == [f"row {n}" for n in range(200)]


def test_azures_dated_api_answers_too(stub: RunningStub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_VERSION", "2024-10-21")
    reply = run(asked(made("azure"), question()))
    assert reply.text == "Name one colour."
    assert reply.exchange is not None
    path = "/openai/deployments/gpt-5-mini/chat/completions?api-version=2024-10-21"
    assert reply.exchange.url == f"{stub.base_url}{path}"


def test_a_provider_that_knows_idempotency_keys_gets_the_requests_own(stub: RunningStub) -> None:
    row = replace(PROVIDERS["openai"], idempotency_header="Idempotency-Key")
    keyed = replace(question(), key="run-7-call-3")
    told = run(asked(Hosted(row, "gpt-5", {}), keyed)).exchange
    silent = run(asked(made("openai"), keyed)).exchange
    assert told is not None
    assert silent is not None
    assert dict(told.request_headers)["Idempotency-Key"] == "run-7-call-3"
    assert "Idempotency-Key" not in dict(silent.request_headers)


def test_a_large_request_goes_out_whole(stub: RunningStub) -> None:
    image = Image("image/png", bytes(range(256)) * 8192)
    reply = run(asked(made("openai"), Request(turns=(Turn("user", "Look.", (image,)),), params={}, seed=1)))
    assert reply.exchange is not None
    assert len(reply.exchange.request_body) > 2 << 20


# --- what a server tells of itself -------------------------------------------------------------------


def facts(provider: str, model: str = "") -> dict[str, Any]:
    async def session() -> dict[str, Any]:
        backend = made(provider, model)
        try:
            return await backend.open()
        finally:
            await backend.close()

    return run(session())


def test_the_facts_say_what_is_asked_where_and_whether_a_seed_is_sent(stub: RunningStub) -> None:
    assert facts("anthropic") == {
        "asked": "claude-haiku-4-5",
        "endpoint": f"{stub.base_url}/v1",
        "protocol": "anthropic-messages",
        "api_version": "2023-06-01",
        "seed_sent": False,
        "default_max_tokens": 4096,
    }
    assert facts("gemini")["seed_sent"] is True
    assert stub.counts()["arrived"] == 0


def test_local_servers_tell_their_weights_and_build(stub: RunningStub) -> None:
    ollama = facts("ollama")
    assert (ollama["weights_digest"], ollama["quantisation"], ollama["ollama"]) == ("9f" * 32, "Q4_1", "0.13.0")
    assert ollama["answered"] == "smollm2:latest"
    assert ollama["default_parameters"] == "stop <|im_end|>"
    llamacpp = facts("llamacpp")
    assert llamacpp["weights"] == "SmolLM2-135M-Instruct.Q4_1.gguf"
    assert (llamacpp["llama_cpp_build"], llamacpp["n_ctx"], llamacpp["slots"]) == ("b7000-stub", 8192, 1)
    assert facts("vllm")["answered"] == "Qwen/Qwen3-0.6B"
    assert facts("lmstudio")["answered"] == "local-model"


@pytest.mark.parametrize(
    ("provider", "model"), [("ollama", "smolm2"), ("vllm", "Qwen/Qwen3-0.6"), ("lmstudio", "locl-model")]
)
def test_a_model_that_a_local_server_lacks_is_found_out_at_once(provider: str, model: str, stub: RunningStub) -> None:
    error = failure(made(provider, model))
    assert (error.code, error.concerns_model) == ("unknown_model", True)
    assert "did you mean" in error.hint


@pytest.mark.parametrize("provider", ["ollama", "vllm", "llamacpp", "lmstudio"])
def test_a_local_server_that_is_not_there_says_how_to_start_it(
    provider: str, stub: RunningStub, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        address = f"http://127.0.0.1:{unused.getsockname()[1]}"
    variable = {"ollama": "OLLAMA_HOST"}.get(provider, f"{provider.upper()}_BASE_URL")
    monkeypatch.setenv(variable, address)
    error = failure(made(provider))
    assert (error.code, error.may_have_cost) == ("unreachable", False)
    assert variable in error.hint
    assert "start it with" in error.hint


def test_a_key_in_an_address_is_not_told(stub: RunningStub) -> None:
    async def session() -> Exchange:
        server = wire.Wire(stub.base_url)
        await server.open()
        try:
            return await server.send(
                "GET", "/health?key=sk-0123456789&a=1&API_KEY=two", (("Cookie", "three"),), b"", 10
            )
        finally:
            await server.close()

    exchange = run(session())
    assert exchange.url == f"{stub.base_url}/health?key=[key]&a=1&API_KEY=[key]"
    assert "three" not in repr(exchange)

"""The backend `llamacpp` against a real server: llama.cpp's own, over HTTP on 127.0.0.1, with the real SmolLM2."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from awo.inference.hosted import llamacpp
from awo.inference.seam import ModelFailed, Reply, Request, Turn
from awo.testing.backends import CHECKS, Case, Check

PARAMS = {"max_tokens": 8, "temperature": 0}
WEIGHTS = "SmolLM2-135M-Instruct.Q4_1.gguf"
CONTEXT_TOKENS = 256


@pytest.fixture(scope="module")
def running() -> Iterator[dict[str, str]]:
    with subprocess.Popen(
        [sys.executable, "-m", "tests.conformance.llama_server", str(CONTEXT_TOKENS)],
        cwd=Path(__file__).parents[2],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            yield json.loads(process.stdout.readline())
        finally:
            process.stdin.close()


@pytest.fixture(autouse=True)
def server(running: dict[str, str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> dict[str, str]:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    monkeypatch.setenv("LLAMACPP_BASE_URL", running["address"])
    monkeypatch.setenv("LLAMACPP_API_KEY", running["key"])
    return running


async def session(*requests: Request) -> tuple[dict[str, Any], list[Reply]]:
    backend = llamacpp("smollm2", PARAMS, 7, Path())
    facts = await backend.open()
    try:
        return facts, [await backend.ask(request, 60) for request in requests]
    finally:
        await backend.close()


def replies(*requests: Request) -> list[Reply]:
    return asyncio.run(session(*requests))[1]


def question(prompt: str, schema: dict[str, Any] | None = None, **params: Any) -> Request:
    return Request(turns=(Turn("user", prompt),), params=params, seed=7, schema=schema)


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
def test_it_keeps_the_contract_of_backends(check: Check, tmp_path: Path, server: dict[str, str]) -> None:
    check(Case(llamacpp, model="smollm2", params=PARAMS, root=tmp_path, secret=server["key"]))


def test_an_answer_is_counted_and_named_by_its_weights_file() -> None:
    (reply,) = replies(question("Name one colour.", max_tokens=4))
    assert (reply.stop_reason, reply.completion_tokens) == ("length", 4)
    assert reply.prompt_tokens > 4
    # This server has no alias and says the weights' path on its machine: the record has the name alone.
    assert reply.model_answered == WEIGHTS
    assert reply.exchange is not None
    assert json.loads(reply.exchange.response_body)["choices"][0]["message"]["content"] == reply.text


def test_the_server_tells_its_weights_build_and_set_up() -> None:
    facts, _ = asyncio.run(session())
    assert (facts["answered"], facts["weights"], facts["quantisation"]) == (WEIGHTS, WEIGHTS, "Q4_1")
    assert (facts["n_ctx"], facts["slots"], facts["prompt_cache"]) == (CONTEXT_TOKENS, 1, False)
    assert facts["llama_cpp_build"]
    assert len(facts["chat_template_sha256"]) == 64
    assert "/" not in facts["weights"]


def test_a_prompt_over_the_context_is_one_clear_error() -> None:
    with pytest.raises(ModelFailed) as caught:
        replies(question("word " * 600))
    assert (caught.value.code, caught.value.is_transient) == ("context_length", False)
    assert "256" in caught.value.got


def test_an_answer_follows_its_schema() -> None:
    schema = {
        "type": "object",
        "properties": {"colour": {"enum": ["red", "green", "blue"]}},
        "required": ["colour"],
        "additionalProperties": False,
    }
    (reply,) = replies(question("Name one colour in JSON.", schema, max_tokens=60))
    assert reply.stop_reason == "stop"
    assert json.loads(reply.text)["colour"] in ("red", "green", "blue")


def test_log_probabilities_are_those_of_the_answers_tokens() -> None:
    (reply,) = replies(question("Name one colour.", max_tokens=4, logprobs=True, top_logprobs=2))
    assert reply.logprobs is not None
    assert "".join(one.token for one in reply.logprobs) == reply.text
    assert all(one.logprob <= 0 and len(one.top) == 2 for one in reply.logprobs)


def test_at_a_temperature_the_seed_decides() -> None:
    turns = (Turn("user", "Tell me about the sea."),)
    params = {"temperature": 1.5, "top_k": 0, "top_p": 1.0, "max_tokens": 12}
    first, other, again = replies(*(Request(turns=turns, params=params, seed=seed) for seed in (1, 2, 1)))
    assert first.text == again.text
    assert first.text != other.text


def test_a_parameter_that_the_server_refuses_is_one_clear_error() -> None:
    with pytest.raises(ModelFailed) as caught:
        replies(question("Hi", temperature="warm"))
    assert (caught.value.code, caught.value.is_transient) == ("bad_request", False)
    assert "temperature" in caught.value.got


def test_a_wrong_key_is_one_clear_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LLAMACPP_API_KEY", "wrong-key-0123456789")
    with pytest.raises(ModelFailed) as caught:
        replies(question("Hi"))
    assert (caught.value.code, caught.value.concerns_model) == ("auth", True)

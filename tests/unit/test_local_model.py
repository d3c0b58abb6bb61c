"""The stand-ins, and what a local model makes of parameters: no model is loaded."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from awo.inference import stand_ins
from awo.inference.llama_settings import LARGEST_SEED, body_of, setup_from
from awo.inference.seam import Image, ModelFailed, Request, Turn


def request(seed: int = 5, **params: Any) -> Request:
    return Request(turns=(Turn("system", "Be brief."), Turn("user", "Hi")), params=params, seed=seed)


@pytest.mark.parametrize(("name", "text"), [("echo", "Straße 1"), ("upper", "STRASSE 1"), ("reverse", "1 eßartS")])
def test_a_stand_in_answers_the_last_turn_of_the_user(name: str, text: str) -> None:
    turns = (Turn("user", "first"), Turn("assistant", "no"), Turn("user", "Straße 1"), Turn("assistant", "so"))
    backend = getattr(stand_ins, name)(name, {}, 0, Path())
    reply = asyncio.run(backend.ask(Request(turns=turns, params={}, seed=0), 10))
    assert (reply.text, reply.model_answered, reply.stop_reason) == (text, name, "stop")


def test_a_request_has_temperature_zero_its_seed_and_no_memory_unless_told() -> None:
    body = body_of(request(), {})
    assert (body["temperature"], body["seed"], body["cache_prompt"]) == (0.0, 5, False)


def test_the_requests_parameters_go_over_the_models_own() -> None:
    body = body_of(request(top_p=0.5, seed=9), {"top_p": 0.9, "max_tokens": 3, "n_ctx": 512})
    assert (body["top_p"], body["max_tokens"], body["seed"]) == (0.5, 3, 9)
    assert "n_ctx" not in body


def test_a_seed_among_the_models_own_parameters_does_not_hide_the_requests_seed() -> None:
    assert body_of(request(seed=9), {"seed": 5})["seed"] == 9


def test_a_schema_becomes_llama_cpps_response_format() -> None:
    schema = {"type": "object"}
    asked = Request(turns=(Turn("user", "Hi"),), params={}, seed=1, schema=schema)
    assert body_of(asked, {})["response_format"]["json_schema"]["schema"] == schema
    with pytest.raises(ModelFailed, match="say the same") as caught:
        body_of(asked, {"grammar": "root ::= [a-z]"})
    assert caught.value.code == "bad_request"


def test_an_image_is_refused_rather_than_left_out() -> None:
    shown = Turn("user", "What is this?", (Image("image/png", b"png"),))
    with pytest.raises(ModelFailed, match="images"):
        body_of(Request(turns=(shown,), params={}, seed=1), {})


@pytest.mark.parametrize("name", ["stream", "cache_prompt", "n", "id_slot", "temprature"])
def test_a_parameter_that_could_change_more_than_the_text_is_refused(name: str) -> None:
    with pytest.raises(ModelFailed) as caught:
        body_of(request(**{name: 1}), {})
    assert name in caught.value.what


def test_the_nearest_parameter_is_named() -> None:
    with pytest.raises(ModelFailed) as caught:
        setup_from({"thread": 2})
    assert caught.value.hint == "did you mean 'threads'?"


@pytest.mark.parametrize("seed", [-1, LARGEST_SEED + 1, True, "7", 1.0])
def test_a_seed_that_would_be_random_or_is_no_number_is_refused(seed: Any) -> None:
    with pytest.raises(ModelFailed, match="seed"):
        body_of(request(seed=seed), {})


@pytest.mark.parametrize(
    "params", [{"threads": 0}, {"n_ctx": "2048"}, {"threads": True}, {"gpu_layers": -1}, {"n_ctx": 2**40}]
)
def test_a_set_up_that_does_not_fit_is_refused(params: dict[str, Any]) -> None:
    with pytest.raises(ModelFailed, match="cannot be used"):
        setup_from(params)


def test_the_set_up_leaves_sampling_alone_and_fills_in_the_rest() -> None:
    setup = setup_from({"temperature": 0.5, "threads": 3})
    assert (setup.threads, setup.context_tokens, setup.gpu_layers) == (3, 2048, 0)

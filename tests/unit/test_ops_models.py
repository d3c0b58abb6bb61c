"""llm_map and fanout_generate: what is asked of whom, and what comes out."""

from __future__ import annotations

import asyncio
from typing import Any

import msgspec
import pytest

from awo.errors import StepFailed
from awo.evidence.records import Message
from awo.ops import fanout_generate, llm_map
from awo.ops.seam import Operation
from awo.testing.fake_desk import FakeDesk


def perform(operation: Operation[Any], desk: FakeDesk, **args: Any) -> Any:
    async def work() -> Any:
        return await operation.perform(msgspec.convert(args, operation.args), desk)

    return asyncio.run(work())


def test_llm_map_asks_the_default_model_unless_told_otherwise() -> None:
    desk = FakeDesk(default_model="upper")
    assert perform(llm_map.OPERATION, desk, prompt="Hi")["text"] == "HI"
    assert perform(llm_map.OPERATION, desk, prompt="Hi", model="reverse")["model"] == "reverse"


def test_llm_map_gives_the_answer_and_who_gave_it() -> None:
    value = perform(llm_map.OPERATION, FakeDesk(), prompt="Hi")
    assert value == {"text": "Hi", "model": "echo", "call": "0", "stop_reason": "stop"}


def test_prompt_and_system_are_filled_in() -> None:
    desk = FakeDesk(inputs={"who": "a cat"}, values={"draft": {"text": "Miaow"}})
    perform(llm_map.OPERATION, desk, prompt="Judge: {{ steps.draft.text }}", system="You are {{ inputs.who }}.")
    ((ask,),) = desk.asked
    assert ask.messages == (
        Message(role="system", content="You are a cat."),
        Message(role="user", content="Judge: Miaow"),
    )


def test_a_system_text_that_comes_out_empty_is_no_turn() -> None:
    desk = FakeDesk(inputs={"who": ""})
    perform(llm_map.OPERATION, desk, prompt="Hi", system="{{ inputs.who }}")
    assert [message.role for message in desk.asked[0][0].messages] == ["user"]


def test_params_and_their_seed_go_with_the_request() -> None:
    desk = FakeDesk()
    perform(llm_map.OPERATION, desk, prompt="Hi", params={"seed": 7, "max_tokens": 3})
    assert desk.asked[0][0].params == {"seed": 7, "max_tokens": 3}


def test_a_fan_out_asks_all_models_in_one_call_of_the_desk() -> None:
    desk = FakeDesk()
    perform(fanout_generate.OPERATION, desk, prompt="Hi", params={"seed": 1})
    (asks,) = desk.asked
    assert [ask.model for ask in asks] == ["echo", "upper", "reverse"]
    assert all(ask.params == {"seed": 1} for ask in asks)


def test_a_fan_out_gives_the_answers_in_the_order_of_its_models() -> None:
    value = perform(fanout_generate.OPERATION, FakeDesk(), prompt="Hi", models=["reverse", "echo"])
    assert [(one["model"], one["text"]) for one in value["responses"]] == [("reverse", "iH"), ("echo", "Hi")]
    assert value["count"] == 2


def test_a_model_without_an_answer_fails_the_step() -> None:
    with pytest.raises(StepFailed) as caught:
        perform(fanout_generate.OPERATION, FakeDesk(), prompt="Hi", models=["echo", "ghost"])
    assert caught.value.code == "model"

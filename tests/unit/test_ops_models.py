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
from awo.workflow.cells import Cell


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


# --- conversations, images, schemas -----------------------------------------------------------------------

SCHEMA = {"type": "object", "required": ["label"], "properties": {"label": {"type": "string"}}}


def refusal(**args: Any) -> str:
    with pytest.raises(msgspec.ValidationError) as caught:
        msgspec.convert(args, llm_map.OPERATION.args)
    return str(caught.value)


def test_a_conversation_may_stand_in_place_of_a_prompt() -> None:
    desk = FakeDesk(inputs={"who": "a cat"})
    turns = [
        {"role": "system", "content": "You are {{ inputs.who }}."},
        {"role": "user", "content": "Hi"},
        {"role": "assistant", "content": "Miaow"},
        {"role": "user", "content": "Again"},
    ]
    assert perform(llm_map.OPERATION, desk, messages=turns)["text"] == "Again"
    assert [(m.role, m.content) for m in desk.asked[0][0].messages] == [
        ("system", "You are a cat."),
        ("user", "Hi"),
        ("assistant", "Miaow"),
        ("user", "Again"),
    ]


@pytest.mark.parametrize(
    ("args", "why"),
    [
        ({}, "give exactly one of `prompt` and `messages`"),
        (
            {"prompt": "x", "messages": [{"role": "user", "content": "x"}]},
            "give exactly one of `prompt` and `messages`",
        ),
        (
            {"system": "x", "messages": [{"role": "user", "content": "x"}]},
            "give `system` as the first of `messages`",
        ),
        (
            {"messages": [{"role": "system", "content": "x"}]},
            "give `messages` a turn whose role is user",
        ),
        (
            {"prompt": "x", "schema": {"type": "txt"}},
            "`schema` is no JSON Schema: ['type'] is not as JSON Schema has it",
        ),
        ({"prompt": "x", "schema": {"$ref": "http://example.org/x"}}, "`schema` is no JSON Schema: it refers to what"),
    ],
)
def test_arguments_that_do_not_go_together_are_refused(args: dict[str, Any], why: str) -> None:
    assert refusal(**args).startswith(why)


def test_images_go_with_the_last_turn_of_the_user_by_their_digest() -> None:
    files = {"a.png": "A", "img/b.png": "B"}
    desk = FakeDesk(files=files, cell=Cell(0, "", {"image": "img/b.png", "none": ""}, {}, 0))
    images = ["a.png", "{{ item.image }}", "{{ item.none }}"]
    perform(llm_map.OPERATION, desk, prompt="What is this?", system="Be brief.", images=images)
    system, asked = desk.asked[0][0].messages
    assert system.images == ()
    assert asked.images == (desk.file_ref("a.png"), desk.file_ref("img/b.png"))


def test_an_image_that_no_file_declares_fails_the_step() -> None:
    with pytest.raises(StepFailed):
        perform(llm_map.OPERATION, FakeDesk(), prompt="x", images=["a.png"])


def test_an_answer_with_a_schema_is_parsed() -> None:
    desk = FakeDesk()
    value = perform(llm_map.OPERATION, desk, prompt='{"label": "good"}', schema=SCHEMA, schema_tries=3)
    assert value == {
        "text": '{"label": "good"}',
        "model": "echo",
        "call": "0",
        "stop_reason": "stop",
        "parsed": {"label": "good"},
    }
    ask = desk.asked[0][0]
    assert (msgspec.json.decode(ask.schema), ask.schema_tries) == (SCHEMA, 3)


def test_a_schema_in_a_file_is_the_same_as_one_in_the_workflow() -> None:
    desk = FakeDesk(files={"s.json": msgspec.json.format(msgspec.json.encode(SCHEMA), indent=2).decode()})
    perform(fanout_generate.OPERATION, desk, prompt='{"label": "x"}', schema="s.json", models=["echo"])
    perform(fanout_generate.OPERATION, desk, prompt='{"label": "x"}', schema=SCHEMA, models=["echo"])
    assert desk.asked[0][0].schema == desk.asked[1][0].schema


def test_each_answer_of_a_fan_out_is_parsed() -> None:
    value = perform(fanout_generate.OPERATION, FakeDesk(), prompt="7", schema={"type": "integer"}, models=["echo"])
    assert value["responses"][0]["parsed"] == 7


# --- a cell of a fan-out ----------------------------------------------------------------------------------


def test_prompt_params_and_model_may_come_from_the_cell() -> None:
    desk = FakeDesk(cell=Cell(5, "x", {"text": "Hi"}, {"heat": 0.5, "who": "upper"}, 2))
    perform(
        llm_map.OPERATION,
        desk,
        prompt="{{ item.text }} {{ repeat }}",
        params={"temperature": "{{ matrix.heat }}", "stop": ["{{ item.text }}"]},
        model="{{ matrix.who }}",
    )
    ((ask,),) = desk.asked
    assert ask.model == "upper"
    assert ask.messages[0].content == "Hi 2"
    assert ask.params == {"temperature": 0.5, "stop": ["Hi"]}


def test_a_model_from_the_cell_must_be_text() -> None:
    desk = FakeDesk(cell=Cell(0, "", {}, {"who": 3}, 0))
    with pytest.raises(StepFailed) as caught:
        perform(llm_map.OPERATION, desk, prompt="x", model="{{ matrix.who }}")
    assert caught.value.code == "template"

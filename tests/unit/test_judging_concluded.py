"""What steps that ask models make of their answers follows again from the recorded responses, and from nothing else."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from awo import plugins
from awo.derive.concluding import NotConcluded, calls_of, concluded, templates_of
from awo.errors import StepFailed
from awo.evidence.records import ResponseLine
from awo.ops.seam import Ask
from awo.testing.fake_desk import FakeDesk
from awo.workflow.cells import Cell

CELL = Cell(0, "a", {"value": {"text": "Paris"}}, {"who": "j"}, 0)
LINES = (
    "OBJECTION: No.",
    "NO OBJECTION",
    "REPLY: Yes.",
    "CONCEDE",
    "ANSWERED",
    "STANDS",
    "GRADE: correct",
    "PREFER: A",
    "hm",
)


class RecordingDesk(FakeDesk):
    """A desk that keeps the lines it gave out, as they read back from responses.jsonl."""

    def __init__(self, script: Sequence[str] = ("OBJECTION: No.",)) -> None:
        self.lines: list[ResponseLine] = []
        self._script = script
        names = ("j", "k", "p")
        super().__init__(cell=CELL, inputs={"name": "Ada"}, answers=dict.fromkeys(names, self._next))

    def _next(self, _: str) -> str:
        return self._script[(sum(map(len, self.asked)) + self._given) % len(self._script)]

    _given = 0

    async def ask(self, asks: Sequence[Ask]) -> list[ResponseLine]:
        self._given += 1
        lines = [
            msgspec.json.decode(
                msgspec.json.encode(
                    msgspec.structs.replace(line, schema_sha256="f" * 64 if ask.schema else "", origin=None)
                ),
                type=ResponseLine,
            )
            for line, ask in zip(await super().ask(asks), asks, strict=True)
        ]
        self.lines += lines
        return lines


def done(op: str, given: Mapping[str, Any], *script: str) -> tuple[dict[str, Any], list[ResponseLine], Any]:
    """Performs an operation: its arguments as input.json has them, its lines in their order, and its value or code."""
    operation = plugins.load(plugins.OPERATIONS, op, "operation")
    args = msgspec.convert(dict(given), operation.args)
    desk = RecordingDesk(script or LINES)

    async def work() -> Any:
        try:
            return await operation.perform(args, desk)
        except StepFailed as error:
            return error.code

    value = asyncio.run(work())
    return msgspec.json.decode(msgspec.json.encode(args)), desk.lines, value


ASKING: dict[str, dict[str, Any]] = {
    "llm_map": {"prompt": "Hi", "model": "echo"},
    "fanout_generate": {"prompt": "7", "models": ["echo", "reverse"], "schema": {"type": "integer"}},
    "grade": {"rubric": "x", "judges": ["j", "{{ matrix.who }}", "k"]},
    "prefer": {"first": "x", "second": "y", "criterion": "z", "judges": ["j", "k"], "first_is": "{{ inputs.name }}"},
    "refute": {"statement": "{{ inputs.name }}", "proposer": "p", "refuters": ["j", "k"], "on_standing": "report"},
}


@pytest.mark.parametrize("op", ASKING)
def test_the_value_follows_from_the_arguments_and_the_responses(op: str) -> None:
    args, lines, value = done(op, ASKING[op])
    assert concluded(op, args, lines, {"first_is": "Ada"}) == value


@pytest.mark.parametrize("op", ASKING)
def test_the_value_of_a_step_done_once_says_its_calls_in_order(op: str) -> None:
    _, lines, value = done(op, ASKING[op])
    assert calls_of(op, value) == [line.call for line in lines]
    with pytest.raises(NotConcluded):
        calls_of(op, {"other": 1})


@settings(max_examples=60, deadline=None)
@given(st.lists(st.sampled_from(LINES), min_size=1, max_size=12), st.integers(1, 3))
def test_whatever_models_say_the_exchange_follows_again_from_its_responses(script: list[str], rounds: int) -> None:
    args, lines, value = done("refute", ASKING["refute"] | {"rounds": rounds}, *script)
    assert concluded("refute", args, lines) == value


@pytest.mark.parametrize("op", ["llm_map", "fanout_generate", "grade", "prefer", "refute"])
def test_lines_that_the_step_did_not_ask_for_are_refused(op: str) -> None:
    args, lines, _ = done(op, ASKING[op])
    texts = {"first_is": "Ada"}
    other = msgspec.structs.replace(lines[0], model="stranger")
    for wrong in (lines[:-1], [*lines, lines[-1]], [other, *lines[1:]]):
        with pytest.raises(StepFailed) as caught:
            concluded(op, args, wrong, texts)
        assert caught.value.code == "calls"


def test_another_answer_gives_another_value() -> None:
    args, lines, value = done("grade", ASKING["grade"], "GRADE: correct")
    altered = [msgspec.structs.replace(lines[0], text="GRADE: incorrect"), *lines[1:]]
    assert concluded("grade", args, altered)["score"] != value["score"]


def test_a_step_that_failed_for_an_objection_fails_again() -> None:
    args, lines, code = done("refute", ASKING["refute"] | {"on_standing": "fail"}, "OBJECTION: No.")
    assert code == "objection_stands"
    with pytest.raises(StepFailed) as caught:
        concluded("refute", args, lines)
    assert caught.value.code == code


def test_an_answer_that_breaks_its_schema_fails_a_map_and_not_a_judge() -> None:
    args, lines, _ = done("llm_map", {"prompt": "7", "model": "echo", "schema": {"type": "integer"}})
    broken = [msgspec.structs.replace(lines[0], schema_fault="it is not JSON")]
    with pytest.raises(StepFailed) as caught:
        concluded("llm_map", args, broken)
    assert caught.value.code == "schema"
    with pytest.raises(StepFailed) as caught:
        concluded("llm_map", args, [msgspec.structs.replace(lines[0], schema_sha256="")])
    with pytest.raises(StepFailed, match="does not follow its schema"):
        concluded("llm_map", args, [msgspec.structs.replace(lines[0], text="[" * 100_000)])
    assert caught.value.code == "calls"
    args, lines, _ = done(
        "grade", {"rubric": "x", "judges": ["j"], "schema": True}, '{"reason": "", "grade": "partly"}'
    )
    assert concluded("grade", args, lines)["score"] == 0.5
    broken = [msgspec.structs.replace(lines[0], schema_fault="it is too long")]
    assert concluded("grade", args, broken)["missing"] == 1


def test_texts_that_no_response_holds_are_asked_for() -> None:
    args, lines, _ = done("prefer", ASKING["prefer"])
    assert templates_of("prefer", args) == {"first_is": "{{ inputs.name }}", "second_is": "second"}
    with pytest.raises(NotConcluded, match="the text of `first_is` is needed"):
        concluded("prefer", args, lines)
    given = ASKING["refute"] | {"answers": {"o1-1": "{{ inputs.name }} says so."}}
    args, lines, value = done("refute", given, "OBJECTION: No.", "STANDS")
    assert concluded("refute", args, lines, {"answers.o1-1": "Ada says so."}) == value
    with pytest.raises(NotConcluded):
        concluded("refute", args, lines)


def test_an_operation_that_asks_nobody_is_not_concluded() -> None:
    with pytest.raises(NotConcluded, match="write_text"):
        concluded("write_text", {}, [])
    with pytest.raises(NotConcluded, match="write_text"):
        calls_of("write_text", {})
    with pytest.raises(NotConcluded, match="not valid"):
        concluded("grade", {"rubric": 3}, [])
    assert templates_of("grade", {"rubric": "x"}) == {}

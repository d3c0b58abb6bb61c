"""Steps of AWO 1.x are read as they were written."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from awo.errors import WorkflowInvalid
from awo.workflow.definition import Step
from awo.workflow.load import parse
from awo.workflow.one_x import id_from_name, split
from awo.workflow.words import Args, StepKind, StepRef, Template


class PromptArgs(Args, frozen=True, kw_only=True):
    """A prompt."""

    prompt: Template
    params: dict[str, Any] = msgspec.field(default_factory=dict)


class VoteArgs(Args, frozen=True, kw_only=True):
    """A vote."""

    inputs_from: StepRef


OPERATIONS = {"llm_map": StepKind(PromptArgs), "consensus_vote": StepKind(VoteArgs)}


def _steps(*steps: dict[str, Any]) -> list[Step]:
    data = json.dumps({"name": "old", "version": 1.0, "steps": steps}).encode()
    return parse(data, "old.json", OPERATIONS).steps


def test_arguments_beside_a_step_and_in_args_mean_the_same() -> None:
    beside, inside, mixed = _steps(
        {"id": "a", "op": "llm_map", "prompt": "p", "params": {"seed": 1}},
        {"id": "b", "op": "llm_map", "args": {"prompt": "p", "params": {"seed": 1}}},
        {"id": "c", "op": "llm_map", "params": {"seed": 1}, "args": {"prompt": "p"}},
    )
    assert beside.args == inside.args == mixed.args == PromptArgs(prompt="p", params={"seed": 1})


def test_an_argument_in_both_places_is_refused_with_its_place() -> None:
    text = '{"name": "x", "steps": [\n{"id": "a", "op": "llm_map", "prompt": "p",\n "args": {"prompt": "p"}}]}'
    with pytest.raises(WorkflowInvalid) as caught:
        parse(text.encode(), "x.json", OPERATIONS)
    (problem,) = caught.value.problems
    assert (problem.line, problem.column) == (3, 11)
    assert problem.what == "the argument 'prompt' stands beside the step and in its args"


def test_a_step_without_id_is_numbered_by_its_place_from_one() -> None:
    steps = _steps(
        {"op": "llm_map", "prompt": "p"}, {"id": "x", "op": "llm_map", "prompt": "p"}, {"op": "llm_map", "prompt": "p"}
    )
    assert [step.id for step in steps] == ["step_001", "x", "step_003"]


def test_the_number_of_a_step_grows_beyond_three_digits() -> None:
    assert split({"op": "llm_map"}, 1234).envelope["id"] == "step_1234"


def test_a_step_of_only_name_and_prompt_is_an_llm_map_of_that_id() -> None:
    first, second = _steps({"name": "Summarise", "prompt": "p"}, {"op": "consensus_vote", "inputs_from": "Summarise"})
    assert (first.id, first.op, first.args) == ("Summarise", "llm_map", PromptArgs(prompt="p"))
    assert second.needs == ("Summarise",)


def test_a_named_prompt_may_have_its_arguments_in_args_and_an_id() -> None:
    (step,) = _steps({"id": "own", "name": "x", "args": {"prompt": "p"}})
    assert (step.id, step.op) == ("own", "llm_map")


@pytest.mark.parametrize(
    ("name", "id_"),
    [
        ("plain", "plain"),
        ("Ask the model", "Ask-the-model"),
        ("  (1) what? ", "1-what"),
        ("_x_", "x"),
        ("é", "step_007"),
        ("", "step_007"),
        ("a" * 80, "a" * 64),
    ],
)
def test_a_name_that_is_no_id_is_turned_into_one(name: str, id_: str) -> None:
    assert id_from_name(name, 7) == id_


@given(st.text(max_size=100), st.integers(1, 10_000))
def test_every_name_gives_an_id_that_is_allowed(name: str, number: int) -> None:
    (step,) = parse(
        json.dumps(
            {"name": "x", "steps": [{"id": id_from_name(name, number), "op": "llm_map", "prompt": ""}]}
        ).encode(),
        "x.json",
        OPERATIONS,
    ).steps
    assert step.id


def test_a_step_with_neither_operation_nor_prompt_is_refused() -> None:
    with pytest.raises(WorkflowInvalid, match="the key 'op' is missing") as caught:
        _steps({"name": "x"})
    assert len(caught.value.problems) == 1


def test_an_argument_named_like_a_key_of_the_step_is_reached_through_args() -> None:
    parts = split({"id": "a", "op": "x", "timeout": 3, "args": {"timeout": 4}}, 1)
    assert parts.envelope == {"id": "a", "op": "x", "timeout": 3}
    assert parts.args == {"timeout": 4}
    assert parts.twice == ()

"""Two plans are compared place by place: whoever runs again under another plan has it on record."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from msgspec.structs import replace
from tests.unit.a_run import plan, step
from tests.unit.shapes import strategy_for

from awo.derive.plan_changes import MOST_CHANGES, plan_changes
from awo.evidence.records import InputRecord, ModelRecord


def model(**params: Any) -> ModelRecord:
    return ModelRecord(backend="echo", model="echo", params=params, seed=0, on_unknown="")


def asking(**args: Any) -> InputRecord:
    return plan([step("ask", "llm_map", **{"prompt": "Why?", **args})])


def told(now: InputRecord, then: InputRecord) -> list[tuple[str, str, str, str]]:
    return [(one.kind, one.name, one.how, one.what) for one in plan_changes(now, then)]


def test_a_changed_argument_is_named_by_its_place_with_both_values() -> None:
    now, then = asking(params={"temperature": 0.8}), asking(params={"temperature": 0})
    assert told(now, then) == [("step", "ask", "changed", "args.params.temperature: 0 before, 0.8 now")]


def test_a_long_value_is_not_repeated() -> None:
    assert told(asking(prompt="x" * 100), asking()) == [("step", "ask", "changed", "args.prompt: differs")]


def test_a_mapping_that_is_new_or_gone_inside_an_argument_is_called_that() -> None:
    now, then = asking(scores={"took": {"kind": "latency_ms"}}), asking(scores={"right": {"kind": "equals"}})
    assert told(now, then) == [("step", "ask", "changed", "args.scores.right: removed; args.scores.took: added")]


def test_what_is_added_and_removed_is_told_as_a_whole() -> None:
    now = replace(asking(), steps=[step("other", "llm_map")], models={"small": model(temperature=1)}, seed=3)
    then = replace(asking(), inputs={"topic": "seas"})
    assert told(now, then) == [
        ("step", "ask", "removed", ""),
        ("step", "other", "added", ""),
        ("model", "small", "added", ""),
        ("input", "topic", "removed", ""),
        ("setting", "seed", "changed", f"{then.seed} before, 3 now"),
    ]


def test_no_more_than_the_first_two_hundred_are_told() -> None:
    many = replace(asking(), inputs={f"n{number}": number for number in range(300)})
    assert len(plan_changes(many, asking())) == MOST_CHANGES


@given(strategy_for(InputRecord), strategy_for(InputRecord))
def test_a_plan_differs_from_itself_in_nothing_and_from_another_in_both_directions(
    one: InputRecord, other: InputRecord
) -> None:
    assert plan_changes(one, one) == []
    there, back = plan_changes(one, other), plan_changes(other, one)
    if max(len(there), len(back)) < MOST_CHANGES:
        assert {(change.kind, change.name) for change in there} == {(change.kind, change.name) for change in back}

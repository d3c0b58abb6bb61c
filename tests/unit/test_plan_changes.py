"""Two plans are compared place by place: whoever runs again under another plan has it on record."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from msgspec.structs import replace
from tests.unit.a_run import plan, step
from tests.unit.shapes import strategy_for

from awo.derive.plan_changes import MOST_CHANGES, plan_changes
from awo.evidence.records import CellsRecord, InputRecord, ModelRecord


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


def test_numbers_of_another_kind_and_truth_values_are_no_equals() -> None:
    for now, then, what in ((True, 1, "1 before, true now"), (1.0, 1, "1 before, 1.0 now"), ([0], [False], "differs")):
        assert told(replace(asking(), inputs={"n": now}), replace(asking(), inputs={"n": then})) == [
            ("input", "n", "changed", what)
        ]


def test_the_order_of_names_counts_where_it_reaches_an_answer_and_else_not() -> None:
    def over(*names: str) -> InputRecord:
        cells = CellsRecord(over=None, matrix={name: [1] for name in names}, repeats=1, max_failed=0)
        return replace(asking(), steps=[replace(asking().steps[0], cells=cells)])

    there, back = {"a": 1, "b": 2}, {"b": 2, "a": 1}
    assert told(over("a", "b"), over("b", "a")) == [("step", "ask", "changed", "in another order")]
    assert told(asking(schema=there), asking(schema=back)) == [("step", "ask", "changed", "in another order")]
    inputs = told(replace(asking(), inputs={"n": there}), replace(asking(), inputs={"n": back}))
    assert inputs == [("input", "n", "changed", "in another order")]
    assert told(asking(params=there), asking(params=back)) == []
    names = told(replace(asking(), inputs=there), replace(asking(), inputs=back))
    assert names == [("setting", "order of inputs", "changed", "differs")]


def test_what_a_step_needs_of_gates_is_no_change_of_it() -> None:
    gate, look = step("look", "audit_gate"), step("ask", "llm_map", needs=["look"])
    assert told(plan([gate, look]), plan([step("ask", "llm_map")])) == [("step", "look", "added", "")]
    assert told(plan([look]), plan([step("ask", "llm_map")])) == [("step", "ask", "changed", "needs: differs")]


@given(strategy_for(InputRecord), strategy_for(InputRecord))
def test_a_plan_differs_from_itself_in_nothing_and_from_another_in_both_directions(
    one: InputRecord, other: InputRecord
) -> None:
    assert plan_changes(one, one) == []
    there, back = plan_changes(one, other), plan_changes(other, one)
    if max(len(there), len(back)) < MOST_CHANGES:
        assert {(change.kind, change.name) for change in there} == {(change.kind, change.name) for change in back}

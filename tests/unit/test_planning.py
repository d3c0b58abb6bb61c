"""The plan of a run counts every request before it is sent, with what it can cost at worst where that is known."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from awo.canon.digest import sha256_hex
from awo.engine.planning import Done, Plan, Sum, plan_of
from awo.evidence.events import FileRef
from awo.evidence.records import (
    CellsRecord,
    DataRecord,
    InputFile,
    InputRecord,
    Message,
    ModelRecord,
    OverRecord,
    PriceRecord,
    RetryRecord,
    StepRecord,
    json_object,
)
from awo.lifecycle.worst_price import prompt_bytes_of, worst_price

CSV = "text,label\ngood,1\nnot bad,0\nfine,1\n"
DEAR = PriceRecord(input_usd_per_mtok="2", output_usd_per_mtok="8", source="workflow")
FREE = PriceRecord(input_usd_per_mtok="0", output_usd_per_mtok="0", source="free")
NOWHERE = Path("/nowhere")
ROWS = CellsRecord(over=OverRecord(kind="data", name="rows"), matrix={}, repeats=1, max_failed=0)


def _model(price: PriceRecord | None, **params: Any) -> ModelRecord:
    return ModelRecord(backend="openai", model="m", params=params, seed=0, on_unknown="", price=price)


def _step(id_: str, cells: CellsRecord | None = None, op: str = "llm_map", **args: Any) -> StepRecord:
    return StepRecord(
        id=id_,
        op=op,
        args=json_object(args),
        needs=(),
        when="",
        retries=RetryRecord(max=0, delay_s=0),
        timeout_s=0,
        cells=cells,
    )


def _plan(*steps: StepRecord, done: dict[str, Done] | None = None, **more: Any) -> Plan:
    data = CSV.encode()
    file = InputFile(path="r.csv", sha256=sha256_hex(data), size_bytes=len(data), encoding="utf-8", content=CSV)
    record = InputRecord(
        format="awo/input/v1",
        name="t",
        description="",
        source=FileRef(path="w.yaml", sha256="0" * 64, size_bytes=0),
        seed=0,
        inputs={"topic": "tides"},
        files=[file],
        models={
            "dear": _model(DEAR, max_tokens=10),
            "open": _model(DEAR),
            "free": _model(FREE),
            "unpriced": _model(None, max_tokens=10),
        },
        default_model="dear",
        steps=list(steps),
        data={"rows": DataRecord(path="r.csv", format="csv", id_column="", rows=3, columns=["text", "label"])},
        **more,
    )
    return plan_of(record, NOWHERE, done or {})


def _worst(prompt: str, times: int = 1, max_tokens: int = 10) -> int:
    size = prompt_bytes_of([Message(role="user", content=prompt)])
    worst = worst_price(DEAR, prompt_bytes=size, turns=1, images=0, max_tokens=max_tokens)
    assert worst is not None
    return worst * times


def test_a_step_is_planned_with_its_data_set_matrix_and_repeats() -> None:
    cells = CellsRecord(over=OverRecord(kind="data", name="rows"), matrix={"n": [1, 20]}, repeats=5, max_failed=0)
    plan = _plan(
        _step("a", cells, prompt="Is {{ item.text }} good?", params={"max_tokens": "{{ matrix.n }}"}), budget_usd="1.5"
    )
    (step,) = plan.steps
    assert (step.over, step.rows, step.matrix, step.repeats, step.cells) == ("rows", 3, {"n": [1, 20]}, 5, 30)
    worst = sum(_worst(f"Is {text} good?", 5, n) for text in ("good", "not bad", "fine") for n in (1, 20))
    assert step.models == {"dear": Sum(30, worst, 0)}
    assert plan.all == plan.left == Sum(30, worst, 0)
    assert plan.budget == 1_500_000_000_000


@pytest.mark.parametrize("model", ["open", "unpriced"])
def test_a_cost_that_nobody_can_say_is_counted_apart(model: str) -> None:
    assert _plan(_step("a", ROWS, prompt="x", model=model)).all == Sum(3, 0, 3)


def test_a_prompt_that_waits_for_another_step_is_not_known_before_it_runs() -> None:
    over_a = CellsRecord(over=OverRecord(kind="step", name="a"), matrix={}, repeats=2, max_failed=0)
    plan = _plan(
        _step("b", over_a, prompt="{{ item.value.text }}"),
        _step("c", over_a, prompt="{{ repeat }} of {{ inputs.topic }}"),
        _step("d", prompt="{{ steps.a.path }}", model="free"),
        _step("a", ROWS, prompt="x"),
        _step("e", prompt="{{ steps.a.path }}", params={"temperature": "{{ steps.b.x }}"}),
    )
    sums = {step.id: step.all for step in plan.steps}
    assert sums["b"] == Sum(6, 0, 6)
    assert sums["c"] == Sum(6, _worst("0 of tides", 6), 0)
    assert sums["d"] == Sum(1, 0, 0)
    assert sums["e"] == Sum(1, 0, 1)


def test_cells_that_cannot_differ_are_counted_as_if_each_were_looked_at() -> None:
    cells = CellsRecord(over=OverRecord(kind="data", name="rows"), matrix={"t": [0, 1]}, repeats=4, max_failed=0)
    fixed = _plan(_step("a", cells, op="fanout_generate", prompt="abc", models=["dear", "free"])).steps[0]
    varied = _plan(_step("a", cells, op="fanout_generate", prompt="ab{{ matrix.t }}", models=["dear", "free"])).steps[0]
    assert fixed.models == varied.models == {"dear": Sum(24, _worst("abc", 24), 0), "free": Sum(24, 0, 0)}


def test_answers_that_a_schema_asks_for_again_are_in_the_worst_cost() -> None:
    schema = {"type": "object"}
    once = _plan(_step("a", prompt="x", schema=schema)).all
    thrice = _plan(_step("a", prompt="x", schema=schema, schema_tries=3)).all
    assert (thrice.calls, thrice.worst) == (1, 3 * once.worst)
    assert once.worst == _worst("x" + '{"type":"object"}')


def test_a_step_that_asks_nobody_has_no_requests() -> None:
    plan = _plan(_step("w", op="write_text", path="a.txt", text="{{ steps.a.text }}"), _step("a", prompt="x"))
    assert (plan.steps[0].all, plan.steps[0].models, plan.steps[0].cells) == (Sum(), {}, 1)
    assert plan.all.calls == 1


def test_a_cell_that_will_fail_asks_nobody() -> None:
    plan = _plan(_step("a", ROWS, prompt="x", images=["{{ item.text }}"]))
    assert plan.all == Sum()


def test_of_a_run_only_what_has_no_answer_is_left() -> None:
    steps = (_step("a", ROWS, prompt="{{ item.text }}"), _step("b", prompt="x"), _step("c", prompt="y"))
    done = {
        "a": Done(is_over=False, answered=2, has_answer=lambda cell: cell != 1),
        "b": Done(is_over=True, answered=1, has_answer=lambda cell: True),
    }
    plan = _plan(*steps, done=done)
    assert [step.left for step in plan.steps] == [Sum(1, _worst("not bad"), 0), Sum(), Sum(1, _worst("y"), 0)]
    assert (plan.all.calls, plan.left.calls, plan.answered) == (5, 2, 3)


def test_the_rest_of_a_cell_that_has_some_answers_counts_as_the_dearest() -> None:
    step = _step("a", ROWS, op="fanout_generate", prompt="{{ item.text }}", models=["dear", "free"])
    plan = _plan(step, done={"a": Done(is_over=False, answered=3, has_answer=lambda cell: cell < 2)})
    assert plan.left == Sum(3, _worst("fine") + _worst("not bad"), 0)

"""`awo plan`: what will be asked and what it can cost at most, before the first call and while a run stands still."""

from __future__ import annotations

import json
from typing import Any

from tests.e2e.installed import Project, of_kind, unchanged

from awo.canon.usd import picodollars


def workflow(project: Project, **step: Any) -> str:
    """A step over three rows of a model that costs a dollar for a million tokens; gives the file's name."""
    project.write("rows.csv", "id,text\na,one\nb,two\nc,three\n")
    price = {"input": 1, "output": 1}
    text = {
        "name": "x",
        "inputs": {"rows": {"data": "rows.csv", "id": "id"}},
        "models": {"m": {"backend": "echo", "params": {"max_tokens": 10}, "price": price}},
        "steps": [
            {"id": "ask", "op": "llm_map", "model": "m", "over": "rows", "prompt": "{{ item.text }}"} | step,
            {"id": "sum", "op": "llm_map", "model": "m", "prompt": "{{ steps.ask.done }}"},
            {"id": "save", "op": "write_text", "path": "x.txt", "text": "done"},
        ],
    }
    project.write("w.json", json.dumps(text))
    return "w.json"


def lines(text: str) -> list[list[str]]:
    """The columns of each printed line."""
    return [line.split() for line in text.splitlines() if line]


def test_a_plan_lists_each_step_with_its_cells_calls_models_and_worst_cost(project: Project) -> None:
    name = workflow(project, matrix={"tone": ["kind", "dry"]}, repeats=2)
    heading, ask, total_of, save, total, *rest = lines(project.awo("plan", name).expect(0).out)
    assert heading == ["STEP", "DOES", "CELLS", "CALLS", "MODELS", "COSTS", "AT", "MOST"]
    assert ask[:12] == ["ask", "llm_map", "12", "=", "3", "of", "rows", "×", "2", "tone", "×", "2"]
    assert ask[13:15] == ["12", "m"]
    assert ask[15].startswith("$0.0")
    assert " ".join(total_of).endswith("1 m not known before it runs")
    assert save == ["save", "write_text"]
    assert total[:2] == ["total", "13"]
    assert " ".join(total).endswith("and 1 call of a cost not known before")
    assert "No budget is set" in " ".join(rest[0])


def test_a_plan_says_whether_the_budget_is_enough(project: Project) -> None:
    name = workflow(project)
    project.write(name, (project.root / name).read_text().replace("{{ steps.ask.done }}", "and now?"))
    planned = project.awo("plan", name, "--json").expect(0).json
    worst = picodollars(planned["all"]["worst_usd"])
    assert planned["all"]["calls"] == 4
    assert worst == sum(picodollars(step["all"]["worst_usd"]) for step in planned["steps"]) > 0
    assert planned["is_enough"] is None
    assert "is enough whatever" in project.awo("plan", name, "--budget", "1").expect(0).out
    poor = project.awo("plan", name, "--budget", "0.000001", "--json").expect(0).json
    assert (poor["budget_usd"], poor["is_enough"]) == ("0.000001", False)


def test_planning_makes_no_run_and_changes_nothing(project: Project) -> None:
    name = workflow(project)
    with unchanged(project.root):
        project.awo("plan", name).expect(0)


def test_the_plan_of_a_run_that_is_over_has_nothing_left(project: Project) -> None:
    project.awo("run", workflow(project)).expect(0)
    run = project.latest()
    with unchanged(run):
        planned = project.awo("plan", "latest", "--json").expect(0).json
    assert planned["answered"] == len(of_kind(run, "call_answered")) == 4
    assert planned["left"]["calls"] == 0
    assert "4 answers are there already; left: 0 calls" in project.awo("plan", "latest").expect(0).out


def test_a_plan_of_what_is_no_workflow_and_no_run_is_one_clear_error(project: Project) -> None:
    project.awo("plan", "gone.yaml").refused(2, "gone.yaml")
    project.write("bad.yaml", "name: x\nsteps: 3\n")
    project.awo("plan", "bad.yaml").refused(8, "bad.yaml:2")


def test_an_amount_that_is_none_is_refused_before_anything_starts(project: Project) -> None:
    name = workflow(project)
    for bad in ("-1", "much", "1e3", "1.0000000000001", "9999999999999"):
        project.awo("run", name, "--budget", bad).refused(2, "not an amount of US dollars")
    assert not project.runs.exists()

"""Claims end to end: registered before the first call, judged, counted by attempt, and judged again by verify."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from tests.e2e.installed import Project

FLOW: dict[str, Any] = {
    "name": "Claims about stand-ins",
    "inputs": {"rows": {"data": "rows.csv", "id": "id"}},
    "steps": [
        {
            "id": "ask",
            "op": "fanout_generate",
            "over": "rows",
            "prompt": "{{ item.text }}",
            "models": ["echo", "upper", "reverse"],
        },
        {"id": "vote", "op": "consensus_vote", "inputs_from": "ask"},
        {"id": "side", "op": "compare", "of": "ask"},
        {"id": "reply", "op": "llm_map", "over": "rows", "prompt": "Why? {{ item.text }}", "when": "inputs.answer"},
        {"id": "ledger", "op": "dissent", "of": "vote"},
        {
            "id": "verdicts",
            "op": "claims",
            "metrics": {"agreement": "steps.vote.mean_agreement"},
            "claims_glob": "claims/*.yaml",
            "needs": ["side"],
        },
    ],
}
CLAIMS = """
- id: two-agree
  statement: Two of three stand-ins agree on a text that is no palindrome.
  predictions: [{name: share, function: agreement, tolerance: {target: 0.7777, within: 0.001}}]
  falsification_tests:
    - {name: echo-is-upper, fail_if: "steps.side.pairs[0].share < 1.0"}
    - {name: a-person-looks, procedure: Read the table., must_pass: true}
- id: all-agree
  statement: All three always agree.
  falsification_tests: [{name: none-differs, fail_if: steps.side.different > 0}]
"""


def value(run: Path, step: str) -> Any:
    return json.loads((run / f"outputs/{step}/output.json").read_text())


def lay_out(project: Project) -> None:
    (project.root / "claims").mkdir()
    (project.root / "claims" / "all.yaml").write_text(CLAIMS)
    (project.root / "rows.csv").write_text("id,text\n1,Good\n2,bad day\n3,level\n")
    (project.root / "flow.json").write_text(json.dumps({**FLOW, "inputs": {**FLOW["inputs"], "answer": False}}))


def test_claims_are_registered_judged_and_judged_again(project: Project) -> None:
    lay_out(project)
    for _ in range(2):
        project.awo("run", "flow.json").expect(0)
    run = project.latest()
    plan = json.loads((run / "input.json").read_text())
    assert [(one["id"], one["attempt"], len(one["earlier"])) for one in plan["claims"]] == [
        ("two-agree", 2, 1),
        ("all-agree", 2, 1),
    ]
    found = value(run, "verdicts")
    assert {one["id"]: one["verdict"] for one in found["claims"]} == {
        "two-agree": "supported",
        "all-agree": "falsified",
    }
    assert [test["outcome"] for test in found["claims"][0]["tests"]] == ["passed", "passed", "not_tested"]
    assert found["claims"][0]["earlier"] == plan["claims"][0]["earlier"]
    assert value(run, "ledger")["unanswered"] == 2
    report = (run / "report.md").read_text()
    assert "## Deviations from the plan" in report
    assert "| step skipped | `reply` |" in report
    project.awo("verify", run).expect(0)


def test_a_verdict_that_was_changed_does_not_verify(project: Project) -> None:
    lay_out(project)
    project.awo("run", "flow.json").expect(0)
    path = project.latest() / "outputs" / "verdicts" / "output.json"
    path.chmod(0o644)
    path.write_text(path.read_text().replace("falsified", "supported", 1))
    project.awo("verify", project.latest()).expect(3)


def test_a_claim_that_was_registered_when_the_answers_were_known_is_marked_in_a_rescoring(project: Project) -> None:
    lay_out(project)
    project.awo("run", "flow.json").expect(0)
    first = project.latest()

    def rescored() -> dict[str, tuple[bool, str]]:
        project.awo("rescore", first.name, "--workflow", "flow.json").expect(0)
        project.awo("verify", "latest").expect(0)
        return {one["id"]: (one["is_late"], one["verdict"]) for one in value(project.latest(), "verdicts")["claims"]}

    assert rescored() == {"two-agree": (False, "supported"), "all-agree": (False, "falsified")}

    same = project.root / "claims" / "all.yaml"
    same.write_text(same.read_text().replace("within: 0.001", "within: 0.2"))
    assert rescored() == {"two-agree": (True, "deviated"), "all-agree": (False, "falsified")}
    assert "**after the answers**" in (project.latest() / "report.md").read_text()

    same.write_text(same.read_text().replace("within: 0.2", "within: 0.001"))
    flow = json.loads((project.root / "flow.json").read_text())
    flow["steps"][1]["normalise"] = ["collapse_space"]
    (project.root / "flow.json").write_text(json.dumps(flow))
    assert {late for late, _ in rescored().values()} == {True}


def test_a_run_that_supersedes_another_says_what_its_plan_changed(project: Project) -> None:
    lay_out(project)
    project.awo("run", "flow.json").expect(0)
    first = project.latest()
    flow = json.loads((project.root / "flow.json").read_text())
    flow["steps"][0]["models"] = ["echo", "upper"]
    flow["seed"] = 5
    (project.root / "flow.json").write_text(json.dumps(flow))
    project.awo("run", "flow.json", "--supersedes", first.name).expect(0)
    plan = json.loads((project.latest() / "input.json").read_text())
    changed = {(one["kind"], one["name"], one["what"]) for one in plan["changes"]}
    assert ("step", "ask", "args.models: differs") in changed
    assert ("setting", "seed", "0 before, 5 now") in changed
    assert [one["attempt"] for one in plan["claims"]] == [2, 2]
    assert f"The plan differs from that of `{first.name}`" in (project.latest() / "report.md").read_text()
    project.awo("verify", "latest").expect(0)

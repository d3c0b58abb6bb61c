"""Models that judge, end to end: a judge off the menu, a judge that goes by position, an objection that stands."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.e2e.at_stub import AtStub, items, responses
from tests.e2e.installed import of_kind
from tests.stub.running import RunningStub, running_stub

JUDGES = {"strict": "gpt-5-mini", "kind": "gpt-5", "odd": "gpt-4o-mini"}


@pytest.fixture(scope="module")
def one_stub() -> Iterator[RunningStub]:
    with running_stub() as stub:
        yield stub


@pytest.fixture
def project(one_stub: RunningStub, tmp_path: Path) -> AtStub:
    one_stub.reset()
    return AtStub(tmp_path, one_stub)


def workflow(*steps: dict[str, Any], **more: Any) -> dict[str, Any]:
    models = {name: {"backend": "openai", "model": model} for name, model in JUDGES.items()}
    inputs = {"reviews": {"data": "reviews.csv", "id": "id"}}
    return {"name": "Judging", "inputs": inputs, "models": models, "steps": list(steps)} | more


ASK = {"id": "ask", "op": "llm_map", "over": "reviews", "model": "echo", "prompt": "{{ item.text }}"}
GRADE = {
    "id": "graded",
    "op": "grade",
    "over": {"step": "ask"},
    "rubric": "Says something of the place.",
    "question": "{{ item.row.text }}",
    "judges": list(JUDGES),
}
TALK = {"id": "talk", "op": "refute", "statement": "The lift works.", "proposer": "kind", "refuters": ["strict"]}


def value(run: Path, step: str) -> Any:
    return json.loads((run / f"outputs/{step}/output.json").read_text())


def test_a_panel_with_a_judge_off_the_menu_grades_without_it_and_shows_it(project: AtStub) -> None:
    project.reviews(3)
    project.stub.order("answer", model="gpt-5-mini", text="It does.\nGRADE: correct")
    project.stub.order("answer", model="gpt-5", text="**GRADE: partly**")
    project.stub.order("answer", model="gpt-4o-mini", text="Nine out of ten!")
    project.awo("run", project.workflow(workflow(ASK, GRADE))).expect(0)
    run = project.latest()
    cells = items(run, "graded")
    assert [cell["value"]["score"] for cell in cells] == [0.75] * 3
    assert [cell["value"]["missing"] for cell in cells] == [1] * 3
    odd = cells[0]["value"]["verdicts"][2]
    assert (odd["judge"], odd["choice"], odd["score"]) == ("odd", None, None)
    assert odd["why"] == "the answer has no line `GRADE: …`"
    assert odd["reason"] == "Nine out of ten!"
    assert [verdict["call"] for verdict in cells[0]["value"]["verdicts"]] == cells[0]["calls"]
    assert len(responses(run, "graded")) == 9
    project.awo("verify").expect(0)


def test_a_judge_whose_json_breaks_its_schema_has_no_grade_and_fails_nothing(project: AtStub) -> None:
    project.reviews(1)
    project.stub.order("break_schema", model="gpt-5")
    grade = GRADE | {"judges": ["strict", "kind"], "schema": True}
    project.awo("run", project.workflow(workflow(ASK, grade))).expect(0)
    (cell,) = items(project.latest(), "graded")
    strict, kind = cell["value"]["verdicts"]
    assert strict["choice"] in ("correct", "partly", "incorrect")
    assert (kind["choice"], kind["why"]) == (None, "the answer does not follow its schema")
    assert cell["value"]["missing"] == 1
    project.awo("verify").expect(0)


def test_a_judge_that_goes_by_position_abstains(project: AtStub) -> None:
    project.stub.order("answer", model="gpt-5-mini", match="----- begin answer A", text="PREFER: A")
    project.stub.order("answer", model="gpt-5", text="PREFER: TIE")
    pair = {
        "id": "better",
        "op": "prefer",
        "first": "{{ steps.both.responses[0].text }}",
        "second": "{{ steps.both.responses[1].text }}",
        "first_is": "{{ steps.both.responses[0].model }}",
        "second_is": "{{ steps.both.responses[1].model }}",
        "criterion": "Is easier to read.",
        "judges": ["strict", "kind"],
    }
    both = {"id": "both", "op": "fanout_generate", "models": ["echo", "reverse"], "prompt": "A quiet street."}
    project.awo("run", project.workflow(workflow(both, pair, inputs={}))).expect(0)
    run = project.latest()
    found = value(run, "better")
    flip, tie = found["votes"]
    assert (flip["forward"], flip["swapped"], flip["verdict"]) == ("A", "A", "abstain")
    assert tie["verdict"] == "tie"
    assert (found["winner"], found["score"], found["abstained"]) == ("tie", 0.5, 1)
    assert (found["first_is"], found["second_is"]) == ("echo", "reverse")
    assert len(responses(run, "better")) == 4
    project.awo("verify").expect(0)


def objecting(project: AtStub, verdict: str) -> None:
    project.stub.order("answer", model="gpt-5-mini", match="----- begin reply ", text=verdict)
    project.stub.order("answer", model="gpt-5-mini", match="round 1", text="OBJECTION: It was out of order.")
    project.stub.order("answer", model="gpt-5-mini", text="NO OBJECTION")
    project.stub.order("answer", model="gpt-5", text="REPLY: That was last year.")


def test_a_standing_objection_stops_the_run_and_says_what_to_do_next(project: AtStub) -> None:
    objecting(project, "STANDS")
    after = {"id": "after", "op": "llm_map", "model": "echo", "prompt": "{{ steps.talk.verdict }}"}
    done = project.awo("run", project.workflow(workflow(TALK, after, inputs={})))
    done.expect(6)
    said = done.out + done.err
    assert "1 objection to the statement stands unanswered: o1-1 of strict" in said
    assert "answers" in said
    assert "on_standing: report" in said
    run = project.latest()
    (failed,) = of_kind(run, "step_failed")
    assert failed["reason"]["code"] == "objection_stands"
    assert "out of order" not in failed["reason"]["message"], "the journal holds no words of a model"
    assert [line["text"] for line in responses(run, "talk")] == [
        "OBJECTION: It was out of order.",
        "REPLY: That was last year.",
        "STANDS",
        "NO OBJECTION",
    ]
    assert not responses(run, "after")
    assert not (run / "audit/seal.json").exists()


def test_a_person_replies_and_the_run_goes_on_when_the_refuter_is_satisfied(project: AtStub) -> None:
    objecting(project, "ANSWERED")
    talk = TALK | {"answers": {"o1-1": "The lift was mended in May: see the invoice."}}
    project.awo("run", project.workflow(workflow(talk, inputs={}))).expect(0)
    found = value(project.latest(), "talk")
    (objection,) = found["objections"]
    assert (objection["status"], objection["replied_by"]) == ("answered", "person")
    assert (found["verdict"], found["rounds"], found["no_objection"]) == ("unrefuted", 2, 1)
    project.awo("verify").expect(0)


def test_a_standing_objection_may_be_reported_in_each_cell_and_the_plan_says_the_most(project: AtStub) -> None:
    project.reviews(2)
    objecting(project, "STANDS")
    talk = TALK | {"over": {"step": "ask"}, "statement": "{{ item.value.text }}", "on_standing": "report"}
    name = project.workflow(workflow(ASK, talk))
    plan = project.awo("plan", name, "--json").expect(0).json
    (planned,) = [step for step in plan["steps"] if step["id"] == "talk"]
    assert planned["all"]["calls"] == 2 * 2 * 3, planned
    project.awo("run", name).expect(0)
    run = project.latest()
    assert [cell["value"]["verdict"] for cell in items(run, "talk")] == ["refuted", "refuted"]
    assert len(responses(run, "talk")) == 2 * 4
    project.awo("verify").expect(0)

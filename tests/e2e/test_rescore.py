"""A run is scored again from its own responses: no call is made, and what was not asked then is not made up now."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.e2e.at_stub import MODEL, SENTENCES, AtStub, classify, items, responses
from tests.e2e.installed import of_kind, unchanged
from tests.stub.running import RunningStub, running_stub


@pytest.fixture(scope="module")
def one_stub() -> Iterator[RunningStub]:
    with running_stub() as stub:
        yield stub


@pytest.fixture
def project(one_stub: RunningStub, tmp_path: Path) -> AtStub:
    one_stub.reset()
    return AtStub(tmp_path, one_stub)


def scored(kind: str, **step: Any) -> dict[str, Any]:
    """`classify`, and a step behind it that scores every answer against its own row by this kind of score."""
    workflow = classify(**step)
    same = {"kind": kind, "expected": "{{ item.row.text }}"}
    workflow["steps"].append({"id": "marks", "op": "score", "of": "classify", "scores": {"same": same}})
    return workflow


def kind_of_score(run: Path) -> str:
    kind = json.loads((run / "outputs/marks/output.json").read_text())["scores"]["same"]["kind"]
    assert isinstance(kind, str)
    return kind


def digests(run: Path) -> list[str]:
    path = run / "outputs/classify/responses.jsonl"
    return [hashlib.sha256(line).hexdigest() for line in path.read_bytes().splitlines()]


def without_models(project: AtStub) -> None:
    """Takes away key and address: whoever opened a model now would fail."""
    project.more = {name: "" for name in project.stub.environment if "KEY" in name}


def test_other_scores_over_the_same_responses_make_no_call_and_verify(project: AtStub) -> None:
    rows = project.reviews(8)
    project.awo("run", project.workflow(scored("equals", repeats=2))).expect(0)
    first = project.latest()
    project.stub.reset()
    without_models(project)

    again = project.workflow(scored("contains", repeats=2) | {"budget": 0.0000001}, "again.json")
    with unchanged(first):
        done = project.awo("rescore", "latest", "--workflow", again, "--json").expect(0)
    second = project.latest()
    assert done.json["outcome"] == "completed"
    assert second != first
    assert project.stub.counts()["arrived"] == 0
    assert of_kind(second, "call_intended") == []
    reused = of_kind(second, "response_reused")
    assert {(event["origin"]["run_id"], event["origin"]["step"]) for event in reused} == {(first.name, "classify")}
    by_line = digests(first)
    assert [event["origin"]["sha256"] for event in reused] == [by_line[event["origin"]["line"]] for event in reused]
    assert len({event["origin"]["line"] for event in reused}) == len(reused) == 16
    assert [line["value"]["text"] for line in items(second)] == [row["text"] for row in rows for _ in range(2)]
    cells = {line["call"]: line["cell"] for line in responses(first)}
    before = [(line["cell"], line["text"], line["latency_ms"]) for line in responses(first)]
    after = [(line["cell"], line["text"], line["latency_ms"]) for line in responses(second)]
    assert sorted(after) == sorted(before)
    assert sorted(cells.values()) == list(range(16))
    assert [kind_of_score(run) for run in (first, second)] == ["equals", "contains"]
    marks = (second / "outputs/marks/files/scores.jsonl").read_bytes().splitlines()
    assert [json.loads(line)["scores"] for line in marks] == [{"same": 1.0}] * 16

    (started,) = of_kind(second, "run_started")
    assert started["supersedes"] == first.name
    assert json.loads((second / "input.json").read_text())["rescores"] == first.name
    (model,) = of_kind(second, "model_recorded")
    (model_before,) = of_kind(first, "model_recorded")
    assert model["facts"] == model_before["facts"] | {"recorded_in": first.name}
    assert first.name in project.awo("show", second).expect(0).out
    project.awo("verify", second).expect(0)


def test_a_changed_prompt_was_not_recorded_and_fails_its_step(project: AtStub) -> None:
    project.reviews(4)
    project.awo("run", project.workflow(classify())).expect(0)
    project.stub.reset()
    changed = project.workflow(classify(prompt="Say it again: {{ item.text }}", max_failed=4), "again.json")
    done = project.awo("rescore", "latest", "--workflow", changed).expect(6)
    run = project.latest()
    (failed,) = of_kind(run, "step_failed")
    assert failed["reason"]["code"] == "not_recorded"
    assert "classify" in done.err
    assert "--cache" in done.err
    assert project.stub.counts()["arrived"] == 0
    assert of_kind(run, "call_intended") == []

    done = project.awo("resume", run).expect(6)
    assert [event["reason"]["code"] for event in of_kind(run, "step_failed")] == ["not_recorded"] * 2
    assert project.stub.counts()["arrived"] == 0, "also a resumed re-scoring asks nobody"


def test_a_model_that_the_run_did_not_ask_is_not_asked_now(project: AtStub) -> None:
    project.reviews(2)
    project.awo("run", project.workflow(classify())).expect(0)
    project.stub.reset()
    other = project.workflow(classify(spec={"model": "gpt-5-nano"}), "again.json")
    done = project.awo("rescore", "latest", "--workflow", other).expect(6)
    (failed,) = of_kind(project.latest(), "step_failed")
    assert failed["reason"]["code"] == "not_recorded"
    assert "gpt-5-nano" in done.err
    assert project.stub.counts()["arrived"] == 0


def test_what_failed_then_fails_again_and_says_so(project: AtStub) -> None:
    project.reviews(6)
    project.stub.order("status", match=SENTENCES[4], status=400)
    name = project.workflow(classify(max_failed=1))
    project.awo("run", name).expect(0)
    first = project.latest()
    project.stub.reset()
    project.awo("rescore", "latest", "--workflow", name).expect(0)
    (before,) = [line for line in items(first) if line["status"] == "failed"]
    (after,) = [line for line in items(project.latest()) if line["status"] == "failed"]
    assert (after["cell"], after["reason"]["code"]) == (before["cell"], before["reason"]["code"])
    assert first.name in after["reason"]["message"]
    assert project.stub.counts()["arrived"] == 0


def test_answers_that_broke_their_schema_break_it_again_and_are_kept(project: AtStub) -> None:
    project.reviews(3)
    project.write("answer.json", json.dumps({"type": "object"}))
    workflow = classify(schema="answer.json", schema_tries=2, max_failed=3)
    project.stub.order("break_schema")
    project.awo("run", project.workflow(workflow)).expect(0)
    first = project.latest()
    assert len(responses(first)) == 6
    project.stub.reset()
    workflow["steps"][0]["schema_tries"] = 3
    project.awo("rescore", "latest", "--workflow", project.workflow(workflow, "again.json")).expect(0)
    run = project.latest()
    assert [line["reason"]["code"] for line in items(run)] == ["schema"] * 3
    assert sorted(line["schema_fault"] for line in responses(run)) == sorted(
        line["schema_fault"] for line in responses(first)
    )
    assert project.stub.counts()["arrived"] == 0
    project.awo("verify", run).expect(0)


def test_a_run_that_failed_is_scored_again_without_its_failures_where_they_are_not_asked(project: AtStub) -> None:
    rows = project.reviews(6)
    project.stub.order("status", match=SENTENCES[5], status=400)
    project.awo("run", project.workflow(classify())).expect(6)
    assert not (project.latest() / "audit/seal.json").exists()
    project.stub.reset()
    project.reviews(5)
    project.awo("rescore", "latest", "--workflow", project.workflow(classify(), "again.json")).expect(0)
    assert [line["value"]["text"] for line in items(project.latest())] == [row["text"] for row in rows[:5]]
    assert project.stub.counts()["arrived"] == 0


def test_rows_in_another_order_find_their_answers_and_a_renamed_step_does(project: AtStub) -> None:
    rows = project.reviews(6)
    project.awo("run", project.workflow(classify())).expect(0)
    first = project.latest()
    lines = (project.root / "reviews.csv").read_text().splitlines()
    project.write("reviews.csv", "\n".join([lines[0], *reversed(lines[1:3]), *lines[3:]]) + "\n")
    assert rows[0]["text"] in lines[1]
    again = classify()
    again["steps"][0] |= {"id": "asked"}
    again["models"] = {"little": MODEL}
    again["steps"][0]["model"] = "little"
    project.awo("rescore", "latest", "--workflow", project.workflow(again, "again.json")).expect(0)
    run = project.latest()
    origins = {event["cell"]: event["origin"]["line"] for event in of_kind(run, "response_reused")}
    cell_of_line = {n: line["cell"] for n, line in enumerate(responses(first))}
    assert [cell_of_line[origins[cell]] for cell in range(3)] == [1, 0, 2]
    project.awo("verify", run).expect(0)


def test_equal_requests_of_several_cells_keep_each_its_own_answer_and_one_too_many_was_not_recorded(
    project: AtStub,
) -> None:
    lines = [f"r{n},the same" for n in range(4)]
    project.write("reviews.csv", "\n".join(["id,text", *lines]) + "\n")
    name = project.workflow(classify())
    project.awo("run", name).expect(0)
    first = project.latest()
    assert len({event["request_sha256"] for event in of_kind(first, "call_intended")}) == 1
    cell_of_line = {n: line["cell"] for n, line in enumerate(responses(first))}
    project.awo("rescore", first, "--workflow", name).expect(0)
    reused = of_kind(project.latest(), "response_reused")
    assert {event["cell"]: cell_of_line[event["origin"]["line"]] for event in reused} == {n: n for n in range(4)}

    project.write("reviews.csv", "\n".join(["id,text", *lines, "r4,the same"]) + "\n")
    assert "no further answer" in project.awo("rescore", first, "--workflow", name).expect(6).err
    assert project.stub.counts()["arrived"] == 4


def test_an_altered_response_is_refused_before_a_run_is_made(project: AtStub) -> None:
    project.reviews(3)
    name = project.workflow(classify())
    project.awo("run", name).expect(0)
    run = project.latest()
    copy = project.root / "copy"
    shutil.copytree(run, copy)
    path = copy / "outputs/classify/responses.jsonl"
    for folder in (copy, path.parent, path):
        folder.chmod(0o755)
    path.write_bytes(path.read_bytes().replace(b"soup", b"soap", 1))
    project.awo("rescore", copy, "--workflow", name).refused(3, "altered")
    assert project.latest() == run


def test_a_run_from_elsewhere_is_scored_again_by_its_path(project: AtStub, tmp_path: Path) -> None:
    project.reviews(3)
    name = project.workflow(classify())
    project.awo("run", name).expect(0)
    elsewhere = tmp_path / "elsewhere"
    shutil.move(project.latest(), elsewhere)
    project.stub.reset()
    with unchanged(elsewhere):
        project.awo("rescore", elsewhere, "--workflow", name).expect(0)
    assert project.stub.counts()["arrived"] == 0
    project.awo("verify").expect(0)
    again = project.latest()
    project.awo("rescore", again, "--workflow", name).expect(0)
    assert {event["origin"]["run_id"] for event in of_kind(project.latest(), "response_reused")} == {again.name}

"""A run that was sent back is revised: what no change touches is taken over by digest, the rest is done anew."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from tests.e2e.installed import REVIEWER, Done, Project, events, of_kind, run_folders, unchanged, writable
from tests.e2e.multi_model import CHECKLIST

from awo.verify.chain import ep_4_9
from awo.verify.findings import Answer
from awo.verify.folder import FolderSource
from awo.verify.limits import Limits
from awo.verify.reading import Reading, Trust

STEPS = ["draft", "other", "log", "louder", "note", "look", "after"]


@pytest.fixture
def project(tmp_path: Path) -> Project:
    made = Project(tmp_path)
    made.awo("init").expect(0)
    made.enrol_reviewer()
    made.write("look.md", CHECKLIST)
    write_workflow(made)
    return made


def write_workflow(project: Project, **changed: str) -> None:
    """Two chains: draft, louder; other. The program `log` rests on `other` and leaves a mark outside the run."""
    said = {
        "draft": "Write one line.",
        "louder": "Say louder: {{ steps.draft.text }}",
        "other": "Another line.",
    } | changed
    steps: list[dict[str, Any]] = [
        {"id": "draft", "op": "llm_map", "model": "echo", "prompt": said["draft"]},
        {"id": "other", "op": "llm_map", "model": "echo", "prompt": said["other"]},
        {
            "id": "log",
            "op": "command",
            "shell": f"echo ran >> {project.top}/outside.txt; cat steps/other/output.json > kept.txt",
            "from_steps": ["other"],
            "outputs": ["kept.txt"],
        },
        {"id": "louder", "op": "llm_map", "model": "upper", "prompt": said["louder"]},
        {
            "id": "note",
            "op": "write_text",
            "text": "{{ steps.louder.text }} {{ steps.other.text }}",
            "path": "note.txt",
        },
        {"id": "look", "op": "audit_gate", "checklist": "look.md", "needs": ["note", "log"]},
        {
            "id": "after",
            "op": "llm_map",
            "model": "upper",
            "prompt": "After: {{ steps.draft.text }}",
            "needs": ["look"],
        },
    ]
    project.write("work.json", json.dumps({"name": "revised", "steps": steps}))


def send_back(project: Project, *more: str) -> Done:
    as_reviewer = ("--key", str(project.key), "--as", REVIEWER)
    said = ("--reason", "It is too long.", "--change", "Shorten the louder text.", "--change", "Name the source.")
    return project.awo("revise", "latest", *said, *as_reviewer, *more)


def sent_back(project: Project, *more: str) -> Path:
    """The first run, sent back at its gate and sealed."""
    project.awo("run", "work.json").expect(78)
    send_back(project, *more).expect(0)
    return project.latest()


def asked_in(run: Path) -> list[str]:
    return sorted(event["step"] for event in of_kind(run, "call_intended"))


def marks(project: Project) -> int:
    return (project.top / "outside.txt").read_text().count("ran")


def record(run: Path) -> Any:
    return json.loads((run / "input.json").read_text())


def approved(project: Project) -> None:
    project.approve().expect(0)
    project.awo("resume", "latest").expect(0)


def test_a_run_is_sent_back_with_what_has_to_change_and_sealed_so(project: Project) -> None:
    project.awo("run", "work.json").expect(78)
    done = send_back(project, "--from", "louder").expect(0)
    run = project.latest()
    assert "sent back and sealed" in done.out
    assert f"awo revise {run.name}" in done.out
    (decision,) = of_kind(run, "decision_recorded")
    signed = json.loads((run / decision["decision"]["path"]).read_text())
    assert (signed["verdict"], signed["from_step"]) == ("revise", "louder")
    assert signed["required_changes"] == ["Shorten the louder text.", "Name the source."]
    assert [event["verdict"] for event in of_kind(run, "gate_closed")] == ["revised"]
    assert of_kind(run, "run_finished")[0]["outcome"] == "rejected"
    assert json.loads((run / "audit/status.json").read_text())["gates"][0]["status"] == "revised"
    project.awo("verify", run).expect(0)


def test_only_the_changed_step_and_those_below_it_are_asked_again(project: Project) -> None:
    first = sent_back(project)
    assert marks(project) == 1
    write_workflow(project, louder="Say it short: {{ steps.draft.text }}")
    with unchanged(first):
        done = project.awo("revise", first.name).expect(78)
    assert "Shorten the louder text." in done.err
    second = project.latest()
    assert second != first
    assert asked_in(second) == ["louder"]
    reused = of_kind(second, "response_reused")
    assert sorted(event["step"] for event in reused) == ["draft", "other"]
    assert {event["origin"]["run_id"] for event in reused} == {first.name}
    (copied,) = of_kind(second, "step_reused")
    assert (copied["step"], copied["run_id"]) == ("log", first.name)
    kept = "outputs/log/files/kept.txt"
    assert (second / kept).read_bytes() == (first / kept).read_bytes()
    assert kept in [ref["path"] for ref in copied["files"]]
    assert marks(project) == 1, "a program that nothing has touched is not run again"

    plan = record(second)
    assert (plan["revises"], plan["revised_from"]) == (first.name, "")
    assert [(one["kind"], one["name"]) for one in plan["changes"]] == [("step", "louder")]
    (earlier,) = plan["earlier"]
    assert (earlier["run_id"], earlier["outcome"], earlier["reason"]) == (first.name, "rejected", "It is too long.")
    assert of_kind(second, "run_started")[0]["supersedes"] == first.name

    approved(project)
    assert asked_in(second) == ["after", "louder"], "what was never done is asked anew"
    project.awo("verify", second, "--require", "derivation").expect(0)


def test_the_chain_is_shown_and_reported(project: Project) -> None:
    first = sent_back(project)
    write_workflow(project, louder="Say it short: {{ steps.draft.text }}")
    project.awo("revise", "latest").expect(78)
    second = project.latest()
    assert f"awo revise {second.name}" in project.reject(reason="Still too long.").expect(0).out
    assert f"awo revise {second.name}" in project.awo("status", second).expect(0).out
    write_workflow(project, louder="Short: {{ steps.draft.text }}")
    project.awo("revise", "latest").expect(78)
    third = project.latest()
    assert [one["run_id"] for one in record(third)["earlier"]] == [first.name, second.name]
    assert {event["origin"]["run_id"] for event in of_kind(third, "response_reused")} == {second.name}
    assert marks(project) == 1
    shown = project.awo("show", third).expect(0).out
    assert all(text in shown for text in (first.name, second.name, "It is too long.", "Still too long.", "copied: log"))
    assert third.name in project.awo("show", first).expect(0).out
    told = (third / "report.md").read_text()
    assert "## Attempts" in told
    assert all(text in told for text in (first.name, second.name, "Name the source.", "here it is void", "copied from"))
    approved(project)
    project.awo("verify", third, "--require", "derivation").expect(0)


def test_from_a_step_does_it_again_although_nothing_changed(project: Project) -> None:
    first = sent_back(project)
    project.awo("revise", first.name).refused(2, "--from")
    project.awo("revise", first.name, "--from", "nowhere").refused(2, "nowhere")
    project.awo("revise", first.name, "--from", "other").expect(78)
    second = project.latest()
    assert asked_in(second) == ["other"]
    assert marks(project) == 2, "the program rests on the step that was done again"
    approved(project)
    project.awo("verify", second, "--require", "derivation").expect(0)


def test_from_a_step_asks_anew_although_the_cache_has_its_answers(project: Project) -> None:
    first = sent_back(project)
    project.awo("revise", first.name, "--from", "draft", "--cache").expect(78)
    second = project.latest()
    assert asked_in(second) == ["draft", "louder"]
    assert {event["step"] for event in of_kind(second, "response_reused")} == {"other"}
    approved(project)
    project.awo("verify", second, "--require", "derivation").expect(0)


def test_what_a_revision_asked_is_in_the_cache_beside_what_it_took_over(project: Project) -> None:
    steps: list[dict[str, Any]] = [
        {"id": "new", "op": "llm_map", "model": "echo", "prompt": "One."},
        {"id": "old", "op": "llm_map", "model": "echo", "prompt": "Two.", "needs": "wait"},
        {"id": "wait", "op": "command", "argv": ["sleep", "0.2"]},
    ]
    project.write("work.json", json.dumps({"name": "cached", "steps": steps}))
    project.awo("run", "work.json").expect(0)
    steps[0]["prompt"] = "Another."
    project.write("work.json", json.dumps({"name": "cached", "steps": steps}))
    project.awo("revise", "latest").expect(0)
    facts = [event["facts"] for event in of_kind(project.latest(), "model_recorded")]
    assert ["recorded_in" in one for one in facts] == [False, True]
    project.awo("run", "work.json", "--cache").expect(0)
    assert asked_in(project.latest()) == []


def test_a_matrix_in_another_order_touches_the_scores_of_a_program(project: Project) -> None:
    project.write("count.py", "def score(item, text):\n    return len(text)\n")
    each = {"id": "each", "op": "llm_map", "model": "echo", "prompt": "{{ matrix.a }}{{ matrix.b }}"}
    size = {"id": "size", "op": "python_score", "of": "each", "file": "count.py"}
    for matrix in ({"a": [1, 22], "b": [3, 4444]}, {"b": [3, 4444], "a": [1, 22]}, {"b": [3, 4444], "a": [1.0, 22]}):
        project.write("work.json", json.dumps({"name": "order", "steps": [each | {"matrix": matrix}, size]}))
        project.awo(*(("revise", "latest") if run_folders(project.runs) else ("run", "work.json"))).expect(0)
        assert asked_in(project.latest()) == ["each"] * 4
        project.awo("verify", "latest", "--require", "derivation").expect(0)


def test_the_step_that_the_decision_names_is_done_again_unasked(project: Project) -> None:
    sent_back(project, "--from", "draft")
    project.awo("revise", "latest").expect(78)
    assert record(project.latest())["revised_from"] == "draft"
    assert asked_in(project.latest()) == ["draft", "louder"]


def test_an_altered_earlier_run_is_refused_and_nothing_is_made(project: Project) -> None:
    first = sent_back(project)
    write_workflow(project, louder="Short: {{ steps.draft.text }}")
    writable(first)
    path = first / "outputs/other/responses.jsonl"
    path.write_bytes(path.read_bytes().replace(b"Another", b"Bnother"))
    project.awo("revise", first.name).refused(3, "altered")
    assert run_folders(project.runs) == [first]


def test_a_run_that_is_not_sealed_is_not_revised(project: Project) -> None:
    project.awo("run", "work.json").expect(78)
    project.awo("revise", "latest").refused(2, "--reason")
    project.awo("revise", "latest", "--reason", "No.").refused(2, "--change")


def test_an_approved_run_can_be_revised_and_its_gate_asks_anew(project: Project) -> None:
    project.awo("run", "work.json").expect(78)
    approved(project)
    first = project.latest()
    write_workflow(project, other="A third line.")
    project.awo("revise", "latest").expect(78)
    second = project.latest()
    assert asked_in(second) == ["other"]
    approved(project)
    assert asked_in(second) == ["other"], "a gate between touches nothing by itself"
    assert len(of_kind(second, "decision_recorded")) == 1
    assert [one["verdict"] for one in record(second)["earlier"][0]["decisions"]] == ["approve"]
    assert marks(project) == 2
    project.awo("verify", second, "--require", "derivation").expect(0)
    project.awo("verify", first).expect(0)


def test_a_revision_that_was_cut_off_goes_on_in_the_same_way(project: Project) -> None:
    first = sent_back(project)
    write_workflow(project, louder="Short: {{ steps.draft.text }}")
    project.awo("revise", "latest").expect(78)
    second = project.latest()
    whole = (second / "audit/journal.jsonl").read_bytes().splitlines(keepends=True)
    ends = [
        number for number, event in enumerate(events(second)) if event["kind"] in ("response_reused", "step_reused")
    ]
    for end in ends:
        torn = project.runs / "run_2031-01-01T00-00-00Z"
        shutil.copytree(second, torn)
        # as a kill leaves it: the events are on disk to here, what came after them is not
        lines = [line.replace(second.name.encode(), torn.name.encode()) for line in whole[:end]]
        (torn / "audit/journal.jsonl").write_bytes(b"".join(lines))
        shutil.rmtree(torn / "outputs")
        (torn / "outputs").mkdir()
        for line in lines:
            _put_back(second, torn, json.loads(line))
        project.awo("resume", torn).expect(78)
        assert asked_in(torn) == ["louder"]
        assert sorted(event["step"] for event in of_kind(torn, "response_reused")) == ["draft", "other"]
        assert len(of_kind(torn, "step_reused")) == 1
        shutil.rmtree(torn)
    assert marks(project) == 1

    torn = project.runs / "run_2031-01-01T00-00-00Z"
    shutil.copytree(second, torn)
    (torn / "audit/journal.jsonl").write_bytes(whole[0].replace(second.name.encode(), torn.name.encode()))
    shutil.rmtree(torn / "outputs")
    (torn / "outputs").mkdir()
    first.rename(project.top / "elsewhere")
    project.awo("resume", torn).refused(7, first.name)


def test_a_run_that_only_supersedes_and_a_re_scoring_name_their_attempts_and_take_no_step_over(
    project: Project,
) -> None:
    first = sent_back(project)
    project.awo("run", "work.json", "--supersedes", first.name).expect(78)
    second = project.latest()
    assert (record(second)["revises"], [one["run_id"] for one in record(second)["earlier"]]) == ("", [first.name])
    assert of_kind(second, "step_reused") == of_kind(second, "response_reused") == []
    assert marks(project) == 2
    project.awo("rescore", second, "--workflow", "work.json").expect(78)
    third = project.latest()
    assert [one["run_id"] for one in record(third)["earlier"]] == [first.name, second.name]
    assert record(third)["earlier"][1]["outcome"] == ""
    assert chain(third).verdict == "passed"


def test_a_fan_out_and_the_scores_of_a_program_are_taken_over_cell_by_cell(project: Project) -> None:
    project.write("rows.csv", "text\nsea\nhill\n")
    project.write(
        "count.py",
        f"def score(item, text):\n    open('{project.top}/outside.txt', 'a').write('ran')\n    return len(text)\n",
    )
    steps: list[dict[str, Any]] = [
        {"id": "each", "op": "llm_map", "over": "rows", "model": "echo", "prompt": "{{ item.text }}", "repeats": 2},
        {"id": "size", "op": "python_score", "of": "each", "file": "count.py"},
        {"id": "sum", "op": "llm_map", "model": "upper", "prompt": "One way"},
    ]
    workflow = {"name": "cells", "inputs": {"rows": {"data": "rows.csv"}}, "steps": steps}
    project.write("work.json", json.dumps(workflow))
    project.awo("run", "work.json").expect(0)
    first, before = project.latest(), marks(project)
    steps[2]["prompt"] = "Another way"
    project.write("work.json", json.dumps(workflow))
    project.awo("revise", "latest").expect(0)
    second = project.latest()
    assert asked_in(second) == ["sum"]
    assert sorted(event["cell"] for event in of_kind(second, "response_reused")) == [0, 1, 2, 3]
    scores = "outputs/size/files/scores.jsonl"
    assert (second / scores).read_bytes() == (first / scores).read_bytes()
    assert marks(project) == before
    project.awo("verify", second, "--require", "derivation").expect(0)

    project.write("rows.csv", "text\nsea\nriver\n")
    project.awo("revise", "latest").expect(0)
    assert asked_in(project.latest()) == ["each"] * 4, "another row touches the step that goes over the rows"
    assert marks(project) > before
    project.awo("verify", "latest", "--require", "derivation").expect(0)


def chain(run: Path) -> Answer:
    """What the check of the chain says of the package in this folder, with its neighbours at hand."""
    reading = Reading("folder", Limits(), Trust(None, ""), run.parent)
    reading.read(FolderSource(str(run), Limits()))
    answer = Answer()
    ep_4_9(reading, answer)
    reading.spool.close()
    return answer


def test_verify_walks_the_chain_where_the_earlier_packages_lie_beside(project: Project) -> None:
    first = sent_back(project)
    write_workflow(project, louder="Short: {{ steps.draft.text }}")
    project.awo("revise", "latest").expect(78)
    project.reject().expect(0)
    second = project.latest()
    project.awo("revise", "latest", "--from", "after").expect(78)
    third = project.latest()
    for run in (first, second, third):
        assert chain(run).verdict == "passed", chain(run)

    alone = project.top / "alone"
    shutil.copytree(third, alone / third.name)
    assert chain(alone / third.name).verdict == "not_checked"

    shutil.copytree(second, alone / second.name)
    shutil.copytree(first, alone / first.name)
    assert chain(alone / third.name).verdict == "passed"
    for spoilt in (first, second):
        writable(alone / spoilt.name)
    journal = alone / first.name / "audit/journal.jsonl"
    whole = journal.read_bytes()
    journal.write_bytes(whole.replace(b'"hostname"', b'"hostnamf"') if b'"hostname"' in whole else whole[:-2] + b"\n")
    assert chain(alone / third.name).verdict == "failed"
    journal.write_bytes(whole)
    decision = next((alone / second.name / "audit/decisions").glob("0001-look.json"))
    decision.write_bytes(decision.read_bytes().replace(b"not fair", b"all fair"))
    assert chain(alone / third.name).verdict == "failed"


def test_a_chain_that_was_made_up_is_found_where_the_packages_are(project: Project) -> None:
    first = sent_back(project)
    write_workflow(project, louder="Short: {{ steps.draft.text }}")
    project.awo("revise", "latest").expect(78)
    second = project.latest()
    plan = record(second)
    lies: list[dict[str, Any]] = [
        {"changes": []},
        {"earlier": [plan["earlier"][0] | {"reason": "Wonderful."}]},
        {"earlier": [plan["earlier"][0] | {"decisions": plan["earlier"][0]["decisions"] * 2}]},
        {"earlier": [plan["earlier"][0] | {"seal_sha256": "0" * 64}]},
    ]
    for lie in lies:
        (second / "input.json").write_text(json.dumps(plan | lie))
        assert chain(second).verdict == "failed", lie
    assert first.is_dir()


def _put_back(run: Path, torn: Path, event: dict[str, Any]) -> None:
    """The bytes that an event names."""
    refs = [event[name] for name in ("value",) if name in event] + event.get("files", [])
    paths = [ref["path"] for ref in refs if ref["path"].startswith("outputs/")]
    if event["kind"] in ("response_reused", "call_answered"):
        paths.append(f"outputs/{event['step']}/responses.jsonl")
    for path in paths:
        (torn / path).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(run / path, torn / path)

"""Runs that are stopped, fail, are copied, and go on: what was finished is kept, and only the rest is done again."""

from __future__ import annotations

import json
import signal
import subprocess
from pathlib import Path

import pytest
from tests.e2e.installed import Project, events, of_kind, wait_for, writable

SLOW = """\
name: slow
steps:
  - {id: answers, op: fanout_generate, prompt: What repeats?}
  - {id: slow, op: command, shell: "sleep %s; echo slept", needs: answers}
  - {id: vote, op: consensus_vote, inputs_from: answers}
  - {id: keep, op: write_text, path: kept.txt, from_step: slow, field: stdout_text}
"""
BRANCHES = """\
name: two branches
steps:
  - {id: good, op: fanout_generate, prompt: What repeats?}
  - {id: vote, op: consensus_vote, inputs_from: good}
  - {id: bad, op: command, shell: 'test -e "$MARK"', set_env: {MARK: "{{ inputs.mark }}"}}
  - {id: behind, op: write_text, path: behind.txt, text: "it is mended", needs: bad}
inputs: {mark: %s}
"""
COUNTING = """\
name: fails once
inputs: {mark: %s}
steps:
  - id: flaky
    op: command
    shell: 'test -e "$MARK" || { touch "$MARK"; echo out; echo err >&2; exit 3; }'
    set_env: {MARK: "{{ inputs.mark }}"}
    retries: {max: %d, delay_s: 0.05}
  - {id: after, op: write_text, path: after.txt, text: done, needs: flaky}
"""


def finished(folder: Path) -> list[str]:
    """Which steps have finished, in the order in which they did."""
    return [event["step"] for event in of_kind(folder, "step_finished")]


def is_alive(process: int) -> bool:
    """Whether the process runs; one that has ended and was not yet fetched by its parent does not."""
    state = subprocess.run(["ps", "-o", "stat=", "-p", str(process)], capture_output=True, text=True).stdout.strip()
    return bool(state) and not state.startswith("Z")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_stopped_run_says_130_records_the_signal_and_goes_on(project: Project, number: signal.Signals) -> None:
    project.write("slow.yaml", SLOW % 20)
    with project.start("run", "slow.yaml") as running:
        run = wait_for(project, "step_started", step="slow")
        wait_for(project, "step_finished", step="vote")
        running.send(number)
        done = running.end().expect(130)
    assert f"awo resume {run.name}" in done.out
    assert of_kind(run, "run_interrupted") == [events(run)[-1]]
    assert events(run)[-1]["signal"] == number.name
    assert sorted(finished(run)) == ["answers", "vote"]
    assert project.awo("seal", run.name, "--json").expect(0).json["outcome"] == "abandoned"
    project.awo("verify", run.name).expect(0)


def test_a_stopped_run_is_finished_by_resume_without_asking_a_model_again(project: Project) -> None:
    project.write("slow.yaml", SLOW % 1)
    with project.start("run", "slow.yaml", "--json") as running:
        run = wait_for(project, "step_started", step="slow")
        wait_for(project, "step_finished", step="vote")
        running.send(signal.SIGINT)
        assert running.end().expect(130).json["outcome"] == "interrupted"
    asked = len(of_kind(run, "call_intended"))
    project.awo("resume", run.name).expect(0)
    assert len(of_kind(run, "call_intended")) == asked == 3
    assert [event["attempt"] for event in of_kind(run, "step_started") if event["step"] == "slow"] == [1, 2]
    assert (run / "outputs/keep/files/kept.txt").read_text() == "slept\n"
    project.awo("verify", run.name).expect(0)


def test_stopping_twice_ends_at_once_and_still_loses_nothing(project: Project) -> None:
    project.write("slow.yaml", SLOW.replace("sleep %s", "trap '' TERM; sleep 1 & wait; sleep %s") % 1)
    with project.start("run", "slow.yaml") as running:
        run = wait_for(project, "step_started", step="slow")
        wait_for(project, "step_finished", step="vote")
        running.send(signal.SIGINT)
        running.send(signal.SIGINT)
        running.end().expect(130)
    project.awo("resume", run.name).expect(0)
    project.awo("verify", run.name).expect(0)


def test_a_step_that_fails_once_passes_on_its_retry_and_both_are_recorded(project: Project) -> None:
    project.write("flaky.yaml", COUNTING % (project.top / "mark", 2))
    project.awo("run", "flaky.yaml").expect(0)
    run = project.latest()
    (failure,) = of_kind(run, "step_failed")
    assert (failure["attempt"], failure["retries_left"], failure["reason"]["code"]) == (1, 2, "command_exit")
    assert {file["path"] for file in failure["files"]} == {
        "outputs/flaky/attempt-1/stderr.txt",
        "outputs/flaky/attempt-1/stdout.txt",
    }
    assert (run / "outputs/flaky/attempt-1/stderr.txt").read_text() == "err\n"
    assert [event["attempt"] for event in of_kind(run, "step_finished")] == [2, 1]
    project.awo("verify").expect(0)


def test_a_step_without_retries_fails_the_run_and_passes_when_it_is_resumed(project: Project) -> None:
    project.write("flaky.yaml", COUNTING % (project.top / "mark", 0))
    done = project.awo("run", "flaky.yaml").expect(6)
    assert "flaky" in done.err
    assert "awo resume" in done.out
    project.awo("resume").expect(0)
    project.awo("verify").expect(0)


def test_an_attempt_that_takes_too_long_is_stopped_with_its_children(project: Project) -> None:
    child = project.top / "child"
    line = f"sleep 60 & echo $! > {child}; wait"
    project.write("late.yaml", f"name: late\nsteps:\n  - {{id: late, op: command, timeout: 0.5, shell: {line!r}}}\n")
    done = project.awo("run", "late.yaml", "--json").expect(6)
    assert "longer than 0.5 s" in done.json["failures"]["late"]["error"]
    (failure,) = of_kind(project.latest(), "step_failed")
    assert failure["reason"]["code"] == "timeout"
    assert not is_alive(int(child.read_text()))


def test_a_failed_branch_loses_nothing_of_the_others_and_only_it_is_tried_again(project: Project) -> None:
    mark = project.top / "mark"
    project.write("branches.yaml", BRANCHES % mark)
    done = project.awo("run", "branches.yaml", "--json").expect(6)
    run = project.latest()
    assert list(done.json["failures"]) == ["bad"]
    assert sorted(finished(run)) == ["good", "vote"]
    before = {name: (run / name).read_bytes() for name in ("outputs/good/responses.jsonl", "outputs/vote/output.json")}

    assert list(project.awo("resume", "--json").expect(6).json["failures"]) == ["bad"]
    mark.touch()
    project.awo("resume").expect(0)
    started = [event["step"] for event in of_kind(run, "step_started")]
    assert {step: started.count(step) for step in started} == {"good": 1, "vote": 1, "bad": 3, "behind": 1}
    assert {name: (run / name).read_bytes() for name in before} == before
    project.awo("verify").expect(0)


def test_a_run_that_stays_broken_is_sealed_as_failed_and_is_evidence(project: Project) -> None:
    project.write("branches.yaml", BRANCHES % (project.top / "mark"))
    project.awo("run", "branches.yaml").expect(6)
    run = project.latest()
    assert project.awo("seal", "latest", "--json").expect(0).json["outcome"] == "failed"
    assert json.loads((run / "audit/seal.json").read_text())["outcome"] == "failed"
    done = project.awo("verify", "--json").expect(0)
    assert (done.json["verdict"], done.json["outcome"]) == ("passed", "failed")
    assert "bad" in (run / "report.md").read_text()
    project.awo("resume").expect(2)


def cut_journal_before(run: Path, kind: str) -> None:
    """The run as if its process had been killed just before the first event of this kind was written."""
    path = run / "audit/journal.jsonl"
    lines = path.read_bytes().splitlines(keepends=True)
    first = next(place for place, event in enumerate(events(run)) if event["kind"] == kind)
    path.write_bytes(b"".join(lines[:first]))


@pytest.fixture
def asked(project: Project) -> Path:
    """A run whose three answers are on disk while the journal only knows of the questions."""
    project.write("ask.yaml", "name: x\nsteps:\n  - {id: ask, op: fanout_generate, prompt: x}\n")
    project.awo("run", "ask.yaml").expect(0)
    writable(project.latest())
    for name in ("SHA256SUMS", "audit/seal.json", "audit/seal.json.sig", "audit/registration.json"):
        (project.latest() / name).unlink()
    project.forget_ledger()
    cut_journal_before(project.latest(), "call_answered")
    return project.latest()


def test_answers_that_arrived_but_were_not_recorded_are_recovered_and_not_asked_for_again(
    project: Project, asked: Path
) -> None:
    responses = (asked / "outputs/ask/responses.jsonl").read_bytes()
    project.awo("resume").expect(0)
    assert [event["recovered"] for event in of_kind(asked, "call_answered")] == [True] * 3
    assert len(of_kind(asked, "call_intended")) == 3
    assert (asked / "outputs/ask/responses.jsonl").read_bytes() == responses
    project.awo("verify").expect(0)


def test_a_killed_run_that_is_sealed_at_once_keeps_the_answers_that_had_arrived(project: Project, asked: Path) -> None:
    assert project.awo("seal", "latest", "--json").expect(0).json["outcome"] == "abandoned"
    assert [event["recovered"] for event in of_kind(asked, "call_answered")] == [True] * 3
    project.awo("verify").expect(0)


def test_a_failure_before_a_gate_keeps_the_gate_shut_until_it_is_mended(project: Project) -> None:
    mark = project.top / "mark"
    project.write("checklist.md", "- [ ] {#read} I have read it.\n")
    project.write(
        "gated.yaml",
        f"name: x\nsteps:\n  - {{id: bad, op: command, argv: [test, -e, {mark}]}}\n"
        "  - {id: gate, op: audit_gate, checklist: checklist.md}\n",
    )
    project.awo("run", "gated.yaml").expect(6)
    assert project.awo("gates", "--json").expect(0).json == {"gates": []}
    mark.touch()
    project.awo("resume").expect(78)
    assert len(of_kind(project.latest(), "gate_opened")) == 1


def test_an_answer_that_was_torn_is_cut_marked_unknown_and_asked_for_again(project: Project, asked: Path) -> None:
    path = asked / "outputs/ask/responses.jsonl"
    path.write_bytes(path.read_bytes()[:-7])
    project.awo("resume").expect(0)
    assert [event["recovered"] for event in of_kind(asked, "call_answered")] == [True, True, False]
    (cut,) = of_kind(asked, "tail_cut")
    assert cut["path"] == "outputs/ask/responses.jsonl"
    (unknown,) = of_kind(asked, "call_unknown")
    assert unknown["policy"] == "retry"
    assert len(of_kind(asked, "call_intended")) == 4
    project.awo("verify").expect(0)


def test_a_call_that_may_have_been_paid_for_is_not_repeated_unasked(project: Project) -> None:
    project.write(
        "paid.yaml",
        "name: x\nmodels: {paid: {backend: echo, on_unknown: fail}}\n"
        "steps:\n  - {id: ask, op: llm_map, prompt: x, model: paid}\n",
    )
    project.awo("run", "paid.yaml").expect(0)
    run = project.latest()
    writable(run)
    for name in ("SHA256SUMS", "audit/seal.json", "audit/seal.json.sig", "audit/registration.json"):
        (run / name).unlink()
    (run / "outputs/ask/responses.jsonl").unlink()
    project.forget_ledger()
    cut_journal_before(run, "call_answered")
    done = project.awo("resume", "--json").expect(6)
    assert "not repeated unasked" in done.json["failures"]["ask"]["error"]
    assert "--ask-again" in done.json["failures"]["ask"]["hint"]
    project.awo("resume").expect(6)
    assert len(of_kind(run, "call_intended")) == 1
    project.awo("resume", "--ask-again").expect(0)
    assert len(of_kind(run, "call_intended")) == 2
    project.awo("verify").expect(0)


def test_a_copied_folder_goes_on_elsewhere_with_nothing_else(at_gate: Project, tmp_path: Path) -> None:
    at_gate.approve().expect(0)
    run = at_gate.latest()
    stranger = Project(tmp_path / "another machine")
    place = stranger.root / "taken over" / run.name
    place.parent.mkdir()
    run.rename(place)
    for name in ("multi_model.json", "checklist.md", "claims/models-agree.json"):
        (at_gate.root / name).unlink()
    stranger.awo("resume", place).expect(0)
    assert (place / "outputs/final/files/final.txt").read_text() == "Approved and done."
    stranger.awo("verify", place).expect(0)
    starter, sealer = events(place)[0]["starter"], json.loads((place / "audit/seal.json").read_text())["sealer"]
    assert starter["key"] != sealer["key"]  # the other machine has a key of its own, and says so


def test_a_step_reads_the_text_of_the_start_even_when_the_file_has_changed_since(project: Project) -> None:
    mark = project.top / "mark"
    project.write("notes.md", "as it was\n")
    project.write(
        "reads.yaml",
        "name: reads\nsteps:\n"
        f"  - {{id: wait, op: command, shell: 'test -e {mark}'}}\n"
        "  - {id: read, op: command, argv: [cat, notes.md], inputs: [notes.md], needs: wait}\n",
    )
    project.awo("run", "reads.yaml").expect(6)
    project.write("notes.md", "as it is now\n")
    mark.touch()
    project.awo("resume").expect(0)
    assert (project.latest() / "outputs/read/files/stdout.txt").read_text() == "as it was\n"


def test_a_run_that_was_killed_before_its_first_event_says_so_and_hides_no_other_run(at_gate: Project) -> None:
    run = at_gate.latest()
    empty = at_gate.runs / "run_2999-01-01T00-00-00Z"
    (empty / "audit").mkdir(parents=True)
    assert "input.json" in at_gate.awo("resume", empty.name).expect(2).err
    assert [gate["run_id"] for gate in at_gate.awo("gates", "--json").expect(0).json["gates"]] == [run.name]
    assert [row["run"] for row in at_gate.awo("list", "--json").expect(0).json["runs"]] == [run.name, empty.name]

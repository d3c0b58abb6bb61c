"""The action on GitHub: what each run comes to, what is said of it, and what is kept, with `awo` as it is installed."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from tests.conformance.raw_server import answer, say, serving
from tests.e2e.github_runner import TOKEN, Runner, clone, commands_in, git
from tests.e2e.installed import Project, contents
from tests.e2e.multi_model import MULTI_MODEL, lay_out

HOSTILE = "::error::taken\n::add-mask::x\n```\n<script>alert(1)</script>"


@pytest.fixture(scope="module")
def pushed_once(tmp_path_factory: pytest.TempPathFactory) -> tuple[Project, Path, str]:
    """A repository whose CI has run the study to its gate and pushed it; its origin, and the summary of that job."""
    place = Project(tmp_path_factory.mktemp("ci"))
    place.enrol_reviewer()
    lay_out(place)
    (place.root / ".gitignore").write_text("runs/\n")
    origin = place.top / "origin.git"
    git(place, "init", "-q", "-b", "main")
    git(place, "init", "-q", "--bare", "-b", "main", str(origin))
    git(place, "remote", "add", "origin", str(origin))
    git(place, "add", "-A")
    git(place, "commit", "-q", "-m", "begin")
    done = Runner(place).act(workflow=MULTI_MODEL, commit="true", push="true").expect(0, "waiting")
    assert (
        git(place, "rev-parse", "HEAD")
        == done.outputs["commit"]
        == git(place, "ls-remote", "origin", "main").split()[0]
    )
    assert git(place, "status", "--porcelain") == ""
    assert [line[:14] for line in commands_in(done.log)] == ["::notice title"]
    return place, origin, done.summary


@pytest.fixture
def decided(pushed_once: tuple[Project, Path, str], tmp_path: Path) -> tuple[Project, Project, Path]:
    """The clones of the reviewer and of a new runner, and their origin, before anything is decided."""
    keys, origin, _ = pushed_once
    mine = tmp_path / "origin.git"
    git(keys, "clone", "-q", "--bare", str(origin), str(mine))
    return clone(mine, tmp_path / "alice", keys), clone(mine, tmp_path / "runner"), mine


def push_decision(reviewer: Project, runner: Project) -> Runner:
    """What the reviewer has decided, pushed and checked out on the runner."""
    before = git(reviewer, "rev-parse", "HEAD")
    git(reviewer, "add", "-f", "runs")
    git(reviewer, "commit", "-q", "-m", "decide")
    git(reviewer, "push", "-q", "origin", "HEAD")
    git(runner, "pull", "-q")
    job = Runner(runner)
    job.pushed(before, git(runner, "rev-parse", "HEAD"))
    return job


def test_a_gate_ends_the_job_green_and_the_summary_says_what_to_type(pushed_once: tuple[Project, Path, str]) -> None:
    place, _, summary = pushed_once
    run = place.latest().name
    for text in (f"`{run}` waits for a person", "no failure", "1 × reviewer", "git pull", f"awo gates show {run}"):
        assert text in summary
    assert f"awo approve {run} --key KEY --as ID --answer read=ANSWER --answer fair=ANSWER" in summary
    assert f"git add -f runs/{run} runs/ledger && git commit" in summary
    assert (place.runs / run / "report.md").read_text() in summary


def test_a_pushed_approval_is_taken_up_sealed_exported_and_committed(decided: tuple[Project, Project, Path]) -> None:
    alice, machine, origin = decided
    alice.approve().expect(0)
    done = push_decision(alice, machine).act(command="resume", commit="true", push="true").expect(0, "sealed")
    assert done.outputs["outcome"] == "approved"
    bundle = Path(done.outputs["bundle"])
    machine.awo("verify", bundle, "--trust", machine.root / "reviewers/allowed_signers").expect(0)
    assert (
        machine.awo("export", done.outputs["run"], "--json", "-o", machine.top / "again.tar.gz")
        .expect(0)
        .json["sha256"]
        == done.outputs["bundle-sha256"]
    )
    assert done.outputs["bundle-sha256"] in done.summary
    reader = clone(origin, machine.top / "reader")
    reader.awo("verify", "latest").expect(0)
    reader.awo("ledger", "audit").expect(0)
    Runner(machine).event.unlink()
    again = Runner(machine).act(command="resume", commit="true", push="true")
    assert (again.code, again.outputs["run"]) == (0, "")
    assert "no run was pushed" in again.log


def test_a_pushed_rejection_is_told_kept_and_ends_with_its_code(decided: tuple[Project, Project, Path]) -> None:
    alice, machine, _ = decided
    alice.reject(reason=f"No. {HOSTILE}").expect(0)
    done = push_decision(alice, machine).act(command="resume").expect(5, "rejected")
    assert Path(done.outputs["bundle"]).is_file()
    assert "was rejected, and is kept as evidence" in done.summary
    assert "<script>" not in done.summary
    assert commands_in(done.log) == []


def test_what_a_waiting_run_needs_elsewhere_is_laid_out_for_upload(decided: tuple[Project, Project, Path]) -> None:
    _, machine, _ = decided
    run = machine.latest()
    done = Runner(machine).act(command="resume", run="latest").expect(0, "waiting")
    place = Path(done.outputs["waiting"])
    assert sorted(path.name for path in place.iterdir()) == ["ledger", run.name]
    assert contents(place / run.name) == contents(run)
    assert "unpack the artifact awo-waiting" in done.summary


def test_a_workflow_without_a_gate_ends_sealed_with_its_report(project: Project) -> None:
    project.write("w.yaml", "name: one\nsteps:\n  - {id: note, op: write_text, path: out.txt, text: hello}\n")
    done = Runner(project).act(workflow="w.yaml").expect(0, "sealed")
    assert (done.outputs["outcome"], done.outputs["commit"], done.outputs["waiting"]) == ("completed", "", "")
    assert (project.latest() / "report.md").read_text() in done.summary
    project.awo("verify", done.outputs["bundle"]).expect(0)
    assert commands_in(done.log) == []


def test_a_failed_step_is_told_without_obeying_what_its_text_says(project: Project) -> None:
    text = json.dumps(HOSTILE)
    first = "{id: say, op: fanout_generate, prompt: hello, models: [echo]}"
    vote = "{id: vote, op: consensus_vote, inputs_from: say}"
    bad = f"{{id: bad, op: assert_contains, from_step: vote, must_include: [{text}]}}"
    project.write("w.yaml", f"name: one\nsteps:\n  - {first}\n  - {vote}\n  - {bad}\n")
    done = Runner(project).act(workflow="w.yaml", seal_failed="true").expect(6, "failed")
    assert [line[:13] for line in commands_in(done.log)] == ["::error title"]
    assert "has failed" in done.summary
    assert (done.outputs["outcome"], Path(done.outputs["bundle"]).is_file()) == ("failed", True)


def test_a_workflow_that_is_not_valid_starts_nothing_and_keeps_the_exit_code(project: Project) -> None:
    project.write("w.yaml", "name: one\nsteps:\n  - {id: a, op: wrte_text}\n")
    done = Runner(project).act(workflow="w.yaml").expect(8, "failed")
    assert done.outputs["run"] == ""
    assert "no run was started" in done.summary
    assert "wrte_text" in done.summary


@pytest.mark.parametrize(
    ("inputs", "says"),
    [
        ({"command": "fly"}, "run, resume or relay"),
        ({"command": "run"}, "the input workflow is missing"),
        ({"command": "relay", "run": "latest"}, "relay needs the inputs key"),
        ({"command": "relay", "run": "pushed", "key": "k", "as": "ci@example.org"}, "one approval is for one run"),
        ({"command": "resume", "run": "latest"}, "no run"),
        ({"command": "resume", "run": "--help"}, "the input run cannot be"),
        ({"workflow": "a\n::error::b"}, "the input workflow cannot be"),
        ({"workflow": "w.yaml", "push": "true"}, "push needs commit"),
        ({"commit": "yes"}, "commit is true or false"),
        ({"workflow": "w.yaml", "key": "k"}, "needs the input as"),
        ({"command": "resume", "run": "run_2026-01-01T00-00-00Z"}, "run_2026-01-01T00-00-00Z"),
    ],
)
def test_wrong_inputs_are_one_clear_error(project: Project, inputs: dict[str, str], says: str) -> None:
    done = Runner(project).act(**inputs)
    if says == "no run":
        assert (done.code, done.outputs["run"]) == (0, "")
        return
    assert (done.code, done.outputs["state"]) == (2, "failed")
    assert says in done.log
    assert says in done.summary
    assert "Traceback" not in done.log


def test_a_neutral_check_is_made_where_it_is_asked_for(decided: tuple[Project, Project, Path]) -> None:
    _, machine, _ = decided
    with serving(say(answer(201, b"{}")), say(answer(403, b"{}"))) as api:
        variables = {"GITHUB_API_URL": api.url}
        runner = Runner(machine)
        runner.act(variables, command="resume", run="latest", check_run="true").expect(0, "waiting")
        again = runner.act(variables, command="resume", run="latest", check_run="true").expect(0, "waiting")
    head, _, body = api.requests[0].partition(b"\r\n\r\n")
    assert head.startswith(b"POST /repos/octo/study/check-runs ")
    assert f"Authorization: Bearer {TOKEN}".encode() in head
    assert json.loads(body)["conclusion"] == "neutral"
    assert "checks: write" in again.log


def test_a_job_that_is_on_no_branch_runs_nothing_that_it_could_not_push(project: Project) -> None:
    project.write("w.yaml", "name: one\nsteps:\n  - {id: note, op: write_text, path: out.txt, text: hello}\n")
    variables = {"GITHUB_REF": "refs/pull/7/merge", "GITHUB_REF_NAME": "7/merge"}
    done = Runner(project).act(variables, workflow="w.yaml", commit="true", push="true").expect(2, "failed")
    assert "refs/pull/7/merge" in done.summary
    assert not project.runs.exists()


def test_what_others_pushed_meanwhile_stays_and_the_run_goes_behind_it(decided: tuple[Project, Project, Path]) -> None:
    alice, machine, origin = decided
    alice.approve().expect(0)
    job = push_decision(alice, machine)
    alice.write("notes.txt", "mine\n")
    git(alice, "add", "notes.txt")
    git(alice, "commit", "-q", "-m", "notes")
    git(alice, "push", "-q", "origin", "HEAD")
    done = job.act(command="resume", commit="true", push="true").expect(0, "sealed")
    assert git(machine, "ls-remote", "origin", "main").split()[0] == done.outputs["commit"]
    reader = clone(origin, machine.top / "reader")
    assert (reader.root / "notes.txt").read_text() == "mine\n"
    reader.awo("verify", "latest").expect(0)
    reader.awo("ledger", "audit").expect(0)


def test_two_ledgers_are_not_joined_and_what_cannot_be_pushed_is_kept(decided: tuple[Project, Project, Path]) -> None:
    alice, machine, _ = decided
    for place in (alice, machine):
        place.write("w.yaml", "name: one\nsteps:\n  - {id: go, op: audit_gate, checklist: list.md}\n")
        place.write("list.md", "- [ ] {#read} I have read it.\n")
    alice.awo("run", "w.yaml").expect(78)
    git(alice, "add", "-f", "runs")
    git(alice, "commit", "-q", "-m", "another")
    git(alice, "push", "-q", "origin", "HEAD")
    before = git(alice, "ls-remote", "origin", "main").split()[0]
    done = Runner(machine).act(workflow="w.yaml", commit="true", push="true").expect(7, "waiting")
    assert "start this one anew" in done.summary
    assert "unpack the artifact awo-waiting" in done.summary
    assert (Path(done.outputs["waiting"]) / done.outputs["run"] / "audit/journal.jsonl").is_file()
    assert git(alice, "ls-remote", "origin", "main").split()[0] == before


def test_what_has_failed_is_not_taken_up_with_what_waits_and_a_forced_push_is_no_fault(
    decided: tuple[Project, Project, Path],
) -> None:
    _, machine, _ = decided
    waits = machine.latest().name
    first = "{id: say, op: fanout_generate, prompt: hello, models: [echo]}"
    vote = "{id: vote, op: consensus_vote, inputs_from: say}"
    bad = "{id: bad, op: assert_contains, from_step: vote, must_include: [absent]}"
    machine.write("w.yaml", f"name: one\nsteps:\n  - {first}\n  - {vote}\n  - {bad}\n")
    failed = Runner(machine).act(workflow="w.yaml").expect(6, "failed")
    assert (Path(failed.outputs["waiting"]) / failed.outputs["run"] / "audit/journal.jsonl").is_file()
    job = Runner(machine)
    job.pushed("1" * 40, git(machine, "rev-parse", "HEAD"))
    done = job.act(command="resume").expect(0, "waiting")
    assert done.outputs["run"] == waits
    assert [line for line in commands_in(done.log) if line.startswith("::warning")]
    assert failed.outputs["run"] not in done.summary


def test_the_key_is_for_one_user_only_and_gone_when_the_job_is_cancelled(project: Project) -> None:
    fake = project.top / "bin" / "awo"
    fake.parent.mkdir()
    fake.write_text(f"#!/bin/sh\nstat -c %a $RUNNER_TEMP/awo-key/* > {project.top}/seen\nkill $PPID\nexec sleep 60\n")
    fake.chmod(0o755)
    variables = {"PATH": f"{fake.parent}:{project.environment['PATH']}"}
    done = Runner(project).act(variables, **{"workflow": "w.yaml", "key": "planted", "as": "ci@example.org"})
    assert done.code == 143
    assert (project.top / "seen").read_text() == "600\n"
    assert not (project.top / "runner_temp" / "awo-key").exists()


def test_what_awo_starts_inherits_no_secret_of_the_job(project: Project) -> None:
    fake = project.top / "bin" / "awo"
    fake.parent.mkdir()
    fake.write_text(f"#!/bin/sh\nenv > {project.top}/seen\n")
    fake.chmod(0o755)
    variables = {"PATH": f"{fake.parent}:{project.environment['PATH']}", "ACTIONS_RUNTIME_TOKEN": "planted"}
    variables |= {"ACTIONS_ID_TOKEN_REQUEST_TOKEN": "planted", "ACTIONS_ID_TOKEN_REQUEST_URL": "https://planted"}
    done = Runner(project).act(variables, **{"workflow": "w.yaml", "key": "planted", "as": "ci@example.org"})
    assert "gave no answer" in done.summary
    seen = (project.top / "seen").read_text()
    assert "GITHUB_ACTIONS=true" in seen
    assert "planted" not in seen
    assert TOKEN not in seen


def test_the_summary_does_not_show_what_the_scan_keeps_from_the_bundle(project: Project) -> None:
    text = "-----BEGIN OPENSSH PRIVATE KEY-----"
    project.write(
        "w.yaml", f"name: one\nsteps:\n  - {{id: say, op: fanout_generate, prompt: '{text}', models: [echo]}}\n"
    )
    done = Runner(project).act(workflow="w.yaml").expect(2, "sealed")
    assert done.outputs["bundle"] == ""
    assert "the scan found" in done.summary
    assert text in (project.latest() / "report.md").read_text()
    assert text not in done.summary + done.log


@pytest.mark.parametrize("is_gated", [False, True])
def test_what_the_scan_holds_back_is_not_committed(project: Project, is_gated: bool) -> None:
    text = "-----BEGIN OPENSSH PRIVATE KEY-----"
    steps = f"  - {{id: say, op: fanout_generate, prompt: '{text}', models: [echo]}}\n"
    gate = "  - {id: look, op: audit_gate, checklist: checklist.md}\n" if is_gated else ""
    project.write("checklist.md", "- [ ] Read it.\n")
    project.write("w.yaml", f"name: one\nsteps:\n{steps}{gate}")
    git(project, "init", "-q", "-b", "main")
    git(project, "add", "w.yaml", "checklist.md")
    git(project, "commit", "-q", "-m", "begin")
    before = git(project, "rev-parse", "HEAD")
    done = Runner(project).act(workflow="w.yaml", commit="true").expect(2, "waiting" if is_gated else "sealed")
    assert "not committed" in done.summary
    assert git(project, "rev-parse", "HEAD") == before
    assert bool(done.outputs["waiting"]) == is_gated

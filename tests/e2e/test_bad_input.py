"""Bad input from the command line: one clear error, its exit code, and nothing made, changed or lost."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest
from tests.e2e.installed import REVIEWER, RUNNER, Project, events, of_kind, unchanged, wait_for

ASK = "name: x\nsteps:\n  - {id: a, op: llm_map, prompt: x}\n"

CHAINED = """\
name: x
steps:
  - {id: a, op: llm_map, prompt: '{{ steps.%s.text }}'}
  - {id: b, op: llm_map, prompt: '{{ steps.%s.text }}'}
"""

WORKFLOWS = {
    "an unknown operation": (
        "name: x\nsteps:\n  - {id: a, op: llm_mapp, prompt: x}\n",
        ("bad.yaml:3:17", "llm_mapp", "did you mean 'llm_map'?"),
    ),
    "an unknown key": (
        "name: x\nsteps:\n  - {id: a, op: llm_map, promt: x}\n",
        ("bad.yaml:3:26", "promt", "did you mean 'prompt'?"),
    ),
    "a wrong type": (
        "name: x\nsteps:\n  - {id: a, op: llm_map, prompt: 3}\n",
        ("bad.yaml:3:34", "expected: text", "got: the number 3"),
    ),
    "a file that is not there": (
        "name: x\nsteps:\n  - {id: a, op: audit_gate, checklist: checklst.md}\n",
        ("bad.yaml:3:40", "checklst.md", "did you mean 'checklist.md'?"),
    ),
    "a template with an undefined name": (
        "name: x\ninputs: {topic: y}\nsteps:\n  - {id: a, op: llm_map, prompt: '{{ inputs.topc }}'}\n",
        ("bad.yaml:4:34", "topc", "did you mean 'topic'?"),
    ),
    "steps that wait for each other": (
        CHAINED % ("b", "a"),
        ("bad.yaml:3:5", "a needs b needs a"),
    ),
    "an id that is there twice": (ASK + "  - {id: A, op: llm_map, prompt: y}\n", ("bad.yaml:4:10", "'a' and 'A'")),
    "a step that nobody is": (
        "name: x\nsteps:\n  - {id: a, op: consensus_vote, inputs_from: b}\n",
        ("bad.yaml:3:46", "there is no step called 'b'"),
    ),
    "a path that climbs out of the run": (
        "name: x\nsteps:\n  - {id: a, op: write_text, path: ../out.txt, text: y}\n",
        ("bad.yaml:3:35", "'../out.txt'", "'..' part"),
    ),
    "an absolute path": (
        "name: x\nsteps:\n  - {id: a, op: write_text, path: /tmp/out.txt, text: y}\n",
        ("bad.yaml:3:35", "it is absolute"),
    ),
    "a file read from outside": (
        "name: x\ninputs: {s: {file: ../secret}}\nsteps:\n  - {id: a, op: llm_map, prompt: '{{ inputs.s }}'}\n",
        ("bad.yaml:2:20", "'../secret'", "only inside the workflow's folder"),
    ),
    "a file read through a link": (
        "name: x\ninputs: {s: {file: link}}\nsteps:\n  - {id: a, op: llm_map, prompt: '{{ inputs.s }}'}\n",
        ("bad.yaml:2:20", "'link'", "leaves the workflow's folder"),
    ),
    "a checklist without items": (
        "name: x\nsteps:\n  - {id: a, op: audit_gate, checklist: empty.md}\n",
        ("bad.yaml:3:40", "no items", "empty.md"),
    ),
    "no YAML": ("name: [x\n", ("bad.yaml:2:1", "not YAML")),
    "nothing": ("", ("bad.yaml", "empty")),
}


@pytest.mark.parametrize("case", WORKFLOWS)
def test_a_bad_workflow_is_refused_where_it_is_bad_before_anything_starts(at_gate: Project, case: str) -> None:
    text, says = WORKFLOWS[case]
    (at_gate.top / "secret").write_text("not for the run")
    (at_gate.root / "link").symlink_to(at_gate.top / "secret")
    at_gate.write("empty.md", "# Nothing to answer\n")
    at_gate.write("bad.yaml", text)
    with unchanged(at_gate.root):
        at_gate.awo("run", "bad.yaml").refused(8, *says)
        at_gate.awo("validate", "bad.yaml").refused(8, *says)
        at_gate.awo("run", "bad.yaml", "--json").refused_in_json(8)


def test_every_problem_of_a_workflow_is_told_at_once(project: Project) -> None:
    project.write("bad.yaml", "name: x\nsteps:\n  - {id: a, op: llm_mapp}\n  - {id: b, op: llm_map, prompt: 3}\n")
    problems = project.awo("validate", "bad.yaml", "--json").expect(8).json["problems"]
    assert [problem["line"] for problem in problems] == [3, 4]
    assert project.awo("validate", "bad.yaml").expect(8).err.count("bad.yaml:") == 2


USES = {
    "no such command": (("aprove",), 2, ("aprove", "Did you mean 'approve'?")),
    "no such option": (("run", "w.yaml", "--jsn"), 2, ("--jsn", "--json")),
    "no file for the workflow": (("run", "gone.yaml"), 2, ("gone.yaml", "no workflow file")),
    "a folder as the workflow": (("run", "."), 2, ("no file",)),
    "a missing argument": (("run",), 2, ("FILE",)),
    "no such run": (("resume", "run_2001-01-01T00-00-00Z"), 2, ("run_2001-01-01T00-00-00Z", "awo list")),
    "a folder that is no run": (("show", "."), 2, ("not a run", "input.json")),
    "nothing to verify": (("verify", "gone.tar.gz"), 2, ("gone.tar.gz",)),
    "a list of trust that is not there": (("verify", "--trust", "gone"), 2, ("gone", "cannot be read")),
    "a chapter that cannot be required": (("verify", "--require", "autority"), 2, ("did you mean 'authority'?",)),
    "a key that is not there": (("run", "w.yaml", "--key", "gone"), 7, ("gone", "ssh-keygen")),
    "an export of what is not sealed": (("export",), 2, ("sealed",)),
    "an unknown shape": (("schema", "gaet"), 2, ("gaet",)),
}


@pytest.mark.parametrize("case", USES)
def test_a_wrong_use_of_a_command_is_refused_and_changes_nothing(at_gate: Project, case: str) -> None:
    arguments, code, says = USES[case]
    at_gate.write("w.yaml", ASK)
    with unchanged(at_gate.root):
        at_gate.awo(*arguments).refused(code, *says)
        at_gate.awo(*arguments, "--json").refused_in_json(code)


# --- decisions -----------------------------------------------------------------------------------------

READ, FAIR = ("--answer", "read=yes"), ("--answer", "fair=yes")
DECISIONS = {
    "a required answer is missing": ((*READ,), 2, ("fair",)),
    "a required answer is no": ((*READ, "--answer", "fair=no"), 2, ("fair",)),
    "an answer is neither yes nor no": ((*READ, "--answer", "fair=perhaps"), 2, ("perhaps", "yes")),
    "an item is unknown": ((*READ, *FAIR, "--answer", "fare=yes"), 2, ("fare", "fair")),
    "an item is answered twice": ((*READ, *READ, *FAIR), 2, ("read",)),
    "an answer has no item": ((*READ, *FAIR, "--answer", "yes"), 2, ("item=answer",)),
    "the signer is unknown": ((*READ, *FAIR, "--as", "mallory@example.org"), 2, ("mallory@example.org", "enrol")),
    "the key is another person's": ((*READ, *FAIR, "--key", "{mallory}"), 2, (REVIEWER, "not enrolled")),
    "the key is not there": ((*READ, *FAIR, "--key", "{gone}"), 7, ("gone", "ssh-keygen")),
    "the key is only public and no agent has it": ((*READ, *FAIR, "--key", "{alice}.pub"), 7, ("agent",)),
    "the key is no key": ((*READ, *FAIR, "--key", "{workflow}"), 2, ("multi_model.json",)),
}


@pytest.mark.parametrize("case", DECISIONS)
def test_a_decision_that_does_not_count_is_refused_and_the_gate_stays_open(at_gate: Project, case: str) -> None:
    more, code, says = DECISIONS[case]
    run = at_gate.latest()
    places = {
        "alice": str(at_gate.key),
        "mallory": str(at_gate.top / "keys/mallory"),
        "gone": str(at_gate.top / "keys/gone"),
        "workflow": str(at_gate.root / "multi_model.json"),
    }
    if "{mallory}" in more:
        at_gate.awo("keys", "new", "mallory@example.org", "--no-passphrase", "--out", places["mallory"]).expect(0)
    given = [word.format(**places) for word in more]
    command = ["approve", "latest", "--key", str(at_gate.key), "--as", REVIEWER, *given]
    with unchanged(run / "outputs"):
        at_gate.awo(*command).refused(code, *says)
        at_gate.awo(*command, "--json").refused_in_json(code)
    assert not (run / "audit/decisions").exists() or not list((run / "audit/decisions").iterdir())
    assert {event["kind"] for event in events(run)[-2:]} <= {"decision_refused", "gate_opened", "step_started"}
    at_gate.approve().expect(0)


def test_a_rejection_without_a_reason_is_refused(at_gate: Project) -> None:
    with unchanged(at_gate.root):
        at_gate.reject(reason="  ").refused(2, "--reason")


def test_nobody_can_decide_where_nobody_is_enrolled(at_gate: Project) -> None:
    (at_gate.root / "reviewers/allowed_signers").unlink()
    at_gate.approve().refused(2, "nobody is enrolled", "awo keys enrol")
    (refusal,) = of_kind(at_gate.latest(), "decision_refused")
    assert (refusal["signer"], refusal["reason"]["code"]) == (REVIEWER, "no_reviewers")


def test_a_decision_on_a_closed_gate_is_refused(at_gate: Project) -> None:
    at_gate.approve().expect(0)
    with unchanged(at_gate.root):
        at_gate.approve().refused(2, "no gate of this run is open", "awo status")
        at_gate.reject().refused(2, "no gate of this run is open")
    at_gate.awo("resume").expect(0)
    at_gate.awo("verify").expect(0)


def test_who_started_a_run_may_not_decide_on_it(at_gate: Project) -> None:
    own = at_gate.top / "config/awo/keys/awo-seal"
    at_gate.awo("keys", "enrol", RUNNER, f"{own}.pub").expect(0)
    at_gate.awo("approve", "latest", "--key", own, "--as", RUNNER, *READ, *FAIR).refused(2, RUNNER, "solo = true")
    (refusal,) = of_kind(at_gate.latest(), "decision_refused")
    assert refusal["reason"]["code"] == "starter"
    at_gate.approve().expect(0)
    at_gate.awo("resume").expect(0)
    at_gate.awo("verify").expect(0)


def test_who_works_alone_may_decide_and_everybody_is_told(project: Project) -> None:
    project.write("awo.toml", "[gates]\nsolo = true\n")
    project.write("checklist.md", "- [ ] {#read} I have read it.\n")
    project.write("w.yaml", ASK + "  - {id: gate, op: audit_gate, checklist: checklist.md}\n")
    project.awo("run", "w.yaml").expect(78)
    run = project.latest()
    own = project.top / "config/awo/keys/awo-seal"
    project.awo("keys", "enrol", RUNNER, f"{own}.pub").expect(0)
    done = project.awo("approve", "latest", "--key", own, "--as", RUNNER, *READ).expect(0)
    assert "solo" in done.err
    project.awo("resume").expect(0)
    assert '"solo":true' in (run / "audit/decisions/0001-gate.json").read_text()
    assert "no independent review" in (run / "report.md").read_text()
    assert f"SOLO: {RUNNER}" in project.awo("verify").expect(0).out


# --- the machine -----------------------------------------------------------------------------------------


def test_a_workflow_that_may_not_be_read_is_told_so(project: Project) -> None:
    project.write("w.yaml", ASK).chmod(0)
    project.awo("run", "w.yaml", is_bound=True).refused(2, "w.yaml", "not readable")


def test_a_runs_folder_that_may_not_be_written_to_is_told_so(at_gate: Project) -> None:
    at_gate.write("w.yaml", ASK)
    at_gate.runs.chmod(0o555)
    with unchanged(at_gate.root):
        at_gate.awo("run", "w.yaml", is_bound=True).refused(7, str(at_gate.runs), "ermission denied")
        at_gate.awo("run", "w.yaml", "--runs", "w.yaml").refused(7, "w.yaml")


def test_a_configuration_that_cannot_be_written_to_is_told_so(project: Project) -> None:
    project.write("w.yaml", ASK)
    for command in (("run", "w.yaml"), ("keys", "new", "bob@example.org", "--no-passphrase")):
        project.awo(*command, variables={"XDG_CONFIG_HOME": "/dev/null"}).refused(7, "/dev/null/awo/keys")


def test_a_second_process_on_one_run_is_refused_and_the_first_goes_on(project: Project) -> None:
    project.enrol_reviewer()
    mark = project.top / "mark"
    line = f"while ! test -e {mark}; do sleep 0.05; done"
    project.write("w.yaml", ASK + f"  - {{id: b, op: command, shell: {line!r}}}\n")
    with project.start("run", "w.yaml") as first:
        run = wait_for(project, "step_started", step="b")
        for command in (("resume", run.name), ("seal", run.name), ("render", run.name)):
            project.awo(*command).refused(2, "another process", run.name)
        project.approve(run.name).refused(2, "another process")
        assert project.awo("status", run.name, "--json").expect(0).json["state"] in (
            "running",
            "running or interrupted",
        )
        mark.touch()
        first.end().expect(0)
    project.awo("verify").expect(0)


def test_an_uncommitted_tree_is_refused_where_the_project_says_so(project: Project) -> None:
    def git(*arguments: str) -> None:
        identity = ("-c", "user.name=A", "-c", "user.email=a@example.org", "-c", "commit.gpgsign=false")
        subprocess.run(["git", *identity, *arguments], cwd=project.root, check=True, env=project.environment)

    project.write("awo.toml", "require_commit = true\n")
    project.write(".gitignore", "runs/\n")
    workflow = project.write("w.yaml", ASK)
    with unchanged(project.root):
        project.awo("run", "w.yaml").refused(2, "require_commit", "git init")
    git("init", "-q")
    git("add", ".")
    git("commit", "-qm", "first")
    project.awo("run", "w.yaml").expect(0)
    (recorded,) = of_kind(project.latest(), "environment_recorded")
    assert recorded["environment"]["git"]["is_dirty"] is False
    workflow.write_text(ASK.replace("name: x", "name: y"))
    with unchanged(project.runs):
        project.awo("run", "w.yaml").refused(2, "require_commit", "git status")


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("require_comit = true\n", ("awo.toml", "require_comit", "did you mean 'require_commit'?")),
        ("[gates]\nsolo = 'yes'\n", ("awo.toml", "gates.solo", "true or false")),
        ("[gates\n", ("awo.toml", "not TOML")),
    ],
)
def test_bad_settings_are_refused(at_gate: Project, text: str, says: tuple[str, ...]) -> None:
    at_gate.write("awo.toml", text)
    with unchanged(at_gate.root):
        at_gate.awo("resume").refused(2, *says)


def test_a_key_is_never_overwritten_and_a_private_key_never_enrolled(project: Project) -> None:
    project.enrol_reviewer()
    with unchanged(project.top):
        project.awo("keys", "new", REVIEWER, "--no-passphrase", "--out", project.key).refused(2, "never overwritten")
        project.awo("keys", "enrol", REVIEWER, project.key).refused(2, "private key", ".pub")
        project.awo("keys", "enrol", REVIEWER, f"{project.key}.pub").refused(2, "already")
        project.awo("keys", "enrol", "bob@example.org", "gone.pub").refused(2, "gone.pub")
        project.awo("keys", "new", "bob@example.org").refused(2, "terminal", "--no-passphrase")


def test_enrolling_after_a_line_without_an_end_keeps_both_lines(project: Project) -> None:
    project.enrol_reviewer()
    signers = project.root / "reviewers/allowed_signers"
    signers.write_bytes(signers.read_bytes().rstrip(b"\n"))
    project.awo("keys", "new", "bob@example.org", "--no-passphrase", "--out", project.top / "keys/bob").expect(0)
    project.awo("keys", "enrol", "bob@example.org", project.top / "keys/bob.pub").expect(0)
    listed = project.awo("keys", "list", "--json").expect(0).json["reviewers"]
    assert [row["id"] for row in listed] == [REVIEWER, "bob@example.org"]


def test_this_machine_has_one_key_of_its_own_even_when_two_runs_need_it_at_once(project: Project) -> None:
    project.write("w.yaml", ASK)
    with project.start("run", "w.yaml") as first, project.start("run", "w.yaml") as second:
        first.end().expect(0)
        second.end().expect(0)
    starters = {events(folder)[0]["starter"]["key"] for folder in project.runs.glob("run_*")}
    assert len(starters) == 1
    assert sorted(os.listdir(project.top / "config/awo/keys")) == ["awo-seal", "awo-seal.pub", "ledger"]
    assert Path(project.top / "config/awo/keys/awo-seal").stat().st_mode & 0o077 == 0

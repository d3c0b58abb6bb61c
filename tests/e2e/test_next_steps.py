"""What a command tells a person to type next works where they are, and says aloud what would surprise them."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

from tests.e2e.installed import REVIEWER, RUNNER, Project

GATELESS = "name: one\nsteps:\n  - {id: ask, op: llm_map, prompt: hello}\n"
TEMPLATE_WITHOUT_QUOTES = "name: one\nsteps:\n  - id: ask\n    op: llm_map\n    prompt: {{ inputs.x }}\n"


def next_words(printed: str) -> list[str]:
    """The first command behind `next:`, as a shell reads it."""
    found = re.search(r"next: awo (.+?)(?:, |    |\n|$)", printed)
    assert found, printed
    return shlex.split(found[1])


def test_a_run_that_is_named_by_a_dot_is_named_by_its_id_in_what_follows(sealed: Project) -> None:
    sealed.awo("init").expect(0)
    run = sealed.latest()
    said = sealed.awo("status", ".", folder=run).expect(0).out
    assert next_words(said) == ["verify", run.name]


def test_from_outside_the_project_the_next_command_names_the_path(sealed: Project, tmp_path: Path) -> None:
    elsewhere = tmp_path / "else where"
    elsewhere.mkdir()
    said = sealed.awo("status", sealed.latest(), folder=elsewhere).expect(0).out
    sealed.awo(*next_words(said), folder=elsewhere).expect(0)


def test_a_folder_above_a_run_is_no_evidence_and_the_run_in_it_is_named(sealed: Project) -> None:
    done = sealed.awo("verify", ".")
    done.refused(2, "not a run", sealed.latest().name)
    sealed.awo(*next_words(done.err)).expect(0)


def test_a_package_without_its_input_and_journal_is_still_judged(sealed: Project) -> None:
    run = sealed.latest()
    run.chmod(0o755)
    (run / "audit").chmod(0o755)
    (run / "input.json").unlink()
    (run / "audit/journal.jsonl").unlink()
    assert "input.json: the file is missing" in sealed.awo("verify", run).expect(3).out


def test_a_workflow_of_another_project_is_pointed_out(project: Project, tmp_path: Path) -> None:
    project.awo("init").expect(0)
    path = project.write("one.yaml", GATELESS)
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    assert str(project.root) in project.awo("run", path, folder=elsewhere).expect(0).err.partition("run run_")[0]
    assert "lies in the project" not in project.awo("run", path).expect(0).err


def test_an_approval_says_when_nobody_knows_who_started_the_run(at_gate: Project) -> None:
    at_gate.awo("run", *at_gate.root.glob("*.json"), variables={"AWO_ID": ""}).expect(78)
    assert "names only a machine" in at_gate.approve().expect(0).err


def test_a_run_that_somebody_else_seals_says_so(at_gate: Project) -> None:
    quiet = at_gate.approve().expect(0).err
    assert "names only a machine" not in quiet
    said = at_gate.awo("resume", "latest", "--key", at_gate.key, "--as", REVIEWER).expect(0).err
    assert f"{RUNNER} started this run, and the key of {REVIEWER} sealed it" in said


def test_what_follows_a_gate_keeps_key_and_id(project: Project) -> None:
    project.awo("init").expect(0)
    project.enrol_reviewer()
    said = project.awo("run", "workflow.yaml", "--key", project.key, "--as", REVIEWER).expect(78).out
    assert said.rstrip().endswith(f"awo resume {project.latest().name} --key {project.key} --as {REVIEWER}")


def test_a_template_without_quotes_is_told_about_quotes(project: Project) -> None:
    project.write("one.yaml", TEMPLATE_WITHOUT_QUOTES)
    project.awo("validate", "one.yaml").refused(8, "one.yaml:5:", "put a template in quotes")


def test_a_project_cannot_be_made_in_a_file_and_that_is_no_fault(project: Project) -> None:
    project.write("taken", "")
    project.awo("init", "taken").refused(7, "cannot be made", "taken")

"""`awo verify` holds a run against the clone it was made from: real runs, real git, hostile repositories."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
from tests.e2e.installed import Project, of_kind, writable

FLOW = (
    "name: x\ninputs: {n: {file: notes.md}}\nsteps:\n  - {id: a, op: llm_map, model: echo, prompt: '{{ inputs.n }}'}\n"
)
PLANTED = "s3cretT0ken"


def git(project: Project, *words: str, folder: Path | None = None) -> str:
    done = subprocess.run(
        ["git", *words], cwd=folder or project.root, env=project.environment, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


@pytest.fixture(scope="module")
def made_once(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A project in a folder of a repository, with one sealed run of a clean tree, which is committed."""
    project = Project(tmp_path_factory.mktemp("clone"))
    project.write("study/flow.yaml", FLOW)
    project.write("study/notes.md", "one\n")
    project.write("study/awo.toml", "")
    project.write(".gitignore", "runs/\n")
    for key, value in (("user.name", "A Committer"), ("user.email", "committer@example.org")):
        git(project, "config", "--global", key, value)
    git(project, "init", "-q", "-b", "main")
    git(project, "remote", "add", "origin", f"https://u:{PLANTED}@host.example/a.git?t={PLANTED}")
    git(project, "add", "-A")
    git(project, "commit", "-q", "-m", "begin")
    git(project, "tag", "v1")
    project.awo("run", "flow.yaml", folder=project.root / "study").expect(0)
    project.awo("seal", "--commit", folder=project.root / "study").expect(0)
    return project


@pytest.fixture
def made(made_once: Project, tmp_path: Path) -> Project:
    return made_once.copy(tmp_path)


def run_of(project: Project) -> Path:
    (folder,) = (project.root / "study/runs").glob("run_*")
    return folder


def verified(project: Project, code: int, *words: str | Path, folder: Path | None = None) -> Any:
    place = folder or project.root / "study"
    return project.awo("verify", *(words or ("latest",)), "--json", folder=place).expect(code).json


def test_a_run_says_commit_remote_and_tags_without_a_password(made_once: Project) -> None:
    (recorded,) = of_kind(run_of(made_once), "environment_recorded")
    said = recorded["environment"]["git"]
    assert (said["folder"], said["has_workflow"], said["tags"]) == ("study/", True, ["v1"])
    assert said["remote"] == "https://host.example/a.git"
    assert said["is_dirty"] is False
    assert all(PLANTED.encode() not in path.read_bytes() for path in run_of(made_once).rglob("*") if path.is_file())


def test_inside_the_clone_of_the_run_both_are_compared_without_being_asked_to(made_once: Project) -> None:
    seen = verified(made_once, 0)["clone"]
    assert (seen["verdict"], seen["files"]) == ("passed", 2)
    assert seen["holds_input"] == [git(made_once, "rev-parse", "HEAD")]
    said = made_once.awo("verify", folder=made_once.root / "study").expect(0).out
    assert "beyond the package:\n  clone   ok" in said


def test_another_clone_is_named_and_a_bundle_is_held_against_it(made: Project) -> None:
    git(made, "clone", "-q", str(made.root), str(made.top / "other"))
    bundle = made.top / "x.tar.gz"
    made.awo("export", "latest", "--no-scan", "-o", bundle, folder=made.root / "study").expect(0)
    away = made.top / "away"
    away.mkdir()
    assert verified(made, 0, bundle, folder=away)["clone"] is None
    seen = verified(made, 0, bundle, "--clone", made.top / "other", folder=away)["clone"]
    assert (seen["verdict"], seen["files"], len(seen["holds_input"])) == ("passed", 2, 1)


def test_a_run_whose_files_are_not_those_of_its_commit_ends_with_code_3(made: Project) -> None:
    """Git is told to look away from a file, so the run takes its tree for clean."""
    git(made, "update-index", "--assume-unchanged", "study/notes.md")
    made.write("study/notes.md", "two\n")
    made.awo("run", "flow.yaml", folder=made.root / "study").expect(0)
    found = verified(made, 3)
    assert (found["verdict"], found["clone"]["verdict"]) == ("failed", "failed")
    assert found["clone"]["where"] == "study/notes.md"
    assert [check["id"] for check in found["checks"] if check["verdict"] == "failed"] == []
    said = made.awo("verify", folder=made.root / "study").expect(3).out
    assert "does NOT verify" in said
    assert "clone   WRONG" in said


def test_a_file_that_git_hands_out_otherwise_than_it_keeps_it_speaks_against_nobody(made: Project) -> None:
    made.write(".gitattributes", "study/notes.md ident\n")
    made.write("study/notes.md", "$Id$\n")
    git(made, "add", "-A")
    git(made, "commit", "-q", "-m", "ident")
    (made.root / "study/notes.md").unlink()
    git(made, "checkout", "--", "study/notes.md")
    made.awo("run", "flow.yaml", folder=made.root / "study").expect(0)
    seen = verified(made, 0)["clone"]
    assert (seen["verdict"], seen["files"], seen["where"]) == ("not_checked", 1, "study/notes.md")
    assert "hands this file out otherwise" in seen["what"]


def test_a_partial_clone_lacks_files_and_stops_no_verification(made: Project) -> None:
    git(made, "config", "uploadpack.allowFilter", "true")
    partial = made.top / "partial"
    git(made, "clone", "-q", "--no-checkout", "--filter=blob:none", made.root.as_uri(), str(partial))
    seen = verified(made, 0, "latest", "--clone", partial)["clone"]
    assert (seen["verdict"], seen["files"]) == ("not_checked", 0)
    assert "the clone lacks this file of the commit" in seen["what"]


def test_a_commit_with_another_input_of_the_run_ends_with_code_3(made: Project) -> None:
    run = run_of(made)
    kept = made.top / run.name
    shutil.copytree(run, kept)
    writable(run)
    with (run / "input.json").open("ab") as stream:
        stream.write(b" ")
    git(made, "commit", "-q", "-a", "-m", "altered")
    seen = verified(made, 3, kept)["clone"]
    assert seen["where"] == f"study/runs/{run.name}/input.json"


def test_what_is_no_clone_or_lacks_the_commit_is_said(made: Project) -> None:
    empty = made.top / "empty"
    empty.mkdir()
    study = made.root / "study"
    made.awo("verify", "latest", "--clone", empty, folder=study).refused(2, "no clone of a git repository")
    git(made, "init", "-q", folder=empty)
    git(made, "commit", "-q", "--allow-empty", "-m", "x", folder=empty)
    seen = verified(made, 0, "latest", "--clone", empty)["clone"]
    assert (seen["verdict"], seen["files"]) == ("not_checked", 0)
    assert "does not have the commit" in seen["what"]
    no_git = {"PATH": str(made.top / "home")}
    done = made.awo("verify", "latest", "--clone", empty, folder=study, variables=no_git)
    done.refused(7, "git is not installed")
    assert made.awo("verify", "--json", folder=study, variables=no_git).expect(0).json["clone"] is None


def test_a_hostile_repository_runs_nothing_and_reaches_nothing(made: Project) -> None:
    """Hooks, filters, a monitor and objects to be fetched: nothing of it is used, and what is missing is said."""
    seen = made.top / "ran"
    program = made.write("evil.sh", f"#!/bin/sh\ntouch {seen}\ncat\n")
    program.chmod(0o755)
    made.write(".gitattributes", "* filter=evil diff=evil\n")
    for key in ("filter.evil.smudge", "filter.evil.clean", "diff.evil.textconv", "core.fsmonitor", "core.sshCommand"):
        git(made, "config", key, str(program))
    git(made, "config", "core.hooksPath", str(made.root))
    blob = git(made, "rev-parse", "HEAD:study/notes.md")
    git(made, "config", "extensions.partialClone", "origin")
    git(made, "config", "remote.origin.promisor", "true")
    git(made, "config", "remote.origin.url", f"ext::{program}")
    git(made, "config", "protocol.ext.allow", "always")
    (made.root / ".git/objects" / blob[:2] / blob[2:]).unlink()
    if seen.exists():
        seen.unlink()
    found = verified(made, 0)["clone"]
    assert not seen.exists()
    assert (found["verdict"], found["files"], found["where"]) == ("not_checked", 1, "study/notes.md")


def test_variables_that_lead_git_elsewhere_are_not_followed(made: Project) -> None:
    other = made.top / "empty"
    other.mkdir()
    git(made, "init", "-q", folder=other)
    done = made.awo("verify", "--json", folder=made.root / "study", variables={"GIT_DIR": str(other / ".git")})
    assert done.expect(0).json["clone"]["files"] == 2

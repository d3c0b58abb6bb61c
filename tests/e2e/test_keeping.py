"""Sealed runs with the immutable flag, and in git: what came of it is said, and it is so."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.e2e.installed import Project

from awo.seal.immutable import make_changeable, why_not_in


@pytest.fixture
def freed(sealed: Project) -> Iterator[Project]:
    """A sealed project whose files can be removed again at the end."""
    yield sealed
    make_changeable(sealed.root)


def git(project: Project, *words: str, folder: Path | None = None) -> str:
    done = subprocess.run(
        ["git", *words], cwd=folder or project.root, env=project.environment, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture
def in_git(sealed: Project) -> Project:
    git(sealed, "init", "-q", "-b", "main")
    git(sealed, "config", "user.name", "A Committer")
    git(sealed, "config", "user.email", "committer@example.org")
    (sealed.root / ".gitignore").write_text("runs/\n")
    git(sealed, "add", "-A")
    git(sealed, "commit", "-q", "-m", "begin")
    return sealed


def test_the_flag_is_set_as_far_as_this_machine_lets_it_and_that_is_said(freed: Project) -> None:
    run = freed.latest()
    why = why_not_in(freed.runs)
    done = freed.awo("seal", "--immutable", "--json").expect(0).json["immutable"]
    assert bool(done["why"]) == bool(why)
    assert done["immutable"] == (0 if why else done["files"])
    said = freed.awo("seal", "--immutable").expect(0)
    assert ("no file is immutable" in said.err) if why else ("are immutable: only root" in said.out)
    if not why:
        with pytest.raises(PermissionError):
            (run / "report.md").unlink()
        with pytest.raises(PermissionError):
            run.rename(run.with_name("away"))
    freed.awo("verify").expect(0)
    assert freed.awo("show", "--json").expect(0).json["immutable"] == {
        "files": done["files"],
        "immutable": done["immutable"],
    }
    assert freed.awo("status", "--json").expect(0).json["is_immutable"] == (not why)
    assert make_changeable(run) == ""
    assert freed.awo("status", "--json").expect(0).json["is_immutable"] is False
    assert freed.awo("show", "--json").expect(0).json["immutable"]["immutable"] == 0


def test_doctor_says_whether_the_flag_can_be_set_here(sealed: Project) -> None:
    rows = {row["name"]: row for row in sealed.awo("doctor", "--json").expect(0).json["checks"]}
    why = why_not_in(sealed.runs)
    assert rows["immutable files"]["found"] == ("no: " + why if why else "yes")


def test_awo_toml_asks_for_the_flag_at_every_seal(at_gate: Project) -> None:
    policy = at_gate.root / "awo.toml"
    policy.write_text(
        f"{policy.read_text()}\n[seal]\nimmutable = true\n" if policy.exists() else "[seal]\nimmutable = true\n"
    )
    try:
        at_gate.reject().expect(0)
        done = at_gate.awo("show", "--json").expect(0).json["immutable"]
        assert done["immutable"] == (0 if why_not_in(at_gate.runs) else done["files"])
        at_gate.awo("verify").expect(0)
    finally:
        make_changeable(at_gate.root)


def test_a_sealed_run_is_committed_alone_byte_for_byte_and_entered_in_the_ledger(in_git: Project) -> None:
    (in_git.root / "half-done.txt").write_text("staged by somebody")
    git(in_git, "add", "half-done.txt")
    git(in_git, "config", "core.autocrlf", "true")
    run = in_git.latest()
    done = in_git.awo("seal", "--commit", "--json").expect(0).json["commit"]
    assert done["commit"] == git(in_git, "rev-parse", "HEAD").strip()
    names = git(in_git, "show", "--name-only", "--format=", "HEAD").split()
    files = [path for path in run.rglob("*") if path.is_file()]
    assert sorted(names) == sorted(path.relative_to(in_git.root).as_posix() for path in files)
    assert git(in_git, "status", "--porcelain").split() == ["A", "half-done.txt"]
    clone = in_git.top / "clone"
    git(in_git, "-c", "core.autocrlf=false", "clone", "-q", str(in_git.root), str(clone))
    in_git.awo("verify", clone / "runs" / run.name).expect(0)
    assert done["seal_sha256"] in git(in_git, "log", "-1", "--format=%B")
    assert (done["is_in_ledger"], done["was_ignored"]) == (True, True)
    again = in_git.awo("seal", "--commit").expect(0)
    assert "in git already" in again.out
    assert git(in_git, "rev-list", "--count", "HEAD").strip() == "2"


def test_a_folder_outside_git_is_refused_and_the_seal_stands(sealed: Project) -> None:
    sealed.awo("seal", "--commit").refused(2, "no git repository")
    sealed.awo("verify").expect(0)


def test_without_a_name_for_the_commit_git_is_not_asked(in_git: Project) -> None:
    git(in_git, "config", "--unset", "user.email")
    in_git.awo("seal", "--commit").refused(2, "does not know who commits", "git config user.name")


def test_a_hook_that_refuses_leaves_nothing_behind(in_git: Project) -> None:
    hook = in_git.root / ".git/hooks/pre-commit"
    hook.write_text("#!/bin/sh\necho 'not on a Friday' >&2\nexit 1\n")
    hook.chmod(0o755)
    in_git.awo("seal", "--commit").refused(2, "not on a Friday", "the seal stands")
    assert git(in_git, "rev-list", "--count", "HEAD").strip() == "1"
    assert git(in_git, "status", "--porcelain") == ""


@pytest.mark.parametrize("attribute", ["filter=shout", "text eol=crlf"])
def test_a_filter_that_would_change_the_bytes_is_refused(in_git: Project, attribute: str) -> None:
    git(in_git, "config", "filter.shout.clean", f"touch {in_git.top}/ran; tr a-z A-Z")
    (in_git.root / ".gitattributes").write_text(f"runs/** {attribute}\n")
    if attribute.startswith("text"):
        journal = next(in_git.latest().rglob("consensus.txt"))
        journal.chmod(0o644)
        journal.write_bytes(b"one\r\ntwo\r\n")
        journal.chmod(0o444)
    in_git.awo("seal", "--commit").refused(2, "would not keep the sealed bytes", "-filter")
    assert git(in_git, "rev-list", "--count", "HEAD").strip() == "1"
    assert not (in_git.top / "ran").exists()


def test_an_unsealed_run_is_sealed_first(at_gate: Project) -> None:
    git(at_gate, "init", "-q", "-b", "main")
    git(at_gate, "config", "user.name", "A Committer")
    git(at_gate, "config", "user.email", "committer@example.org")
    done = at_gate.awo("seal", "--commit", "--json").expect(0).json
    assert (done["outcome"], done["commit"]["is_new"]) == ("abandoned", True)


def test_only_root_takes_the_flag_back(freed: Project) -> None:
    if why_not_in(freed.runs):
        assert os.geteuid() != 0 or freed.awo("seal", "--immutable").err
        return
    freed.awo("seal", "--immutable").expect(0)
    path = freed.latest() / "report.md"
    unprivileged = ["setpriv", "--bounding-set=-linux_immutable", "chattr", "-i", str(path)]
    assert subprocess.run(unprivileged, capture_output=True).returncode != 0

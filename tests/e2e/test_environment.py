"""What a run records of its machine: facts that are asked for, and no secret among them."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
from tests.e2e.installed import Project, contents, of_kind

FLOW = "name: x\nsteps:\n  - {id: a, op: llm_map, model: echo, prompt: hello}\n"
SECRETS = {
    "DEPLOY_TOKEN": "first-line-of-it\nsecond-line-of-it",
    "OTHER_KEY": "sk-0123456789abcdef",
    "OMP_NUM_THREADS": "sk-omp-secret",
    "MKL_NUM_THREADS": "3",
    "TZ": "sk-zone-secret",
    "PYTHONHASHSEED": "7",
    "AWO_CONTAINER_DIGEST": f"sha256:{'ab' * 32}",
    "UNRELATED": "never-recorded-value",
}


def environment_of(project: Project) -> dict[str, Any]:
    (recorded,) = of_kind(project.latest(), "environment_recorded")
    found: dict[str, Any] = recorded["environment"]
    return found


def with_changes(project: Project, settings: str, text: str) -> Project:
    """A project in git with a change that is not committed."""
    project.write("flow.yaml", FLOW)
    project.write("awo.toml", settings)
    project.write("notes.md", "before\n")
    for words in (
        ("init", "-q"),
        ("config", "user.name", "A"),
        ("config", "user.email", "a@example.org"),
        ("add", "-A"),
        ("commit", "-qm", "x"),
    ):
        subprocess.run(["git", *words], cwd=project.root, env=project.environment, check=True)
    project.write("notes.md", text)
    return project


def test_only_plain_values_of_a_few_variables_are_recorded(project: Project) -> None:
    project.write("flow.yaml", FLOW)
    project.awo("run", "flow.yaml", variables=SECRETS).expect(0)
    said = environment_of(project)
    assert said["threads"] == {"OMP_NUM_THREADS": "something else", "MKL_NUM_THREADS": "3"}
    assert said["time_zone"]["name"] == "unknown"
    assert said["hash_seed"] == "7"
    assert said["container"]["digest"] == SECRETS["AWO_CONTAINER_DIGEST"]
    assert "system_packages" not in said
    assert "diff" not in said
    everything = b"\0".join(contents(project.runs).values())
    for name in ("DEPLOY_TOKEN", "OTHER_KEY", "OMP_NUM_THREADS", "TZ", "UNRELATED"):
        assert SECRETS[name].encode() not in everything


def test_every_package_has_the_digest_of_its_record_and_the_old_list_stays(project: Project) -> None:
    project.write("flow.yaml", FLOW)
    project.awo("run", "flow.yaml").expect(0)
    cache = project.top / "home/.cache/awo/distributions"
    said = environment_of(project)
    installed = said["distributions"]
    assert installed["hashed"] == "RECORD"
    assert {f"{one['name']}=={one['version']}" for one in installed["found"]} == set(said["packages"])
    assert {len(one["record_sha256"]) for one in installed["found"] if one["name"] in ("msgspec", "click")} == {64}
    (kept,) = cache.iterdir()
    assert json.loads(kept.read_bytes())["found"] == installed["found"]


def test_the_uncommitted_text_is_recorded_on_request_with_secrets_cut_out(project: Project) -> None:
    key = SECRETS["OTHER_KEY"]
    with_changes(project, "[environment]\ndiff = true\nsystem_packages = true\n", f"after, with {key} in it\n")
    project.awo("run", "flow.yaml", variables=SECRETS).expect(0)
    said = environment_of(project)
    assert "+after, with [secret OTHER_KEY] in it" in said["diff"]["text"]
    assert said["git"]["is_dirty"] is True
    assert said["system_packages"]["looked"] in ("found", "none found", "could not look")
    assert key.encode() not in b"\0".join(contents(project.runs).values())
    report = (project.latest() / "report.md").read_text(encoding="utf-8")
    assert "after, with" not in report


@pytest.mark.parametrize(("settings", "key"), [("", None), ("[environment]\ndiff = true\n", "left_out")])
def test_text_that_holds_a_secret_over_several_lines_is_left_out(
    settings: str, key: str | None, project: Project
) -> None:
    with_changes(project, settings, SECRETS["DEPLOY_TOKEN"] + "\n")
    project.awo("run", "flow.yaml", variables=SECRETS).expect(0)
    said = environment_of(project)
    assert (list(said["diff"]) if "diff" in said else [None]) == [key]
    assert b"second-line-of-it" not in b"\0".join(contents(project.runs).values())


def test_a_long_difference_is_cut_and_submodules_are_named_with_their_commits(project: Project, tmp_path: Path) -> None:
    with_changes(project, "[environment]\ndiff = true\n", "a long line\n" * 50_000)
    inner = tmp_path / "inner"
    for words in (
        ("init", "-q", str(inner)),
        (
            "-C",
            str(inner),
            "-c",
            "user.name=A",
            "-c",
            "user.email=a@example.org",
            "commit",
            "-qm",
            "x",
            "--allow-empty",
        ),
        ("-c", "protocol.file.allow=always", "submodule", "--quiet", "add", str(inner), "libs/inner"),
        ("commit", "-qm", "with a submodule", "--", "libs/inner", ".gitmodules"),
    ):
        subprocess.run(["git", *words], cwd=project.root, env=project.environment, check=True)
    project.awo("run", "flow.yaml").expect(0)
    said = environment_of(project)
    assert said["diff"]["is_cut"] is True
    assert len(said["diff"]["text"]) == 256 * 1024
    (module,) = said["git"]["submodules"]
    assert module["path"] == "libs/inner"
    assert len(module["commit"]) == 40
    assert str(inner) not in (project.latest() / "metadata.json").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("diff", {"dirty_unknown": "git gives no difference here"}),
        ("ls-files", {"dirty_unknown": "git gives no difference here"}),
        ("rev-parse", {"commit": "none", "why": "not a git repository with a commit"}),
    ],
)
def test_what_git_does_not_say_is_unknown_and_never_a_clean_tree(
    project: Project, tmp_path: Path, words: str, said: dict[str, str]
) -> None:
    with_changes(project, "", "after\n")
    broken = git_that(tmp_path / "broken", f'case " $* " in *" {words} "*) exit 1;; esac', project)
    project.awo("run", "flow.yaml", variables=broken).expect(0)
    found = environment_of(project)["git"]
    assert found.items() >= said.items()
    assert not {"is_dirty", "diff_sha256"} & set(found)
    project.write("awo.toml", "require_commit = true\n")
    why = said.get("dirty_unknown", said.get("why", ""))
    project.awo("run", "flow.yaml", variables=broken).refused(2, "awo.toml says require_commit", why)


def test_a_git_that_prints_what_nobody_can_read_stops_no_run(project: Project, tmp_path: Path) -> None:
    with_changes(project, "", "after\n")
    for number, word in enumerate(("exit 0", "echo one; exit 0", "printf 'a\\000b\\nc\\nd\\ne\\n'; exit 0")):
        odd = git_that(tmp_path / f"odd{number}", word, project)
        project.awo("run", "flow.yaml", variables=odd).expect(0)
        (recorded,) = of_kind(project.latest(), "environment_recorded")
        assert recorded["environment"]["git"] == {"commit": "none", "why": "git does not say which commit this is"}


def git_that(folder: Path, does: str, project: Project) -> dict[str, str]:
    """Variables under which git is a program that first does something."""
    folder.mkdir()
    real = shutil.which("git")
    program = folder / "git"
    program.write_text(f'#!/bin/sh\n{does}\nexec {real} "$@"\n', encoding="utf-8")
    program.chmod(0o755)
    return {"PATH": f"{folder}{os.pathsep}{project.environment['PATH']}"}

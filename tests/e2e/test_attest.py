"""`awo export --as in-toto`: the decisions of a sealed run as attestations, and one clear error for all else."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.e2e.installed import REVIEWER, Project

WORKFLOW = """
name: One gate
steps:
  - {id: ask, op: llm_map, prompt: hello, model: echo}
  - {id: review, op: audit_gate, checklist: checklist.md}
"""


@pytest.fixture(scope="module")
def rejected(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Project]:
    """A project whose only run was rejected by its reviewer, and so is sealed."""
    project = Project(tmp_path_factory.mktemp("attest"))
    project.enrol_reviewer()
    project.write("workflow.yaml", WORKFLOW)
    project.write("checklist.md", "- [ ] {#read} It was read.\n")
    project.awo("run", "workflow.yaml").expect(78)
    project.reject().expect(0)
    yield project
    for path in project.runs.rglob("*"):
        path.chmod(0o755 if path.is_dir() else 0o644)


def predicate(line: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(base64.b64decode(json.loads(line)["payload"]))["predicate"]
    return found


def test_a_decision_leaves_as_one_line_beside_the_run_and_says_what_was_decided(rejected: Project) -> None:
    done = rejected.awo("export", "latest", "--as", "in-toto", "--key", rejected.key, "--json").expect(0).json
    (path,) = map(Path, done["attestations"])
    assert path == rejected.runs / f"{done['run']}.reviews.intoto.jsonl"
    (line,) = path.read_text().splitlines()
    said = predicate(line)
    assert (said["verdict"], said["comment"], said["outcome"]["verdict"]) == (
        "reject",
        "The vote is not fair.",
        "rejected",
    )
    assert (said["presence"], said["attester"]["id"]) == ("not proved", REVIEWER)
    assert json.loads(line)["signatures"][0]["keyid"] == done["keyid"]
    assert done["public_key"].startswith("-----BEGIN PUBLIC KEY-----\n")


def test_without_comments_the_reason_stays_at_home(rejected: Project, tmp_path: Path) -> None:
    out = tmp_path / "reviews.intoto.jsonl"
    rejected.awo(
        *("export", "latest", "--as", "in-toto", "--key", rejected.key, "--without-comments", "-o", out)
    ).expect(0)
    assert "not fair" not in base64.b64decode(json.loads(out.read_text())["payload"]).decode()


@pytest.mark.parametrize(
    ("options", "code", "says"),
    [
        (["--as", "in-toto"], 2, "--key"),
        (["--as", "in-toto", "--key", "{key}.pub"], 7, "awo keys new"),
        (["--as", "in-toto", "--key", "nothing-here"], 7, "there is no such key"),
        (["--as", "in-toto", "--key", "{key}", "--organization", "X"], 2, "--as every-eval-ever"),
        (["--as", "in-toto", "--key", "{key}", "-o", "missing/out.jsonl"], 2, "the folder for this file is not there"),
        (["--as", "in-toto", "--key", "{key}", "-o", "{run}/out.jsonl"], 2, "cannot be written into it"),
        (["--as", "in-toto", "--key", "{key}", "-o", "{run}/audit"], 2, "cannot be written into it"),
        (["--without-comments"], 2, "--as in-toto"),
    ],
)
def test_what_cannot_be_attested_is_one_clear_error(
    options: list[str], code: int, says: str, rejected: Project
) -> None:
    (run,) = rejected.runs.glob("run_*Z")
    typed = [option.format(key=rejected.key, run=run) for option in options]
    rejected.awo("export", "latest", *typed).refused(code, says)

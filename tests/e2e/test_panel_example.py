"""The example of docs/gates.md works as printed: each line is typed in an empty folder, through two gates to a seal
and to what a stranger checks."""

from __future__ import annotations

import base64
import json
import os
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
from tests.e2e.installed import AWO, Project, of_kind, run_folders

ROOT = Path(__file__).parents[2]
GUIDE = ROOT / "docs" / "gates.md"
HEADING = "\n## A whole example\n"
LONGEST_S = 120
VOTERS = ("alice", "bob", "carol")


class Typed(Project):
    """The folder in which the example was typed, and what was printed."""

    printed = ""

    @property
    def folder(self) -> Path:
        return self.top / "empty" / "panel"

    @property
    def run(self) -> Path:
        (found,) = run_folders(self.folder / "runs")
        return found


def lines_of_the_guide() -> list[str]:
    section = GUIDE.read_text(encoding="utf-8").partition(HEADING)[2].partition("\n## ")[0]
    blocks: list[str] = re.findall(r"^```sh\n(.*?)^```$", section, re.MULTILINE | re.DOTALL)
    return [line for block in blocks for line in block.splitlines()]


@pytest.fixture(scope="module")
def typed(tmp_path_factory: pytest.TempPathFactory) -> Typed:
    """Every line typed, each with the exit code that its remark promises."""
    project = Typed(tmp_path_factory.mktemp("panel"))
    project.folder.parent.mkdir()
    script = ""
    for line in lines_of_the_guide():
        said = re.search(r"# exit code (\d+)$", line)
        script += f"{line}\ncode=$?; [ $code = {said[1] if said else 0} ] || exit 99\n"
    environment = {name: value for name, value in project.environment.items() if not name.startswith("AWO_")}
    environment |= {"PATH": f"{AWO.parent}{os.pathsep}{environment['PATH']}", "CLONE": str(ROOT)}
    done = subprocess.run(
        ["bash", "-x", "-c", script],
        cwd=project.folder.parent,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=LONGEST_S,
    )
    assert done.returncode == 0, done.stdout
    project.printed = done.stdout
    return project


def test_each_voter_keeps_a_vote_at_home_and_both_gates_have_whom_they_ask_for(typed: Typed) -> None:
    run = typed.run
    kinds = [event["kind"] for event in of_kind(run, "vote_committed") + of_kind(run, "decision_recorded")]
    assert kinds == ["vote_committed"] * 3 + ["decision_recorded"] * 5
    for name in VOTERS:
        assert len(list((typed.top / "empty" / "state" / name / "awo/votes" / run.name).glob("*.json"))) == 1
    decisions = [json.loads(path.read_text()) for path in sorted((run / "audit/decisions").glob("000?-*[a-z].json"))]
    decisions = [one for one in decisions if one["format"] == "awo/decision/v1"]
    assert [(one["gate"], one["signer"]["role"], one["meaning"]) for one in decisions] == [
        *[("panel", "reviewer", "approval")] * 3,
        ("release", "statistician", "review"),
        ("release", "lead", "responsibility"),
    ]
    assert {one["presence"] for one in decisions} == {"not proved"}
    assert [event["reason"]["code"] for event in of_kind(run, "decision_refused")] == ["role"]


def test_the_page_of_the_panel_names_no_model_and_the_report_keeps_every_answer(typed: Typed) -> None:
    page = (typed.run / "outputs/panel/files/panel.md").read_text()
    assert not re.search(r"\b(plain|loud|echo|upper)\b", page)
    report = (typed.run / "report.md").read_text()
    assert "| 4 | 6 | 7.5 |" in report
    assert "Krippendorff" in report


def test_a_stranger_finds_every_signature_good_and_the_authority_whole(typed: Typed) -> None:
    assert 'Good "awo-decision" signature for bob@example.org' in typed.printed
    run = typed.run
    signers = ("-f", typed.folder / "reviewers/allowed_signers", "-n", "awo-decision")
    signed = sorted((run / "audit/decisions").glob("*.sig"))
    assert len(signed) == 8
    for signature in signed:
        data = signature.with_suffix("").read_bytes()
        check = ["ssh-keygen", "-Y", "verify", *signers, "-I", json.loads(data)["signer"]["id"], "-s", signature]
        assert b"Good" in subprocess.run(check, input=data, capture_output=True, check=True).stdout
    verdict = typed.awo("verify", run, "--json", "--require", "authority", folder=typed.folder).expect(0).json
    authority = [one for one in verdict["checks"] if one["id"].startswith("EP-4.")]
    assert [one["verdict"] for one in authority] == ["passed"] * 13
    assert not verdict["notes"]


def test_every_decision_leaves_as_an_attestation_that_names_its_gate(typed: Typed) -> None:
    lines = (typed.top / "empty" / "decisions.intoto.jsonl").read_text().splitlines()
    predicates: list[dict[str, Any]] = [
        json.loads(base64.b64decode(json.loads(line)["payload"]))["predicate"] for line in lines
    ]
    assert [one["gate"] for one in predicates] == ["panel"] * 3 + ["release"] * 2
    assert {one["verdict"] for one in predicates} == {"approve"}

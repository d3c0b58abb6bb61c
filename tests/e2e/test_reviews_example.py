"""The main example with its real model, on a few reviews: from the answers to the verdict on a registered claim."""

from __future__ import annotations

import hashlib
import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from tests.e2e.installed import Project

EXAMPLE = Path(__file__).parents[2] / "examples" / "reviews"
ROWS = 6


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """The example, run once on its first reviews."""
    project = Project(tmp_path_factory.mktemp("reviews"))
    for file in sorted(EXAMPLE.iterdir()):
        if file.is_file():
            shutil.copy(file, project.root)
    rows = (project.root / "reviews.jsonl").read_text().splitlines(keepends=True)
    (project.root / "reviews.jsonl").write_text("".join(rows[:ROWS]))
    project.awo("run", "workflow.yaml").expect(0)
    return project


def value(project: Project, step: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((project.latest() / f"outputs/{step}/output.json").read_text())
    return found


def test_every_number_of_the_example_is_recomputed_by_verify(ran: Project) -> None:
    verdict = ran.awo("verify", "latest", "--json", "--require", "derivation").expect(0).json
    derivation = {one["id"]: one["verdict"] for one in verdict["checks"] if one["id"].startswith("EP-5")}
    assert derivation == dict.fromkeys(("EP-5.1", "EP-5.2", "EP-5.3", "EP-5.4"), "passed")


def test_an_effect_stands_beside_its_null_control_and_the_claim_gets_a_verdict(ran: Project) -> None:
    numbers = value(ran, "numbers")
    effect = numbers["comparisons"]["told_beats_bare"]
    assert (effect["test"], effect["pairs"]) == ("mcnemar", ROWS)
    assert (effect["noise"]["repeats"], effect["noise"]["pairs"]) == (3, 6)
    assert numbers["metrics"]["accuracy"]["groups"]["always positive"]["value"] == 0.5
    (claim,) = value(ran, "verdicts")["claims"]
    assert claim["verdict"] in ("supported", "falsified")
    assert [test["outcome"] for test in claim["tests"]].count("not_tested") == 0
    report = (ran.latest() / "report.md").read_text()
    assert "A/A control" in report
    assert f"**{claim['verdict']}**" in report


def test_a_false_number_is_found_even_when_the_whole_package_is_made_anew(ran: Project, tmp_path: Path) -> None:
    run = tmp_path / ran.latest().name
    shutil.copytree(ran.latest(), run)
    for path in [run, *run.rglob("*")]:
        path.chmod(0o755 if path.is_dir() else 0o644)
    output = run / "outputs/numbers/output.json"
    forged = output.read_text().replace('"value": 0.5', '"value": 0.6', 1)  # as long as the true one
    assert forged != output.read_text()
    old = hashlib.sha256(output.read_bytes()).hexdigest()
    output.write_text(forged)
    for file in (run / "audit/journal.jsonl", run / "SHA256SUMS"):
        text = file.read_text().replace(old, hashlib.sha256(forged.encode()).hexdigest())
        file.write_text(text)
    failed = {
        one["id"] for one in ran.awo("verify", run, "--json").expect(3).json["checks"] if one["verdict"] == "failed"
    }
    assert "EP-5.2" in failed

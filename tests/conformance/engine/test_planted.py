"""What somebody put into a run between two commands: never written through, never used, never believed."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest
from tests.conformance.engine.a_gate import STEPS, AtGate, start

from awo import api
from awo.engine.artifacts import Artifacts
from awo.errors import EvidenceError, UsageError
from awo.evidence.layout import SEAL, SEAL_SIGNATURE
from awo.verify.report import CheckResult


@pytest.fixture
def at_gate(tmp_path: Path) -> AtGate:
    return start(tmp_path, STEPS)


def test_a_file_put_among_artifacts_is_given_to_no_step(at_gate: AtGate) -> None:
    at_gate.decide("approve")
    (at_gate.run / "outputs/make/files/planted.txt").write_text("planted")
    assert at_gate.resume().outcome == "approved"
    seen = (at_gate.run / "outputs/use/files/stdout.txt").read_text().split()
    assert "steps/make/files/made.txt" in seen
    assert "steps/make/files/planted.txt" not in seen


@pytest.mark.parametrize("place", ["outputs/use", "outputs/make/files/link", "audit/link", "link"])
def test_a_link_in_a_run_is_refused_before_anything_is_written(at_gate: AtGate, tmp_path: Path, place: str) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / ".precious").write_text("mine")
    (at_gate.run / place).symlink_to(elsewhere)
    before = at_gate.kinds()
    with pytest.raises(EvidenceError, match="plain files"):
        at_gate.decide("approve")
    with pytest.raises(EvidenceError, match="plain files"):
        at_gate.resume()
    with pytest.raises(EvidenceError, match="plain files"):
        api.freeze(at_gate.project, at_gate.run, at_gate.starter)
    with pytest.raises(EvidenceError, match="plain files"):
        api.render(at_gate.run)
    assert os.listdir(elsewhere) == [".precious"]
    assert at_gate.kinds() == before


def test_a_fifo_in_a_run_is_refused_and_not_waited_for(at_gate: AtGate) -> None:
    value = at_gate.run / "outputs/ask/output.json"
    value.unlink()
    os.mkfifo(value)
    with pytest.raises(EvidenceError, match="plain files"):
        at_gate.resume()


def test_a_list_of_reviewers_inside_a_package_is_not_believed_by_default(at_gate: AtGate, tmp_path: Path) -> None:
    at_gate.decide("approve")
    at_gate.resume()
    package = tmp_path / "package"
    shutil.copytree(at_gate.run, package)
    package.chmod(0o755)
    (package / "reviewers").mkdir()
    shutil.copy(tmp_path / "reviewers/allowed_signers", package / "reviewers")

    def deciders(project: api.Project) -> CheckResult:
        return next(r for r in api.verify(project, str(package), None).checks if r.check.id == "EP-4.8")

    assert deciders(at_gate.project).verdict == "passed"
    assert deciders(api.find_project(package)).verdict == "not_checked"


@pytest.mark.parametrize("name", ["alice smith", "a,b", "*", "-x"])
def test_an_id_that_no_seal_can_name_is_refused_before_the_run(tmp_path: Path, name: str) -> None:
    api.new_key("somebody", tmp_path / "key", "")
    with pytest.raises(UsageError, match="cannot be a signer's id"):
        api.identity(api.find_project(tmp_path), tmp_path / "key", name, lambda: "")


def test_an_altered_artifact_is_given_to_no_step(at_gate: AtGate) -> None:
    artifacts = Artifacts(at_gate.run)
    assert artifacts.path("make", "nothing") is None
    made = artifacts.path("make", "made.txt")
    assert made is not None
    made.write_text("altered")
    with pytest.raises(EvidenceError, match="altered"):
        artifacts.path("make", "made.txt")


def test_a_package_whose_seal_was_taken_away_says_so(at_gate: AtGate) -> None:
    at_gate.decide("approve")
    at_gate.resume()
    (at_gate.run / "audit").chmod(0o755)
    for path in (SEAL, SEAL_SIGNATURE):
        (at_gate.run / path).unlink()
    report = api.verify(at_gate.project, "latest", None)
    assert [one.check.id for one in report.results("failed")] == ["EP-6.1"]  # the ledger has the seal
    assert any("without a seal" in note for note in report.notes)

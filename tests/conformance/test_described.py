"""What forms are told of a run is what its folder says, in blocks or line by line, whole or with texts withheld."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from awo.canon.digest import sha256_file
from awo.engine.reading import FolderReader, read_facts
from awo.errors import EvidenceError, TextWithheld
from awo.evidence.layout import REDACTIONS, SEAL_SIGNATURE
from awo.publish.described.reading import describe

GOOD = Path(__file__).parents[1] / "vectors" / "good"
FOLDERS = sorted(path for path in GOOD.glob("*/run_*") if path.is_dir())
WITHOUT_PLAN = ("erased", "redacted-input")


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda path: path.parent.name)
def test_a_described_run_is_the_run_that_its_folder_tells(folder: Path) -> None:
    if folder.parent.name in WITHOUT_PLAN:
        with pytest.raises(TextWithheld):
            describe(folder)
        return
    run = describe(folder)
    assert run.facts == read_facts(folder)
    assert run.withheld == (folder / REDACTIONS).is_dir()
    assert (run.seal is not None) == (folder / SEAL_SIGNATURE).is_file()
    there = {str(path.relative_to(folder)): sha256_file(path) for path in folder.rglob("*") if path.is_file()}
    assert {one.path: (one.sha256, one.size_bytes) for one in run.files} == (there if run.seal is not None else {})
    steps = run.facts.steps
    assert sum(group.answered for group in run.groups) == run.facts.calls.answered
    assert sum(group.failed for group in run.groups) == run.facts.calls.failed
    assert [one.calls.responses for one in steps if one.calls.responses] == [one.responses for one in run.groups]
    if not run.withheld:
        answers = [line for one in steps for line in FolderReader(folder).responses(one.record.id)]
        assert {(one.model, one.model_answered) for one in answers} == {
            (model, name) for model, names in run.answered.items() for name in names
        }
        assert len(run.decisions) == sum(len(gate.decisions) for gate in run.facts.gates)


def test_a_file_of_a_whole_run_that_is_missing_is_an_error_and_no_gap(tmp_path: Path) -> None:
    folder = tmp_path / "run"
    shutil.copytree(next((GOOD / "completed").glob("run_*")), folder)
    (folder / "metadata.json").unlink()
    with pytest.raises(EvidenceError, match="missing"):
        describe(folder)


def test_a_torn_last_line_is_passed_over_and_a_line_that_is_no_event_is_refused(tmp_path: Path) -> None:
    folder = tmp_path / "run"
    shutil.copytree(next((GOOD / "unsealed").glob("run_*")), folder)
    journal, whole = folder / "audit/journal.jsonl", describe(folder)
    data = journal.read_bytes()
    journal.write_bytes(data + b'{"at":"2026')
    assert describe(folder) == whole
    journal.write_bytes(data + b'{"at":"2026"}\n')
    with pytest.raises(EvidenceError, match="not an event"):
        describe(folder)

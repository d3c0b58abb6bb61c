"""The folders outside the run in which steps work: inside their own bounds, and gone in the end."""

from __future__ import annotations

import tempfile
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from tests.conformance.engine.a_gate import STEPS, start
from tests.unit.a_run import plan, step

from awo.canon.digest import sha256_hex
from awo.engine.desk import Bench, EngineDesk, scratch_prefix
from awo.errors import EvidenceError
from awo.evidence.records import InputFile


def test_a_resumed_run_removes_what_a_killed_process_of_it_left_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(temporary))
    at_gate = start(tmp_path, STEPS)
    left = Path(tempfile.mkdtemp(prefix=scratch_prefix(at_gate.run)))
    (left / "work").mkdir()
    others = Path(tempfile.mkdtemp(prefix=scratch_prefix(at_gate.run.with_name(f"{at_gate.run.name}-2"))))
    at_gate.decide("approve")
    assert at_gate.resume().outcome == "approved"
    assert list(temporary.iterdir()) == [others]


@pytest.mark.parametrize("path", ["../../evil.txt", "/evil.txt", "a/../../../evil.txt"])
def test_a_hostile_input_json_writes_nothing_outside_the_scratch_folder(
    path: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    file = InputFile(path=path, sha256=sha256_hex(b"evil"), size_bytes=4, encoding="utf-8", content="evil")
    nothing = cast("Any", None)
    record = step("a", "command")
    journal = SimpleNamespace(folder=tmp_path, state=nothing)
    bench = Bench(record, cast("Any", journal), plan([record], files=[file]), tmp_path, nothing, nothing, nothing)
    with pytest.raises(EvidenceError, match="outside the workflow's folder"):
        EngineDesk(bench).input_path(path)
    bench.close()
    assert list(tmp_path.rglob("evil.txt")) == []
    assert not Path("/evil.txt").exists()

"""What verification keeps on disk to read again: nothing stays behind, and want of room is no fault of the run."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

import pytest
from tests.vectors.builder import gzip_of, tar_of
from tests.vectors.derived import voted

from awo.verify import spool
from awo.verify.judge import verify
from awo.verify.report import Report


@pytest.fixture(autouse=True)
def _keeps_little_in_memory(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(spool, "MEMORY_BYTES", 100)
    (tmp_path / "temporary").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "temporary"))


def derivation(report: Report) -> dict[str, str]:
    """The verdicts of EP-5.1 and EP-5.2."""
    return {one.check.id: one.verdict for one in report.checks if one.check.id in ("EP-5.1", "EP-5.2")}


def as_it_is(folder: Path) -> dict[str, tuple[int, int, bytes]]:
    """Every file below a folder with its mode, its time and its bytes."""
    found = [path for path in folder.rglob("*") if path.is_file()]
    return {str(path): (path.stat().st_mode, path.stat().st_mtime_ns, path.read_bytes()) for path in found}


def test_a_folder_is_left_as_it_was_and_nothing_stays_behind(tmp_path: Path) -> None:
    folder = voted().freeze().write(tmp_path)
    before, descriptors = as_it_is(tmp_path), len(os.listdir("/dev/fd"))
    assert set(derivation(verify(folder)).values()) == {"passed"}
    assert as_it_is(tmp_path) == before
    assert list((tmp_path / "temporary").iterdir()) == []
    assert len(os.listdir("/dev/fd")) == descriptors


def test_a_bundle_is_recomputed_as_its_folder_is(tmp_path: Path) -> None:
    bundle = tmp_path / "package.tar.gz"
    bundle.write_bytes(gzip_of(tar_of(voted().freeze())))
    assert set(derivation(verify(bundle)).values()) == {"passed"}


def test_without_a_folder_for_temporary_files_recomputing_is_not_checked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = voted().freeze().write(tmp_path)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "nowhere"))
    report = verify(folder)
    assert set(derivation(report).values()) == {"not_checked"}
    assert report.verdict == "passed"

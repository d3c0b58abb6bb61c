"""What is altered after its seal leaves in no form that says anything of what was altered."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from awo import api
from awo.canon.digest import sha256_file
from awo.errors import EvidenceError
from awo.evidence.layout import INPUT, REPORT, SEAL_SIGNATURE, SUMS
from awo.gate.project import Policy
from awo.plugins import EXPORT_FORMS

APPROVED = next((Path(__file__).parents[1] / "vectors" / "good" / "approved").glob("run_*"))
RESPONSES = "outputs/greet/responses.jsonl"
WHOLE = ("bundle", "crate.zip", "bagit")
UNSIGNED = ("bundle", *(form for form in EXPORT_FORMS if form != "slsa"))


def flip(place: Path) -> None:
    data = bytearray(place.read_bytes())
    data[len(data) // 2] ^= 1
    place.write_bytes(data)


def forge(place: Path, old: bytes, new: bytes) -> None:
    """Another text that reads as well, and no list that says so."""
    data = place.read_bytes()
    assert old in data
    place.write_bytes(data.replace(old, new))


def relist(folder: Path, path: str) -> None:
    """A report of somebody else's, and a SHA256SUMS that bears it out."""
    before = sha256_file(folder / path)[0]
    (folder / path).write_bytes(b"All is well.\n")
    forge(folder / SUMS, before.encode(), sha256_file(folder / path)[0].encode())


def add(folder: Path) -> None:
    (folder / "outputs/greet/more.txt").write_text("more")


STORIES: dict[str, tuple[Callable[[Path], None], tuple[str, ...]]] = {
    "a report": (lambda run: flip(run / REPORT), WHOLE),
    "a status file": (lambda run: flip(run / "audit/status.json"), WHOLE),
    "a file more": (add, WHOLE),
    "a signature": (lambda run: flip(run / SEAL_SIGNATURE), UNSIGNED),
    "a report that is listed anew": (lambda run: relist(run, REPORT), UNSIGNED),
    "a plan that reads as well": (lambda run: forge(run / INPUT, b'"greeting"', b'"meeting"'), UNSIGNED),
    "a name that answered": (
        lambda run: forge(run / RESPONSES, b'"model_answered":"', b'"model_answered":"best-'),
        UNSIGNED,
    ),
}


@pytest.mark.parametrize("story", STORIES)
def test_a_run_that_is_altered_leaves_in_no_form_that_tells_of_it(story: str, tmp_path: Path) -> None:
    spoil, forms = STORIES[story]
    run = tmp_path / "runs" / APPROVED.name
    shutil.copytree(APPROVED, run)
    project = api.Project(tmp_path, tmp_path / "runs", Policy())
    for number, form in enumerate(forms):
        assert write(project, run, form, tmp_path / f"whole{number}").exists()
    spoil(run)
    for form in forms:
        with pytest.raises(EvidenceError):
            write(project, run, form, tmp_path / "altered")
        assert not list(tmp_path.glob("*altered*")), form


def write(project: api.Project, run: Path, form: str, out: Path) -> Path:
    if form == "bundle":
        return api.export(project, run, out).path
    return api.export_form(project, run, form, out).path

"""`awo verify` and verify.py asked about the same spoilt package: both must find what was done, and say where."""

from __future__ import annotations

import contextlib
import io
import json
import warnings
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tests.conformance.mutated import OUTSIDE_THE_SEAL, Sample
from tests.conformance.mutating import Archive, Edit, Folder, PackedEdit
from tests.conformance.standalone import load

from awo.evidence.layout import VERIFIERS
from awo.sign.allowed_signers import AllowedSigners
from awo.verify.findings import Finding
from awo.verify.judge import verify
from awo.verify.report import Report

FOUND = "found"
LEFT = "found, and verify.py leaves it to others"
"""It does not judge what a redaction says is away, nor ledgers and time stamps, and says so. Its exit code is then
never that of a package that verifies, unless the edit is of `OUTSIDE_THE_SEAL` alone."""
LESS = "not checked any more"
"""Only of `OUTSIDE_THE_SEAL`: taken away, or signed by a key that the reader does not know any more."""
SPELLED = "another spelling of the same bytes"
"""Only of compressed bytes that unpack to the very same archive: nothing that anybody believes is another."""
COPIED = "a copy of a verifier"
"""Only behind the run's folder in a bundle: nobody has signed the copies; of an altered one there is a note."""


class Standalone:
    """verify.py, as a stranger has it."""

    def __init__(self) -> None:
        self.module = load()

    def ask(self, source: Path, trust: Path) -> tuple[int, Any]:
        """Its exit code, and what it says as JSON."""
        with contextlib.redirect_stdout(io.StringIO()) as said, warnings.catch_warnings():
            warnings.simplefilter("ignore", ResourceWarning)  # it is a script: its end closes what it opened
            code = self.module.main([str(source), "--signers", str(trust), "--json"])
        return code, json.loads(said.getvalue())


class Judges:
    """Both verifiers on one sample, and what they said of it unspoilt."""

    def __init__(self, sample: Sample, top: Path, standalone: Standalone) -> None:
        self.sample = sample
        self.standalone = standalone
        self.trust = top / "trust"
        self.trust.write_text(sample.trust)
        self.signers = AllowedSigners.parse(sample.trust, where="trust")
        self.folder = Folder(top / "runs" / sample.run_id, sample.files)
        report = self.ask(self.folder.top)
        self.said = told(report)
        self.code, said = self.standalone.ask(self.folder.top, self.trust)
        assert report.verdict != "failed", told(report)
        assert self.code == (7 if sample.is_left_to_others({}) else 0), said

    def ask(self, source: Path) -> Report:
        return verify(source, trust=self.signers, **self.sample.believed)

    # --- one edit each; what comes back is how it was found ---------------------------------------------------

    def edited(self, edit: Edit) -> str:
        with self.folder.edited(edit) as source:
            report = self.ask(source)
            code, said = self.standalone.ask(source, self.trust)
        is_left = self.sample.is_left_to_others(edit.changed)
        if set(edit.changed) <= OUTSIDE_THE_SEAL:
            assert code == self.code, said  # chapter 6 is none of its checks
        else:
            assert code in ((3, 7) if is_left else (3,)), said
        if report.verdict == "failed":
            assert names_one_of(report, edit.places, "failed"), told(report)
            if code == 3:
                assert any(place in one[1] for place in edit.places for one in faults(said)), said
                return FOUND
            return LEFT
        assert set(edit.places) <= OUTSIDE_THE_SEAL, told(report)
        return self.less_is_checked(report, edit.places)

    def less_is_checked(self, report: Report, places: tuple[str, ...]) -> str:
        """That a check cannot be made any more, or for another reason than before, is said with its place."""
        new = [one for one in told(report) if one not in self.said]
        assert any(place in finding.where for _, _, finding in new for place in places), new
        return LESS

    def packed(self, edit: PackedEdit, archive: Archive, bundle: Path) -> str:
        bundle.write_bytes(edit.packed)
        report = self.ask(bundle)
        code, said = self.standalone.ask(bundle, self.trust)
        if report.verdict == "failed":
            assert names_one_of(report, edit.places, "failed"), told(report)
            if code == 3:
                return FOUND
            is_of_a_ledger = {one.check.chapter for one in report.results("failed")} == {"registration"}
            assert code == self.code, said
            assert is_of_a_ledger or self.code == 7, said
            return LEFT
        assert code == self.code, said
        tar = zlib.decompress(edit.packed, 31)
        if tar == archive.tar:
            return SPELLED
        if archive.has_verifiers and tar[: archive.run_bytes] == archive.tar[: archive.run_bytes]:
            is_removed = not tar_names(tar) >= set(VERIFIERS)
            assert is_removed or any("do not run it" in note for note in report.notes), report.notes
            return COPIED
        assert set(edit.places) & OUTSIDE_THE_SEAL, told(report)
        return self.less_is_checked(report, edit.places)


def tar_names(tar: bytes) -> set[str]:
    names, place = set(), 0
    while any(block := tar[place : place + 512]):
        names.add(block[:100].rstrip(b"\0").decode())
        size = int(block[124:135], 8)
        place += 512 + size + -size % 512
    return names


def faults(said: Any) -> Iterator[Any]:
    """What the other verifier found wrong: kind, place, and what."""
    return (one for found in said["findings"].values() for one in found if one[0] == "FAILED")


def names_one_of(report: Report, places: tuple[str, ...], verdict: Any) -> bool:
    return any(
        place in finding.where for one in report.results(verdict) for finding in one.findings for place in places
    )


def told(report: Report) -> list[tuple[str, str, Finding]]:
    return [
        (one.check.id, one.verdict, finding)
        for one in report.checks
        if one.verdict != "passed"
        for finding in one.findings
    ]

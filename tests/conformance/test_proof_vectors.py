"""Every committed proof is judged as expected, no character of one can change unseen, and the spec lists the checks."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.vectors.make import HERE, PROOFS, proof_files

from awo.sign.allowed_signers import AllowedSigners
from awo.verify.judge import verify
from awo.verify.proof import PROOF_CHECKS, judge_proof
from awo.verify.reading import Trust
from awo.verify.report import Report, exit_code

SPEC = HERE.parents[1] / "docs" / "spec" / "evidence-package-v1.md"
EXPECTED: dict[str, Any] = json.loads((HERE / PROOFS / "expected.json").read_text())
BELIEVED = AllowedSigners.parse((HERE / PROOFS / "trust").read_text(), where="trust")
GOOD = {name: (HERE / PROOFS / f"{name}.json").read_bytes() for name in EXPECTED if name.startswith("good/")}


def judged(data: bytes) -> Report:
    return judge_proof(data, "proof", Trust(BELIEVED, "trust"))


@pytest.mark.parametrize("name", EXPECTED)
def test_a_proof_is_judged_as_it_expects(name: str) -> None:
    expected = EXPECTED[name]
    report = verify(HERE / PROOFS / f"{name}.json", trust=BELIEVED, trust_name="trust")
    assert report.kind == "proof"
    said = {verdict: [one.check.id for one in report.results(verdict)] for verdict in ("failed", "not_checked")}
    assert said == {verdict: expected[verdict] for verdict in said}
    assert exit_code(report, frozenset({"authority"})) == expected["exit_code"]
    for first in (*report.results("failed"), *report.results("not_checked"))[:1]:
        assert first.findings[0].where == expected["where"]


def test_each_check_of_a_proof_has_a_bad_one_of_its_name() -> None:
    bad = {name: one for name, one in EXPECTED.items() if name.startswith("bad/")}
    called = {name: "-".join(name.removeprefix("bad/").split("-")[:2]) for name in bad}
    assert set(called.values()) == {check.id for check in PROOF_CHECKS}
    for name, id_ in called.items():
        assert (bad[name]["failed"] or bad[name]["not_checked"])[0] == id_


def test_the_specification_lists_the_checks_of_a_proof() -> None:
    rows = re.findall(r"^\| (PR-[0-9]+) \| ([^|]+) \| [^|]+ \| ([opr ]+) \|$", SPEC.read_text(), re.MULTILINE)
    letters = {"outsider": "o", "operator": "p", "reviewer": "r"}
    assert rows == [
        (check.id, check.title, " ".join(letters[party] for party in check.holds_against)) for check in PROOF_CHECKS
    ]


def test_the_committed_proofs_are_those_that_their_maker_makes() -> None:
    committed = {
        path.relative_to(HERE).as_posix(): path.read_bytes() for path in (HERE / PROOFS).rglob("*") if path.is_file()
    }
    assert committed == proof_files()


@given(st.sampled_from(sorted(GOOD)), st.data())
def test_a_proof_of_which_one_bit_changed_does_not_hold(name: str, data: st.DataObject) -> None:
    proof = bytearray(GOOD[name])
    proof[data.draw(st.integers(0, len(proof) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    assert exit_code(judged(bytes(proof))) == 3


@given(st.sampled_from(sorted(GOOD)), st.data())
def test_a_proof_that_lost_or_gained_a_character_does_not_hold(name: str, data: st.DataObject) -> None:
    proof = GOOD[name]
    place = data.draw(st.integers(0, len(proof) - 1))
    more = data.draw(st.sampled_from([b"", b" ", b"0", b"\n", b"}", b"\x00"]))
    assert exit_code(judged(proof[:place] + more + proof[place + (not more) :])) == 3


@given(st.binary(max_size=300))
def test_bytes_that_are_no_proof_are_refused_without_a_traceback(data: bytes) -> None:
    report = judged(b"{" + data)
    assert [one.check.id for one in report.results("failed")] == ["PR-1"]


def test_a_chapter_that_a_proof_does_not_have_cannot_be_required_of_it() -> None:
    report = judged(GOOD["good/record"])
    assert exit_code(report, frozenset({"authority"})) == 0
    assert exit_code(report, frozenset({"registration"})) == 7


def test_without_a_list_of_trusted_signers_a_proof_holds_and_says_what_is_open() -> None:
    report = judge_proof(GOOD["good/record"], "proof", Trust(None, ""))
    assert (exit_code(report), exit_code(report, frozenset({"authority"}))) == (0, 7)


def test_a_file_that_is_larger_than_any_proof_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("awo.verify.judge.LARGEST_PROOF_BYTES", 1000)
    monkeypatch.setattr("awo.verify.proof.LARGEST_PROOF_BYTES", 1000)
    path = tmp_path / "proof.json"
    path.write_bytes(GOOD["good/record"])
    report = verify(path)
    assert report.checks[0].findings[0].what == "the proof is larger than the limit"

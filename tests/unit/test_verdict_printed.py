"""What `awo verify` prints: a verdict that says what was left open, and the cure on a line of its own."""

from __future__ import annotations

from collections.abc import Iterable

import click
import pytest

from awo.cli.verdict import hints_of, print_verdict, unchecked_chapters
from awo.verify.checks import CHECKS
from awo.verify.findings import Answer
from awo.verify.report import CheckResult, Report

CURE = "pip install 'awo[science]'"
COUNTS = dict.fromkeys(("files", "bytes", "events", "steps", "responses", "exchanges", "gates", "decisions"), 1)


def report(unchecked: Iterable[str], failed: Iterable[str] = ()) -> Report:
    """A report in which these checks, or chapters, could not be made or failed."""
    results = []
    for check in CHECKS:
        answer = Answer()
        if {check.id, check.chapter} & {*failed}:
            answer.fail("x", "it is wrong")
        elif {check.id, check.chapter} & {*unchecked}:
            answer.cannot("outputs/stats/output.json", "needs the package numpy", hint=CURE)
        results.append(CheckResult.of(check, answer))
    return Report("r", "folder", "run_1", "completed", True, "", COUNTS, tuple(results))


def printed(made: Report, capsys: pytest.CaptureFixture[str], *require: str) -> list[str]:
    print_verdict(made, frozenset(require))
    return click.unstyle(capsys.readouterr().out).splitlines()


def test_a_package_that_verifies_in_full_is_verified(capsys: pytest.CaptureFixture[str]) -> None:
    assert printed(report([]), capsys)[0] == "run_1: verified (completed)"


def test_a_chapter_that_was_not_checked_stands_beside_the_verdict(capsys: pytest.CaptureFixture[str]) -> None:
    assert unchecked_chapters(report(["derivation"])) == ["derivation not checked"]
    made = report(["EP-5.2", "EP-4.7"])
    assert unchecked_chapters(made) == ["authority not checked in full", "derivation not checked in full"]
    first = printed(made, capsys)[0]
    assert first == "run_1: verified, authority not checked in full, derivation not checked in full (completed)"


def test_what_does_not_verify_or_had_to_be_checked_says_only_that(capsys: pytest.CaptureFixture[str]) -> None:
    assert printed(report(["EP-5.2"], ["EP-2.2"]), capsys)[0] == "run_1: does NOT verify (completed)"
    first = printed(report(["EP-5.2"]), capsys, "derivation")[0]
    assert first == "run_1: could not be checked in full (completed)"


def test_a_ledger_that_is_not_believed_yet_is_a_claim_and_one_that_lies_a_contradiction(
    capsys: pytest.CaptureFixture[str],
) -> None:
    said = "\n".join(printed(report(["EP-6.2"]), capsys))
    assert "completeness: claimed: " in said
    assert "EP-6.2 says what is missing" in said
    assert "completeness: contradicted: " in "\n".join(printed(report([], ["EP-6.2"]), capsys))


def test_the_cure_stands_once_on_a_line_of_its_own(capsys: pytest.CaptureFixture[str]) -> None:
    made = report(["derivation"])
    assert hints_of(made) == [CURE]
    lines = printed(made, capsys)
    assert lines[-1] == f"next: {CURE}"
    assert sum(CURE in line for line in lines) == 1
    assert "         outputs/stats/output.json: needs the package numpy" in lines


def test_the_cure_is_in_the_finding_for_programs() -> None:
    found = [check for check in report(["EP-5.2"]).as_dict()["checks"] if check["id"] == "EP-5.2"]
    assert [(one["got"], one["hint"]) for one in found] == [("", CURE)]

"""What the judge says of a package of which texts are withheld, without a disk."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import click
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace as with_fields
from tests.unit.test_verify_checks import EVERYBODY, failed_ids, judged
from tests.vectors.builder import Package, step
from tests.vectors.fan_out import greeted
from tests.vectors.gated import closed, panel, sealed
from tests.vectors.redacted import (
    ALL,
    RECORD,
    REDACTOR_LINE,
    RESPONSES,
    TRUST,
    Act,
    Hide,
    cut_value,
    form_of,
    redacted,
    usual,
)
from tests.vectors.stories import GATE, SAVE, approved, completed

from awo.cli.verdict import print_verdict
from awo.evidence import events as ev
from awo.evidence import layout
from awo.verify.report import Report, exit_code

INPUT = layout.INPUT


def withheld_ids(report: Report) -> list[str]:
    return [one.check.id for one in report.checks if one.is_withheld]


def hidden(run: Package, hide: Mapping[str, Hide]) -> Report:
    return judged(redacted(run.freeze(), Act(hide)).files, trust=TRUST)


def input_hidden(*places: str, run: Package | None = None) -> Report:
    return hidden(run or approved(), {INPUT: places})


PACKAGES = (
    usual(),
    usual(hide={INPUT: ["/name", "/steps/0/args/prompt"], layout.value_path(SAVE): ["/path"]}),
    redacted(approved().freeze(), Act({RESPONSES: {0: ["/text"]}}), Act({RESPONSES: {0: ["/text", "/messages"]}})),
)
EDITED = [(files, path) for files in (package.files for package in PACKAGES) for path in files]


# --- every edit is found ------------------------------------------------------------------------------------------


@settings(max_examples=100, deadline=None)
@given(which=st.sampled_from(range(len(EDITED))), data=st.data())
def test_a_single_edit_of_a_redacted_package_is_found(which: int, data: st.DataObject) -> None:
    files, path = EDITED[which]
    old = files[path]
    start = data.draw(st.integers(0, len(old)))
    end = data.draw(st.integers(start, min(len(old), start + 3)))
    new = old[:start] + data.draw(st.binary(max_size=3)) + old[end:]
    expected = "passed" if new == old else "failed"
    assert judged(dict(files, **{path: new}), trust=TRUST).verdict == expected


@pytest.mark.parametrize("path", sorted(PACKAGES[2].files))
def test_a_file_that_is_taken_away_or_called_otherwise_is_named(path: str) -> None:
    files = dict(PACKAGES[2].files)
    data = files.pop(path)
    for changed in (files, files | {f"{path}.bak": data}):
        report = judged(changed, trust=TRUST)
        assert any(path in finding.where for one in report.results("failed") for finding in one.findings)


# --- nothing that may be withheld makes a good package fail -----------------------------------------------------------

RUNS = (approved().freeze(), greeted().freeze(), sealed(closed(panel())).package)


@settings(max_examples=60, deadline=None)
@given(run=st.sampled_from(RUNS), data=st.data())
def test_whatever_is_withheld_a_good_package_does_not_fail(run: Package, data: st.DataObject) -> None:
    never = {layout.JOURNAL, layout.DISCLOSURE_KEY, layout.SUMS, layout.SEAL, layout.SEAL_SIGNATURE}
    paths = sorted(run.files.keys() - never)
    hide: dict[str, Hide] = {}
    for path in data.draw(st.sets(st.sampled_from(paths), min_size=1, max_size=6)):
        match form_of(path):
            case "value":
                places = sorted(cut_value(path, run.files[path])[1])
                hide[path] = data.draw(st.just(ALL) | st.sets(st.sampled_from(places), max_size=8))
            case "lines":
                line = st.just(ALL) | st.sets(st.sampled_from(["/text", "/messages", "/value", "/row"]))
                lines: Any = data.draw(st.dictionaries(st.integers(0, 5), line, min_size=1))
                hide[path] = data.draw(st.just(ALL) | st.just(lines))
            case _:
                hide[path] = ALL
    report = judged(redacted(run, Act(hide)).files, trust=TRUST)
    assert failed_ids(report) == []


# --- what is not checked, and what that means -----------------------------------------------------------------------


def test_a_redacted_package_verifies_and_a_chapter_that_is_required_stays_open() -> None:
    report = judged(usual().files, trust=TRUST)
    assert withheld_ids(report) == ["EP-1.6", "EP-2.6", "EP-5.1", "EP-5.2", "EP-5.3", "EP-5.4"]
    assert (report.verdict, exit_code(report)) == ("passed", 0)
    assert exit_code(report, frozenset({"authority"})) == 0
    assert exit_code(report, frozenset({"derivation"})) == 7


def test_programs_are_told_which_checks_only_a_redaction_keeps_from_being_made() -> None:
    checks = judged(usual().files, trust="").as_dict()["checks"]
    found = {one["id"]: (one["verdict"], one["withheld"]) for one in checks}
    assert found["EP-1.6"] == ("not_checked", True)
    assert found["EP-4.7"] == ("not_checked", False)
    assert found["EP-2.11"] == ("passed", False)


def test_what_is_not_there_and_not_said_to_be_withheld_is_still_missed() -> None:
    files = dict(usual().files)
    del files[layout.file_path(SAVE, "greeting.txt")]
    assert failed_ids(judged(files, trust=TRUST)) == ["EP-2.2", "EP-2.5"]


def test_a_package_of_which_only_exchanges_are_withheld_is_computed_again() -> None:
    package = greeted()
    segments = [path for path in package.files if path.startswith("audit/raw/")]
    assert segments
    report = hidden(package, dict.fromkeys(segments, ALL))
    assert withheld_ids(report) == ["EP-1.7", "EP-2.9"]


@pytest.mark.parametrize(
    ("place", "ids"),
    [
        ("/name", []),
        ("/steps/0/args", []),
        ("/steps/1/args/checklist", ["EP-4.11"]),
        ("/files/0/content", ["EP-2.8", "EP-4.11"]),
        ("/files/0/path", ["EP-2.8", "EP-4.11"]),
        ("/steps/0/when", []),
        ("/steps/0/needs", []),
        ("/steps/1/needs/0", ["EP-3.1", "EP-3.3"]),
        ("/steps/1/id", ["EP-3.1", "EP-3.3"]),
        ("/steps/0/cells", []),
        ("/budget_usd", ["EP-3.1", "EP-3.3"]),
        ("/revises", ["EP-4.9"]),
        ("/seed", []),
    ],
)
def test_only_the_checks_that_need_what_is_withheld_of_the_plan_are_not_made(place: str, ids: list[str]) -> None:
    report = input_hidden(place)
    found = [id_ for id_ in withheld_ids(report) if not id_.startswith("EP-5.")]
    without_plan = ["EP-1.8", "EP-2.8", "EP-2.10", "EP-4.9", "EP-4.11"] if "EP-3.1" in ids else []
    assert found == sorted({*ids, *without_plan}, key=lambda id_: [float(one) for one in id_[3:].split(".")])
    assert (report.verdict, failed_ids(report)) == ("passed", [])


@pytest.mark.parametrize(("when", "ids"), [("inputs.go == 'yes'", ["EP-3.1"]), ("", ["EP-3.1"])])
def test_a_step_that_was_skipped_for_a_condition_that_is_withheld_is_not_judged(when: str, ids: list[str]) -> None:
    package = Package([with_fields(step(SAVE), when=when)], inputs={"go": "no"})
    reason = ev.Reason(code="condition", message="it does not hold")
    package.event(ev.StepSkipped, step=SAVE, reason=reason)
    package.end("completed")
    report = hidden(package, {INPUT: ["/steps/0/when"]})
    assert [id_ for id_ in withheld_ids(report) if not id_.startswith("EP-5.")] == ids
    assert failed_ids(report) == []
    assert failed_ids(hidden(package, {INPUT: ["/name"]})) == ([] if when else ["EP-3.1"])


def test_authors_that_are_withheld_keep_independence_from_being_judged() -> None:
    run = approved({"authors": ["ada@example.org"]}, {"separate_from": ["starter", "author"]})
    report = input_hidden("/authors", run=run)
    found = [id_ for id_ in withheld_ids(report) if id_.startswith("EP-4.")]
    assert (found, failed_ids(report)) == (["EP-4.10", "EP-4.11", "EP-4.12"], [])


def test_a_starter_who_decides_is_found_though_the_authors_are_withheld() -> None:
    run = approved({"authors": ["ada@example.org"], "starter": "rita@example.org"})
    report = input_hidden("/authors", run=run)
    assert "EP-4.10" in failed_ids(report)


@pytest.mark.parametrize("number", [1, 2])
def test_a_vote_or_a_decision_that_is_withheld_makes_no_other_one_wrong(number: int) -> None:
    run = sealed(closed(panel())).package
    for path in (layout.vote_path(number, GATE), layout.decision_path(number, GATE)):
        report = judged(redacted(run, Act({path: ALL})).files, trust=f"{EVERYBODY}{REDACTOR_LINE}\n")
        assert failed_ids(report) == []
        assert "EP-4.3" in withheld_ids(report)
        assert "EP-4.11" in withheld_ids(report)


def test_what_a_gate_asked_can_be_withheld() -> None:
    report = hidden(approved(), {layout.gate_request_path(GATE): ALL})
    found = [id_ for id_ in withheld_ids(report) if id_.startswith("EP-4.")]
    assert found == ["EP-4.3", "EP-4.4", "EP-4.5", "EP-4.6", "EP-4.8", "EP-4.10", "EP-4.11", "EP-4.12"]
    assert failed_ids(report) == []


def test_items_that_are_withheld_in_part_are_not_judged_by_line() -> None:
    package = greeted()
    path = next(path for path in package.files if path.endswith("items.jsonl"))
    report = hidden(package, {path: {0: ["/value"], 1: ALL}})
    assert {"EP-1.8", "EP-2.10"} <= set(withheld_ids(report))
    assert failed_ids(report) == []


# --- who says so ----------------------------------------------------------------------------------------------------


def test_a_redactor_whom_the_reader_does_not_trust_is_a_loud_note() -> None:
    assert not [note for note in judged(usual().files, trust=TRUST).notes if "REDACTOR" in note]
    for trust in (EVERYBODY, ""):
        report = judged(usual().files, trust=trust)
        assert [note for note in report.notes if note.startswith("REDACTOR NOT TRUSTED")]
        assert report.verdict == "passed"


def test_a_record_that_is_none_withholds_nothing() -> None:
    package = usual()
    package.files[RECORD] = package.files[RECORD].replace(b'"act":"redaction"', b'"act":"reduction"')
    report = judged(package.files, trust=TRUST)
    assert {"EP-1.3", "EP-1.4", "EP-2.2"} <= set(failed_ids(report))
    assert report.redaction is None


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"number": 2}, "another number than its name"),
        ({"run_id": "run_2027-01-02T03-04-05Z"}, "about another run"),
        ({"previous_sha256": "0" * 64}, "about another record before it"),
        ({"at": "2026-13-02T03:04:05.000000Z"}, "no time"),
    ],
)
def test_a_record_that_does_not_fit_is_found(changes: dict[str, Any], says: str) -> None:
    report = judged(usual(changes=changes).files, trust=TRUST)
    assert report.verdict == "failed"
    assert says in json.dumps(report.as_dict())


@pytest.mark.parametrize(
    ("path", "fields", "says"),
    [
        (layout.JOURNAL, {"state": "withheld", "withheld": 1}, "always shown"),
        (layout.STATUS, {"state": "partial", "withheld": 1}, "whole or not at all"),
        (layout.STATUS, {"withheld": 1}, "does not count"),
        (layout.REPORT, {"withheld": 2}, "does not count"),
    ],
)
def test_a_record_that_contradicts_itself_is_found(path: str, fields: dict[str, Any], says: str) -> None:
    report = judged(usual(files={path: fields}).files, trust=TRUST)
    assert "EP-1.4" in failed_ids(report)
    assert says in json.dumps(report.as_dict())


def test_what_was_withheld_more_of_once_stays_so() -> None:
    more: Mapping[str, Hide] = {RESPONSES: {0: ["/text", "/messages"]}}
    less: Mapping[str, Hide] = {RESPONSES: {}}
    assert failed_ids(judged(redacted(approved().freeze(), Act(more), Act(less)).files, trust=TRUST)) == ["EP-4.13"]
    assert failed_ids(judged(redacted(approved().freeze(), Act(less), Act(more)).files, trust=TRUST)) == []


# --- how it is told ---------------------------------------------------------------------------------------------------


def test_the_verdict_says_at_the_top_what_is_withheld_by_whom_and_why(capsys: pytest.CaptureFixture[str]) -> None:
    print_verdict(judged(usual().files, trust=TRUST), frozenset())
    lines = click.unstyle(capsys.readouterr().out).splitlines()
    assert "derivation withheld" in lines[0]
    assert lines[2] == "redacted: 1 file, 1 value, 1 line withheld, 2 files shown in part"
    assert lines[3].startswith("  by otto@example.org at 2026-")
    assert lines[3].endswith("record 1: published without what names a patient")
    assert lines[4] == "  prompt (a patient is named): 1 file, 1 value, 1 line"


def test_hostile_words_of_a_redactor_do_not_reach_the_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    waiver = {"finding": "key\x1b[2J", "where": "a\u202eb", "reason": "ok\x07"}
    changes = {"reason": "so\x1b]0;owned\x07\nEP-2.2  ok", "waivers": [waiver], "scanned_by": "scan\x1b[1m"}
    files = {RESPONSES: {"kind": "x\x1b[31m", "reason": "y\u2028z"}}
    report = judged(usual(changes=changes, files=files).files, trust=TRUST)
    assert report.verdict == "passed"
    print_verdict(report, frozenset())
    printed = click.unstyle(capsys.readouterr().out)
    assert not {"\x1b", "\x07", "\u202e", "\u2028"} & set(printed)
    assert "\nEP-2.2" not in printed


def test_programs_get_the_record_in_force() -> None:
    told = judged(usual().files, trust=TRUST).as_dict()["redaction"]
    assert (told["number"], told["act"], told["signer"]["id"]) == (1, "redaction", "otto@example.org")
    assert told["withheld"] == [{"kind": "prompt", "reason": "a patient is named", "files": 1, "values": 1, "lines": 1}]
    assert judged(completed().freeze().files).as_dict()["redaction"] is None

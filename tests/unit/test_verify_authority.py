"""Chapter 4 under attack: forged, replayed and truncated decisions, false roles and names, what readers are told."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import click
import pytest
from msgspec.structs import replace as with_fields
from tests.unit.test_verify_checks import failed_ids, judged, unchecked_ids
from tests.vectors.gated import ALL_LINES, LENA, OF_LEAD, PANEL, TWO, closed, panel, quorum
from tests.vectors.people import OPERATOR, REVIEWER, REVIEWER_ID, SEALER_LINE, STRANGER
from tests.vectors.stories import GATE, approved, at_gate

from awo.canon import time
from awo.canon.json import canonical, parse, pretty
from awo.cli.verdict import print_verdict
from awo.errors import EvidenceError
from awo.evidence import layout
from awo.evidence.gates import Authority, Signer
from awo.gate.decision import why_not_signed
from awo.sign.allowed_signers import AllowedSigners, line_for
from awo.verify import decisions
from awo.verify.checks import CHECKS
from awo.verify.report import Report

FIRST = layout.decision_path(1, GATE)
SIGNATURE = layout.signature_path(FIRST)
EVERYBODY = "\n".join(ALL_LINES)
ROLE = f'[people."{REVIEWER_ID}"]\nroles = ["guest"]\n'


def said(report: Report, check: str) -> str:
    """What the first finding of a check says."""
    return next(one for one in report.checks if one.check.id == check).findings[0].what


# --- forged, replayed, truncated -----------------------------------------------------------------------------------


def test_an_approval_that_was_written_without_its_key_is_no_approval() -> None:
    report = judged(approved(signed_by=OPERATOR).freeze().files)
    assert failed_ids(report) == ["EP-4.3"]


def test_a_signature_over_a_seal_is_no_signature_over_a_decision() -> None:
    package = approved()
    package.put(SIGNATURE, REVIEWER.sign(package.files[FIRST], "awo-seal"))
    assert "EP-4.3" in failed_ids(judged(package.freeze().files))


@pytest.mark.parametrize("change", [{"run_id": "run_2026-01-01T00-00-00Z"}, {"gate": "another"}, {"shows": []}])
def test_a_real_decision_from_elsewhere_counts_nowhere(change: Mapping[str, Any]) -> None:
    report = judged(approved(**change).freeze().files)
    assert failed_ids(report) == ["EP-4.4"]
    assert {"EP-4.11", "EP-4.12"} <= {*unchecked_ids(report)}


def test_a_verdict_that_the_journal_turns_round_is_found() -> None:
    report = judged(approved(verdict="reject", answers=[], says={"verdict": "approve"}).freeze().files)
    assert failed_ids(report) == ["EP-4.4"]
    assert said(report, "EP-4.4") == "the journal records another verdict than was signed"


@pytest.mark.parametrize("cut", [1, 40, 400])
def test_a_truncated_decision_is_no_decision(cut: int) -> None:
    package = at_gate()
    decision = package.decision(GATE)
    data = canonical(decision)
    known = pretty(package.authority(GATE, decision.signer, REVIEWER))
    package.record(decision, data[:-cut], REVIEWER.sign(data[:-cut], "awo-decision"), known)
    assert failed_ids(judged(closed(package).freeze().files)) == ["EP-1.4", "EP-4.3"]


def test_a_decision_with_a_key_twice_is_no_decision_whoever_signed_it() -> None:
    package = at_gate()
    decision = package.decision(GATE)
    data = canonical(decision).replace(b'"verdict":', b'"verdict":"reject","verdict":')
    known = pretty(package.authority(GATE, decision.signer, REVIEWER))
    package.record(decision, data, REVIEWER.sign(data, "awo-decision"), known)
    assert failed_ids(judged(closed(package).freeze().files)) == ["EP-1.4", "EP-4.3"]


def test_a_comment_of_a_megabyte_is_a_finding_and_not_printed_in_full() -> None:
    report = judged(approved(comment="good " * 250_000).freeze().files)
    assert failed_ids(report) == ["EP-4.5"]
    assert all(len(finding.got) < 1000 for one in report.checks for finding in one.findings)


def test_a_decision_of_the_future_is_out_of_order() -> None:
    report = judged(approved(at="2027-01-01T00:00:00.000000Z").freeze().files)
    assert failed_ids(report) == ["EP-4.5"]
    assert "later than the time at which it was recorded" in said(report, "EP-4.5")


@pytest.mark.parametrize("at", ["2026-13-45T99:99:99.000000Z", "9999-12-31T23:59:59.999999Z"])
def test_a_time_that_cannot_be_is_a_finding_and_no_traceback(at: str) -> None:
    impossible: list[Mapping[str, Any]] = [{"at": at}, {"expires_at": at}]
    for changes in impossible:
        report = judged(approved(None, {"lasts_s": 2**53 - 1}, **changes).freeze().files)
        assert "EP-4.5" in failed_ids(report)


def test_a_deadline_beyond_all_times_never_passes() -> None:
    package = at_gate(asks={"deadline_s": 2**53 - 1, "then": "reject"})
    package.decide(GATE)
    assert failed_ids(judged(closed(package).freeze().files)) == []


# --- who they were -------------------------------------------------------------------------------------------------


def test_an_outsider_cannot_give_a_role_in_the_record_of_a_sealed_package() -> None:
    package = approved(authority={"roles": ["guest"]}).freeze()
    path = layout.authority_path(FIRST)
    known = parse(package.files[path], Authority, where=path)
    package.files[path] = pretty(with_fields(known, roles=["reviewer"]))
    report = judged(package.files)
    assert failed_ids(report) == ["EP-2.2", "EP-2.5"]
    assert "EP-4.6" in unchecked_ids(report)  # another record than the journal names is not believed


def test_a_role_that_the_operator_gave_is_held_against_the_readers_settings() -> None:
    report = judged(approved().freeze().files, policy=ROLE)
    assert (report.verdict, unchecked_ids(report)) == ("passed", ["EP-4.12"])
    assert any(note.startswith("YOUR POLICY ASKS MORE") for note in report.notes)


@pytest.mark.parametrize(
    "rules",
    [
        "needs = { reviewer = 2 }",
        "needs = { lead = 1 }",
        "needs = { reviewer = { count = 1, meaning = 'responsibility' } }",
        "presence = ['touch']",
        "separate_from = ['author']",
    ],
)
def test_a_gate_that_asked_for_less_than_the_reader_is_said_loudly(rules: str) -> None:
    report = judged(approved().freeze().files, policy=f"[gates]\n{rules}\n")
    assert (report.verdict, unchecked_ids(report)) == ("passed", ["EP-4.12"])


def test_a_reader_for_whom_approvals_end_earlier_asks_for_more() -> None:
    package = at_gate()
    package.decide(GATE)
    package.waited_s += 3600
    files = closed(package).freeze().files
    assert unchecked_ids(judged(files, policy='[gates]\nlasts = "30m"\n')) == ["EP-4.12"]
    assert unchecked_ids(judged(files, policy='[gates]\nlasts = "2h"\n')) == []


def test_a_reader_without_settings_asks_for_the_default_and_is_told_how_to_ask_for_more() -> None:
    assert unchecked_ids(judged(approved().freeze().files, policy=None)) == []
    package = closed(quorum())
    package.signers = list(ALL_LINES)
    package.write_views()
    report = judged(package.freeze().files, trust=EVERYBODY, policy=None)
    assert (report.verdict, unchecked_ids(report)) == ("passed", ["EP-4.12"])
    found = next(one for one in report.checks if one.check.id == "EP-4.12").findings[0]
    assert "--policy" in found.hint
    assert not any(note.startswith("YOUR POLICY") for note in report.notes)


def test_two_ids_that_look_alike_are_not_two_people() -> None:
    package = at_gate(asks={"count": 2})
    package.decide(GATE)
    twin = Signer(id="rita2@example.org", name="RITA R.", role="reviewer", key=STRANGER.key.fingerprint)
    package.decide(GATE, key=STRANGER, who=twin.id, signer=twin)
    package.signers = [*package.signers, line_for(twin.id, STRANGER.key, ["awo-decision"])]
    report = judged(closed(package).freeze().files, trust="\n".join(package.signers))
    assert failed_ids(report) == ["EP-4.10"]


def test_a_name_of_two_alphabets_is_refused_by_itself() -> None:
    name = "Rit\N{CYRILLIC SMALL LETTER A} R."
    signer = Signer(id=REVIEWER_ID, name=name, role="reviewer", key=REVIEWER.key.fingerprint)
    report = judged(approved(signer=signer).freeze().files)
    assert failed_ids(report) == ["EP-4.5"]


def test_a_signer_who_was_removed_since_is_not_checked_and_the_cure_is_said() -> None:
    report = judged(approved().freeze().files, trust=SEALER_LINE)
    assert (report.verdict, unchecked_ids(report)) == ("passed", ["EP-4.8"])
    assert "may have been removed from the list after the decision" in said(report, "EP-4.8")
    found = next(one for one in report.checks if one.check.id == "EP-4.8").findings[0]
    assert "valid-before" in found.hint


def test_a_line_that_ended_after_the_decision_still_vouches_for_it() -> None:
    (line,) = AllowedSigners.parse(EVERYBODY, where="trust").lines[1:2]
    ended = line_for(REVIEWER_ID, line.key, ["awo-decision"], valid_before=time.read("2026-02-01T00:00:00.000000Z"))
    before = line_for(REVIEWER_ID, line.key, ["awo-decision"], valid_before=time.read("2026-01-01T00:00:00.000000Z"))
    files = approved().freeze().files
    assert unchecked_ids(judged(files, trust=f"{SEALER_LINE}\n{ended}")) == []
    assert unchecked_ids(judged(files, trust=f"{SEALER_LINE}\n{before}")) == ["EP-4.8"]


# --- what a gate had -----------------------------------------------------------------------------------------------


def test_a_quorum_of_two_roles_holds_in_any_order() -> None:
    package = closed(quorum())
    package.signers = list(ALL_LINES)
    package.write_views()
    report = judged(package.freeze().files, trust=EVERYBODY, policy=LENA)
    assert (report.verdict, unchecked_ids(report)) == ("passed", [])


def test_an_approval_with_another_meaning_is_missing() -> None:
    needs = [with_fields(TWO["needs"][0], meaning="review")]
    report = judged(approved(None, {"needs": needs}).freeze().files)
    assert failed_ids(report) == ["EP-4.5"]


def test_a_withdrawn_approval_does_not_count() -> None:
    package = at_gate(asks=TWO)
    package.decide(GATE)
    package.decide(GATE, **OF_LEAD)
    package.decide(GATE, "withdraw", answers=[])
    package.signers = list(ALL_LINES)
    report = judged(closed(package).freeze().files, trust=EVERYBODY, policy=LENA)
    assert failed_ids(report) == ["EP-4.11"]
    assert "approvals are missing" in said(report, "EP-4.11")


def test_a_deadline_that_does_what_the_rules_do_not_say_is_found() -> None:
    package = at_gate(asks={"deadline_s": 60, "then": "wait"})
    package.waited_s += 60
    package.pass_deadline(GATE, "reject")
    package.close_gate(GATE, "rejected")
    package.end("rejected")
    assert failed_ids(judged(package.freeze().files)) == ["EP-4.11"]


@pytest.mark.parametrize(
    "says",
    [{"nonce": "ab" * 32}, {"opens": 2}],
)
def test_a_vote_opens_with_its_own_nonce_and_number_only(says: Mapping[str, Any]) -> None:
    package = at_gate(asks=PANEL)
    first, second = package.vote(GATE), package.vote(GATE, **OF_LEAD)
    package.open_vote(first, **says)
    package.open_vote(second)
    package.signers = list(ALL_LINES)
    assert "EP-4.4" in failed_ids(judged(closed(package).freeze().files, trust=EVERYBODY, policy=LENA))


def test_a_vote_at_a_gate_that_is_not_blind_is_found() -> None:
    package = at_gate()
    package.open_vote(package.vote(GATE))
    assert failed_ids(judged(closed(package).freeze().files)) == ["EP-4.4"]


@pytest.mark.parametrize("part", ["solo", "presence", "at"])
def test_a_vote_that_says_otherwise_than_its_decision_is_found(part: str) -> None:
    other: Any = {"solo": True, "presence": "agent", "at": "2026-01-02T03:04:12.500000Z"}
    package = at_gate(asks=PANEL)
    held = package.vote(GATE, vote={part: other[part]})
    package.open_vote(held)
    assert {"EP-4.4", "EP-4.6"} & {*failed_ids(judged(package_written(package)))}


def package_written(package: Any) -> Mapping[str, bytes]:
    package.write_views()
    files: Mapping[str, bytes] = package.files
    return files


# --- how it is told ------------------------------------------------------------------------------------------------


def test_each_check_of_the_chapter_says_who_could_have_cheated_without_it() -> None:
    chapter = [check for check in CHECKS if check.chapter == "authority"]
    assert [check.id for check in chapter] == [f"EP-4.{number}" for number in range(1, 14)]
    assert all("could" in check.without_it and not check.without_it.endswith(".") for check in chapter)
    assert len({check.without_it for check in chapter}) == len(chapter)


def test_a_finding_is_told_with_who_could_have_cheated(capsys: pytest.CaptureFixture[str]) -> None:
    report = judged(approved(signed_by=STRANGER).freeze().files)
    print_verdict(report, frozenset())
    printed = click.unstyle(capsys.readouterr().out)
    (check,) = [one for one in CHECKS if one.id == "EP-4.3"]
    assert f"without this check, {check.without_it}" in printed
    assert next(one for one in CHECKS if one.id == "EP-4.1").without_it not in printed
    told = json.loads(json.dumps(report.as_dict()))["checks"]
    assert next(one for one in told if one["id"] == "EP-4.3")["without_it"] == check.without_it


def test_each_signature_is_verified_once_however_many_checks_ask(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []
    real = why_not_signed

    def counting(decision: Any, data: bytes, armored: bytes, *, where: str) -> Any:
        asked.append(where)
        return real(decision, data, armored, where=where)

    monkeypatch.setattr(decisions, "why_not_signed", counting)
    package = closed(panel())
    package.signers = list(ALL_LINES)
    package.write_views()
    judged(package.freeze().files, trust=EVERYBODY, policy=LENA)
    assert len(asked) == len({*asked}) == 2


def test_a_bad_line_in_the_record_of_a_signer_is_a_finding() -> None:
    with pytest.raises(EvidenceError):
        AllowedSigners.parse("nonsense", where="x", error=EvidenceError)
    report = judged(approved(authority={"lines": ["nonsense"]}).freeze().files)
    assert failed_ids(report) == ["EP-4.6", "EP-4.10"]

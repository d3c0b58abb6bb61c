"""The list of checks as a whole, and what each story of a run makes of them, without a disk."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.vectors.builder import DECIDER_LINE, RUN_ID, SEALER_LINE, Package, step
from tests.vectors.record import sha256
from tests.vectors.stories import GATE, GREET, SAVE, approved, at_gate_written, completed, failed, solo

from awo.canon.lines import Lines
from awo.errors import UsageError
from awo.evidence import events as ev
from awo.evidence import layout
from awo.evidence.records import NOBODY
from awo.gate.project import read_policy
from awo.sign.allowed_signers import AllowedSigners
from awo.verify.checks import CAN_BE_REQUIRED, CHECKS, NOT_BUILT
from awo.verify.findings import plain
from awo.verify.judge import judge
from awo.verify.limits import Limits
from awo.verify.reading import Trust
from awo.verify.recorded import RecordedLines
from awo.verify.report import Report, exit_code, verdict_for
from awo.verify.responses import ResponseReader
from awo.verify.source import Found, Refused, Unreadable, in_order

EVERYBODY = f"{SEALER_LINE}\n{DECIDER_LINE}\n"


class InMemory:
    """A package that lies nowhere. Chunks are small, so that every line is cut somewhere."""

    kind: Literal["folder", "bundle"] = "folder"
    top = RUN_ID
    mtime = None
    attached: Mapping[str, str] = MappingProxyType({})

    def __init__(self, files: Mapping[str, bytes], *others: Refused | Unreadable, chunk_bytes: int = 7) -> None:
        self._files = files
        self._others = others
        self._chunk = chunk_bytes

    def items(self) -> Iterator[Found | Refused | Unreadable]:
        yield from self._others
        for path in sorted(self._files, key=in_order):
            data = self._files[path]
            chunks = [data[start : start + self._chunk] for start in range(0, len(data), self._chunk)]
            yield Found(path, len(data), chunks)


def judged(
    files: Mapping[str, bytes],
    *others: Refused | Unreadable,
    trust: str = EVERYBODY,
    policy: str | None = "",
    **limits: int,
) -> Report:
    """The report, for a reader with this list of signers ('' for none) and this awo.toml (None for none)."""
    signers = AllowedSigners.parse(trust, where="trust") if trust else None
    asked = read_policy(policy, where="policy") if policy is not None else None
    believed = Trust(signers, "trust", asked, "policy")
    return judge(InMemory(files, *others), "memory", believed, Limits(**limits))


def failed_ids(report: Report) -> list[str]:
    return [one.check.id for one in report.results("failed")]


WRITTEN_BY_NO_VERSION = "EP-5.4"
"""The stories say that awo 0 wrote their report: only that version could make it again."""
REGISTRATION = ("EP-6.1", "EP-6.2", "EP-6.3")
"""The stories stand in no ledger and have no time stamp."""


def unchecked_ids(report: Report) -> list[str]:
    never = {WRITTEN_BY_NO_VERSION, *REGISTRATION, *NOT_BUILT}
    return [one.check.id for one in report.results("not_checked") if one.check.id not in never]


# --- the list ------------------------------------------------------------------------------------------------


def test_an_id_is_the_name_of_its_function_and_ids_are_in_order() -> None:
    for check in CHECKS:
        if check.id not in NOT_BUILT:
            assert check.judge.__name__ == check.id.lower().replace("-", "_").replace(".", "_")
    numbers = [tuple(map(int, check.id.removeprefix("EP-").split("."))) for check in CHECKS]
    assert numbers == sorted(set(numbers))


def test_each_check_says_what_it_checks_and_against_whom_it_holds() -> None:
    for check in CHECKS:
        assert check.judge.__doc__
        assert check.title
        assert check.holds_against


def test_what_is_not_built_yet_is_said_and_changes_no_exit_code() -> None:
    report = judged(completed().freeze().files)
    unbuilt = [one for one in report.results("not_checked") if one.check.id in NOT_BUILT]
    assert {one.check.id for one in unbuilt} == NOT_BUILT
    assert {one.check.chapter for one in unbuilt} <= {"registration"}
    assert all("not yet part of this version" in one.findings[0].what for one in unbuilt)
    assert exit_code(report) == 0


# --- verdicts ------------------------------------------------------------------------------------------------


def test_without_trust_a_good_package_passes_and_says_that_nobody_was_believed() -> None:
    report = judged(approved().freeze().files, trust="")
    assert unchecked_ids(report) == ["EP-4.7", "EP-4.8"]
    assert (report.verdict, exit_code(report), exit_code(report, frozenset({"authority"}))) == ("passed", 0, 7)
    assert verdict_for(report, frozenset({"authority"})) == "incomplete"


def test_with_trust_authority_can_be_required() -> None:
    assert exit_code(judged(approved().freeze().files), frozenset({"authority"})) == 0


def test_a_chapter_that_is_not_built_cannot_be_fulfilled() -> None:
    assert exit_code(judged(completed().freeze().files), frozenset({"registration"})) == 7


def test_an_unknown_chapter_is_refused_with_the_nearest_name() -> None:
    with pytest.raises(UsageError, match="cannot be required") as caught:
        exit_code(judged({}), frozenset({"autority"}))
    assert "authority" in caught.value.hint
    assert CAN_BE_REQUIRED == ("authority", "derivation", "registration")


def test_a_failure_outweighs_what_could_not_be_checked() -> None:
    files = dict(completed().freeze().files, **{"report.md": b"x"})
    assert exit_code(judged(files, trust=""), frozenset({"authority"})) == 3


def test_an_unreadable_file_is_not_checked_and_not_failed() -> None:
    files = dict(completed().freeze().files)
    value = layout.value_path(SAVE)
    del files[value]
    report = judged(files, Unreadable(value, "Permission denied"))
    assert (failed_ids(report), unchecked_ids(report)) == ([], ["EP-2.2", "EP-2.11", "EP-5.2"])
    assert exit_code(report) == 7


def test_everything_below_an_unreadable_folder_is_not_checked() -> None:
    files = {path: data for path, data in completed().freeze().files.items() if not path.startswith("outputs/")}
    report = judged(files, Unreadable("outputs", "Permission denied"))
    assert failed_ids(report) == []
    assert unchecked_ids(report) == ["EP-2.2", "EP-2.5", "EP-2.6", "EP-2.11", "EP-5.1", "EP-5.2"]


def test_nothing_at_all_is_a_failure_in_order() -> None:
    report = judged({})
    assert failed_ids(report) == ["EP-1.3"]
    assert report.run_id == ""


def test_solo_is_said_loudly_and_passes() -> None:
    package = solo().freeze()
    report = judged(package.files, trust="\n".join(package.signers), policy="[gates]\nsolo = true")
    assert report.verdict == "passed"
    assert any(note.startswith("SOLO") for note in report.notes)


def test_with_a_starter_that_names_nobody_independence_is_not_shown() -> None:
    report = judged(approved({"starter": NOBODY}).freeze().files)
    assert any(note.startswith("INDEPENDENCE NOT SHOWN") for note in report.notes)
    assert not any(note.startswith("INDEPENDENCE") for note in judged(approved().freeze().files).notes)


def test_the_starter_may_not_decide_without_saying_so() -> None:
    package = approved(who="otto@example.org")
    assert failed_ids(judged(package.freeze().files)) == ["EP-4.6", "EP-4.10"]


def test_a_quorum_that_is_not_met_does_not_open_the_gate() -> None:
    package = Package([step(GATE, "audit_gate", checklist="checklist.md")])
    package.open_gate(GATE, count=2)
    package.decide(GATE)
    package.decide(GATE)
    package.close_gate(GATE, "approved")
    package.end("approved")
    report = judged(package.freeze().files)
    assert failed_ids(report) == ["EP-4.11"]
    assert "approvals are missing" in report.results("failed")[0].findings[0].what


def test_an_expired_decision_does_not_count() -> None:
    package = approved(expires_at="2026-01-02T03:04:06.000000Z")
    assert failed_ids(judged(package.freeze().files)) == ["EP-4.5"]


def test_a_decision_that_shows_other_files_is_stale() -> None:
    assert failed_ids(judged(approved(shows=[]).freeze().files)) == ["EP-4.4"]


def test_a_time_that_is_no_time_is_no_traceback() -> None:
    report = judged(completed().freeze(at="2026-13-45T99:99:99.000000Z").files)
    assert failed_ids(report) == ["EP-1.4"]


# --- an unsealed run -------------------------------------------------------------------------------------------


def test_a_waiting_run_is_incomplete_and_nothing_is_wrong_with_it() -> None:
    report = judged(at_gate_written().files)
    assert (report.verdict, failed_ids(report), report.is_sealed) == ("incomplete", [], False)


def test_a_torn_journal_and_unrecorded_lines_are_notes_while_a_run_is_open() -> None:
    package = at_gate_written()
    package.files[layout.JOURNAL] += b'{"at":"2026'
    path = layout.responses_path(GREET)
    package.files["outputs/later/files/draft.txt"] = b"x"
    report = judged(package.files)
    assert failed_ids(report) == []
    assert len(report.notes) == 2
    package = failed()
    del package.files[layout.STATUS]
    package.lines = package.lines[:-2]
    package.write_journal()
    package.files[path] += b"{}\n"
    report = judged(package.files)
    assert failed_ids(report) == []
    assert any("not recorded yet" in note for note in report.notes)


def test_half_a_seal_is_a_failure() -> None:
    for path in (layout.SEAL, layout.SEAL_SIGNATURE):
        files = dict(completed().freeze().files)
        del files[path]
        assert "EP-1.3" in failed_ids(judged(files))


# --- hostile bytes -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "line",
    [
        b"",
        b"null",
        b"[]" * 3,
        b"[" * 100_000,
        b'{"kind":"run_started"}',
        b'{"at":"2026-01-02T03:04:05.000000Z","environment":' + b"[" * 900 + b"]" * 900 + b"}",
        b'{"at":"x","kind":"run_resumed","seq":1e400}',
        b"\xff\xfe",
        b'"\\ud800"',
    ],
)
def test_a_line_that_is_no_event_is_a_finding(line: bytes) -> None:
    package = completed()
    package.lines.insert(2, line)
    package.write_journal()
    report = judged(package.freeze().files)
    assert failed_ids(report)[0] == "EP-1.5"
    assert report.results("failed")[0].findings[0].where == f"{layout.JOURNAL}:3"


def test_nesting_at_every_depth_is_a_finding_or_an_event() -> None:
    for depth in range(150, 1100, 50):
        package = completed()
        line = b'{"at":"%b","environment":{"x":%b},"kind":"environment_recorded","seq":1}'
        package.lines[1] = line % (package.now.encode(), b"[" * depth + b"]" * depth)
        package.write_journal()
        assert failed_ids(judged(package.freeze().files))[:1] in (["EP-5.4"], [], ["EP-1.5"])
        nested = b'"inputs": {"x":' + b"[" * depth + b"]" * depth + b"}"
        files = dict(completed().freeze().files)
        files[layout.INPUT] = files[layout.INPUT].replace(b'"inputs": {}', nested)
        assert "EP-2.2" in failed_ids(judged(files))
        files = dict(completed().freeze().files)
        path = layout.responses_path(GREET)
        files[path] = files[path].replace(b'"params":{', b'"params":{"x":' + b"[" * depth + b"]" * depth + b",")
        assert "EP-2.6" in failed_ids(judged(files))


@pytest.mark.parametrize("path", [layout.INPUT, layout.STATUS, layout.METADATA, layout.gate_request_path(GATE)])
def test_a_key_that_stands_twice_is_a_finding(path: str) -> None:
    package = at_gate_written()
    first, second, rest = package.files[path].split(b"\n", 2)
    package.files[path] = b"\n".join((first, second, second, rest))
    report = judged(package.files)
    assert "EP-1.4" in failed_ids(report)
    assert "twice" in report.results("failed")[0].findings[0].what


def test_a_key_that_stands_twice_in_a_response_is_a_finding() -> None:
    package = completed()
    doubled = package.files[layout.responses_path(GREET)].rstrip(b"\n").replace(b"{", b'{"attempt":1,', 1)
    package = Package([step(GREET, "llm_map")])
    package.start(GREET)
    package.intend(GREET, "good day")
    line = package.put(layout.responses_path(GREET), doubled + b"\n")
    package.event(
        ev.CallAnswered,
        step=GREET,
        call="0",
        line=0,
        sha256=sha256(doubled),
        size_bytes=line.size_bytes - 1,
        cost="0",
        exchange=None,
        recovered=False,
    )
    package.finish(GREET, {})
    package.end("completed")
    assert failed_ids(judged(package.freeze().files)) == ["EP-1.6"]


def test_a_plan_that_contradicts_itself_is_a_finding() -> None:
    for steps in ([step(SAVE), step(SAVE)], [step(SAVE, "write_text", "nobody")]):
        package = Package(steps)
        package.end("abandoned")
        report = judged(package.freeze().files)
        assert failed_ids(report) == ["EP-1.4"]


def test_events_that_name_files_outside_their_place_are_found_and_nothing_is_opened() -> None:
    package = Package([step(SAVE)])
    package.start(SAVE)
    passwd = ev.FileRef(path="../../etc/passwd", sha256="0" * 64, size_bytes=1)
    package.event(ev.StepFinished, step=SAVE, attempt=1, value=passwd, files=[])
    package.end("completed")
    assert failed_ids(judged(package.freeze().files)) == ["EP-2.5"]


def test_records_and_lines_above_the_limit_are_findings() -> None:
    files = completed().freeze().files
    assert failed_ids(judged(files, record_bytes=100))[0] == "EP-1.4"
    assert "EP-1.5" in failed_ids(judged(files, line_bytes=100))
    assert failed_ids(judged(files, line_bytes=330)) != []


def test_text_from_a_package_cannot_reach_the_terminal_as_it_is() -> None:
    report = judged(completed().freeze().files, Refused("a\x1b]0;owned\x07\u202eb" + "c" * 5000, "it is a link"))
    (finding,) = report.results("failed")[0].findings
    assert finding.where.isprintable()
    assert len(finding.where) < 500


@given(st.text(max_size=50))
def test_plain_text_is_printable_and_usual_text_stays_as_it_is(text: str) -> None:
    assert plain(text).isprintable() or plain(text) == ""
    if text.isprintable():
        assert plain(text) == text


@given(st.binary(max_size=300), st.integers(1, 20))
def test_lines_are_the_same_however_the_bytes_arrive(data: bytes, size: int) -> None:
    cutter = Lines(1000)
    lines = [line for start in range(0, len(data), size) for line in cutter.feed(data[start : start + size])]
    assert [*lines, cutter.rest] == data.split(b"\n")


PACKAGE = approved().freeze().files


@given(st.sampled_from(sorted(PACKAGE)), st.binary(max_size=60), st.integers(0, 3000))
def test_no_bytes_in_place_of_others_break_the_judge_or_pass(path: str, patch: bytes, place: int) -> None:
    data = PACKAGE[path]
    place %= len(data)
    changed = data[:place] + patch + data[place + len(patch) :]
    report = judged({**PACKAGE, path: changed})
    assert (report.verdict == "passed") == (changed == data)


def test_a_response_nested_at_any_depth_is_a_response_or_a_finding() -> None:
    line = completed().files[layout.responses_path(GREET)].rstrip(b"\n")
    for depth in range(100, 1100, 20):
        nested = line.replace(b'"params":{', b'"params":{"a":' + b"[" * depth + b"]" * depth + b",")
        recorded = RecordedLines()
        recorded.answered(
            ev.CallAnswered(
                seq=0,
                at="2026-01-02T03:04:05.000000Z",
                step=GREET,
                call="0",
                line=0,
                sha256=sha256(nested),
                size_bytes=len(nested),
                cost="0",
                exchange=None,
                recovered=False,
            ),
            None,
        )
        reader = ResponseReader(layout.responses_path(GREET), recorded, 1 << 20, {})
        reader.feed(nested + b"\n")
        reader.end()
        assert (reader.count, reader.altered) == (1, [])

"""Runs whose files were altered, cut or lost: AWO does not go on from them, says which, and writes no worse."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.e2e.installed import Project, contents, events, of_kind, unchanged, writable

JOURNAL = "audit/journal.jsonl"
BRANCHES = """\
name: two branches
inputs: {mark: %s}
steps:
  - {id: good, op: fanout_generate, prompt: What repeats?}
  - {id: half, op: fanout_generate, prompt: "{{ steps.good.count }}"}
  - {id: bad, op: command, shell: 'test -e "$MARK"', set_env: {MARK: "{{ inputs.mark }}"}, needs: half}
"""


def flip(path: Path) -> None:
    """Changes one byte in the middle of a file, and keeps JSON what it is where it can."""
    data = bytearray(path.read_bytes())
    place = data.rfind(b"e", 0, len(data) // 2 + 1)
    data[place] = ord("E")
    path.write_bytes(data)


@pytest.fixture
def failed(project: Project) -> Project:
    """A project whose only run has done two steps and failed at the third."""
    project.write("w.yaml", BRANCHES % (project.top / "mark"))
    project.awo("run", "w.yaml").expect(6)
    (project.top / "mark").touch()
    return project


# --- before a decision -----------------------------------------------------------------------------------

SHOWN = ("input.json", "outputs/fanout/responses.jsonl", "outputs/vote/output.json", "outputs/gate/gate.json")


@pytest.mark.parametrize("name", SHOWN)
def test_a_decision_on_what_has_changed_since_the_gate_opened_is_refused_as_stale(at_gate: Project, name: str) -> None:
    run = at_gate.latest()
    before = (run / name).read_bytes()
    flip(run / name)
    with unchanged(run / "outputs"):
        at_gate.approve().refused(3, name, "SHA-256" if name != "input.json" else "")
        at_gate.reject().refused(3, name)
    assert not list((run / "audit").glob("decisions/*"))
    (run / name).write_bytes(before)
    at_gate.approve().expect(0)
    at_gate.awo("resume").expect(0)
    at_gate.awo("verify").expect(0)


def test_a_refusal_of_a_stale_decision_is_written_down(at_gate: Project) -> None:
    run = at_gate.latest()
    (run / "outputs/vote/output.json").unlink()
    at_gate.approve().refused(3, "stale", "outputs/vote/output.json", "got: no file")
    assert [event["reason"]["code"] for event in of_kind(run, "decision_refused")] == ["stale"]


# --- before a resume -------------------------------------------------------------------------------------

RECORDED = (
    "input.json",
    "outputs/fanout/output.json",
    "outputs/fanout/responses.jsonl",
    "outputs/step_004/files/consensus.txt",
    "outputs/gate/gate.json",
    "audit/decisions/0001-gate.json",
    "audit/decisions/0001-gate.json.sig",
)


@pytest.mark.parametrize("name", RECORDED)
@pytest.mark.parametrize("how", ["altered", "lost"])
def test_nothing_goes_on_from_a_recorded_file_that_is_altered_or_lost(at_gate: Project, name: str, how: str) -> None:
    run = at_gate.latest()
    at_gate.approve().expect(0)
    before = (run / name).read_bytes()
    flip(run / name) if how == "altered" else (run / name).unlink()
    for command in ("resume", "seal"):
        with unchanged(run):
            at_gate.awo(command, "latest").refused(3, Path(name).name)
    (run / name).write_bytes(before)
    at_gate.awo("resume").expect(0)
    at_gate.awo("verify").expect(0)


def test_a_response_of_a_step_that_is_not_done_is_checked_before_it_is_used_again(failed: Project) -> None:
    run = failed.latest()
    flip(run / "outputs/half/responses.jsonl")
    with unchanged(run):
        failed.awo("resume").refused(3, "outputs/half/responses.jsonl")


# --- the journal -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("rest", [1, 40, -1])
def test_a_journal_that_ends_inside_a_line_is_cut_there_says_so_and_goes_on(at_gate: Project, rest: int) -> None:
    run = at_gate.latest()
    lines = (run / JOURNAL).read_bytes().splitlines(keepends=True)
    torn = lines[-1][:rest]
    (run / JOURNAL).write_bytes(b"".join(lines[:-1]) + torn)
    assert at_gate.awo("status", "--json").expect(0).json["run"] == run.name  # looking changes nothing
    assert (run / JOURNAL).read_bytes().endswith(torn)
    at_gate.awo("resume").expect(78)
    (cut,) = of_kind(run, "tail_cut")
    assert (cut["path"], cut["cut_bytes"]) == (JOURNAL, len(torn))
    at_gate.approve().expect(0)
    at_gate.awo("resume").expect(0)
    at_gate.awo("verify").expect(0)


def test_a_journal_that_has_lost_whole_lines_is_refused_when_the_responses_show_it(at_gate: Project) -> None:
    run = at_gate.latest()
    lines = (run / JOURNAL).read_bytes().splitlines(keepends=True)
    first_call = next(n for n, event in enumerate(events(run)) if event["kind"] == "call_intended")
    for kept in (first_call, first_call - 1):  # the step has begun, and has not
        (run / JOURNAL).write_bytes(b"".join(lines[:kept]))
        with unchanged(run):
            at_gate.awo("resume").refused(3, "outputs/fanout/responses.jsonl:1", "journal has lost lines", "copy")


AT = b'{"at":"2026-01-01T00:00:00.000000Z",'
GARBAGE = {
    "a line that is no JSON": b"garbage\n",
    "an unknown kind": AT + b'"kind":"party","seq":%d}\n',
    "an unknown field": AT + b'"extra":1,"kind":"run_interrupted","seq":%d,"signal":"X"}\n',
    "another spelling": AT + b'"kind": "run_interrupted","seq":%d,"signal":"X"}\n',
    "a wrong number": AT + b'"kind":"run_interrupted","seq":1%d,"signal":"X"}\n',
    "bytes that are no text": b"\xff\xfe\x00\n",
    "an event that may not follow": AT + b'"kind":"run_finished","outcome":"approved","seq":%d}\n',
}


@pytest.mark.parametrize("case", GARBAGE)
def test_a_journal_with_garbage_is_refused_by_line_and_left_alone(at_gate: Project, case: str) -> None:
    run = at_gate.latest()
    count = len(events(run))
    line = GARBAGE[case]
    with (run / JOURNAL).open("ab") as stream:
        stream.write(line % count if b"%d" in line else line)
    with unchanged(run):
        for done in (at_gate.awo("resume"), at_gate.approve(), at_gate.awo("seal"), at_gate.awo("show")):
            done.refused(3, f"journal.jsonl:{count + 1}")
        assert f"journal.jsonl:{count + 1}" in at_gate.awo("verify").expect(3).out


def test_a_line_swapped_inside_the_journal_is_refused(at_gate: Project) -> None:
    run = at_gate.latest()
    lines = (run / JOURNAL).read_bytes().splitlines(keepends=True)
    lines[3], lines[4] = lines[4], lines[3]
    (run / JOURNAL).write_bytes(b"".join(lines))
    with unchanged(run):
        at_gate.awo("resume").refused(3, "journal.jsonl:4")


def test_an_empty_journal_is_a_run_that_was_never_started(at_gate: Project) -> None:
    (at_gate.latest() / JOURNAL).write_bytes(b"")
    with unchanged(at_gate.root):
        at_gate.awo("resume").refused(2, "never started")
        at_gate.awo("status").refused(2, "never started")


# --- sealed packages -------------------------------------------------------------------------------------


def test_a_changed_byte_in_any_file_of_a_sealed_package_is_found_and_named(sealed: Project) -> None:
    run = sealed.latest()
    writable(run)
    for name, before in contents(run).items():
        spoiled = bytearray(before)
        spoiled[len(before) // 2] ^= 1
        (run / name).write_bytes(spoiled)
        done = sealed.awo("verify", run).expect(3)
        assert name in done.out, name
        (run / name).write_bytes(before)
    sealed.awo("verify", run).expect(0)


@pytest.mark.parametrize("name", ["stray.txt", "outputs/fanout/stray.txt", "audit/decisions/0002-gate.json"])
def test_a_file_added_to_a_sealed_package_is_found_and_named(sealed: Project, name: str) -> None:
    run = sealed.latest()
    writable(run)
    (run / name).write_text("{}")
    assert name in sealed.awo("verify", run).expect(3).out


def test_a_link_in_a_sealed_package_is_found_and_not_followed(sealed: Project) -> None:
    run = sealed.latest()
    writable(run)
    elsewhere = sealed.top / "elsewhere"
    (run / "report.md").rename(elsewhere)
    (run / "report.md").symlink_to(elsewhere)
    assert "report.md" in sealed.awo("verify", run).expect(3).out

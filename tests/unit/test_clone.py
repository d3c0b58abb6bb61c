"""A clone of the repository agrees with a run, contradicts it, or cannot say; three different answers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from types import SimpleNamespace
from typing import Any, cast

import pytest
from tests.unit.a_run import RUN_ID, Told, ref, step, text_file

from awo.canon.digest import sha256_hex
from awo.canon.json import canonical
from awo.evidence.layout import REGISTRATION, SEAL
from awo.evidence.ledger import CommitEntered, EntryProof, Registration
from awo.verify.checks import CHECKS
from awo.verify.clone import Blob, CloneCompared, compare_clone
from awo.verify.replanned import Hidden
from awo.verify.report import CheckResult, Report, exit_code

COMMIT, OTHER, SEALED = "c" * 40, "d" * 40, "e" * 40
WORKFLOW, NOTES = b"name: A small run\n", b"one\ntwo\n"
CLEAN = {"commit": COMMIT, "is_dirty": False, "folder": "", "has_workflow": True}
INPUT_PLACE = f"runs/{RUN_ID}/input.json"


class Kept:
    """A clone in memory: the files of each commit by path."""

    def __init__(
        self,
        commits: Mapping[str, Mapping[str, bytes | str]],
        *,
        is_named: bool = True,
        folder: str = "",
        head: str = "",
    ) -> None:
        self.name, self.is_named, self.folder, self.place, self.head = "a clone", is_named, folder, "", head
        self._commits = commits

    def changed_by_git(self, commit: str, path: str) -> bool:
        return False

    def has(self, commit: str) -> bool:
        return commit in self._commits

    def blobs(self, commit: str, paths: Sequence[str]) -> Iterator[tuple[str, Blob]]:
        for path in paths:
            found = self._commits[commit].get(path)
            yield path, Blob(None, found) if isinstance(found, str) else Blob(found)


def told(git: object = CLEAN, **changes: Any) -> Told:
    """A run of work/flow.yaml, which reads notes.md beside it."""
    source = ref("work/flow.yaml", WORKFLOW)
    run = Told([step("a", "write_text")], source=source, files=[text_file("notes.md", NOTES.decode())], **changes)
    run.start(environment={"git": git})
    return run


def compared(clone: Kept, run: Told, **more: Any) -> CloneCompared:
    """What comes of it; fails when nothing was compared."""
    found = attempted(clone, run, **more)
    assert found is not None
    return found


def attempted(clone: Kept, run: Told, hidden: Hidden | None = None, **more: Any) -> CloneCompared | None:
    facts = run.facts()
    reading: dict[str, Any] = {
        "broken": None,
        "facts": facts,
        "plan": run.plan,
        "hidden": hidden or Hidden(),
        "kept": {},
        "digests": {},
    }
    absent: dict[str, Any] = {"present": set(), "why_unread": lambda path: ""}
    return compare_clone(clone, cast("Any", SimpleNamespace(**(reading | absent | more))))


def commit_with(**files: bytes | str) -> dict[str, bytes | str]:
    """The files of the commit, some of them otherwise."""
    usual: dict[str, bytes | str] = {"work/flow.yaml": WORKFLOW, "work/notes.md": NOTES}
    return usual | {f"work/{name.replace('_', '.')}": content for name, content in files.items()}


def test_a_commit_with_the_very_files_agrees() -> None:
    found = compared(Kept({COMMIT: commit_with()}), told())
    assert (found.verdict, found.files, found.findings) == ("passed", 2, ())


def test_another_content_in_the_commit_of_a_clean_tree_contradicts_the_run() -> None:
    found = compared(Kept({COMMIT: commit_with(notes_md=b"other\n")}), told())
    assert (found.verdict, found.files) == ("failed", 1)
    (finding,) = found.findings
    assert finding.where == "work/notes.md"
    assert finding.expected == f"SHA-256 {sha256_hex(NOTES)}"
    assert finding.got == f"SHA-256 {sha256_hex(b'other' + bytes([10]))}"


@pytest.mark.parametrize(
    "git",
    [
        CLEAN | {"is_dirty": True},
        CLEAN | {"has_workflow": False},
        {"commit": COMMIT, "is_dirty": "no", "folder": ""},
        {"commit": COMMIT},
    ],
)
def test_where_the_run_does_not_claim_the_commit_alone_a_difference_contradicts_nothing(git: dict[str, Any]) -> None:
    found = compared(Kept({COMMIT: commit_with(notes_md=b"other\n")}), told(git))
    assert found.verdict == "not_checked"
    assert compared(Kept({COMMIT: commit_with()}), told(git)).verdict == "passed"


def test_a_commit_that_was_recorded_after_the_run_was_taken_up_contradicts_nothing() -> None:
    from awo.evidence import events as ev

    run = Told([step("a", "write_text")], source=ref("work/flow.yaml", WORKFLOW))
    run.start(environment={"git": CLEAN})
    facts = run.facts()
    resumed = ev.RunResumed(seq=1, at=facts.started_at, software=facts.software)
    facts = cast("Any", SimpleNamespace(**{name: getattr(facts, name) for name in facts.__struct_fields__}))
    facts.resumes = (resumed,)
    found = attempted(Kept({COMMIT: {"work/flow.yaml": b"other"}}), run, facts=facts)
    assert found is not None
    assert found.verdict == "not_checked"


def test_line_ends_of_windows_and_files_that_git_lfs_keeps_are_the_same_file() -> None:
    pointer = f"version https://lfs.example/spec/v1\noid sha256:{sha256_hex(NOTES)}\nsize 8\n".encode()
    assert compared(Kept({COMMIT: commit_with(notes_md=pointer)}), told()).verdict == "passed"
    ended = NOTES.replace(b"\n", b"\r\n").decode()
    run = Told([], source=ref("work/flow.yaml", WORKFLOW), files=[text_file("notes.md", ended)])
    run.start(environment={"git": CLEAN})
    assert compared(Kept({COMMIT: commit_with()}), run).verdict == "passed"


@pytest.mark.parametrize("lacking", [None, "a link"])
def test_a_file_that_the_commit_does_not_have_could_not_be_compared(lacking: str | None) -> None:
    files = commit_with(notes_md=lacking) if lacking else {"work/flow.yaml": WORKFLOW}
    found = compared(Kept({COMMIT: files}), told())
    assert (found.verdict, found.files) == ("not_checked", 1)


@pytest.mark.parametrize(
    ("git", "says"),
    [
        ({"commit": "none", "why": "git is not installed"}, "names no commit"),
        ({"commit": "--upload-pack=x"}, "names no commit"),
        ({"commit": ["a"]}, "names no commit"),
        ("text", "names no commit"),
        (CLEAN | {"commit": OTHER}, "does not have the commit"),
    ],
)
def test_without_the_commit_a_reader_who_asked_is_told_and_nobody_else(git: object, says: str) -> None:
    found = compared(Kept({COMMIT: {}}), told(git))
    assert found.verdict == "not_checked"
    assert says in found.findings[0].what
    assert attempted(Kept({COMMIT: {}}, is_named=False), told(git)) is None


def test_the_folder_of_the_project_is_that_of_the_record_else_that_of_the_reader() -> None:
    files = {f"sub/{path}": content for path, content in commit_with().items()}
    assert compared(Kept({COMMIT: files}, folder="elsewhere/"), told(CLEAN | {"folder": "sub/"})).files == 2
    older = {"commit": COMMIT, "is_dirty": False}
    assert compared(Kept({COMMIT: files}, folder="sub/"), told(older)).files == 2


@pytest.mark.parametrize("path", ["../../x", "/x", "a//b", "a\nb", "./x"])
def test_names_that_lead_out_of_the_commit_are_not_asked_for(path: str) -> None:
    run = Told([], source=ref("flow.yaml", WORKFLOW), files=[text_file(path, "x")])
    run.start(environment={"git": CLEAN | {"folder": "a/.."}})
    found = attempted(Kept({COMMIT: {}}), run)
    assert found is not None
    assert (found.verdict, found.files) == ("not_checked", 0)


def test_withheld_files_are_not_compared_and_that_is_said() -> None:
    hidden = Hidden()
    hidden.add(("files", 0, "content"))
    found = compared(Kept({COMMIT: commit_with()}), told(), hidden=hidden)
    assert (found.verdict, found.files) == ("not_checked", 1)
    assert "withheld" in found.findings[0].what
    everything = compared(Kept({COMMIT: commit_with()}), told(), hidden=Hidden(is_all=True), plan=None)
    assert (everything.verdict, everything.files) == ("not_checked", 0)


def test_the_commit_that_is_checked_out_must_have_the_same_input_where_it_has_one() -> None:
    run = told()
    same = Kept({COMMIT: commit_with(), OTHER: {INPUT_PLACE: input_of(run)}}, head=OTHER)
    assert compared(same, run).holds_input == (OTHER,)
    altered = Kept({COMMIT: commit_with(), OTHER: {INPUT_PLACE: input_of(run) + b" "}}, head=OTHER)
    found = compared(altered, run)
    assert found.verdict == "failed"
    assert found.findings[0].where == INPUT_PLACE
    assert compared(Kept({COMMIT: commit_with(), OTHER: {}}, head=OTHER), run).verdict == "passed"


def test_the_commit_that_the_ledger_names_must_have_the_same_input() -> None:
    run = told()
    assert committed(run, {INPUT_PLACE: input_of(run)}).holds_input == (SEALED,)
    assert committed(run, {INPUT_PLACE: b"{}"}).verdict == "failed"
    assert committed(run, {}).verdict == "not_checked"
    assert committed(run, None).verdict == "not_checked"


def input_of(run: Told) -> bytes:
    from awo.canon.json import pretty

    return pretty(run.plan)


def committed(run: Told, files: Mapping[str, bytes] | None) -> CloneCompared:
    """A clone that has the run's commit, and the one of the seal with these files (None: not that one)."""
    entry = CommitEntered(
        format="awo/ledger-entry/v1",
        run_id=RUN_ID,
        at="2026-11-23T06:10:00.000000Z",
        seal_sha256="a" * 64,
        commit=SEALED,
    )
    note = f"awo.example/x\n1\n{'A' * 43}=\n\n\u2014 awo.example/x AAAAAAAA\n"
    proof = EntryProof(index=0, entry=canonical(entry).decode(), path=[])
    record = Registration(format="awo/registration/v1", run_id=RUN_ID, entries=[proof], checkpoint=note, stamp="")
    commits = {COMMIT: commit_with()} | ({SEALED: files} if files is not None else {})
    return compared(Kept(commits), run, kept={REGISTRATION: canonical(record)}, digests={SEAL: "a" * 64})


@pytest.mark.parametrize(("notes", "code"), [(NOTES, 0), (b"other\n", 3)])
def test_a_contradiction_ends_with_code_3_although_every_check_passed(notes: bytes, code: int) -> None:
    from awo.verify.findings import Answer

    checks = tuple(CheckResult.of(check, Answer()) for check in CHECKS)
    found = compared(Kept({COMMIT: commit_with(notes_md=notes)}), told())
    report = Report("x", "folder", RUN_ID, "completed", True, "", {}, checks, clone=found)
    assert exit_code(report) == code
    assert report.as_dict()["clone"]["verdict"] == ("failed" if code else "passed")
    assert report.as_dict()["verdict"] == ("failed" if code else "passed")

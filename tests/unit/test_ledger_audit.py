"""An audit finds what was dropped, altered, never ended, or stands where it may not."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest
from tests.unit.ledger_entries import committed, decided, digest, run_id, sealed, started

from awo.canon import time
from awo.canon.json import canonical
from awo.evidence.layout import INPUT, SEAL, decision_path, vote_path
from awo.evidence.ledger import Entry
from awo.ledger.audit import RunSeen, audit, faults_of_order
from awo.ledger.reader import Placed

DECISION = decision_path(1, "review")


def found(entries: Sequence[Entry], **seen: RunSeen) -> list[tuple[str, str, bool]]:
    rows = [Placed(number, canonical(entry), entry) for number, entry in enumerate(entries)]
    done = audit(rows, {run_id(int(name[1:])): run for name, run in seen.items()})
    return [(one.kind, one.run_id, one.is_wrong) for one in done.found]


def folder(number: int = 0, *, is_sealed: bool = True, **changes: str) -> RunSeen:
    digests = {INPUT: digest("input")} | ({SEAL: digest("seal")} if is_sealed else {})
    return RunSeen(digest(f"journal {number}"), digests | changes)


def test_runs_that_are_here_as_they_were_entered_are_clean() -> None:
    entries: list[Entry] = [started(), decided(), started(1), sealed(), sealed(1), committed()]
    run = folder()
    assert found(entries, r0=RunSeen(run.start, {**run.digests, DECISION: digest("decision 1")}), r1=folder(1)) == []


def test_a_run_that_was_started_and_never_sealed_is_listed_and_is_not_wrong() -> None:
    assert found([started()], r0=folder(is_sealed=False)) == [("never_sealed", run_id(0), False)]


@pytest.mark.parametrize("entries", [[started()], [started(), sealed()]])
def test_a_run_whose_folder_is_away_is_wrong(entries: list[Entry]) -> None:
    assert found(entries) == [("missing", run_id(0), True)]


@pytest.mark.parametrize("path", [INPUT, SEAL])
def test_a_file_that_is_not_the_entered_one_is_wrong(path: str) -> None:
    run = folder()
    changed = RunSeen(run.start, {**run.digests, path: digest("altered")})
    assert found([started(), sealed()], r0=changed) == [("altered", run_id(0), True)]


def test_another_journal_under_the_same_name_is_wrong() -> None:
    assert found([started(), sealed()], r0=folder(7)) == [("altered", run_id(0), True)]


def test_a_decision_that_is_away_is_wrong_and_one_that_was_not_entered_is_listed() -> None:
    assert found([started(), decided(), sealed()], r0=folder()) == [("altered", run_id(0), True)]
    run = folder()
    more = RunSeen(run.start, {**run.digests, vote_path(1, "review"): digest("vote 1")})
    assert found([started(), sealed()], r0=more) == [("not_entered", run_id(0), False)]


def test_texts_that_were_destroyed_are_not_missing_but_the_seal_is() -> None:
    run = RunSeen(digest("journal 0"), {SEAL: digest("seal")}, is_redacted=True)
    assert found([started(), sealed()], r0=run) == []
    bare = RunSeen(digest("journal 0"), {}, is_redacted=True)
    assert found([started(), sealed()], r0=bare) == [("altered", run_id(0), True)]


def test_a_seal_that_a_crash_kept_from_the_ledger_is_listed() -> None:
    assert found([started()], r0=folder()) == [("not_entered", run_id(0), False)]


@pytest.mark.parametrize(("began_at", "is_late"), [("03:03:05", False), ("03:03:04", True), ("05:00:00", False)])
def test_a_run_that_was_entered_long_after_it_began_is_listed(began_at: str, is_late: bool) -> None:
    run = replace(folder(), began=time.read(f"2026-01-02T{began_at}.000000Z"))
    assert found([started(), sealed()], r0=run) == ([("late", run_id(0), False)] if is_late else [])


def test_a_run_that_the_ledger_lacks_is_listed_and_one_that_never_began_is_not() -> None:
    assert found([], r0=folder(), r1=RunSeen("")) == [("not_entered", run_id(0), False)]


def test_an_entry_of_no_known_shape_is_wrong() -> None:
    done = audit([Placed(0, b"{}", None)], {})
    assert [(one.kind, one.index) for one in done.found] == [("unknown", 0)]


@pytest.mark.parametrize(
    ("entries", "faults"),
    [
        ([started(), decided(), decided(what="vote"), decided(count=2), sealed(), committed()], []),
        ([decided(), sealed()], [0]),
        ([started(), started(journal="other")], [1]),
        ([started(), sealed(), decided()], [2]),
        ([started(), decided(count=2)], [1]),
        ([started(), sealed(), sealed()], [2]),
        ([started(), committed()], [1]),
        ([started(), sealed(), committed(seal="other")], [2]),
    ],
)
def test_entries_stand_in_one_order(entries: list[Entry], faults: list[int]) -> None:
    assert [number for number, _ in faults_of_order(entries)] == faults

"""Holds what a ledger has against what the folder of runs has: what was dropped, altered, or never ended. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal, assert_never

from awo.canon import time
from awo.evidence.layout import INPUT, SEAL, decision_path, vote_path
from awo.evidence.ledger import CommitEntered, DecisionEntered, Entry, ErasureEntered, RunEntered, SealEntered
from awo.ledger.reader import Placed

Kind = Literal["never_sealed", "missing", "altered", "out_of_order", "not_entered", "late", "unknown"]

WRONG: frozenset[Kind] = frozenset({"missing", "altered", "out_of_order", "unknown"})
"""What speaks against the evidence. A run that was never sealed, that the ledger lacks, or that was entered late, is
only listed."""

LATE_S = 60.0
"""An entry of the start that is this much later than the first event does not hold what lies between."""


@dataclass(frozen=True, slots=True)
class RunSeen:
    """What the folder of one run has now. Digests are SHA-256, 64 hex digits.

    `start` is that of the first line of its journal, '' without one; `digests` those of input.json, the seal and each
    decision and sealed vote, by path; `is_redacted` says that texts were withheld or destroyed here; `began` is the
    time of the first event by its own word, None where it has none.
    """

    start: str
    digests: Mapping[str, str] = field(default_factory=dict)
    is_redacted: bool = False
    began: datetime | None = None


@dataclass(frozen=True, slots=True)
class Suspicion:
    """One thing that an audit found. `index` is the place of the entry in the ledger, -1 for none."""

    kind: Kind
    run_id: str
    what: str
    index: int = -1

    @property
    def is_wrong(self) -> bool:
        """Whether it speaks against the evidence."""
        return self.kind in WRONG


@dataclass(frozen=True, slots=True)
class Audit:
    """How many entries and runs the ledger has, how many of these runs are sealed, and what was found."""

    entries: int
    runs: int
    sealed: int
    found: tuple[Suspicion, ...]


def audit(entries: Iterable[Placed], seen: Mapping[str, RunSeen]) -> Audit:
    """What the entries of a whole ledger and the runs that are there say of each other, in the order of the ledger;
    runs that it lacks come last."""
    by_run: dict[str, list[tuple[int, Entry]]] = {}
    found: list[Suspicion] = []
    count = 0
    for one in entries:
        count += 1
        if one.entry is None:
            found.append(Suspicion("unknown", "", "an entry has no shape that this version knows", one.index))
        else:
            by_run.setdefault(one.entry.run_id, []).append((one.index, one.entry))
    for run_id, rows in by_run.items():
        found += _in_order(run_id, rows)
        found += _against_folder(run_id, rows, seen.get(run_id))
    for run_id, run in seen.items():
        if run_id not in by_run and run.start:
            found.append(Suspicion("not_entered", run_id, "the ledger has no entry of this run"))
    sealed = sum(any(isinstance(entry, SealEntered) for _, entry in rows) for rows in by_run.values())
    return Audit(count, len(by_run), sealed, tuple(found))


def _in_order(run_id: str, rows: Sequence[tuple[int, Entry]]) -> list[Suspicion]:
    found = []
    for number, why in faults_of_order([entry for _, entry in rows]):
        found.append(Suspicion("out_of_order", run_id, why, rows[number][0]))
    return found


def faults_of_order(entries: Sequence[Entry]) -> list[tuple[int, str]]:
    """Which entries of one run (by their number among these) may not stand where they do, and why (spec 10.5)."""
    faults: list[tuple[int, str]] = []
    counts = {"decision": 0, "vote": 0}
    seal = ""
    for number, entry in enumerate(entries):
        why = ""
        match entry:
            case RunEntered():
                why = "a run of this name was entered before" if number else ""
            case DecisionEntered():
                counts[entry.what] += 1
                if seal:
                    why = f"a {entry.what} stands behind the seal"
                elif entry.number != counts[entry.what]:
                    why = f"{entry.what} {entry.number} stands where {entry.what} {counts[entry.what]} should"
            case SealEntered():
                why = "the run was sealed before" if seal else ""
                seal = seal or entry.seal_sha256
            case CommitEntered() | ErasureEntered():
                if not seal:
                    why = "it stands before the seal"
                elif entry.seal_sha256 != seal:
                    why = "it names another seal"
            case _:
                assert_never(entry)
        if not number and not isinstance(entry, RunEntered):
            why = "the first entry of the run is not its start"
        if why:
            faults.append((number, why))
    return faults


def _against_folder(run_id: str, rows: Sequence[tuple[int, Entry]], run: RunSeen | None) -> list[Suspicion]:
    entered: dict[str, None] = {}
    is_sealed = any(isinstance(entry, SealEntered) for _, entry in rows)
    if run is None:
        what = "it was sealed, and it is not here" if is_sealed else "it was started, and it is not here: dropped"
        return [Suspicion("missing", run_id, what, rows[0][0])]
    found = []
    start = rows[0][1]
    if isinstance(start, RunEntered) and is_late(run.began, start.at):
        what = f"it was entered at {start.at}, long after its first event: nothing held it in between"
        found.append(Suspicion("late", run_id, what, rows[0][0]))
    for index, entry in rows:
        for path, digest in _digests(entry):
            entered[path] = None
            if why := _differs(path, digest, run):
                found.append(Suspicion("altered", run_id, why, index))
    if not is_sealed and SEAL not in run.digests:
        found.append(Suspicion("never_sealed", run_id, "it was started and never sealed", rows[0][0]))
    lacking = [path for path in run.digests if path not in entered]
    return found + [Suspicion("not_entered", run_id, f"the ledger has no entry of {path}") for path in lacking]


def is_late(began: datetime | None, entered_at: str) -> bool:
    """Whether a run that began then was entered so late that it can have been chosen among others."""
    try:
        return began is not None and (time.read(entered_at) - began).total_seconds() > LATE_S
    except ValueError:
        return False


FIRST_EVENT = "the first event"


def _digests(entry: Entry) -> list[tuple[str, str]]:
    """The files of the run that an entry vouches for, with their digests."""
    match entry:
        case RunEntered():
            return [(FIRST_EVENT, entry.journal_sha256), (INPUT, entry.input_sha256)]
        case DecisionEntered():
            path = decision_path if entry.what == "decision" else vote_path
            return [(path(entry.number, entry.gate), entry.sha256)]
        case SealEntered():
            return [(SEAL, entry.seal_sha256)]
        case CommitEntered() | ErasureEntered():
            return []
        case _:
            assert_never(entry)


def _differs(path: str, digest: str, run: RunSeen) -> str:
    here = run.start if path == FIRST_EVENT else run.digests.get(path, "")
    if here == digest or (not here and run.is_redacted and path != SEAL):
        return ""
    return f"{path} is not there" if not here else f"{path} is not the one that was entered"

"""What the ledger is told of a run: its start, its decisions and sealed votes, and its seal, in their order."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from awo.canon import time
from awo.canon.digest import sha256_hex
from awo.canon.json import parse_canonical
from awo.derive.facts import RunFacts
from awo.engine.journal import Journal, read_lines
from awo.errors import EvidenceError
from awo.evidence import events as ev
from awo.evidence.layout import JOURNAL, SEAL
from awo.evidence.ledger import DecisionEntered, Entry, RunEntered, SealEntered
from awo.evidence.records import Seal
from awo.ledger.log import Ledger

FORMAT: Final = "awo/ledger-entry/v1"


async def enter_what_is_recorded(journal: Journal, ledger: Ledger | None, *, is_new: bool = False) -> None:
    """Enters in the ledger what it lacks of an open run; with `is_new` the run has no entry yet.

    What is entered is on disk before. Raises as `Ledger` does; None is a project without a ledger.
    """
    if ledger is None:
        return
    await journal.flushed()
    state = journal.state
    assert state.started is not None
    ledger.enter(entries_of(state.started, state.gates.all_votes, state.gates.all_decisions), is_new=is_new)


def enter_so_far(folder: Path, done: RunFacts, ledger: Ledger) -> None:
    """Enters what the ledger lacks of a run that is not sealed. Raises as `Ledger` does."""
    ledger.enter(_by_facts(folder, done))


def enter_seal(folder: Path, done: RunFacts, ledger: Ledger) -> None:
    """Enters what the ledger lacks of a run that was sealed, with its seal. Raises as `Ledger` does."""
    ledger.enter([*_by_facts(folder, done), seal_entry((folder / SEAL).read_bytes())])


def _by_facts(folder: Path, done: RunFacts) -> list[Entry]:
    votes = [vote for gate in done.gates for vote in gate.votes]
    decisions = [decision for gate in done.gates for decision in gate.decisions]
    return entries_of(first_event(folder), votes, decisions)


def entries_of(
    started: ev.RunStarted, votes: Iterable[ev.VoteCommitted], decisions: Iterable[ev.DecisionRecorded]
) -> list[Entry]:
    """The entries of a run that is not sealed, in the order of its events."""
    at = time.now()
    start = RunEntered(
        format=FORMAT,
        run_id=started.run_id,
        at=at,
        input_sha256=started.input.sha256,
        journal_sha256=sha256_hex(ev.encode(started)),
        supersedes=started.supersedes,
    )
    found: list[Entry] = [start]
    signed: list[ev.VoteCommitted | ev.DecisionRecorded] = [*votes, *decisions]
    for event in sorted(signed, key=lambda one: one.seq):
        is_vote = isinstance(event, ev.VoteCommitted)
        found.append(
            DecisionEntered(
                format=FORMAT,
                run_id=started.run_id,
                at=at,
                gate=event.gate,
                what="vote" if is_vote else "decision",
                number=event.number,
                sha256=event.vote.sha256 if isinstance(event, ev.VoteCommitted) else event.decision.sha256,
            )
        )
    return found


def seal_entry(data: bytes) -> SealEntered:
    """The entry of a seal, from the bytes of audit/seal.json. Raises `EvidenceError` for others."""
    seal = parse_canonical(data, Seal, where=SEAL)
    return SealEntered(
        format=FORMAT,
        run_id=seal.run_id,
        at=time.now(),
        outcome=seal.outcome,
        checkpoint=seal.checkpoint,
        seal_sha256=sha256_hex(data),
    )


def first_event(folder: Path) -> ev.RunStarted:
    """The event that began a run. Raises `EvidenceError`."""
    descriptor = os.open(folder / JOURNAL, os.O_RDONLY | os.O_CLOEXEC)
    try:
        line = next(read_lines(descriptor), b"")
    finally:
        os.close(descriptor)
    event = ev.decode(line.removesuffix(b"\n"), 0)
    if not isinstance(event, ev.RunStarted):
        raise EvidenceError("the journal does not begin with the start of a run", where=f"{folder / JOURNAL}:1")
    return event

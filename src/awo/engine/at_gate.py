"""Opens a run that waits at a gate, under its lock, for what a person decides there."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path
from typing import NamedTuple

from awo.engine.closing import close_if_decided
from awo.engine.deadlines import is_rejected_by_deadline
from awo.engine.folder import read_input, read_recorded, refuse_links_and_devices, refuse_sealed
from awo.engine.intact import check_input
from awo.engine.journal import Journal
from awo.engine.tidy import remove_unrecorded
from awo.engine.views import write_views
from awo.errors import AwoError, UsageError
from awo.evidence import events as ev
from awo.evidence.gates import Decision, GateRequest, SealedVote
from awo.evidence.merkle import MerkleTree
from awo.evidence.records import InputRecord
from awo.gate.decision import GateFacts
from awo.lifecycle.chronicle import Chronicle
from awo.lifecycle.rules import RunState

LOCK_WAIT_S = 10.0
"""How long a decision waits for somebody else's: theirs costs well under a second."""


class AtGate(NamedTuple):
    """A run whose journal is open and locked, and what its input.json says."""

    journal: Journal
    plan: InputRecord


class DeadlineClosed(UsageError):
    """The deadline of the gate has passed, and this command found it so: the run is rejected, and not yet sealed."""


@contextlib.asynccontextmanager
async def at_gate(folder: Path) -> AsyncIterator[AtGate]:
    """The run in `folder`, for a decision: no other process changes it meanwhile, and its views are right afterwards.

    What was recorded before, and a deadline that has passed, closes the gate first; `DeadlineClosed` is raised when
    that ends the run. Waits up to `LOCK_WAIT_S` for another process. Raises `UsageError`, `EvidenceError` and
    `DiskTrouble`.
    """
    refuse_sealed(folder)
    refuse_links_and_devices(folder)
    plan, input_ref = read_input(folder)
    tree = MerkleTree()
    chronicle = Chronicle(plan, tree)
    journal = Journal.open_existing(
        folder, RunState(plan.steps, plan.budget_usd), chronicle.add, wait_s=LOCK_WAIT_S, tree=tree
    )
    journal.on_durable = partial(_tell, chronicle)
    journal.start()
    known = journal.state.size
    try:
        check_input(journal.state, input_ref)
        await close_if_decided(journal)
        if journal.state.outcome and journal.state.size > known and is_rejected_by_deadline(journal.state.gates):
            raise _too_late(journal)
        yield AtGate(journal, plan)
        await _leave(journal, chronicle, known)
    except AwoError:
        with contextlib.suppress(AwoError):  # what went wrong first is what the person must know
            await _leave(journal, chronicle, known)
        raise
    finally:
        await journal.close()


def _tell(chronicle: Chronicle, events: list[ev.AnyEvent]) -> None:
    for event in events:
        chronicle.add(event)


async def _leave(journal: Journal, chronicle: Chronicle, known: int) -> None:
    if journal.state.size == known:
        return
    await journal.flushed()
    if journal.state.outcome:
        remove_unrecorded(journal.folder)  # not before: without an end an answer may wait to be recorded
    write_views(journal.folder, facts=chronicle.facts(), are_pictures_kept=not journal.state.outcome)


def gate_facts(at: AtGate) -> GateFacts:
    """What the log says of the gate that is open. Raises `UsageError` when none is, saying how the last one closed."""
    journal = at.journal
    state, book = journal.state, journal.state.gates
    if not book.open_gate or book.opened is None or state.started is None:
        raise UsageError(
            "no gate of this run is open, so there is nothing to decide",
            where=journal.folder.name,
            got=_how_it_closed(journal),
            hint=f"`awo status {journal.folder.name}` says how it stands",
        )
    return GateFacts(
        run_id=state.started.run_id,
        starter=state.started.starter,
        request=read_recorded(journal.folder, book.opened.request, GateRequest),
        checkpoint=journal.gate_checkpoint,
        shows=tuple(book.opened.shows),
        opened_at=book.opened.at,
        authors=tuple(at.plan.authors),
        decisions=tuple(read_recorded(journal.folder, event.decision, Decision) for event in book.decisions),
        is_escalated=book.is_escalated,
        voters=tuple(read_recorded(journal.folder, event.vote, SealedVote).signer for event in book.votes),
    )


def _too_late(journal: Journal) -> DeadlineClosed:
    book = journal.state.gates
    assert book.opened is not None
    return DeadlineClosed(
        f"the deadline of the gate {book.opened.gate!r} has passed, so the run is rejected",
        where=journal.folder.name,
        hint="start it again with `awo run`, and decide before the deadline",
    )


def _how_it_closed(journal: Journal) -> str:
    book = journal.state.gates
    if book.opened is None:
        return ""
    if is_rejected_by_deadline(book):
        return f"the gate {book.opened.gate!r} was closed: its deadline had passed"
    if not book.decisions:
        return ""
    last = book.decisions[-1]
    return f"the gate {last.gate!r} was closed: {last.verdict} by {ascii(last.signer)[1:-1]} at {last.at}"

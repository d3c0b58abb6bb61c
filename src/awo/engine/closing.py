"""Closes a gate once its recorded decisions or its deadline settle it, and opens it again when an approval lapses."""

from __future__ import annotations

from typing import Literal

from awo.canon import time
from awo.engine.deadlines import is_overdue, is_rejected_by_deadline, needs_now
from awo.engine.folder import read_recorded
from awo.engine.journal import Journal
from awo.evidence import events as ev
from awo.evidence.gates import Decision, GateRequest
from awo.gate.standing import missing
from awo.lifecycle.steps import Status


async def close_if_decided(journal: Journal) -> bool:
    """Records that the open gate is closed, if its decisions or its deadline say so; whether it was, durable on return.

    One rejection or request for a revision closes a gate and finishes the run (at a blind gate once all votes are
    open); approvals close it when the gate needs no more of them now. A deadline that has passed is recorded
    once, after what was decided before it. Raises `EvidenceError` for an altered decision, and `DiskTrouble`.
    """
    book = journal.state.gates
    if not book.open_gate or book.opened is None:
        return False
    request = read_recorded(journal.folder, book.opened.request, GateRequest)
    at = _moment(journal)
    verdict = _verdict(journal, request, at)
    if not verdict and is_overdue(book, request, at):
        journal.append(ev.DeadlinePassed, at=at, gate=request.gate, then=request.rules.then)
        verdict = "rejected" if is_rejected_by_deadline(book) else _verdict(journal, request, at)
    if verdict:
        journal.append(ev.GateClosed, at=at, gate=request.gate, verdict=verdict)
        if verdict != "approved":
            journal.append(ev.RunFinished, outcome="rejected")  # a new run revises one that was sent back
    await journal.flushed()
    return bool(verdict)


async def reopen_if_lapsed(journal: Journal) -> bool:
    """Opens the gate again behind which the run has not gone on, if an approval has expired since it was closed.

    Whether it was opened, durable on return. Raises as `close_if_decided`.
    """
    if held_at(journal):
        return False
    await close_if_decided(journal)  # its deadline may have passed, too
    await journal.flushed()
    return True


def held_at(journal: Journal) -> str:
    """The moment, which is now, at which the gate that is approved has all it asks for, or no gate waits to be passed.

    '' where an approval has expired since: then the gate is open again, on disk once the journal is flushed. Raises
    `EvidenceError` for an altered decision, and `DiskTrouble`.
    """
    state, book = journal.state, journal.state.gates
    at = _moment(journal)
    if book.opened is None or state.steps[book.opened.gate].status is not Status.GATE_APPROVED:
        return at
    request = read_recorded(journal.folder, book.opened.request, GateRequest)
    if not _missing(journal, request, at):
        return at
    journal.append(ev.GateLapsed, at=at, gate=request.gate)
    return ""


def _moment(journal: Journal) -> str:
    """Now, and never before what was recorded of the gate: what had expired once does not come back where a clock was
    moved back. What follows is recorded with this very time, so that it is true at its own time."""
    return max(time.now(), journal.state.gates.latest_at)


def _verdict(journal: Journal, request: GateRequest, at: str) -> Literal["", "approved", "rejected", "revised"]:
    """What the decisions on record amount to at the time `at`; '' while they settle nothing."""
    book = journal.state.gates
    if is_rejected_by_deadline(book):
        return "rejected"  # a process was killed between the two events
    if not book.decisions or book.unopened:
        return ""
    standing = {decision.signer: decision.verdict for decision in book.decisions}.values()
    if "reject" in standing:
        return "rejected"
    if "revise" in standing:
        return "revised"
    return "" if _missing(journal, request, at) else "approved"


def _missing(journal: Journal, request: GateRequest, at: str) -> bool:
    """Whether approvals are missing at the time `at`."""
    book = journal.state.gates
    decisions = [read_recorded(journal.folder, event.decision, Decision) for event in book.decisions]
    return bool(missing(needs_now(request, is_escalated=book.is_escalated), decisions, at=time.read(at)))

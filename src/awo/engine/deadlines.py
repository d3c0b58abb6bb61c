"""What follows when a gate has waited too long, and whose approvals it asks for then. Pure."""

from __future__ import annotations

from awo.derive.views import deadline_of
from awo.evidence.gates import GateRequest, Need
from awo.lifecycle.gate_book import GateBook


def is_overdue(book: GateBook, request: GateRequest, at: str) -> bool:
    """Whether the gate that is open should have been decided by the time `at`, and nothing has followed from it yet."""
    if not book.open_gate or book.opened is None or book.deadline is not None:
        return False
    deadline = deadline_of(request.rules, book.opened.at)
    return bool(deadline) and at >= deadline  # both in the one spelling, which sorts as the times do


def is_rejected_by_deadline(book: GateBook) -> bool:
    """Whether the deadline has passed and the rules reject then."""
    return book.deadline is not None and book.deadline.then == "reject"


def needs_now(request: GateRequest, *, is_escalated: bool) -> list[Need]:
    """Whose approvals the gate asks for: those of its opening, or after an escalation the others."""
    return request.rules.escalate if is_escalated else request.needs

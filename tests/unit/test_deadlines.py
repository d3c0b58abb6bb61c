"""When a gate is overdue, what has followed from it, and whose approvals it asks for then."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from awo.engine.deadlines import is_overdue, is_rejected_by_deadline, needs_now
from awo.evidence import events as ev
from awo.evidence.gates import GateRequest, Need
from awo.gate.settings import DEFAULT_RULES
from awo.lifecycle.gate_book import GateBook

REF = ev.FileRef(path="outputs/gate/gate.json", sha256="0" * 64, size_bytes=1)
OPENED = ev.GateOpened(seq=0, at="2026-11-23T12:00:00.000000Z", gate="gate", request=REF, files=[], shows=[])
LEAD = Need(role="lead", count=1)
REQUEST = GateRequest(
    format="awo/gate-request/v1",
    gate="gate",
    checklist=[],
    needs=[Need(role="reviewer", count=2)],
    rules=replace(DEFAULT_RULES, deadline_s=3600, then="escalate", escalate=[LEAD]),
)


def opened() -> GateBook:
    book = GateBook()
    book.open(OPENED)
    return book


@pytest.mark.parametrize(
    ("at", "expected"),
    [
        ("2026-11-23T12:59:59.999999Z", False),
        ("2026-11-23T13:00:00.000000Z", True),
        ("2027-01-01T00:00:00.000000Z", True),
        ("2026-11-23T11:00:00.000000Z", False),
    ],
)
def test_a_gate_is_overdue_from_its_deadline_on(at: str, expected: bool) -> None:
    assert is_overdue(opened(), REQUEST, at) is expected


def test_a_gate_is_overdue_once_and_only_while_it_is_open() -> None:
    late = "2026-11-24T00:00:00.000000Z"
    assert not is_overdue(GateBook(), REQUEST, late)
    assert not is_overdue(opened(), replace(REQUEST, rules=DEFAULT_RULES), late)
    passed = opened()
    passed.deadline = ev.DeadlinePassed(seq=1, at=late, gate="gate", then="escalate")
    assert not is_overdue(passed, REQUEST, late)
    closed = opened()
    closed.open_gate = ""
    assert not is_overdue(closed, REQUEST, late)


@pytest.mark.parametrize(("then", "expected"), [("wait", False), ("reject", True), ("escalate", False)])
def test_a_deadline_rejects_only_where_the_rules_say_so(then: str, expected: bool) -> None:
    book = opened()
    assert not is_rejected_by_deadline(book)
    book.deadline = ev.DeadlinePassed(seq=1, at=OPENED.at, gate="gate", then=then)  # type: ignore[arg-type]
    assert is_rejected_by_deadline(book) is expected


def test_after_an_escalation_the_other_people_are_asked() -> None:
    assert needs_now(REQUEST, is_escalated=False) == REQUEST.needs
    assert needs_now(REQUEST, is_escalated=True) == [LEAD]

"""Closes a gate once its recorded decisions settle it: after a decision, and after a crash behind one."""

from __future__ import annotations

from awo.engine.folder import read_recorded
from awo.engine.journal import Journal
from awo.evidence import events as ev
from awo.evidence.gates import Decision, GateRequest
from awo.gate.policy import missing


async def close_if_decided(journal: Journal) -> bool:
    """Records that the open gate is closed, if its decisions say so; whether that was done, durable on return.

    One rejection closes a gate and finishes the run; approvals close it when the gate needs no
    more. Raises `EvidenceError` for an altered decision, and `DiskTrouble`.
    """
    state, folder = journal.state, journal.folder
    if not state.gates.open_gate or state.gates.opened is None or not state.gates.decisions:
        return False
    if any(decision.verdict == "reject" for decision in state.gates.decisions):
        journal.append(ev.GateClosed, gate=state.gates.open_gate, verdict="rejected")
        journal.append(ev.RunFinished, outcome="rejected")
    else:
        request = read_recorded(folder, state.gates.opened.request, GateRequest)
        decisions = [read_recorded(folder, event.decision, Decision) for event in state.gates.decisions]
        if missing(request.needs, decisions):
            return False
        journal.append(ev.GateClosed, gate=state.gates.open_gate, verdict="approved")
    await journal.flushed()
    return True

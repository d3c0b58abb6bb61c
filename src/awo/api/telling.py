"""Tells people of gates: opened, near or past the deadline, decided. What goes wrong is said, and never an error."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal

from awo.api.looking import facts
from awo.api.projects import Project, secrets_here
from awo.errors import AwoError
from awo.publish import notice_addresses

if TYPE_CHECKING:  # a command that tells nobody loads nothing of this
    from awo.derive.facts import GateFacts, RunFacts
    from awo.engine.telling import Occasion
    from awo.evidence.gates import GatePending
    from awo.publish.notices import Notice

LONGEST_BEFORE_S: Final = 24 * 3600
MOST_TRIES: Final = 3
"""After so many sendings that reached nobody, an occasion is let be: a reminder that fails every hour helps no one."""


@dataclass(frozen=True, slots=True)
class Told:
    """To how many addresses a notice went and to how many not; `why` is one line for people, '' when all is well."""

    sent: int = 0
    failed: int = 0
    why: str = ""


NOBODY: Final = Told()


@dataclass(frozen=True, slots=True)
class Reminder:
    """What was done for the deadline of one gate. `outcome` is that of the run, '' while the gate waits on."""

    run: str
    gate: str
    what: Literal["near", "passed"]
    deadline_at: str
    outcome: str
    told: Told


def tell_opened(project: Project, folder: Path) -> Told:
    """Tells people that a gate of the run waits, once for each opening. Never raises."""
    if not notice_addresses.is_set_up(os.environ):
        return NOBODY
    from awo.publish import notice_texts

    try:
        known = facts(folder)
        gate, pending = known.open_gate, _pending(folder, known)
        if gate is None or pending is None:
            return NOBODY
        since = max((gate.opened_at, *gate.lapses))
        if not _is_due(gate, "opened", [told.at > since for told in gate.told]):
            return NOBODY
        return _tell(folder, gate.gate, "opened", notice_texts.opened(project.policy.project, pending))
    except AwoError as error:
        return _trouble(error)


def tell_decided(project: Project, folder: Path) -> Told:
    """Tells people of the decision that was recorded last, or of the vote, and how the gate stands. Never raises."""
    if not notice_addresses.is_set_up(os.environ):
        return NOBODY
    from awo.publish import notice_texts

    try:
        known = facts(folder)
        if not known.gates:
            return NOBODY
        gate = known.open_gate or known.gates[-1]
        pending = _pending(folder, known)
        is_blind = bool(gate.votes) or _asks_blindly(folder, gate)
        notice = notice_texts.decided(project.policy.project, known.run_id, gate, pending, is_blind=is_blind)
        return _tell(folder, gate.gate if pending else "", "decided", notice)
    except AwoError as error:
        return _trouble(error)


def remind(project: Project, folder: Path, *, within_s: int | None = None) -> Reminder | None:
    """Does what the deadline of the waiting gate asks for, and tells people, once when it is near and once when it
    has passed; None where there is nothing to do.

    Near is within `within_s` seconds; by default a quarter of the time that the gate gives, at most a day. A run
    that this rejects is finished and not yet sealed. Raises `UsageError`, `EvidenceError` and `DiskTrouble`.
    """
    from awo.canon import time

    known = facts(folder)
    gate, pending = known.open_gate, _pending(folder, known)
    if gate is None or pending is None or not pending.deadline_at:
        return None
    now = time.now()
    if gate.deadline is not None or now >= pending.deadline_at:
        return _past(project, folder, known, pending)
    near_s = min(pending.rules.deadline_s // 4, LONGEST_BEFORE_S) if within_s is None else within_s
    if time.later(now, near_s) < pending.deadline_at or not _is_due(gate, "deadline", [True] * len(gate.told)):
        return None
    from awo.publish import notice_texts

    told = _tell_safely(folder, gate.gate, notice_texts.near(project.policy.project, pending, now))
    return Reminder(known.run_id, gate.gate, "near", pending.deadline_at, "", told)


def send_test(project: Project) -> Told:
    """Sends a message that says only that it arrived, to everybody. Never raises."""
    from awo.publish import notice_texts

    try:
        return _send(notice_texts.trial(project.policy.project))
    except AwoError as error:
        return _trouble(error)


def notices_here() -> str:
    """How many addresses of each scheme are set up, as `json 1, mailto 2`; '' for none. Raises `CannotCheck`."""
    return notice_addresses.counted(notice_addresses.addresses(os.environ))


# --- the parts ----------------------------------------------------------------------------------------


def _past(project: Project, folder: Path, known: RunFacts, pending: GatePending) -> Reminder | None:
    import asyncio

    from awo.engine.telling import record_deadline
    from awo.publish import notice_texts

    was_new = known.open_gate is not None and known.open_gate.deadline is None
    if was_new:
        asyncio.run(record_deadline(folder))
        known = facts(folder)
    gate = next(gate for gate in reversed(known.gates) if gate.gate == pending.gate)
    passed = gate.deadline
    if passed is None:  # what was decided before it closed the gate
        return None
    if not _is_due(gate, "deadline", [told.seq > passed.seq for told in gate.told]):
        return None
    still = _pending(folder, known)
    told = _tell_safely(
        folder, gate.gate if still else "", notice_texts.overdue(project.policy.project, known.run_id, still, passed)
    )
    if not (was_new or told.sent or told.why):
        return None
    return Reminder(known.run_id, gate.gate, "passed", pending.deadline_at, known.outcome, told)


def _pending(folder: Path, known: RunFacts) -> GatePending | None:
    from awo.engine.reading import FolderReader, pending_gate

    return pending_gate(known, FolderReader(folder))


def _is_due(gate: GateFacts, occasion: Occasion, counts: Sequence[bool]) -> bool:
    """Whether nobody has been reached on this occasion yet; `counts` says of each notice whether it is of this time."""
    tries = [told for told, does in zip(gate.told, counts, strict=True) if does and told.occasion == occasion]
    return not any(told.sent for told in tries) and len(tries) < MOST_TRIES


def _asks_blindly(folder: Path, gate: GateFacts) -> bool:
    from awo.engine.folder import read_recorded
    from awo.evidence.gates import GateRequest

    return read_recorded(folder, gate.request, GateRequest).panel is not None


def _tell_safely(folder: Path, gate: str, notice: Notice) -> Told:
    try:
        return _tell(folder, gate, "deadline", notice)
    except AwoError as error:
        return _trouble(error)


def _tell(folder: Path, gate: str, occasion: Occasion, notice: Notice) -> Told:
    """Sends, then records it where `gate` ('' for one that is closed) is still open.

    No lock is held while servers are waited for.
    """
    import asyncio

    told = _send(notice)
    if not told.sent and not told.failed:
        return told
    if gate:
        from awo.engine.telling import record_told

        try:
            asyncio.run(record_told(folder, gate, occasion, sent=told.sent, failed=told.failed))
        except AwoError as error:
            return Told(told.sent, told.failed, f"notices were sent, and that could not be recorded: {error.what}")
    return told


def _send(notice: Notice) -> Told:
    from awo.publish.notices import Notice, send

    addresses = notice_addresses.addresses(os.environ)
    if not addresses:
        return NOBODY
    cutter = secrets_here()
    sent, failed = send(Notice(cutter.cut_text(notice.title), cutter.cut_text(notice.body)), addresses)
    if not failed:
        return Told(sent)
    return Told(sent, failed, f"{failed} of {sent + failed} notices could not be sent; next: awo gates remind --test")


def _trouble(error: AwoError) -> Told:
    """Errors of this part say nothing of addresses; `where` is left out, since it may be a path of the machine."""
    return Told(why=f"nobody was told: {error.what}" + (f"; next: {error.hint}" if error.hint else ""))

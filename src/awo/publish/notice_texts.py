"""What a notice says: which gate of which run, what is missing, until when, what to type. Nothing of what was said.

No prompt, answer, comment or path of the machine is in it. Names are hostile: they may drive no terminal, make no
link, and call nobody in a chat.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final, assert_never

from awo.derive.facts import GateFacts
from awo.derive.phrases import between, count, moment
from awo.evidence.events import DeadlinePassed
from awo.evidence.gates import GatePending, Need
from awo.publish.notices import Notice

LONGEST_NAME: Final = 120
_CALL: Final = re.compile(r"(?<![\w.+-])@")


def plain(text: str) -> str:
    r"""`text` as a name in a notice: letters, digits, blanks and `._+@-`; all else as `\u003c`, cut when it is long."""
    shown = "".join(c if c.isalnum() or c in " ._+@-" else f"\\u{ord(c):04x}" for c in text[:LONGEST_NAME])
    return _CALL.sub(r"\\u0040", shown) + ("…" if len(text) > LONGEST_NAME else "")


def opened(project: str, pending: GatePending) -> Notice:
    """A gate waits for people."""
    return _notice(f"gate {pending.gate} waits for a decision", project, pending)


def near(project: str, pending: GatePending, now: str) -> Notice:
    """The deadline of a gate is near."""
    left = between(now, pending.deadline_at)
    return _notice(f"gate {pending.gate} must be decided within {left}", project, pending)


def overdue(project: str, run_id: str, pending: GatePending | None, passed: DeadlinePassed) -> Notice:
    """The deadline of a gate has passed; `pending` is the gate where it waits on, None where the run is rejected."""
    match passed.then:
        case "wait":
            follows = "and it waits on"
        case "reject":
            follows = "and the run is rejected"
        case "escalate":
            follows = "and other people are asked"
        case never:
            assert_never(never)
    title = f"the deadline of gate {passed.gate} has passed, {follows}"
    if pending is None:
        return Notice(_title(title, run_id), "\n".join(_closed(project, run_id, passed.gate)))
    return _notice(title, project, pending)


def decided(project: str, run_id: str, gate: GateFacts, pending: GatePending | None, *, is_blind: bool) -> Notice:
    """Somebody decided, or the gate has been closed; `pending` is the gate where it still waits, else None.

    Of a blind gate only how many votes there are is said, and how it closed.
    """
    said = _blindly(gate) if is_blind else _last(gate)
    if pending is None:
        title = f"gate {gate.gate} is {gate.verdict}"
        lines = _closed(project, run_id, gate.gate)
        what_next = f"awo resume {run_id}" if gate.verdict == "approved" else f"awo show {run_id}"
        return Notice(_title(title, run_id), "\n".join([said, *lines, f"Next: {what_next}"]))
    if gate.votes_to_open:
        lines = [*_closed(project, run_id, gate.gate), f"Next, each voter where they voted: awo reveal {plain(run_id)}"]
        return Notice(_title(f"all votes of gate {gate.gate} are in", run_id), "\n".join([said, *lines]))
    title = f"gate {gate.gate} has {'a vote' if gate.votes else 'a decision'} and waits for more"
    notice = _notice(title, project, pending)
    return Notice(notice.title, f"{said}\n{notice.body}")


def trial(project: str) -> Notice:
    """A message that says nothing but that messages arrive."""
    lines = ["This is a test: notices of gates that wait will arrive here.", *_project(project)]
    return Notice("AWO: a test of notices", "\n".join(lines))


def _notice(what: str, project: str, pending: GatePending) -> Notice:
    run = pending.run_id
    lines = [*_project(project), f"Run: {plain(run)}", f"Gate: {plain(pending.gate)}"]
    if pending.panel is None:
        lines.append(f"Needed: {_needed(pending.missing)}")
    else:  # what is missing once votes are opened would tell how they went
        asked = pending.rules.escalate if pending.is_escalated else pending.needs
        lines.append(f"Asked: {_needed(asked)}; votes so far: {pending.voted}")
    if pending.deadline_at and not pending.is_escalated:
        lines.append(f"Deadline: {moment(pending.deadline_at)}")
    lines += [
        f"Look first: awo gates show {plain(run)}",
        f"Then: awo approve {plain(run)} --key KEY --as ID",
        f"  or: awo reject {plain(run)} --key KEY --as ID --reason TEXT",
    ]
    return Notice(_title(what, run), "\n".join(lines))


def _title(what: str, run_id: str) -> str:
    return f"AWO: {what} ({plain(run_id)})"


def _project(project: str) -> list[str]:
    return [f"Project: {plain(project)}"] if project else []


def _closed(project: str, run_id: str, gate: str) -> list[str]:
    return [*_project(project), f"Run: {plain(run_id)}", f"Gate: {plain(gate)}"]


def _needed(missing: Sequence[Need]) -> str:
    parts = [
        f"{need.count} {plain(need.role)}" + (f" (meaning {need.meaning})" if need.meaning else "") for need in missing
    ]
    return ", ".join(parts) or "nobody else"


def _last(gate: GateFacts) -> str:
    if not gate.decisions:
        return "Nobody decided."
    last = gate.decisions[-1]
    match last.verdict:
        case "approve":
            verb = "approves"
        case "reject":
            verb = "rejects"
        case "revise":
            verb = "asks for a revision"
        case "withdraw":
            verb = "withdraws an earlier decision"
        case never:
            assert_never(never)
    return f"{plain(last.signer)} {verb}."


def _blindly(gate: GateFacts) -> str:
    if gate.verdict:
        return "The votes have been opened."
    opened = f", {count(len(gate.decisions), 'of them is', 'of them are')} opened" if gate.decisions else ""
    return f"{count(len(gate.votes), 'vote is', 'votes are')} in{opened}."

"""What the rule book knows of gates: the last one that opened, its decisions and votes (spec section 5).

Like `Money`, it judges and keeps; `RunState` refuses.
"""

from __future__ import annotations

from typing import Final

from awo.evidence import events as ev

_VERB: Final = {"approved": "approve", "rejected": "reject", "revised": "revise"}


class GateBook:
    """`open_gate` is the id of the gate that waits, or ''; `opened` is the event that opened the last one.

    `all_decisions` and `all_votes` are those of the run, `decisions` and `votes` those since the gate opened.
    `deadline` is the event that says that its deadline has passed. `latest_at` is the latest time at which something
    was decided or followed at that gate, which is not the last one's where a clock was moved back.
    """

    def __init__(self) -> None:
        self.open_gate = ""
        self.opened: ev.GateOpened | None = None
        self.all_decisions: list[ev.DecisionRecorded] = []
        self.decisions: list[ev.DecisionRecorded] = []
        self.all_votes: list[ev.VoteCommitted] = []
        self.votes: list[ev.VoteCommitted] = []
        self._voters: set[str] = set()
        self._sealed: dict[str, ev.VoteCommitted] = {}
        self.deadline: ev.DeadlinePassed | None = None
        self.latest_at = ""
        self.approved = 0
        self.rejected = ""

    @property
    def is_escalated(self) -> bool:
        """Whether the deadline has passed, and other people are asked now."""
        return self.deadline is not None and self.deadline.then == "escalate"

    @property
    def is_too_late(self) -> bool:
        """Whether the deadline has passed, and nothing can follow but the rejection."""
        return self.deadline is not None and self.deadline.then == "reject"

    @property
    def unopened(self) -> list[ev.VoteCommitted]:
        """The votes that still lie sealed."""
        return list(self._sealed.values())

    def open(self, event: ev.GateOpened) -> None:
        self.open_gate = event.gate
        self.opened = event
        self.decisions = []
        self.votes = []
        self._voters = set()
        self._sealed = {}
        self.deadline = None
        self.latest_at = event.at

    def why_no_vote(self, event: ev.VoteCommitted) -> str:
        """Why a vote may not be sealed now; '' when it may, and then it is taken."""
        if self.is_too_late:
            return "the deadline has passed, and it rejects"
        if event.number != len(self.all_votes) + 1:
            return f"vote {event.number}, and the next is {len(self.all_votes) + 1}"
        if self.decisions:
            return "a decision is public already"
        if event.signer in self._voters:
            return f"{event.signer!r} has voted at this gate already"
        self.all_votes.append(event)
        self.votes.append(event)
        self._voters.add(event.signer)
        self._sealed[event.signer] = event
        self._seen_at(event)
        return ""

    def why_no_decision(self, event: ev.DecisionRecorded) -> str:
        """Why a decision may not be recorded now; '' when it may, and then it is taken. While votes lie sealed,
        each decision opens the vote of its signer; behind the last of them it is as at any other gate."""
        if self.is_too_late:
            return "the deadline has passed, and it rejects"
        if event.number != len(self.all_decisions) + 1:
            return f"decision {event.number}, and the next is {len(self.all_decisions) + 1}"
        wanted = self._sealed.get(event.signer)
        if self._sealed and wanted is None:
            return f"{event.signer!r} has no sealed vote here that could be opened"
        number = wanted.number if wanted is not None else 0
        if event.opens != number:
            return f"it opens vote {event.opens}, and its signer's is {number}"
        if bool(event.nonce) != bool(event.opens):
            return "a nonce belongs to a decision that opens a vote, and to no other"
        self.all_decisions.append(event)
        self.decisions.append(event)
        self._sealed.pop(event.signer, None)
        self._seen_at(event)
        return ""

    def why_not_closed(self, event: ev.GateClosed) -> str:
        """Why the gate may not be closed so; '' when it may, and then it is. What a person said last counts."""
        standing = {decision.signer: decision.verdict for decision in self.decisions}.values()
        if self.is_too_late and event.verdict != "rejected":
            return "the deadline has passed, and it rejects"
        if not self.is_too_late:
            if _VERB[event.verdict] not in standing:
                return f"no decision says {_VERB[event.verdict]}"
            if event.verdict == "approved" and ("reject" in standing or "revise" in standing):
                return "a decision says otherwise"
            if self._sealed:
                return "a sealed vote has not been opened"
        self.open_gate = ""
        self._seen_at(event)
        if event.verdict == "approved":
            self.approved += 1
        else:
            self.rejected = event.gate
        return ""

    def reopen(self, event: ev.GateLapsed) -> None:
        self.open_gate = event.gate
        self.approved -= 1
        self._seen_at(event)

    def pass_deadline(self, event: ev.DeadlinePassed) -> None:
        self.deadline = event
        self._seen_at(event)

    def _seen_at(self, event: ev.Event) -> None:
        self.latest_at = max(self.latest_at, event.at)

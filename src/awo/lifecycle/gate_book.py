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
    `deadline` is the event that says that its deadline has passed.
    """

    def __init__(self) -> None:
        self.open_gate = ""
        self.opened: ev.GateOpened | None = None
        self.all_decisions: list[ev.DecisionRecorded] = []
        self.decisions: list[ev.DecisionRecorded] = []
        self.all_votes: list[ev.VoteCommitted] = []
        self.votes: list[ev.VoteCommitted] = []
        self.deadline: ev.DeadlinePassed | None = None
        self.approved = 0
        self.rejected = ""

    @property
    def is_escalated(self) -> bool:
        """Whether the deadline has passed, and other people are asked now."""
        return self.deadline is not None and self.deadline.then == "escalate"

    @property
    def unopened(self) -> list[ev.VoteCommitted]:
        """The votes that still lie sealed."""
        opened = {decision.opens for decision in self.decisions}
        return [vote for vote in self.votes if vote.number not in opened]

    def open(self, event: ev.GateOpened) -> None:
        self.open_gate = event.gate
        self.opened = event
        self.decisions = []
        self.votes = []
        self.deadline = None

    def why_no_vote(self, event: ev.VoteCommitted) -> str:
        """Why a vote may not be sealed now; '' when it may, and then it is taken."""
        if event.number != len(self.all_votes) + 1:
            return f"vote {event.number}, and the next is {len(self.all_votes) + 1}"
        if self.decisions:
            return "a decision is public already"
        if any(vote.signer == event.signer for vote in self.votes):
            return f"{event.signer!r} has voted at this gate already"
        self.all_votes.append(event)
        self.votes.append(event)
        return ""

    def why_no_decision(self, event: ev.DecisionRecorded) -> str:
        """Why a decision may not be recorded now; '' when it may, and then it is taken. While votes lie sealed,
        each decision opens the vote of its signer; behind the last of them it is as at any other gate."""
        if event.number != len(self.all_decisions) + 1:
            return f"decision {event.number}, and the next is {len(self.all_decisions) + 1}"
        wanted = [vote.number for vote in self.unopened if vote.signer == event.signer]
        if self.unopened and not wanted:
            return f"{event.signer!r} has no sealed vote here that could be opened"
        if event.opens != (wanted[0] if wanted else 0):
            return f"it opens vote {event.opens}, and its signer's is {wanted[0] if wanted else 0}"
        if bool(event.nonce) != bool(event.opens):
            return "a nonce belongs to a decision that opens a vote, and to no other"
        self.all_decisions.append(event)
        self.decisions.append(event)
        return ""

    def why_not_closed(self, event: ev.GateClosed) -> str:
        """Why the gate may not be closed so; '' when it may, and then it is. What a person said last counts."""
        standing = {decision.signer: decision.verdict for decision in self.decisions}.values()
        is_too_late = event.verdict == "rejected" and self.deadline is not None and self.deadline.then == "reject"
        if _VERB[event.verdict] not in standing and not is_too_late:
            return f"no decision says {_VERB[event.verdict]}"
        if event.verdict == "approved" and ("reject" in standing or "revise" in standing):
            return "a decision says otherwise"
        if self.unopened and not is_too_late:
            return "a sealed vote has not been opened"
        self.open_gate = ""
        if event.verdict == "approved":
            self.approved += 1
        else:
            self.rejected = event.gate
        return ""

    def reopen(self, event: ev.GateLapsed) -> None:
        self.open_gate = event.gate
        self.approved -= 1

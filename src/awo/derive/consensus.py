"""The vote over answers: which of them say the same, and which group is the largest (spec: derived values)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

RATIO_DIGITS = 6


@dataclass(frozen=True, slots=True)
class Candidate:
    """One answer: the name of the model in the workflow, and its text."""

    model: str
    text: str


@dataclass(frozen=True, slots=True)
class Group:
    """Answers whose folded texts are equal: that text, the first member's own, and who gave them, in order."""

    norm: str
    text: str
    voters: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Consensus:
    """The winner and all groups, best first: by voters, then by length of `norm`, then by order of arrival."""

    groups: tuple[Group, ...]
    total_candidates: int

    @property
    def winner(self) -> Group:
        return self.groups[0]

    @property
    def agreement_ratio(self) -> float:
        """Voters of the winner over all candidates, rounded to six decimals (ties to even, as IEEE 754 has it)."""
        return round(len(self.winner.voters) / self.total_candidates, RATIO_DIGITS)

    def as_value(self) -> dict[str, Any]:
        """The value of a `consensus_vote` step, plain JSON."""
        return {
            "consensus_text": self.winner.text,
            "consensus_norm": self.winner.norm,
            "voters": list(self.winner.voters),
            "voter_count": len(self.winner.voters),
            "total_candidates": self.total_candidates,
            "agreement_ratio": self.agreement_ratio,
            "groups": [{"norm": g.norm, "text": g.text, "voters": list(g.voters)} for g in self.groups],
        }


def lowered(text: str) -> str:
    """`text` in lower case, by Unicode's full mapping."""
    return text.lower()


def spaced(text: str) -> str:
    """`text` with white space collapsed to single spaces and trimmed."""
    return " ".join(text.split())


def folded(text: str) -> str:
    """What a vote of AWO 1.x compares: lower case, white space collapsed."""
    return spaced(lowered(text))


def vote(candidates: Sequence[Candidate]) -> Consensus:
    """The vote over at least one candidate; `ValueError` when there is none.

    The largest group wins. On a tie the one with the longer folded text, in code points; on a
    further tie the one whose first member stands earlier in `candidates`.
    """
    if not candidates:
        raise ValueError("a vote needs at least one candidate")
    members: dict[str, list[Candidate]] = {}
    for candidate in candidates:
        members.setdefault(folded(candidate.text), []).append(candidate)
    groups = [
        Group(norm=norm, text=alike[0].text, voters=tuple(one.model for one in alike))
        for norm, alike in members.items()
    ]
    groups.sort(key=lambda group: (-len(group.voters), -len(group.norm)))  # stable: arrival breaks the last tie
    return Consensus(groups=tuple(groups), total_candidates=len(candidates))


def candidates_in(value: Any) -> list[Candidate]:
    """The answers in a step's value: its `responses`, or the value itself when it is one answer.

    An answer is an object whose `model` and `text` are both text; anything else gives no candidate.
    """
    if not isinstance(value, dict):
        return []
    answers = value["responses"] if isinstance(value.get("responses"), list) else [value]
    return [
        Candidate(model=one["model"], text=one["text"])
        for one in answers
        if isinstance(one, dict) and isinstance(one.get("model"), str) and isinstance(one.get("text"), str)
    ]

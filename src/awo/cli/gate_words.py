"""What was decided at a gate, what its questions want and how to answer, in words. Prints nothing."""

from __future__ import annotations

from typing import Final

from awo.derive.phrases import moment
from awo.evidence.gates import ChecklistItem, Decision, GatePending
from awo.gate.answers import example, wanted

_VERDICTS: Final = {
    "approve": "approved",
    "reject": "rejected",
    "revise": "sent it back",
    "withdraw": "withdrew",
}


def decision_in_words(decision: Decision) -> str:
    """Who said what, in which role, with which meaning, and when."""
    signer = decision.signer
    solo = ", solo" if decision.solo else ""
    ends = f", until {moment(decision.expires_at)}" if decision.expires_at else ""
    return (
        f"{signer.name} <{signer.id}> {_VERDICTS[decision.verdict]} as {signer.role} ({decision.meaning}{solo}) "
        f"at {moment(decision.at)}{ends}, presence: {decision.presence}"
    )


def question_in_words(item: ChecklistItem) -> str:
    """What an item wants, for the line below its text."""
    said = [wanted(item)]
    if not item.required:
        said.append("optional")
    if item.approve_with and not (item.kind == "yes_no" and item.required and item.approve_with == "yes"):
        said.append(f"an approval goes only with {item.approve_with}")
    if item.evidence == "required":
        said.append("with evidence: the path of a shown file, or an address")
    return "; ".join(said)


def to_approve(pending: GatePending, name: str) -> str:
    """The command that approves, with an answer to each required item."""
    meaning = next((f" --meaning {need.meaning}" for need in pending.missing if need.meaning), "")
    items = [item for item in pending.checklist if item.required]
    if any(item.evidence == "required" for item in items) or len(items) > 8:
        answers = "--answers FILE"
    else:
        answers = " ".join(example(item) for item in items)
    return f"awo approve {name} --key KEY --as ID{meaning} {answers}".rstrip()

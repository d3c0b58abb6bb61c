"""What was decided at a gate, what its questions want and how to answer, in words. Prints nothing."""

from __future__ import annotations

from collections.abc import Sequence

from awo.derive.gate_words import VERDICTS
from awo.derive.phrases import moment
from awo.evidence.gates import ChecklistItem, Decision, GatePending
from awo.gate.answers import example, wanted
from awo.gate.project import Policy


def decision_in_words(decision: Decision) -> str:
    """Who said what, in which role, with which meaning, and when."""
    signer = decision.signer
    solo = ", solo" if decision.solo else ""
    ends = f", until {moment(decision.expires_at)}" if decision.expires_at else ""
    return (
        f"{signer.name} <{signer.id}> {VERDICTS[decision.verdict]} as {signer.role} ({decision.meaning}{solo}) "
        f"at {moment(decision.at)}{ends}, presence: {decision.presence}"
    )


def misnamed_gate(table: str, meant: str) -> str:
    """A note on a table [gate.ID] of awo.toml that names no gate of the workflow at hand."""
    near = f"; did you mean [gate.{meant}]?" if meant else ", so it counts for other workflows only"
    return f"note: awo.toml has [gate.{table}], and this workflow has no gate {table!r}{near}"


def rules_amiss(policy: Policy, gates: Sequence[str], *, surely: bool = False) -> list[str]:
    """Notes on what awo.toml asks for and, most likely, does not mean; `surely`: without what other workflows of the
    project may mean."""
    said = [misnamed_gate(table, meant) for table, meant in policy.misnamed(gates).items() if meant or not surely]
    for gate in gates:
        for role, meant in policy.roles_of_nobody(gate).items():
            near = f"; did you mean {meant!r}?" if meant else ', so nobody can approve: [people."ID"] has roles'
            said.append(f"note: the gate {gate!r} asks for the role {role!r}, which nobody has in awo.toml{near}")
    return said


def question_in_words(item: ChecklistItem) -> str:
    """What an item wants, for the line below its text."""
    said = [wanted(item)]
    if not item.required:
        said.append("optional")
    if item.approve_with:
        said.append(f"an approval goes only with {item.approve_with}")
    if item.evidence == "required":
        said.append("with evidence: the path of a shown file, or an address")
    return "; ".join(said)


def to_approve(pending: GatePending, name: str) -> str:
    """The command that approves, with an answer to each item where all are yes or no.

    A meaning is named only where all who are missing sign with the same."""
    meanings = {need.meaning for need in pending.missing}
    meaning = f" --meaning {meanings.pop()}" if len(meanings) == 1 and "" not in meanings else ""
    command = f"awo approve {name} --key KEY --as ID{meaning}"
    items = [item for item in pending.checklist if item.required]
    if any(item.kind != "yes_no" or item.evidence == "required" for item in items) or len(items) > 8:
        return f"{command}   # on a terminal it asks one by one; else --answers FILE"  # an example would be a proposal
    return " ".join([command, *(example(item) for item in items)])

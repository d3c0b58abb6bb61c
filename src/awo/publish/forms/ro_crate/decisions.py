"""What people decided at the gates: actions of theirs, over what they were shown."""

from __future__ import annotations

from awo.evidence.layout import signature_path
from awo.evidence.relayed import in_words
from awo.publish.described.shapes import Described, RecordedDecision
from awo.publish.forms.ro_crate import not_stated
from awo.publish.forms.ro_crate.files import PackageFiles
from awo.publish.forms.ro_crate.graph import Graph, Ref, local_id, short, time_of
from awo.publish.forms.ro_crate.people import agent
from awo.publish.forms.ro_crate.software import add_operation

_BY_A_PERSON = "A signed decision of a person on the files that they were shown."
_VERDICTS = {
    "approve": "approved",
    "reject": "rejected",
    "revise": "sent back to be revised",
    "withdraw": "withdrew the decision",
}


def add_decisions(graph: Graph, described: Described, files: PackageFiles, gate: str) -> list[Ref]:
    """Every decision at this gate, in the order of the journal; none for a step that is no gate.

    The status is that of the act of deciding: a rejection was carried out, too. What it says is its `verdict`. A
    decision that a machine relayed is told as that, and as the act of nobody who is known.
    """
    found = [recorded for recorded in described.decisions if recorded.decision.gate == gate]
    return [_decision(graph, described, files, recorded) for recorded in found]


def _decision(graph: Graph, described: Described, files: PackageFiles, recorded: RecordedDecision) -> Ref:
    decision = recorded.decision
    signer, name = decision.signer, recorded.path.rpartition("/")[2].removesuffix(".json")
    op = next(one.record.op for one in described.facts.steps if one.record.id == decision.gate)
    relayed = short(in_words(signer.role, decision.comment), recorded.path)
    facts = {
        "verdict": decision.verdict,
        "meaning of the signature": decision.meaning,
        "role": signer.role,
        "signing key": signer.key,
        "proof of presence": decision.presence,
        "decided on own work": decision.solo,
        "expires at": decision.expires_at,
        "relayed by": signer.id if relayed else "",
    }
    shown = [file.path for file in decision.shows]
    return graph.add(
        local_id("decision", name),
        "CreateAction",
        "AssessAction",
        name=f"{signer.name or signer.id} {_VERDICTS[decision.verdict]} at {decision.gate}",
        description=f"{relayed[0].upper()}{relayed[1:]}." if relayed else _BY_A_PERSON,
        instrument=add_operation(graph, described, op),
        agent=not_stated.nobody(graph, "agent") if relayed else agent(graph, signer.id),
        endTime=time_of(decision.at),
        object=files.refs(shown[:100]),
        result=files.refs([recorded.path, signature_path(recorded.path)]),
        additionalProperty=graph.values("decision-fact", [name], facts, recorded.path),
        actionStatus="http://schema.org/CompletedActionStatus",
    )

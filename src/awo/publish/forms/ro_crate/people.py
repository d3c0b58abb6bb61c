"""Who acted, as it was recorded: whoever started and sealed the run, and whoever decided at its gates."""

from __future__ import annotations

from awo.evidence.records import NOBODY
from awo.evidence.relayed import environment_of
from awo.publish.described.shapes import Described
from awo.publish.forms.ro_crate import not_stated
from awo.publish.forms.ro_crate.graph import Graph, Ref, local_id, ref_to


def person_id(id_: str) -> str:
    """The entity of a person, by the id under which their signatures are known."""
    return local_id("person", id_)


def add_people(graph: Graph, described: Described) -> None:
    """Everybody who decided, with the names and roles under which they did. A key that relays is nobody."""
    names: dict[str, list[str]] = {}
    roles: dict[str, list[str]] = {}
    for recorded in described.decisions:
        signer = recorded.decision.signer
        if environment_of(signer.role):
            continue
        names.setdefault(signer.id, []).append(signer.name)
        roles.setdefault(signer.id, []).append(signer.role)
    for id_, known in names.items():
        graph.add(person_id(id_), "Person", name=known or id_, identifier=id_, jobTitle=roles[id_], affiliation=None)


def agent(graph: Graph, id_: str) -> Ref:
    """The person of this id; where a machine's own key stood for nobody, an entity that says so."""
    if not id_ or id_ == NOBODY:
        return not_stated.nobody(graph, "agent")
    if person_id(id_) in graph:
        return ref_to(person_id(id_))
    return graph.add(person_id(id_), "Person", name=id_, identifier=id_)

"""What stands in a crate where a profile asks for something and nothing is on record: an entity that says so.

The ids of all of them begin with `#not-stated-`, so that whoever gathers names, licences and addresses from crates
can pass them over.
"""

from __future__ import annotations

from typing import Final

from awo.publish.forms.ro_crate.graph import Graph, Ref

PREFIX: Final = "#not-stated-"

_WHAT: Final = {
    "author": "Who wrote this",
    "publisher": "Who publishes this",
    "affiliation": "Where this person works",
    "agent": "Which person acted here",
}


def nobody(graph: Graph, kind: str) -> Ref:
    """An Organization that says that no `kind` (a key of `_WHAT`) is on record. It names nobody."""
    return graph.add(
        f"{PREFIX}{kind}",
        "Organization",
        name="not stated",
        description=f"{_WHAT[kind]} is not on record. This entry stands here because the profile asks for one.",
        url=address(graph),
    )


def licence(graph: Graph) -> Ref:
    """A CreativeWork that says that no licence is on record. It grants nothing."""
    return graph.add(
        f"{PREFIX}licence",
        "CreativeWork",
        name="licence not stated",
        description="Under which licence this may be used is not on record. Ask whoever gave it to you.",
    )


def address(graph: Graph) -> Ref:
    """A WebSite-shaped nothing: where a profile asks for an address and none is on record."""
    return graph.add(
        f"{PREFIX}address",
        "CreativeWork",
        name="address not stated",
        description="No address is on record. This entry stands here because the profile asks for one.",
    )

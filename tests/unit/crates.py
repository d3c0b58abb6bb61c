"""Reads a crate as a test does: its entities by id, and what they refer to."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from awo.publish.forms.ro_crate.versions import RO_CRATE

Entities = dict[str, dict[str, Any]]


def entities(data: bytes) -> Entities:
    """The entities by id. Fails where an id comes twice."""
    graph = json.loads(data)["@graph"]
    found = {entity["@id"]: entity for entity in graph}
    assert len(found) == len(graph), "an id stands twice"
    return found


def references(value: Any) -> Iterator[str]:
    """Every id that a value refers to."""
    match value:
        case {"@id": id_} if len(value) == 1:
            yield id_
        case dict():
            for inner in value.values():
                yield from references(inner)
        case list():
            for inner in value:
                yield from references(inner)
        case _:
            pass


def refuse_loose_ends(found: Entities) -> None:
    """Fails where an entity refers to one that is not there, or nothing refers to one but its own file."""
    referred = {id_ for entity in found.values() for id_ in references({**entity, "@id": None})}
    assert referred - set(found) == {RO_CRATE}
    assert set(found) - referred == {"ro-crate-metadata.json"}


def many(value: Any) -> list[Any]:
    """A property as a list: RO-Crate writes one value without brackets."""
    return value if isinstance(value, list) else [] if value is None else [value]


def typed(found: Entities, kind: str) -> list[dict[str, Any]]:
    """The entities of a type."""
    return [entity for entity in found.values() if kind in many(entity["@type"])]


def said(found: Entities, entity: dict[str, Any]) -> dict[str, Any]:
    """The PropertyValues that an entity has, by name."""
    refs = many(entity.get("additionalProperty"))
    return {found[one["@id"]]["name"]: found[one["@id"]]["value"] for one in refs}

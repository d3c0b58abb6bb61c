"""The flat list of entities that a crate is, and the identifiers in it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final
from urllib.parse import quote

from awo.canon.json import pretty

LONGEST_VALUE: Final = 2_000
"""Characters of a text that stands in a crate; a longer one stands in the run's own files only."""

Ref = dict[str, str]
Entity = dict[str, Any]


def local_id(kind: str, *names: str) -> str:
    """`#kind/name/…`: an entity of this crate that is no file. Any text gives a valid relative IRI (RFC 3987)."""
    return "/".join((f"#{kind}", *(_encoded(name, safe="") for name in names)))


def path_id(path: str) -> str:
    """A file or folder of the crate, by its path from the crate's root."""
    return _encoded(path, safe="/")


def ref_to(id_: str) -> Ref:
    """A reference to the entity of this id."""
    return {"@id": id_}


def time_of(at: str) -> str:
    """A recorded time as the profiles want it: to the millisecond, with +00:00; '' for ''."""
    return f"{at[:23]}+00:00" if at else ""


def short(text: str, where: str) -> str:
    """`text`, or how long it is and `where` it stands."""
    return text if len(text) <= LONGEST_VALUE else f"({len(text)} characters, in {where})"


class Graph:
    """Entities by id, in the order in which they came. A property without a value is left out; a list of one value
    becomes that value, as RO-Crate wants it."""

    def __init__(self) -> None:
        self._entities: dict[str, Entity] = {}

    def __contains__(self, id_: str) -> bool:
        return id_ in self._entities

    def __iter__(self) -> Iterator[Entity]:
        return iter(self._entities.values())

    def add(self, id_: str, *types: str, **properties: Any) -> Ref:
        """Adds the entity and gives a reference to it. One of this id that is there already stays as it is."""
        if id_ not in self._entities:
            self._entities[id_] = {"@id": id_, "@type": _one_or_many(types)} | _without_nothing(properties)
        return ref_to(id_)

    def extend(self, id_: str, **properties: Any) -> None:
        """More properties for an entity that is there."""
        self._entities[id_].update(_without_nothing(properties))

    def values(self, kind: str, of: Iterable[str], values: Mapping[str, Any], where: str) -> list[Ref]:
        """A PropertyValue for each of `values` that is no '' or None; `of` are the names of what they belong to.

        Lists and mappings become JSON text. `where` says in which file a text stands that is too long for a crate.
        """
        owner = tuple(of)
        return [
            self.add(local_id(kind, *owner, name), "PropertyValue", name=name, value=plain(value, where))
            for name, value in values.items()
            if value not in ("", None)
        ]


def plain(value: Any, where: str) -> Any:
    """A value as one JSON scalar."""
    match value:
        case bool() | int() | float():
            return value
        case str():
            return short(value, where)
        case _:
            return short(pretty(value).decode().strip(), where)


def _without_nothing(properties: Mapping[str, Any]) -> Entity:
    found: Entity = {}
    for name, value in properties.items():
        if isinstance(value, (list, tuple)):
            kept = _distinct(value)
            if kept:
                found[name] = _one_or_many(kept)
        elif value not in ("", None):
            found[name] = value
    return found


def _distinct(values: Iterable[Any]) -> list[Any]:
    """Each value once, in the order of the first."""
    return list({repr(value): value for value in values if value not in ("", None)}.values())


def _one_or_many(values: Iterable[Any]) -> Any:
    many = list(values)
    return many[0] if len(many) == 1 else many


def _encoded(text: str, safe: str) -> str:
    return quote(text, safe=safe, errors="replace")

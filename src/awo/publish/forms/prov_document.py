"""A document of PROV-JSON while it is written: names that are always valid, records and relations."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import quote

PREFIXES: Final = {"awo": "urn:awo:prov:"}
"""Attributes and what a run consists of. `run:` is the run's own: the same name in two runs is not the same thing."""

Record = dict[str, Any]


def local(kind: str, *names: str) -> str:
    """The local part of a qualified name: a kind, and whatever texts tell its instances apart, percent-encoded.

    What PROV-N lets stand unescaped in a local name is letters, digits, `_`, `-`, `/` and an inner `.`: everything else
    becomes `%XX`, so that no two texts have one name and none can end it.
    """
    return "/".join((kind, *(_encoded(name) for name in names)))


def _encoded(name: str) -> str:
    found = quote(name, safe="", errors="surrogatepass").replace("~", "%7E")
    return found[:-1] + "%2E" if found.endswith(".") else found


class Document:
    """Records by their names. Adding one again adds what is new of it; a relation stands once."""

    def __init__(self, run_id: str) -> None:
        self._prefixes = PREFIXES | {"run": f"urn:awo:run:{quote(run_id, safe='')}:"}
        self._records: dict[str, dict[str, Record]] = {"entity": {}, "activity": {}, "agent": {}}
        self._seen: set[tuple[str, ...]] = set()

    def as_dict(self) -> dict[str, Any]:
        """The document as JSON values."""
        return {"prefix": self._prefixes, **{kind: found for kind, found in self._records.items() if found}}

    def counts(self) -> dict[str, int]:
        """How many records there are of each kind."""
        return {kind: len(found) for kind, found in self._records.items() if found}

    @staticmethod
    def name(name: str) -> Record:
        """A qualified name as a value: a local one of this run, or one with its prefix."""
        return {"$": name if name.startswith("prov:") else f"run:{name}", "type": "prov:QUALIFIED_NAME"}

    def has_entity(self, name: str) -> bool:
        """Whether an entity of this local name is there."""
        return f"run:{name}" in self._records["entity"]

    def entity(self, name: str, attributes: Mapping[str, Any]) -> None:
        self._add("entity", name, attributes)

    def agent(self, name: str, kind: str, attributes: Mapping[str, Any]) -> None:
        self._add("agent", name, {"prov:type": self.name(kind), **attributes})

    def activity(self, name: str, started_at: str, ended_at: str, attributes: Mapping[str, Any]) -> None:
        self._add("activity", name, {"prov:startTime": started_at, "prov:endTime": ended_at, **attributes})

    def used(self, activity: str, entity: str) -> None:
        self._relate("used", {"prov:activity": activity, "prov:entity": entity})

    def generated(self, entity: str, activity: str) -> None:
        self._relate("wasGeneratedBy", {"prov:entity": entity, "prov:activity": activity})

    def derived(self, entity: str, source: str, activity: str = "") -> None:
        ends = {"prov:generatedEntity": entity, "prov:usedEntity": source}
        self._relate("wasDerivedFrom", ends | ({"prov:activity": activity} if activity else {}))

    def associated(self, activity: str, agent: str, *, plan: str = "", role: str = "") -> None:
        ends = {"prov:activity": activity, "prov:agent": agent} | ({"prov:plan": plan} if plan else {})
        self._relate("wasAssociatedWith", ends, {"prov:role": text(role)} if role else {})

    def attributed(self, entity: str, agent: str) -> None:
        self._relate("wasAttributedTo", {"prov:entity": entity, "prov:agent": agent})

    def on_behalf(self, delegate: str, responsible: str, activity: str) -> None:
        ends = {"prov:delegate": delegate, "prov:responsible": responsible, "prov:activity": activity}
        self._relate("actedOnBehalfOf", ends)

    def informed(self, activity: str, informant: str) -> None:
        self._relate("wasInformedBy", {"prov:informed": activity, "prov:informant": informant})

    def specialization(self, entity: str, of: str) -> None:
        self._relate("specializationOf", {"prov:specificEntity": entity, "prov:generalEntity": of})

    def _add(self, kind: str, name: str, attributes: Mapping[str, Any]) -> None:
        record = self._records[kind].setdefault(f"run:{name}", {})
        record.update({key: _plain(value) for key, value in attributes.items() if value not in ("", [], None)})

    def _relate(self, kind: str, ends: Mapping[str, str], more: Mapping[str, Any] | None = None) -> None:
        told = more or {}
        key = (kind, *ends.values(), *map(str, told.values()))
        if key in self._seen:
            return
        self._seen.add(key)
        found = self._records.setdefault(kind, {})
        found[f"_:{kind}{len(found) + 1}"] = {end: f"run:{name}" for end, name in ends.items()} | dict(told)


def text(value: str) -> str:
    """A text that JSON can carry: lone surrogates, which a hostile name can hold, become U+FFFD."""
    return value.encode(errors="surrogatepass").decode(errors="replace")


def _plain(value: Any) -> Any:
    match value:
        case str():
            return text(value)
        case list():
            return [_plain(one) for one in value] if len(value) != 1 else _plain(value[0])
        case bool():
            return {"$": "true" if value else "false", "type": "xsd:boolean"}
        case int():
            return {"$": str(value), "type": "xsd:int" if abs(value) < 2**31 else "xsd:long"}
        case _:
            return value

"""The project's settings, `awo.toml`: who is who, and what gates ask for."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final, get_args

from msgspec.structs import replace

from awo.canon.digest import sha256_hex
from awo.errors import UsageError
from awo.evidence.gates import GateRules, Need, Presence
from awo.gate.checklist import why_not_plain
from awo.plugins import nearest
from awo.sign.patterns import why_not_a_principal

REVIEWER = "reviewer"

_TOP = ("require_commit", "project", "gates", "people")
_PROJECT = ("name",)
_GATES = ("solo",)
_PERSON = ("name", "roles")


@dataclass(frozen=True, slots=True)
class Person:
    """A person as the project knows them: printed name, or '' for none; the roles in which they may decide."""

    name: str
    roles: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Policy:
    """What `awo.toml` says. Without the file: no solo decisions, everybody who is enrolled is a reviewer.

    `require_commit` refuses to start a run from an uncommitted tree. `solo` lets whoever started a
    run decide on it; every such decision says so. `sha256` is the digest of the file, '' without one.
    """

    project: str = ""
    require_commit: bool = False
    solo: bool = False
    people: Mapping[str, Person] = field(default_factory=lambda: MappingProxyType({}))
    sha256: str = field(default="", compare=False)

    def person(self, person_id: str) -> Person:
        """The person with this id; somebody whom `awo.toml` does not name is a reviewer without a printed name."""
        return self.people.get(person_id, Person("", (REVIEWER,)))

    def needs_of(self, gate: str) -> list[Need]:
        """Who must approve at this gate, and how many of them: one reviewer."""
        return [Need(role=REVIEWER, count=1)]

    def rules_of(self, gate: str) -> GateRules:
        """What else is asked of decisions at this gate."""
        return replace(DEFAULT_RULES, solo=self.solo)


DEFAULT_RULES: Final = GateRules(
    separate_from=["starter"],
    solo=False,
    known_starter=False,
    presence=list(get_args(Presence)),
    redecide=True,
    lasts_s=0,
    deadline_s=0,
    then="wait",
    escalate=[],
)
"""What is asked where awo.toml says nothing: whoever is enrolled and did not start the run may decide alone."""


def read_policy(text: str, *, where: str) -> Policy:
    """The settings in the text of an `awo.toml`.

    Keys: `require_commit` at the top; `name` in [project]; `solo` in [gates]; `name` and `roles`
    in [people."alice@example.org"]. Raises `UsageError`, naming `where`, for text that is not TOML,
    an unknown key (with the nearest right one), or a value of the wrong type.
    """
    try:
        data = tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise UsageError("this is not TOML", where=where, got=str(error)) from error
    _only(data, _TOP, "at the top", where)
    project, gates = _table(data, "project", _PROJECT, where), _table(data, "gates", _GATES, where)
    people = data.get("people", {})
    if not isinstance(people, dict):
        raise _wrong("people", "a table for each person", people, where)
    return Policy(
        sha256=sha256_hex(text.encode(errors="surrogatepass")),
        project=_text(project, "name", "project.name", where),
        require_commit=_flag(data, "require_commit", "require_commit", where),
        solo=_flag(gates, "solo", "gates.solo", where),
        people=MappingProxyType({person_id: _person(person_id, value, where) for person_id, value in people.items()}),
    )


def _person(person_id: str, value: object, where: str) -> Person:
    place = f'people."{person_id}"' if person_id.isprintable() else "people"
    if why := why_not_a_principal(person_id):
        raise UsageError(
            f"this cannot be a person's id: {why}",
            where=where,
            expected='[people."alice@example.org"]',
            got=ascii(person_id)[:80],
        )
    if not isinstance(value, dict):
        raise _wrong(place, "a table with name and roles", value, where)
    _only(value, _PERSON, f"in [{place}]", where)
    roles = value.get("roles", [REVIEWER])
    if not isinstance(roles, list) or not all(
        isinstance(role, str) and not why_not_a_principal(role) for role in roles
    ):
        raise _wrong(f"{place}.roles", 'a list like ["reviewer"]', roles, where)
    return Person(_text(value, "name", f"{place}.name", where), tuple(dict.fromkeys(roles)))


def _table(data: Mapping[str, object], name: str, known: tuple[str, ...], where: str) -> Mapping[str, object]:
    table = data.get(name, {})
    if not isinstance(table, dict):
        raise _wrong(name, f"a table [{name}]", table, where)
    _only(table, known, f"in [{name}]", where)
    return table


def _only(table: Mapping[str, object], known: tuple[str, ...], place: str, where: str) -> None:
    for key in table:
        if key in known:
            continue
        near = nearest(key, known)
        hint = f"did you mean {near!r}?" if near else ""
        if key == "require_commit":
            hint = "require_commit stands at the top of the file, before the first [table]"
        raise UsageError(
            f"there is no key {ascii(key)[:80]} {place}", where=where, expected=", ".join(known), hint=hint
        )


def _flag(table: Mapping[str, object], key: str, place: str, where: str) -> bool:
    value = table.get(key, False)
    if not isinstance(value, bool):
        raise _wrong(place, "true or false", value, where)
    return value


def _text(table: Mapping[str, object], key: str, place: str, where: str) -> str:
    value = table.get(key, "")
    if not isinstance(value, str) or len(value) > 200 or why_not_plain(value):
        raise _wrong(place, "one line of plain text, at most 200 characters", value, where)
    return value.strip()


def _wrong(place: str, expected: str, got: object, where: str) -> UsageError:
    return UsageError(f"{place} has the wrong value", where=where, expected=expected, got=ascii(got)[:80])

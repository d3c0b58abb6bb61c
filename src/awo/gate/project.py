"""The project's settings, `awo.toml`: who is who, and what gates ask for."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Final, Literal, get_args

from awo.canon.digest import sha256_hex
from awo.errors import UsageError
from awo.evidence.events import StepId
from awo.evidence.gates import GateRules, Need
from awo.evidence.redaction import Waiver
from awo.gate.checklist import why_not_plain
from awo.gate.environment import USUAL, EnvironmentSettings, read_environment
from awo.gate.names import skeleton, why_mixed
from awo.gate.publishing import read_scan, read_seal
from awo.gate.relays import printed_name, read_relay_roles, refuse_relay_roles
from awo.gate.settings import DEFAULT_RULES, DEFAULT_SETTINGS, REVIEWER, GateSettings, read_settings, refuse_unknown
from awo.gate.timing import NO_TIME, TimeSettings, read_time
from awo.gate.witnesses import read_witnesses
from awo.plugins import nearest
from awo.sign.patterns import why_not_a_principal

__all__ = ["DEFAULT_RULES", "REVIEWER", "Person", "Policy", "read_policy"]

_TOP: Final = ("require_commit", "project", "gates", "gate", "people", "ledger", "seal", "scan", "time", "environment")
_PROJECT: Final = ("name",)
_LEDGER: Final = (
    "witnesses",
    "ml_dsa",
    "enabled",
)
_PERSON: Final = ("name", "roles", "git", "relays")
_STEP_ID = re.compile(get_args(StepId)[1].pattern)


@dataclass(frozen=True, slots=True)
class Person:
    """A person as the project knows them: printed name, or '' for none; the roles in which they may decide; the
    e-mail addresses under which git knows them. `relays` says that it is no person but a machine's key, which passes
    on what was approved elsewhere; '' for everybody else."""

    name: str
    roles: tuple[str, ...]
    git: tuple[str, ...] = ()
    relays: Literal["", "github"] = ""


@dataclass(frozen=True, slots=True)
class Policy:
    """What `awo.toml` says. Without the file: no solo decisions, everybody who is enrolled is a reviewer.

    `require_commit` refuses to start a run from an uncommitted tree. `general` holds for every gate that has no
    settings of its own in `gates`. `has_ledger` enters runs in the project's ledger, which `witnesses` cosign: the URL
    and the verifier key of each; `ml_dsa` signs it with an ML-DSA-44 key too. `immutable` sets the immutable flag on
    what is sealed; `waivers` is what the scan before an export lets pass; `time` says who puts time
    stamps; `environment` what is recorded of the machine besides the usual. `sha256` is the digest of the file, ''
    without one.
    """

    project: str = ""
    require_commit: bool = False
    general: GateSettings = DEFAULT_SETTINGS
    gates: Mapping[str, GateSettings] = field(default_factory=lambda: MappingProxyType({}))
    people: Mapping[str, Person] = field(default_factory=lambda: MappingProxyType({}))
    has_ledger: bool = True
    ml_dsa: bool = False
    witnesses: tuple[tuple[str, str], ...] = ()
    immutable: bool = False
    waivers: tuple[Waiver, ...] = ()
    time: TimeSettings = NO_TIME
    environment: EnvironmentSettings = USUAL
    sha256: str = field(default="", compare=False)

    @property
    def solo(self) -> bool:
        """Whether [gates] lets whoever started a run decide on it; every such decision says so."""
        return self.general.rules.solo

    def person(self, person_id: str) -> Person:
        """The person with this id; somebody whom `awo.toml` does not name is a reviewer without a printed name."""
        return self.people.get(person_id, Person("", (REVIEWER,)))

    def needs_of(self, gate: str) -> list[Need]:
        """Who must approve at this gate, and how many of them."""
        return list(self.gates.get(gate, self.general).needs)

    def rules_of(self, gate: str) -> GateRules:
        """What else is asked of decisions at this gate."""
        return self.gates.get(gate, self.general).rules

    def misnamed(self, gates: Collection[str]) -> dict[str, str]:
        """The tables [gate.ID] that name none of a workflow's `gates`, each with the gate that was probably meant: one
        that looks like it and has no table of its own; '' where none does. They may be for other workflows."""
        bare = [gate for gate in gates if gate not in self.gates]
        return {name: nearest(name, bare) for name in self.gates if name not in gates}

    def roles_of_nobody(self, gate: str) -> dict[str, str]:
        """The roles that this gate asks for, at once or after its deadline, and that nobody has in `awo.toml`, each
        with the role that was probably meant; '' where none is near."""
        had = dict.fromkeys([REVIEWER, *(role for person in self.people.values() for role in person.roles)])
        asked = dict.fromkeys(need.role for need in (*self.needs_of(gate), *self.rules_of(gate).escalate))
        return {role: nearest(role, had) for role in asked if role not in had}

    def asks_for_author(self, gates: Iterable[str]) -> bool:
        """Whether one of these gates keeps the author of the workflow out, so that git must say who that is."""
        return any("author" in self.rules_of(gate).separate_from for gate in gates)


def read_policy(text: str, *, where: str) -> Policy:
    """The settings in the text of an `awo.toml`.

    Keys: `require_commit` at the top; `name` in [project]; `enabled`, `ml_dsa` and `witnesses` in [ledger];
    `immutable` in [seal]; `waive` in [scan]; `authority` and `stamp` in [time]; `system_packages` and `diff` in
    [environment]; those of `settings.KEYS` in [gates]
    and [gate.ID]; `name`, `roles`, `git` and `relays` in [people."alice@example.org"]. Raises `UsageError`, naming
    `where`, for
    text that is not TOML, an unknown key (with the nearest right one), a value of the wrong type, settings that
    contradict each other, and people whose printed names look alike.
    """
    try:
        data = tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise UsageError("this is not TOML", where=where, got=str(error)) from error
    refuse_unknown(data, _TOP, "at the top", where)
    project, general = _table(data, "project", where), _table(data, "gates", where)
    refuse_unknown(project, _PROJECT, "in [project]", where)
    ledger = _table(data, "ledger", where)
    refuse_unknown(ledger, _LEDGER, "in [ledger]", where)
    people = {person_id: _person(person_id, value, where) for person_id, value in _table(data, "people", where).items()}
    _refuse_look_alikes(people, where)
    return Policy(
        sha256=sha256_hex(text.encode(errors="surrogatepass")),
        project=_text(project, "name", "project.name", where),
        require_commit=_flag(data, "require_commit", "require_commit", where),
        general=read_settings({}, general, table="gates", where=where),
        gates=MappingProxyType(_gates(general, _table(data, "gate", where), where)),
        people=MappingProxyType(people),
        witnesses=read_witnesses(ledger.get("witnesses", []), where=where),
        ml_dsa=_flag(ledger, "ml_dsa", "ledger.ml_dsa", where),
        has_ledger=_flag(ledger, "enabled", "ledger.enabled", where, default=True),
        immutable=read_seal(_table(data, "seal", where), where=where),
        waivers=read_scan(_table(data, "scan", where), where=where),
        time=read_time(_table(data, "time", where), where=where),
        environment=read_environment(_table(data, "environment", where), where=where),
    )


def _gates(general: Mapping[str, Any], tables: Mapping[str, Any], where: str) -> dict[str, GateSettings]:
    found = {}
    for gate, own in tables.items():
        if not _STEP_ID.match(gate):
            raise UsageError("this cannot be the id of a gate", where=where, expected="[gate.ID]", got=ascii(gate)[:80])
        if not isinstance(own, dict):
            hint = "what holds for every gate stands in [gates]"
            raise UsageError(
                f"gate.{gate} has the wrong value", where=where, expected=f"a table [gate.{gate}]", hint=hint
            )
        found[gate] = read_settings(general, own, table=f"gate.{gate}", where=where)
    return found


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
        raise _wrong(place, "a table with name, roles and git", value, where)
    refuse_unknown(value, _PERSON, f"in [{place}]", where)
    if "relays" in value:
        return Person(printed_name(person_id), read_relay_roles(value, place=place, where=where), relays="github")
    name = _text(value, "name", f"{place}.name", where)
    if why := why_mixed(name):
        raise UsageError(f"{place}.name could pass for another name: {why}", where=where, got=ascii(name)[:80])
    roles = _list(value, "roles", [REVIEWER])
    if not all(isinstance(role, str) and not why_not_a_principal(role) for role in roles):
        raise _wrong(f"{place}.roles", 'a list like ["reviewer"]', value["roles"], where)
    refuse_relay_roles(roles, place=place, where=where)
    git = _list(value, "git", [])
    if not all(isinstance(address, str) and _is_address(address) for address in git):
        raise _wrong(f"{place}.git", 'a list like ["alice@example.org"]', value["git"], where)
    return Person(name, tuple(dict.fromkeys(roles)), tuple(dict.fromkeys(git)))


def _list(table: Mapping[str, Any], key: str, default: list[Any]) -> list[Any]:
    value = table.get(key, default)
    return value if isinstance(value, list) else [None]


def _is_address(text: str) -> bool:
    return 0 < len(text) <= 200 and not why_not_plain(text) and not any(c.isspace() or c in "<>" for c in text)


def _refuse_look_alikes(people: Mapping[str, Person], where: str) -> None:
    """Nobody's printed name or id may pass for that of somebody else."""
    seen: dict[str, str] = {}
    for person_id, person in people.items():
        for name in filter(None, (person_id, person.name)):
            other = seen.setdefault(skeleton(name), person_id)
            if other != person_id:
                raise UsageError(
                    f'people."{person_id}" and people."{other}" look alike',
                    where=where,
                    got=f"{ascii(name)[1:-1][:80]}, apart from case, accents and width",
                    hint="give one of them a name that tells them apart, for example with a middle initial",
                )


def _table(data: Mapping[str, Any], name: str, where: str) -> Mapping[str, Any]:
    table = data.get(name, {})
    if not isinstance(table, dict):
        raise _wrong(name, "a table for each person" if name == "people" else f"a table [{name}]", table, where)
    return table


def _flag(table: Mapping[str, Any], key: str, place: str, where: str, *, default: bool = False) -> bool:
    value = table.get(key, default)
    if not isinstance(value, bool):
        raise _wrong(place, "true or false", value, where)
    return value


def _text(table: Mapping[str, Any], key: str, place: str, where: str) -> str:
    value = table.get(key, "")
    if not isinstance(value, str) or len(value) > 200 or why_not_plain(value):
        raise _wrong(place, "one line of plain text, at most 200 characters", value, where)
    return value.strip()


def _wrong(place: str, expected: str, got: object, where: str) -> UsageError:
    return UsageError(f"{place} has the wrong value", where=where, expected=expected, got=ascii(got)[:80])

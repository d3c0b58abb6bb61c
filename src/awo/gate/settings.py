"""What awo.toml says of gates: the tables [gates] and [gate.ID] as needs and rules."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal, get_args

from awo.errors import UsageError
from awo.evidence.gates import GateRules, Maker, Meaning, Need, Presence
from awo.evidence.relayed import GITHUB, environment_of, looks_relayed
from awo.gate.durations import FORM, NONE, read_duration
from awo.plugins import nearest
from awo.sign.patterns import why_not_a_principal

REVIEWER: Final = "reviewer"
MOST_PEOPLE: Final = 1000

Then = Literal["wait", "reject", "escalate"]

KEYS: Final = (
    "needs",
    "separate_from",
    "solo",
    "known_starter",
    "presence",
    "redecide",
    "lasts",
    "deadline",
    "then",
    "escalate",
)
"""The keys of [gates] and of each [gate.ID]."""

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


@dataclass(frozen=True, slots=True)
class GateSettings:
    """Who must approve at a gate, and what else is asked of decisions there."""

    needs: tuple[Need, ...] = (Need(role=REVIEWER, count=1),)
    rules: GateRules = DEFAULT_RULES


DEFAULT_SETTINGS: Final = GateSettings()


def read_settings(general: Mapping[str, Any], own: Mapping[str, Any], *, table: str, where: str) -> GateSettings:
    """The settings of a gate from [gates] (`general`) and its own table, which goes over it key by key.

    `table` names the gate's own table in errors. What its own keys make pointless in [gates] is left out: `then` and
    `escalate` without a deadline, `escalate` where it does something else. Raises `UsageError`, naming `where`.
    """
    refuse_unknown(own, KEYS, f"in [{table}]", where)
    merged = {**general, **own}
    if own.get("deadline") == NONE:
        merged = {key: value for key, value in merged.items() if key in own or key not in ("then", "escalate")}
    if own.get("then", "escalate") != "escalate" and "escalate" not in own:
        merged.pop("escalate", None)
    reader = _Reader(merged, own, table, where)
    settings = GateSettings(
        needs=tuple(reader.needs("needs")) if "needs" in merged else DEFAULT_SETTINGS.needs,
        rules=GateRules(
            separate_from=reader.some_of("separate_from", get_args(Maker), DEFAULT_RULES.separate_from),
            solo=reader.flag("solo", default=False),
            known_starter=reader.flag("known_starter", default=False),
            presence=reader.some_of("presence", get_args(Presence), DEFAULT_RULES.presence, or_none=False),
            redecide=reader.flag("redecide", default=True),
            lasts_s=reader.duration("lasts"),
            deadline_s=reader.duration("deadline"),
            then=reader.then(),
            escalate=reader.needs("escalate") if "escalate" in merged else [],
        ),
    )
    reader.refuse_contradictions(settings.rules)
    return settings


def refuse_unknown(table: Mapping[str, Any], known: Sequence[str], place: str, where: str) -> None:
    """Raises `UsageError` for a key that is not known `place` (as in `in [gates]`), with the nearest right one."""
    for key in table:
        if key in known:
            continue
        near = nearest(key, tuple(known))
        hint = f"did you mean {near!r}?" if near else ""
        if key == "require_commit":
            hint = "require_commit stands at the top of the file, before the first [table]"
        raise UsageError(
            f"there is no key {ascii(key)[:80]} {place}", where=where, expected=", ".join(known), hint=hint
        )


@dataclass(frozen=True, slots=True)
class _Reader:
    """The merged keys of one gate. An error names the table in which the key stands."""

    merged: Mapping[str, Any]
    own: Mapping[str, Any]
    table: str
    where: str

    def place(self, key: str) -> str:
        return f"{self.table if key in self.own else 'gates'}.{key}"

    def wrong(self, key: str, expected: str, hint: str = "") -> UsageError:
        got = ascii(self.merged[key])[:80]
        return UsageError(
            f"{self.place(key)} has the wrong value", where=self.where, expected=expected, got=got, hint=hint
        )

    def flag(self, key: str, *, default: bool) -> bool:
        value = self.merged.get(key, default)
        if not isinstance(value, bool):
            raise self.wrong(key, "true or false")
        return value

    def duration(self, key: str) -> int:
        value = self.merged.get(key, NONE)
        seconds = read_duration(value) if isinstance(value, str) else None
        if seconds is None:
            raise self.wrong(key, FORM)
        return seconds

    def then(self) -> Then:
        value = self.merged.get("then", DEFAULT_RULES.then)
        words: dict[Any, Then] = {"wait": "wait", "reject": "reject", "escalate": "escalate"}
        if not isinstance(value, str) or value not in words:
            raise self.wrong("then", ", ".join(words), _meant(value, tuple(words)))
        return words[value]

    def some_of(self, key: str, words: Sequence[Any], default: Sequence[Any], *, or_none: bool = True) -> list[Any]:
        value = self.merged.get(key, list(default))
        expected = f"a list of some of {', '.join(map(repr, words))}"
        if not isinstance(value, list) or not (value or or_none):
            raise self.wrong(key, expected)
        for word in value:
            if word not in words:
                raise self.wrong(key, expected, _meant(word, words))
        return [word for word in words if word in value]

    def needs(self, key: str) -> list[Need]:
        table = self.merged[key]
        form = "a table like { reviewer = 2 } or { reviewer = { count = 1, meaning = 'review' } }"
        if not isinstance(table, dict) or not table:
            raise self.wrong(key, form)
        found = []
        for role, value in table.items():
            if why := why_not_a_principal(role):
                raise self.wrong(key, f"roles that can be one: {ascii(role)[:40]} cannot, since {why}")
            asked = value if isinstance(value, dict) else {"count": value}
            for name in asked:
                if name not in ("count", "meaning"):
                    raise self.wrong(key, form, _meant(name, ("count", "meaning")))
            count, meaning = asked.get("count", 1), asked.get("meaning", "")
            if type(count) is not int or not 1 <= count <= MOST_PEOPLE:
                raise self.wrong(key, f"a number of people from 1 to {MOST_PEOPLE} for {role}")
            if meaning not in ("", *get_args(Meaning)):
                raise self.wrong(
                    key, f"a meaning for {role}: {', '.join(get_args(Meaning))}", _meant(meaning, get_args(Meaning))
                )
            if looks_relayed(role) and (count != 1 or not environment_of(role)):
                raise self.wrong(key, f"a protected environment behind {GITHUB}, and the number 1: it counts once")
            found.append(Need(role=role, count=count, meaning=meaning))
        return found

    def refuse_contradictions(self, rules: GateRules) -> None:
        if "then" in self.merged and not rules.deadline_s:
            raise self._contradiction("then", "needs a deadline", 'deadline = "14d"')
        if rules.then == "escalate" and not rules.escalate:
            raise self._contradiction("then", '= "escalate" needs other people to ask', "escalate = { lead = 1 }")
        if rules.escalate and rules.then != "escalate":
            raise self._contradiction("escalate", "is asked for by nothing", 'then = "escalate"')

    def _contradiction(self, key: str, what: str, cure: str) -> UsageError:
        return UsageError(f"{self.place(key)} {what}", where=self.where, hint=f"add {cure} beside it, or leave it out")


def _meant(word: object, words: Sequence[str]) -> str:
    near = nearest(word, tuple(words)) if isinstance(word, str) else ""
    return f"did you mean {near!r}?" if near else ""

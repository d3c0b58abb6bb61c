"""The rules for claims: whoever states something also says how it could be proved false."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Claim:
    """A claim as it was written, any JSON value, and the file it stands in (empty: in the workflow)."""

    source: str
    content: Any


@dataclass(frozen=True, slots=True)
class Examined:
    """One claim's id ('' when it has none that can be used), its file, and what is wrong with it."""

    id: str
    source: str
    problems: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ClaimsVerdict:
    """Every claim, in order."""

    claims: tuple[Examined, ...]

    @property
    def overall_ok(self) -> bool:
        """True when no claim has a problem."""
        return not any(claim.problems for claim in self.claims)

    def as_value(self) -> dict[str, Any]:
        """The value of a `scope_validate` step, plain JSON."""
        return {
            "claims": [{"id": c.id, "source": c.source, "problems": list(c.problems)} for c in self.claims],
            "overall_ok": self.overall_ok,
        }


def examine(claims: Sequence[Claim]) -> ClaimsVerdict:
    """What is wrong with each claim, and with two claims that share an id."""
    ids = Counter(_id_of(claim.content) for claim in claims)
    examined = []
    for claim in claims:
        own_id = _id_of(claim.content)
        problems = problems_of(claim.content)
        if own_id and ids[own_id] > 1:
            problems.append("another claim has the same `id`")
        examined.append(Examined(id=own_id, source=claim.source, problems=tuple(problems)))
    return ClaimsVerdict(claims=tuple(examined))


def problems_of(content: Any) -> list[str]:
    """What is wrong with one claim, one sentence each; empty when it can be tested.

    A claim is an object with an `id`, a `statement`, and at least one prediction with a
    `tolerance` or one falsification test with `must_pass` or `fail_if`.
    """
    if not isinstance(content, dict):
        return ["a claim must be an object"]
    problems = [
        f"`{name}` must be text that is not empty" if name in content else f"`{name}` is missing"
        for name in ("id", "statement")
        if not (isinstance(content.get(name), str) and content[name].strip())
    ]
    for name in ("predictions", "falsification_tests"):
        entries = content.get(name, [])
        if not (isinstance(entries, list) and all(isinstance(entry, dict) for entry in entries)):
            problems.append(f"`{name}` must be a list of objects")
    if not (
        _any_says(content, "predictions", "tolerance")
        or _any_says(content, "falsification_tests", "must_pass", "fail_if")
    ):
        problems.append(
            "nothing could prove it false: it needs a prediction with a `tolerance`, "
            "or a falsification test with `must_pass` or `fail_if`"
        )
    return problems


def _any_says(content: dict[Any, Any], name: str, *fields: str) -> bool:
    """Whether an entry of the list `name` has one of `fields` with something in it (not null, false or empty)."""
    entries = content.get(name)
    if not isinstance(entries, list):
        return False
    return any(isinstance(entry, dict) and any(_says(entry.get(field)) for field in fields) for entry in entries)


def _says(value: Any) -> bool:
    return value is not None and value is not False and value not in ("", [], {})


def _id_of(content: Any) -> str:
    own_id = content.get("id") if isinstance(content, dict) else None
    return own_id if isinstance(own_id, str) and own_id.strip() else ""

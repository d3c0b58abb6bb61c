"""In which of their roles a person signs, so that the others can still fill what the gate asks for besides. Pure."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from datetime import datetime

from awo.evidence.gates import Need
from awo.gate.gate_facts import GateFacts
from awo.gate.independence import is_author
from awo.gate.project import Policy
from awo.sign.allowed_signers import AllowedSigners
from awo.sign.patterns import matches, why_not_a_principal


def best_role(helps: Sequence[str], missing: Sequence[Need], others: Callable[[], list[tuple[str, ...]]]) -> str:
    """The first of the roles `helps` (at least one) behind which the people `others`, each by their roles, can fill
    what else is `missing`; the first of all where they cannot in any case."""
    choices = list(dict.fromkeys(helps))
    if len(choices) == 1:
        return choices[0]
    people = others()
    for role in choices:
        still = {need.role: 0 for need in missing}
        for need in missing:
            still[need.role] += need.count
        still[role] -= 1
        if _can_fill(still, people):
            return role
    return choices[0]


def free_people(
    policy: Policy, allowed: AllowedSigners, facts: GateFacts, taken: Collection[str], at: datetime
) -> list[tuple[str, ...]]:
    """The roles of everybody who is enrolled at the time `at` (aware) and may decide at this gate, but for those whose
    ids are `taken`."""
    lines = [line for line in allowed.lines if line.valid_before is None or at <= line.valid_before]
    named = [name for line in lines for name in line.principals if not why_not_a_principal(name)]
    known = [name for name in policy.people if any(matches(name, line.principals) for line in lines)]
    rules = facts.request.rules
    found = []
    for name in dict.fromkeys([*named, *known]):
        person = policy.person(name)
        is_maker = (name == facts.starter.id and "starter" in rules.separate_from) or (
            is_author(facts.authors, name, person.git) and "author" in rules.separate_from
        )
        if name not in taken and (rules.solo or not is_maker):
            found.append(person.roles)
    return found


def _can_fill(places: dict[str, int], people: Sequence[tuple[str, ...]]) -> bool:
    """Whether there is somebody for each place, each in one of their own roles (augmenting paths, Kuhn 1955)."""
    seated: dict[str, list[int]] = {role: [] for role in places}

    def seat(person: int, tried: set[str]) -> bool:
        for role in people[person]:
            if role not in places or role in tried:
                continue
            tried.add(role)
            if len(seated[role]) < places[role]:
                seated[role].append(person)
                return True
            for place, other in enumerate(seated[role]):
                if seat(other, tried):
                    seated[role][place] = person
                    return True
        return False

    for person in range(len(people)):
        seat(person, set())
    return all(len(seated[role]) == count for role, count in places.items())

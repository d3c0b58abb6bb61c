"""Who may decide at a gate. Pure: the project's settings, lists, keys and the time go in, a value comes out."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from awo.evidence.gates import Meaning, Need, Presence, Verdict
from awo.evidence.relayed import GITHUB, environment_of
from awo.gate.assignment import best_role, free_people
from awo.gate.faults import why_not_present
from awo.gate.gate_facts import GateFacts
from awo.gate.independence import is_author, is_starter, why_kept_out, why_not_known, why_same_as_another
from awo.gate.project import REVIEWER, Person, Policy, read_policy
from awo.gate.refusals import RefusalCode
from awo.gate.role import needs_in
from awo.gate.standing import approvals, expires_first, missing, standing
from awo.gate.votes import still_to_vote, takes_votes
from awo.plugins import nearest
from awo.sign.allowed_signers import AllowedSigners, MayNotSign
from awo.sign.namespaces import DECISION
from awo.sign.patterns import why_not_a_principal
from awo.sign.sshkeys import PublicKey

__all__ = [
    "REVIEWER",
    "Denied",
    "Permitted",
    "Person",
    "Policy",
    "approvals",
    "expires_first",
    "is_author",
    "is_starter",
    "may_decide",
    "missing",
    "read_policy",
    "role_at",
    "standing",
]


@dataclass(frozen=True, slots=True)
class Permitted:
    """May decide, in this role and under this printed name. `solo`: they started the run or wrote its workflow."""

    role: str
    name: str
    solo: bool


@dataclass(frozen=True, slots=True)
class Denied:
    """May not decide: a code for the journal, a sentence without its final stop, and what to do about it."""

    code: RefusalCode
    what: str
    hint: str


def may_decide(
    policy: Policy,
    allowed: AllowedSigners | None,
    facts: GateFacts,
    *,
    signer_id: str,
    key: PublicKey,
    verdict: Verdict,
    meaning: Meaning,
    presence: Presence,
    at: datetime,
    relayed: str = "",
) -> Permitted | Denied:
    """Whether `signer_id` may decide with `key` at this gate at the time `at` (aware).

    `allowed` is the project's reviewers/allowed_signers, None when there is no such file; with nobody in it nobody
    may decide. What the gate asks stands in `facts`. The role is that of the first need that this person can still
    help with and that leaves the others to the others, else the first that they have; the printed name is the id
    where `awo.toml` has none. `relayed` is the role in which this passes an approval on, '' where somebody
    decides.
    """
    if why := why_not_a_principal(signer_id):
        return Denied("unknown_signer", f"{ascii(signer_id)[:80]} cannot be the id of a person: {why}", "--as ID")
    if allowed is None or not allowed.lines:
        return Denied("no_reviewers", "nobody is enrolled as a reviewer of this project", _enrol(signer_id))
    judged = allowed.may_sign(signer_id, key, DECISION, at)
    if isinstance(judged, MayNotSign):
        return _denied(judged, allowed, signer_id, key)
    person = policy.person(signer_id)
    name = person.name or signer_id
    needs = _needs_of(person, signer_id, facts)
    if denied := _why_not_relayed(person, signer_id, facts, relayed):
        return denied
    if not needs:
        wanted = " or ".join(dict.fromkeys(need.role for need in facts.needs))
        return Denied(
            "role",
            f"{signer_id} does not have the role that this gate asks for: {wanted}",
            f'roles stand in awo.toml, under [people."{signer_id}"]',
        )
    fitting = [need for need in needs if verdict != "approve" or need.meaning in ("", meaning)]
    if not fitting:
        return Denied(
            "meaning",
            f"the gate asks a {needs[0].role} for a signature that means {needs[0].meaning}",
            f"--meaning {needs[0].meaning}",
        )
    starter = is_starter(facts.starter, signer_id, key, allowed)
    author = is_author(facts.authors, signer_id, person.git)
    fault = (
        why_not_known(facts)
        or why_kept_out(facts.request.rules, signer_id, starter=starter, author=author)
        or why_same_as_another(signer_id, name, key.fingerprint, facts)
        or why_not_present(presence, facts.request.rules)  # last: a better key helps nobody who is kept out
    )
    if fault is not None:
        return Denied(fault.code, fault.what, fault.hint)
    role = role_at(policy, allowed, facts, signer_id=signer_id, verdict=verdict, meaning=meaning, at=at)
    if relayed and role != relayed:
        return Denied("role", f"the gate asks for {role} first, and this approval is for {relayed}", "a relay for each")
    return Permitted(role, name, starter or author)


def _why_not_relayed(person: Person, signer_id: str, facts: GateFacts, relayed: str) -> Denied | None:
    """Why a relay decides like a person, a person relays, or this gate takes no relay; None when nothing is wrong."""
    if person.relays and not relayed:
        what = f"{signer_id} relays what is approved on GitHub, and decides nothing itself"
        return Denied("refused", what, "awo approve RUN --relayed github, in a job of a protected environment")
    if not relayed:
        return None
    if not person.relays:
        what = f"awo.toml does not say that {signer_id} is a relay"
        return Denied("refused", what, f'relays = "github" and roles under [people."{signer_id}"]')
    if not any(environment_of(need.role) for need in facts.needs):
        wanted = " or ".join(dict.fromkeys(need.role for need in facts.needs))
        return Denied(
            "role",
            f"this gate takes no approval from GitHub: it asks for {wanted}",
            f'needs = {{ "{GITHUB}ENVIRONMENT" = 1 }} under [gate.{facts.request.gate}], before the gate opens',
        )
    if takes_votes(facts):
        return Denied("panel", "a blind gate takes no approval from GitHub: votes are people's", "awo approve RUN")
    return None


def role_at(
    policy: Policy,
    allowed: AllowedSigners,
    facts: GateFacts,
    *,
    signer_id: str,
    verdict: Verdict,
    meaning: Meaning,
    at: datetime,
) -> str:
    """The role in which `signer_id` would sign this at the time `at` (aware), if they may; '' for none."""
    needs = _needs_of(policy.person(signer_id), signer_id, facts)
    fitting = [need for need in needs if verdict != "approve" or need.meaning in ("", meaning)]
    if not fitting:
        return ""
    return _role(fitting, signer_id, facts, verdict, at, lambda taken: free_people(policy, allowed, facts, taken, at))


def _needs_of(person: Person, signer_id: str, facts: GateFacts) -> list[Need]:
    """The needs that this person has the role for; where there are none, the one for which their approval stands."""
    needs = [need for need in facts.needs if need.role in person.roles]
    if needs:
        return needs
    own = {decision.signer.role for decision in standing(facts.decisions) if decision.signer.id == signer_id}
    return [need for need in facts.request.needs if need.role in own and need.role in person.roles]


def _role(
    needs: Sequence[Need],
    signer_id: str,
    facts: GateFacts,
    verdict: Verdict,
    at: datetime,
    free: Callable[[Collection[str]], list[tuple[str, ...]]],
) -> str:
    """`free` gives the roles of everybody who may decide here, but for those with these ids."""
    if takes_votes(facts):  # what the others have said is not known; a vote of any kind fills its role
        still = still_to_vote(facts.needs, facts.voters)
        taken = {signer_id, *(voter.id for voter in facts.voters)}
        helps = [need.role for need in still if needs_in(need.role, needs)]
        return best_role(helps, still, lambda: free(taken)) if helps else needs[0].role
    if verdict != "approve":
        own = [d.signer.role for d in standing(facts.decisions) if d.signer.id == signer_id]
        return own[0] if own and needs_in(own[0], needs) else needs[0].role
    others = [decision for decision in facts.decisions if decision.signer.id != signer_id]
    still = missing(facts.needs, others, at=at)
    taken = {signer_id, *(decision.signer.id for decision in approvals(others, at=at))}
    helps = [need.role for need in still if needs_in(need.role, needs)]
    return best_role(helps, still, lambda: free(taken)) if helps else needs[0].role


def _enrol(signer_id: str) -> str:
    return f"awo keys enrol {signer_id} KEY.pub"


def _denied(refusal: MayNotSign, allowed: AllowedSigners, signer_id: str, key: PublicKey) -> Denied:
    owners = allowed.principals_of(key)
    if refusal.code == "unknown_principal":
        known = [p for line in allowed.lines for p in line.principals if not why_not_a_principal(p)]
        near = owners[0] if owners else nearest(signer_id, known)
        return Denied(
            "unknown_signer",
            f"{signer_id} is not enrolled as a reviewer of this project",
            f"did you mean --as {near}? Otherwise: {_enrol(signer_id)}" if near else _enrol(signer_id),
        )
    if refusal.code == "other_key":
        return Denied(
            "other_key",
            f"the key {key.fingerprint} is not enrolled for {signer_id}",
            f"it belongs to {owners[0]}" if owners else _enrol(signer_id),
        )
    return Denied(
        refusal.code, f"{signer_id} may not decide with this key now: {refusal.reason}", "see reviewers/allowed_signers"
    )

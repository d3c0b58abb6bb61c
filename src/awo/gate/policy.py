"""Who may decide at a gate, and who is still missing. Pure: lists, keys and the time go in, a value comes out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from awo.evidence.events import Starter
from awo.evidence.gates import Decision, Need
from awo.gate.project import REVIEWER, Person, Policy, read_policy
from awo.plugins import nearest
from awo.sign.allowed_signers import AllowedSigners, MayNotSign
from awo.sign.namespaces import DECISION
from awo.sign.patterns import why_not_a_principal
from awo.sign.sshkeys import PublicKey

__all__ = ["REVIEWER", "Denied", "Permitted", "Person", "Policy", "is_starter", "may_decide", "missing", "read_policy"]

DenialCode = Literal[
    "no_reviewers",
    "unknown_signer",
    "other_key",
    "namespace",
    "not_yet_valid",
    "expired",
    "role",
    "starter",
]


@dataclass(frozen=True, slots=True)
class Permitted:
    """May decide, in this role and under this printed name. `solo`: they also started the run."""

    role: str
    name: str
    solo: bool


@dataclass(frozen=True, slots=True)
class Denied:
    """May not decide: a code for the journal, a sentence without its final stop, and what to do about it."""

    code: DenialCode
    what: str
    hint: str


def may_decide(
    policy: Policy,
    allowed: AllowedSigners | None,
    *,
    starter: Starter,
    needs: Sequence[Need],
    signer_id: str,
    key: PublicKey,
    at: datetime,
) -> Permitted | Denied:
    """Whether `signer_id` may decide with `key` at the time `at` on a run that `starter` started.

    `allowed` is the project's reviewers/allowed_signers, None when there is no such file; with
    nobody in it nobody may decide. `needs` is what the gate asks for. The role is that of the
    first need that the person can fill; the printed name is the id where `awo.toml` has none.
    """
    enrol = f"awo keys enrol {signer_id} KEY.pub"
    if allowed is None or not allowed.lines:
        return Denied("no_reviewers", "nobody is enrolled as a reviewer of this project", enrol)
    judged = allowed.may_sign(signer_id, key, DECISION, at)
    if isinstance(judged, MayNotSign):
        return _denied(judged, allowed, signer_id, key)
    person = policy.person(signer_id)
    role = next((need.role for need in needs if need.role in person.roles), "")
    if not role:
        wanted = " or ".join(dict.fromkeys(need.role for need in needs))
        return Denied(
            "role",
            f"{signer_id} does not have the role that this gate asks for: {wanted}",
            f'roles stand in awo.toml, under [people."{signer_id}"]',
        )
    solo = is_starter(starter, signer_id, key, allowed)
    if solo and not policy.solo:
        return Denied(
            "starter",
            f"{signer_id} started this run, and somebody else must decide on it",
            "ask another reviewer; who works alone sets solo = true under [gates] in awo.toml, and it is recorded",
        )
    return Permitted(role, person.name or signer_id, solo)


def is_starter(starter: Starter, signer_id: str, key: PublicKey, allowed: AllowedSigners | None) -> bool:
    """Whether the signer is whoever started the run: the same id, the same key, or a key of the same person."""
    if starter.id == signer_id or starter.key == key.fingerprint:
        return True
    if allowed is None:
        return False
    return any(k.fingerprint == starter.key for k in allowed.keys_of(signer_id)) or key in allowed.keys_of(starter.id)


def missing(needs: Sequence[Need], decisions: Sequence[Decision]) -> list[Need]:
    """What the gate still needs after these decisions, in their order; empty when it has all.

    Only approvals count, one for each person and each key; a person's later decision takes the
    place of an earlier one, so that a withdrawn approval is gone.
    """
    last = {decision.signer.id: decision for decision in decisions}
    counted: dict[str, Decision] = {}
    for decision in last.values():
        if decision.verdict == "approve":
            counted.setdefault(decision.signer.key, decision)
    still = []
    for need in needs:
        there = sum(decision.signer.role == need.role for decision in counted.values())
        if there < need.count:
            still.append(Need(role=need.role, count=need.count - there))
    return still


def _denied(refusal: MayNotSign, allowed: AllowedSigners, signer_id: str, key: PublicKey) -> Denied:
    enrol = f"awo keys enrol {signer_id} KEY.pub"
    owners = allowed.principals_of(key)
    if refusal.code == "unknown_principal":
        known = [p for line in allowed.lines for p in line.principals if not why_not_a_principal(p)]
        near = owners[0] if owners else nearest(signer_id, known)
        return Denied(
            "unknown_signer",
            f"{signer_id} is not enrolled as a reviewer of this project",
            f"did you mean --as {near}? Otherwise: {enrol}" if near else enrol,
        )
    if refusal.code == "other_key":
        return Denied(
            "other_key",
            f"the key {key.fingerprint} is not enrolled for {signer_id}",
            f"it belongs to {owners[0]}" if owners else enrol,
        )
    return Denied(
        refusal.code, f"{signer_id} may not decide with this key now: {refusal.reason}", "see reviewers/allowed_signers"
    )

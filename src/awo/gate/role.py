"""Whether the project let this person sign in this role with this key, by the record beside the decision."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from awo.errors import EvidenceError
from awo.evidence.gates import Authority, Need, Signer
from awo.gate.gate_facts import DecisionFault, GateFacts
from awo.gate.standing import standing
from awo.sign.allowed_signers import AllowedSigners, MayNotSign
from awo.sign.namespaces import DECISION
from awo.sign.sshkeys import PublicKey


def lines_of(authority: Authority) -> AllowedSigners | DecisionFault:
    """The lines of allowed_signers in a record of who a signer was; a fault when they are none."""
    try:
        return AllowedSigners.parse("\n".join(authority.lines), where="lines", error=EvidenceError)
    except EvidenceError as error:
        return DecisionFault("authority", error.what, error.expected, error.got)


def why_not_in_role(
    signer: Signer, key: PublicKey, facts: GateFacts, authority: Authority, *, at: datetime
) -> DecisionFault | None:
    """Why this signer could not sign in this role, under this name, with `key` at the time `at` (aware); None when
    they could. `authority` is the record beside the decision or the vote."""
    about = (authority.run_id, authority.gate, authority.signer)
    if about != (facts.run_id, facts.request.gate, signer.id):
        return DecisionFault(
            "authority",
            "the record of who the signer was is about another run, gate or signer",
            f"{facts.run_id}, {facts.request.gate}, {signer.id}",
            ", ".join(ascii(part)[1:-1][:80] for part in about),
        )
    allowed = lines_of(authority)
    if isinstance(allowed, DecisionFault):
        return allowed
    judged = allowed.may_sign(signer.id, key, DECISION, at)
    if isinstance(judged, MayNotSign):
        code = "unknown_signer" if judged.code == "unknown_principal" else judged.code
        return DecisionFault(code, f"the project did not let this person sign: {judged.reason}", got=key.fingerprint)
    if signer.role not in authority.roles:
        had = ", ".join(authority.roles) or "none"
        return DecisionFault("role", "the project did not give the signer this role", had, ascii(signer.role)[:80])
    if signer.name != (authority.name or signer.id):
        expected = ascii(authority.name or signer.id)[:80]
        return DecisionFault("name", "the printed name is not the project's", expected, ascii(signer.name)[:80])
    return why_role_not_asked(signer, facts)


def why_role_not_asked(signer: Signer, facts: GateFacts) -> DecisionFault | None:
    """Why the gate has no use for the signer's role; None when it has. Who has decided in a role that it asked for when
    it opened keeps that there."""
    own = {decision.signer.role for decision in standing(facts.decisions) if decision.signer.id == signer.id}
    roles = [need.role for need in facts.needs]
    if signer.role in roles or signer.role in own & {need.role for need in facts.request.needs}:
        return None
    return DecisionFault(
        "role", "the gate does not ask for the signer's role", ", ".join(roles), ascii(signer.role)[:80]
    )


def needs_in(role: str, needs: Sequence[Need]) -> list[Need]:
    """Those of `needs` that ask for this role."""
    return [need for need in needs if need.role == role]

"""What the project says of a decider at the time of the decision, as it goes on record (spec section 3.7)."""

from __future__ import annotations

from awo.evidence.gates import Authority
from awo.gate.decision import GateFacts
from awo.gate.project import Policy
from awo.sign.allowed_signers import AllowedSigners, line_for
from awo.sign.namespaces import DECISION
from awo.sign.patterns import matches, why_not_a_principal
from awo.sign.sshkeys import PublicKey


def authority_of(
    policy: Policy, allowed: AllowedSigners | None, facts: GateFacts, signer_id: str, key: PublicKey, at: str
) -> Authority:
    """The record of who `signer_id` was when they signed with `key` at the time `at` (spelled as in `canon.time`).

    A line of the list that fits the id is written with that id, patterns resolved. Others who have this very
    key are named, too.
    """
    person = policy.person(signer_id)
    lines = []
    for line in allowed.lines if allowed is not None else ():
        is_own = matches(signer_id, line.principals)
        others = [name for name in line.principals if line.key == key and not why_not_a_principal(name)]
        for name in [signer_id] if is_own else others:
            period = {"valid_after": line.valid_after, "valid_before": line.valid_before}
            lines.append(line_for(name, line.key, line.namespaces or (DECISION,), **period))
    return Authority(
        format="awo/authority/v1",
        run_id=facts.run_id,
        gate=facts.request.gate,
        signer=signer_id,
        at=at,
        name=person.name,
        roles=list(person.roles),
        git=list(person.git),
        lines=list(dict.fromkeys(lines)),
        policy_sha256=policy.sha256,
        reviewers_sha256=allowed.sha256 if allowed is not None else "",
    )

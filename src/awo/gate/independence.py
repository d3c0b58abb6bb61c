"""Whether a decider is somebody else than whoever made what is decided on, and than every other decider."""

from __future__ import annotations

from collections.abc import Iterable

from awo.evidence.events import Starter
from awo.evidence.gates import Authority, GateRules, Signer
from awo.evidence.records import NOBODY
from awo.gate.gate_facts import DecisionFault, GateFacts
from awo.gate.names import skeleton
from awo.gate.role import lines_of
from awo.sign.allowed_signers import AllowedSigners
from awo.sign.sshkeys import PublicKey


def is_starter(starter: Starter, signer_id: str, key: PublicKey, allowed: AllowedSigners | None) -> bool:
    """Whether the signer is whoever started the run: an id that looks the same (`Alice@…` and `alice@…`), the same
    key, or a key of the same person."""
    if skeleton(starter.id) == skeleton(signer_id) or starter.key == key.fingerprint:
        return True
    if allowed is None:
        return False
    return any(k.fingerprint == starter.key for k in allowed.keys_of(signer_id)) or key in allowed.keys_of(starter.id)


def is_author(authors: Iterable[str], signer_id: str, git: Iterable[str]) -> bool:
    """Whether the signer's id, or an address under which git knows them, is an author's. Case does not count."""
    own = {address.casefold() for address in (signer_id, *git)}
    return any(author.casefold() in own for author in authors)


def why_not_independent(
    signer: Signer, key: PublicKey, facts: GateFacts, authority: Authority, *, solo: bool
) -> DecisionFault | None:
    """Why this signer is not, or is not shown to be, independent of the run and of the gate's other deciders.

    `key` made the signature; `solo` is what the decision or the vote says of itself. None when nothing is wrong.
    """
    allowed = lines_of(authority)
    if isinstance(allowed, DecisionFault):
        return allowed
    maker = is_starter(facts.starter, signer.id, key, allowed)
    author = is_author(facts.authors, signer.id, authority.git)
    if (maker or author) and not solo:
        who = "started the run" if maker else "wrote the workflow"
        return DecisionFault("solo", f"whoever {who} decided on it, and the decision does not say so")
    return (
        why_not_known(facts)
        or why_kept_out(facts.request.rules, signer.id, starter=maker, author=author)
        or why_same_as_another(signer.id, signer.name, key.fingerprint, facts)
    )


def why_not_known(facts: GateFacts) -> DecisionFault | None:
    """Why nobody can be shown to be independent here: the record does not say of whom; None when it does."""
    rules = facts.request.rules
    if rules.known_starter and facts.starter.id == NOBODY:
        return DecisionFault(
            "starter_unknown",
            "the run was started with a machine's own key, and this gate asks for a starter with a name",
            expected="a run that was started with --key and --as",
            hint="start the run again with --key and --as",
        )
    if "author" in rules.separate_from and not facts.authors:
        return DecisionFault(
            "author_unknown",
            "input.json does not say who wrote the workflow, and this gate asks for somebody else",
            hint="start the run from a git tree in which the workflow file is committed",
        )
    return None


def why_kept_out(rules: GateRules, signer_id: str, *, starter: bool, author: bool) -> DecisionFault | None:
    """Why these rules keep somebody out who is the starter or an author; None when they let them decide."""
    if rules.solo:
        return None
    hint = "ask another reviewer; who works alone sets solo = true under [gates] in awo.toml, and it is recorded"
    if starter and "starter" in rules.separate_from:
        return DecisionFault("starter", f"{signer_id} started this run, and somebody else must decide on it", hint=hint)
    if author and "author" in rules.separate_from:
        what = f"{signer_id} wrote the workflow of this run, and somebody else must decide on it"
        return DecisionFault("author", what, hint=hint)
    return None


def why_same_as_another(signer_id: str, name: str, key: str, facts: GateFacts) -> DecisionFault | None:
    """Why the signer may be another decider of this gate under a second id: the same key (by its fingerprint), or a
    printed name that looks the same; None when neither."""
    for other in (*(decision.signer for decision in facts.decisions), *facts.voters):
        if other.id == signer_id:
            continue
        if other.key == key:
            return DecisionFault(
                "shared_key", f"{other.id} has decided at this gate with the same key", "a key of one's own", key
            )
        if {skeleton(name), skeleton(signer_id)} & {skeleton(other.name), skeleton(other.id)}:
            return DecisionFault(
                "name",
                f"the printed name looks like that of {other.id}, who has decided at this gate",
                "a name that tells them apart",
                ascii(name)[1:-1][:80],
                "printed names stand in awo.toml, under [people]",
            )
    return None

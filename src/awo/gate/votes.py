"""Sealed votes at a blind gate: committed first, opened when all are in (spec section 3.6). Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from msgspec.structs import replace

from awo.canon import time
from awo.canon.digest import sha256_hex
from awo.canon.json import canonical, parse_canonical
from awo.errors import AwoError, EvidenceError
from awo.evidence.gates import Authority, Decision, Need, SealedVote, Signer, Verdict
from awo.gate.faults import why_clock, why_not_present
from awo.gate.gate_facts import DecisionFault, GateFacts
from awo.gate.independence import why_not_independent
from awo.gate.role import why_not_in_role
from awo.sign.namespaces import DECISION
from awo.sign.sshsig import VerifiedSignature, verify

LARGEST_BYTES: Final = 1 << 20


@dataclass(frozen=True, slots=True)
class CheckedVote:
    """A sealed vote whose signature holds and which is about this gate."""

    vote: SealedVote
    signature: VerifiedSignature


def commitment_of(nonce: str, data: bytes) -> str:
    """What binds a voter to a decision: the SHA-256 of the nonce (64 hex digits), a line feed and the decision."""
    return sha256_hex(nonce.encode("ascii", "replace") + b"\n" + data)


def vote_for(decision: Decision, nonce: str, data: bytes) -> SealedVote:
    """The vote that says that `decision`, whose bytes are `data`, has been taken, and not what it says."""
    return SealedVote(
        format="awo/vote/v1",
        run_id=decision.run_id,
        gate=decision.gate,
        signer=decision.signer,
        at=decision.at,
        presence=decision.presence,
        solo=decision.solo,
        checkpoint=decision.checkpoint,
        commitment=commitment_of(nonce, data),
    )


def vote_bytes(vote: SealedVote) -> bytes:
    """The bytes that are signed and stored: canonical JSON without a newline."""
    return canonical(vote)


def judge_vote(
    data: bytes, armored: bytes, facts: GateFacts, authority: Authority, at: datetime, where: str
) -> CheckedVote | DecisionFault:
    """What `data` with its signature is worth at this gate when it is recorded at the time `at` (aware).

    In this order: canonical form; this run, this blind gate, nothing changed since; presence; the signature over
    exactly these bytes in namespace awo-decision, with the key and the touch that they name; the role and the key, by
    `authority`; independence; the time. `facts.voters` are those who voted before.
    """
    if len(data) > LARGEST_BYTES:
        return DecisionFault("form", "a vote is too large", expected=f"at most {LARGEST_BYTES} bytes")
    try:
        vote = parse_canonical(data, SealedVote, where=where)
        time.read(vote.at)
    except AwoError as error:
        return DecisionFault("form", error.what, error.expected, error.got)
    except ValueError as error:
        return DecisionFault("content", "the time of the vote is not a time", got=str(error))
    if fault := _why_stale(vote, facts) or why_not_present(vote.presence, facts.request.rules):
        return fault
    signature = _signed(vote, data, armored, where)
    if isinstance(signature, DecisionFault):
        return signature
    signer, key = vote.signer, signature.key
    fault = (
        why_not_in_role(signer, key, facts, authority, at=time.read(vote.at))
        or why_not_independent(signer, key, facts, authority, solo=vote.solo)
        or why_clock(vote.at, facts, at)
    )
    return fault or CheckedVote(vote, signature)


def takes_votes(facts: GateFacts) -> bool:
    """Whether people vote sealed at this gate now. Once all votes are open, it goes on as any other gate."""
    return facts.request.panel is not None and not (facts.voters and len(_deciders(facts)) >= len(facts.voters))


def why_no_vote(facts: GateFacts, verdict: Verdict, signer_id: str) -> DecisionFault | None:
    """Why this person may not vote so at a gate that takes votes; None when they may. Asked before they sign."""
    if not takes_votes(facts):
        return None
    if any(voter.id == signer_id for voter in facts.voters):
        return _fault(
            f"{signer_id} has voted at this gate already, and a sealed vote is never changed",
            hint="wait until all votes are in; then `awo reveal` opens yours",
        )
    if verdict == "withdraw":
        return _fault(
            "nothing can be withdrawn at a blind gate before all votes are open", "approve, reject, revise", verdict
        )
    if facts.decisions:
        return _fault("the votes at this gate are being opened, so nobody can vote any more")
    return None


def fault_of_opening(vote: SealedVote, decision: Decision, nonce: str, data: bytes) -> DecisionFault | None:
    """Why `decision`, whose bytes are `data`, does not open `vote` with `nonce`; None when it does."""
    if (decision.run_id, decision.gate) != (vote.run_id, vote.gate):
        return _fault("the decision is about another gate than the vote", vote.gate, decision.gate)
    if decision.signer != vote.signer:
        return _fault(
            "the vote was sealed by somebody else", ascii(vote.signer.id)[:80], ascii(decision.signer.id)[:80]
        )
    if decision.checkpoint != vote.checkpoint:
        return _fault("the vote and the decision name different states of the log")
    if commitment_of(nonce, data) != vote.commitment:
        return _fault(
            "this is not the decision that was sealed", f"commitment {vote.commitment}", commitment_of(nonce, data)
        )
    if (decision.solo, decision.presence) != (vote.solo, vote.presence):
        return _fault("the vote and the decision say different things of their signer")
    if decision.verdict == "withdraw":
        return _fault("a sealed vote cannot be a withdrawal", "approve, reject, revise", "withdraw")
    if decision.at > vote.at:
        return _fault("the decision was taken after its vote was sealed", f"a time up to {vote.at}", decision.at)
    return None


def still_to_vote(needs: Sequence[Need], voters: Iterable[Signer]) -> list[Need]:
    """How many people of which role have not voted yet, in the order of `needs`; empty when all are in.

    One vote counts for each person and each key. Meanings are told by the decisions, so they do not count here.
    """
    by_key: dict[str, Signer] = {}
    for voter in {voter.id: voter for voter in voters}.values():
        by_key.setdefault(voter.key, voter)
    there: dict[str, int] = {}
    for voter in by_key.values():
        there[voter.role] = there.get(voter.role, 0) + 1
    still = []
    for need in needs:
        taken = min(there.get(need.role, 0), need.count)
        there[need.role] = there.get(need.role, 0) - taken
        if taken < need.count:
            still.append(replace(need, count=need.count - taken))
    return still


def new_nonce() -> str:
    """32 bytes of chance as 64 hexadecimal digits: nobody can try out decisions against a commitment."""
    import secrets

    return secrets.token_hex(32)


def _deciders(facts: GateFacts) -> set[str]:
    voters = {voter.id for voter in facts.voters}
    return {decision.signer.id for decision in facts.decisions} & voters


def _why_stale(vote: SealedVote, facts: GateFacts) -> DecisionFault | None:
    if vote.run_id != facts.run_id:
        return DecisionFault("other_run", "the vote is about another run", facts.run_id, ascii(vote.run_id)[:80])
    if vote.gate != facts.request.gate:
        return DecisionFault("other_gate", "the vote is about another gate", facts.request.gate, vote.gate)
    if facts.request.panel is None:
        return _fault("the gate is not blind, and takes no sealed votes")
    if vote.checkpoint != facts.checkpoint:
        return DecisionFault(
            "stale",
            "the vote is stale: the log is not what it was when the person voted",
            f"{facts.checkpoint.size} lines, root {facts.checkpoint.root}",
            f"{vote.checkpoint.size} lines, root {vote.checkpoint.root}",
            "look again, and vote again",
        )
    return None


def _signed(vote: SealedVote, data: bytes, armored: bytes, where: str) -> VerifiedSignature | DecisionFault:
    try:
        signature = verify(armored, data, DECISION, where=where)
    except EvidenceError as error:
        return DecisionFault("signature", error.what, error.expected, error.got)
    if signature.key.fingerprint != vote.signer.key:
        return DecisionFault(
            "key", "the vote is signed with another key than it names", vote.signer.key, signature.key.fingerprint
        )
    if vote.presence == "touch" and signature.presence != "touch":
        return DecisionFault("presence", "the vote claims a touched security key, and its signature shows none")
    return signature


def _fault(what: str, expected: str = "", got: str = "", hint: str = "") -> DecisionFault:
    return DecisionFault("panel", what, expected, got, hint)

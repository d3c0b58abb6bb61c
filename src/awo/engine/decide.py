"""Takes a person's decision at an open gate: checked, signed, written, then recorded."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from awo.canon import time
from awo.canon.digest import sha256_hex
from awo.canon.json import pretty
from awo.engine.at_gate import AtGate, at_gate, gate_facts
from awo.engine.before_signing import refuse_clock, refuse_late, refuse_other_step, refuse_secrets, refuse_stale
from awo.engine.choice import Choice, OpenKey, ProjectRules
from awo.engine.closing import close_if_decided
from awo.engine.entering import enter_what_is_recorded
from awo.engine.folder import fsync_folder, refuse_sealed, write_whole
from awo.engine.journal import Journal
from awo.engine.refusing import Attempt, Refusal, on_record
from awo.errors import AwoError, CannotCheck, DiskTrouble, EvidenceError, UsageError
from awo.evidence import events as ev
from awo.evidence.gates import Answer, Authority, Decision, Signer
from awo.evidence.layout import DECISIONS, authority_path, decision_path, signature_path
from awo.gate.answers import read_answers
from awo.gate.authority import authority_of
from awo.gate.decision import DecisionFault, GateFacts, build_decision, decision_bytes, judge_decision
from awo.gate.policy import Denied, Permitted, Policy, may_decide
from awo.gate.votes import takes_votes, why_no_vote
from awo.sign.allowed_signers import AllowedSigners
from awo.sign.namespaces import DECISION
from awo.sign.seam import Signer as SigningKey

__all__ = [
    "Choice",
    "Decided",
    "OpenKey",
    "Prepared",
    "ProjectRules",
    "decide",
    "prepare",
    "record_decision",
    "write_signed",
]


@dataclass(frozen=True, slots=True)
class Prepared:
    """A decision that counts, signed and not yet on record: its bytes in `data`, its armored signature, and who its
    signer was when they signed."""

    facts: GateFacts
    decision: Decision
    data: bytes
    signature: bytes
    authority: Authority


class Decided(NamedTuple):
    """A decision that was recorded.

    `is_closed` is true when the gate needs nobody else, `outcome` is that of the run when the gate ended it, else ''.
    `starter` is the id of who started the run. `is_sealed_vote` says that it lies sealed at a blind gate. `replaces` is
    the decision of the same person that no longer counts at this gate, or ''.
    """

    gate: str
    path: str
    is_closed: bool
    solo: bool
    starter: str
    outcome: str = ""
    is_sealed_vote: bool = False
    replaces: str = ""


async def decide(folder: Path, choice: Choice, open_key: OpenKey, project: ProjectRules) -> Decided:
    """Records `choice` at the open gate of a run, signed with the key that `open_key` opens.

    Raises `UsageError` when no gate is open or this person may not decide, `EvidenceError` when what they would sign
    has changed, `CannotCheck` for a key that does not sign, `DiskTrouble`. A refusal at an open gate is an event too.
    """
    refuse_sealed(folder)
    key = _opened(open_key)  # a passphrase is typed while nobody waits for the lock
    if project.ledger is not None:
        project.ledger.refuse_unwritable()
    async with at_gate(folder) as at:
        prepared = prepare(at, choice, key, project)
        if not takes_votes(prepared.facts):
            decided = await record_decision(at.journal, prepared)
        else:
            from awo.engine.panels import seal_vote

            assert not isinstance(key, AwoError)  # or it would have been refused
            with on_record(at.journal, _attempt(choice, key), project.secrets):
                decided = await seal_vote(at.journal, prepared, key)
        await enter_what_is_recorded(at.journal, project.ledger)
        return decided


def prepare(at: AtGate, choice: Choice, key: SigningKey | AwoError, project: ProjectRules) -> Prepared:
    """The decision of `choice`, checked and signed, for the gate that is open.

    `key` is the error where it could not be opened. Every refusal is recorded, then raised: `UsageError`,
    `EvidenceError`, `CannotCheck`; `DiskTrouble` is raised only.
    """
    facts = gate_facts(at)
    with on_record(at.journal, _attempt(choice, key), project.secrets):
        if isinstance(key, AwoError):
            raise Refusal("key_not_opened", key)
        if fault := why_no_vote(facts, choice.verdict, choice.signer_id):
            raise _fault(fault)
        return _prepared(at, facts, choice, key, project)


async def record_decision(journal: Journal, prepared: Prepared, *, opens: int = 0, nonce: str = "") -> Decided:
    """Writes a decision, its signature and its authority, records it, and closes the gate if that settles it.

    `opens` and `nonce` open a sealed vote. Durable on return. Raises `EvidenceError` and `DiskTrouble`.
    """
    decision, gate = prepared.decision, prepared.decision.gate
    number = len(journal.state.gates.all_decisions) + 1
    path = decision_path(number, gate)
    mine = [one for one in journal.state.gates.decisions if one.signer == decision.signer.id]
    before = mine[-1].decision.path if mine and mine[-1].verdict != "withdraw" else ""
    refs = write_signed(journal.folder, path, prepared.data, prepared.signature, prepared.authority)
    journal.append(
        ev.DecisionRecorded,
        at=max(time.now(), decision.at),  # a clock that was set back while the person signed
        gate=gate,
        number=number,
        verdict=decision.verdict,
        signer=decision.signer.id,
        decision=refs[0],
        signature=refs[1],
        authority=refs[2],
        opens=opens,
        nonce=nonce,
    )
    is_closed = await close_if_decided(journal)
    await journal.flushed()
    starter, outcome = prepared.facts.starter.id, journal.state.outcome
    return Decided(gate, path, is_closed, decision.solo, starter, outcome, replaces=before)


def write_signed(folder: Path, path: str, data: bytes, signature: bytes, authority: Authority) -> list[ev.FileRef]:
    """Writes what a person signed to `path`, with its signature and authority beside it; durable on return.

    Gives the three files in this order. Raises `DiskTrouble`.
    """
    contents = {path: data, signature_path(path): signature, authority_path(path): pretty(authority)}
    try:
        (folder / DECISIONS).mkdir(exist_ok=True)
        fsync_folder((folder / DECISIONS).parent)
        for name, content in contents.items():
            write_whole(folder / name, content)
    except OSError as error:
        raise DiskTrouble("the decision cannot be written", where=path, got=str(error.strerror)) from error
    return [
        ev.FileRef(path=name, sha256=sha256_hex(content), size_bytes=len(content)) for name, content in contents.items()
    ]


def _attempt(choice: Choice, key: SigningKey | AwoError) -> Attempt:
    fingerprint = "" if isinstance(key, AwoError) else key.key.fingerprint
    return Attempt(choice.verdict, choice.signer_id, fingerprint)


def _opened(open_key: OpenKey) -> SigningKey | AwoError:
    try:
        return open_key()
    except AwoError as error:
        return error


def _prepared(at: AtGate, facts: GateFacts, choice: Choice, key: SigningKey, project: ProjectRules) -> Prepared:
    """As `prepare`, with `Refusal` for each reason not to take the decision."""
    refuse_secrets(choice, project.secrets)
    refuse_stale(at.journal.folder, facts, choice)
    allowed = _reviewers(project)
    moment = time.now()
    refuse_clock(at.journal, moment)
    refuse_late(at.journal, facts, moment)
    permitted = _permitted(project.policy, allowed, facts, choice, key, moment)
    decision = _decision(at, facts, choice, key, permitted, moment)
    data = decision_bytes(decision)
    try:
        signature = key.sign(data, DECISION)
    except (CannotCheck, UsageError) as error:  # no agent, or one that refuses; a security key that nobody touched
        raise Refusal("key_not_opened", error) from error
    authority = authority_of(project.policy, allowed, facts, choice.signer_id, key.key, moment)
    judged = judge_decision(
        data,
        signature,
        facts,
        authority=authority,
        at=time.read(moment),
        where="the new decision",
    )
    if isinstance(judged, DecisionFault):
        raise _fault(judged)
    return Prepared(facts, decision, data, signature, authority)


def _reviewers(project: ProjectRules) -> AllowedSigners | None:
    try:
        return project.reviewers()
    except UsageError as error:
        raise Refusal("refused", error) from error


def _permitted(
    policy: Policy, allowed: AllowedSigners | None, facts: GateFacts, choice: Choice, key: SigningKey, at: str
) -> Permitted:
    judged = may_decide(
        policy,
        allowed,
        facts,
        signer_id=choice.signer_id,
        key=key.key,
        verdict=choice.verdict,
        meaning=choice.meaning,
        presence=key.presence,
        at=time.read(at),
        relayed=choice.relayed,
    )
    if isinstance(judged, Denied):
        raise Refusal(judged.code, UsageError(judged.what, hint=judged.hint))
    return judged


def _decision(
    at: AtGate, facts: GateFacts, choice: Choice, key: SigningKey, permitted: Permitted, moment: str
) -> Decision:
    refuse_other_step(at.journal, choice)
    built = build_decision(
        facts,
        verdict=choice.verdict,
        meaning=choice.meaning,
        signer=Signer(id=choice.signer_id, name=permitted.name, role=permitted.role, key=key.key.fingerprint),
        at=moment,
        presence=key.presence,
        solo=permitted.solo,
        answers=_answers(facts, choice),
        comment=choice.comment,
        required_changes=choice.required_changes,
        from_step=choice.from_step,
    )
    if isinstance(built, DecisionFault):
        raise _fault(built)
    return built


def _answers(facts: GateFacts, choice: Choice) -> list[Answer]:
    try:
        return read_answers(
            choice.answers,
            facts.request.checklist,
            choice.verdict,
            given=choice.given,
            shown=[ref.path for ref in facts.shows] if any(answer.evidence for answer in choice.given) else (),
        )
    except UsageError as error:
        raise Refusal("answers", error) from error


def _fault(fault: DecisionFault) -> Refusal:
    """The error of a fault: evidence that has changed is another matter than a decision that was asked for wrongly."""
    kind = EvidenceError if fault.code in ("stale", "signature", "key") else UsageError
    return Refusal(fault.code, kind(fault.what, expected=fault.expected, got=fault.got, hint=fault.hint))

"""Chapter 4, authority: who sealed, who decided, on what, and whom the reader of the package believes."""

from __future__ import annotations

from collections.abc import Iterator

from awo.errors import EvidenceError
from awo.evidence.gates import Decision
from awo.evidence.layout import ALLOWED_SIGNERS, DECISIONS, JOURNAL, SEAL, SEAL_SIGNATURE
from awo.evidence.records import NOBODY
from awo.evidence.relayed import environment_of, in_words
from awo.sign.allowed_signers import AllowedSigners, MayNotSign
from awo.sign.namespaces import DECISION
from awo.sign.namespaces import SEAL as SEAL_NAMESPACE
from awo.sign.sshkeys import PublicKey
from awo.sign.sshsig import verify as verify_signature
from awo.verify.decisions import Judged, JudgedGate, Part, judged_gates
from awo.verify.findings import WITHHELD, Answer
from awo.verify.opening import shown_as_due
from awo.verify.reading import Reading
from awo.verify.structure import NOT_SEALED, claimed_signers, moment, seal_of

REMOVED = "they may have been removed from the list after the decision"
KEEP_LINES = "do not delete the line of somebody who leaves: end it with valid-before, so that old decisions still hold"


def ep_4_1(reading: Reading, answer: Answer) -> None:
    """The seal is signed, in namespace awo-seal, over exactly its bytes, with the key that it names."""
    if not reading.has_seal:
        answer.cannot(SEAL, NOT_SEALED)
        return
    data, armored = reading.kept.get(SEAL), reading.kept.get(SEAL_SIGNATURE)
    if data is None or armored is None:
        answer.cannot(SEAL, "the seal or its signature cannot be read")
        return
    where = f"{SEAL} with {SEAL_SIGNATURE}"
    try:
        key = verify_signature(armored, data, SEAL_NAMESPACE, where=where).key
    except EvidenceError as error:
        answer.fail(where, error.what, error.expected, error.got)
        return
    seal = seal_of(reading)
    if seal is None:
        answer.cannot(SEAL, "the seal is signed, and cannot be read")
    elif key.fingerprint != seal.sealer.key:
        answer.fail(where, "the seal is signed with another key than it names", seal.sealer.key, key.fingerprint)


def ep_4_2(reading: Reading, answer: Answer) -> None:
    """audit/allowed_signers lets the sealer sign seals with this key at the time of the seal."""
    if reading.withheld.is_away(ALLOWED_SIGNERS):
        answer.withhold(ALLOWED_SIGNERS)
        return
    _sealer_in(claimed_signers(reading), ALLOWED_SIGNERS, reading, answer, is_claim=True)


def ep_4_3(reading: Reading, answer: Answer) -> None:
    """Each decision and sealed vote is signed, in namespace awo-decision, over exactly its bytes, with the key and the
    touch that it names."""
    for judged in _signed(reading, answer):
        _told(judged, "signed", judged.where, answer)


def ep_4_4(reading: Reading, answer: Answer) -> None:
    """Each decision is about this run, its gate, the journal up to there and the files shown, as the journal says; one
    that opens a sealed vote is the one that was sealed. What was shown is all that was on record by then."""
    gates = gates_of(reading, answer)
    shown_as_due(reading, gates, answer)
    for gate in gates:
        for judged in gate.signed:
            _told(judged, "about", judged.path, answer)


def ep_4_5(reading: Reading, answer: Answer) -> None:
    """Each decision is complete and in order: texts, answers by their kind, meaning, accepted proof of presence; not
    before the gate opened, not after it was recorded, not expired then, not where nobody may decide again."""
    for judged in _signed(reading, answer):
        _told(judged, "complete", judged.path, answer)


def ep_4_6(reading: Reading, answer: Answer) -> None:
    """The record beside each decision gives its signer this role and name and lets them sign with this key at the time
    of the decision, and audit/allowed_signers agrees."""
    claimed, is_away = claimed_signers(reading), reading.withheld.is_away(ALLOWED_SIGNERS)
    for judged in _signed(reading, answer):
        _told(judged, "known", judged.path, answer)
        if not reading.has_seal or judged.key is None or judged.record is None:
            continue  # audit/allowed_signers is made when the run is sealed
        if is_away:
            answer.withhold(ALLOWED_SIGNERS)
            continue
        signer, at = judged.record.signer.id, judged.record.at
        vouches(claimed, ALLOWED_SIGNERS, signer, judged.key.key, DECISION, at, judged.path, answer, is_claim=True)


def ep_4_7(reading: Reading, answer: Answer) -> None:
    """The reader's own list lets the sealer sign seals with this key at the time of the seal."""
    _sealer_in(reading.trust.signers, reading.trust.name, reading, answer, is_claim=False)


def ep_4_8(reading: Reading, answer: Answer) -> None:
    """The reader's own list lets each decider sign decisions with this key at the time of the decision."""
    trust = reading.trust
    for judged in _signed(reading, answer):
        if judged.key is None and judged.is_withheld:
            answer.withhold(judged.path)
            continue
        if judged.key is None or judged.record is None:
            answer.cannot(judged.path, "the decision's signature does not hold")
            continue
        signer, at = judged.record.signer.id, judged.record.at
        vouches(trust.signers, trust.name, signer, judged.key.key, DECISION, at, judged.path, answer, is_claim=False)


def ep_4_10(reading: Reading, answer: Answer) -> None:
    """No decider started the run or wrote its workflow, unless the gate's rules allow it and they said so, and nobody
    decides twice under two ids."""
    started = reading.journal.started if reading.journal is not None else None
    for judged in _signed(reading, answer):
        _told(judged, "independent", judged.path, answer)
        if started is not None and started.starter.id == NOBODY:
            answer.note(
                "INDEPENDENCE NOT SHOWN: the run was started with a machine's own key, which names nobody, so a "
                "decider may be whoever started it"
            )
        if judged.is_maker and isinstance(judged.record, Decision) and judged.record.solo:
            answer.note(_solo(judged))
        if isinstance(judged.record, Decision) and environment_of(judged.record.signer.role):
            told = in_words(judged.record.signer.role, judged.record.comment)
            answer.note(
                f"RELAYED: {judged.path} is {told}; that GitHub said so, and that it was somebody else than the "
                "starter, is the word of whoever has the CI's key"
            )


# --- what the checks share ------------------------------------------------------------------------------------


def gates_of(reading: Reading, answer: Answer) -> tuple[JudgedGate, ...]:
    """Every gate that opened; says what of the journal could not be read."""
    journal = reading.journal
    if journal is None or journal.started is None:
        answer.cannot(JOURNAL, "the journal cannot be read")
        return ()
    if journal.bad_line is not None:
        answer.cannot(DECISIONS, "what follows the damaged line of the journal is not known")
    return judged_gates(reading)


def _signed(reading: Reading, answer: Answer) -> Iterator[Judged]:
    for gate in gates_of(reading, answer):
        yield from gate.signed


def _told(judged: Judged, part: Part, where: str, answer: Answer) -> None:
    """What was found of one part of a decision."""
    fault = judged.faults.get(part)
    if fault is not None:
        answer.fail(where, fault.what, fault.expected, fault.got)
    elif judged.unchecked.get(part) == WITHHELD:
        answer.withhold(judged.path)
    elif part in judged.unchecked:
        answer.cannot(judged.path, judged.unchecked[part])


def _solo(judged: Judged) -> str:
    assert judged.record is not None
    facts, signer = judged.facts, judged.record.signer
    is_starter = facts is not None and (facts.starter.id == signer.id or facts.starter.key == signer.key)
    did = "started this run" if is_starter else "made what this run does"
    return f"SOLO: {signer.id} {did} and decided on it ({judged.path})"


# --- the sealer and the deciders in a list ------------------------------------------------------------------


def _sealer_in(signers: AllowedSigners | None, name: str, reading: Reading, answer: Answer, *, is_claim: bool) -> None:
    data, armored, seal = reading.kept.get(SEAL), reading.kept.get(SEAL_SIGNATURE), seal_of(reading)
    if data is None or armored is None or seal is None:
        answer.cannot(SEAL, NOT_SEALED if not reading.has_seal else "the seal or its signature cannot be read")
        return
    try:
        key = verify_signature(armored, data, SEAL_NAMESPACE, where=SEAL).key
    except EvidenceError:
        answer.cannot(SEAL, "the seal's signature does not hold")
        return
    vouches(signers, name, seal.sealer.id, key, SEAL_NAMESPACE, seal.at, SEAL, answer, is_claim=is_claim)


def vouches(
    signers: AllowedSigners | None,
    name: str,
    signer: str,
    key: PublicKey,
    namespace: str,
    at: str,
    where: str,
    answer: Answer,
    *,
    is_claim: bool,
) -> None:
    """Asks a list. In the package's own list a refusal is a contradiction; in the reader's, only no answer."""
    signed_at = moment(at)
    if signers is None:
        answer.cannot(where, f"{name} cannot be read" if is_claim else "no list of trusted signers was given", signer)
        return
    if signed_at is None:
        answer.cannot(where, "the time of the signature is no time", got=at)
        return
    judged = signers.may_sign(signer, key, namespace, signed_at)
    if not isinstance(judged, MayNotSign):
        return
    what, expected = f"{name} does not vouch for the signer: {judged.reason}", f"{signer} with {key.fingerprint}"
    if is_claim:
        answer.fail(where, what, expected)
    elif namespace == DECISION and judged.code in ("unknown_principal", "other_key"):
        answer.cannot(where, f"{what}; {REMOVED}", expected, hint=KEEP_LINES)
    else:
        answer.cannot(where, what, expected)

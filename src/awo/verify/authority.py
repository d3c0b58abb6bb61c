"""Chapter 4, authority: who sealed, who decided, on what, and whom the reader of the package believes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from awo.canon.json import parse_canonical
from awo.errors import AwoError, EvidenceError
from awo.evidence.events import DecisionRecorded
from awo.evidence.gates import Decision
from awo.evidence.layout import ALLOWED_SIGNERS, DECISIONS, JOURNAL, SEAL, SEAL_SIGNATURE
from awo.evidence.records import NOBODY
from awo.gate.decision import DecisionFault, GateFacts, judge_decision
from awo.gate.policy import is_starter, missing
from awo.sign.allowed_signers import AllowedSigners, MayNotSign
from awo.sign.namespaces import DECISION
from awo.sign.namespaces import SEAL as SEAL_NAMESPACE
from awo.sign.sshkeys import PublicKey
from awo.sign.sshsig import verify as verify_signature
from awo.verify.findings import Answer
from awo.verify.journal import GateSeen
from awo.verify.reading import Reading
from awo.verify.structure import NOT_SEALED, claimed_signers, moment, request_of, seal_of

ABOUT = ("other_run", "other_gate", "stale")
UNSIGNED = ("form", "signature", "key", "presence")


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
    _sealer_in(claimed_signers(reading), ALLOWED_SIGNERS, reading, answer, is_claim=True)


def ep_4_3(reading: Reading, answer: Answer) -> None:
    """Each decision is signed, in namespace awo-decision, over exactly its bytes, with the key that it names."""
    for judged in _decisions(reading, answer):
        if judged.key is None:
            answer.fail(judged.where, judged.problem, judged.expected, judged.got)


def ep_4_4(reading: Reading, answer: Answer) -> None:
    """Each decision is about this run, its gate, the journal up to there and the files shown, as the journal says."""
    for judged in _decisions(reading, answer):
        fault = judged.fault
        if fault is not None and fault.code in ABOUT:
            answer.fail(judged.event.decision.path, fault.what, fault.expected, fault.got)
        elif fault is not None and fault.code in UNSIGNED and judged.decision is None:
            answer.cannot(judged.event.decision.path, "the decision cannot be read")
        elif judged.decision is not None:
            _restated(judged.decision, judged.event, answer)


def ep_4_5(reading: Reading, answer: Answer) -> None:
    """Each decision counts at its gate (answers, role, expiry, not by whoever started the run unless it says solo),
    and an approved gate has every approval that it asks for."""
    counted: dict[int, list[Decision]] = {}
    for judged in _decisions(reading, answer):
        if judged.decision is None or (judged.fault is not None and judged.fault.code in (*ABOUT, *UNSIGNED)):
            answer.cannot(judged.event.decision.path, "the decision fails an earlier check")
            continue
        if judged.fault is not None:
            answer.fail(judged.event.decision.path, judged.fault.what, judged.fault.expected, judged.fault.got)
        _solo(reading, judged, answer)
        counted.setdefault(id(judged.gate), []).append(judged.decision)
    for gate in reading.journal.gates if reading.journal else ():
        request = request_of(reading, gate.opened.request)
        decisions = counted.get(id(gate), [])
        if gate.verdict != "approved" or request is None or len(decisions) != len(gate.decisions):
            continue
        for need in missing(request.needs, decisions):
            answer.fail(
                JOURNAL,
                f"the gate {gate.opened.gate} was closed as approved, and approvals are missing",
                f"{need.count} more by a {need.role}",
            )


def ep_4_6(reading: Reading, answer: Answer) -> None:
    """audit/allowed_signers lets each decider sign decisions with this key at the time of the decision."""
    _deciders_in(claimed_signers(reading), ALLOWED_SIGNERS, reading, answer, is_claim=True)


def ep_4_7(reading: Reading, answer: Answer) -> None:
    """The reader's own list lets the sealer sign seals with this key at the time of the seal."""
    _sealer_in(reading.trust.signers, reading.trust.name, reading, answer, is_claim=False)


def ep_4_8(reading: Reading, answer: Answer) -> None:
    """The reader's own list lets each decider sign decisions with this key at the time of the decision."""
    _deciders_in(reading.trust.signers, reading.trust.name, reading, answer, is_claim=False)


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
    _judge(signers, name, seal.sealer.id, key, SEAL_NAMESPACE, seal.at, SEAL, answer, is_claim=is_claim)


def _deciders_in(
    signers: AllowedSigners | None, name: str, reading: Reading, answer: Answer, *, is_claim: bool
) -> None:
    for judged in _decisions(reading, answer):
        path = judged.event.decision.path
        if judged.key is None or judged.decision is None:
            answer.cannot(path, "the decision's signature does not hold")
            continue
        signer = judged.decision.signer.id
        _judge(signers, name, signer, judged.key, DECISION, judged.decision.at, path, answer, is_claim=is_claim)


def _judge(
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
    say = answer.fail if is_claim else answer.cannot
    signed_at = moment(at)
    if signers is None:
        answer.cannot(where, f"{name} cannot be read" if is_claim else "no list of trusted signers was given", signer)
    elif signed_at is None:
        answer.cannot(where, "the time of the signature is no time", got=at)
    else:
        judged = signers.may_sign(signer, key, namespace, signed_at)
        if isinstance(judged, MayNotSign):
            say(where, f"{name} does not vouch for the signer: {judged.reason}", f"{signer} with {key.fingerprint}")


# --- decisions ------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Judged:
    """One recorded decision. `key` is None when its signature does not hold, for the reason in `problem`."""

    gate: GateSeen
    event: DecisionRecorded
    decision: Decision | None
    key: PublicKey | None
    where: str
    problem: str = ""
    expected: str = ""
    got: str = ""
    fault: DecisionFault | None = None


def _decisions(reading: Reading, answer: Answer) -> Iterator[_Judged]:
    """Every decision that the journal records and whose files are there; says what could not be read."""
    journal = reading.journal
    if journal is None or journal.started is None:
        answer.cannot(JOURNAL, "the journal cannot be read")
        return
    if journal.bad_line is not None:
        answer.cannot(DECISIONS, "what follows the damaged line of the journal is not known")
    for gate in journal.gates:
        request = request_of(reading, gate.opened.request)
        for event in gate.decisions:
            data, armored = reading.kept.get(event.decision.path), reading.kept.get(event.signature.path)
            if data is None or armored is None:
                answer.cannot(event.decision.path, "the decision or its signature cannot be read")
            elif request is None:
                answer.cannot(event.decision.path, "what the gate asked cannot be read")
            else:
                facts = GateFacts(
                    run_id=journal.started.run_id,
                    starter=journal.started.starter,
                    request=request,
                    checkpoint=gate.checkpoint,
                    shows=tuple(gate.opened.shows),
                )
                yield _judged(gate, event, data, armored, facts)


def _judged(gate: GateSeen, event: DecisionRecorded, data: bytes, armored: bytes, facts: GateFacts) -> _Judged:
    path = event.decision.path
    where = f"{path} with {event.signature.path}"
    recorded_at = moment(event.at)
    try:
        decision = parse_canonical(data, Decision, where=path)
        if recorded_at is None:
            raise EvidenceError("the time at which the decision was recorded is no time", got=event.at)
        key = verify_signature(armored, data, DECISION, where=where).key
    except AwoError as error:
        unsigned = DecisionFault("signature", error.what, error.expected, error.got)
        return _Judged(gate, event, None, None, where, error.what, error.expected, error.got, unsigned)
    outcome = judge_decision(data, armored, facts, allowed=None, at=recorded_at, where=where)
    fault = outcome if isinstance(outcome, DecisionFault) else None
    if key.fingerprint != decision.signer.key:
        what = "the decision is signed with another key than it names"
        return _Judged(gate, event, decision, None, where, what, decision.signer.key, key.fingerprint, fault)
    if fault is not None and fault.code in UNSIGNED:
        return _Judged(gate, event, decision, None, where, fault.what, fault.expected, fault.got, fault)
    return _Judged(gate, event, decision, key, where, fault=fault)


def _restated(decision: Decision, event: DecisionRecorded, answer: Answer) -> None:
    facts = (
        ("verdict", decision.verdict, event.verdict),
        ("signer", decision.signer.id, event.signer),
        ("gate", decision.gate, event.gate),
    )
    for name, decided, recorded in facts:
        if decided != recorded:
            answer.fail(event.decision.path, f"the journal records another {name} than was signed", recorded, decided)


def _solo(reading: Reading, judged: _Judged, answer: Answer) -> None:
    """Who started the run may decide on it only openly; then it is said, loudly."""
    decision, started = judged.decision, reading.journal.started if reading.journal else None
    if decision is None or judged.key is None or started is None:
        return
    if started.starter.id == NOBODY:
        answer.note(
            "INDEPENDENCE NOT SHOWN: the run was started with a machine's own key, which names nobody, so a decider "
            "may be whoever started it"
        )
    if not is_starter(started.starter, decision.signer.id, judged.key, claimed_signers(reading)):
        return
    if decision.solo:
        answer.note(
            f"SOLO: {decision.signer.id} started this run and decided on it alone ({judged.event.decision.path})"
        )
    elif judged.fault is None:
        answer.fail(
            judged.event.decision.path, "whoever started the run decided on it, and the decision does not say so"
        )

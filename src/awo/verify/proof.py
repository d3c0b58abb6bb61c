"""Judges a proof: that one record, or an earlier state of the journal, belongs to a sealed run (spec section 11.4)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final, Literal

import msgspec

from awo.canon.digest import empty_tree_hash, leaf_hash, sha256_hex
from awo.canon.json import parse, parse_canonical
from awo.errors import AwoError, EvidenceError, UsageError
from awo.evidence.events import AnyEvent, CallAnswered, ResponseReused, decode
from awo.evidence.layout import responses_path
from awo.evidence.merkle_proofs import root_by_inclusion, roots_by_consistency
from awo.evidence.proof import LARGEST_PROOF_BYTES, ConsistencyProof, ProvedLine, RecordProof
from awo.evidence.records import Seal
from awo.sign.allowed_signers import line_for
from awo.sign.namespaces import SEAL as NAMESPACE
from awo.sign.sshkeys import PublicKey
from awo.sign.sshsig import read as read_signature
from awo.sign.sshsig import verify as verify_signature
from awo.verify.authority import vouches
from awo.verify.checks import ANYBODY, NOT_THE_OPERATOR, Check
from awo.verify.findings import Answer, Finding
from awo.verify.reading import Trust
from awo.verify.report import CheckResult, Report
from awo.verify.structure import moment

FIRST_BYTE: Final = b"{"
"""What a file begins with that is a proof and no bundle."""
EVENT: Final = "event"
SEAL: Final = "sealed.seal"
NO_SIGNATURE: Final = "the seal's signature does not hold"


class _Format(msgspec.Struct, frozen=True):
    format: Literal["awo/proof/v1", "awo/consistency/v1"]


@dataclass(slots=True)
class Proving:
    """A proof as it is judged. `value` and `seal` are None where the proof has not its shape (`problem` says why)."""

    trust: Trust
    value: RecordProof | ConsistencyProof | None = None
    seal: Seal | None = None
    problem: Finding | None = None

    @property
    def shaped(self) -> tuple[RecordProof | ConsistencyProof, Seal]:
        """The proof and its seal; only asked once it has its shape."""
        assert self.value is not None
        assert self.seal is not None
        return self.value, self.seal

    @property
    def record_proof(self) -> RecordProof:
        assert isinstance(self.value, RecordProof)
        return self.value

    def event(self) -> AnyEvent:
        """The event that is proved. Raises `EvidenceError` where it is none."""
        event = self.record_proof.event
        return decode(event.text.encode(), event.seq)

    def key(self) -> PublicKey:
        """The key that signed the seal. Raises `EvidenceError` where the signature does not hold."""
        value, seal = self.shaped
        sealed = value.sealed
        key = verify_signature(sealed.signature.encode(), sealed.seal.encode(), NAMESPACE, where=SEAL).key
        if key.fingerprint != seal.sealer.key:
            raise EvidenceError(
                "the seal is signed with another key than it names",
                where=SEAL,
                expected=seal.sealer.key,
                got=key.fingerprint,
            )
        return key


def judge_proof(data: bytes, name: str, trust: Trust) -> Report:
    """The report on the bytes of a proof, which `name` is the file of."""
    proving = _opened(data, trust)
    checks = _checks_for(proving)
    seal, value = proving.seal, proving.value
    proved: dict[str, Any] = {}
    if value is not None and seal is not None:
        proved = _proved(value)
    return Report(
        source=name,
        kind="proof",
        run_id=seal.run_id if seal else "",
        outcome=seal.outcome if seal else "",
        is_sealed=seal is not None,
        trust=trust.name if trust.signers is not None else "",
        counts={"bytes": len(data), "events": seal.checkpoint.size if seal else 0},
        checks=tuple(_result(check, proving) for check in checks),
        proved=proved,
    )


def sealer_line(sealer_id: str, key: PublicKey) -> str:
    """The one line of a proof that names the sealer (spec 11.3). Raises `UsageError` for what can be no id."""
    return f"{line_for(sealer_id, key, [NAMESPACE])}\n"


# --- the checks ---------------------------------------------------------------------------------------------


def pr_1(proving: Proving, answer: Answer) -> None:
    """The proof has its shape: canonical JSON of a known format, with a seal in canonical form of the same run."""
    if proving.problem is not None:
        answer.add(proving.problem)


def pr_2(proving: Proving, answer: Answer) -> None:
    """The line is the one that the event names: file, number, digest and length."""
    record = proving.record_proof.record
    assert isinstance(record, ProvedLine)
    try:
        event = proving.event()
    except EvidenceError:
        answer.cannot("record", "the event cannot be read")
        return
    if not isinstance(event, CallAnswered | ResponseReused):
        answer.fail("record", "the event names no response", "call_answered or response_reused", _kind(event))
        return
    named = (responses_path(event.step), event.line, event.sha256, event.size_bytes)
    line = record.text.encode()
    given = (record.path, record.line, sha256_hex(line), len(line))
    for what, expected, got in zip(("path", "line", "sha256", "size_bytes"), named, given, strict=True):
        if expected != got:
            answer.fail(f"record: {what}", "the line is not the one that the event names", str(expected), str(got))


def pr_3(proving: Proving, answer: Answer) -> None:
    """The event is an event in canonical form, with the number beside it."""
    try:
        event = proving.event()
    except EvidenceError as error:
        answer.fail(EVENT, error.what, error.expected, error.got)
        return
    seq = proving.record_proof.event.seq
    if event.seq != seq:
        answer.fail(EVENT, "the event has another number than stands beside it", str(seq), str(event.seq))


def pr_4(proving: Proving, answer: Answer) -> None:
    """The event's inclusion path leads to the root of the seal's checkpoint."""
    event, (_, seal) = proving.record_proof.event, proving.shaped
    try:
        path = [bytes.fromhex(one) for one in event.path]
        root = root_by_inclusion(leaf_hash(event.text.encode()), event.seq, seal.checkpoint.size, path).hex()
    except EvidenceError as error:
        answer.fail(EVENT, error.what, error.expected, error.got)
        return
    if root != seal.checkpoint.root:
        answer.fail(EVENT, "the event does not stand there in the sealed journal", seal.checkpoint.root, root)


def pr_5(proving: Proving, answer: Answer) -> None:
    """The earlier state is the beginning of the sealed journal."""
    value, seal = proving.shaped
    assert isinstance(value, ConsistencyProof)
    first, sealed = value.first, seal.checkpoint
    try:
        path = [bytes.fromhex(one) for one in value.path]
        older, newer = roots_by_consistency(
            first.size, sealed.size, path, bytes.fromhex(first.root), bytes.fromhex(sealed.root)
        )
    except EvidenceError as error:
        answer.fail("first", error.what, error.expected, error.got)
        return
    if not first.size:
        older = empty_tree_hash()
    for what, expected, got in (("first", first.root, older.hex()), (SEAL, sealed.root, newer.hex())):
        if expected != got:
            answer.fail(what, "the earlier state is not the beginning of the sealed journal", expected, got)


def pr_6(proving: Proving, answer: Answer) -> None:
    """The seal is signed, in namespace awo-seal, over exactly its bytes, with the key that it names."""
    try:
        proving.key()
    except EvidenceError as error:
        answer.fail(SEAL, error.what, error.expected, error.got)


def pr_7(proving: Proving, answer: Answer) -> None:
    """The list in the proof is the one line that lets the sealer sign seals with this key."""
    value, seal = proving.shaped
    where = "sealed.allowed_signers"
    try:
        key = proving.key()
    except EvidenceError:
        answer.cannot(where, NO_SIGNATURE)
        return
    try:
        expected = sealer_line(seal.sealer.id, key)
    except UsageError as error:
        answer.fail(where, error.what, error.expected, error.got)
        return
    if value.sealed.allowed_signers != expected:
        answer.fail(where, "this is not the line that names the sealer", expected, value.sealed.allowed_signers)


def pr_8(proving: Proving, answer: Answer) -> None:
    """The reader's own list lets the sealer sign seals with this key at the time of the seal."""
    _, seal = proving.shaped
    try:
        key = proving.key()
    except EvidenceError:
        answer.cannot(SEAL, NO_SIGNATURE)
        return
    signers, name = proving.trust.signers, proving.trust.name
    vouches(signers, name, seal.sealer.id, key, NAMESPACE, seal.at, SEAL, answer, is_claim=False)


PR_1: Final = Check("PR-1", "structure", "The proof has its shape", ANYBODY, pr_1)
_RECORD: Final = Check("PR-2", "integrity", "The line is the one that the event names", NOT_THE_OPERATOR, pr_2)
_EVENT: Final = (
    Check("PR-3", "integrity", "The event is one of the journal", NOT_THE_OPERATOR, pr_3),
    Check("PR-4", "integrity", "The event stands in the sealed journal", NOT_THE_OPERATOR, pr_4),
)
_STATE: Final = Check(
    "PR-5", "integrity", "The earlier state is the beginning of the sealed one", NOT_THE_OPERATOR, pr_5
)
_SEALED: Final = (
    Check("PR-6", "authority", "The seal is signed", NOT_THE_OPERATOR, pr_6),
    Check("PR-7", "authority", "The proof names the sealer", NOT_THE_OPERATOR, pr_7),
    Check("PR-8", "authority", "You trust the sealer", NOT_THE_OPERATOR, pr_8, is_asked_for=True),
)
PROOF_CHECKS: Final = (PR_1, _RECORD, *_EVENT, _STATE, *_SEALED)
"""Every check of a proof, in the order of the spec; which of them a proof is asked depends on what it proves."""


# --- how a proof is opened ----------------------------------------------------------------------------------


def _opened(data: bytes, trust: Trust) -> Proving:
    proving = Proving(trust)
    try:
        if len(data) > LARGEST_PROOF_BYTES:
            raise EvidenceError("the proof is larger than the limit", expected=f"at most {LARGEST_PROOF_BYTES} bytes")
        said = parse(data, _Format, where="")
        kind: Any = RecordProof if said.format == "awo/proof/v1" else ConsistencyProof
        proving.value = value = parse_canonical(data, kind, where="")
        seal = parse_canonical(value.sealed.seal.encode(), Seal, where=SEAL)
        if moment(seal.at) is None:
            raise EvidenceError("the seal's time is no time", where=SEAL, got=seal.at)
        if seal.run_id != value.run_id:
            raise EvidenceError("the seal is of another run", where="run_id", expected=seal.run_id, got=value.run_id)
        read_signature(value.sealed.signature.encode(), where="sealed.signature")
        proving.seal = seal
    except (AwoError, UnicodeEncodeError) as error:
        proving.problem = Finding.of(error) if isinstance(error, AwoError) else Finding("", "a text is not UTF-8")
    return proving


def _checks_for(proving: Proving) -> tuple[Check, ...]:
    if proving.problem is not None or proving.value is None:
        return (PR_1,)
    match proving.value:
        case RecordProof():
            return (PR_1, *((_RECORD,) if proving.value.record is not None else ()), *_EVENT, *_SEALED)
        case ConsistencyProof():
            return (PR_1, _STATE, *_SEALED)


def _result(check: Check, proving: Proving) -> CheckResult:
    answer = Answer()
    check.judge(proving, answer)
    return CheckResult.of(check, answer)


def _proved(value: RecordProof | ConsistencyProof) -> dict[str, Any]:
    """What the proof is about, as `--json` prints it."""
    match value:
        case RecordProof():
            record = value.record
            about = {"path": record.path, "line": record.line} if record is not None else {}
            return {"format": value.format, **about, "event": value.event.seq}
        case ConsistencyProof():
            return {"format": value.format, "first": msgspec.to_builtins(value.first)}


def _kind(event: AnyEvent) -> str:
    return str(type(event).__struct_config__.tag)

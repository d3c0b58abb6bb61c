"""A decision counts on exactly what was shown, signed by the key that it names, and on nothing else."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import given
from hypothesis import strategies as st
from tests.security_key import NOT_TOUCHED, TOUCHED, SecurityKey

from awo.canon.json import parse_canonical
from awo.errors import EvidenceError
from awo.evidence.events import Checkpoint, FileRef, Starter
from awo.evidence.gates import Answer, ChecklistItem, Decision, GateRequest, Need, Signer
from awo.gate.decision import (
    CheckedDecision,
    DecisionFault,
    GateFacts,
    build_decision,
    check_decision,
    decision_bytes,
    judge_decision,
)
from awo.gate.project import DEFAULT_RULES
from awo.sign.allowed_signers import AllowedSigners, MayNotSign, MaySign, line_for
from awo.sign.key_file import KeyFileSigner
from awo.sign.namespaces import DECISION, SEAL
from awo.sign.sshkeys import SK_ED25519, PublicKey

ALICE = "alice@example.org"
AT = "2026-11-23T12:00:00.000000Z"
LATER = datetime(2026, 11, 24, tzinfo=UTC)
SHOWN = FileRef(path="outputs/vote/output.json", sha256="a" * 64, size_bytes=10)

FACTS = GateFacts(
    run_id="run_2026-11-23T06-09-00Z",
    starter=Starter(id="starter@example.org", key="SHA256:another"),
    request=GateRequest(
        format="awo/gate-request/v1",
        gate="audit",
        checklist=[ChecklistItem(id="numbers", text="The numbers were checked", kind="yes_no", required=True)],
        needs=[Need(role="reviewer", count=1)],
        rules=DEFAULT_RULES,
    ),
    checkpoint=Checkpoint(size=12, root="b" * 64),
    shows=(SHOWN,),
)


def new_signer(seed: int) -> KeyFileSigner:
    private = Ed25519PrivateKey.from_private_bytes(bytes([seed]) * 32)
    line = private.public_key().public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH).decode()
    return KeyFileSigner(PublicKey.parse(line, where="test"), "not proved", private)


KEY = new_signer(1)
ALLOWED = AllowedSigners.parse(line_for(ALICE, KEY.key, [DECISION]), where="test")


def build(facts: GateFacts = FACTS, **changes: Any) -> Decision | DecisionFault:
    plain: dict[str, Any] = {
        "verdict": "approve",
        "meaning": "approval",
        "signer": Signer(id=ALICE, name="Alice Example", role="reviewer", key=KEY.key.fingerprint),
        "at": AT,
        "presence": "not proved",
        "solo": False,
        "answers": [Answer(id="numbers", answer="yes")],
    }
    return build_decision(facts, **(plain | changes))


def good() -> Decision:
    made = build()
    assert isinstance(made, Decision)
    return made


def altered(**changes: Any) -> Decision:
    """A decision as somebody else's program might write it: any field, checked by nobody."""
    return msgspec.structs.replace(good(), **changes)


def fault(decision: Decision, *, facts: GateFacts = FACTS, at: datetime = LATER) -> DecisionFault:
    data = decision_bytes(decision)
    found = judge_decision(data, KEY.sign(data, DECISION), facts, allowed=ALLOWED, at=at, where="0001-audit.json")
    assert isinstance(found, DecisionFault)
    return found


def test_a_good_decision_counts_and_its_signer_is_believed() -> None:
    data = decision_bytes(good())
    found = check_decision(data, KEY.sign(data, DECISION), FACTS, allowed=ALLOWED, at=LATER, where="test")
    assert found.decision == good()
    assert found.signature.key == KEY.key
    assert found.authority == MaySign(1)


def test_a_good_signature_by_nobody_whom_the_reader_believes_is_not_a_fault() -> None:
    data = decision_bytes(good())
    nobody = AllowedSigners(())
    found = judge_decision(data, KEY.sign(data, DECISION), FACTS, allowed=nobody, at=LATER, where="test")
    assert isinstance(found, CheckedDecision)
    assert isinstance(found.authority, MayNotSign)
    unasked = judge_decision(data, KEY.sign(data, DECISION), FACTS, allowed=None, at=LATER, where="test")
    assert isinstance(unasked, CheckedDecision)
    assert unasked.authority is None


def test_the_signed_bytes_are_canonical_and_end_without_a_newline() -> None:
    data = decision_bytes(good())
    assert parse_canonical(data, Decision, where="test") == good()
    assert data.endswith(b"}")


@pytest.mark.parametrize(
    "spoil",
    [
        lambda data: data + b"\n",
        lambda data: b" " + data,
        lambda data: data[:-1],
        lambda data: data[:-1] + b',"x":1}',
        lambda data: data[:-1] + b',"gate":"audit"}',
        lambda data: data.replace(b'"size":12', b'"size":12.0'),
        lambda data: data.replace(b"Alice", b"\\u0041lice"),
        lambda data: data.replace(b"awo/decision/v1", b"awo/decision/v2"),
        lambda data: b"",
        lambda data: b"[" * 100_000,
        lambda data: b"\xff",
    ],
)
def test_bytes_that_are_not_the_one_spelling_of_a_decision_are_refused(spoil: Any) -> None:
    data = spoil(decision_bytes(good()))
    found = judge_decision(data, KEY.sign(data, DECISION), FACTS, allowed=ALLOWED, at=LATER, where="test")
    assert isinstance(found, DecisionFault)
    assert found.code == "form"


def test_a_decision_file_that_is_too_large_is_not_read() -> None:
    found = judge_decision(b" " * ((1 << 20) + 1), b"", FACTS, allowed=None, at=LATER, where="test")
    assert isinstance(found, DecisionFault)
    assert (found.code, found.what) == ("form", "a decision file is too large")


@pytest.mark.parametrize(
    ("facts", "code"),
    [
        (replace(FACTS, run_id="run_2026-11-23T06-09-01Z"), "other_run"),
        (replace(FACTS, request=msgspec.structs.replace(FACTS.request, gate="other")), "other_gate"),
        (replace(FACTS, checkpoint=Checkpoint(size=13, root="b" * 64)), "stale"),
        (replace(FACTS, checkpoint=Checkpoint(size=12, root="c" * 64)), "stale"),
        (replace(FACTS, shows=()), "stale"),
        (replace(FACTS, shows=(SHOWN, SHOWN)), "stale"),
        (replace(FACTS, shows=(msgspec.structs.replace(SHOWN, sha256="c" * 64),)), "stale"),
        (replace(FACTS, shows=(msgspec.structs.replace(SHOWN, size_bytes=11),)), "stale"),
        (replace(FACTS, request=msgspec.structs.replace(FACTS.request, needs=[Need(role="editor", count=1)])), "role"),
        (replace(FACTS, starter=Starter(id=ALICE, key="SHA256:another")), "solo"),
        (replace(FACTS, starter=Starter(id="x", key=KEY.key.fingerprint)), "solo"),
    ],
)
def test_a_decision_on_anything_else_than_the_gate_as_it_stands_is_refused(facts: GateFacts, code: str) -> None:
    assert fault(good(), facts=facts).code == code


def test_a_stale_decision_names_the_file_that_changed() -> None:
    changed = replace(FACTS, shows=(msgspec.structs.replace(SHOWN, sha256="c" * 64),))
    assert fault(good(), facts=changed).got == SHOWN.path


def test_the_order_of_what_was_shown_counts() -> None:
    other = msgspec.structs.replace(SHOWN, path="outputs/other/output.json")
    made = build(replace(FACTS, shows=(SHOWN, other)))
    assert isinstance(made, Decision)
    found = fault(made, facts=replace(FACTS, shows=(other, SHOWN)))
    assert (found.code, found.got) == ("stale", "their order")


SIGNER = Signer(id=ALICE, name="Alice Example", role="reviewer", key=KEY.key.fingerprint)


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"answers": []}, "answers"),
        ({"answers": [Answer(id="numbers", answer="no")]}, "answers"),
        ({"answers": [Answer(id="other", answer="yes")]}, "answers"),
        ({"answers": [Answer(id="numbers", answer="yes")] * 2}, "answers"),
        ({"verdict": "reject"}, "content"),
        ({"verdict": "revise", "comment": "  "}, "content"),
        ({"comment": "\x1b[2Jlooks good"}, "content"),
        ({"comment": "x" * 10_001}, "content"),
        ({"required_changes": ["a\u202eb"]}, "content"),
        ({"signer": msgspec.structs.replace(SIGNER, name="")}, "content"),
        ({"signer": msgspec.structs.replace(SIGNER, name="A\nB")}, "content"),
        ({"signer": msgspec.structs.replace(SIGNER, id="*")}, "content"),
        ({"signer": msgspec.structs.replace(SIGNER, role="king")}, "role"),
        ({"expires_at": "tomorrow"}, "content"),
        ({"expires_at": AT}, "expired"),
    ],
)
def test_what_a_decision_must_not_say_is_refused_when_made_and_when_judged(changes: dict[str, Any], code: str) -> None:
    made = build(**changes)
    assert isinstance(made, DecisionFault)
    assert made.code == code
    assert fault(altered(**changes)).code == code


def test_a_time_that_is_none_is_refused_when_judged() -> None:
    assert fault(altered(at="2026-99-23T12:00:00.000000Z")).code == "content"


def test_a_rejection_with_a_reason_needs_no_answers() -> None:
    made = build(verdict="reject", answers=[], comment="The sample is too small.")
    assert isinstance(made, Decision)
    data = decision_bytes(made)
    found = check_decision(data, KEY.sign(data, DECISION), FACTS, allowed=ALLOWED, at=LATER, where="test")
    assert found.decision.verdict == "reject"


def test_a_decision_by_the_starter_that_says_so_counts() -> None:
    facts = replace(FACTS, starter=Starter(id=ALICE, key=KEY.key.fingerprint))
    made = build(facts, solo=True)
    assert isinstance(made, Decision)
    data = decision_bytes(made)
    assert check_decision(data, KEY.sign(data, DECISION), facts, allowed=ALLOWED, at=LATER, where="test").decision.solo


def test_a_decision_holds_until_it_expires() -> None:
    made = build(expires_at="2026-11-24T00:00:00.000001Z")
    assert isinstance(made, Decision)
    data = decision_bytes(made)
    check_decision(data, KEY.sign(data, DECISION), FACTS, allowed=ALLOWED, at=LATER, where="test")
    assert fault(made, at=datetime(2026, 11, 24, 0, 0, 0, 1, tzinfo=UTC)).code == "expired"


@pytest.mark.parametrize(
    ("armored", "code"),
    [
        (KEY.sign(decision_bytes(good()), SEAL), "signature"),
        (KEY.sign(decision_bytes(good()) + b"\n", DECISION), "signature"),
        (b"", "signature"),
        (new_signer(2).sign(decision_bytes(good()), DECISION), "key"),
    ],
    ids=["for a seal", "over other bytes", "none", "by another key"],
)
def test_a_signature_that_is_not_this_persons_over_these_bytes_is_refused(armored: bytes, code: str) -> None:
    found = judge_decision(decision_bytes(good()), armored, FACTS, allowed=ALLOWED, at=LATER, where="test")
    assert isinstance(found, DecisionFault)
    assert found.code == code


def test_a_claimed_touch_needs_a_security_key_that_shows_it() -> None:
    assert fault(altered(presence="touch")).code == "presence"
    device = SecurityKey(SK_ED25519, seed=5)
    made = build(presence="touch", signer=msgspec.structs.replace(SIGNER, key=device.key.fingerprint))
    assert isinstance(made, Decision)
    data = decision_bytes(made)
    touched = device.sign(data, DECISION, flags=TOUCHED)
    assert isinstance(judge_decision(data, touched, FACTS, allowed=None, at=LATER, where="test"), CheckedDecision)
    found = judge_decision(
        data, device.sign(data, DECISION, flags=NOT_TOUCHED), FACTS, allowed=None, at=LATER, where="test"
    )
    assert isinstance(found, DecisionFault)
    assert found.code == "signature"


def test_a_fault_is_raised_as_bad_evidence_that_names_the_file() -> None:
    data = decision_bytes(good())
    with pytest.raises(EvidenceError, match="another run") as caught:
        check_decision(
            data, KEY.sign(data, DECISION), replace(FACTS, run_id="x"), allowed=None, at=LATER, where="0001-audit.json"
        )
    assert caught.value.where == "0001-audit.json"


plain_text = st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cf", "Zl", "Zp"]), max_size=50)


@given(
    plain_text,
    st.lists(plain_text, max_size=3),
    st.sampled_from(["authorship", "review", "approval", "responsibility"]),
)
def test_any_decision_that_can_be_made_is_judged_good(comment: str, required: list[str], meaning: Any) -> None:
    made = build(comment=comment, required_changes=required, meaning=meaning)
    assert isinstance(made, Decision)
    data = decision_bytes(made)
    assert check_decision(data, KEY.sign(data, DECISION), FACTS, allowed=ALLOWED, at=LATER, where="x").decision == made


@given(st.data())
def test_a_changed_byte_of_a_signed_decision_never_counts(data: st.DataObject) -> None:
    raw = decision_bytes(good())
    place = data.draw(st.integers(0, len(raw) - 1))
    change = data.draw(st.integers(1, 255))
    forged = raw[:place] + bytes([raw[place] ^ change]) + raw[place + 1 :]
    found = judge_decision(forged, KEY.sign(raw, DECISION), FACTS, allowed=ALLOWED, at=LATER, where="test")
    assert isinstance(found, DecisionFault)

"""A decision counts on exactly what was shown, signed by the key that it names, and on nothing else."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, get_args

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.security_key import NOT_TOUCHED, TOUCHED, SecurityKey
from tests.unit.at_a_gate import ALICE, AT, BOB, FACTS, LATER, NOON, SHOWN, asking, authority_for, new_signer, said

from awo.canon.json import parse_canonical
from awo.evidence.events import Checkpoint, Starter
from awo.evidence.gates import Answer, Decision, Meaning, Need, Signer
from awo.evidence.records import NOBODY
from awo.gate.decision import (
    LARGEST_BYTES,
    CheckedDecision,
    DecisionFault,
    GateFacts,
    build_decision,
    decision_bytes,
    judge_decision,
)
from awo.sign.allowed_signers import line_for
from awo.sign.namespaces import DECISION, SEAL
from awo.sign.sshkeys import SK_ED25519

KEY = new_signer(1)
WHO = authority_for(ALICE, KEY.key, name="Alice Example")


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


def judge(decision: Decision, *, facts: GateFacts = FACTS, at: datetime = LATER) -> CheckedDecision | DecisionFault:
    data = decision_bytes(decision)
    return judge_decision(data, KEY.sign(data, DECISION), facts, authority=WHO, at=at, where="0001-audit.json")


def fault(decision: Decision, *, facts: GateFacts = FACTS, at: datetime = LATER) -> DecisionFault:
    found = judge(decision, facts=facts, at=at)
    assert isinstance(found, DecisionFault)
    return found


def test_a_good_decision_counts() -> None:
    data = decision_bytes(good())
    found = judge_decision(data, KEY.sign(data, DECISION), FACTS, authority=WHO, at=LATER, where="test")
    assert isinstance(found, CheckedDecision)
    assert found.decision == good()
    assert found.signature.key == KEY.key


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
    found = judge_decision(data, KEY.sign(data, DECISION), FACTS, authority=WHO, at=LATER, where="test")
    assert isinstance(found, DecisionFault)
    assert found.code == "form"


def test_a_decision_file_that_is_too_large_is_not_read() -> None:
    found = judge_decision(b" " * (LARGEST_BYTES + 1), b"", FACTS, authority=WHO, at=LATER, where="test")
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
        (replace(FACTS, is_escalated=True), "role"),
        (replace(FACTS, starter=Starter(id=ALICE, key="SHA256:another")), "solo"),
        (replace(FACTS, starter=Starter(id="x", key=KEY.key.fingerprint)), "solo"),
        (replace(FACTS, authors=("Alice@Example.org",)), "solo"),
        (asking(presence=["touch"]), "presence"),
        (asking([Need(role="reviewer", count=1, meaning="review")]), "meaning"),
        (asking(lasts_s=60), "content"),
        (asking(known_starter=True, facts=replace(FACTS, starter=Starter(id=NOBODY, key="k"))), "starter_unknown"),
        (asking(separate_from=["author"]), "author_unknown"),
        (asking(redecide=False, facts=replace(FACTS, decisions=(said(ALICE),))), "already_decided"),
        (replace(FACTS, decisions=(said(BOB, key=KEY.key.fingerprint),)), "shared_key"),
        (replace(FACTS, opened_at="2026-11-23T12:00:00.000001Z"), "clock"),
        (replace(FACTS, decisions=(said(BOB, at="2026-11-23T12:00:00.000001Z"),)), "clock"),
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
        ({"required_changes": ["More data."]}, "content"),
        ({"from_step": "answers"}, "content"),
        ({"verdict": "revise", "comment": "No.", "required_changes": [" "]}, "content"),
        ({"verdict": "revise", "comment": "No.", "from_step": "../answers"}, "content"),
        ({"verdict": "withdraw", "comment": "I was wrong."}, "nothing_to_withdraw"),
        ({"signer": msgspec.structs.replace(SIGNER, name="\u0410lice")}, "name"),
        ({"signer": msgspec.structs.replace(SIGNER, name="")}, "content"),
        ({"signer": msgspec.structs.replace(SIGNER, name="A\nB")}, "content"),
        ({"signer": msgspec.structs.replace(SIGNER, id="*")}, "content"),
        ({"signer": msgspec.structs.replace(SIGNER, role="king")}, "role"),
    ],
)
def test_what_a_decision_must_not_say_is_refused_when_made_and_when_judged(changes: dict[str, Any], code: str) -> None:
    made = build(**changes)
    assert isinstance(made, DecisionFault)
    assert made.code == code
    assert fault(altered(**changes)).code == code


@pytest.mark.parametrize(
    "changes",
    [
        {"at": "2026-99-23T12:00:00.000000Z"},
        {"at": "9999-12-31T23:59:59.000000Z"},
        {"expires_at": "tomorrow"},
        {"expires_at": "2026-99-23T12:00:00.000000Z"},
        {"expires_at": "2026-11-23T12:01:00.000001Z"},
        {"expires_at": ""},
    ],
)
def test_a_time_that_is_none_or_not_that_of_the_rules_is_refused_when_judged(changes: dict[str, str]) -> None:
    facts = asking(lasts_s=60)
    made = build(facts)
    assert isinstance(made, Decision)
    assert made.expires_at == "2026-11-23T12:01:00.000000Z"
    assert isinstance(judge(made, facts=facts, at=NOON), CheckedDecision)
    assert fault(msgspec.structs.replace(made, **changes), facts=facts, at=NOON).code == "content"


def test_a_rejection_with_a_reason_needs_no_answers() -> None:
    made = build(verdict="reject", answers=[], comment="The sample is too small.")
    assert isinstance(made, Decision)
    data = decision_bytes(made)
    found = judge_decision(data, KEY.sign(data, DECISION), FACTS, authority=WHO, at=LATER, where="test")
    assert isinstance(found, CheckedDecision)
    assert found.decision.verdict == "reject"


def test_a_decision_by_the_starter_that_says_so_counts_where_the_gate_lets_them() -> None:
    facts = replace(FACTS, starter=Starter(id=ALICE, key=KEY.key.fingerprint))
    made = build(facts, solo=True)
    assert isinstance(made, Decision)
    assert fault(made, facts=facts).code == "starter"
    for open_to_them in (asking(facts=facts, solo=True), asking(facts=facts, separate_from=[])):
        assert isinstance(judge(made, facts=open_to_them), CheckedDecision)


def test_a_decision_by_the_author_that_says_so_counts_where_the_gate_lets_them() -> None:
    facts = asking(facts=replace(FACTS, authors=(ALICE,)), separate_from=["author"])
    made = build(facts, solo=True)
    assert isinstance(made, Decision)
    assert fault(made, facts=facts).code == "author"
    assert isinstance(judge(made, facts=asking(facts=facts, solo=True)), CheckedDecision)


def test_only_an_approval_expires_and_it_holds_until_then() -> None:
    facts = asking(lasts_s=43_200)
    made = build(facts)
    assert isinstance(made, Decision)
    assert made.expires_at == "2026-11-24T00:00:00.000000Z"
    assert isinstance(judge(made, facts=facts, at=LATER - timedelta(microseconds=1)), CheckedDecision)
    assert fault(made, facts=facts, at=LATER).code == "lapsed"
    rejection = build(facts, verdict="reject", comment="No.")
    assert isinstance(rejection, Decision)
    assert rejection.expires_at == ""
    assert isinstance(judge(rejection, facts=facts), CheckedDecision)


def test_a_decision_may_expire_sooner_than_the_rules_say_and_not_of_itself() -> None:
    sooner = "2026-11-23T18:00:00.000000Z"
    facts = asking(lasts_s=43_200)
    made = build(facts)
    assert isinstance(made, Decision)
    assert isinstance(judge(msgspec.structs.replace(made, expires_at=sooner), facts=facts, at=NOON), CheckedDecision)
    assert fault(altered(expires_at=sooner), at=NOON).code == "content"


def test_an_approval_that_has_expired_may_be_renewed_where_nobody_may_decide_again() -> None:
    gone, held = "2026-11-23T12:00:00.000000Z", "2026-11-23T12:00:00.000001Z"
    for expires_at, is_taken in ((gone, True), (held, False)):
        earlier = (said(ALICE, at="2026-11-23T11:30:00.000000Z", expires_at=expires_at),)
        facts = asking(redecide=False, lasts_s=1800, facts=replace(FACTS, decisions=earlier))
        assert isinstance(build(facts), Decision) == is_taken


def test_a_decision_is_not_recorded_before_it_is_made() -> None:
    assert fault(good(), at=NOON - timedelta(microseconds=1)).code == "clock"
    assert isinstance(judge(good(), at=NOON), CheckedDecision)


def test_an_approval_that_stands_can_be_withdrawn_once() -> None:
    facts = asking(redecide=False, facts=replace(FACTS, decisions=(said(ALICE),)))
    made = build(facts, verdict="withdraw", answers=[], comment="I was wrong.")
    assert isinstance(made, Decision)
    assert isinstance(judge(made, facts=facts), CheckedDecision)
    again = replace(facts, decisions=(said(ALICE), said(ALICE, "withdraw")))
    assert fault(made, facts=again).code == "nothing_to_withdraw"
    assert fault(made, facts=replace(facts, decisions=(said(BOB),))).code == "nothing_to_withdraw"


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"run_id": "run_2026-11-23T06-09-01Z"}, "authority"),
        ({"gate": "other"}, "authority"),
        ({"signer": BOB}, "authority"),
        ({"lines": ["nonsense"]}, "authority"),
        ({"lines": []}, "unknown_signer"),
        ({"lines": [line_for(BOB, KEY.key, [DECISION])]}, "unknown_signer"),
        ({"lines": [line_for(ALICE, new_signer(2).key, [DECISION])]}, "other_key"),
        ({"lines": [line_for(ALICE, KEY.key, [SEAL])]}, "namespace"),
        ({"lines": [line_for(ALICE, KEY.key, [DECISION], valid_after=LATER)]}, "not_yet_valid"),
        ({"lines": [line_for(ALICE, KEY.key, [DECISION], valid_before=NOON - timedelta(days=1))]}, "expired"),
        ({"roles": []}, "role"),
        ({"roles": ["editor"]}, "role"),
        ({"name": "Alice Other"}, "name"),
        ({"name": ""}, "name"),
    ],
)
def test_a_decision_counts_only_by_somebody_whom_the_project_let_sign_so(changes: dict[str, Any], code: str) -> None:
    data = decision_bytes(good())
    who = msgspec.structs.replace(WHO, **changes)
    found = judge_decision(data, KEY.sign(data, DECISION), FACTS, authority=who, at=LATER, where="test")
    assert isinstance(found, DecisionFault)
    assert found.code == code


def test_who_was_taken_off_the_list_afterwards_had_decided() -> None:
    """The lines are those of the time of the decision: a key that ends later was good then."""
    data = decision_bytes(good())
    who = msgspec.structs.replace(WHO, lines=[line_for(ALICE, KEY.key, [DECISION], valid_before=NOON)])
    found = judge_decision(data, KEY.sign(data, DECISION), FACTS, authority=who, at=LATER, where="test")
    assert isinstance(found, CheckedDecision)


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
    found = judge_decision(decision_bytes(good()), armored, FACTS, authority=WHO, at=LATER, where="test")
    assert isinstance(found, DecisionFault)
    assert found.code == code


def test_a_claimed_touch_needs_a_security_key_that_shows_it() -> None:
    assert fault(altered(presence="touch")).code == "presence"
    device = SecurityKey(SK_ED25519, seed=5)
    who = authority_for(ALICE, device.key, name="Alice Example")
    made = build(presence="touch", signer=msgspec.structs.replace(SIGNER, key=device.key.fingerprint))
    assert isinstance(made, Decision)
    data = decision_bytes(made)
    touched = device.sign(data, DECISION, flags=TOUCHED)
    assert isinstance(judge_decision(data, touched, FACTS, authority=who, at=LATER, where="test"), CheckedDecision)
    found = judge_decision(
        data, device.sign(data, DECISION, flags=NOT_TOUCHED), FACTS, authority=who, at=LATER, where="test"
    )
    assert isinstance(found, DecisionFault)
    assert found.code == "signature"


plain_text = st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cf", "Zl", "Zp"]), max_size=50)
changes = st.lists(plain_text.filter(str.strip), max_size=3)


@given(plain_text, changes, st.sampled_from(get_args(Meaning)), st.sampled_from(["approve", "reject", "revise"]))
def test_any_decision_that_can_be_made_is_judged_good(
    comment: str, required: list[str], meaning: Any, verdict: Any
) -> None:
    made = build(
        verdict=verdict,
        comment=comment if verdict == "approve" else f"Since: {comment}",
        required_changes=required if verdict == "revise" else [],
        from_step="answers" if verdict == "revise" else "",
        meaning=meaning,
    )
    assert isinstance(made, Decision)
    data = decision_bytes(made)
    found = judge_decision(data, KEY.sign(data, DECISION), FACTS, authority=WHO, at=LATER, where="x")
    assert isinstance(found, CheckedDecision)
    assert found.decision == made


@given(st.data())
def test_a_changed_byte_of_a_signed_decision_never_counts(data: st.DataObject) -> None:
    raw = decision_bytes(good())
    place = data.draw(st.integers(0, len(raw) - 1))
    change = data.draw(st.integers(1, 255))
    forged = raw[:place] + bytes([raw[place] ^ change]) + raw[place + 1 :]
    found = judge_decision(forged, KEY.sign(raw, DECISION), FACTS, authority=WHO, at=LATER, where="test")
    assert isinstance(found, DecisionFault)

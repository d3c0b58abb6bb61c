"""A sealed vote binds its signer to one decision, tells nothing of it, and is opened by that decision alone."""

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

from awo.canon.digest import sha256_hex
from awo.evidence.events import Checkpoint, DecisionRecorded, FileRef, Starter, VoteCommitted
from awo.evidence.gates import Answer, Authority, Decision, GateRequest, Need, Panel, SealedVote, Signer
from awo.gate.decision import decision_bytes
from awo.gate.gate_facts import DecisionFault, GateFacts
from awo.gate.policy import Permitted, may_decide
from awo.gate.project import DEFAULT_RULES, read_policy
from awo.gate.votes import (
    CheckedVote,
    commitment_of,
    fault_of_opening,
    judge_vote,
    new_nonce,
    still_to_vote,
    takes_votes,
    vote_bytes,
    vote_for,
    why_no_vote,
)
from awo.lifecycle.gate_book import GateBook
from awo.sign.allowed_signers import AllowedSigners, line_for
from awo.sign.key_file import KeyFileSigner
from awo.sign.namespaces import DECISION, SEAL
from awo.sign.sshkeys import PublicKey

ALICE, BOB = "alice@example.org", "bob@example.org"
OPENED_AT, AT = "2026-11-23T11:00:00.000000Z", "2026-11-23T12:00:00.000000Z"
LATER = datetime(2026, 11, 24, tzinfo=UTC)
NONCE = "5" * 64


def new_signer(seed: int) -> KeyFileSigner:
    private = Ed25519PrivateKey.from_private_bytes(bytes([seed]) * 32)
    line = private.public_key().public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH).decode()
    return KeyFileSigner(PublicKey.parse(line, where="test"), "not proved", private)


KEY, OTHER_KEY = new_signer(1), new_signer(2)
PRINT = KEY.key.fingerprint
WHO = Signer(id=ALICE, name="Alice Example", role="reviewer", key=PRINT)
FACTS = GateFacts(
    run_id="run_2026-11-23T06-09-00Z",
    starter=Starter(id="starter@example.org", key="SHA256:another"),
    request=GateRequest(
        format="awo/gate-request/v1",
        gate="audit",
        checklist=[],
        needs=[Need(role="reviewer", count=2)],
        rules=DEFAULT_RULES,
        panel=Panel(seed=7, of=[], path=""),
    ),
    checkpoint=Checkpoint(size=12, root="b" * 64),
    shows=(FileRef(path="input.json", sha256="a" * 64, size_bytes=10),),
    opened_at=OPENED_AT,
    authors=(),
    decisions=(),
    is_escalated=False,
)
AUTHORITY = Authority(
    format="awo/authority/v1",
    run_id=FACTS.run_id,
    gate="audit",
    signer=ALICE,
    at=AT,
    name="Alice Example",
    roles=["reviewer"],
    git=[],
    lines=[line_for(ALICE, KEY.key, [DECISION])],
    policy_sha256="",
    reviewers_sha256="",
)
TAKEN = Decision(
    format="awo/decision/v1",
    run_id=FACTS.run_id,
    gate="audit",
    verdict="reject",
    meaning="approval",
    signer=WHO,
    at=AT,
    expires_at="",
    presence="not proved",
    solo=False,
    answers=[Answer(id="read", answer="no")],
    comment="The numbers are wrong.",
    required_changes=[],
    from_step="",
    checkpoint=FACTS.checkpoint,
    shows=list(FACTS.shows),
)
DATA = decision_bytes(TAKEN)


def sealed(**changes: Any) -> SealedVote:
    """The vote for `TAKEN`, as somebody else's program might write it."""
    return msgspec.structs.replace(vote_for(TAKEN, NONCE, DATA), **changes)


def judged(
    vote: SealedVote, facts: GateFacts = FACTS, authority: Authority = AUTHORITY, at: datetime = LATER
) -> CheckedVote | DecisionFault:
    data = vote_bytes(vote)
    return judge_vote(data, KEY.sign(data, DECISION), facts, authority, at, "vote-0001-audit.json")


def code(found: CheckedVote | DecisionFault) -> str:
    assert isinstance(found, DecisionFault)
    return found.code


def test_a_good_vote_counts() -> None:
    found = judged(sealed())
    assert isinstance(found, CheckedVote)
    assert found.vote == sealed()
    assert found.signature.key == KEY.key


def test_a_vote_tells_nothing_of_the_decision() -> None:
    data = vote_bytes(sealed())
    for told in (b"reject", b"approve", b"wrong", b"read", TAKEN.comment.encode(), sha256_hex(DATA).encode()):
        assert told not in data


def test_the_commitment_is_the_digest_of_nonce_line_feed_and_decision() -> None:
    assert commitment_of(NONCE, DATA) == sha256_hex(NONCE.encode() + b"\n" + DATA)
    assert vote_for(TAKEN, NONCE, DATA).commitment == commitment_of(NONCE, DATA)


def test_a_nonce_is_64_hexadecimal_digits_and_never_the_same() -> None:
    drawn = {new_nonce() for _ in range(20)}
    assert len(drawn) == 20
    assert all(len(nonce) == 64 and int(nonce, 16) >= 0 for nonce in drawn)


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"run_id": "run_2026-11-23T06-09-01Z"}, "other_run"),
        ({"gate": "other"}, "other_gate"),
        ({"checkpoint": Checkpoint(size=13, root="b" * 64)}, "stale"),
        ({"signer": msgspec.structs.replace(WHO, key="SHA256:another")}, "key"),
        ({"signer": msgspec.structs.replace(WHO, role="lead")}, "role"),
        ({"signer": msgspec.structs.replace(WHO, name="Somebody Else")}, "name"),
        ({"signer": msgspec.structs.replace(WHO, id=BOB)}, "authority"),
        ({"presence": "touch"}, "presence"),
        ({"at": "2026-11-23T10:59:59.999999Z"}, "clock"),
        ({"at": "2026-11-25T00:00:00.000000Z"}, "clock"),
        ({"at": "2026-02-31T00:00:00.000000Z"}, "content"),
    ],
)
def test_a_vote_that_says_something_else_does_not_count(changes: dict[str, Any], expected: str) -> None:
    assert code(judged(sealed(**changes))) == expected


def test_only_a_blind_gate_takes_votes() -> None:
    request = msgspec.structs.replace(FACTS.request, panel=None)
    assert code(judged(sealed(), replace(FACTS, request=request))) == "panel"
    assert not takes_votes(replace(FACTS, request=request))


def test_a_voter_must_be_independent_as_a_decider_must() -> None:
    started = replace(FACTS, starter=Starter(id=ALICE, key="SHA256:another"))
    assert code(judged(sealed(), started)) == "solo"
    assert code(judged(sealed(solo=True), started)) == "starter"
    again = Signer(id=BOB, name="Bob", role="reviewer", key=PRINT)
    assert code(judged(sealed(), replace(FACTS, voters=(again,)))) == "shared_key"


def test_the_signature_must_be_over_these_bytes_in_the_namespace_of_decisions_and_by_the_key_named() -> None:
    data = vote_bytes(sealed())
    for armored in (
        KEY.sign(data + b" ", DECISION),
        KEY.sign(data, SEAL),
        b"-----BEGIN SSH SIGNATURE-----\n-----END SSH SIGNATURE-----\n",
    ):
        assert code(judge_vote(data, armored, FACTS, AUTHORITY, LATER, "vote")) == "signature"
    assert code(judge_vote(data, OTHER_KEY.sign(data, DECISION), FACTS, AUTHORITY, LATER, "vote")) == "key"


def test_bytes_that_are_no_canonical_vote_do_not_count() -> None:
    data = vote_bytes(sealed())
    for other in (data + b"\n", b" " + data, data[:-1], DATA, b"{}", b"\xff", b"[" * 100_000, b"x" * (1 << 21)):
        assert code(judge_vote(other, KEY.sign(other, DECISION), FACTS, AUTHORITY, LATER, "vote")) == "form"


# --- opening ----------------------------------------------------------------------------------------


def test_the_decision_that_was_sealed_opens_its_vote() -> None:
    assert fault_of_opening(sealed(), TAKEN, NONCE, DATA) is None


@pytest.mark.parametrize(
    "changes",
    [
        {"verdict": "approve"},
        {"comment": "The numbers are wrong!"},
        {"run_id": "run_2026-11-23T06-09-01Z"},
        {"gate": "other"},
        {"signer": msgspec.structs.replace(WHO, id=BOB)},
        {"checkpoint": Checkpoint(size=13, root="b" * 64)},
        {"presence": "passphrase"},
        {"solo": True},
        {"at": "2026-11-23T12:00:00.000001Z"},
    ],
)
def test_another_decision_does_not_open_it(changes: dict[str, Any]) -> None:
    other = msgspec.structs.replace(TAKEN, **changes)
    data = decision_bytes(other)
    found = fault_of_opening(sealed(), other, NONCE, data)
    assert found is not None
    assert found.code == "panel"
    # nor where whoever wrote it has made the commitment fit; only what the vote does not name may differ then
    fits = fault_of_opening(sealed(commitment=commitment_of(NONCE, data)), other, NONCE, data)
    assert (fits is None) == (set(changes) <= {"verdict", "comment"})


def test_another_nonce_does_not_open_it_and_a_withdrawal_cannot_be_sealed() -> None:
    assert fault_of_opening(sealed(), TAKEN, "6" * 64, DATA) is not None
    withdrawn = msgspec.structs.replace(TAKEN, verdict="withdraw")
    data = decision_bytes(withdrawn)
    assert fault_of_opening(vote_for(withdrawn, NONCE, data), withdrawn, NONCE, data) is not None


@given(st.text("0123456789abcdef", min_size=64, max_size=64), st.binary(max_size=40), st.binary(max_size=40))
def test_no_two_decisions_open_one_commitment(nonce: str, one: bytes, other: bytes) -> None:
    assert (commitment_of(nonce, one) == commitment_of(nonce, other)) == (one == other)


# --- who has voted ------------------------------------------------------------------------------------


def voter(name: str, role: str = "reviewer", key: str = "") -> Signer:
    return Signer(id=name, name=name, role=role, key=key or f"SHA256:{name}")


def test_votes_are_counted_by_role_and_once_for_each_person_and_key() -> None:
    needs = [Need(role="reviewer", count=2, meaning="review"), Need(role="lead", count=1)]
    assert still_to_vote(needs, []) == needs
    assert still_to_vote(needs, [voter("a"), voter("a")]) == [
        Need(role="reviewer", count=1, meaning="review"),
        Need(role="lead", count=1),
    ]
    assert len(still_to_vote(needs, [voter("a", key="k"), voter("b", key="k"), voter("l", "lead")])) == 1
    assert still_to_vote(needs, [voter("a"), voter("b"), voter("l", "lead"), voter("x", "other")]) == []


def test_needs_of_one_role_are_filled_one_after_the_other() -> None:
    needs = [Need(role="r", count=1, meaning="review"), Need(role="r", count=1, meaning="approval")]
    assert still_to_vote(needs, [voter("a", "r")]) == [needs[1]]
    assert still_to_vote(needs, [voter("a", "r"), voter("b", "r")]) == []


def test_a_second_vote_a_withdrawal_and_a_vote_after_the_first_opening_are_refused() -> None:
    voted = replace(FACTS, voters=(WHO, voter(BOB)))
    assert why_no_vote(FACTS, "revise", ALICE) is None
    for facts, verdict, who in (
        (voted, "approve", ALICE),
        (FACTS, "withdraw", ALICE),
        (replace(voted, decisions=(TAKEN,)), "approve", "carol@example.org"),
    ):
        fault = why_no_vote(facts, verdict, who)  # type: ignore[arg-type]
        assert fault is not None
        assert fault.code == "panel"


def test_once_all_votes_are_open_the_gate_goes_on_as_any_other() -> None:
    assert takes_votes(replace(FACTS, voters=(WHO, voter(BOB)), decisions=(TAKEN,)))
    open_ = replace(FACTS, voters=(WHO,), decisions=(TAKEN,))
    assert not takes_votes(open_)
    assert why_no_vote(open_, "withdraw", ALICE) is None


def test_who_has_two_roles_votes_in_the_one_that_is_still_asked_for() -> None:
    needs = [Need(role="reviewer", count=1), Need(role="lead", count=1)]
    facts = replace(FACTS, request=msgspec.structs.replace(FACTS.request, needs=needs))
    person = f'[people."{ALICE}"]\nroles = ["reviewer", "lead"]\n'
    allowed = AllowedSigners.parse(line_for(ALICE, KEY.key, [DECISION]), where="test")
    asked: dict[str, Any] = {"meaning": "approval", "presence": "not proved", "at": LATER, "key": KEY.key}
    for voters, role in (((), "reviewer"), ((voter(BOB),), "lead"), ((voter(BOB, "lead"),), "reviewer")):
        for verdict in ("approve", "reject"):
            policy = read_policy(person, where="awo.toml")
            voted = replace(facts, voters=voters)
            found = may_decide(policy, allowed, voted, signer_id=ALICE, verdict=verdict, **asked)
            assert isinstance(found, Permitted), found
            assert found.role == role


# --- the rule book ----------------------------------------------------------------------------------


def ref(path: str) -> FileRef:
    return FileRef(path=path, sha256="a" * 64, size_bytes=1)


def committed(number: int, signer: str) -> VoteCommitted:
    files = {"vote": ref("v"), "signature": ref("s"), "authority": ref("a")}
    return VoteCommitted(seq=0, at=AT, gate="audit", number=number, signer=signer, **files)


def recorded(number: int, signer: str, opens: int) -> DecisionRecorded:
    files = {"decision": ref("d"), "signature": ref("s"), "authority": ref("a")}
    nonce = NONCE if opens else ""
    more = {"gate": "audit", "number": number, "verdict": "approve", "signer": signer, "opens": opens, "nonce": nonce}
    return DecisionRecorded(seq=0, at=AT, **more, **files)  # type: ignore[arg-type]


def test_while_a_vote_lies_sealed_every_decision_opens_one_and_then_none_does() -> None:
    book = GateBook()
    assert not [why for number, who in ((1, ALICE), (2, BOB)) if (why := book.why_no_vote(committed(number, who)))]
    assert "has voted" in book.why_no_vote(committed(3, ALICE))
    assert book.why_no_decision(recorded(1, "carol@example.org", 0))
    assert book.why_no_decision(recorded(1, ALICE, 2))
    assert not book.why_no_decision(recorded(1, ALICE, 1))
    assert "no sealed vote" in book.why_no_decision(recorded(2, ALICE, 0))
    assert book.why_no_vote(committed(3, "carol@example.org")) == "a decision is public already"
    assert not book.why_no_decision(recorded(2, BOB, 2))
    assert book.why_no_decision(recorded(3, BOB, 2))
    assert not book.why_no_decision(recorded(3, ALICE, 0))

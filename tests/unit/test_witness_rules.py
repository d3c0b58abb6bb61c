"""The rules of a witness: one status for each way in which a request can be wrong, and no cosignature on a branch."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit import note_signers as signers
from tests.unit.note_signers import ORIGIN, b64, state, tree

from awo.errors import EvidenceError
from awo.evidence.merkle_proofs import consistency_path
from awo.ledger.add_checkpoint import SIZE_TYPE, AddCheckpoint
from awo.sign.checkpoint import TreeState
from awo.sign.note import Note, NoteSignature
from awo.sign.note_keys import KeySigner
from awo.web.witness_rules import Refusal, Submission, admit, judge, keys_by_origin

LOG = signers.log()
LOGS = keys_by_origin([LOG.vkey, signers.log_ml_dsa().vkey])


def note_of(tree_state: TreeState, *by: KeySigner) -> bytes:
    return Note(tree_state.text, tuple(signer.sign(tree_state.text) for signer in by or (LOG,))).encode()


def request(old: int, size: int, *by: KeySigner, branch: str = "") -> AddCheckpoint:
    proof = consistency_path(old, size, tree(size, branch).root_of) if old <= size else ()
    return AddCheckpoint(old, tuple(proof), note_of(state(size, branch), *by))


def answer(body: AddCheckpoint | bytes, latest: TreeState | None = None) -> Refusal | None:
    admitted = admit(body if isinstance(body, bytes) else body.encode(), LOGS)
    return admitted if isinstance(admitted, Refusal) else judge(admitted, latest)


def status(body: AddCheckpoint | bytes, latest: TreeState | None = None) -> int:
    refusal = answer(body, latest)
    return refusal.status if refusal is not None else 200


sizes = st.integers(0, 40)


@given(sizes, sizes)
def test_a_ledger_that_grew_is_cosigned(one: int, other: int) -> None:
    old, size = sorted((one, other))
    assert status(request(old, size), state(old)) == 200


@given(st.integers(1, 40), sizes)
def test_another_branch_is_not_cosigned(old: int, more: int) -> None:
    assert status(request(old, old + more, branch="other"), state(old)) == 422


@given(st.integers(1, 40), st.integers(1, 40), st.data())
def test_a_proof_that_is_changed_is_not_believed(old: int, more: int, data: st.DataObject) -> None:
    good = request(old, old + more)
    steps = list(good.proof)
    place = data.draw(st.integers(0, len(steps)))
    change = data.draw(st.sampled_from(["insert", "remove", "flip"]))
    if change == "insert":
        steps.insert(place, bytes(32))
    elif place < len(steps):
        if change == "remove":
            del steps[place]
        else:
            steps[place] = bytes([steps[place][0] ^ 1]) + steps[place][1:]
    if tuple(steps) != good.proof:
        assert status(AddCheckpoint(old, tuple(steps), good.note), state(old)) == 422


@given(sizes, sizes)
def test_from_another_size_than_the_known_one_the_answer_is_that_size(old: int, known: int) -> None:
    refusal = answer(request(old, 40), state(known))
    if old == known:
        assert refusal is None
    else:
        assert refusal == Refusal(409, f"{known}\n", SIZE_TYPE)


def test_a_first_checkpoint_starts_from_nothing() -> None:
    assert status(request(0, 7)) == 200
    assert answer(request(3, 7)) == Refusal(409, "0\n", SIZE_TYPE)
    assert status(AddCheckpoint(0, (bytes(32),), note_of(state(7)))) == 422


def test_the_same_tree_is_cosigned_again_and_another_of_its_size_is_not() -> None:
    assert status(request(7, 7), state(7)) == 200
    assert status(request(7, 7, branch="other"), state(7)) == 422
    assert status(AddCheckpoint(7, (bytes(32),), note_of(state(7))), state(7)) == 422


def test_an_empty_tree_has_one_root() -> None:
    assert status(AddCheckpoint(0, (), note_of(state(0)))) == 200
    assert status(AddCheckpoint(0, (), note_of(TreeState(ORIGIN, 0, bytes(32))))) == 422


def test_an_old_size_beyond_the_checkpoint_is_a_bad_request() -> None:
    assert status(request(8, 7), state(8)) == 400


def test_a_log_that_is_not_watched_is_unknown_whoever_signs() -> None:
    stranger = signers.log(name="example.org/other")
    other = state(7, origin="example.org/other")
    assert status(AddCheckpoint(0, (), note_of(other, stranger))) == 404
    assert status(AddCheckpoint(0, (), note_of(other, LOG))) == 404


def test_without_a_signature_of_the_log_nothing_is_cosigned() -> None:
    assert status(request(0, 7, signers.log(seed=2))) == 403
    assert status(request(0, 7, signers.witness())) == 403
    good = LOG.sign(state(7).text)
    bad = NoteSignature(good.name, good.key_id, bytes(64))
    assert status(AddCheckpoint(0, (), Note(state(7).text, (good, bad)).encode())) == 403


def test_one_key_of_the_log_is_enough_and_lines_of_others_are_not_kept() -> None:
    by = (signers.log_ml_dsa(), signers.log(seed=2), signers.witness())
    admitted = admit(request(0, 7, *by).encode(), LOGS)
    assert isinstance(admitted, Submission)
    assert [line.key_id for line in admitted.log_signatures] == [signers.log_ml_dsa().vkey.key_id]


def test_lines_after_the_root_may_stand_there() -> None:
    assert status(AddCheckpoint(0, (), note_of(TreeState(ORIGIN, 7, state(7).root, ("more",))))) == 200


GOOD = request(3, 7).encode()


@pytest.mark.parametrize(
    "body",
    [
        b"",
        GOOD[1:],
        GOOD[:-1],
        GOOD.replace(b"old 3", b"old 03"),
        GOOD.replace(b"old 3", b"old -3"),
        GOOD.replace(b"old 3", b"old 3 "),
        GOOD.replace(b"old 3", b"3"),
        GOOD.replace(b"old 3", b"old 9223372036854775808"),
        GOOD.replace(b"old 3\n", b"old 3\r\n"),
        GOOD.replace(b"old 3\n", b"old 3\n" + b64(bytes(31)).encode() + b"\n"),
        GOOD.replace(b"old 3\n", b"old 3\n" + (b64(bytes(32)).encode() + b"\n") * 64),
        GOOD.replace(b"old 3\n", b"old 3\n\xff\n"),
        GOOD.replace(b"\n7\n", b"\n07\n"),
        GOOD.replace(b"example.org/log\n7", b"\n7"),
    ],
)
def test_a_request_that_cannot_be_read_is_a_bad_request(body: bytes) -> None:
    assert status(body, state(3)) == 400


@given(st.binary(max_size=200))
def test_no_bytes_at_all_bring_a_witness_down(data: bytes) -> None:
    for body in (data, b"old 0\n\n" + data, GOOD + data):
        assert status(body, state(3)) in (200, 400, 403, 404, 409, 422)


@given(st.integers(0, (1 << 63) - 1), st.lists(st.binary(min_size=32, max_size=32), max_size=63), st.binary())
def test_a_request_is_read_back(old: int, proof: list[bytes], note: bytes) -> None:
    made = AddCheckpoint(old, tuple(proof), note)
    assert AddCheckpoint.parse(made.encode()) == made


@given(st.binary(max_size=80))
def test_whatever_is_read_as_a_request_has_one_spelling(data: bytes) -> None:
    for body in (data, b"old 5\n" + data, b"old 5\n\n" + data):
        try:
            read = AddCheckpoint.parse(body)
        except EvidenceError:
            continue
        assert read.encode() == body

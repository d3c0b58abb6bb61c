"""Signed notes, their keys and their three kinds of signature: written, read back, and refused when anything is off."""

from __future__ import annotations

import struct
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit import note_signers as signers
from tests.unit.note_signers import AT_S, ORIGIN, WITNESS, b64, state

from awo.errors import EvidenceError, UsageError
from awo.sign.checkpoint import TreeState, parse_checkpoint
from awo.sign.note import (
    MOST_SIGNATURES,
    Kind,
    Note,
    NoteSignature,
    VerifierKey,
    cosigned_bytes,
    parse_note,
    parse_signature_lines,
    subtree_bytes,
    verify_note,
    why_not_a_name,
)
from awo.sign.note_keys import KeySigner
from awo.sign.wire import WireError

EXAMPLE_KEY = "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k"
EXAMPLE = (
    "This is an example message.\n\n— example.com/foo Uw2QOkn8srV1yJGh2VYRlL1Tnagv1YEq6TfXppzi2ONncAlTgK7Ztg1ERYNZ"
    "XsYjOBH3mFXmRKuwHjG1Yu72IneyaQM=\n"
)
"""The example of C2SP signed-note."""

KINDS = [signers.log(), signers.witness(), signers.witness_ml_dsa(), signers.log_ml_dsa()]
TEXT = state(5).text

names = st.text(st.characters(exclude_categories=["Cs", "Cc", "Z"], exclude_characters="+"), min_size=1, max_size=20)
names = names.filter(lambda name: not why_not_a_name(name))
texts = st.lists(st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=20), min_size=1).map(
    lambda lines: "\n".join(lines) + "\n"
)
lines_of_notes = st.builds(NoteSignature, names, st.binary(min_size=4, max_size=4), st.binary(min_size=1, max_size=80))
keys = st.builds(
    VerifierKey,
    names,
    st.sampled_from([Kind.ED25519, Kind.COSIGNATURE_ED25519]),
    st.binary(min_size=31, max_size=31).map(lambda rest: b"\x02" + rest),  # of no small order
)


def known(*which: KeySigner) -> list[VerifierKey]:
    return [signer.vkey for signer in which]


def signed(*which: KeySigner, text: str = TEXT) -> Note:
    return Note(text, tuple(signer.sign(text) for signer in which))


def test_the_example_of_the_specification_holds() -> None:
    key = VerifierKey.parse(EXAMPLE_KEY, where="--key")
    note = parse_note(EXAMPLE.encode(), "note")
    assert note.text == "This is an example message.\n"
    assert [(held.key.name, held.at) for held in verify_note(note, [key])] == [("example.com/foo", None)]
    assert str(key) == EXAMPLE_KEY
    assert note.encode() == EXAMPLE.encode()


@given(texts, st.lists(lines_of_notes, min_size=1, max_size=16))
def test_what_is_written_is_read_back(text: str, lines: list[NoteSignature]) -> None:
    note = Note(text, tuple(lines))
    assert parse_note(note.encode(), "note") == note


@given(keys)
def test_a_verifier_key_is_read_back_from_its_line(key: VerifierKey) -> None:
    assert VerifierKey.parse(str(key), where="--key") == key


@given(st.binary(max_size=60) | st.text(max_size=60).map(str.encode))
def test_whatever_is_read_as_a_note_has_one_spelling(data: bytes) -> None:
    for whole in (data, b"text\n\n" + data, "text\n\n— name ".encode() + data + b"\n"):
        try:
            note = parse_note(whole, "note")
        except EvidenceError:
            continue
        assert note.encode() == whole


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"", "no empty line"),
        (b"text\n", "no empty line"),
        (EXAMPLE.encode()[:-1], "no newline at the end"),
        (EXAMPLE.replace("\n\n", "\n").encode(), "no empty line"),
        (EXAMPLE.replace("message.", "mess\tage.").encode(), "a control character"),
        (EXAMPLE.replace("message.\n", "message.\r\n").encode(), "a control character"),
        (EXAMPLE.replace("— ", "- ").encode(), "em dash"),
        (EXAMPLE.replace("— ", "—").encode(), "em dash"),
        (EXAMPLE.replace("foo U", "fooU").encode(), "no signature"),
        (EXAMPLE.replace("com/foo", "com/f+o").encode(), "a +"),
        (EXAMPLE.replace("com/foo", "com/f\N{NO-BREAK SPACE}o").encode(), "a space"),
        (EXAMPLE.replace("example.com/foo", "").encode(), "empty"),
        (EXAMPLE.replace("aQM=", "aQN=").encode(), "canonical"),
        (EXAMPLE.replace("aQM=", "aQM").encode(), "base64"),
        ("text\n\n— name AAAAAA==\n".encode(), "shorter than 5 bytes"),
        (EXAMPLE.encode().replace(b"message", b"mess\xffage"), "not UTF-8"),
        (b"x" * 1_000_001, "more than 1000000 bytes"),
        (("text\n\n" + "— name AAAAAAA=\n" * (MOST_SIGNATURES + 1)).encode(), "more than 100 signatures"),
    ],
)
def test_anything_else_is_refused_with_the_reason(data: bytes, why: str) -> None:
    with pytest.raises(EvidenceError) as refused:
        parse_note(data, "checkpoint")
    assert refused.value.where == "checkpoint"
    assert why in refused.value.got


def test_the_text_may_have_empty_lines_and_ends_at_the_last_one() -> None:
    note = Note("a\n\n\nb\n", (NoteSignature("name", b"abcd", b"e"),))
    assert parse_note(note.encode(), "note").text == "a\n\n\nb\n"


@pytest.mark.parametrize(
    ("vkey", "why"),
    [
        ("", "the key is missing"),
        ("name", "the key is missing"),
        (EXAMPLE_KEY.replace("530d903a", "530d903b"), "the key's id is 530d903a"),
        (EXAMPLE_KEY.replace("530d903a", "530D903A"), "the key's id is 530d903a"),
        (EXAMPLE_KEY.replace("com/foo", "com/fo"), "the key's id"),
        (EXAMPLE_KEY.replace("+AekyeRr", "+AukyeRr"), "0x02 is not known"),
        (EXAMPLE_KEY[:-4], "32 bytes"),
        (EXAMPLE_KEY + "\n", "base64"),
        ("na me+00000000+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k", "a space"),
    ],
)
def test_a_line_that_is_no_verifier_key_is_refused_with_the_reason(vkey: str, why: str) -> None:
    with pytest.raises(UsageError) as refused:
        VerifierKey.parse(vkey, where="--key")
    assert refused.value.where == "--key"
    assert why in refused.value.got


@pytest.mark.parametrize("signer", KINDS, ids=["ed25519", "cosignature", "ml-dsa", "ml-dsa of a log"])
def test_a_signature_of_each_kind_holds_for_its_text_and_for_no_other(signer: KeySigner) -> None:
    note = parse_note(signed(signer).encode(), "note")
    at = None if signer.vkey.kind is Kind.ED25519 else datetime.fromtimestamp(AT_S, UTC)
    assert verify_note(note, [VerifierKey.parse(str(signer.vkey), where="")]) == [(signer.vkey, at)]
    other = Note(state(5, "other").text, note.signatures)
    with pytest.raises(EvidenceError, match="a signature of the note does not hold"):
        verify_note(other, [signer.vkey])


@pytest.mark.parametrize("signer", KINDS, ids=["ed25519", "cosignature", "ml-dsa", "ml-dsa of a log"])
@pytest.mark.parametrize("place", [0, 7, 8, -1])
def test_a_signature_with_one_bit_changed_does_not_hold(signer: KeySigner, place: int) -> None:
    line = signer.sign(TEXT)
    body = bytearray(line.signature)
    body[place] ^= 1
    with pytest.raises(EvidenceError):
        verify_note(Note(TEXT, (NoteSignature(line.name, line.key_id, bytes(body)),)), [signer.vkey])


@pytest.mark.parametrize("signer", KINDS[:3], ids=["ed25519", "cosignature", "ml-dsa"])
@pytest.mark.parametrize("change", [b"", b"x" * 64, b"x" * 72, b"x" * 2427, b"x" * 2428])
def test_a_signature_of_another_length_or_of_nothing_does_not_hold(signer: KeySigner, change: bytes) -> None:
    with pytest.raises(EvidenceError):
        verify_note(Note(TEXT, (NoteSignature(signer.vkey.name, signer.vkey.key_id, change),)), [signer.vkey])


def test_lines_of_unknown_keys_are_passed_over_even_with_a_known_name_or_id() -> None:
    own, stranger = signers.log(), signers.log(seed=2)
    same_name = stranger.sign(TEXT)
    same_id = NoteSignature("another", own.vkey.key_id, b"nonsense")
    note = Note(TEXT, (same_name, same_id, own.sign(TEXT)))
    assert [held.key for held in verify_note(note, known(own))] == known(own)
    assert verify_note(Note(TEXT, (same_name, same_id)), known(own)) == []


def test_one_bad_line_of_a_known_key_spoils_the_note_even_beside_a_good_one() -> None:
    own = signers.log()
    good = own.sign(TEXT)
    bad = NoteSignature(good.name, good.key_id, bytes(64))
    for lines in ((good, bad), (bad, good)):
        with pytest.raises(EvidenceError):
            verify_note(Note(TEXT, lines), known(own))


def test_a_witness_that_signs_twice_counts_once() -> None:
    early, late = signers.witness(at_s=AT_S), signers.witness(at_s=AT_S + 60)
    held = verify_note(signed(early, late), known(early))
    assert held == [(early.vkey, datetime.fromtimestamp(AT_S, UTC))]


def test_the_same_key_signs_under_another_name_only_as_another_key() -> None:
    one, two = signers.witness(name="a"), signers.witness(name="b")
    assert one.vkey.key_id != two.vkey.key_id
    assert verify_note(signed(one), known(two)) == []


def test_an_ed25519_signature_is_not_taken_for_a_cosignature() -> None:
    as_log, as_witness = signers.log(seed=3, name="x"), signers.witness(seed=3, name="x")
    assert as_log.vkey.key_id != as_witness.vkey.key_id
    forged = NoteSignature("x", as_witness.vkey.key_id, struct.pack(">Q", AT_S) + as_log.sign(TEXT).signature)
    with pytest.raises(EvidenceError):
        verify_note(Note(TEXT, (forged,)), known(as_witness))


def test_two_known_keys_with_one_name_and_id_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("awo.sign.note.note_key_id", lambda *_: b"same")
    with pytest.raises(UsageError, match="two keys have the same name and id"):
        verify_note(signed(signers.log()), known(signers.log(), signers.log(seed=2)))


def test_a_cosignature_signs_the_header_the_time_and_the_text() -> None:
    assert cosigned_bytes(TEXT, AT_S) == f"cosignature/v1\ntime {AT_S}\n{TEXT}".encode()


def test_an_ml_dsa_cosignature_signs_the_tree_and_both_names_but_no_further_line() -> None:
    tree = state(5)
    expected = (
        b"subtree/v1\n\x00\x13example.org/witness"
        + AT_S.to_bytes(8, "big")
        + b"\x0fexample.org/log"
        + bytes(8)
        + (5).to_bytes(8, "big")
        + tree.root
    )
    assert subtree_bytes(WITNESS, TEXT, AT_S) == expected
    assert subtree_bytes(WITNESS, TEXT + "more\n", AT_S) == expected
    assert b"more\n" in cosigned_bytes(TEXT + "more\n", AT_S)


def test_an_ml_dsa_cosignature_without_time_states_none() -> None:
    timeless = signers.witness_ml_dsa(at_s=0)
    assert verify_note(signed(timeless), known(timeless)) == [(timeless.vkey, None)]


@pytest.mark.parametrize("at_s", [1 << 63, (1 << 63) - 1, 253_402_300_800])
def test_a_time_that_cannot_be_is_refused(at_s: int) -> None:
    witness = signers.witness(at_s=at_s)
    with pytest.raises(EvidenceError):
        verify_note(signed(witness), known(witness))


@pytest.mark.parametrize("signer", [signers.witness(), signers.witness_ml_dsa()], ids=["ed25519", "ml-dsa"])
@pytest.mark.parametrize("text", ["hello\n", f"{ORIGIN}\n05\n{b64(bytes(32))}\n", f"{ORIGIN}\n5\n{b64(bytes(31))}\n"])
def test_only_checkpoints_are_cosigned(signer: KeySigner, text: str) -> None:
    with pytest.raises(WireError):
        signer.sign(text)


def test_a_name_that_is_too_long_for_ml_dsa_is_refused() -> None:
    with pytest.raises(WireError, match="1 to 255 bytes"):
        subtree_bytes("x" * 256, TEXT, AT_S)


@given(
    st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=30),
    st.integers(0, (1 << 63) - 1),
    st.binary(min_size=32, max_size=32),
    st.lists(st.text("abc", min_size=1), max_size=3),
)
def test_a_checkpoint_is_read_back(origin: str, size: int, root: bytes, extensions: list[str]) -> None:
    tree = TreeState(origin, size, root, tuple(extensions))
    assert parse_checkpoint(tree.text, "checkpoint") == tree


@pytest.mark.parametrize(
    "text",
    [
        "",
        TEXT[:-1],
        "\n".join(TEXT.split("\n")[:2]) + "\n",
        TEXT.replace("\n5\n", "\n+5\n"),
        TEXT.replace("\n5\n", "\n\N{ARABIC-INDIC DIGIT FIVE}\n"),
        TEXT.replace("\n5\n", f"\n{1 << 63}\n"),
        TEXT + "\n",
        "\n" + TEXT,
    ],
)
def test_a_text_that_is_no_checkpoint_is_refused(text: str) -> None:
    with pytest.raises(EvidenceError, match="this is not a checkpoint"):
        parse_checkpoint(text, "checkpoint")


def test_the_lines_of_a_witness_are_read_without_a_note() -> None:
    lines = tuple(signer.sign(TEXT) for signer in (signers.witness(), signers.witness_ml_dsa()))
    assert parse_signature_lines("".join(line.line for line in lines), "witness") == lines
    with pytest.raises(EvidenceError):
        parse_signature_lines("", "witness")


def test_a_private_key_does_not_show_itself() -> None:
    key = signers.ed25519_key()
    assert (bytes([1]) * 32).hex() not in repr(key)
    assert "object at" not in repr(signers.log())

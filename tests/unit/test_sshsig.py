"""SSHSIG: one spelling, one purpose, one message, and a person's touch where the key can show it."""

from __future__ import annotations

import base64
from functools import cache
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import given
from hypothesis import strategies as st
from tests.security_key import NOT_TOUCHED, PIN_ONLY, TOUCHED, TOUCHED_WITH_PIN, SecurityKey

from awo.errors import EvidenceError, UsageError
from awo.sign import sshsig
from awo.sign.key_file import KeyFileSigner
from awo.sign.namespaces import DECISION, SEAL
from awo.sign.sshkeys import SK_ECDSA, SK_ED25519, PublicKey
from awo.sign.wire import Reader, WireError, mpint, string, uint32

MESSAGE = b'{"format":"awo/seal/v1"}'
KINDS = ("ssh-ed25519", "ecdsa-sha2-nistp256", "ecdsa-sha2-nistp384", "ecdsa-sha2-nistp521", "ssh-rsa")


@cache
def signer(kind: str) -> KeyFileSigner:
    """A signer in memory, the same in every test of a run."""
    curves: dict[str, ec.EllipticCurve] = {
        "ecdsa-sha2-nistp256": ec.SECP256R1(),
        "ecdsa-sha2-nistp384": ec.SECP384R1(),
        "ecdsa-sha2-nistp521": ec.SECP521R1(),
    }
    private: Any
    if kind == "ssh-ed25519":
        private = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
    elif kind == "ssh-rsa":
        private = rsa.generate_private_key(65537, 2048)
    else:
        private = ec.derive_private_key(1234567, curves[kind])
    line = private.public_key().public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH).decode()
    return KeyFileSigner(PublicKey.parse(line, where="test"), "not proved", private)


def refusal(armored: bytes, message: bytes = MESSAGE, namespace: str = SEAL) -> EvidenceError:
    with pytest.raises(EvidenceError) as caught:
        sshsig.verify(armored, message, namespace, where="audit/seal.json.sig")
    assert caught.value.where == "audit/seal.json.sig"
    return caught.value


def rebuilt(**changes: bytes) -> bytes:
    """A good Ed25519 signature whose envelope has some fields changed."""
    good = sshsig.read(signer("ssh-ed25519").sign(MESSAGE, SEAL), where="test")
    parts = {
        "magic": b"SSHSIG",
        "version": uint32(1),
        "key": string(good.key.blob),
        "namespace": string(SEAL.encode()),
        "reserved": string(b""),
        "hash": string(b"sha512"),
        "signature": string(good.signature),
        "end": b"",
    }
    return sshsig.armor(b"".join((parts | changes).values())).encode()


@pytest.mark.parametrize("kind", KINDS)
def test_a_signature_of_each_kind_of_key_holds(kind: str) -> None:
    made = sshsig.verify(signer(kind).sign(MESSAGE, SEAL), MESSAGE, SEAL, where="test")
    assert made == sshsig.VerifiedSignature(signer(kind).key, "not proved")


@pytest.mark.parametrize("kind", KINDS)
def test_a_signature_over_another_message_is_refused(kind: str) -> None:
    assert refusal(signer(kind).sign(MESSAGE, SEAL), MESSAGE + b"\n").what == "the signature does not hold"


def test_a_signature_in_another_namespace_is_refused() -> None:
    error = refusal(signer("ssh-ed25519").sign(MESSAGE, DECISION))
    assert (error.expected, error.got) == ("awo-seal", "awo-decision")


def test_a_signature_by_another_key_is_refused() -> None:
    assert refusal(rebuilt(key=string(signer("ecdsa-sha2-nistp256").key.blob))).what == "the signature does not hold"
    other = Ed25519PrivateKey.from_private_bytes(bytes(32)).public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
    assert refusal(rebuilt(key=string(string(b"ssh-ed25519") + string(other)))).what == "the signature does not hold"


def test_rebuilding_without_changes_gives_a_good_signature() -> None:
    assert sshsig.verify(rebuilt(), MESSAGE, SEAL, where="test").key == signer("ssh-ed25519").key


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"magic": b"SSHSIX"}, "magic"),
        ({"version": uint32(2)}, "version 2"),
        ({"reserved": string(b"x")}, "reserved"),
        ({"hash": string(b"sha1")}, "hash"),
        ({"hash": string(b"sha256")}, "altered"),
        ({"end": b"\x00"}, "after the end"),
        ({"signature": string(string(b"ssh-ed25519") + string(bytes(64)) + b"\x00")}, "after the end"),
        ({"signature": string(string(b"ssh-ed25519") + string(bytes(63)))}, "altered"),
        ({"signature": string(string(b"ssh-rsa") + string(bytes(64)))}, "ssh-rsa"),
        ({"key": string(string(b"ssh-ed25519") + string(bytes(31)))}, "32 bytes"),
        ({"key": string(string(b"ssh-dss") + string(bytes(31)))}, "ssh-dss"),
        ({"namespace": string("awo-sea\u013a".encode())}, "printable ASCII"),
        ({"signature": uint32(2**32 - 1)}, "too early"),
    ],
)
def test_an_envelope_that_is_not_exactly_right_is_refused(changes: dict[str, bytes], reason: str) -> None:
    assert reason in refusal(rebuilt(**changes)).got


def test_sha_1_signatures_by_rsa_keys_are_refused() -> None:
    rsa_key = signer("ssh-rsa").key
    armored = rebuilt(key=string(rsa_key.blob), signature=string(string(b"ssh-rsa") + string(bytes(256))))
    assert "rsa-sha2-512" in refusal(armored).got


@pytest.mark.parametrize("bits", [1024, 2047, 16385])
def test_an_rsa_key_that_is_too_small_or_too_large_is_refused(bits: int) -> None:
    blob = string(b"ssh-rsa") + mpint(65537) + mpint((1 << (bits - 1)) + 1)
    with pytest.raises(WireError, match=f"this one has {bits}"):
        PublicKey.from_blob(blob)


def test_every_flipped_bit_of_a_signature_file_is_seen() -> None:
    armored = signer("ssh-ed25519").sign(MESSAGE, SEAL)
    for place in range(len(armored)):
        for bit in range(8):
            altered = armored[:place] + bytes([armored[place] ^ 1 << bit]) + armored[place + 1 :]
            refusal(altered)


@pytest.mark.parametrize("kind", KINDS)
def test_a_changed_byte_is_seen_for_each_kind_of_key(kind: str) -> None:
    armored = signer(kind).sign(MESSAGE, SEAL)
    for place in range(0, len(armored), 5):
        refusal(armored[:place] + bytes([armored[place] ^ 2]) + armored[place + 1 :])


@pytest.mark.parametrize(
    "spoil",
    [
        lambda text: text + b"\n",
        lambda text: b"\n" + text,
        lambda text: text[:-1],
        lambda text: text.replace(b"\n", b"\r\n"),
        lambda text: text.replace(b"\n", b"", 2).replace(b"-----U", b"-----\nU", 1),
        lambda text: text.replace(b"=", b""),
        lambda text: text.decode().encode("utf-16"),
        lambda text: b"",
        lambda text: b"A" * 10_000_000,
        lambda text: b"\xff" + text,
    ],
)
def test_another_spelling_of_the_same_signature_is_refused(spoil: Any) -> None:
    assert refusal(spoil(signer("ssh-ed25519").sign(MESSAGE, SEAL))).what == "this is not a signature file"


def test_spare_bits_of_the_base64_are_not_a_hiding_place() -> None:
    armored = rebuilt()
    assert b"=\n-----END" in armored
    place = armored.index(b"=")
    alphabet = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
    other = alphabet[alphabet.index(armored[place - 1]) ^ 1]
    altered = armored[: place - 1] + bytes([other]) + armored[place:]
    lines = b"".join(altered.split(b"\n")[1:-2])
    assert base64.b64decode(lines) == base64.b64decode(b"".join(armored.split(b"\n")[1:-2]))
    assert "canonical" in refusal(altered).got


@given(st.binary(max_size=600))
def test_armor_of_any_blob_reads_back_or_is_refused_with_one_error(blob: bytes) -> None:
    text = sshsig.armor(blob)
    assert all(len(line) <= 70 for line in text.splitlines())
    assert text.endswith("\n")
    refusal(text.encode())


@given(st.binary(max_size=200), st.sampled_from([SEAL, DECISION, "file", "a@b.example"]))
def test_what_is_signed_verifies_for_any_message(message: bytes, namespace: str) -> None:
    sshsig.verify(signer("ssh-ed25519").sign(message, namespace), message, namespace, where="test")


@pytest.mark.parametrize("algorithm", [SK_ED25519, SK_ECDSA])
@pytest.mark.parametrize("flags", [TOUCHED, TOUCHED_WITH_PIN])
def test_a_touched_security_key_proves_presence(algorithm: str, flags: int) -> None:
    device = SecurityKey(algorithm, seed=99)
    made = sshsig.verify(device.sign(MESSAGE, SEAL, flags=flags), MESSAGE, SEAL, where="test")
    assert made == sshsig.VerifiedSignature(device.key, "touch")


@pytest.mark.parametrize("algorithm", [SK_ED25519, SK_ECDSA])
@pytest.mark.parametrize("flags", [NOT_TOUCHED, PIN_ONLY])
def test_a_security_key_that_was_not_touched_is_refused(algorithm: str, flags: int) -> None:
    assert "without being touched" in refusal(SecurityKey(algorithm, seed=99).sign(MESSAGE, SEAL, flags=flags)).got


@pytest.mark.parametrize("algorithm", [SK_ED25519, SK_ECDSA])
def test_the_touch_flag_of_a_security_key_is_signed(algorithm: str) -> None:
    device = SecurityKey(algorithm, seed=99)
    armored = device.sign(MESSAGE, SEAL, flags=NOT_TOUCHED)
    signature = sshsig.read(armored, where="test").signature
    forged = signature[:-5] + bytes([TOUCHED]) + signature[-4:]
    assert "altered" in refusal(sshsig.armor(sshsig.envelope(device.key, SEAL, forged)).encode()).got


@given(st.integers(min_value=1, max_value=2**600))
def test_a_number_has_one_spelling_on_the_wire(number: int) -> None:
    assert Reader(mpint(number)).mpint() == number
    with pytest.raises(WireError):
        Reader(string(b"\x00" + mpint(number)[4:])).mpint()


def test_zero_and_negative_numbers_are_refused_on_the_wire() -> None:
    for body in (b"", b"\x00", b"\x80", b"\xff\xff"):
        with pytest.raises(WireError):
            Reader(string(body)).mpint()


@pytest.mark.parametrize("kind", KINDS)
def test_a_public_key_reads_back_from_its_line(kind: str) -> None:
    key = signer(kind).key
    again = PublicKey.parse(f"{key.line} alice on her laptop\n", where="test")
    assert (again, again.comment) == (key, "alice on her laptop")
    assert again.line == key.line


@pytest.mark.parametrize(
    ("line", "what"),
    [
        ("", "not a public key"),
        ("ssh-ed25519", "not a public key"),
        ("ssh-ed25518 AAAA", "kind of key"),
        ("ssh-dss AAAA", "kind of key"),
        ("ssh-ed25519 AAAA", "damaged"),
        ("ssh-ed25519 !!!!", "damaged"),
        ("ssh-ed25519 \u00e4\u00e4\u00e4\u00e4", "damaged"),
        ("ssh-ed25519 AAAA\nssh-ed25519 AAAA", "one line"),
        ("ssh-ed25519 AAAA \x1b[2J", "one line"),
    ],
)
def test_a_line_that_is_no_public_key_is_refused(line: str, what: str) -> None:
    with pytest.raises(UsageError, match=what) as caught:
        PublicKey.parse(line, where="key.pub")
    assert caught.value.where == "key.pub"


def test_a_misspelt_kind_of_key_is_told_the_right_one() -> None:
    with pytest.raises(UsageError) as caught:
        PublicKey.parse("ssh-ed25518 AAAA", where="key.pub")
    assert caught.value.hint == "did you mean 'ssh-ed25519'?"


def test_a_key_of_another_kind_than_its_line_says_is_refused() -> None:
    encoded = signer("ssh-ed25519").key.line.split()[1]
    with pytest.raises(UsageError, match="another kind"):
        PublicKey.parse(f"ssh-rsa {encoded}", where="key.pub")


def test_the_private_key_does_not_show_in_the_signers_text() -> None:
    assert repr(signer("ssh-ed25519")) == f"KeyFileSigner({signer('ssh-ed25519').key.fingerprint})"

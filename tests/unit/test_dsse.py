"""The envelope of an attestation: what is signed, and that nothing of it can be changed."""

from __future__ import annotations

import base64
import json
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st
from tests.security_key import SecurityKey

from awo.canon.json import parse_canonical
from awo.errors import EvidenceError
from awo.sign.agent import AgentSigner
from awo.sign.dsse import IN_TOTO, BareSigner, Envelope, keyid_of, open_envelope, pae, sign_envelope
from awo.sign.key_file import KeyFileSigner
from awo.sign.sshkeys import ED25519, SK_ED25519, PublicKey
from awo.sign.wire import string

PAYLOAD = b'{"_type":"https://in-toto.io/Statement/v1"}'


def signer(number: int) -> KeyFileSigner:
    private = Ed25519PrivateKey.from_private_bytes(number.to_bytes(32, "big"))
    blob = string(ED25519.encode()) + string(private.public_key().public_bytes_raw())
    return KeyFileSigner(PublicKey.from_blob(blob), "not proved", private)


def test_what_is_signed_is_the_encoding_of_the_protocol_with_lengths_in_bytes() -> None:
    assert pae("http://example.com/HelloWorld", b"hello world") == (
        b"DSSEv1 29 http://example.com/HelloWorld 11 hello world"
    )
    assert pae("", b"") == b"DSSEv1 0  0 "
    assert pae("é", "é".encode()) == "DSSEv1 2 é 2 é".encode()


@given(st.binary(max_size=200), st.text(st.characters(exclude_categories=["Cs"]), max_size=20))
def test_every_payload_comes_back_from_its_envelope(payload: bytes, payload_type: str) -> None:
    data = sign_envelope(payload, payload_type, signer(1))
    assert open_envelope(data, payload_type, signer(1).key, where="test") == payload
    envelope = parse_canonical(data, Envelope, where="test")
    assert [one.keyid for one in envelope.signatures] == [keyid_of(signer(1).key)]


@given(st.data())
def test_an_envelope_with_one_bit_flipped_does_not_open(data: st.DataObject) -> None:
    line = bytearray(sign_envelope(PAYLOAD, IN_TOTO, signer(1)))
    hint = line.index(b'"keyid":"') + len(b'"keyid":"')  # of 64 digits, that nobody signs and nobody believes
    at = data.draw(st.integers(0, len(line) - 1).filter(lambda place: not hint <= place < hint + 64))
    line[at] ^= 1 << data.draw(st.integers(0, 7))
    with pytest.raises(EvidenceError):
        open_envelope(bytes(line), IN_TOTO, signer(1).key, where="test")


def test_the_id_of_the_key_is_a_hint_and_not_believed() -> None:
    envelope = json.loads(sign_envelope(PAYLOAD, IN_TOTO, signer(1)))
    envelope["signatures"][0]["keyid"] = keyid_of(signer(2).key)
    with pytest.raises(EvidenceError, match="no signature"):
        open_envelope(json.dumps(envelope).encode(), IN_TOTO, signer(2).key, where="test")
    assert open_envelope(json.dumps(envelope).encode(), IN_TOTO, signer(1).key, where="test") == PAYLOAD


def test_an_envelope_of_another_type_is_refused_even_when_its_signature_holds() -> None:
    data = sign_envelope(PAYLOAD, "text/plain", signer(1))
    with pytest.raises(EvidenceError, match="another type"):
        open_envelope(data, IN_TOTO, signer(1).key, where="test")


def test_a_signature_among_others_is_found_and_unknown_keys_of_the_format_are_passed_over() -> None:
    first, second = (json.loads(sign_envelope(PAYLOAD, IN_TOTO, signer(number))) for number in (1, 2))
    both = first | {"signatures": first["signatures"] + second["signatures"], "more": 1}
    assert open_envelope(json.dumps(both).encode(), IN_TOTO, signer(2).key, where="test") == PAYLOAD


@pytest.mark.parametrize("payload", ["e30", "e30=\n", "e31=", "e3-="])
def test_a_payload_in_another_spelling_of_base64_is_refused(payload: str) -> None:
    envelope = json.loads(sign_envelope(b"{}", IN_TOTO, signer(1)))
    assert base64.b64decode(envelope["payload"]) == b"{}"
    with pytest.raises(EvidenceError, match="damaged"):
        open_envelope(json.dumps(envelope | {"payload": payload}).encode(), IN_TOTO, signer(1).key, where="test")


def test_only_a_key_in_a_file_makes_bare_signatures() -> None:
    assert isinstance(signer(1), BareSigner)
    assert not isinstance(AgentSigner(SecurityKey(SK_ED25519, seed=7).key, "touch", Path("id.pub")), BareSigner)


def test_the_id_of_a_key_is_that_of_securesystemslib() -> None:
    """SHA-256 of `{"keytype":"ed25519","keyval":{"public":"<hex>"},"scheme":"ed25519"}`, from its version 1.6.0."""
    assert keyid_of(signer(1).key) == "816219aecb29969fa104948678257af13ac9421951da3e14ccf28949f33c3126"

"""DSSE 1.0.2: an envelope around a payload, signed with a bare signature that tools of other houses can check.

A bare signature has no namespace. What keeps it apart from an SSHSIG by the same key is how the signed bytes
begin: `DSSEv1` here, `SSHSIG` there.
"""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Any, Literal, Protocol, runtime_checkable

import msgspec

from awo.canon.digest import sha256_hex
from awo.canon.json import canonical, parse
from awo.errors import CannotCheck, EvidenceError
from awo.sign.open import open_signer
from awo.sign.raw import ecdsa_kind
from awo.sign.seam import AskPassphrase
from awo.sign.sshkeys import ED25519, RSA, PublicKey, from_base64
from awo.sign.wire import WireError

IN_TOTO = "application/vnd.in-toto+json"
RSA_SCHEME = "rsassa-pss-sha256"


@runtime_checkable
class BareSigner(Protocol):
    """A key that signs bytes as they are, without SSH's envelope."""

    @property
    def key(self) -> PublicKey: ...

    def sign_bare(self, data: bytes) -> bytes:
        """Ed25519: 64 bytes. ECDSA: DER, with the hash of the curve (RFC 5656). RSA: PSS, SHA-256, salt of 32 bytes."""


class EnvelopeSignature(msgspec.Struct, frozen=True, kw_only=True):
    """One signature of an envelope, in base64."""

    keyid: str
    sig: str


class Envelope(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """The JSON of an envelope. Keys that the format does not know are passed over, as it asks."""

    payload: str
    payload_type: str
    signatures: list[EnvelopeSignature]


def pae(payload_type: str, payload: bytes) -> bytes:
    """The bytes that are signed: the pre-authentication encoding of DSSE (protocol.md, "Signature Definition")."""
    kind = payload_type.encode()
    return b"DSSEv1 %d %b %d %b" % (len(kind), kind, len(payload), payload)


def open_bare_signer(path: Path, passphrase: AskPassphrase) -> BareSigner:
    """The key in the file at `path`. Raises as `open_signer`, and `CannotCheck` for a key that is not in a file."""
    signer = open_signer(path, passphrase)
    if not isinstance(signer, BareSigner):
        raise CannotCheck(
            "a key in an ssh-agent or on a security key signs through ssh-keygen, which cannot sign an envelope",
            where=str(path),
            expected="a private key file",
            hint="make a key for attestations with `awo keys new ID`, and name its file with --key",
        )
    return signer


def sign_envelope(payload: bytes, payload_type: str, signer: BareSigner) -> bytes:
    """One line of JSON without newline: `payload` in an envelope with one signature, which was checked."""
    signature = signer.sign_bare(pae(payload_type, payload))
    envelope = Envelope(
        payload=_base64(payload),
        payload_type=payload_type,
        signatures=[EnvelopeSignature(keyid=keyid_of(signer.key), sig=_base64(signature))],
    )
    data = canonical(envelope)
    open_envelope(data, payload_type, signer.key, where="the new envelope")
    return data


def open_envelope(data: bytes, payload_type: str, key: PublicKey, *, where: str) -> bytes:
    """The payload, when a signature of `key` holds over it and this type. Raises `EvidenceError`."""
    envelope = parse(data, Envelope, where=where)
    if envelope.payload_type != payload_type:
        raise EvidenceError(
            "the envelope is of another type", where=where, expected=payload_type, got=ascii(envelope.payload_type)[:80]
        )
    try:
        payload = from_base64(envelope.payload)
        found = [from_base64(one.sig) for one in envelope.signatures]
    except WireError as problem:
        raise EvidenceError("the envelope is damaged", where=where, got=str(problem)) from problem
    signed = pae(payload_type, payload)
    if not any(_holds(key, signature, signed) for signature in found):
        raise EvidenceError(
            "no signature of the envelope holds", where=where, expected=f"one by {key.fingerprint} over these bytes"
        )
    return payload


def keyid_of(key: PublicKey) -> str:
    """The key's id as securesystemslib computes it, 64 hex digits: it accepts no signature under another one.

    It is the SHA-256 of `{"keytype", "keyval": {"public"}, "scheme"}` in OLPC's canonical JSON, which leaves the line
    breaks of a PEM text as they are.
    """
    kind, scheme, public = _described(key)
    text = f'{{"keytype":"{kind}","keyval":{{"public":"{public}"}},"scheme":"{scheme}"}}'
    return sha256_hex(text.encode("ascii"))


def pem_of(key: PublicKey) -> str:
    """The public key as SubjectPublicKeyInfo in PEM, as `openssl pkeyutl -pubin` reads it."""
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

    pem: bytes = _loaded(key).public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    return pem.decode("ascii")


def _described(key: PublicKey) -> tuple[Literal["ed25519", "rsa", "ecdsa"], str, str]:
    if key.algorithm == ED25519:
        return "ed25519", "ed25519", key.blob[-32:].hex()
    if key.algorithm == RSA:
        return "rsa", RSA_SCHEME, pem_of(key)
    return "ecdsa", key.algorithm, pem_of(key)


def _loaded(key: PublicKey) -> Any:
    from cryptography.hazmat.primitives.serialization import load_ssh_public_key

    return load_ssh_public_key(key.line.encode("ascii"))


def _holds(key: PublicKey, signature: bytes, data: bytes) -> bool:
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric import ec, padding

    public = _loaded(key)
    try:
        if key.algorithm == ED25519:
            public.verify(signature, data)
        elif key.algorithm == RSA:
            pss = padding.PSS(padding.MGF1(hashes.SHA256()), padding.PSS.DIGEST_LENGTH)
            public.verify(signature, data, pss, hashes.SHA256())
        else:
            public.verify(signature, data, ec.ECDSA(ecdsa_kind(key.algorithm)[1]))
    except InvalidSignature:
        return False
    return True


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode("ascii")

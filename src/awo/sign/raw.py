"""Bare signatures in the SSH wire format: is this one by that key over these bytes?

Sources: RFC 8332 (RSA), RFC 5656 (ECDSA), RFC 8709 (Ed25519), OpenSSH's PROTOCOL.u2f (security keys).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from awo.canon.digest import sha256_bytes
from awo.errors import CannotCheck
from awo.sign.sshkeys import ECDSA, ED25519, RSA, SK_ECDSA, SK_ED25519, PublicKey
from awo.sign.wire import Reader, WireError, uint32

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.hazmat.primitives.hashes import HashAlgorithm

USER_PRESENT = 0x01


def check_raw(key: PublicKey, signature: bytes, data: bytes) -> Literal["touch", "not proved"]:
    """What the signature proves about the person's presence, when `key` made it over `data`.

    Raises `WireError` with the reason when it did not, and when a security key signed without
    being touched: ssh-keygen lets that pass, a decision by a person cannot.
    """
    reader = Reader(signature)
    algorithm = reader.text()
    if key.algorithm == RSA:
        if algorithm not in ("rsa-sha2-512", "rsa-sha2-256"):
            raise WireError(f"an RSA signature must be rsa-sha2-512 or rsa-sha2-256, not {algorithm[:40]!r}")
        _check_rsa(key, _last(reader), data, algorithm)
        return "not proved"
    if algorithm != key.algorithm:
        raise WireError(f"the signature is {algorithm[:40]!r}, the key {key.algorithm!r}")
    if key.is_hardware:
        _check_hardware(key, reader, data)
        return "touch"
    body = _last(reader)
    if algorithm == ED25519:
        check_ed25519(_point(key), body, data)
    else:
        _check_ecdsa(algorithm, _point(key), body, data)
    return "not proved"


def ecdsa_kind(algorithm: str) -> tuple[ec.EllipticCurve, HashAlgorithm]:
    """The curve of an ECDSA algorithm and the hash that belongs to it (RFC 5656 section 6.2.1)."""
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric import ec

    kinds: dict[str, tuple[ec.EllipticCurve, HashAlgorithm]] = {
        "ecdsa-sha2-nistp256": (ec.SECP256R1(), hashes.SHA256()),
        "ecdsa-sha2-nistp384": (ec.SECP384R1(), hashes.SHA384()),
        "ecdsa-sha2-nistp521": (ec.SECP521R1(), hashes.SHA512()),
    }
    return kinds[algorithm]


def _last(reader: Reader) -> bytes:
    body = reader.string()
    reader.end()
    return body


def _point(key: PublicKey) -> bytes:
    """The public point of an Ed25519 or ECDSA key, hardware or not."""
    reader = Reader(key.blob)
    reader.string()
    if key.algorithm in ECDSA or key.algorithm == SK_ECDSA:
        reader.string()
    return reader.string()


def _check_hardware(key: PublicKey, reader: Reader, data: bytes) -> None:
    body, flags, counter = reader.string(), reader.raw(1), reader.uint32()
    reader.end()
    if not flags[0] & USER_PRESENT:
        raise WireError("the security key signed without being touched (its user-presence flag is 0)")
    application = _application(key)
    signed = sha256_bytes(application) + flags + uint32(counter) + sha256_bytes(data)
    if key.algorithm == SK_ED25519:
        check_ed25519(_point(key), body, signed)
    else:
        _check_ecdsa("ecdsa-sha2-nistp256", _point(key), body, signed)


def _application(key: PublicKey) -> bytes:
    reader = Reader(key.blob)
    for _ in range(2 if key.algorithm == SK_ED25519 else 3):
        reader.string()
    return reader.string()


def check_ed25519(point: bytes, body: bytes, data: bytes) -> None:
    """Raises `WireError` unless the key (32 bytes) made the signature `body` (64 bytes) over `data` (RFC 8032)."""
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    try:
        Ed25519PublicKey.from_public_bytes(point).verify(body, data)
    except (InvalidSignature, ValueError) as problem:
        raise WireError("other bytes, another key, or an altered signature") from problem


def check_ml_dsa_44(public: bytes, body: bytes, data: bytes) -> None:
    """Raises `WireError` unless the key (1312 bytes) made the signature `body` (2420 bytes) over `data`.

    Source: FIPS 204 with an empty context. Raises `CannotCheck` where this installation has no ML-DSA-44.
    """
    from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PublicKey

    try:
        MLDSA44PublicKey.from_public_bytes(public).verify(body, data)
    except (InvalidSignature, ValueError) as problem:
        raise WireError("other bytes, another key, or an altered signature") from problem
    except UnsupportedAlgorithm as problem:
        raise no_ml_dsa() from problem


def no_ml_dsa() -> CannotCheck:
    """The error of an installation whose cryptography was built without ML-DSA-44."""
    return CannotCheck(
        "this installation's cryptography has no ML-DSA-44", hint="pip install --upgrade cryptography, from a wheel"
    )


def _check_ecdsa(algorithm: str, point: bytes, body: bytes, data: bytes) -> None:
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature

    curve, hash_algorithm = ecdsa_kind(algorithm)
    reader = Reader(body)
    r, s = reader.mpint(), reader.mpint()
    reader.end()
    try:
        public = ec.EllipticCurvePublicKey.from_encoded_point(curve, point)
        public.verify(encode_dss_signature(r, s), data, ec.ECDSA(hash_algorithm))
    except (InvalidSignature, ValueError) as problem:
        raise WireError("other bytes, another key, or an altered signature") from problem


def _check_rsa(key: PublicKey, body: bytes, data: bytes, algorithm: str) -> None:
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric import padding, rsa

    reader = Reader(key.blob)
    reader.string()
    e, n = reader.mpint(), reader.mpint()
    hash_algorithm = hashes.SHA512() if algorithm == "rsa-sha2-512" else hashes.SHA256()
    try:
        rsa.RSAPublicNumbers(e, n).public_key().verify(body, data, padding.PKCS1v15(), hash_algorithm)
    except (InvalidSignature, ValueError) as problem:
        raise WireError("other bytes, another key, or an altered signature") from problem

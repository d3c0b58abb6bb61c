"""Checks the signature in a time stamp by the certificate that it carries, whoever issued that (RFC 5652, RFC 5816).

A library verifies the way to a root; this finds an altered stamp where the reader has no roots.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

from awo.errors import EvidenceError
from awo.sign.der import FIRST, INTEGER, OCTETS, OID, SEQUENCE, SET, Element, oid, only

SIGNED_DATA: Final = oid("1.2.840.113549.1.7.2")
TST_INFO: Final = oid("1.2.840.113549.1.9.16.1.4")
CONTENT_TYPE: Final = oid("1.2.840.113549.1.9.3")
MESSAGE_DIGEST: Final = oid("1.2.840.113549.1.9.4")
SIGNING_CERTIFICATE: Final = oid("1.2.840.113549.1.9.16.2.12")
SIGNING_CERTIFICATE_V2: Final = oid("1.2.840.113549.1.9.16.2.47")

_DIGESTS: Final = {
    oid("2.16.840.1.101.3.4.2.1"): "SHA256",
    oid("2.16.840.1.101.3.4.2.2"): "SHA384",
    oid("2.16.840.1.101.3.4.2.3"): "SHA512",
}
_RSA: Final = {
    oid("1.2.840.113549.1.1.1"): "",
    oid("1.2.840.113549.1.1.11"): "SHA256",
    oid("1.2.840.113549.1.1.12"): "SHA384",
    oid("1.2.840.113549.1.1.13"): "SHA512",
}
_ECDSA: Final = {
    oid("1.2.840.10045.2.1"): "",
    oid("1.2.840.10045.4.3.2"): "SHA256",
    oid("1.2.840.10045.4.3.3"): "SHA384",
    oid("1.2.840.10045.4.3.4"): "SHA512",
}

_ELSEWHERE: Final = frozenset({oid("1.2.840.113549.1.1.10"), oid("1.3.101.112"), oid("1.3.101.113")})
"""RSASSA-PSS, Ed25519, Ed448."""


class NotAlone(Exception):
    """The signature is of a kind that only the library can check, and that needs roots."""


def check_token(token: bytes, certificates: Iterable[bytes]) -> None:
    """Returns when the one signer of the token, a ContentInfo in DER, has signed it with one of these certificates.

    Raises `EvidenceError` where the signature does not hold, and `NotAlone` for a kind that is not checked here.
    """
    digests, content, signer = _signed_data(token)
    version, sid, digest, attributes, algorithm, signature = _parts(signer)
    if version.contents != b"\x01" or sid.tag != SEQUENCE:
        raise EvidenceError("the signer of the time stamp is not named by issuer and number")
    hash_name = _DIGESTS.get(_first_oid(digest))
    if hash_name is None or [_first_oid(one) for one in digests] != [_first_oid(digest)]:
        raise EvidenceError("the time stamp is signed over a weak digest", expected="SHA-256, SHA-384 or SHA-512")
    values = _values(attributes)
    if values.get(CONTENT_TYPE) != only_oid(TST_INFO) or values.get(MESSAGE_DIGEST) != _octets(
        _hash(hash_name, content)
    ):
        raise EvidenceError("what the time stamp says is not what was signed")
    certificate = _certificate_of(sid, certificates)
    if not _is_named(values, certificate):
        raise EvidenceError("the time stamp was signed with another certificate than it carries")
    signed = bytes([SET]) + attributes.whole[1:]
    if not _holds(certificate, _first_oid(algorithm), hash_name, signature.contents, signed):
        raise EvidenceError("the signature of the time stamp does not hold")


def _signed_data(token: bytes) -> tuple[list[Element], bytes, Element]:
    """The digests that are named, the TSTInfo, and the one SignerInfo."""
    kind, wrapped = _exactly(only(token, SEQUENCE), 2)
    data = only(wrapped.contents, SEQUENCE).inside()
    if kind.contents != SIGNED_DATA or len(data) < 4 or data[0].contents != b"\x03":
        raise EvidenceError("the token of the time stamp is no signed data")
    content_type, content = _exactly(data[2], 2)
    if content_type.contents != TST_INFO:
        raise EvidenceError("the token of the time stamp is about something else")
    signers = data[-1].inside()
    if data[-1].tag != SET or len(signers) != 1:
        raise EvidenceError("the time stamp must have one signer", got=str(len(signers)))
    return data[1].inside(), only(content.contents, OCTETS).contents, signers[0]


def _parts(signer: Element) -> list[Element]:
    """Version, signer's id, digest, attributes, algorithm, signature; there may be no unsigned attributes."""
    parts = _exactly(signer, 6)
    if (parts[0].tag, parts[3].tag, parts[5].tag) != (INTEGER, FIRST, OCTETS):
        raise EvidenceError("the signature of the time stamp has another form")
    return parts


def _exactly(element: Element, count: int) -> list[Element]:
    parts = element.inside()
    if len(parts) != count:
        raise EvidenceError("a part of the time stamp has another form")
    return parts


def _values(attributes: Element) -> dict[bytes, bytes]:
    """The one value of each signed attribute, whole, by the attribute's type."""
    found: dict[bytes, bytes] = {}
    for attribute in attributes.inside():
        kind, values = _exactly(attribute, 2)
        if kind.contents in found:
            raise EvidenceError("an attribute of the time stamp stands twice")
        found[kind.contents] = values.contents
    return found


def _certificate_of(sid: Element, certificates: Iterable[bytes]) -> bytes:
    """The certificate, in DER, whose issuer and number the signer's id names."""
    from cryptography import x509

    issuer, number = _exactly(sid, 2)
    for der in certificates:
        try:
            certificate = x509.load_der_x509_certificate(der)
            is_it = certificate.issuer.public_bytes() == issuer.whole
        except ValueError:
            continue
        if is_it and certificate.serial_number == int.from_bytes(number.contents, "big", signed=True):
            return der
    raise EvidenceError("the time stamp does not carry the certificate of its signer")


def _is_named(values: dict[bytes, bytes], certificate: bytes) -> bool:
    """Whether the first ESSCertID that was signed is that of the certificate (RFC 2634, RFC 5035)."""
    if (data := values.get(SIGNING_CERTIFICATE_V2)) is not None:
        parts = _first_id(data).inside()
        name: str | None = "SHA256"
        if parts and parts[0].tag == SEQUENCE:
            name, parts = _DIGESTS.get(_first_oid(parts[0])), parts[1:]
        return name is not None and bool(parts) and parts[0].contents == _hash(name, certificate)
    if (data := values.get(SIGNING_CERTIFICATE)) is not None:
        parts = _first_id(data).inside()
        return bool(parts) and parts[0].contents == _hash("SHA1", certificate)
    return False


def _first_id(data: bytes) -> Element:
    lists = only(data, SEQUENCE).inside()
    ids = lists[0].inside() if lists else []
    if not ids:
        raise EvidenceError("the time stamp does not name its certificate")
    return ids[0]


def _holds(certificate: bytes, algorithm: bytes, hash_name: str, signature: bytes, signed: bytes) -> bool:
    from cryptography import x509
    from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa

    try:
        key = x509.load_der_x509_certificate(certificate).public_key()
        if isinstance(key, rsa.RSAPublicKey) and _RSA.get(algorithm) in ("", hash_name):
            key.verify(signature, signed, padding.PKCS1v15(), _hash_of(hash_name))
        elif isinstance(key, ec.EllipticCurvePublicKey) and _ECDSA.get(algorithm) in ("", hash_name):
            key.verify(signature, signed, ec.ECDSA(_hash_of(hash_name)))
        elif algorithm in _ELSEWHERE:
            raise NotAlone
        else:
            return False
    except InvalidSignature:
        return False
    except (ValueError, UnsupportedAlgorithm) as error:
        raise EvidenceError("the certificate of the time stamp cannot be read", got=str(error)[:200]) from error
    return True


def _hash_of(name: str) -> Any:
    from cryptography.hazmat.primitives import hashes

    return getattr(hashes, name)()


def _hash(name: str, data: bytes) -> bytes:
    from cryptography.hazmat.primitives import hashes

    running = hashes.Hash(_hash_of(name))
    running.update(data)
    return running.finalize()


def _first_oid(element: Element) -> bytes:
    parts = element.inside()
    if not parts or parts[0].tag != OID:
        raise EvidenceError("a part of the time stamp has another form")
    return parts[0].contents


def only_oid(contents: bytes) -> bytes:
    """An object identifier, whole."""
    return bytes([OID, len(contents)]) + contents


def _octets(contents: bytes) -> bytes:
    return bytes([OCTETS, len(contents)]) + contents

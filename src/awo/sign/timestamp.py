"""RFC 3161 time stamps: a request, and what a response says and proves, without a network. The only door to the
library `rfc3161_client`, which is loaded late."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final, NamedTuple

from awo import plugins
from awo.canon.digest import digest_named
from awo.errors import CannotCheck, EvidenceError, UsageError
from awo.sign.der import SEQUENCE, only
from awo.sign.timestamp_token import NotAlone, check_token

LARGEST_STAMP_BYTES: Final = 1 << 20
REQUEST_TYPE: Final = "application/timestamp-query"
REPLY_TYPE: Final = "application/timestamp-reply"

_HASHES: Final = {
    "2.16.840.1.101.3.4.2.1": "SHA-256",
    "2.16.840.1.101.3.4.2.2": "SHA-384",
    "2.16.840.1.101.3.4.2.3": "SHA-512",
}
_GRANTED: Final = 0
_PEM_BEGIN: Final = b"-----BEGIN CERTIFICATE-----"
_PEM_END: Final = b"-----END CERTIFICATE-----"


class Request(NamedTuple):
    """A TimeStampReq in DER, and the nonce that its answer must repeat."""

    data: bytes
    nonce: int


@dataclass(frozen=True, slots=True)
class Stamp:
    """What a time stamp claims: when, by which authority (its name, '' where it gives none), under which policy and
    serial number, and over which digest (`hash_name`, `imprint`). `nonce` is None where it repeats none."""

    at: datetime
    authority: str
    policy: str
    serial_number: int
    hash_name: str
    imprint: bytes
    nonce: int | None

    @property
    def said(self) -> str:
        """The claim in a line."""
        name = self.authority or "an authority without a name"
        return (
            f"{self.at:%Y-%m-%dT%H:%M:%S}Z by {name}, policy {self.policy}, serial number {self.serial_number}, "
            f"{self.hash_name} {self.imprint.hex()}"
        )

    def is_over(self, data: bytes) -> bool:
        """Whether the stamp is over exactly these bytes."""
        return digest_named(self.hash_name, data) == self.imprint


class Roots(NamedTuple):
    """Certificates of authorities that somebody trusts, in DER."""

    certificates: tuple[bytes, ...]


def new_request(data: bytes) -> Request:
    """A request for a time stamp over `data`: SHA-256, a random nonce, and the authority's certificate asked for.

    Raises `CannotCheck` where the extra `time` is not installed.
    """
    library = _library()
    from rfc3161_client.base import HashAlgorithm

    builder = library.TimestampRequestBuilder().data(data).hash_algorithm(HashAlgorithm.SHA256)
    made = builder.nonce(nonce=True).cert_request(cert_request=True).build()
    return Request(made.as_bytes(), made.nonce)


def read_stamp(data: bytes, where: str) -> Stamp:
    """What the time stamp in `data`, a TimeStampResp in DER, claims; its signature holds by its own certificate.

    Whether anybody trusts that certificate is another question (`why_untrusted`). Raises `EvidenceError`, naming
    `where`, for bytes that are no granted time stamp, a weak digest, and a signature that does not hold; and
    `CannotCheck` where the extra `time` is not installed.
    """
    response = _decoded(data, where)
    try:
        stamp = _claim(response.tst_info)
        token, certificates = response.time_stamp_token(), list(response.signed_data.certificates)
    except Exception as error:  # the library raises errors of many kinds over hostile bytes
        raise _no_stamp(where, error) from error
    if stamp.hash_name not in _HASHES.values():
        expected = ", ".join(_HASHES.values())
        raise EvidenceError("the time stamp is over a weak digest", where=where, expected=expected, got=stamp.hash_name)
    try:
        with _quietly():
            check_token(token, certificates)
    except EvidenceError as error:
        raise EvidenceError(error.what, where=where, expected=error.expected, got=error.got) from error
    except NotAlone:
        pass  # `why_untrusted` checks it on its way to a root
    except Exception as error:  # so does the reader of certificates
        raise _no_stamp(where, error) from error
    return stamp


def why_untrusted(data: bytes, message: bytes, roots: Roots) -> str:
    """Why the time stamp in `data` over `message` does not lead to one of `roots`, or '' when it does.

    Each certificate on the way must have been valid when the stamp was made, and the signer's must be for time
    stamps alone to be so used. `data` must have been read before. Raises `EvidenceError` for a signature that does
    not hold, `CannotCheck` without the extra `time` and for roots that cannot be read.
    """
    from cryptography import x509

    library = _library()
    response = _decoded(data, "")
    try:
        with _quietly():
            certificates = [x509.load_der_x509_certificate(der) for der in roots.certificates]
        verifier = library.VerifierBuilder(roots=list(dict.fromkeys(certificates))).build()
    except ValueError as error:
        raise CannotCheck("a certificate of an authority cannot be read", got=str(error)[:200]) from error
    try:
        with _quietly():
            verifier.verify_message(response, message)
    except Exception as error:  # as in `read_stamp`
        return _why(error)
    return ""


def read_roots(pem: bytes, where: str, *, is_lenient: bool = False) -> Roots:
    """The certificates in a PEM file. Raises `UsageError` where there is none, or one that cannot be read.

    A `is_lenient` reading passes over what it cannot read: in the store of a system there may be such.
    """
    from cryptography import x509

    found: dict[bytes, None] = {}
    for piece in pem.split(_PEM_BEGIN)[1:]:
        try:
            with _quietly():
                certificate = x509.load_pem_x509_certificate(_PEM_BEGIN + piece.partition(_PEM_END)[0] + _PEM_END)
        except ValueError as error:
            if is_lenient:
                continue
            raise UsageError("a certificate in this file cannot be read", where=where, got=str(error)[:200]) from error
        found[certificate.public_bytes(_der())] = None
    if not found:
        raise UsageError(
            "there is no certificate in this file",
            where=where,
            expected="certificates of authorities in PEM",
            hint="an authority publishes its own; `openssl x509 -inform der -in FILE` turns DER into PEM",
        )
    return Roots(tuple(found))


def _decoded(data: bytes, where: str) -> Any:
    """The response, granted, to its last byte."""
    library = _library()
    if len(data) > LARGEST_STAMP_BYTES:
        raise EvidenceError("the time stamp is too large", where=where, expected=f"at most {LARGEST_STAMP_BYTES} bytes")
    try:
        only(data, SEQUENCE)
        response = library.decode_timestamp_response(data)
        status = response.status
        words = "; ".join(str(text)[:200] for text in (response.status_string or ())[:5])
    except Exception as error:  # as in `read_stamp`
        raise _no_stamp(where, error) from error
    if status != _GRANTED:
        raise EvidenceError(
            "the authority did not grant a time stamp", where=where, expected="status 0", got=f"status {status} {words}"
        )
    return response


@contextmanager
def _quietly() -> Iterator[None]:
    """Without the warnings about old certificates, of which any system has some."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def _no_stamp(where: str, error: Exception) -> EvidenceError:
    return EvidenceError("this is not a time stamp", where=where, got=str(error)[:200])


def _claim(info: Any) -> Stamp:
    """What the library has read. A digest of another kind is called by its number."""
    algorithm = info.message_imprint.hash_algorithm.dotted_string
    name = getattr(info.name, "value", "")
    return Stamp(
        at=_as_utc(info.gen_time),
        authority=str(name.rfc4514_string() if hasattr(name, "rfc4514_string") else name)[:400],
        policy=info.policy.dotted_string,
        serial_number=info.serial_number,
        hash_name=_HASHES.get(algorithm, algorithm),
        imprint=info.message_imprint.message,
        nonce=info.nonce,
    )


def _as_utc(at: datetime) -> datetime:
    return at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)


def _why(error: Exception) -> str:
    """What the library says, in words. Raises `EvidenceError` where it is no question of trust."""
    said = str(error)
    if "Verify error: " in said:
        return said.partition("Verify error: ")[2].partition('"')[0]
    if "EKU" in said or "KeyPurposeID" in said:
        return "the certificate of the signer is not for time stamps"
    raise EvidenceError("the time stamp does not hold", got=said[:200]) from error


def _der() -> Any:
    from cryptography.hazmat.primitives.serialization import Encoding

    return Encoding.DER


def _library() -> Any:
    if plugins.missing_modules(["rfc3161_client"]):
        raise CannotCheck(
            "time stamps need the package rfc3161_client, which is not installed",
            hint=plugins.how_to_install(["rfc3161_client"]),
        )
    import rfc3161_client

    return rfc3161_client

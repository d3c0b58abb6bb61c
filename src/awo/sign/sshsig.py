"""The SSHSIG format: what is signed, the envelope, its armor, and the check of all three (PROTOCOL.sshsig)."""

from __future__ import annotations

import base64
from dataclasses import dataclass
from typing import Literal

from awo.canon.digest import sha256_bytes, sha512_bytes
from awo.errors import EvidenceError
from awo.sign.raw import check_raw
from awo.sign.sshkeys import PublicKey, from_base64
from awo.sign.wire import LARGEST_BYTES, Reader, WireError, string, uint32

MAGIC = b"SSHSIG"
VERSION = 1
HASH = "sha512"
COLUMNS = 70
BEGIN = "-----BEGIN SSH SIGNATURE-----\n"
END = "-----END SSH SIGNATURE-----\n"

_HASHES = {"sha512": sha512_bytes, "sha256": sha256_bytes}


@dataclass(frozen=True, slots=True)
class VerifiedSignature:
    """A signature that holds: the key that made it, and what it proves about the person.

    `presence` is `touch` when a security key says that somebody touched it, else `not proved`.
    """

    key: PublicKey
    presence: Literal["touch", "not proved"]


@dataclass(frozen=True, slots=True)
class Envelope:
    """The parts of a signature file, nothing checked but their form."""

    key: PublicKey
    namespace: str
    hash_name: str
    signature: bytes


def signed_bytes(message: bytes, namespace: str, hash_name: str = HASH) -> bytes:
    """The bytes that the key signs: magic, namespace, an empty field, the hash's name and the hash of `message`."""
    digest = _HASHES[hash_name](message)
    return MAGIC + string(namespace.encode("ascii")) + string(b"") + string(hash_name.encode("ascii")) + string(digest)


def envelope(key: PublicKey, namespace: str, signature: bytes) -> bytes:
    """The blob of a signature file. `signature` is in the SSH wire format, its algorithm's name first."""
    return (
        MAGIC
        + uint32(VERSION)
        + string(key.blob)
        + string(namespace.encode("ascii"))
        + string(b"")
        + string(HASH.encode("ascii"))
        + string(signature)
    )


def armor(blob: bytes) -> str:
    """The text of a `.sig` file, byte for byte as ssh-keygen writes it: 70 columns, a final newline."""
    encoded = base64.b64encode(blob).decode("ascii")
    lines = [encoded[start : start + COLUMNS] + "\n" for start in range(0, len(encoded), COLUMNS)]
    return BEGIN + "".join(lines) + END


def read(armored: bytes, *, where: str) -> Envelope:
    """The parts of a `.sig` file. Raises `EvidenceError` unless it is the one canonical spelling of them."""
    try:
        return _open(_bare(armored))
    except WireError as problem:
        raise EvidenceError(
            "this is not a signature file",
            where=where,
            expected="an SSH signature (SSHSIG) as ssh-keygen -Y sign writes it",
            got=str(problem),
        ) from problem


def verify(armored: bytes, message: bytes, namespace: str, *, where: str) -> VerifiedSignature:
    """Checks that `armored` signs exactly `message` for `namespace`.

    Stricter than `ssh-keygen -Y verify`: one spelling only, no reserved bytes, no SHA-1, RSA of
    2048 bits and more, and a security key must say that it was touched. Whether the key is
    anybody's is another question (`AllowedSigners.may_sign`). Raises `EvidenceError`.
    """
    parts = read(armored, where=where)
    if parts.namespace != namespace:
        raise EvidenceError(
            "the signature was made for another purpose", where=where, expected=namespace, got=parts.namespace
        )
    data = signed_bytes(message, namespace, parts.hash_name)
    try:
        presence = check_raw(parts.key, parts.signature, data)
    except WireError as problem:
        raise EvidenceError(
            "the signature does not hold",
            where=where,
            expected=f"a signature by {parts.key.fingerprint} over these bytes",
            got=str(problem),
        ) from problem
    return VerifiedSignature(parts.key, presence)


def _bare(armored: bytes) -> bytes:
    """The blob inside the armor; `WireError` when armouring it again gives other bytes."""
    if len(armored) > 2 * LARGEST_BYTES:
        raise WireError("the file is too large")
    try:
        text = armored.decode("ascii")
    except UnicodeDecodeError as problem:
        raise WireError("the file is not ASCII") from problem
    if not (text.startswith(BEGIN) and text.endswith(END)):
        raise WireError("the first or the last line is not that of a signature")
    blob = from_base64(text[len(BEGIN) : -len(END)].replace("\n", ""))
    if armor(blob) != text:
        raise WireError("the lines are not broken as ssh-keygen breaks them")
    return blob


def _open(blob: bytes) -> Envelope:
    reader = Reader(blob)
    if reader.raw(len(MAGIC)) != MAGIC:
        raise WireError("the magic bytes are missing")
    if (version := reader.uint32()) != VERSION:
        raise WireError(f"version {version} instead of {VERSION}")
    key = PublicKey.from_blob(reader.string())
    namespace = reader.text()
    if reader.string():
        raise WireError("the reserved field is not empty")
    hash_name = reader.text()
    if hash_name not in _HASHES:
        raise WireError(f"the hash is {hash_name[:40]!r} instead of sha512 or sha256")
    signature = reader.string()
    reader.end()
    return Envelope(key, namespace, hash_name, signature)

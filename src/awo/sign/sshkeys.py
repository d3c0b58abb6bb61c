"""Public keys in OpenSSH's spelling: what a key is, its fingerprint and its line. Needs no cryptography."""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass, field

from awo.canon.digest import sha256_bytes
from awo.errors import AwoError, UsageError
from awo.plugins import nearest
from awo.sign.wire import Reader, WireError

ED25519 = "ssh-ed25519"
RSA = "ssh-rsa"
SK_ED25519 = "sk-ssh-ed25519@openssh.com"
SK_ECDSA = "sk-ecdsa-sha2-nistp256@openssh.com"
ECDSA = {"ecdsa-sha2-nistp256": 32, "ecdsa-sha2-nistp384": 48, "ecdsa-sha2-nistp521": 66}
"""Each ECDSA algorithm with the bytes of one coordinate."""

ALGORITHMS = (ED25519, *ECDSA, RSA, SK_ED25519, SK_ECDSA)
_FIELD = (1 << 255) - 19
_OF_ORDER_8 = 2707385501144840649318225287225658788936804267575313519463743609750303402022
_SMALL_ORDER = frozenset({0, 1, _FIELD - 1, _OF_ORDER_8, _FIELD - _OF_ORDER_8})
"""The y of every point of Curve25519 in Edwards form with an order of 8 or less."""

SMALLEST_RSA_BITS = 2048
LARGEST_RSA_BITS = 16384


@dataclass(frozen=True, slots=True)
class PublicKey:
    """A public key. Two keys are equal when their bytes are; the comment is nobody's promise.

    `blob` is the key in the SSH wire format, `algorithm` its first string. Build one with
    `from_blob` or `parse`, which check that the blob is whole and of a kind that AWO accepts.
    """

    algorithm: str
    blob: bytes
    comment: str = field(default="", compare=False)

    @classmethod
    def from_blob(cls, blob: bytes, *, comment: str = "") -> PublicKey:
        """The key in `blob`. Raises `WireError` for a key of another kind, too weak, or with bytes left over."""
        reader = Reader(blob)
        algorithm = reader.text()
        _check_fields(reader, algorithm)
        reader.end()
        return cls(algorithm, blob, comment)

    @classmethod
    def parse(cls, line: str, *, where: str, error: type[AwoError] = UsageError) -> PublicKey:
        """The key in `ssh-ed25519 AAAA... comment`, the line of a `.pub` file.

        Raises `error`, naming `where`, when the line is anything else.
        """
        if any(not c.isprintable() for c in line.strip()):
            raise error("a public key must be one line of printable text", where=where)
        parts = line.split(None, 2)
        if len(parts) < 2:
            raise error("this is not a public key", where=where, expected="a line like 'ssh-ed25519 AAAA... comment'")
        name, encoded = parts[:2]
        if name not in ALGORITHMS:
            near = nearest(name, ALGORITHMS)
            raise error(
                "this kind of key is not accepted",
                where=where,
                expected=", ".join(ALGORITHMS),
                got=name[:80],
                hint=f"did you mean {near!r}?" if near else "make one with: ssh-keygen -t ed25519",
            )
        try:
            key = cls.from_blob(from_base64(encoded), comment=parts[2].strip() if len(parts) == 3 else "")
        except WireError as problem:
            raise error("this public key is damaged", where=where, got=str(problem)) from problem
        if key.algorithm != name:
            raise error(
                "this public key is of another kind than it says", where=where, expected=name, got=key.algorithm
            )
        return key

    @property
    def fingerprint(self) -> str:
        """`SHA256:` and 43 characters of base64, as `ssh-keygen -l` prints it."""
        return "SHA256:" + base64.b64encode(sha256_bytes(self.blob)).decode("ascii").rstrip("=")

    @property
    def line(self) -> str:
        """`ssh-ed25519 AAAA...`: algorithm and key, without comment or newline."""
        return f"{self.algorithm} {base64.b64encode(self.blob).decode('ascii')}"

    @property
    def is_hardware(self) -> bool:
        """Whether a security key holds it (FIDO), whose signatures say if somebody touched the device."""
        return self.algorithm in (SK_ED25519, SK_ECDSA)


def from_base64(text: str) -> bytes:
    """The bytes of canonical base64. Raises `WireError` for any other spelling, spare bits included."""
    try:
        data = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as problem:
        raise WireError("the base64 is damaged") from problem
    if base64.b64encode(data).decode("ascii") != text:
        raise WireError("the base64 is not in its one canonical spelling")
    return data


def refuse_small_order(point: bytes) -> None:
    """Raises `WireError` for an Ed25519 key whose point has an order of 8 or less: anybody can sign in its name.

    Source: RFC 8032 section 5.1. Some libraries take such a key, and then one signature holds over many texts.
    """
    y = int.from_bytes(point, "little") & ((1 << 255) - 1)  # the highest bit is the sign of x
    if y % _FIELD in _SMALL_ORDER:
        raise WireError("an Ed25519 key of small order, in whose name anybody can sign")


def _check_fields(reader: Reader, algorithm: str) -> None:
    """Reads the fields after the algorithm's name (RFC 4253 6.6, RFC 5656 3.1, RFC 8709 4, PROTOCOL.u2f)."""
    if algorithm in (ED25519, SK_ED25519):
        point = reader.string()
        if len(point) != 32:
            raise WireError("an Ed25519 key has 32 bytes")
        refuse_small_order(point)
    elif algorithm in ECDSA or algorithm == SK_ECDSA:
        curve = "nistp256" if algorithm == SK_ECDSA else algorithm.removeprefix("ecdsa-sha2-")
        if reader.text() != curve:
            raise WireError("the curve is not the one that the algorithm names")
        point = reader.string()
        if len(point) != 1 + 2 * ECDSA[f"ecdsa-sha2-{curve}"] or point[0] != 4:
            raise WireError("the point is not in the uncompressed form of its curve")
    elif algorithm == RSA:
        reader.mpint()
        bits = reader.mpint().bit_length()
        if not SMALLEST_RSA_BITS <= bits <= LARGEST_RSA_BITS:
            raise WireError(f"an RSA key must have {SMALLEST_RSA_BITS} to {LARGEST_RSA_BITS} bits, this one has {bits}")
    else:
        raise WireError(f"a key of kind {algorithm[:80]!r} is not accepted")
    if algorithm in (SK_ED25519, SK_ECDSA):
        reader.text()

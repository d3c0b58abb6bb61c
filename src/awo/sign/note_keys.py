"""Private keys that sign notes: made, opened, and the kinds of signature they give."""

from __future__ import annotations

import struct
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Protocol

from awo.errors import UsageError
from awo.sign.make_key import write_once, write_private
from awo.sign.note import Kind, NoteSignature, VerifierKey, cosigned_bytes, subtree_bytes, why_not_a_name
from awo.sign.private_text import OPENSSH_BEGIN, is_private, read_key_file
from awo.sign.raw import no_ml_dsa

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric import ed25519, mldsa

Algorithm = Literal["ed25519", "ml-dsa-44"]

Seconds = Callable[[], int]
"""Gives the seconds since 1970-01-01T00:00:00Z."""


class NoteSigner(Protocol):
    """A key that is ready to sign notes under its name, in one kind of signature."""

    @property
    def vkey(self) -> VerifierKey:
        """What others check its signatures with."""

    def sign(self, text: str) -> NoteSignature:
        """The signature over the text of a note, which ends with a newline.

        A cosignature states the time; its text must be a checkpoint, else `WireError`.
        """


def _now_s() -> int:
    return int(time.time())


@dataclass(frozen=True, slots=True)
class NoteKey:
    """A private key from a file, which has no name yet. `public` are its raw bytes."""

    algorithm: Algorithm
    public: bytes
    private: ed25519.Ed25519PrivateKey | mldsa.MLDSA44PrivateKey

    def __repr__(self) -> str:
        return f"NoteKey({self.algorithm}, {self.public[:8].hex()}...)"


@dataclass(frozen=True, slots=True)
class KeySigner:
    """A `NoteSigner` whose key is in memory. Build one with `log_signer` or `cosigner`."""

    vkey: VerifierKey
    key: NoteKey
    now_s: Seconds = _now_s

    def sign(self, text: str) -> NoteSignature:
        return NoteSignature(self.vkey.name, self.vkey.key_id, self._sign(text))

    def _sign(self, text: str) -> bytes:
        private: Any = self.key.private
        if self.vkey.kind is Kind.ED25519:
            return bytes(private.sign(text.encode()))
        at_s = self.now_s()
        if self.vkey.kind is Kind.COSIGNATURE_ED25519:
            message = cosigned_bytes(text, at_s)
        else:
            message = subtree_bytes(self.vkey.name, text, at_s)
        return struct.pack(">Q", at_s) + bytes(private.sign(message))


def log_signer(name: str, key: NoteKey, *, now_s: Seconds = _now_s) -> KeySigner:
    """How a log signs its checkpoints under the name `name`, its origin: kind 0x01, or 0x06 for an ML-DSA-44 key.

    Raises `UsageError` for a name that cannot name a key.
    """
    return _signer(name, key, Kind.ED25519 if key.algorithm == "ed25519" else Kind.COSIGNATURE_ML_DSA_44, now_s)


def cosigner(name: str, key: NoteKey, *, now_s: Seconds = _now_s) -> KeySigner:
    """How a witness signs the checkpoints of others: kind 0x04, or 0x06 for an ML-DSA-44 key. As `log_signer`."""
    kind = Kind.COSIGNATURE_ED25519 if key.algorithm == "ed25519" else Kind.COSIGNATURE_ML_DSA_44
    return _signer(name, key, kind, now_s)


def make_note_key(path: Path, *, algorithm: Algorithm = "ed25519") -> NoteKey:
    """Writes a new private key (PKCS8 as PEM, not encrypted, mode 600) at `path`, and gives it.

    Makes the folder too. Raises `UsageError` when there is a file already, `CannotCheck` when it cannot be written
    or this installation's cryptography has no ML-DSA-44.
    """
    write_private(path, _new_private(algorithm))
    return open_note_key(path)


def make_note_key_once(path: Path, *, algorithm: Algorithm = "ed25519") -> NoteKey:
    """The key at `path`, made as by `make_note_key` unless it is there. Processes that ask at once get the same key."""
    write_once(path, lambda half: write_private(half, _new_private(algorithm)))
    return open_note_key(path)


def open_note_key(path: Path) -> NoteKey:
    """The private key in the file at `path`: Ed25519 as PKCS8 or OpenSSH, ML-DSA-44 as PKCS8, without a passphrase.

    Raises `CannotCheck` when it cannot be read, `UsageError` for a file that others can read and for any other key.
    """
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PrivateKey
    from cryptography.hazmat.primitives.serialization import load_pem_private_key, load_ssh_private_key

    data = read_key_file(path, private=True)
    try:
        if not is_private(data):
            raise ValueError("no private key in OpenSSH or PEM format")
        load = load_ssh_private_key if data.lstrip().startswith(OPENSSH_BEGIN) else load_pem_private_key
        private = load(data, None)
        if isinstance(private, Ed25519PrivateKey):
            return NoteKey("ed25519", private.public_key().public_bytes_raw(), private)
        if isinstance(private, MLDSA44PrivateKey):
            return NoteKey("ml-dsa-44", private.public_key().public_bytes_raw(), private)
        raise ValueError("a key of another kind")
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:  # TypeError: the key is encrypted
        raise UsageError(
            "this key cannot sign notes",
            where=str(path),
            expected="a private key, Ed25519 or ML-DSA-44, without a passphrase",
            got=str(error).split("\n", 1)[0][:200],
        ) from error


def _signer(name: str, key: NoteKey, kind: Kind, now_s: Seconds) -> KeySigner:
    if why := why_not_a_name(name):
        raise UsageError("this cannot name a key of notes", expected="a name like example.org/log", got=why)
    return KeySigner(VerifierKey(name, kind, key.public), key, now_s)


def _new_private(algorithm: Algorithm) -> bytes:
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PrivateKey
    from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

    try:
        private = Ed25519PrivateKey.generate() if algorithm == "ed25519" else MLDSA44PrivateKey.generate()
    except UnsupportedAlgorithm as error:
        raise no_ml_dsa() from error
    return private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())

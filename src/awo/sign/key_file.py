"""The scheme `file`: a private key in a file, signed with here. Ed25519, ECDSA and RSA."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from awo.errors import CannotCheck, UsageError
from awo.sign import sshsig
from awo.sign.private_text import OPENSSH_BEGIN, is_private, read_key_file
from awo.sign.raw import ecdsa_kind
from awo.sign.seam import AskPassphrase, NotTyped, Presence, WrongPassphrase
from awo.sign.sshkeys import ALGORITHMS, ECDSA, ED25519, RSA, PublicKey
from awo.sign.wire import WireError, mpint, string

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

    PrivateKey = ed25519.Ed25519PrivateKey | ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey


@dataclass(frozen=True, slots=True)
class KeyFileSigner:
    """A private key that was read from a file. `presence` is `passphrase` when a person had to type one."""

    key: PublicKey
    presence: Presence
    private: PrivateKey

    def __repr__(self) -> str:
        return f"KeyFileSigner({self.key.fingerprint})"

    def sign(self, message: bytes, namespace: str) -> bytes:
        """The armored signature: for Ed25519 and RSA the very bytes that `ssh-keygen -Y sign` gives.

        ECDSA has chance in it, so that no two of its signatures are alike.
        """
        data = sshsig.signed_bytes(message, namespace)
        blob = sshsig.envelope(self.key, namespace, _sign_raw(self.private, self.key.algorithm, data))
        return sshsig.armor(blob).encode("ascii")

    def sign_bare(self, data: bytes) -> bytes:
        """A signature without SSH's envelope, as `awo.sign.dsse.BareSigner` says."""
        return _sign_bare(self.private, self.key.algorithm, data)


def open_key_file(path: Path, passphrase: AskPassphrase) -> KeyFileSigner:
    """The key in the file at `path`; `passphrase` is called once, and only when the key is encrypted.

    Raises `CannotCheck` for a file that is missing or unreadable, `UsageError` for one that is
    open to other users, is no private key, is of a kind that is not accepted, or for a wrong passphrase.
    """
    data = read_key_file(path, private=True)
    if not is_private(data):
        raise UsageError(
            "this is not a private key",
            where=str(path),
            expected="a private key in OpenSSH or PEM format",
            hint="for a key in an agent or on a security key, name its .pub file",
        )
    private, presence = _load(data, path, passphrase)
    return KeyFileSigner(_public(private, path), presence, private)


def _load(data: bytes, path: Path, passphrase: AskPassphrase) -> tuple[Any, Presence]:
    """The key object of `cryptography`, and whether a passphrase was typed for it."""
    from cryptography.exceptions import UnsupportedAlgorithm

    try:
        return _load_with(data, None), "not proved"
    except TypeError:
        pass  # what `cryptography` raises for an encrypted key without a passphrase
    except (ValueError, UnsupportedAlgorithm) as error:
        raise _not_a_key(path, error) from error
    typed = passphrase()
    if not typed:
        raise UsageError(
            "this key needs its passphrase",
            where=str(path),
            hint=f"run on a terminal, or: ssh-add {path}, and name {path}.pub",
        )
    try:
        return _load_with(data, typed.encode()), "not proved" if isinstance(typed, NotTyped) else "passphrase"
    except ValueError as error:
        raise WrongPassphrase(
            "the passphrase does not open this key", where=str(path), hint="type the command again"
        ) from error
    except UnsupportedAlgorithm as error:
        if "bcrypt" in str(error):
            raise CannotCheck(
                "opening an encrypted OpenSSH key needs the package bcrypt, which is not installed",
                where=str(path),
                hint="pip install bcrypt",
            ) from error
        raise _not_a_key(path, error) from error


def _load_with(data: bytes, passphrase: bytes | None) -> Any:
    from cryptography.hazmat.primitives.serialization import load_pem_private_key, load_ssh_private_key

    load = load_ssh_private_key if data.lstrip().startswith(OPENSSH_BEGIN) else load_pem_private_key
    return load(data, passphrase)


def _not_a_key(path: Path, error: Exception) -> UsageError:
    return UsageError(
        "this private key cannot be used",
        where=str(path),
        expected=f"one of {', '.join(ALGORITHMS)}",
        got=str(error).split("\n", 1)[0][:200],
    )


def _public(private: Any, path: Path) -> PublicKey:
    """The public half in OpenSSH's form; `UsageError` for a curve or size that is not accepted."""
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

    try:
        line = private.public_key().public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH).decode("ascii")
    except (ValueError, AttributeError, UnsupportedAlgorithm) as error:  # Ed448, X25519, secp256k1
        raise _not_a_key(path, error) from error
    return PublicKey.parse(line, where=str(path))


def _sign_raw(private: Any, algorithm: str, data: bytes) -> bytes:
    """A bare signature in the SSH wire format over `data`."""
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric import ec, padding
    from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

    if algorithm == ED25519:
        return string(ED25519.encode()) + string(private.sign(data))
    if algorithm == RSA:
        return string(b"rsa-sha2-512") + string(private.sign(data, padding.PKCS1v15(), hashes.SHA512()))
    if algorithm in ECDSA:
        r, s = decode_dss_signature(private.sign(data, ec.ECDSA(ecdsa_kind(algorithm)[1])))
        return string(algorithm.encode()) + string(mpint(r) + mpint(s))
    raise WireError(f"{algorithm} cannot sign from a file")


def _sign_bare(private: Any, algorithm: str, data: bytes) -> bytes:
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric import ec, padding

    if algorithm == ED25519:
        made: bytes = private.sign(data)
    elif algorithm == RSA:
        pss = padding.PSS(padding.MGF1(hashes.SHA256()), padding.PSS.DIGEST_LENGTH)
        made = private.sign(data, pss, hashes.SHA256())
    else:
        made = private.sign(data, ec.ECDSA(ecdsa_kind(algorithm)[1]))
    return made

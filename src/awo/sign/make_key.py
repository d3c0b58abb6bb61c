"""Makes a new Ed25519 key pair on disk, as `ssh-keygen -t ed25519` would. Never overwrites."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Callable
from pathlib import Path

from awo.errors import CannotCheck, UsageError
from awo.sign.sshkeys import PublicKey


def make_key(path: Path, *, comment: str = "", passphrase: str = "") -> PublicKey:
    """Writes a private key (OpenSSH format, mode 600) at `path` and its public half at `path`.pub.

    Makes the folder too. With an empty `passphrase` the private key is not encrypted. Raises `UsageError` when either
    file is there already or the comment is not printable, `CannotCheck` when it cannot be written.
    """
    if not comment.isprintable():
        raise UsageError("the comment of a key must be printable text", got=ascii(comment)[:80])
    public_path = path.with_name(path.name + ".pub")
    private_bytes, line = _new_pair(passphrase)
    key = PublicKey.parse(f"{line} {comment}", where=str(public_path))
    write_private(path, private_bytes)
    try:
        _write_new(public_path, f"{key.line} {comment}".rstrip().encode() + b"\n", 0o644)
    except (UsageError, CannotCheck):
        path.unlink()
        raise
    return key


def make_key_once(path: Path, *, comment: str) -> None:
    """The key pair at `path`, without a passphrase, unless it is there.

    Processes that ask at the same time get one and the same pair, and none sees half of it. Raises
    `CannotCheck` when it cannot be written.
    """

    def make(half: Path) -> None:
        Path(f"{half}.pub").unlink(missing_ok=True)
        make_key(half, comment=comment)
        Path(f"{half}.pub").rename(f"{path}.pub")

    write_once(path, make)


def write_once(path: Path, make: Callable[[Path], None]) -> None:
    """Has `make` write the file at `path`, under another name first, unless it is there. As `make_key_once`."""
    half = path.with_name(f".{path.name}.new")
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        folder = os.open(path.parent, os.O_RDONLY | os.O_CLOEXEC)
        try:
            fcntl.flock(folder, fcntl.LOCK_EX)
            if path.exists():
                return
            half.unlink(missing_ok=True)
            make(half)
            half.rename(path)
        finally:
            os.close(folder)
    except OSError as error:
        raise CannotCheck("the key cannot be made", where=str(path), got=error.strerror or str(error)) from error


def write_private(path: Path, content: bytes) -> None:
    """Writes a private key file (mode 600), and its folder where there is none. Never overwrites; as `make_key`."""
    _make_folder(path)
    _write_new(path, content, 0o600)


def _new_pair(passphrase: str) -> tuple[bytes, str]:
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    private = Ed25519PrivateKey.generate()
    public = private.public_key().public_bytes(serialization.Encoding.OpenSSH, serialization.PublicFormat.OpenSSH)
    try:
        encryption = (
            serialization.BestAvailableEncryption(passphrase.encode()) if passphrase else serialization.NoEncryption()
        )
        return (
            private.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.OpenSSH, encryption),
            public.decode("ascii"),
        )
    except UnsupportedAlgorithm as error:
        raise CannotCheck(
            "encrypting a key needs the package bcrypt, which is not installed", hint="pip install bcrypt"
        ) from error


def _make_folder(path: Path) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    except OSError as error:
        raise CannotCheck(
            "the key's folder cannot be made", where=str(path.parent), got=error.strerror or str(error)
        ) from error


def _write_new(path: Path, content: bytes, mode: int) -> None:
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    except FileExistsError as error:
        raise UsageError(
            "there is a file already, and a key is never overwritten", where=str(path), hint="choose another name"
        ) from error
    except OSError as error:
        raise CannotCheck("the key cannot be written", where=str(path), got=error.strerror or str(error)) from error
    try:
        with os.fdopen(handle, "wb") as stream:
            stream.write(content)
            stream.flush()
            os.fsync(stream.fileno())
    except OSError as error:
        path.unlink(missing_ok=True)
        raise CannotCheck("the key cannot be written", where=str(path), got=error.strerror or str(error)) from error

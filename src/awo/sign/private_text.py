"""What can be known of a private key file without opening the key: is it readable, safe to use, and of which kind?"""

from __future__ import annotations

import base64
import binascii
import os
import stat
from pathlib import Path

from awo.errors import CannotCheck, UsageError
from awo.sign.sshkeys import PublicKey
from awo.sign.wire import Reader, WireError

LARGEST_FILE_BYTES = 64 * 1024
OPENSSH_BEGIN = b"-----BEGIN OPENSSH PRIVATE KEY-----"
OPENSSH_END = b"-----END OPENSSH PRIVATE KEY-----"
_OPENSSH_MAGIC = b"openssh-key-v1\x00"


def read_key_file(path: Path, *, private: bool) -> bytes:
    """The bytes of a key file.

    Raises `CannotCheck` when it is missing or not readable, `UsageError` when it is no small
    regular file or, for a private key, when group or others could read or change it.
    """
    try:
        with path.open("rb") as stream:
            status = os.fstat(stream.fileno())
            if not stat.S_ISREG(status.st_mode):
                raise UsageError("a key must be a regular file", where=str(path))
            if private and os.name == "posix" and status.st_mode & 0o077:
                raise UsageError(
                    "other users of this machine could use this private key",
                    where=str(path),
                    expected="a file that only its owner can read (mode 600)",
                    got=f"mode {stat.S_IMODE(status.st_mode):03o}",
                    hint=f"chmod 600 {path}",
                )
            data = stream.read(LARGEST_FILE_BYTES + 1)
    except FileNotFoundError as error:
        raise CannotCheck(
            "there is no such key", where=str(path), hint="make one with: ssh-keygen -t ed25519"
        ) from error
    except IsADirectoryError as error:
        raise UsageError("a key must be a regular file", where=str(path), got="a folder") from error
    except OSError as error:
        raise CannotCheck("this key cannot be read", where=str(path), got=error.strerror or str(error)) from error
    if len(data) > LARGEST_FILE_BYTES:
        raise UsageError("this is not a key", where=str(path), got=f"more than {LARGEST_FILE_BYTES} bytes")
    return data


def is_private(data: bytes) -> bool:
    """Whether a file starts like a private key in OpenSSH or PEM format."""
    return data.lstrip().startswith(b"-----BEGIN ") and b"PRIVATE KEY-----" in data


def public_half(data: bytes) -> PublicKey | None:
    """The public key that an OpenSSH private key file carries in clear; None for the PEM formats.

    Raises `WireError` when the file is damaged or its kind of key is not accepted (PROTOCOL.key).
    """
    text = data.strip()
    if not text.startswith(OPENSSH_BEGIN):
        return None
    if not text.endswith(OPENSSH_END):
        raise WireError("the last line of the key is missing")
    try:
        blob = base64.b64decode(b"".join(text[len(OPENSSH_BEGIN) : -len(OPENSSH_END)].split()), validate=True)
    except (binascii.Error, ValueError) as problem:
        raise WireError("the base64 is damaged") from problem
    reader = Reader(blob)
    if reader.raw(len(_OPENSSH_MAGIC)) != _OPENSSH_MAGIC:
        raise WireError("the magic bytes are missing")
    for _ in range(3):  # cipher, key derivation, its options
        reader.string()
    if reader.uint32() != 1:
        raise WireError("the file does not hold exactly one key")
    return PublicKey.from_blob(reader.string())

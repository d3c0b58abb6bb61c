"""The door to `ssh-keygen`: signs with a key that an agent or a security key holds. The room's only subprocess."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

from awo.errors import CannotCheck

TIMEOUT_S = 120.0
"""Long enough to find a security key and touch it."""

_LONGEST_COMPLAINT = 400


def sign_with_ssh_keygen(key: Path, message: bytes, namespace: str, *, timeout_s: float = TIMEOUT_S) -> bytes:
    """What `ssh-keygen -Y sign` writes for `message`: an armored signature, unchecked.

    `key` is a public key file whose private half an agent holds, or the file of a security key.
    A PIN is asked for on the terminal by ssh-keygen itself. Raises `CannotCheck` when
    ssh-keygen is not installed, takes longer than `timeout_s`, or cannot sign.
    """
    program = shutil.which("ssh-keygen")
    if program is None:
        raise CannotCheck("ssh-keygen is not installed", hint="install OpenSSH, or sign with a private key file")
    try:
        done = subprocess.run(  # noqa: S603 - an argument list without a shell; the message goes in as input
            [program, "-Y", "sign", "-n", namespace, "-f", str(key)],
            input=message,
            capture_output=True,
            timeout=timeout_s,
            check=False,
            env=os.environ | {"LC_ALL": "C"},
        )
    except subprocess.TimeoutExpired as error:
        raise CannotCheck(
            f"ssh-keygen gave no signature within {timeout_s:g} s",
            where=str(key),
            hint="touch the key, or unlock the agent",
        ) from error
    except OSError as error:
        raise CannotCheck("ssh-keygen cannot be started", where=program, got=error.strerror or str(error)) from error
    if done.returncode != 0 or not done.stdout:
        complaint = "".join(c if c.isprintable() else " " for c in done.stderr.decode("utf-8", "replace"))
        raise CannotCheck("ssh-keygen could not sign", where=str(key), got=complaint.strip()[:_LONGEST_COMPLAINT])
    return done.stdout

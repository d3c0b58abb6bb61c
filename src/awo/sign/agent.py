"""The scheme `agent`: a key that this process never sees, held by an ssh-agent or a security key."""

from __future__ import annotations

import os
import tempfile
from dataclasses import dataclass
from pathlib import Path

from awo.errors import CannotCheck, EvidenceError, UsageError
from awo.sign import sshsig
from awo.sign.private_text import is_private, public_half, read_key_file
from awo.sign.seam import AskPassphrase, Presence
from awo.sign.ssh_keygen import sign_with_ssh_keygen
from awo.sign.sshkeys import PublicKey
from awo.sign.wire import WireError

REFUSED = "agent refused operation"
"""How ssh-keygen says that the agent has the key and will not sign with it (OpenSSH's ssherr.c)."""


@dataclass(frozen=True, slots=True)
class AgentSigner:
    """Signs through ssh-keygen. `presence` is `touch` for a security key, else `agent`."""

    key: PublicKey
    presence: Presence
    path: Path

    def sign(self, message: bytes, namespace: str) -> bytes:
        """The armored signature, checked before it is given out.

        Raises `CannotCheck` when no agent holds the key or the device is not there, and
        `UsageError` when a security key signs without being touched.
        """
        armored = (
            self._sign_hardware(message, namespace) if self.key.is_hardware else self._sign_agent(message, namespace)
        )
        try:
            made = sshsig.verify(armored, message, namespace, where=str(self.path))
        except EvidenceError as error:
            raise UsageError(
                "what ssh-keygen signed with this key cannot be accepted",
                where=str(self.path),
                got=error.got or error.what,
                hint="make a key that must be touched: ssh-keygen -t ed25519-sk" if self.key.is_hardware else "",
            ) from error
        if made.key != self.key:
            raise UsageError(
                "ssh-keygen signed with another key",
                where=str(self.path),
                expected=self.key.fingerprint,
                got=made.key.fingerprint,
            )
        return armored

    def _sign_hardware(self, message: bytes, namespace: str) -> bytes:
        # The file beside a .pub may serve here: it holds no secret, and the touch stands in the signature.
        try:
            return sign_with_ssh_keygen(self.path.absolute(), message, namespace)
        except CannotCheck as error:
            raise CannotCheck(
                error.what,
                where=str(self.path),
                got=error.got,
                hint=error.hint or "plug the security key in and touch it when it blinks; one in an agent: ssh-add -l",
            ) from error

    def _sign_agent(self, message: bytes, namespace: str) -> bytes:
        # A copy of the public key, alone in a folder: beside the original ssh-keygen would quietly
        # fall back to the private file, and the recorded presence `agent` would be untrue.
        if not os.environ.get("SSH_AUTH_SOCK"):
            raise CannotCheck(
                "no ssh-agent is running here",
                where=str(self.path),
                hint="eval $(ssh-agent) && ssh-add, or name the private key file",
            )
        with tempfile.TemporaryDirectory(prefix="awo-key-") as folder:
            alone = Path(folder) / "key.pub"
            alone.write_text(self.key.line + "\n", encoding="ascii")
            try:
                return sign_with_ssh_keygen(alone, message, namespace)
            except CannotCheck as error:
                raise self._unsigned(error) from error

    def _unsigned(self, error: CannotCheck) -> CannotCheck:
        """What went wrong at the agent. A locked agent, a dead one and one without the key look alike from here."""
        if REFUSED in error.got:
            return CannotCheck(
                f"the ssh-agent refused to sign with {self.key.fingerprint}",
                where=str(self.path),
                got=error.got,
                hint="an agent that asks first (ssh-add -c) signs when you say yes to it",
            )
        return CannotCheck(
            f"the ssh-agent did not sign with {self.key.fingerprint}",
            where=str(self.path),
            got=error.got or error.what,
            hint=error.hint
            or "ssh-add the private key (ssh-add -l lists what the agent has; ssh-add -X unlocks it), "
            "or name the private key file",
        )


def open_agent_key(path: Path, passphrase: AskPassphrase) -> AgentSigner:
    """The key whose `.pub` file, or whose security key file, is at `path`. The agent or device asks for itself.

    Raises `CannotCheck` for a file that is missing or unreadable, `UsageError` for one that is no key.
    """
    data = read_key_file(path, private=False)
    if is_private(data):
        key = _hardware_key(data, path)
    else:
        try:
            text = data.decode("utf-8")
        except UnicodeDecodeError as error:
            raise UsageError("this is not a key", where=str(path), got="bytes that are not text") from error
        key = PublicKey.parse(text, where=str(path))
    return AgentSigner(key, "touch" if key.is_hardware else "agent", path)


def _hardware_key(data: bytes, path: Path) -> PublicKey:
    try:
        key = public_half(data)
    except WireError as error:
        raise UsageError("this private key is damaged", where=str(path), got=str(error)) from error
    if key is None or not key.is_hardware:
        raise UsageError(
            "only a security key's file or a .pub file is signed with through ssh-keygen",
            where=str(path),
            hint="use the scheme 'file'",
        )
    return key

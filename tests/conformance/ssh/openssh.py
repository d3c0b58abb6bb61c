"""The real ssh-keygen as a judge, and the keys that it made for a test run."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from pathlib import Path

from awo.sign.namespaces import DECISION
from awo.sign.sshkeys import PublicKey

ALICE = "alice@example.org"
MESSAGE = b'{"format":"awo/decision/v1","gate":"audit"}'
KINDS = {
    "ed25519": ("-t", "ed25519"),
    "ecdsa-256": ("-t", "ecdsa", "-b", "256"),
    "ecdsa-384": ("-t", "ecdsa", "-b", "384"),
    "ecdsa-521": ("-t", "ecdsa", "-b", "521"),
    "rsa": ("-t", "rsa", "-b", "2048"),
}
PASSPHRASE = "correct horse"


def ssh_keygen(*arguments: str | Path, data: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(["ssh-keygen", *map(str, arguments)], input=data, capture_output=True, timeout=60)


def nobody() -> str:
    """A passphrase callback that must not be called."""
    raise AssertionError("the passphrase was asked for")


@dataclass(frozen=True)
class Keys:
    """One key of each kind, made by ssh-keygen; `path` gives the private file."""

    folder: Path

    def path(self, kind: str) -> Path:
        return self.folder / kind

    def public(self, kind: str) -> PublicKey:
        return PublicKey.parse(self.path(kind).with_suffix(".pub").read_text(), where=kind)


@dataclass(frozen=True)
class Judge:
    """ssh-keygen -Y verify with one list of allowed signers."""

    folder: Path
    lines: str

    def __call__(
        self, armored: bytes, message: bytes, *options: str, who: str = ALICE, namespace: str = DECISION
    ) -> bool:
        (self.folder / "allowed_signers").write_text(self.lines)
        (self.folder / "message.sig").write_bytes(armored)
        done = ssh_keygen(
            "-Y", "verify", "-f", self.folder / "allowed_signers", "-I", who, "-n", namespace,
            "-s", self.folder / "message.sig", *options, data=message,
        )  # fmt: skip
        return done.returncode == 0

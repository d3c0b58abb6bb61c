"""The seam of signature schemes: what can sign, and how a scheme is opened."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Literal, Protocol

from awo.errors import UsageError
from awo.sign.sshkeys import PublicKey

Presence = Literal["passphrase", "touch", "agent", "not proved"]
"""What shows that the person was there: a passphrase typed, a key touched, an agent that agreed, or nothing."""


class NotTyped(str):
    """A passphrase that came from a file: it opens the key, and shows nobody's presence."""

    __slots__ = ()


class WrongPassphrase(UsageError):
    """What a person typed does not open the key: they can type it again."""


AskPassphrase = Callable[[], str]
"""Asks the person for the passphrase of the key; '' when there is nobody to ask, `NotTyped` from a file."""


class Signer(Protocol):
    """A key that is ready to sign."""

    @property
    def key(self) -> PublicKey: ...

    @property
    def presence(self) -> Presence: ...

    def sign(self, message: bytes, namespace: str) -> bytes:
        """The armored SSHSIG of `message` for `namespace`, as the bytes of a `.sig` file.

        The scheme makes sure that `sshsig.verify` accepts what it gives. Raises `CannotCheck`
        when the key, its agent or its device is not there.
        """


class OpenSigner(Protocol):
    """A row of `plugins.SIGNATURE_SCHEMES`: opens the key at `path`, or raises `UsageError` or `CannotCheck`."""

    def __call__(self, path: Path, passphrase: AskPassphrase) -> Signer: ...

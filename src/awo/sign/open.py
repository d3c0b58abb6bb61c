"""Chooses the signature scheme for a key by looking at its file."""

from __future__ import annotations

from pathlib import Path

from awo import plugins
from awo.errors import UsageError
from awo.sign.private_text import is_private, public_half, read_key_file
from awo.sign.seam import AskPassphrase, OpenSigner, Signer
from awo.sign.wire import WireError


def open_signer(path: Path, passphrase: AskPassphrase) -> Signer:
    """The key at `path`, ready to sign.

    A private key file signs here, and `passphrase` is called if it is encrypted. A `.pub` file
    signs through the ssh-agent, the file of a security key through ssh-keygen.
    Raises `UsageError` or `CannotCheck` as the scheme says.
    """
    scheme: OpenSigner = plugins.load(plugins.SIGNATURE_SCHEMES, _scheme_of(path), "signature scheme")
    return scheme(path, passphrase)


def _scheme_of(path: Path) -> str:
    data = read_key_file(path, private=False)
    if not is_private(data):
        return "agent"
    try:
        key = public_half(data)
    except WireError as error:
        raise UsageError("this private key cannot be used", where=str(path), got=str(error)) from error
    return "agent" if key is not None and key.is_hardware else "file"

"""What a ledger is called, and the key of this machine that signs it: both are made with the first entry."""

from __future__ import annotations

import re
import secrets
from pathlib import Path
from typing import TYPE_CHECKING, Final

from awo.errors import CannotCheck, EvidenceError

if TYPE_CHECKING:  # cryptography is loaded when something is signed
    from awo.sign.note_keys import NoteSigner

PREFIX: Final = "awo-ledger/"
_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,99}")
LONGEST_PROJECT: Final = 40


def safe_name(project: str) -> str:
    """The name of a project's folder with nothing in it but what a key's name may have: `my-project`."""
    kept = re.sub(r"[^a-z0-9]+", "-", project.lower()).strip("-")
    return kept[:LONGEST_PROJECT].strip("-") or "project"


def new_signer(keys: Path, project: str) -> NoteSigner:
    """A new key for a new ledger in the folder `keys`; its name is the origin of the ledger.

    Raises `CannotCheck` where it cannot be written.
    """
    from awo.canon.digest import sha256_hex
    from awo.sign.note_keys import log_signer, make_note_key

    half = keys / f".{secrets.token_hex(8)}.new"
    key = make_note_key(half)
    name = f"{safe_name(project)}-{sha256_hex(key.public)[:8]}"
    try:
        half.rename(keys / name)
    except OSError as error:
        raise CannotCheck("the key of the ledger cannot be kept", where=str(keys), got=str(error.strerror)) from error
    return log_signer(PREFIX + name, key)


def signer_for(keys: Path, origin: str) -> NoteSigner:
    """This machine's key for the ledger `origin`, made where it has none yet. Raises `EvidenceError`, `CannotCheck`."""
    from awo.sign.note_keys import log_signer, make_note_key_once

    return log_signer(origin, make_note_key_once(keys / name_in(origin)))


def post_quantum_signer(keys: Path, origin: str) -> NoteSigner:
    """This machine's ML-DSA-44 key for the ledger `origin`, beside the other one. Raises as `signer_for`."""
    from awo.sign.note_keys import log_signer, make_note_key_once

    return log_signer(origin, make_note_key_once(keys / f"{name_in(origin)}.ml-dsa", algorithm="ml-dsa-44"))


def name_in(origin: str) -> str:
    """The name of the key's file for a ledger. Raises `EvidenceError` for an origin that AWO does not make."""
    name = origin.removeprefix(PREFIX)
    if name == origin or not _NAME.fullmatch(name):
        raise EvidenceError(
            "this ledger was not made by AWO, so nothing is entered in it",
            where=ascii(origin)[1:81],
            expected=f"an origin like {PREFIX}my-project-0f1e2d3c",
        )
    return name

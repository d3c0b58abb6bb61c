"""The people of the vectors and their keys, which are the same on every machine and worth nothing."""

from __future__ import annotations

import hashlib

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from awo.sign.allowed_signers import line_for
from awo.sign.key_file import KeyFileSigner
from awo.sign.note_keys import NoteKey
from awo.sign.sshkeys import PublicKey


def signer(name: str) -> KeyFileSigner:
    """A key that is the same on every machine and worth nothing."""
    private = _private(name)
    line = private.public_key().public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH).decode()
    return KeyFileSigner(PublicKey.parse(line, where=name), "not proved", private)


def note_key(name: str) -> NoteKey:
    """As `signer`, for a ledger or a witness."""
    private = _private(name)
    return NoteKey("ed25519", private.public_key().public_bytes_raw(), private)


def _private(name: str) -> Ed25519PrivateKey:
    return Ed25519PrivateKey.from_private_bytes(hashlib.sha256(b"awo test key of " + name.encode()).digest())


OPERATOR, REVIEWER, STRANGER, LEAD = signer("operator"), signer("reviewer"), signer("stranger"), signer("lead")
OPERATOR_ID, REVIEWER_ID, STRANGER_ID = "otto@example.org", "rita@example.org", "stan@example.org"
LEAD_ID = "lena@example.org"
SEALER_LINE = line_for(OPERATOR_ID, OPERATOR.key, ["awo-seal"])
DECIDER_LINE = line_for(REVIEWER_ID, REVIEWER.key, ["awo-decision"])
LEAD_LINE = line_for(LEAD_ID, LEAD.key, ["awo-decision"])
NAMES = {OPERATOR_ID: "Otto O.", REVIEWER_ID: "Rita R.", STRANGER_ID: "Stan S.", LEAD_ID: "Lena L."}
"""The printed names of people."""

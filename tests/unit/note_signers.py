"""Keys of notes for tests, the same on each run: of a log and of a witness, Ed25519 and ML-DSA-44."""

from __future__ import annotations

import base64

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PrivateKey

from awo.canon.digest import empty_tree_hash
from awo.evidence.merkle_proofs import Leaves
from awo.sign.checkpoint import TreeState
from awo.sign.note_keys import KeySigner, NoteKey, cosigner, log_signer

ORIGIN = "example.org/log"
WITNESS = "example.org/witness"
AT_S = 1_760_000_000


def ed25519_key(seed: int = 1) -> NoteKey:
    private = Ed25519PrivateKey.from_private_bytes(bytes([seed]) * 32)
    return NoteKey("ed25519", private.public_key().public_bytes_raw(), private)


def ml_dsa_key(seed: int = 1) -> NoteKey:
    private = MLDSA44PrivateKey.from_seed_bytes(bytes([seed]) * 32)
    return NoteKey("ml-dsa-44", private.public_key().public_bytes_raw(), private)


def log(seed: int = 1, name: str = ORIGIN) -> KeySigner:
    return log_signer(name, ed25519_key(seed))


def log_ml_dsa(seed: int = 1) -> KeySigner:
    return log_signer(ORIGIN, ml_dsa_key(seed), now_s=lambda: AT_S)


def witness(seed: int = 7, at_s: int = AT_S, name: str = WITNESS) -> KeySigner:
    return cosigner(name, ed25519_key(seed), now_s=lambda: at_s)


def witness_ml_dsa(seed: int = 7, at_s: int = AT_S) -> KeySigner:
    return cosigner(WITNESS, ml_dsa_key(seed), now_s=lambda: at_s)


def tree(size: int, branch: str = "") -> Leaves:
    """A tree of `size` leaves; every branch has its own leaves."""
    return Leaves.of_lines([f"{branch}{number}".encode() for number in range(size)])


def state(size: int, branch: str = "", origin: str = ORIGIN) -> TreeState:
    """What the log says of that tree."""
    return TreeState(origin, size, tree(size, branch).root_of(0, size) if size else empty_tree_hash())


def b64(data: bytes) -> str:
    return base64.b64encode(data).decode()

"""Every SHA-256 that AWO computes, with what it is taken over. The only door to `hashlib`."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from typing import IO, Protocol

CHUNK_BYTES = 1 << 20


class Hasher(Protocol):
    """A running SHA-256."""

    def update(self, data: bytes | bytearray | memoryview, /) -> None: ...
    def hexdigest(self) -> str: ...
    def digest(self) -> bytes: ...


def sha256_running() -> Hasher:
    """A new SHA-256 over bytes that arrive in pieces."""
    return hashlib.sha256()


def sha256_hex(data: bytes | bytearray | memoryview) -> str:
    """SHA-256 of exactly these bytes, 64 lower-case hex digits."""
    return hashlib.sha256(data).hexdigest()


def sha256_stream(stream: IO[bytes]) -> tuple[str, int]:
    """SHA-256 (hex) and length in bytes of all that is left in `stream`."""
    hasher = hashlib.sha256()
    size_bytes = 0
    buffer = bytearray(CHUNK_BYTES)
    view = memoryview(buffer)
    readinto = stream.readinto  # type: ignore[attr-defined]
    while count := readinto(buffer):
        hasher.update(view[:count])
        size_bytes += count
    return hasher.hexdigest(), size_bytes


def sha256_file(path: str | os.PathLike[str]) -> tuple[str, int]:
    """SHA-256 (hex) and length in bytes of a file. Raises `OSError` as `open` does."""
    with Path(path).open("rb", buffering=0) as stream:
        return sha256_stream(stream)


def leaf_hash(line: bytes) -> bytes:
    """RFC 6962 section 2.1: the hash of a Merkle tree leaf, SHA-256(0x00 || leaf)."""
    return hashlib.sha256(b"\x00" + line).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """RFC 6962 section 2.1: the hash of an inner node, SHA-256(0x01 || left || right)."""
    return hashlib.sha256(b"\x01" + left + right).digest()


def empty_tree_hash() -> bytes:
    """RFC 6962 section 2.1: the root of the tree without leaves, SHA-256 of nothing."""
    return hashlib.sha256(b"").digest()


def sha512_bytes(data: bytes) -> bytes:
    """SHA-512 as SSHSIG uses it over a message (PROTOCOL.sshsig, section 2)."""
    return hashlib.sha512(data).digest()


def sha256_bytes(data: bytes) -> bytes:
    """SHA-256 as 32 raw bytes: SSH key fingerprints, SSHSIG over a message."""
    return hashlib.sha256(data).digest()

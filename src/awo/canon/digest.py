"""Every SHA-256 that AWO computes, with what it is taken over. The only door to `hashlib`."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterable, Sequence
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


def md5_hex(data: bytes) -> str:
    """MD5 as places of other people spell a checksum, 32 hex digits: to compare with theirs, never as a proof."""
    return hashlib.md5(data, usedforsecurity=False).hexdigest()


def sha256_and_md5_file(path: str | os.PathLike[str]) -> tuple[str, str, int]:
    """SHA-256 (hex), MD5 (hex) and length of a file. MD5 because a data repository names its files by nothing else;
    nothing rests on it but that what arrived is compared. Raises `OSError` as `open` does."""
    sha256, md5, size_bytes = hashlib.sha256(), hashlib.md5(usedforsecurity=False), 0
    with Path(path).open("rb", buffering=0) as stream:
        while chunk := stream.read(CHUNK_BYTES):
            sha256.update(chunk)
            md5.update(chunk)
            size_bytes += len(chunk)
    return sha256.hexdigest(), md5.hexdigest(), size_bytes


def leaf_hash(line: bytes) -> bytes:
    """RFC 6962 section 2.1: the hash of a Merkle tree leaf, SHA-256(0x00 || leaf)."""
    return hashlib.sha256(b"\x00" + line).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """RFC 6962 section 2.1: the hash of an inner node, SHA-256(0x01 || left || right)."""
    return hashlib.sha256(b"\x01" + left + right).digest()


def leaf_hashes(lines: Iterable[bytes]) -> bytes:
    """`leaf_hash` of each line, 32 bytes each in one piece: two million lines must not cost a call each."""
    sha256 = hashlib.sha256
    return b"".join([sha256(b"\x00" + line).digest() for line in lines])


def sha256_of_each(pieces: Iterable[bytes]) -> bytes:
    """SHA-256 of each piece, 32 bytes each in one piece."""
    sha256 = hashlib.sha256
    return b"".join([sha256(piece).digest() for piece in pieces])


def node_hashes(level: bytes | bytearray) -> bytes:
    """`node_hash` of each pair of neighbours in a level of a tree, 32 bytes each; one without a neighbour is left."""
    sha256 = hashlib.sha256
    return b"".join([sha256(b"\x01" + level[n : n + 64]).digest() for n in range(0, len(level) - 63, 64)])


def empty_tree_hash() -> bytes:
    """RFC 6962 section 2.1: the root of the tree without leaves, SHA-256 of nothing."""
    return hashlib.sha256(b"").digest()


def sha512_bytes(data: bytes) -> bytes:
    """SHA-512 as SSHSIG uses it over a message (PROTOCOL.sshsig, section 2)."""
    return hashlib.sha512(data).digest()


def digest_named(name: str, data: bytes) -> bytes:
    """SHA-256, SHA-384 or SHA-512 of exactly these bytes, by that name: what a time stamp is over (RFC 3161)."""
    match name:
        case "SHA-256":
            return hashlib.sha256(data).digest()
        case "SHA-384":
            return hashlib.sha384(data).digest()
        case "SHA-512":
            return hashlib.sha512(data).digest()
        case _:
            raise ValueError(f"no digest is called {name!a}")


def sha256_bytes(data: bytes) -> bytes:
    """SHA-256 as 32 raw bytes: SSH key fingerprints, SSHSIG over a message."""
    return hashlib.sha256(data).digest()


def note_key_id(name: str, kind: int, public: bytes) -> bytes:
    """The four bytes that name a key of signed notes: SHA-256(name || 0x0A || kind || public key), cut (C2SP)."""
    return hashlib.sha256(name.encode() + b"\n" + bytes([kind]) + public).digest()[:4]


def salts_for(key: bytes, path: str, place: str) -> bytes:
    """The 64 bytes from which the salts of one place in a file are cut (spec section 9.1).

    `key` is the 32 bytes of audit/disclosure.key. Without it nothing is known of a salt, whichever others are known.
    """
    return hashlib.sha512(b"%b%b\x00%b" % (key, path.encode(), place.encode())).digest()


def salts_of(key: bytes, path: str) -> Callable[[int], bytes]:
    """As `salts_for`, for the lines of one file by their numbers."""
    begin, sha512 = b"%b%b\x00" % (key, path.encode()), hashlib.sha512
    return lambda number: sha512(b"%b%d" % (begin, number)).digest()


def line_commitments(key: bytes, path: str, first: int, lines: Sequence[bytes]) -> list[bytes]:
    """`commitment` of each whole line with the first 16 bytes of its `salts_of`, as ASCII; `first` is the number of the
    first: half a million lines must not cost four calls each."""
    begin, sha256, sha512 = b"%b%b\x00" % (key, path.encode()), hashlib.sha256, hashlib.sha512
    return [
        sha256(sha512(b"%b%d" % (begin, number)).digest()[:16] + line).hexdigest().encode()
        for number, line in enumerate(lines, first)
    ]


def salts_of_lines(key: bytes, path: str, first: int, count: int) -> list[bytes]:
    """As `salts_for`, for `count` lines of one file from number `first`."""
    begin, sha512 = b"%b%b\x00" % (key, path.encode()), hashlib.sha512
    return [sha512(b"%b%d" % (begin, number)).digest() for number in range(first, first + count)]


def commitment(salt: bytes, value: bytes) -> str:
    """What stands for a withheld value: SHA-256(salt || value), 64 hex digits; the salt has 16 bytes."""
    return hashlib.sha256(salt + value).hexdigest()

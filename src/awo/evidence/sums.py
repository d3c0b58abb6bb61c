"""SHA256SUMS: the digest of every file of a package, as `sha256sum -c` reads it (spec section 7.1)."""

from __future__ import annotations

import re
from collections.abc import Mapping

from awo.errors import EvidenceError
from awo.evidence.layout import SUMS

_LINE = re.compile(r"([0-9a-f]{64})  ([^\n]+)\n")


def encode_sums(digests: Mapping[str, str]) -> bytes:
    """The file for these digests (64 hex digits) by path: one line each, sorted by the bytes of the path."""
    lines = bytearray()
    for path in sorted(digests):
        lines += f"{digests[path]}  {path}\n".encode()
    return bytes(lines)


def parse_sums(data: bytes) -> dict[str, str]:
    """The digests by path. Raises `EvidenceError` unless `encode_sums` gives the same bytes."""
    try:
        text = data.decode()
    except UnicodeDecodeError as error:
        raise EvidenceError("the list of digests is not UTF-8", where=SUMS) from error
    digests = {path: digest for digest, path in _LINE.findall(text)}
    if encode_sums(digests) != data:
        raise EvidenceError(
            "this is not a list of digests in the one spelling",
            where=SUMS,
            expected="lines of 64 hex digits, two spaces and a path, each path once, sorted by its bytes",
        )
    return digests

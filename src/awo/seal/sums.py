"""Takes the digest of every file of a run, and what stands for it in a redaction; refuses what may not be there."""

from __future__ import annotations

import re
import secrets
from collections.abc import Mapping
from pathlib import Path

from awo.canon.digest import sha256_running
from awo.engine.folder import write_whole
from awo.errors import DiskTrouble, UsageError
from awo.evidence.disclosure import KEY_BYTES, KEY_PATTERN, NodeReader, disclosure_root, form_of, opaque_node
from awo.evidence.layout import DISCLOSURE_KEY, is_in_sums
from awo.verify.folder import FolderSource
from awo.verify.limits import Limits
from awo.verify.source import Found, Refused, Unreadable


def disclosure_key_in(folder: Path) -> bytes:
    """The key of a run that is being sealed, 32 bytes: made at random, unless an earlier try has made it."""
    path = folder / DISCLOSURE_KEY
    try:
        text = path.read_text(encoding="ascii", errors="replace")
    except FileNotFoundError:
        text = f"{secrets.token_hex(KEY_BYTES)}\n"
        write_whole(path, text.encode())
    if not re.match(KEY_PATTERN, text):
        raise UsageError("this is not what `awo seal` made there", where=str(path), hint="remove it, then seal again")
    return bytes.fromhex(text.strip())


def digests_and_disclosure(folder: Path, key: bytes, known: Mapping[str, str]) -> tuple[dict[str, str], str]:
    """SHA-256 (64 hex digits) of every file that the list of sums has, by path, and the disclosure root (spec 9.1).

    The digest of a path in `known` is taken as it is: the caller must have made it from the bytes that this very
    process wrote. Raises `UsageError` for a link, a device or a name that may not be in a package, `EvidenceError` for
    a record that is not the JSON that it should be, and `DiskTrouble` for a file that cannot be read.
    """
    digests: dict[str, str] = {}
    nodes: dict[str, bytes] = {}
    limits = Limits()
    for item in FolderSource(str(folder), limits).items():
        match item:
            case Refused():
                raise UsageError(
                    f"this may not be in a sealed run: {item.what}",
                    where=item.path,
                    expected="plain files with portable names",
                    hint="remove it, then seal again",
                )
            case Unreadable():
                raise DiskTrouble("a file cannot be read, so it cannot be sealed", where=item.path, got=item.why)
            case Found() if is_in_sums(item.path):
                path = item.path
                digest = known.get(path)
                if digest is None or form_of(path) != "opaque":
                    digest, nodes[path] = _digest_and_node(item, key, limits.line_bytes)
                else:
                    nodes[path] = opaque_node(key, path, digest)
                digests[path] = digest
            case Found():
                pass
    nodes.pop(DISCLOSURE_KEY, None)
    return digests, disclosure_root(sorted(nodes.items(), key=lambda one: one[0].encode()))


def _digest_and_node(file: Found, key: bytes, limit_bytes: int) -> tuple[str, bytes]:
    hasher, node = sha256_running(), NodeReader(key, file.path, limit_bytes)
    try:
        for chunk in file.chunks:
            hasher.update(chunk)
            node.feed(chunk)
    except OSError as error:
        raise DiskTrouble(
            "a file cannot be read, so it cannot be sealed", where=file.path, got=error.strerror or str(error)
        ) from error
    digest = hasher.hexdigest()
    return digest, node.end(digest)

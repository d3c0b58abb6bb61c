"""Works out on a second core what stands for the large files of lines in a folder, while they are read here."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from typing import Final

import msgspec

from awo.canon.digest import sha256_running
from awo.errors import EvidenceError
from awo.evidence.disclosure import NodeReader, form_of
from awo.evidence.layout import ITEMS_FILE, RESPONSES_FILE
from awo.verify.second_core import LEAST_BYTES, Helper, Open

CHUNK_BYTES: Final = 1 << 16
MOST_FILES: Final = 1000
LARGE_BYTES: Final = 1 << 20


class Node(msgspec.Struct, frozen=True):
    """What stands for a file of this digest, both 64 hex digits."""

    path: str
    sha256: str
    node: str


_nodes: Final = msgspec.json.Decoder(Node)


class NodesBeside:
    """The nodes of some files, worked out by a copy of this process. `paths` are those that it takes."""

    def __init__(self, key: bytes, paths: Sequence[str], limit_bytes: int, open_file: Open) -> None:
        self.paths = frozenset(paths)
        self._key = key
        self._limit_bytes = limit_bytes
        self._open = open_file
        self._helper: Helper | None = None
        self._found: dict[str, Node] = {}

    @classmethod
    def start(cls, key: bytes, sizes: dict[str, int], limit_bytes: int, open_file: Open) -> NodesBeside | None:
        """`sizes`: the files of the folder that may be large, in bytes. None where it is not worth it or cannot be."""
        large = [path for path, size_bytes in sizes.items() if size_bytes >= LARGE_BYTES and is_of_lines(path)]
        if not large or len(large) > MOST_FILES or sum(sizes.values()) < LEAST_BYTES:
            return None
        made = cls(key, large, limit_bytes, open_file)
        made._helper = Helper.start(made._all)
        return made if made._helper is not None else None

    def node(self, path: str, sha256: str) -> bytes:
        """What stands for the file that was read here with this digest.

        Raises `EvidenceError` as `NodeReader`, and where the file is no longer the one that was read; `OSError`.
        """
        while path not in self._found and self._hear():
            pass
        known = self._found.get(path)
        if known is None or known.sha256 != sha256:
            known = self._one(path)
        if known.sha256 != sha256:
            raise EvidenceError("the file changed while it was read", where=path)
        return bytes.fromhex(known.node)

    def close(self) -> None:
        """Ends what is still at work."""
        if self._helper is not None:
            self._helper.close()
            self._helper = None

    def _hear(self) -> bool:
        answer = self._helper.answer() if self._helper is not None else None
        try:
            node = _nodes.decode(answer) if answer is not None else None
        except msgspec.MsgspecError:
            node = None
        if node is None:
            self.close()
            return False
        self._found[node.path] = node
        return True

    def _all(self) -> Iterator[bytes]:
        for path in sorted(self.paths, key=str.encode):
            yield msgspec.json.encode(self._one(path))

    def _one(self, path: str) -> Node:
        reader, hasher = NodeReader(self._key, path, self._limit_bytes), sha256_running()
        descriptor = self._open(path)
        try:
            while chunk := os.read(descriptor, CHUNK_BYTES):
                hasher.update(chunk)
                reader.feed(chunk)
        finally:
            os.close(descriptor)
        digest = hasher.hexdigest()
        return Node(path, digest, reader.end(digest).hex())


def is_of_lines(path: str) -> bool:
    """Whether a file is cut into lines with values of their own, which takes longest."""
    return path.endswith((f"/{RESPONSES_FILE}", f"/{ITEMS_FILE}")) and form_of(path) in ("responses", "items")

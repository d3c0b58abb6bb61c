"""The hashes of a large tree, 32 bytes each in one piece, with the root over any range that proofs ask for."""

from __future__ import annotations

from collections.abc import Iterable

from awo.canon.digest import empty_tree_hash, leaf_hashes, node_hash, node_hashes

HASH_BYTES = 32


class PackedTree:
    """An RFC 6962 tree of which every hash is kept, 64 bytes a leaf: leaves are added, then it grows, then is asked."""

    __slots__ = ("_leaves", "_levels")

    def __init__(self) -> None:
        self._leaves = bytearray()
        self._levels: list[bytes | bytearray] = []

    def __len__(self) -> int:
        return len(self._leaves) // HASH_BYTES

    def extend(self, lines: Iterable[bytes]) -> None:
        """Adds these leaves."""
        self._leaves += leaf_hashes(lines)

    def grow(self) -> None:
        """Computes the inner nodes: the complete subtrees of each height."""
        self._levels = [self._leaves]
        while len(self._levels[-1]) > HASH_BYTES:
            self._levels.append(node_hashes(self._levels[-1]))

    def root_of(self, start: int, end: int) -> bytes:
        """A `merkle_proofs.RootOf`: `start` must be a multiple of the largest power of two that is at most
        `end - start`; of no leaves at all the root of the empty tree."""
        count = end - start
        if not count:
            return empty_tree_hash()
        height = count.bit_length() - 1
        place = (start >> height) * HASH_BYTES
        whole = bytes(self._levels[height][place : place + HASH_BYTES])
        rest = count - (1 << height)
        return node_hash(whole, self.root_of(end - rest, end)) if rest else whole

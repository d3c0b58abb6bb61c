"""Proofs over an RFC 6962 tree: that a leaf is in it, and that a smaller tree is its beginning."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from awo.canon.digest import leaf_hash, node_hash
from awo.errors import EvidenceError

RootOf = Callable[[int, int], bytes]
"""Gives the root (32 bytes) over the leaves from `start` up to but not with `end`."""


def inclusion_path(index: int, size: int, root_of: RootOf) -> list[bytes]:
    """PATH(index, D[size]) of RFC 6962 section 2.1.1: the hashes beside the way from leaf `index` to the root.

    `root_of` is asked for O(log size) ranges, each of which begins at a multiple of its largest power of two.
    Raises `ValueError` for a leaf that is not in the tree.
    """
    if not 0 <= index < size:
        raise ValueError(f"leaf {index} is not in a tree of {size}")
    path: list[bytes] = []
    start, end = 0, size
    while end - start > 1:
        middle = start + _split(end - start)
        if index < middle:
            path.append(root_of(middle, end))
            end = middle
        else:
            path.append(root_of(start, middle))
            start = middle
    path.reverse()
    return path


def consistency_path(first: int, size: int, root_of: RootOf) -> list[bytes]:
    """PROOF(first, D[size]) of RFC 6962 section 2.1.2; empty where `first` is 0 or `size`.

    Raises `ValueError` where `first` is not among 0 to `size`.
    """
    if not 0 <= first <= size:
        raise ValueError(f"a tree of {first} is not the beginning of one of {size}")
    if first in (0, size):
        return []
    path: list[bytes] = []
    start, end, is_whole = 0, size, True
    while first != end:
        middle = start + _split(end - start)
        if first <= middle:
            path.append(root_of(middle, end))
            end = middle
        else:
            path.append(root_of(start, middle))
            start, is_whole = middle, False
    if not is_whole:
        path.append(root_of(start, end))
    path.reverse()
    return path


def root_by_inclusion(leaf: bytes, index: int, size: int, path: Sequence[bytes]) -> bytes:
    """The root that follows from leaf `index` with the 32-byte hash `leaf` and its path (RFC 9162 section 2.1.3.2).

    The proof holds when that is the root of the tree. Raises `EvidenceError` for a path of the wrong length.
    """
    if not 0 <= index < size:
        raise EvidenceError("the leaf is not in a tree of this size", expected=f"below {size}", got=str(index))
    place, last, root = index, size - 1, leaf
    for step in path:
        if last == 0:
            raise EvidenceError("the path of an inclusion proof is too long", got=str(len(path)))
        if place & 1 or place == last:
            root = node_hash(step, root)
            while not place & 1 and place:
                place, last = place >> 1, last >> 1
        else:
            root = node_hash(root, step)
        place, last = place >> 1, last >> 1
    if last:
        raise EvidenceError("the path of an inclusion proof is too short", got=str(len(path)))
    return root


def roots_by_consistency(
    first: int, size: int, path: Sequence[bytes], first_root: bytes, root: bytes
) -> tuple[bytes, bytes]:
    """The roots that follow from a consistency proof (RFC 9162 section 2.1.4.2): of the smaller tree, of the larger.

    The proof holds when they are `first_root` and `root`. For `first` of 0 or `size`, where nothing is to be shown, the
    path must be empty, and what is given follows from the roots themselves. Raises `EvidenceError` for a path of the
    wrong length, and for sizes that cannot be.
    """
    if not 0 <= first <= size:
        raise EvidenceError("the first tree is larger than the second", expected=f"at most {size}", got=str(first))
    if first in (0, size):
        if path:
            raise EvidenceError("a consistency proof of such sizes has no path", got=str(len(path)))
        return (root, root) if first else (first_root, root)
    hashes = [first_root, *path] if first & (first - 1) == 0 else list(path)
    if not hashes:
        raise EvidenceError("the path of a consistency proof is too short", got="0")
    place, last = first - 1, size - 1
    while place & 1:
        place, last = place >> 1, last >> 1
    older = newer = hashes[0]
    for step in hashes[1:]:
        if last == 0:
            raise EvidenceError("the path of a consistency proof is too long", got=str(len(path)))
        if place & 1 or place == last:
            older, newer = node_hash(step, older), node_hash(step, newer)
            while not place & 1 and place:
                place, last = place >> 1, last >> 1
        else:
            newer = node_hash(newer, step)
        place, last = place >> 1, last >> 1
    if last:
        raise EvidenceError("the path of a consistency proof is too short", got=str(len(path)))
    return older, newer


class Leaves:
    """The leaf hashes of a tree in memory, 32 bytes each, with the root over any range that proofs ask for."""

    __slots__ = ("_levels",)

    def __init__(self, hashes: Sequence[bytes]) -> None:
        self._levels: list[Sequence[bytes]] = [hashes]
        while len(below := self._levels[-1]) > 1:
            self._levels.append([node_hash(below[n], below[n + 1]) for n in range(0, len(below) - 1, 2)])

    @classmethod
    def of_lines(cls, lines: Sequence[bytes]) -> Leaves:
        """The tree over these leaves."""
        return cls([leaf_hash(line) for line in lines])

    def __len__(self) -> int:
        return len(self._levels[0])

    def root_of(self, start: int, end: int) -> bytes:
        """A `RootOf`. `start` must be a multiple of the largest power of two that is at most `end - start`."""
        count = end - start
        level = count.bit_length() - 1
        whole = self._levels[level][start >> level]
        rest = count - (1 << level)
        return node_hash(whole, self.root_of(end - rest, end)) if rest else whole


def _split(count: int) -> int:
    """The largest power of two below `count`, which is 2 or more."""
    return 1 << ((count - 1).bit_length() - 1)

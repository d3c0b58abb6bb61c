"""The tree of the ledger as tiles of 256 hashes, and its entries in bundles of 256 (C2SP tlog-tiles)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final

from awo.canon.digest import leaf_hash, node_hash
from awo.errors import EvidenceError
from awo.evidence.ledger import LARGEST_ENTRY_BYTES

WIDTH: Final = 256
HASH_BYTES: Final = 32
ENTRIES: Final = -1
"""The level of a bundle of entries, which lies below the leaf hashes."""

LARGEST_BUNDLE_BYTES: Final = WIDTH * (2 + LARGEST_ENTRY_BYTES)


@dataclass(frozen=True, slots=True)
class Tile:
    """Tile `index` of a level (`ENTRIES` for a bundle of entries), with `width` hashes or entries in it."""

    level: int
    index: int
    width: int

    @property
    def path(self) -> str:
        """Where it lies below the ledger's folder: `tile/0/x001/067`, with `.p/W` behind it while it is not full."""
        whole = f"tile/{'entries' if self.level == ENTRIES else self.level}/{_spread(self.index)}"
        return whole if self.width == WIDTH else f"{whole}.p/{self.width}"

    @property
    def full(self) -> Tile:
        """The same tile once it has all its hashes."""
        return replace(self, width=WIDTH)

    def beside(self, level: int) -> Tile:
        """The tile of another level with the same number and width: of a bundle, that of its leaf hashes."""
        return replace(self, level=level)

    @property
    def most_bytes(self) -> int:
        """How long its file can be."""
        return LARGEST_BUNDLE_BYTES if self.level == ENTRIES else self.width * HASH_BYTES


ReadTile = Callable[[Tile], bytes]
"""Gives the bytes of a tile of exactly this width; raises `EvidenceError` where they are not there."""


def _spread(index: int) -> str:
    parts = [f"{index % 1000:03}"]
    while index := index // 1000:
        parts.append(f"x{index % 1000:03}")
    return "/".join(reversed(parts))


def tile_at(level: int, place: int, size: int) -> Tile:
    """The tile with hash (or entry) number `place` of a level, as wide as it is in a tree of `size` entries."""
    index = place // WIDTH
    return Tile(level, index, min(WIDTH, hashes_at(level, size) - index * WIDTH))


def hashes_at(level: int, size: int) -> int:
    """How many hashes a level has in a tree of `size` entries; of bundles, how many entries there are."""
    return size if level == ENTRIES else size >> (8 * level)


def encode_bundle(entries: Iterable[bytes]) -> bytes:
    """Entries one after another, each behind its length in two bytes, big-endian."""
    return b"".join(len(entry).to_bytes(2, "big") + entry for entry in entries)


def decode_bundle(data: bytes, count: int, where: str) -> list[bytes]:
    """The `count` entries of a bundle. Raises `EvidenceError`, naming `where`, when there are fewer or more."""
    entries, place = [], 0
    while place < len(data):
        length = int.from_bytes(data[place : place + 2], "big")
        entry = data[place + 2 : place + 2 + length]
        if len(entry) != length or place + 2 > len(data):
            raise EvidenceError("a bundle of entries ends within an entry", where=where)
        entries.append(entry)
        place += 2 + length
    if len(entries) != count:
        got = str(len(entries))
        raise EvidenceError("a bundle has another number of entries", where=where, expected=str(count), got=got)
    return entries


class TileTree:
    """The tree of the first `size` entries, by its tiles. Raises `EvidenceError` for a tile of another length."""

    def __init__(self, size: int, read: ReadTile) -> None:
        self.size = size
        self._read = read

    def root(self) -> bytes:
        """The 32-byte root over all `size` entries, which are one at least."""
        return self.root_of(0, self.size)

    def root_of(self, start: int, end: int) -> bytes:
        """The root over the entries from `start` up to `end`, as `merkle_proofs` asks for them (a `RootOf`)."""
        count = end - start
        height = count.bit_length() - 1
        whole = self._complete(height, start >> height)
        rest = count - (1 << height)
        return node_hash(whole, self.root_of(end - rest, end)) if rest else whole

    def _complete(self, height: int, place: int) -> bytes:
        """The root of the complete subtree number `place` of 2^height entries."""
        level, within = divmod(height, 8)
        first = place << within
        hashes = self.hashes(tile_at(level, first, self.size))[first % WIDTH : first % WIDTH + (1 << within)]
        while len(hashes) > 1:
            hashes = [node_hash(hashes[n], hashes[n + 1]) for n in range(0, len(hashes), 2)]
        return hashes[0]

    def hashes(self, tile: Tile) -> list[bytes]:
        """The hashes of a tile."""
        data = self._read(tile)
        if len(data) != tile.width * HASH_BYTES:
            raise EvidenceError("a tile has another length", where=tile.path, expected=f"{tile.width} hashes")
        return [data[n : n + HASH_BYTES] for n in range(0, len(data), HASH_BYTES)]


class Growing:
    """The tiles of a tree at its right edge while entries are added behind the first `size`.

    `read` is asked for the partial tiles only: one a level, so the work of one entry is O(log size).
    """

    def __init__(self, size: int, read: ReadTile) -> None:
        self.size = size
        self._read = read
        self._edges: dict[int, list[bytes]] = {}
        self._finished: dict[Tile, list[bytes]] = {}

    def add(self, entry: bytes) -> None:
        """The next entry. Raises `EvidenceError` where a partial tile is not what it should be."""
        if not 0 < len(entry) <= LARGEST_ENTRY_BYTES:
            raise ValueError(f"an entry has 1 to {LARGEST_ENTRY_BYTES} bytes, not {len(entry)}")
        self._put(ENTRIES, entry)
        self._put(0, leaf_hash(entry))
        self.size += 1

    def _put(self, level: int, item: bytes) -> None:
        edge = self._edge(level)
        edge.append(item)
        if len(edge) < WIDTH:
            return
        self._finished[Tile(level, (hashes_at(max(level, 0), self.size)) // WIDTH, WIDTH)] = edge
        self._edges[level] = []
        if level != ENTRIES:
            self._put(level + 1, _root(edge))

    def _edge(self, level: int) -> list[bytes]:
        if level not in self._edges:
            before = hashes_at(level, self.size)
            self._edges[level] = self._known(Tile(level, before // WIDTH, before % WIDTH)) if before % WIDTH else []
        return self._edges[level]

    def _known(self, tile: Tile) -> list[bytes]:
        if tile.level != ENTRIES:
            return TileTree(self.size, self._read).hashes(tile)
        entries = decode_bundle(self._read(tile), tile.width, tile.path)
        if [leaf_hash(entry) for entry in entries] != self._known(tile.beside(0)):
            raise EvidenceError("the entries are not those of the tree", where=tile.path)
        return entries

    def take_finished(self) -> list[tuple[Tile, bytes]]:
        """The tiles that have become full since this was last asked."""
        taken = [(tile, _joined(tile, items)) for tile, items in self._finished.items()]
        self._finished.clear()
        return taken

    def files(self) -> Iterator[tuple[Tile, bytes]]:
        """The tiles that are new since the beginning: those that are full now, then the partial ones of now."""
        yield from self.take_finished()
        for level, items in self._edges.items():
            if items:
                tile = Tile(level, hashes_at(level, self.size) // WIDTH, len(items))
                yield tile, _joined(tile, items)


def _joined(tile: Tile, items: Sequence[bytes]) -> bytes:
    return encode_bundle(items) if tile.level == ENTRIES else b"".join(items)


def _root(hashes: Sequence[bytes]) -> bytes:
    while len(hashes) > 1:
        hashes = [node_hash(hashes[n], hashes[n + 1]) for n in range(0, len(hashes), 2)]
    return hashes[0]

"""Tiles and bundles are those of C2SP tlog-tiles, however the entries arrive."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from awo.errors import EvidenceError
from awo.evidence.merkle_proofs import (
    Leaves,
    consistency_path,
    inclusion_path,
    root_by_inclusion,
    roots_by_consistency,
)
from awo.ledger.tiles import ENTRIES, WIDTH, Growing, Tile, TileTree, decode_bundle, encode_bundle, tile_at

LINES = [f"entry {number}".encode() for number in range(600)]


class Shelf:
    """Tiles in memory."""

    def __init__(self) -> None:
        self.tiles: dict[Tile, bytes] = {}
        self.size = 0

    def add(self, *entries: bytes) -> None:
        growing = Growing(self.size, self.tiles.__getitem__)
        for entry in entries:
            growing.add(entry)
        self.tiles |= dict(growing.files())
        self.size = growing.size

    @property
    def tree(self) -> TileTree:
        return TileTree(self.size, self.tiles.__getitem__)


def grown(*counts: int) -> Shelf:
    shelf, made = Shelf(), 0
    for count in counts:
        shelf.add(*LINES[made : made + count])
        made += count
    return shelf


@pytest.mark.parametrize(
    ("tile", "path"),
    [
        (Tile(0, 0, 1), "tile/0/000.p/1"),
        (Tile(0, 1234067, WIDTH), "tile/0/x001/x234/067"),
        (Tile(2, 67, 112), "tile/2/067.p/112"),
        (Tile(ENTRIES, 1067, WIDTH), "tile/entries/x001/067"),
    ],
)
def test_a_tile_lies_where_c2sp_says(tile: Tile, path: str) -> None:
    assert tile.path == path


def test_a_tree_of_70000_has_the_tiles_of_the_specification() -> None:
    assert [tile_at(level, (70_000 >> 8 * level) - 1, 70_000) for level in (0, 1, 2)] == [
        Tile(0, 273, 112),
        Tile(1, 1, 17),
        Tile(2, 0, 1),
    ]


def test_a_tree_of_256_has_a_full_tile_and_one_hash_above_it() -> None:
    assert set(grown(256).tiles) == {Tile(ENTRIES, 0, 256), Tile(0, 0, 256), Tile(1, 0, 1)}


def test_no_empty_tile_is_made() -> None:
    assert all(tile.width for tile in grown(255, 1, 256).tiles)


@settings(max_examples=30)
@given(st.lists(st.integers(1, 300), min_size=1, max_size=4))
def test_entries_in_any_grouping_give_the_same_tiles_and_root(counts: list[int]) -> None:
    total = min(sum(counts), len(LINES))
    at_once, in_groups = grown(total), grown(*counts)
    assert in_groups.size == total
    assert at_once.tiles.items() <= in_groups.tiles.items()
    assert in_groups.tree.root() == Leaves.of_lines(LINES[:total]).root_of(0, total)


@settings(max_examples=30)
@given(st.integers(1, 600), st.data())
def test_proofs_from_tiles_hold(size: int, data: st.DataObject) -> None:
    tree, leaves = grown(size).tree, Leaves.of_lines(LINES[:size])
    index, first = data.draw(st.integers(0, size - 1)), data.draw(st.integers(1, size))
    root = leaves.root_of(0, size)
    path = inclusion_path(index, size, tree.root_of)
    assert root_by_inclusion(leaves.root_of(index, index + 1), index, size, path) == root
    proof = consistency_path(first, size, tree.root_of)
    older = Leaves.of_lines(LINES[:first]).root_of(0, first)
    assert roots_by_consistency(first, size, proof, older, root) == (older, root)


def test_one_more_entry_reads_only_the_tiles_at_the_edge() -> None:
    shelf = grown(600)
    asked: list[Tile] = []

    def read(tile: Tile) -> bytes:
        asked.append(tile)
        return shelf.tiles[tile]

    growing = Growing(600, read)
    growing.add(b"one more")
    assert set(asked) == {Tile(ENTRIES, 2, 88), Tile(0, 2, 88)}
    assert [tile for tile, _ in growing.files()] == [Tile(ENTRIES, 2, 89), Tile(0, 2, 89)]


@given(st.lists(st.binary(min_size=1, max_size=300), max_size=20))
def test_a_bundle_gives_its_entries_back(entries: list[bytes]) -> None:
    assert decode_bundle(encode_bundle(entries), len(entries), "here") == entries


@pytest.mark.parametrize("data", [b"\x00", b"\x00\x05abc", b"\x00\x01a\x00\x01b", b"\x00\x01a\x00"])
def test_a_bundle_that_is_torn_or_has_more_is_refused(data: bytes) -> None:
    with pytest.raises(EvidenceError, match="a bundle"):
        decode_bundle(data, 1, "here")


@pytest.mark.parametrize("entry", [b"", bytes(65_536)])
def test_an_entry_that_has_no_length_in_two_bytes_is_not_taken(entry: bytes) -> None:
    with pytest.raises(ValueError, match="1 to 65535 bytes"):
        Growing(0, Shelf().tiles.__getitem__).add(entry)


def test_nothing_is_added_behind_entries_that_are_not_those_of_the_tree() -> None:
    shelf = grown(3)
    shelf.tiles[Tile(ENTRIES, 0, 3)] = encode_bundle([b"another", *LINES[1:3]])
    with pytest.raises(EvidenceError, match="not those of the tree"):
        shelf.add(b"one more")

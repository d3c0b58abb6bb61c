"""Reads a ledger, ours or a stranger's: within bounds, and believing nothing that does not follow from its root."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

from awo.canon.digest import empty_tree_hash, leaf_hash
from awo.canon.json import parse_canonical
from awo.errors import AwoError, EvidenceError
from awo.evidence.ledger import Entry, EntryProof
from awo.evidence.merkle_proofs import consistency_path, inclusion_path, root_by_inclusion, roots_by_consistency
from awo.ledger.disk import CHECKPOINT, KEYS, read_bounded
from awo.ledger.tiles import ENTRIES, WIDTH, Growing, Tile, TileTree, decode_bundle, tile_at
from awo.sign.checkpoint import TreeState, parse_checkpoint
from awo.sign.note import LARGEST_NOTE_BYTES, Note, VerifierKey, parse_note

LARGEST_KEYS_BYTES = 1 << 20
TILES_IN_MEMORY = 64

ANY_ENTRY: Any = Entry
"""What an entry is read as: a union, for which `parse` has no type of its own."""


class Signed(NamedTuple):
    """A checkpoint as it lies in a file: the whole note, and what its text says of the tree."""

    note: Note
    state: TreeState


@dataclass(frozen=True, slots=True)
class Placed:
    """Entry `index` of the ledger: its exact text, and what it says; None where it is of no known shape."""

    index: int
    text: bytes
    entry: Entry | None


def read_signed(data: bytes, where: str) -> Signed:
    """The checkpoint in the bytes of a note. No signature is checked. Raises `EvidenceError`, naming `where`."""
    note = parse_note(data, where)
    return Signed(note, parse_checkpoint(note.text, where))


def read_keys(text: str, where: str, error: type[AwoError] = EvidenceError) -> list[VerifierKey]:
    """The verifier keys in a text, one a line; empty lines and lines that begin with # are passed over.

    Raises `error`, naming `where` and the line.
    """
    lines = enumerate(text.splitlines(), start=1)
    kept = [(number, line.strip()) for number, line in lines if line.strip() and not line.lstrip().startswith("#")]
    return [VerifierKey.parse(line, where=f"{where}:{number}", error=error) for number, line in kept]


def entry_of(text: bytes, where: str) -> Entry:
    """The entry that these bytes are. Raises `EvidenceError` for an unknown kind or another spelling."""
    entry: Entry = parse_canonical(text, ANY_ENTRY, where=where)
    return entry


class LedgerReader:
    """The ledger in a folder as it was when it was opened. Without a checkpoint it has no entries.

    What is read later is held against that checkpoint: whatever is altered meanwhile raises `EvidenceError`.
    """

    def __init__(self, folder: Path, signed: Signed | None = None) -> None:
        """With `signed` as of that checkpoint, whichever lies in the folder."""
        self.folder = folder
        self.signed = signed if signed is not None else _signed_in(folder)
        self.size = self.signed.state.size if self.signed is not None else 0
        self.tree = TileTree(self.size, lru_cache(TILES_IN_MEMORY)(self.read_tile))

    def keys(self) -> list[VerifierKey]:
        """The keys that the ledger itself names: a claim, which nobody has to believe."""
        data = read_bounded(self.folder, KEYS, LARGEST_KEYS_BYTES) or b""
        try:
            return read_keys(data.decode(), KEYS)
        except UnicodeDecodeError as error:
            raise EvidenceError("the keys of the ledger are not text", where=KEYS) from error

    def read_tile(self, tile: Tile) -> bytes:
        """The file of a tile, or the beginning of the full one where the partial one was removed."""
        data = read_bounded(self.folder, tile.path, tile.most_bytes)
        if data is not None:
            return data
        full = read_bounded(self.folder, tile.full.path, tile.full.most_bytes)
        if full is None:
            raise EvidenceError(
                "a part of the ledger is missing", where=tile.path, hint="restore it from a copy of the ledger"
            )
        if tile.level != ENTRIES:
            return full[: tile.width * 32]
        place = 0
        for _ in range(tile.width):
            place += 2 + int.from_bytes(full[place : place + 2], "big")
        return full[:place]

    def check_root(self) -> None:
        """Raises `EvidenceError` unless the tiles at the edge give the root of the checkpoint."""
        if self.signed is None:
            return
        root = self.tree.root() if self.size else empty_tree_hash()
        if root != self.signed.state.root:
            raise EvidenceError(
                "the tiles of the ledger do not give the root of its checkpoint",
                where=CHECKPOINT,
                expected=self.signed.state.root.hex(),
                got=root.hex(),
            )

    def bundle(self, index: int) -> list[bytes]:
        """The entries of bundle `index`, each held against its leaf hash."""
        tile = tile_at(ENTRIES, index * WIDTH, self.size)
        entries = decode_bundle(self.read_tile(tile), tile.width, tile.path)
        for number, (entry, leaf) in enumerate(zip(entries, self.tree.hashes(tile.beside(0)), strict=True)):
            if leaf_hash(entry) != leaf:
                raise EvidenceError(
                    "an entry has been altered", where=f"{tile.path}, entry {tile.index * WIDTH + number}"
                )
        return entries

    def entries(self) -> Iterator[Placed]:
        """Every entry in its order. Raises `EvidenceError` where one is altered, and behind the last when the tree
        over all of them, or a tile of it, is not the one of the checkpoint."""
        whole = Growing(0, _nothing_before)
        for index in range(-(-self.size // WIDTH)):
            for number, text in enumerate(self.bundle(index)):
                whole.add(text)
                yield placed(index * WIDTH + number, text)
            for tile, data in whole.take_finished():
                self._compare(tile, data)
        for tile, data in whole.files():
            self._compare(tile, data)
        self.check_root()

    def _compare(self, tile: Tile, data: bytes) -> None:
        if self.read_tile(tile) != data:
            raise EvidenceError("a tile of the ledger has been altered", where=tile.path)

    def entries_of(self, run_id: str, start_sha256: str = "") -> list[Placed]:
        """The entries of one run in their order, from its latest start on; looks from the end back.

        With `start_sha256` from the start of the run whose first event has that digest.
        """
        mark = f'"run_id":"{run_id}"'.encode()
        found: list[Placed] = []
        for index in range((self.size - 1) // WIDTH, -1, -1):
            for number, text in reversed(list(enumerate(self.bundle(index)))):
                if mark not in text:
                    continue
                one = placed(index * WIDTH + number, text)
                if one.entry is None or one.entry.run_id != run_id:
                    continue
                found.append(one)
                if begins(one.entry, start_sha256):
                    return found[::-1]
        return found[::-1]

    def proofs(self, entries: Sequence[Placed]) -> list[EntryProof]:
        """The entries with their inclusion paths, each of which was checked against the checkpoint's root."""
        made = []
        for one in entries:
            path = inclusion_path(one.index, self.size, self.tree.root_of)
            assert self.signed is not None
            if root_by_inclusion(leaf_hash(one.text), one.index, self.size, path) != self.signed.state.root:
                raise EvidenceError("an entry of the ledger cannot be proved: a tile is altered", where=CHECKPOINT)
            text = one.text.decode()
            made.append(EntryProof(index=one.index, entry=text, path=[node.hex() for node in path]))
        return made

    def consistency(self, first: TreeState) -> list[bytes]:
        """The proof that the tree `first` is the beginning of this one. Raises `EvidenceError` when it is not."""
        assert self.signed is not None
        root = self.signed.state.root
        path = consistency_path(first.size, self.size, self.tree.root_of)
        older, newer = roots_by_consistency(first.size, self.size, path, first.root, root)
        if first.size == 0:
            older = empty_tree_hash()
        if newer != root or older != first.root:
            raise EvidenceError(
                "the other ledger is not the beginning of this one: they are two branches of one log",
                where=CHECKPOINT,
                expected=f"at size {first.size} the root {first.root.hex()}",
                got=(self.tree.root_of(0, first.size) if first.size else empty_tree_hash()).hex(),
            )
        return path


def _signed_in(folder: Path) -> Signed | None:
    data = read_bounded(folder, CHECKPOINT, LARGEST_NOTE_BYTES)
    return read_signed(data, CHECKPOINT) if data is not None else None


def begins(entry: Entry, start_sha256: str) -> bool:
    """Whether an entry is the start of a run; of the one whose first event has this digest, where one is given."""
    digest = getattr(entry, "journal_sha256", "")
    return bool(digest) and start_sha256 in ("", digest)


def placed(index: int, text: bytes) -> Placed:
    """The entry with what it says, or None for what it says."""
    try:
        return Placed(index, text, entry_of(text, f"entry {index}"))
    except EvidenceError:
        return Placed(index, text, None)


def _nothing_before(tile: Tile) -> bytes:
    raise EvidenceError("nothing comes before the first entry", where=tile.path)

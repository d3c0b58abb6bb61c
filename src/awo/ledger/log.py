"""The ledger of a project, to append to: entries first, then the tiles, then what this machine remembers, then the
checkpoint. A crash anywhere leaves a ledger that the next append completes or takes up where its checkpoint ends."""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from awo.canon.json import canonical
from awo.errors import EvidenceError
from awo.evidence.ledger import DecisionEntered, Entry, RunEntered, SealEntered
from awo.ledger.disk import CHECKPOINT, KEYS, alone, read_bounded, replace, unwritable, write_new
from awo.ledger.origin import name_in, new_signer, post_quantum_signer, signer_for
from awo.ledger.reader import LedgerReader, Placed, Signed, read_signed
from awo.ledger.tiles import ENTRIES, WIDTH, Growing, Tile, TileTree
from awo.sign.checkpoint import TreeState
from awo.sign.note import LARGEST_NOTE_BYTES, Note, NoteSignature, verify_note

if TYPE_CHECKING:  # cryptography is loaded when something is signed
    from awo.sign.note_keys import NoteSigner

OF_A_RUN = (RunEntered, DecisionEntered, SealEntered)
"""What follows from the folder of a run; commits and erasures come from elsewhere."""


@dataclass(frozen=True, slots=True)
class Ledger:
    """The ledger of one project: where it lies, where this machine's keys are, how the project is called, and whether
    an ML-DSA-44 key signs beside the Ed25519 key.

    Every method raises `DiskTrouble` where it cannot be read or written, `EvidenceError` where it is not whole or was
    put back, and `CannotCheck` for a key that cannot be used.
    """

    folder: Path
    keys: Path
    project: str
    ml_dsa: bool = False

    def reader(self) -> LedgerReader:
        """The ledger as it is now, to be read."""
        return LedgerReader(self.folder)

    def whole_reader(self) -> LedgerReader:
        """The same, once it is known to continue what this machine has signed of it: an older copy is no ledger."""
        return self.continued(self.reader())

    def continued(self, reader: LedgerReader) -> LedgerReader:
        """`reader`, or one of the checkpoint that this machine signed last, where a crash kept that back.

        Raises `EvidenceError` for a ledger that does not continue it: no log may have two branches.
        """
        if reader.signed is None:
            return reader
        last = self._remembered(reader.signed.state.origin)
        if last is None:
            return reader
        held_back = LedgerReader(self.folder, last) if last.state.size > reader.size else None
        try:
            if held_back is None:
                reader.consistency(last.state)
            else:
                held_back.check_root()
        except EvidenceError as error:
            raise _put_back(reader.signed.state, last.state, self.folder) from error
        return held_back or reader

    def _remembered(self, origin: str) -> Signed | None:
        name = f"{name_in(origin)}.last"
        data = read_bounded(self.keys, name, LARGEST_NOTE_BYTES)
        return read_signed(data, str(self.keys / name)) if data is not None else None

    def refuse_unwritable(self) -> None:
        """Returns when an entry could be made now: the ledger is whole, this machine has a key, the disk lets it."""
        with self._opened() as open_:
            open_.prepare()

    def append(self, *entries: Entry) -> int:
        """Enters these at the end; gives the index of the first. Durable and signed on return."""
        with self._opened() as open_:
            return open_.append(entries)

    def enter(self, entries: Sequence[Entry], *, is_new: bool = False) -> list[Placed]:
        """Enters what the ledger lacks of `entries`: those of one run in their order, from its start to now.

        Gives all that the ledger has of them then; doing it twice changes nothing. With `is_new` the run has no entry
        yet, and none is looked for. Raises `EvidenceError` where the ledger says otherwise of this run.
        """
        with self._opened() as open_:
            known = [] if is_new else _known(open_.reader, entries)
            lacking = entries[len(known) :]
            if not lacking:
                return known
            first = open_.append(lacking)
        new = [Placed(first + number, canonical(entry), entry) for number, entry in enumerate(lacking)]
        return [*known, *new]

    def add_signatures(self, text: str, signatures: Sequence[NoteSignature]) -> bool:
        """Puts lines of others, such as witnesses, under the checkpoint with this text; a line of the same key before
        is replaced. False where the checkpoint is another one by now."""
        with self._opened() as open_:
            signed = open_.reader.signed
            if signed is None or signed.note.text != text:
                return False
            new = {(one.name, one.key_id) for one in signatures}
            kept = [one for one in signed.note.signatures if (one.name, one.key_id) not in new]
            _replace(self.folder / CHECKPOINT, Note(text, (*kept, *signatures)).encode())
            return True

    @contextlib.contextmanager
    def _opened(self) -> Iterator[_Open]:
        with alone(self.folder):
            yield _Open(self)


class _Open:
    """The ledger under its lock."""

    def __init__(self, ledger: Ledger) -> None:
        self.ledger = ledger
        self.reader = ledger.reader()
        self._signers: tuple[NoteSigner, ...] = ()
        if self.reader.signed is not None:
            self._complete()
            self.reader.check_root()

    def _complete(self) -> None:
        """Publishes the checkpoint that this machine signed last where a crash kept it back."""
        newest = self.ledger.continued(self.reader)
        if newest is not self.reader:
            assert newest.signed is not None
            _replace(self.ledger.folder / CHECKPOINT, newest.signed.note.encode())
            self.reader = newest

    def prepare(self) -> tuple[NoteSigner, ...]:
        """This machine's keys for the ledger, which are named in the ledger's list of keys; one is Ed25519."""
        if self._signers:
            return self._signers
        signed, keys, folder = self.reader.signed, self.ledger.keys, self.ledger.folder
        known = self.reader.keys()
        if signed is not None:
            signer = signer_for(keys, signed.state.origin)
            if not verify_note(signed.note, known, where=CHECKPOINT):
                raise EvidenceError("the checkpoint of the ledger is signed by none of its keys", where=CHECKPOINT)
        elif known:  # the first entry was cut off before its checkpoint
            signer = signer_for(keys, known[0].name)
        else:
            signer = new_signer(keys, self.ledger.project)
        beside = (post_quantum_signer(keys, signer.vkey.name),) if self.ledger.ml_dsa else ()
        self._signers = (signer, *beside)
        if new := [one.vkey for one in self._signers if one.vkey not in known]:
            text = "".join(f"{key}\n" for key in (*known, *new))
            _replace(folder / KEYS, text.encode())
        return self._signers

    def append(self, entries: Sequence[Entry]) -> int:
        signers, folder = self.prepare(), self.ledger.folder
        first = self.reader.size
        growing = Growing(first, self.reader.read_tile)
        for entry in entries:
            growing.add(canonical(entry))
        files = {tile.path: data for tile, data in growing.files()}
        try:
            write_new(folder, files)
        except OSError as error:
            raise unwritable(folder, error) from error
        root = TileTree(growing.size, self.reader.read_tile).root()
        state = TreeState(signers[0].vkey.name, growing.size, root)
        note = Note(state.text, tuple(signer.sign(state.text) for signer in signers))
        _replace(self.ledger.keys / f"{name_in(state.origin)}.last", note.encode(), mode=0o600)
        _replace(folder / CHECKPOINT, note.encode())
        if first // WIDTH != growing.size // WIDTH:
            _remove_partial(folder, first)
        return first


def _known(reader: LedgerReader, entries: Sequence[Entry]) -> list[Placed]:
    """What the ledger has of these entries. Raises `EvidenceError` where it has others of that run, or more."""
    start = entries[0]
    found = [one for one in reader.entries_of(start.run_id) if isinstance(one.entry, OF_A_RUN)]
    for number, one in enumerate(found):
        assert one.entry is not None
        if number < len(entries) and untimed(one.entry) == untimed(entries[number]):
            continue
        raise EvidenceError(
            "the ledger has another entry of this run than its folder gives",
            where=f"{start.run_id}, entry {one.index} of the ledger",
            expected=_named(entries[number]) if number < len(entries) else "no further entry",
            got=_named(one.entry),
            hint="the folder was altered, or an older copy was put in its place; see `awo ledger audit`",
        )
    return found


def untimed(entry: Entry) -> Entry:
    """The entry without its time, which is when it was entered."""
    return msgspec.structs.replace(entry, at="")


def kind_of(entry: Entry) -> str:
    """The word that an entry has as its kind: `run_started`."""
    return str(type(entry).__struct_config__.tag)


def _named(entry: Entry) -> str:
    digest = getattr(entry, "journal_sha256", "") or getattr(entry, "seal_sha256", "") or getattr(entry, "sha256", "")
    return f"{kind_of(entry)} {digest}"


def _put_back(here: TreeState, last: TreeState, folder: Path) -> EvidenceError:
    return EvidenceError(
        "this ledger does not continue what this machine has signed of it: an older copy was put in its place, or it "
        "was altered",
        where=str(folder),
        expected=f"size {last.size} or more, root {last.root.hex()} at {last.size}",
        got=f"size {here.size}, root {here.root.hex()}",
        hint="put the newer ledger back; a copy of a project that is to go its own way needs a ledger of its own: move "
        "runs/ledger away there",
    )


def _replace(path: Path, data: bytes, *, mode: int = 0o644) -> None:
    try:
        replace(path, data, mode=mode)
    except OSError as error:
        raise unwritable(path.parent, error) from error


def _remove_partial(folder: Path, size: int) -> None:
    """Tidies the partial tiles away that a full one has replaced since the tree had `size` entries."""
    for level in (ENTRIES, 0):
        shutil.rmtree(folder / f"{Tile(level, size // WIDTH, WIDTH).path}.p", ignore_errors=True)

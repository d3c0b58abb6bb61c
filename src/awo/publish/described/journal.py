"""Reads the journal of a run in blocks of lines: a run of many calls is described in a fraction of its export."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from awo.canon.digest import leaf_hashes
from awo.engine.folder import never_started
from awo.errors import DiskTrouble
from awo.evidence import events as ev
from awo.evidence.event_blocks import decode_block
from awo.evidence.layout import JOURNAL
from awo.evidence.merkle import MerkleTree

BLOCK_BYTES = 1 << 18
LEAF_BYTES = 32


def grow(folder: Path, tree: MerkleTree) -> Iterator[ev.AnyEvent]:
    """The whole events on disk, in order, and their lines as leaves of `tree`; a torn last line is passed over.

    A gate's own line is in the tree when its opening is given out, as `Chronicle` wants it; other lines are there when
    the next event is. Raises `EvidenceError` and `DiskTrouble`.
    """
    for block in _blocks(folder):
        lines = block[:-1].split(b"\n")
        events = decode_block(block, len(lines))
        if events is None:
            events = [ev.decode(line, number) for number, line in enumerate(lines, tree.size)]
        leaves, grown = leaf_hashes(lines), 0
        for place, event in enumerate(events, 1):
            if isinstance(event, ev.GateOpened):
                tree.append_hashes(leaves[grown : place * LEAF_BYTES])
                grown = place * LEAF_BYTES
            yield event
        tree.append_hashes(leaves[grown:])


def _blocks(folder: Path) -> Iterator[bytes]:
    """Whole lines, each with its newline, many at a time."""
    rest = b""
    try:
        with (folder / JOURNAL).open("rb") as stream:
            while chunk := stream.read(BLOCK_BYTES):
                whole, newline, left = chunk.rpartition(b"\n")
                if newline:
                    yield rest + whole + newline
                    rest = left
                else:
                    rest += chunk
    except FileNotFoundError as error:
        raise never_started(folder) from error
    except OSError as error:
        raise DiskTrouble(
            "the journal cannot be read", where=str(folder / JOURNAL), got=error.strerror or ""
        ) from error

"""Writes audit/registration.json: what the ledger has of a sealed run, proved against one checkpoint (spec 10.4)."""

from __future__ import annotations

import base64
from pathlib import Path

from awo.canon.digest import sha256_hex
from awo.canon.json import canonical
from awo.engine.entering import first_event
from awo.errors import AwoError, DiskTrouble, UsageError
from awo.evidence import events as ev
from awo.evidence.layout import REGISTRATION
from awo.evidence.ledger import Registration
from awo.ledger.disk import alone, read_bounded
from awo.ledger.log import Ledger
from awo.ledger.reader import LedgerReader
from awo.seal.beside import put_beside_seal
from awo.sign.timestamp import LARGEST_STAMP_BYTES

LARGEST_REGISTRATION_BYTES = 64 << 20
HALF = ".registration.new"
STAMPS = "stamps"
"""The folder of time stamps in a ledger: one file for each checkpoint that has one, by its size."""


def write_registration(folder: Path, ledger: Ledger) -> Registration:
    """Proves every entry of the run in `folder` against the newest checkpoint, and writes that into its package.

    A time stamp that the file has is kept while the checkpoint is the same. The modes of a sealed folder stay as they
    were. Raises `UsageError` where the ledger has nothing of the run, `EvidenceError` for a ledger that is not whole,
    and `DiskTrouble`.
    """
    with alone(ledger.folder):
        made = registration_of(folder, ledger.reader())
        half = ledger.folder / HALF  # not in the package: a crash would leave a file there that nobody sealed
        try:
            half.unlink(missing_ok=True)
            put_beside_seal(half, folder / REGISTRATION, canonical(made))
        except OSError as error:
            raise DiskTrouble(
                "what the ledger has of this run cannot be written into its package",
                where=str(folder / REGISTRATION),
                got=error.strerror or str(error),
                hint=f"mend the disk or the permissions, then: awo ledger refresh {folder.name}",
            ) from error
    return made


def registration_of(folder: Path, reader: LedgerReader) -> Registration:
    """What the ledger has of the run in `folder`. Raises as `write_registration`."""
    started = first_event(folder)
    entries = reader.entries_of(started.run_id, sha256_hex(ev.encode(started)))
    if not entries or reader.signed is None:
        raise UsageError("the ledger has no entry of this run", where=str(folder), hint="see `awo ledger show`")
    note = reader.signed.note.encode().decode()
    before = read_registration(folder)
    is_same = before is not None and before.checkpoint.partition("\n\n")[0] == note.partition("\n\n")[0]
    return Registration(
        format="awo/registration/v1",
        run_id=started.run_id,
        entries=reader.proofs(entries),
        checkpoint=note,
        stamp=_stamp_of(reader) or (before.stamp if before is not None and is_same else ""),
    )


def _stamp_of(reader: LedgerReader) -> str:
    """The time stamp over the newest checkpoint that lies in the ledger, as base64; '' for none."""
    assert reader.signed is not None
    data = read_bounded(reader.folder, f"{STAMPS}/{reader.signed.state.size}.tsr", LARGEST_STAMP_BYTES)
    return base64.b64encode(data).decode("ascii") if data is not None else ""


def read_registration(folder: Path) -> Registration | None:
    """What the package has of the ledger; None where it has nothing that can be read."""
    from awo.canon.json import parse

    try:
        data = read_bounded(folder, REGISTRATION, LARGEST_REGISTRATION_BYTES)
        return parse(data, Registration, where=REGISTRATION) if data is not None else None
    except AwoError:
        return None

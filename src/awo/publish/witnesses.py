"""Asks witnesses to cosign the checkpoint of a ledger, and keeps what they answered (C2SP tlog-witness)."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final

from awo.errors import CannotCheck, EvidenceError, UsageError
from awo.ledger.add_checkpoint import AddCheckpoint, read_size
from awo.ledger.disk import CHECKPOINT, alone, read_bounded, replace, unwritable
from awo.ledger.log import Ledger
from awo.ledger.origin import safe_name
from awo.ledger.reader import LedgerReader, Signed, read_signed
from awo.publish.post import Reply, post, shown
from awo.sign.note import (
    LARGEST_NOTE_BYTES,
    Held,
    Kind,
    Note,
    NoteSignature,
    VerifierKey,
    parse_signature_lines,
    verify_note,
)
from awo.sign.wire import WireError

COSIGNED: Final = "checkpoint.cosigned"
"""The largest checkpoint that a witness has cosigned, in the ledger's folder, with all lines that are known for it."""

WITNESSES: Final = "witnesses"
"""The folder in the ledger's with the last checkpoint that each witness cosigned."""

TIMEOUT_S: Final = 30.0
MOST_ANSWER_BYTES: Final = 64 * 1024

_TRIES = 3
"""The size that a witness knows can change between two requests, when others ask it at the same time."""


@dataclass(frozen=True, slots=True)
class WitnessAt:
    """A witness: the prefix of its URL, and the keys that its cosignatures must be by."""

    url: str
    keys: tuple[VerifierKey, ...]

    def __post_init__(self) -> None:
        for key in self.keys:
            if key.kind is Kind.ED25519:
                raise UsageError(
                    "this key is of a log or a note, and not of a witness",
                    where=key.name,
                    expected="a key of kind 0x04 or 0x06, as the witness prints it",
                )


@dataclass(frozen=True, slots=True)
class Cosigned:
    """What a witness vouched for: the size of the ledger, and the first of its times, from its own clock."""

    names: tuple[str, ...]
    size: int
    at: datetime


def cosign(ledger: Ledger, witness: WitnessAt, *, timeout_s: float = TIMEOUT_S) -> Cosigned:
    """Has `witness` cosign the newest checkpoint; puts its lines under it, and into `checkpoint.cosigned`.

    Raises `UsageError` for a ledger without entries, `EvidenceError` when ledger and witness contradict each other or
    the cosignature does not hold, `CannotCheck` when the witness gives none, `DiskTrouble`.
    """
    reader = ledger.reader()
    if reader.signed is None:
        raise UsageError("the ledger has no entries yet, so there is nothing to cosign", where=str(ledger.folder))
    if not verify_note(reader.signed.note, reader.keys(), where=CHECKPOINT):
        raise EvidenceError("the checkpoint of the ledger is signed by none of its keys", where=CHECKPOINT)
    reader.check_root()
    lines, held = _ask(reader, reader.signed, witness, _last_of(reader, witness), timeout_s)
    _keep(ledger, reader.signed, witness, lines)
    return Cosigned(
        tuple(dict.fromkeys(one.key.name for one in held)),
        reader.size,
        min(one.at for one in held if one.at is not None),
    )


def _last_of(reader: LedgerReader, witness: WitnessAt) -> int:
    """The size of the last tree that the witness cosigned, as far as is known here; 0 for none."""
    name = _remembered_as(witness)
    data = read_bounded(reader.folder, name, LARGEST_NOTE_BYTES)
    if data is None:
        return 0
    last = read_signed(data, name).state
    if last.size > reader.size:
        raise _put_back(last.size, reader.size, name)
    reader.consistency(last)
    return last.size


def _ask(
    reader: LedgerReader, signed: Signed, witness: WitnessAt, old_size: int, timeout_s: float
) -> tuple[tuple[NoteSignature, ...], list[Held]]:
    """The lines of the witness that hold, and what they state."""
    from awo.evidence.merkle_proofs import consistency_path

    url = f"{witness.url.rstrip('/')}/add-checkpoint"
    for _ in range(_TRIES):
        proof = consistency_path(old_size, reader.size, reader.tree.root_of)
        body = AddCheckpoint(old_size, tuple(proof), signed.note.encode()).encode()
        reply = post(url, body, "text/plain; charset=utf-8", timeout_s=timeout_s, most_bytes=MOST_ANSWER_BYTES)
        if reply.status == 200:
            return _checked(reply, signed, witness)
        if reply.status != 409:
            raise _refused(reply, signed, witness)
        old_size = _size_in(reply, witness)
        if old_size > reader.size:
            raise _put_back(old_size, reader.size, shown(witness.url))
    raise CannotCheck(
        "the witness names another size each time it is asked",
        where=shown(witness.url),
        hint="somebody else may be asking it for the same ledger: try again",
    )


def _checked(reply: Reply, signed: Signed, witness: WitnessAt) -> tuple[tuple[NoteSignature, ...], list[Held]]:
    where = shown(witness.url)
    try:
        text = reply.body.decode()
    except UnicodeDecodeError as error:
        raise EvidenceError("the witness answers no text", where=where) from error
    answered = Note(signed.note.text, parse_signature_lines(text, where))
    held = verify_note(answered, witness.keys, where=where)
    if not held:
        raise EvidenceError(
            "the witness answers no cosignature by the key that it should have",
            where=where,
            expected=", ".join(f"{key.name} ({key.key_id.hex()})" for key in witness.keys),
            got=", ".join(f"{line.name} ({line.key_id.hex()})" for line in answered.signatures)[:200],
        )
    if any(one.at is None for one in held):
        raise EvidenceError("the cosignature states no time", where=where)
    known = {(one.key.name, one.key.key_id) for one in held}
    first: dict[tuple[str, bytes], NoteSignature] = {}
    for line in answered.signatures:
        if (line.name, line.key_id) in known:
            first.setdefault((line.name, line.key_id), line)
    return tuple(first.values()), held


def _keep(ledger: Ledger, signed: Signed, witness: WitnessAt, lines: tuple[NoteSignature, ...]) -> None:
    """Puts the lines under the checkpoint, if it is still the newest, and into the two files of witnesses."""
    ledger.add_signatures(signed.note.text, lines)
    folder, name = ledger.folder, _remembered_as(witness)
    with alone(folder):
        try:
            (folder / WITNESSES).mkdir(exist_ok=True)
            replace(folder / name, _under(signed.note, lines).encode())
            cosigned = signed.note
            if (before := last_cosigned(folder)) is not None:
                if before.state.size > signed.state.size:
                    return
                if before.note.text == signed.note.text:
                    cosigned = _under(before.note, signed.note.signatures)
            replace(folder / COSIGNED, _under(cosigned, lines).encode())
        except OSError as error:
            raise unwritable(folder, error) from error


def last_cosigned(folder: Path) -> Signed | None:
    """The largest checkpoint of the ledger in `folder` that a witness cosigned; None where there is none.

    No signature is checked. Raises `EvidenceError` for a file that is no checkpoint, and `DiskTrouble`.
    """
    data = read_bounded(folder, COSIGNED, LARGEST_NOTE_BYTES)
    return read_signed(data, COSIGNED) if data is not None else None


def _under(note: Note, lines: Sequence[NoteSignature]) -> Note:
    """The note with these lines behind its own; a line of the same key before is replaced."""
    new = {(line.name, line.key_id) for line in lines}
    kept = tuple(line for line in note.signatures if (line.name, line.key_id) not in new)
    return Note(note.text, (*kept, *lines))


def _remembered_as(witness: WitnessAt) -> str:
    key = witness.keys[0]
    return f"{WITNESSES}/{safe_name(key.name)}-{key.key_id.hex()}"


def _size_in(reply: Reply, witness: WitnessAt) -> int:
    with contextlib.suppress(WireError, UnicodeDecodeError):
        return read_size(reply.body.decode("ascii").removesuffix("\n"))
    raise CannotCheck(
        "the witness does not say which size it knows", where=shown(witness.url), got="status 409 without a size"
    )


def _put_back(known: int, size: int, where: str) -> EvidenceError:
    return EvidenceError(
        "a larger tree of this ledger was cosigned than is here: an older copy was put in its place, or entries were "
        "taken away",
        where=where,
        expected=f"{known} entries or more",
        got=str(size),
        hint="put the newer ledger back",
    )


def _refused(reply: Reply, signed: Signed, witness: WitnessAt) -> EvidenceError | CannotCheck:
    where, said = shown(witness.url), ascii(reply.body[:200].decode("utf-8", "replace").strip())[1:-1]
    got = f"status {reply.status}" + (f": {said}" if said else "")
    if reply.status == 422:
        return EvidenceError(
            "the witness says that this ledger does not continue what it has cosigned",
            where=where,
            got=got,
            hint="compare the ledger with the checkpoint that the witness keeps: one of them is another branch",
        )
    hint = {
        403: "the witness must be given the ledger's key: the line in runs/ledger/keys",
        404: f"the witness does not watch {signed.state.origin}: its operator starts it with the line in "
        "runs/ledger/keys as --log",
    }.get(reply.status, "ask whoever runs the witness")
    return CannotCheck("the witness does not cosign", where=where, got=got, hint=hint)

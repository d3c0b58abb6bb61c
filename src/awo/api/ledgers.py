"""The ledger of a project: shown, audited, held against a copy, proved from."""

from __future__ import annotations

import base64
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from awo.api.projects import Project
from awo.errors import CannotCheck, EvidenceError, UsageError

if TYPE_CHECKING:  # what a command does not use is not loaded: `awo verify` knows nothing of the engine
    from awo.evidence.ledger import Registration
    from awo.ledger.audit import Audit, RunSeen
    from awo.ledger.log import Ledger
    from awo.ledger.reader import LedgerReader, Placed, Signed
    from awo.sign.checkpoint import TreeState
    from awo.sign.note import VerifierKey

LEDGER = "ledger"
"""The folder of the ledger, among the runs."""


class LedgerHead(NamedTuple):
    """The newest checkpoint of a ledger, and by which of its own keys it is signed."""

    origin: str
    size: int
    root: str
    signed_by: tuple[str, ...]
    signatures: int


@dataclass(frozen=True, slots=True)
class LedgerChecked:
    """A copy of the ledger that is its beginning: the sizes of both, and the consistency proof (64 hex digits each)."""

    origin: str
    copy_size: int
    size: int
    path: tuple[str, ...]


def ledger_folder(project: Project) -> Path:
    """Where the ledger of a project lies."""
    return project.runs / LEDGER


def ledger_of(project: Project) -> Ledger | None:
    """The ledger of a project, to enter runs in; None where awo.toml turns it off."""
    return _its_ledger(project) if project.policy.has_ledger else None


def _its_ledger(project: Project) -> Ledger:
    from awo.api.keys import keys_folder
    from awo.ledger.log import Ledger

    return Ledger(ledger_folder(project), keys_folder() / LEDGER, project.root.name, project.policy.ml_dsa)


def ledger_entries(project: Project, run_id: str = "") -> tuple[LedgerHead, list[Placed]]:
    """The newest checkpoint, and every entry of the ledger or of one run. Raises `UsageError`, `EvidenceError`."""
    reader = _reader(project)
    known = list(reader.entries())
    return _head(reader), [one for one in known if not run_id or (one.entry and one.entry.run_id == run_id)]


def ledger_audit(project: Project) -> tuple[LedgerHead, Audit]:
    """The whole ledger, held against its checkpoint and against the runs that are here.

    Raises `UsageError` without a ledger and `EvidenceError` for one that is altered or not signed, or that does not
    continue what this machine has signed of it.
    """
    from awo.ledger.audit import audit

    _head(_reader(project))
    reader = _its_ledger(project).whole_reader()
    head = _head(reader)
    return head, audit(reader.entries(), _runs_seen(project))


def ledger_check(project: Project, copy: Path) -> LedgerChecked:
    """Holds a copy of the ledger (a folder, or a checkpoint in a file) against the ledger: it must be its beginning.

    Raises `EvidenceError` where it is not: the two are branches of one log, or this one was cut; `UsageError` for a
    copy of another ledger, `CannotCheck` for one that no key of this ledger has signed.
    """
    from awo.ledger.reader import LedgerReader

    reader = _reader(project)
    ours, known = _head(reader), reader.keys()
    other = _copy(copy)
    if other.state.origin != ours.origin:
        raise UsageError(
            "this is a copy of another ledger", where=str(copy), expected=ours.origin, got=other.state.origin
        )
    if not _held(other, known, str(copy)):
        raise CannotCheck(
            "no key of this ledger has signed the copy, so it says nothing of it",
            where=str(copy),
            expected=", ".join(f"{key.name}+{key.key_id.hex()}" for key in known),
            hint="the keys stand in runs/ledger/keys",
        )
    if other.state.size > reader.size:
        longer = LedgerReader(copy) if copy.is_dir() else None
        raise _cut(reader, other.state, copy, longer)
    path = reader.consistency(other.state)
    return LedgerChecked(ours.origin, other.state.size, reader.size, tuple(node.hex() for node in path))


def ledger_prove(project: Project, folder: Path) -> list[str]:
    """The proof of each entry of a run as text (C2SP tlog-proof); `extra` has the entry. Raises as `ledger_refresh`."""
    from awo.seal.registering import registration_of

    made = registration_of(folder, _reader(project))
    return [
        "\n".join(
            (
                "c2sp.org/tlog-proof@v1",
                f"extra {base64.b64encode(one.entry.encode()).decode('ascii')}",
                f"index {one.index}",
                *(base64.b64encode(bytes.fromhex(node)).decode("ascii") for node in one.path),
                "",
                made.checkpoint,
            )
        )
        for one in made.entries
    ]


def ledger_refresh(project: Project, folder: Path) -> Registration:
    """Enters what the ledger lacks of a sealed run, and proves all of it in the package against the newest checkpoint.

    Raises `UsageError` for a run that is not sealed, for one that was imported, or a project without a ledger, and as
    `Ledger` does.
    """
    from awo.api.importing import arrival
    from awo.api.looking import facts
    from awo.engine import folder as folders
    from awo.engine.entering import enter_seal
    from awo.seal.registering import write_registration
    from awo.seal.seal import is_sealed, make_read_only

    ledger = ledger_of(project)
    if ledger is None:
        raise UsageError("awo.toml turns the ledger off", hint="[ledger] enabled = true, or leave it out")
    if not is_sealed(folder):
        raise UsageError(
            "this run is not sealed, so it has no place for proofs yet",
            where=str(folder),
            hint="bring it to its end with `awo resume`, or freeze it with `awo seal`",
        )
    if arrival(project, folder.name) is not None and not ledger.reader().entries_of(folder.name):
        raise UsageError(
            "this run was imported, so it is not entered here: its package has the proofs of the ledger that it is in",
            where=str(folder),
            hint="where it was run, `awo ledger refresh` proves it anew; then import it again",
        )
    folders.refuse_links_and_devices(folder)
    enter_seal(folder, facts(folder), ledger)
    was_open = bool(folder.stat().st_mode & 0o222)
    made = write_registration(folder, ledger)
    if was_open:
        make_read_only(folder)
    return made


# --- the parts ------------------------------------------------------------------------------------------


def _reader(project: Project) -> LedgerReader:
    from awo.ledger.reader import LedgerReader

    reader = LedgerReader(ledger_folder(project))
    if reader.signed is None:
        raise UsageError(
            "there is no ledger here yet", where=str(ledger_folder(project)), hint="it is made with the first run"
        )
    return reader


def _head(reader: LedgerReader) -> LedgerHead:
    """The checkpoint. Raises `EvidenceError` where none of the ledger's own keys has signed it."""
    assert reader.signed is not None
    state, note = reader.signed.state, reader.signed.note
    keys = reader.keys()
    held = _held(reader.signed, keys, "checkpoint")
    if not held:
        raise EvidenceError(
            "the checkpoint of the ledger is signed by none of the keys that it names",
            where=str(reader.folder),
            expected=", ".join(f"{key.name}+{key.key_id.hex()}" for key in keys),
        )
    return LedgerHead(state.origin, state.size, state.root.hex(), held, len(note.signatures))


def _held(signed: Signed, keys: list[VerifierKey], where: str) -> tuple[str, ...]:
    from awo.sign.note import verify_note

    return tuple(
        f"{one.key.name}+{one.key.key_id.hex()}"
        for one in verify_note(signed.note, keys, where=where)
        if one.key.name == signed.state.origin
    )


def _copy(path: Path) -> Signed:
    from awo.ledger.disk import CHECKPOINT, read_bounded
    from awo.ledger.reader import read_signed
    from awo.sign.note import LARGEST_NOTE_BYTES

    file = path / CHECKPOINT if path.is_dir() else path
    data = read_bounded(file.parent, file.name, LARGEST_NOTE_BYTES)
    if data is None:
        raise UsageError(
            "there is no copy of a ledger", where=str(path), expected="its folder, or a file of a checkpoint"
        )
    return read_signed(data, str(file))


def _cut(reader: LedgerReader, other: TreeState, copy: Path, longer: LedgerReader | None) -> EvidenceError:
    """The error of a ledger that is shorter than its copy; with the copy's tiles it says which of two it is."""
    assert reader.signed is not None
    what = "the copy is longer than this ledger: this one was cut or rolled back"
    if longer is not None:
        try:
            longer.consistency(reader.signed.state)
        except EvidenceError:
            what = "the copy is longer than this ledger and does not continue it: they are two branches of one log"
    return EvidenceError(
        what,
        where=str(copy),
        expected=f"at most {reader.size} entries",
        got=f"{other.size}, signed by this ledger's key",
    )


def _runs_seen(project: Project) -> dict[str, RunSeen]:
    from awo.api.projects import run_folders

    return {folder.name: _seen(folder) for folder in run_folders(project)}


def _seen(folder: Path) -> RunSeen:
    from awo.canon.digest import sha256_file, sha256_hex
    from awo.evidence.layout import DECISIONS, INPUT, JOURNAL, REDACTIONS, SEAL
    from awo.ledger.audit import RunSeen

    digests: dict[str, str] = {}
    for path in (INPUT, SEAL, *_decisions(folder / DECISIONS)):
        if (folder / path).is_file():
            digests[path] = sha256_file(folder / path)[0]
    start, began = "", None
    if (folder / JOURNAL).is_file():
        with (folder / JOURNAL).open("rb") as lines:
            first = lines.readline(64 << 20)
        if first.endswith(b"\n"):
            start, began = sha256_hex(first[:-1]), _time_of(first[:-1])
    return RunSeen(start, digests, is_redacted=(folder / REDACTIONS).is_dir(), began=began)


def _time_of(line: bytes) -> datetime | None:
    from awo.canon import time
    from awo.evidence.events import decode

    try:
        return time.read(decode(line, 0).at)
    except (EvidenceError, ValueError):
        return None


def _decisions(folder: Path) -> list[str]:
    from awo.evidence.layout import DECISIONS

    if not folder.is_dir():
        return []
    names = sorted(path.name for path in folder.iterdir() if not path.name.startswith("."))
    return [f"{DECISIONS}/{name}" for name in names if name.endswith(".json") and not name.endswith(".authority.json")]

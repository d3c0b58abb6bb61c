"""Holds a sealed run against its seal before anything is said of it to others."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from awo.engine.folder import RESTORE, refuse_altered, refuse_altered_file
from awo.errors import EvidenceError, UsageError
from awo.evidence.events import FileRef
from awo.evidence.layout import SEAL, SEAL_SIGNATURE, SUMS
from awo.evidence.records import Seal
from awo.publish.described.shapes import Described
from awo.sign import namespaces, sshsig


def intact_seal(folder: Path, described: Described) -> Seal:
    """The seal, when its signature holds, its journal is the one that was described, and SHA256SUMS is the sealed one.

    Whether its key is to be believed is asked by whoever verifies. Raises `UsageError` for a run that is not sealed,
    and `EvidenceError`.
    """
    seal = described.seal
    if seal is None:
        raise UsageError(
            "this form is of a sealed run",
            where=str(folder),
            hint=f"bring it to its end with `awo resume {folder.name}`, or freeze it with `awo seal {folder.name}`",
        )
    where = str(folder / SEAL)
    data = refuse_altered(folder, SEAL, described.seal_sha256)
    signed = sshsig.verify(_signature(folder), data, namespaces.SEAL, where=where)
    held = [
        ("the seal is signed with another key than it names", seal.sealer.key, signed.key.fingerprint),
        ("the seal is of another run", seal.run_id, described.run_id),
        ("the journal is not the one that was sealed", seal.checkpoint.root, described.facts.checkpoint.root),
        ("SHA256SUMS is not the one that was sealed", seal.sums_sha256, _sums_sha256(described)),
    ]
    for what, expected, got in held:
        if expected != got:
            raise EvidenceError(what, where=where, expected=expected, got=got, hint=RESTORE)
    return seal


def refuse_altered_files(folder: Path, files: Iterable[FileRef]) -> None:
    """Reads these files once. Raises `EvidenceError` for the first that is not the recorded one, and `DiskTrouble`."""
    for file in files:
        refuse_altered_file(folder, file)


def _signature(folder: Path) -> bytes:
    path = folder / SEAL_SIGNATURE
    try:
        return path.read_bytes()
    except OSError as error:
        raise EvidenceError("the seal's signature cannot be read", where=str(path), got=error.strerror or "") from error


def _sums_sha256(described: Described) -> str:
    return next((file.sha256 for file in described.files if file.path == SUMS), "")

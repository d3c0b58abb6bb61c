"""The act that freezes a run: SHA256SUMS, then the seal, then its signature, then read-only modes."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType

from awo.canon.digest import sha256_hex
from awo.canon.json import canonical, parse_canonical
from awo.engine.folder import write_whole
from awo.errors import DiskTrouble, UsageError
from awo.evidence.events import Checkpoint, Software, Starter
from awo.evidence.layout import (
    ALLOWED_SIGNERS,
    GATE_PENDING,
    INPUT,
    JOURNAL,
    METADATA,
    REPORT,
    SEAL,
    SEAL_SIGNATURE,
    STATUS,
    SUMS,
)
from awo.evidence.records import Outcome, Seal
from awo.evidence.sums import encode_sums
from awo.seal.sums import digests_and_disclosure, disclosure_key_in
from awo.sign.namespaces import SEAL as NAMESPACE
from awo.sign.seam import Signer

MUST_BE_THERE = (INPUT, JOURNAL, STATUS, METADATA, REPORT, ALLOWED_SIGNERS)
FILE_MODE, FOLDER_MODE = 0o444, 0o555
NOTHING_KNOWN: Mapping[str, str] = MappingProxyType({})


def is_sealed(folder: Path) -> bool:
    """Whether the run is frozen: its seal has a signature."""
    return os.path.lexists(folder / SEAL_SIGNATURE)


def seal_run(
    folder: Path,
    *,
    checkpoint: Checkpoint,
    outcome: Outcome,
    run_id: str,
    supersedes: str,
    sealer: Starter,
    signer: Signer,
    software: Software,
    at: str,
    known: Mapping[str, str] = NOTHING_KNOWN,
    register: Callable[[], None] = lambda: None,
) -> Seal:
    """Freezes a finished run whose views and audit/allowed_signers are written; gives its seal.

    The signature is written last, so a crash before it leaves a run that is not sealed, and
    sealing starts anew; a crash after it leaves modes to set, which a second call does. `known`
    has digests by path of what this process wrote; `register` is called once the run is sealed, while
    audit/ can still be written. Raises `UsageError` for a run that is not
    ready, holds what may not be in a package, or is sealed as something else, and `DiskTrouble`.
    """
    if is_sealed(folder):
        seal = _earlier_seal(folder, run_id, checkpoint, outcome)
        register()
        make_read_only(folder)
        return seal
    if signer.key.fingerprint != sealer.key:
        raise UsageError("the seal names another key than it is signed with", expected=sealer.key)
    _refuse_unready(folder)
    try:
        (folder / SEAL).unlink(missing_ok=True)
        for path in (SUMS, SEAL, SEAL_SIGNATURE):
            half = (folder / path).with_name(f".{Path(path).name}.new")
            half.unlink(missing_ok=True)
        key = disclosure_key_in(folder)
        digests, disclosure = digests_and_disclosure(folder, key, known)
        sums = encode_sums(digests)
        write_whole(folder / SUMS, sums)
        seal = Seal(
            format="awo/seal/v1",
            run_id=run_id,
            outcome=outcome,
            checkpoint=checkpoint,
            sums_sha256=sha256_hex(sums),
            disclosure_sha256=disclosure,
            at=at,
            software=software,
            sealer=sealer,
            supersedes=supersedes,
        )
        data = canonical(seal)
        signature = signer.sign(data, NAMESPACE)
        write_whole(folder / SEAL, data)
        write_whole(folder / SEAL_SIGNATURE, signature)
        register()
        make_read_only(folder)
    except OSError as error:
        raise DiskTrouble(
            "the run cannot be sealed",
            where=str(folder),
            got=error.strerror or str(error),
            hint="make room or mend the disk, then seal again",
        ) from error
    return seal


def _earlier_seal(folder: Path, run_id: str, checkpoint: Checkpoint, outcome: Outcome) -> Seal:
    try:
        data = (folder / SEAL).read_bytes()
    except OSError as error:
        raise DiskTrouble("the seal cannot be read", where=SEAL, got=error.strerror or str(error)) from error
    seal = parse_canonical(data, Seal, where=str(folder / SEAL))
    if (seal.run_id, seal.checkpoint, seal.outcome) != (run_id, checkpoint, outcome):
        raise UsageError(
            "this run is sealed already, as something else",
            where=str(folder),
            got=f"{seal.outcome}, {seal.checkpoint.size} events",
            hint="a sealed run never changes; make a new run",
        )
    return seal


def _refuse_unready(folder: Path) -> None:
    for path in MUST_BE_THERE:
        if not (folder / path).is_file():
            raise UsageError(
                "a file of the run is missing, so it cannot be sealed",
                where=str(folder / path),
                hint="`awo render` rebuilds the views; other files come from a copy",
            )
    if os.path.lexists(folder / GATE_PENDING):
        raise UsageError("a gate of this run still waits for a person", where=str(folder / GATE_PENDING))


def make_read_only(folder: Path) -> None:
    """Takes every write permission away, from the leaves up: the folder's own, the last, says that all are gone."""
    for parent, _, names in os.walk(folder, topdown=False):
        for name in names:
            path = Path(parent, name)
            if not path.is_symlink():  # its mode would be that of a file outside
                path.chmod(FILE_MODE)
        Path(parent).chmod(FOLDER_MODE)

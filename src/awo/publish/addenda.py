"""Signed additions to a sealed package, beside it, that say where it was published (spec section 14.2)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from awo.canon import time
from awo.canon.digest import sha256_hex
from awo.canon.json import canonical, parse_canonical
from awo.engine.folder import write_whole
from awo.errors import DiskTrouble, EvidenceError
from awo.evidence.events import FileRef, Software, Starter
from awo.evidence.layout import signature_path
from awo.evidence.publication import Addendum, Deposit
from awo.sign.allowed_signers import AllowedSigners, MaySign
from awo.sign.namespaces import ADDENDUM
from awo.sign.seam import Signer
from awo.sign.sshsig import verify

_NAME = re.compile(r"(\d{4})\.json")


@dataclass(frozen=True, slots=True)
class ReadAddendum:
    """An addendum on disk. `faults` are what does not hold of it, its signature or its place in the chain; `is_trusted`
    says that the reader's own list lets its signer sign addenda."""

    path: Path
    addendum: Addendum | None
    sha256: str
    faults: tuple[str, ...]
    is_trusted: bool = False


def path_of(folder: Path, number: int) -> Path:
    """Where addendum `number` (from 1) of a run stands."""
    return folder / f"{number:04d}.json"


def addendum_of(folder: Path, deposit: Deposit) -> ReadAddendum | None:
    """The signed addendum of this very deposit; None where there is none yet. Raises as `read_addenda`."""
    for one in read_addenda(folder):
        said = one.addendum
        if said is not None and (said.kind, said.place, said.identifier) == (
            deposit.kind,
            deposit.place,
            deposit.identifier,
        ):
            return one
    return None


def write_addendum(
    folder: Path, deposit: Deposit, files: list[FileRef], software: Software, who: Starter, signer: Signer
) -> Path:
    """The next addendum of a run, signed: the signature comes last, and without it there is no addendum.

    Raises `EvidenceError` where the addenda that are there do not hold, and `DiskTrouble`.
    """
    before = read_addenda(folder)
    for one in before:
        if one.faults:
            raise EvidenceError(
                "an earlier addendum of this run does not hold, and nothing is put behind it",
                where=str(one.path),
                got=one.faults[0],
                hint="restore it from a copy; `awo publish --list` shows all",
            )
    path = path_of(folder, len(before) + 1)
    data = canonical(
        Addendum(
            format="awo/addendum/v1",
            run_id=deposit.run_id,
            seal_sha256=deposit.seal_sha256,
            number=len(before) + 1,
            previous_sha256=before[-1].sha256 if before else "",
            kind=deposit.kind,
            place=deposit.place,
            identifier=deposit.identifier,
            address=deposit.address,
            doi=deposit.doi,
            files=files,
            arrivals=list(deposit.arrivals),
            at=time.now(),
            software=software,
            signer=who,
        )
    )
    signature = signer.sign(data, ADDENDUM)
    try:
        write_whole(path, data)
        write_whole(Path(signature_path(str(path))), signature)
    except OSError as error:
        raise DiskTrouble(
            "the addendum cannot be written",
            where=str(path),
            got=error.strerror or str(error),
            hint="the run is published; make room, then type the same command again for the addendum",
        ) from error
    return path


def read_addenda(folder: Path, seal_sha256: str = "", trust: AllowedSigners | None = None) -> list[ReadAddendum]:
    """The addenda of a run, in order, each held against its signature and the one before it.

    `seal_sha256` is that of the run's seal, where the run is at hand. Raises `DiskTrouble` for what cannot be read.
    """
    found: list[ReadAddendum] = []
    for number in _numbers(folder):
        found.append(_read(path_of(folder, number), folder.name, found, number, seal_sha256, trust))
    return found


def _numbers(folder: Path) -> list[int]:
    """The numbers of what has a signature: without one it is what a crash left, and is written anew."""
    if not folder.is_dir():
        return []
    named = (_NAME.fullmatch(path.name) for path in folder.iterdir())
    return sorted(int(one[1]) for one in named if one and Path(signature_path(str(folder / one[0]))).is_file())


def _read(
    path: Path,
    run_id: str,
    before: list[ReadAddendum],
    number: int,
    seal_sha256: str,
    trust: AllowedSigners | None,
) -> ReadAddendum:
    try:
        data, signature = path.read_bytes(), Path(signature_path(str(path))).read_bytes()
    except OSError as error:
        raise DiskTrouble("an addendum cannot be read", where=str(path), got=error.strerror or "") from error
    sha256 = sha256_hex(data)
    try:
        said = parse_canonical(data, Addendum, where=str(path))
        at = time.read(said.at)
    except (EvidenceError, ValueError) as error:
        return ReadAddendum(path, None, sha256, (str(error),))
    faults = list(_faults(said, run_id, before, number, seal_sha256))
    is_trusted = False
    try:
        signed = verify(signature, data, ADDENDUM, where=signature_path(str(path)))
    except EvidenceError as error:
        faults.append(error.what)
    else:
        if signed.key.fingerprint != said.signer.key:
            faults.append("it is signed with another key than it names")
        elif trust is not None:
            is_trusted = isinstance(trust.may_sign(said.signer.id, signed.key, ADDENDUM, at), MaySign)
    return ReadAddendum(path, said, sha256, tuple(faults), is_trusted)


def _faults(said: Addendum, run_id: str, before: list[ReadAddendum], number: int, seal_sha256: str) -> Iterator[str]:
    if said.run_id != run_id:
        yield f"it is of another run: {said.run_id}"
    if seal_sha256 and said.seal_sha256 != seal_sha256:
        yield f"it is of another seal: {said.seal_sha256}"
    if said.number != number or number != len(before) + 1:
        yield f"its number is {said.number}, and {len(before) + 1} comes here: one is missing, or was renamed"
    if said.previous_sha256 != (before[-1].sha256 if before else ""):
        yield "it does not name the addendum before it"

"""Trusted time: stamps over seals and over the ledger's checkpoint, and whose authorities a reader trusts."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from awo.api.projects import PROJECT_FILE, Project
from awo.errors import DiskTrouble, EvidenceError, UsageError

if TYPE_CHECKING:  # what a command does not use is not loaded
    from awo.sign.timestamp import Roots, Stamp

SYSTEM = "system"


class StampWritten(NamedTuple):
    """A time stamp, and the file that has it."""

    path: Path
    stamp: Stamp


def is_stamped(folder: Path) -> bool:
    """Whether a time stamp lies beside the seal of a run."""
    from awo.evidence.layout import TIME_STAMP

    return (folder / TIME_STAMP).exists()


def stamp_run(project: Project, folder: Path, url: str = "") -> StampWritten:
    """Puts a time stamp on the seal of a run, by the authority at `url` or that of awo.toml.

    Raises `UsageError` for a run that is not sealed and where no authority is named, and as `publish.stamping.ask`.
    """
    from awo.api.sealing import refuse_unless_sealed
    from awo.canon import time
    from awo.canon.json import parse_canonical
    from awo.evidence.layout import SEAL
    from awo.evidence.records import Seal
    from awo.publish.stamping import ask
    from awo.seal.stamped import write_stamp
    from awo.verify.stamped import TOLERANCE

    url = _authority(project, url)
    refuse_unless_sealed(folder)
    try:
        data = (folder / SEAL).read_bytes()
    except OSError as error:
        raise DiskTrouble("the seal cannot be read", where=str(folder / SEAL), got=error.strerror or "") from error
    stamped = ask(url, data)
    sealed_at = time.read(parse_canonical(data, Seal, where=SEAL).at)
    if stamped.stamp.at < sealed_at - TOLERANCE:
        raise EvidenceError(
            "the authority's time is before that of the seal, so the stamp would speak against the run",
            where=SEAL,
            expected=f"{sealed_at:%Y-%m-%dT%H:%M:%SZ} or later",
            got=stamped.stamp.said,
            hint="one of the two clocks is wrong: nothing was written",
        )
    return StampWritten(write_stamp(folder, stamped.data), stamped.stamp)


def stamp_ledger(project: Project, url: str = "") -> StampWritten:
    """Puts a time stamp on the newest checkpoint of the project's ledger. `awo ledger refresh` carries it into a run.

    Raises `UsageError` where there is no ledger or no authority is named, and as `publish.stamping.ask`.
    """
    from awo.api.ledgers import ledger_folder
    from awo.ledger.disk import alone, write_new
    from awo.ledger.reader import LedgerReader
    from awo.publish.stamping import ask
    from awo.seal.registering import STAMPS

    url, folder = _authority(project, url), ledger_folder(project)
    signed = LedgerReader(folder).signed
    if signed is None:
        raise UsageError("there is no ledger here yet", where=str(folder), hint="it is made with the first run")
    stamped = ask(url, signed.note.text.encode())
    name = f"{STAMPS}/{signed.state.size}.tsr"
    with alone(folder):
        try:
            write_new(folder, {name: stamped.data})
        except OSError as error:
            raise DiskTrouble(
                "the time stamp cannot be written", where=str(folder / name), got=error.strerror or ""
            ) from error
    return StampWritten(folder / name, stamped.stamp)


def authorities(text: str) -> tuple[Roots | None, str]:
    """Whose time stamps a reader trusts: the certificates in a PEM file, or for `system` those of this machine; and
    what the list is called. None for an empty text. Raises `UsageError`, and `CannotCheck` without a list here."""
    if not text:
        return None, ""
    from awo.sign.timestamp import read_roots

    path = _system_store() if text == SYSTEM and not Path(text).exists() else Path(text)
    try:
        pem = path.read_bytes()
    except OSError as error:
        raise UsageError(
            "the certificates of authorities cannot be read",
            where=str(path),
            got=error.strerror or "",
            hint="look at the name: it is a path from where you are",
        ) from error
    return read_roots(pem, str(path), is_lenient=text == SYSTEM), str(path)


def _system_store() -> Path:
    import ssl

    from awo.errors import CannotCheck

    paths = ssl.get_default_verify_paths()
    found = paths.cafile or paths.openssl_cafile
    if not found or not Path(found).is_file():
        raise CannotCheck(
            "this machine has no file of trusted certificates", expected=found or "", hint="name one: --tsa-roots FILE"
        )
    return Path(found)


def _authority(project: Project, url: str) -> str:
    url = url or project.policy.time.authority
    if not url:
        raise UsageError(
            "no authority for time stamps is named",
            where="--tsa",
            expected="the address of an authority (RFC 3161 over HTTP)",
            hint=f'--tsa URL, or authority = "URL" in [time] of {PROJECT_FILE}',
        )
    return url

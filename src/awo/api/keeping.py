"""Keeps sealed runs as they are: the immutable flag, and a commit of the sealed folder to git."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from awo.api.projects import Project
from awo.api.sealing import refuse_unless_sealed
from awo.errors import UsageError

if TYPE_CHECKING:  # what a command does not use is not loaded: `awo verify` knows nothing of the engine
    from awo.engine.git_commit import Committed
    from awo.seal.immutable import Flagged


class Entered(NamedTuple):
    """A commit of a sealed run; `seal_sha256` is the digest of its seal, `is_in_ledger` says that it was entered."""

    committed: Committed
    seal_sha256: str
    is_in_ledger: bool


def make_immutable(folder: Path) -> Flagged:
    """Sets the immutable flag on a sealed run; gives how many files have it then. Raises `UsageError` if unsealed."""
    from awo.seal.immutable import make_immutable as make

    refuse_unless_sealed(folder)
    return make(folder)


def flagged(folder: Path) -> Flagged:
    """How many files of a run have the immutable flag now, as the file system says."""
    from awo.seal.immutable import immutable_now

    return immutable_now(folder)


def is_marked_immutable(folder: Path) -> bool:
    """Whether a run's folder has the immutable flag now, by a look at two of its files."""
    from awo.seal.immutable import is_marked

    return is_marked(folder)


def why_not_immutable(place: Path) -> str:
    """Why the flag cannot be set on files in the folder `place`, found by trying it, or ''."""
    from awo.seal.immutable import why_not_in

    return why_not_in(place)


def commit(project: Project, folder: Path) -> Entered:
    """Commits a sealed run to git, with the digest of its seal, and enters the commit in the ledger.

    Raises `UsageError` for a run that is not sealed, and as `commit_folder`.
    """
    from awo.api.ledgers import ledger_of
    from awo.canon import time
    from awo.canon.digest import sha256_hex
    from awo.canon.json import parse_canonical
    from awo.engine.git_commit import commit_folder
    from awo.evidence.layout import SEAL
    from awo.evidence.ledger import CommitEntered
    from awo.evidence.records import Seal

    refuse_unless_sealed(folder)
    if folder.is_symlink():
        raise UsageError("a link to a run is not committed", where=str(folder))
    data = (folder / SEAL).read_bytes()
    seal = parse_canonical(data, Seal, where=SEAL)
    seal_sha256 = sha256_hex(data)
    message = (
        f"Seal {seal.run_id}: {seal.outcome}\n\n"
        f"audit/seal.json SHA-256: {seal_sha256}\n"
        f"SHA256SUMS SHA-256: {seal.sums_sha256}\n"
        f"journal: {seal.checkpoint.size} events, root {seal.checkpoint.root}\n"
    )
    done = commit_folder(folder, message)
    ledger = ledger_of(project)
    if ledger is None:
        return Entered(done, seal_sha256, False)
    known = [one.entry for one in ledger.reader().entries_of(seal.run_id)]
    if not any(isinstance(one, CommitEntered) and one.commit == done.commit for one in known):
        ledger.append(
            CommitEntered(
                format="awo/ledger-entry/v1",
                run_id=seal.run_id,
                at=time.now(),
                seal_sha256=seal_sha256,
                commit=done.commit,
            )
        )
    return Entered(done, seal_sha256, True)

"""Freezes runs, and writes their views anew before that."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from awo.api.keys import Identity
from awo.api.looking import facts
from awo.api.projects import Project
from awo.engine import folder as folders
from awo.errors import UsageError

if TYPE_CHECKING:  # what a command does not use is not loaded: `awo verify` knows nothing of the engine
    from awo.derive.facts import RunFacts
    from awo.engine.run import Ended
    from awo.ledger.log import Ledger


def freeze(project: Project, folder: Path, who: Identity) -> str:
    """Seals a run as it stands: as what it finished as, else as failed or abandoned. Raises `UsageError`."""
    import asyncio

    from awo.derive.facts import StepStatus
    from awo.engine.run import finish_as

    complete_registration(project, folder)
    refuse_if_sealed(folder)
    so_far = facts(folder)
    has_failed = bool(so_far.with_status(StepStatus.FAILED)) and so_far.open_gate is None
    outcome: Literal["failed", "abandoned"] = "failed" if has_failed else "abandoned"
    done = asyncio.run(finish_as(folder, outcome))
    _seal(project, folder, done, who)
    return done.outcome


def render(folder: Path) -> None:
    """Rebuilds the views of an unsealed run from its journal and outputs. Raises `UsageError`."""
    from awo.engine.views import write_views

    refuse_if_sealed(folder)
    folders.refuse_links_and_devices(folder)
    with folders.alone_in(folder):
        write_views(folder)


def refuse_if_sealed(folder: Path) -> None:
    """Raises `UsageError` for a sealed run, after taking the write permissions that a crash may have left there."""
    from awo.seal.seal import is_sealed, make_read_only

    if is_sealed(folder) and folder.stat().st_mode & 0o222:
        with contextlib.suppress(OSError):  # somebody else's copy
            make_read_only(folder)
    folders.refuse_sealed(folder)


def refuse_unless_sealed(folder: Path) -> None:
    """Raises `UsageError` for a run that is not sealed: nothing is taken over from a run that can still change."""
    from awo.seal.seal import is_sealed

    if not is_sealed(folder):
        raise UsageError(
            "this run is not sealed, so it can still change",
            where=str(folder),
            expected="a sealed run, or an open gate and the --reason and --change to send it back",
            hint=f"`awo status {folder.name}` says how it stands; `awo seal {folder.name}` ends it as it stands",
        )


def seal_finished(project: Project, folder: Path, who: Identity) -> None:
    """Seals a run that has finished, and does nothing to one that is sealed. Raises `CannotCheck` without key."""
    from awo.seal.seal import is_sealed

    if not is_sealed(folder):
        _seal(project, folder, facts(folder), who)


def complete_registration(project: Project, folder: Path) -> None:
    """Enters the seal of a run in the ledger where a crash kept it back, and proves it in the package."""
    from awo.api.ledgers import ledger_of
    from awo.evidence.layout import REGISTRATION
    from awo.seal.seal import is_sealed

    if not is_sealed(folder) or (folder / REGISTRATION).exists() or (ledger := ledger_of(project)) is None:
        return
    if ledger.reader().entries_of(folder.name):  # or it was run without a ledger: `awo ledger refresh` enters it
        _register(folder, facts(folder), ledger)


def _register(folder: Path, done: RunFacts, ledger: Ledger) -> None:
    from awo.engine.entering import enter_seal
    from awo.seal.registering import write_registration

    enter_seal(folder, done, ledger)
    write_registration(folder, ledger)


def _seal(project: Project, folder: Path, done: RunFacts, who: Identity) -> None:
    from awo.api.ledgers import ledger_of
    from awo.canon import time
    from awo.engine.entering import enter_so_far
    from awo.engine.run import SOFTWARE
    from awo.seal.seal import is_sealed, seal_run

    outcome: Any = done.outcome
    ledger = ledger_of(project)
    if ledger is not None:
        enter_so_far(folder, done, ledger)  # what cannot be entered is found before the seal
    with folders.alone_in(folder, wait=True):
        if is_sealed(folder):  # by another process that finished the same run just now
            return
        _write_claimed_signers(folder, done, who)
        seal_run(
            folder,
            checkpoint=done.checkpoint,
            outcome=outcome,
            run_id=done.run_id,
            supersedes=done.supersedes,
            sealer=who.as_starter(),
            signer=who.signer,
            software=SOFTWARE,
            at=time.now(),
            register=lambda: None if ledger is None else _register(folder, done, ledger),
        )
    if project.policy.immutable:
        from awo.seal.immutable import make_immutable

        make_immutable(folder)  # what came of it is read back by whoever says it: `flagged`


def seal_if_finished(project: Project, ended: Ended, who: Identity) -> None:
    from awo.seal.seal import is_sealed

    if ended.facts.outcome and not is_sealed(ended.folder):
        _seal(project, ended.folder, ended.facts, who)


def _write_claimed_signers(folder: Path, done: RunFacts, who: Identity) -> None:
    """audit/allowed_signers: the sealer, and every decider with the key they signed with, as the project had them."""
    from awo.evidence.gates import Authority
    from awo.evidence.layout import ALLOWED_SIGNERS
    from awo.sign.allowed_signers import AllowedSigners, line_for
    from awo.sign.namespaces import SEAL
    from awo.sign.sshsig import read as read_signature

    lines = {line_for(who.id, who.signer.key, [SEAL]): None}
    signed = [(vote.signature, vote.authority) for gate in done.gates for vote in gate.votes]
    signed += [(decision.signature, decision.authority) for gate in done.gates for decision in gate.decisions]
    for signature_ref, authority_ref in signed:
        signature = read_signature((folder / signature_ref.path).read_bytes(), where=signature_ref.path)
        authority = folders.read_recorded(folder, authority_ref, Authority)
        known = AllowedSigners.parse("\n".join(authority.lines), where=authority_ref.path)
        for said, line in zip(known.lines, authority.lines, strict=True):
            if said.key == signature.key and authority.signer in said.principals:
                lines[line] = None
    folders.write_whole(folder / ALLOWED_SIGNERS, "".join(f"{line}\n" for line in lines).encode())

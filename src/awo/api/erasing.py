"""Destroys texts of sealed runs, and says where else they may be."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from awo.api.keys import Identity
from awo.api.projects import Project, run_folders
from awo.errors import EvidenceError, UsageError

if TYPE_CHECKING:  # what a command does not use is not loaded: `awo verify` knows nothing of the engine
    from awo.evidence.redaction import RedactedFile, Redaction
    from awo.seal.erase import Enter
    from awo.withhold.choice import Choice
    from awo.withhold.record import Grounds


class ToErase(NamedTuple):
    """What is asked to be destroyed: what a policy does not show, or these steps and responses."""

    policy: Path | None
    steps: Sequence[str]
    records: Sequence[str]


class Copies(NamedTuple):
    """Where the texts of a run may be beside its folder, as far as can be seen from here. All are paths or ids."""

    bundles: list[str]
    runs: list[str]
    git_commit: str
    readers: list[str]

    def said(self) -> list[str]:
        """The same as lines for people."""
        lines = [f"a bundle beside the run: {one}" for one in self.bundles]
        lines += [f"a run that names this one, and may have taken over answers: {one}" for one in self.runs]
        if self.git_commit:
            lines.append(f"the history of git, since commit {self.git_commit[:12]}")
        lines += [f"a step of this run that reads one that is erased, and may quote it: {one}" for one in self.readers]
        return [*lines, "backups, bundles and tables elsewhere, and the disk itself: an SSD or a journal keeps blocks"]


def files_to_erase(folder: Path, what: ToErase) -> list[RedactedFile]:
    """The files of which texts would be destroyed. Changes nothing. Raises as `erase`."""
    from awo.seal.erase import look_at

    return look_at(folder, _choice(folder, what)[0])


def erase(project: Project, folder: Path, what: ToErase, reason: str, who: Identity) -> Redaction:
    """Destroys the texts and leaves a signed record with the reason. Raises as `awo.seal.erase.erase`."""
    from awo.canon import time
    from awo.seal.erase import erase as destroy

    choice, grounds = _choice(folder, what, reason)
    return destroy(
        folder,
        choice,
        grounds,
        who=who.as_starter(),
        signer=who.signer,
        at=time.now(),
        enter=_enter(project),
        check=_refuse_broken,
    )


def unfinished_erasure(project: Project, name: str) -> Path | None:
    """The folder of the run whose erasure a crash interrupted, or None. `name` is an id or a path."""
    from awo.seal.erase import is_unfinished

    for folder in (project.runs / name, Path(name)):
        if folder.name and is_unfinished(folder.resolve()):
            return folder.resolve()
    return None


def finish_erasure(project: Project, folder: Path) -> Redaction | None:
    """Completes an interrupted erasure, or takes it back; gives its record, None where nothing was destroyed."""
    from awo.seal.erase import finish

    return finish(folder, _enter(project))


def copies_of(project: Project, folder: Path, steps: Sequence[str]) -> Copies:
    """What can be seen from here that may hold texts of a run too. Changes nothing."""
    from awo.engine.git import git_output, is_git_here

    bundles = sorted(str(one) for one in folder.parent.iterdir() if one.is_file() and one.name.startswith(folder.name))
    runs = [one.name for one in run_folders(project) if one.name != folder.name and _names(one, folder.name)]
    commit = b""
    if is_git_here():
        commit = git_output(folder.parent, "log", "-1", "--format=%H", "--", str(folder.resolve())) or b""
    return Copies(bundles, runs, commit.decode().strip(), _readers(folder, steps))


def _choice(folder: Path, what: ToErase, reason: str = "") -> tuple[Choice, Grounds]:
    from awo.canon.digest import sha256_hex
    from awo.seal.erasing_choice import erasing
    from awo.withhold.policy import choice_of
    from awo.withhold.policy_file import read_policy_file
    from awo.withhold.record import Grounds

    if what.policy is None:
        return erasing(folder, what.steps, what.records), Grounds(reason)
    try:
        data = what.policy.read_bytes()
    except OSError as error:
        raise UsageError("the policy cannot be read", where=str(what.policy), got=error.strerror or "") from error
    policy = read_policy_file(data, str(what.policy))
    return choice_of(policy), Grounds(reason or policy.reason, sha256_hex(data))


def _enter(project: Project) -> Enter:
    from awo.api.ledgers import ledger_of
    from awo.evidence.ledger import ErasureEntered

    def enter(record: Redaction, sha256: str) -> None:
        ledger = ledger_of(project)
        if ledger is None or ledger.reader().signed is None:
            return
        known = [one.entry for one in ledger.reader().entries_of(record.run_id)]
        if not any(isinstance(one, ErasureEntered) and one.sha256 == sha256 for one in known):
            ledger.append(
                ErasureEntered(
                    format="awo/ledger-entry/v1",
                    run_id=record.run_id,
                    at=record.at,
                    seal_sha256=record.seal_sha256,
                    sha256=sha256,
                )
            )

    return enter


def _refuse_broken(folder: Path) -> None:
    """Raises `EvidenceError` where the redacted form does not verify: then nothing is destroyed."""
    from awo.verify.judge import verify

    report = verify(folder, trust=None, trust_name="")
    failed = [one for one in report.checks if one.verdict == "failed"]
    if failed:
        raise EvidenceError(
            "the run would not verify once the texts are gone, so nothing is destroyed",
            where=str(folder),
            got=", ".join(f"{one.check.id} {one.check.title}" for one in failed[:5]),
            hint="look with `awo verify` at the run as it is",
        )


def _names(folder: Path, run_id: str) -> bool:
    """Whether the records of a run name another run. A journal of great length is read in pieces."""
    from awo.evidence.layout import INPUT, JOURNAL

    needle = f'"{run_id}"'.encode()
    for path in (folder / INPUT, folder / JOURNAL):
        if not path.is_file():
            continue
        with path.open("rb") as stream:
            before = b""
            while piece := stream.read(1 << 20):
                if needle in before + piece:
                    return True
                before = piece[-len(needle) :]
    return False


def _readers(folder: Path, steps: Sequence[str]) -> list[str]:
    """The steps that need one of these, at once or through others, and are not among them."""
    from awo.engine.folder import read_input
    from awo.errors import AwoError

    try:
        plan, _ = read_input(folder)
    except AwoError:
        return []  # the plan itself is withheld
    found = set(steps)
    for step in plan.steps:  # each stands after those that it needs
        if found.intersection(step.needs):
            found.add(step.id)
    return [step.id for step in plan.steps if step.id in found and step.id not in steps]

"""Destroys texts of sealed runs, and says where else they may be."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
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
    """What is asked to be destroyed: what a policy does not show, these steps and responses, or both."""

    policy: Path | None
    steps: Sequence[str]
    records: Sequence[str]


class Copies(NamedTuple):
    """Where the texts of a run may be beside what goes, as far as can be seen from here. All are paths or ids.

    `sources` are the files that the run read: they stand in its input.json, beside prompts and inputs, and in the
    project. `stays` says whether input.json stays. `alike` are other runs that read one of those files.
    """

    bundles: list[str]
    runs: list[str]
    git_commit: str
    readers: list[str]
    sources: list[str]
    alike: list[str]
    stays: bool

    def said(self) -> list[str]:
        """The same as lines for people."""
        lines = [f"a bundle beside the run: {one}" for one in self.bundles]
        lines += [f"a run that names this one, and may have taken over answers: {one}" for one in self.runs]
        if self.git_commit:
            lines.append(f"the history of git, since commit {self.git_commit[:12]}")
        lines += [f"a step of this run that reads one that is erased, and may quote it: {one}" for one in self.readers]
        if self.stays:
            lines.append("input.json of this run, which stays: prompts, inputs, and all of the files that the run read")
            lines.append("  (only --policy takes them: give it with this call, for later no part of it alone can go)")
        lines += [f"a file of the project that the run read: {one}" for one in self.sources]
        lines += [f"another run that read one of these files: {one}" for one in self.alike]
        lines.append("the journal, which stays: whoever guesses a prompt word for word can check it by request_sha256")
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


def copies_of(project: Project, folder: Path, steps: Sequence[str], gone: Sequence[RedactedFile] = ()) -> Copies:
    """What can be seen from here that may hold texts of a run too, `gone` being what goes. Changes nothing."""
    from awo.engine.git import git_output, is_git_here
    from awo.evidence.layout import INPUT

    others = [one for one in run_folders(project) if one.name != folder.name]
    files = _files_read(folder)
    bundles = sorted(str(one) for one in folder.parent.iterdir() if one.is_file() and one.name.startswith(folder.name))
    runs = [one.name for one in others if _names(one, [folder.name])]
    commit = b""
    if is_git_here():
        commit = git_output(folder.parent, "log", "-1", "--format=%H", "--", str(folder.resolve())) or b""
    stays = (folder / INPUT).is_file() and all(one.path != INPUT for one in gone)
    alike = [one.name for one in others if files and one.name not in runs and _names(one, files.values())]
    return Copies(bundles, runs, commit.decode().strip(), _readers(folder, steps), sorted(files), alike, stays)


def _choice(folder: Path, what: ToErase, reason: str = "") -> tuple[Choice, Grounds]:
    from awo.canon.digest import sha256_hex
    from awo.seal.erasing_choice import Both, erasing
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
    choice: Choice = choice_of(policy)
    if what.steps or what.records:
        choice = Both(erasing(folder, what.steps, what.records), choice)
    return choice, Grounds(reason or policy.reason, sha256_hex(data))


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


def _files_read(folder: Path) -> dict[str, str]:
    """The files that a run read, each with its digest; none where the plan is withheld."""
    from awo.engine.folder import read_input
    from awo.errors import AwoError

    try:
        plan, _ = read_input(folder)
    except AwoError:
        return {}
    return {one.path: one.sha256 for one in plan.files}


def _names(folder: Path, words: Iterable[str]) -> bool:
    """Whether the records of a run have one of these ids or digests. A journal of great length is read in pieces."""
    from awo.evidence.layout import INPUT, JOURNAL

    needles = [f'"{one}"'.encode() for one in words]
    longest = max(map(len, needles), default=0)
    for path in (folder / INPUT, folder / JOURNAL):
        if not path.is_file():
            continue
        with path.open("rb") as stream:
            before = b""
            while piece := stream.read(1 << 20):
                piece = before + piece
                if any(needle in piece for needle in needles):
                    return True
                before = piece[-longest:]
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

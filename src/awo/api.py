"""The only door for programs: load, run, resume, decide, seal, verify, export. The command line uses nothing else."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from awo.engine import folder as folders
from awo.errors import CannotCheck, DiskTrouble, UsageError
from awo.evidence.records import NOBODY
from awo.gate.policy import Policy, read_policy
from awo.sign.allowed_signers import AllowedSigners

if TYPE_CHECKING:  # what a command does not use is not loaded: `awo verify` knows nothing of the engine
    from awo.derive.facts import RunFacts
    from awo.engine.decide import Choice, Decided
    from awo.engine.following import Following
    from awo.engine.planning import Plan
    from awo.engine.run import Again, Ended, Surroundings, Watch
    from awo.evidence.events import Starter
    from awo.evidence.records import GatePending, InputRecord
    from awo.evidence.secrets import SecretCutter
    from awo.publish.bundle import Bundle
    from awo.publish.every_eval_ever import Exported
    from awo.publish.opened import OpenedRun
    from awo.publish.tables import TableFile
    from awo.sign.seam import AskPassphrase, Signer
    from awo.sign.sshkeys import PublicKey
    from awo.verify.report import Report
    from awo.workflow.definition import Workflow
    from awo.workflow.words import StepKind

PROJECT_FILE = "awo.toml"
REVIEWERS = "reviewers/allowed_signers"
OWN_KEY_ID = NOBODY


@dataclass(frozen=True, slots=True)
class Project:
    """A folder with awo.toml (or none), runs/ and reviewers/."""

    root: Path
    runs: Path
    policy: Policy

    @property
    def reviewers_file(self) -> Path:
        return self.root / REVIEWERS

    def reviewers(self) -> AllowedSigners | None:
        """Who may decide in this project; None without file. Raises `UsageError` for a bad line."""
        if not self.reviewers_file.is_file():
            return None
        return AllowedSigners.parse(self.reviewers_file.read_text(encoding="utf-8"), where=str(self.reviewers_file))


@dataclass(frozen=True, slots=True)
class Identity:
    """Who acts: an id as allowed_signers writes it, and a key that is ready to sign."""

    id: str
    signer: Signer

    def as_starter(self) -> Starter:
        from awo.evidence.events import Starter

        return Starter(id=self.id, key=self.signer.key.fingerprint)


def find_project(start: Path, runs: Path | None = None) -> Project:
    """The project around `start`: the nearest folder upwards with awo.toml, else `start` itself."""
    start = start.resolve()
    root = next((folder for folder in (start, *start.parents) if (folder / PROJECT_FILE).is_file()), start)
    path = root / PROJECT_FILE
    policy = read_policy(path.read_text(encoding="utf-8"), where=str(path)) if path.is_file() else Policy()
    return Project(root=root, runs=runs or root / "runs", policy=policy)


def find_run(project: Project, name: str) -> Path:
    """The folder of the run that `name` (an id, a path or `latest`) means. Raises `UsageError`."""
    return folders.find_run(project.runs, name)


def run_folders(project: Project) -> list[Path]:
    """Every run of the project, oldest first."""
    return folders.run_folders(project.runs)


# --- workflow ----------------------------------------------------------------------------------------


def operations() -> dict[str, StepKind]:
    """What a workflow file may say of each operation, by its name."""
    from awo import plugins
    from awo.workflow.words import StepKind

    rows = {name: plugins.load(plugins.OPERATIONS, name, "operation") for name in plugins.OPERATIONS}
    return {name: StepKind(row.args, can_fan_out=row.requests is not None) for name, row in rows.items()}


def load(path: Path) -> Workflow:
    """The workflow in a file. Raises `WorkflowInvalid` with every problem, or `UsageError`."""
    from awo.workflow.load import load as load_workflow

    return load_workflow(path, operations())


def promise(
    project: Project, path: Path, *, budget_usd: str = "", cache: bool = False, rescores: str = ""
) -> InputRecord:
    """What input.json of a run of this file would say. Raises `WorkflowInvalid` or `UsageError`.

    `budget_usd` and `cache` go over what the file says of them. A run that `rescores` another (its id)
    calls nobody, and so has neither.
    """
    from dataclasses import replace

    from msgspec import structs

    from awo.engine.promise import resolve
    from awo.engine.registration import registered_before

    workflow = load(path)
    if budget_usd:
        workflow = replace(workflow, budget_usd=budget_usd)
    if cache:
        workflow = replace(workflow, cache=True)
    if rescores:
        workflow = replace(workflow, budget_usd="", cache=False)
    path = path.resolve()
    name = path.relative_to(project.root).as_posix() if path.is_relative_to(project.root) else path.name
    record = resolve(
        workflow,
        root=path.parent,
        source_name=name,
        secrets=_secrets(),
        earlier=registered_before(project.runs),
    )
    return structs.replace(record, rescores=rescores) if rescores else record


def lacking(plan: InputRecord, path: Path) -> CannotCheck | None:
    """What this machine lacks for the models of a plan made from the file at `path`; None for nothing."""
    from awo.engine.promise import refuse_missing_models

    try:
        refuse_missing_models(plan, path.resolve().parent)
    except CannotCheck as error:
        return error
    return None


def workflow_schema() -> dict[str, Any]:
    """The published JSON Schema of workflow files."""
    from awo.workflow.schema import workflow_schema as schema

    return schema(operations())


# --- keys ----------------------------------------------------------------------------------------------


def keys_folder(environment: Mapping[str, str] = os.environ) -> Path:
    """Where keys that AWO makes are kept, outside every project."""
    config = environment.get("XDG_CONFIG_HOME") or str(Path.home() / ".config")
    return Path(config) / "awo" / "keys"


def new_key(key_id: str, out: Path | None, passphrase: str) -> tuple[Path, PublicKey]:
    """A new Ed25519 key pair at `out` (by default in `keys_folder()`); never overwrites."""
    from awo.sign.make_key import make_key

    path = out or keys_folder() / key_id.replace("/", "_")
    return path, make_key(path, comment=key_id, passphrase=passphrase)


def enrol(project: Project, reviewer: str, public_key: Path) -> str:
    """Adds a reviewer's key to the project's reviewers/allowed_signers; gives the line.

    Raises `UsageError` or `DiskTrouble`.
    """
    from awo.sign.allowed_signers import line_for
    from awo.sign.namespaces import DECISION, SEAL

    key = _read_public_key(public_key)
    line = line_for(reviewer, key, [DECISION, SEAL])
    known = project.reviewers()
    if known is not None and key in known.keys_of(reviewer):
        raise UsageError(f"{reviewer} is enrolled with this key already", where=str(project.reviewers_file))
    try:
        project.reviewers_file.parent.mkdir(exist_ok=True)
        before = project.reviewers_file.read_text(encoding="utf-8") if known is not None else ""
        with project.reviewers_file.open("a", encoding="utf-8") as lines:
            lines.write(line + "\n" if before[-1:] in ("", "\n") else f"\n{line}\n")
    except OSError as error:
        where = str(project.reviewers_file)
        raise DiskTrouble("the list of reviewers cannot be written", where=where, got=str(error.strerror)) from error
    return line


def identity(project: Project, key: Path | None, signer_id: str, passphrase: AskPassphrase) -> Identity:
    """Who runs and seals: the key at `key`, else a key of this machine that is made when first needed.

    Without `signer_id` the id is the one that reviewers/allowed_signers gives the key, else the
    key's comment. Raises `UsageError` or `CannotCheck`.
    """
    from awo.sign.make_key import make_key_once
    from awo.sign.open import open_signer
    from awo.sign.patterns import why_not_a_principal

    path = key
    if path is None:
        path = keys_folder() / OWN_KEY_ID
        make_key_once(path, comment=OWN_KEY_ID)
    signer = open_signer(path, passphrase)
    found = signer_id
    if not found:
        reviewers = project.reviewers()
        known = reviewers.principals_of(signer.key) if reviewers else ()
        found = known[0] if known else signer.key.comment or _comment_beside(path)
    if not found:
        raise UsageError("nobody knows whose key this is", where=str(path), hint="say it with --as ID")
    if why := why_not_a_principal(found):  # now, and not when the finished run is to be sealed
        raise UsageError(
            f"this cannot be a signer's id: {why}",
            where="--as" if signer_id else str(path),
            expected="an id like alice@example.org",
            got=ascii(found)[:80],
            hint="say it with --as ID",
        )
    return Identity(found, signer)


def _comment_beside(path: Path) -> str:
    beside = path.with_name(path.name + ".pub")
    return _read_public_key(beside).comment if beside.is_file() else ""


def _read_public_key(path: Path) -> PublicKey:
    from awo.sign.sshkeys import PublicKey

    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        got = getattr(error, "strerror", "") or "bytes that are not UTF-8"
        raise UsageError("the public key cannot be read", where=str(path), got=got) from error
    if "PRIVATE KEY" in text:
        raise UsageError(
            "this is a private key; only the public half is enrolled", where=str(path), hint=f"use {path}.pub"
        )
    return PublicKey.parse(text.strip(), where=str(path))


# --- running ---------------------------------------------------------------------------------------------


def run(
    project: Project,
    file: Path,
    who: Identity,
    *,
    supersedes: str = "",
    budget_usd: str = "",
    cache: bool = False,
    watch: Watch = lambda events, state: None,
    told_folder: Callable[[Path], None] = lambda folder: None,
) -> Ended:
    """Runs a workflow file as far as it goes without a person, and seals it when it is finished.

    `budget_usd` goes over the file's own budget; `cache` lets answers of earlier runs be used again.
    Raises `WorkflowInvalid`, `UsageError`, `EvidenceError`, `DiskTrouble`.
    """
    import asyncio

    from awo.engine.run import start

    plan = promise(project, file, budget_usd=budget_usd, cache=cache)
    if (error := lacking(plan, file)) is not None:
        raise error
    if project.policy.require_commit:
        _refuse_uncommitted(project)
    around = _surroundings(project, file.resolve().parent, watch)
    going = start(plan, project.runs, around, who.as_starter(), supersedes, told_folder)
    del plan  # the run has it; nothing here needs it again
    ended = asyncio.run(going)
    _seal_if_finished(ended, who)
    return ended


def resume(
    project: Project,
    folder: Path,
    who: Identity,
    again: Again | None = None,
    *,
    watch: Watch = lambda events, state: None,
) -> Ended:
    """Takes up a run where its journal ends, as `again` says, and seals it when finished. Raises as `run` does."""
    import asyncio

    from awo.engine import run as running

    _refuse_sealed(folder)
    source = Path(folders.read_input(folder)[0].source.path)
    around = _surroundings(project, project.root / source.parent, watch)
    ended = asyncio.run(running.resume(folder, around, again or running.Again()))
    _seal_if_finished(ended, who)
    return ended


def replay(
    project: Project,
    origin: Path,
    who: Identity,
    *,
    watch: Watch = lambda events, state: None,
    told_folder: Callable[[Path], None] = lambda folder: None,
) -> Ended:
    """Runs what `origin` ran, as a new run whose models are answered from its responses; nothing is asked of them.

    Raises `UsageError` for a run outside the project, since its place would have to stand in the record.
    """
    import asyncio

    from awo.engine.registration import registered_again, registered_before
    from awo.engine.replaying import replayed
    from awo.engine.run import start

    plan, _ = folders.read_input(origin)
    workflow_root = project.root / Path(plan.source.path).parent
    if not origin.resolve().is_relative_to(project.root):
        raise UsageError(
            "only a run inside the project can be replayed",
            where=str(origin),
            expected=f"a folder below {project.root}",
            hint="copy the run into runs/",
        )
    plan = replayed(plan, os.path.relpath(origin.resolve(), workflow_root.resolve()))
    plan = registered_again(plan, registered_before(project.runs))
    around = _surroundings(project, workflow_root, watch)
    ended = asyncio.run(start(plan, project.runs, around, who.as_starter(), "", told_folder))
    _seal_if_finished(ended, who)
    return ended


def rescore(
    project: Project,
    origin: Path,
    file: Path,
    who: Identity,
    *,
    watch: Watch = lambda events, state: None,
    told_folder: Callable[[Path], None] = lambda folder: None,
) -> Ended:
    """Runs the workflow in `file` as a new run whose requests are all answered from the responses of `origin`.

    No model is opened and nothing is asked or paid for: a request that `origin` did not answer fails its step
    (`not_recorded`). Raises as `run` does, and `EvidenceError` where the record of `origin` is altered.
    """
    import asyncio
    from dataclasses import replace

    from awo.engine.recorded import read_recorded
    from awo.engine.registration import marked_late
    from awo.engine.run import start

    recorded = read_recorded(origin)
    plan = marked_late(promise(project, file, rescores=recorded.run_id), recorded.plan)
    if project.policy.require_commit:
        _refuse_uncommitted(project)
    around = replace(_surroundings(project, file.resolve().parent, watch), origin=recorded)
    ended = asyncio.run(start(plan, project.runs, around, who.as_starter(), recorded.run_id, told_folder))
    _seal_if_finished(ended, who)
    return ended


def decide(project: Project, folder: Path, choice: Choice, key: Signer) -> Decided:
    """Records a person's decision at the open gate. Raises `UsageError`, `EvidenceError`, `DiskTrouble`."""
    import asyncio

    from awo.engine import decide as deciding

    return asyncio.run(deciding.decide(folder, choice, key, project.reviewers(), project.policy, _secrets()))


def open_key(path: Path, passphrase: AskPassphrase) -> Signer:
    """The key at `path`, ready to sign. Raises `UsageError` or `CannotCheck`."""
    from awo.sign.open import open_signer

    return open_signer(path, passphrase)


def pending_gate(folder: Path) -> GatePending | None:
    """The gate that waits in a run, from its journal; None when none does."""
    from awo.engine.reading import waiting_gate

    return waiting_gate(folder)


def is_sealed(folder: Path) -> bool:
    """Whether the run is frozen."""
    from awo.seal.seal import is_sealed as sealed

    return sealed(folder)


def facts(folder: Path) -> RunFacts:
    """What the journal says of a run so far. Raises `UsageError` or `EvidenceError`."""
    from awo.engine.reading import read_facts

    return read_facts(folder)


def follow(folder: Path) -> Following:
    """A reader of the run's journal as it grows; takes no lock. Raises `UsageError`, `EvidenceError`, `DiskTrouble`."""
    from awo.engine.following import Following

    return Following(folder)


def is_worked_on(folder: Path) -> bool | None:
    """Whether a process on this machine works on the run; None where the system does not say."""
    from awo.engine import following

    return following.is_worked_on(folder)


def plan(project: Project, target: str, *, budget_usd: str = "") -> Plan:
    """What the workflow in a file will ask and cost at most, or what is left of a run; asks nobody.

    `target` is the path of a file, or a run as `find_run` takes it. Raises as `promise` and `find_run` do.
    """
    from dataclasses import replace

    from awo.canon.usd import picodollars
    from awo.engine.planning import plan_of
    from awo.engine.progress_made import done_so_far

    file = Path(target)
    if file.is_file():
        return plan_of(promise(project, file, budget_usd=budget_usd), file.resolve().parent)
    folder = find_run(project, target)
    record, done = done_so_far(folder)
    planned = plan_of(record, project.root / Path(record.source.path).parent, done)
    return replace(planned, budget=picodollars(budget_usd)) if budget_usd else planned


def lay_out(folder: Path, files: Mapping[str, str]) -> list[str]:
    """Writes the files that are not there yet, by their path below `folder`; gives the ones it made.

    Raises `DiskTrouble`.
    """
    made = []
    for name, text in files.items():
        path = folder / name
        try:
            if not path.exists():
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(text, encoding="utf-8")
                made.append(name)
        except OSError as error:
            raise DiskTrouble("this file cannot be made", where=str(path), got=str(error.strerror)) from error
    return made


def freeze(folder: Path, who: Identity) -> str:
    """Seals a run as it stands: as what it finished as, else as failed or abandoned. Raises `UsageError`."""
    import asyncio

    from awo.derive.facts import StepStatus
    from awo.engine.run import finish_as

    _refuse_sealed(folder)
    so_far = facts(folder)
    has_failed = bool(so_far.with_status(StepStatus.FAILED)) and so_far.open_gate is None
    outcome: Literal["failed", "abandoned"] = "failed" if has_failed else "abandoned"
    done = asyncio.run(finish_as(folder, outcome))
    _seal(folder, done, who)
    return done.outcome


def render(folder: Path) -> None:
    """Rebuilds the views of an unsealed run from its journal and outputs. Raises `UsageError`."""
    from awo.engine.views import write_views

    _refuse_sealed(folder)
    folders.refuse_links_and_devices(folder)
    with folders.alone_in(folder):
        write_views(folder)


def _refuse_sealed(folder: Path) -> None:
    """Raises `UsageError` for a sealed run, after taking the write permissions that a crash may have left there."""
    from awo.seal.seal import is_sealed, make_read_only

    if is_sealed(folder) and folder.stat().st_mode & 0o222:
        with contextlib.suppress(OSError):  # somebody else's copy
            make_read_only(folder)
    folders.refuse_sealed(folder)


def export(folder: Path, out: Path | None) -> Bundle:
    """The bundle of a sealed run: a deterministic .tar.gz. Raises `UsageError` for an unsealed one."""
    from awo.publish.bundle import export_bundle

    return export_bundle(folder, out or folder.parent / f"{folder.name}.tar.gz")


def export_table(folder: Path, out: Path, *, safe_for_spreadsheets: bool = False) -> TableFile:
    """Every response of a run with its scores as CSV, JSON lines or Parquet. Raises as the function it calls."""
    from awo.publish.tables import export_table as export

    return export(folder, out, safe_for_spreadsheets=safe_for_spreadsheets)


def export_every_eval_ever(folder: Path, out: Path | None, organization: str, relationship: str) -> Exported:
    """The scores of a run as records of Every Eval Ever, in a new folder. Raises as the function it calls."""
    from awo.canon import time
    from awo.publish.every_eval_ever import Publisher
    from awo.publish.every_eval_ever import export_every_eval_ever as export

    out = out or folder.parent / f"{folder.name}.every-eval-ever"
    return export(folder, out, Publisher(organization, relationship), time.now())


def open_run(run: str | Path = "latest", runs: str | Path | None = None) -> OpenedRun:
    """A run for a notebook: an id, a path or `latest`, in the project around the current folder or in `runs`.

    Raises `UsageError` for no such run, and `EvidenceError`.
    """
    from awo.publish.opened import OpenedRun

    here = find_project(Path.cwd(), Path(runs) if runs is not None else None)
    return OpenedRun(find_run(here, str(run)))


def _surroundings(project: Project, workflow_root: Path, watch: Watch) -> Surroundings:
    from awo.engine.run import Surroundings

    return Surroundings(
        project=project.root,
        runs=project.runs,
        workflow_root=workflow_root,
        policy=project.policy,
        secrets=_secrets(),
        watch=watch,
    )


def _secrets() -> SecretCutter:
    """Cuts the secrets of the environment, and the keys of the file that models' keys stand in."""
    from awo.evidence.secrets import SecretCutter
    from awo.inference import keys

    return SecretCutter.from_environment(os.environ, also=keys.secrets(os.environ))


def _refuse_uncommitted(project: Project) -> None:
    from awo.engine.git import git_facts

    facts = git_facts(project.root)
    if facts["commit"] == "none":
        raise UsageError(
            "awo.toml says require_commit, and there is no commit to run from",
            where=str(project.root),
            got=facts["why"],
            hint="git init && git add -A && git commit",
        )
    if facts["is_dirty"]:
        raise UsageError(
            "awo.toml says require_commit, and the tree has changes that are not committed",
            where=str(project.root),
            hint="look with `git status`, then commit or stash",
        )


def seal_finished(folder: Path, who: Identity) -> None:
    """Seals a run that has finished, and does nothing to one that is sealed. Raises `CannotCheck` without key."""
    from awo.seal.seal import is_sealed

    if not is_sealed(folder):
        _seal(folder, facts(folder), who)


def _seal(folder: Path, done: RunFacts, who: Identity) -> None:
    from awo.canon import time
    from awo.engine.run import SOFTWARE
    from awo.seal.seal import is_sealed, seal_run

    outcome: Any = done.outcome
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
        )


def _seal_if_finished(ended: Ended, who: Identity) -> None:
    from awo.seal.seal import is_sealed

    if ended.facts.outcome and not is_sealed(ended.folder):
        _seal(ended.folder, ended.facts, who)


def _write_claimed_signers(folder: Path, done: RunFacts, who: Identity) -> None:
    """audit/allowed_signers: the sealer and every decider with the key they signed with."""
    from awo.evidence.layout import ALLOWED_SIGNERS
    from awo.sign.allowed_signers import line_for
    from awo.sign.namespaces import DECISION, SEAL
    from awo.sign.sshsig import read as read_signature

    lines = {line_for(who.id, who.signer.key, [SEAL]): None}
    for gate in done.gates:
        for decision in gate.decisions:
            signature = read_signature((folder / decision.signature.path).read_bytes(), where=decision.signature.path)
            lines[line_for(decision.signer, signature.key, [DECISION])] = None
    folders.write_whole(folder / ALLOWED_SIGNERS, "".join(f"{line}\n" for line in lines).encode())


# --- judging ---------------------------------------------------------------------------------------------


def verify(project: Project, name: str, trust: Path | None) -> Report:
    """What the judge finds in a run folder or bundle. Raises `UsageError` for no such thing, and `CannotCheck`.

    Without `trust`, the project's reviewers are believed, if there are any and their list lies outside the package.
    """
    from awo.verify.judge import verify as judge

    path = Path(name)
    if not path.exists() or path.is_symlink():
        path = find_run(project, name)
    if trust is not None:
        try:
            text = trust.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise UsageError("the file of trusted signers cannot be read", where=str(trust), got=str(error)) from error
        trusted: AllowedSigners | None = AllowedSigners.parse(text, where=str(trust))
        trust_name = str(trust)
    elif project.reviewers_file.resolve().is_relative_to(path.resolve()):
        trusted, trust_name = None, ""  # a list that the package brings along: it never says whom to believe
    else:
        trusted, trust_name = project.reviewers(), REVIEWERS
    return judge(path, trust=trusted, trust_name=trust_name)

"""Starts runs, takes them up, does them again, and decides at their gates."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from awo.api.keys import OWN_KEY_ID, Identity
from awo.api.ledgers import ledger_of
from awo.api.projects import PROJECT_FILE, Project, find_run, lacking, promise, secrets_here
from awo.api.sealing import (
    complete_registration,
    refuse_if_sealed,
    refuse_unless_sealed,
    seal_finished,
    seal_if_finished,
)
from awo.engine import folder as folders
from awo.errors import EvidenceError, UsageError
from awo.evidence.layout import INPUT

if TYPE_CHECKING:  # what a command does not use is not loaded: `awo verify` knows nothing of the engine
    from awo.engine.decide import Choice, Decided
    from awo.engine.run import Again, Ended, Surroundings, Watch
    from awo.evidence.earlier import EarlierRun
    from awo.evidence.records import InputRecord
    from awo.sign.seam import Signer


def run(
    project: Project,
    file: Path,
    who: Identity,
    *,
    supersedes: str = "",
    budget_usd: str = "",
    cache: bool = False,
    watch: Watch = lambda events, state: None,
    told_plan: Callable[[InputRecord], None] = lambda plan: None,
    told_folder: Callable[[Path], None] = lambda folder: None,
) -> Ended:
    """Runs a workflow file as far as it goes without a person, and seals it when it is finished.

    `budget_usd` goes over the file's own budget; `cache` lets answers of earlier runs be used again. `told_plan` is
    given what will be run, before anything is made.
    Raises `WorkflowInvalid`, `UsageError`, `EvidenceError`, `DiskTrouble`, and `CannotCheck` for what this
    machine lacks, before anything is asked.
    """
    import asyncio

    from awo.engine.run import start

    plan = _for_gates(project, file, who, promise(project, file, budget_usd=budget_usd, cache=cache))
    if supersedes:
        plan = _beside(plan, find_run(project, supersedes))
    if (error := lacking(plan, file)) is not None:
        raise error
    if project.policy.require_commit:
        _refuse_uncommitted(project)
    told_plan(plan)
    around = _surroundings(project, file.resolve().parent, watch)
    going = start(plan, project.runs, around, who.as_starter(), supersedes, told_folder)
    del plan  # the run has it; nothing here needs it again
    ended = asyncio.run(going)
    seal_if_finished(project, ended, who)
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
    from awo.receive.foreign import unstage_resumed

    complete_registration(project, folder)
    refuse_if_sealed(folder)
    source = Path(folders.read_input(folder)[0].source.path)
    around = _surroundings(project, project.root / source.parent, watch)
    ended = asyncio.run(running.resume(folder, around, again or running.Again()))
    seal_if_finished(project, ended, who)
    if ended.facts.outcome:
        unstage_resumed(project.root / source, project.runs)
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

    from awo.engine.promise import refuse_missing_packages
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
    refuse_missing_packages(plan)
    around = _surroundings(project, workflow_root, watch)
    ended = asyncio.run(start(plan, project.runs, around, who.as_starter(), "", told_folder))
    seal_if_finished(project, ended, who)
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

    from awo.engine.promise import refuse_missing_packages
    from awo.engine.recorded import read_recorded
    from awo.engine.registration import marked_late
    from awo.engine.revising import following
    from awo.engine.run import start

    recorded = read_recorded(origin)
    plan = _for_gates(project, file, who, promise(project, file, rescores=recorded.run_id))
    plan = marked_late(following(plan, recorded), recorded.plan)
    refuse_missing_packages(plan)
    if project.policy.require_commit:
        _refuse_uncommitted(project)
    around = replace(_surroundings(project, file.resolve().parent, watch), origin=recorded)
    ended = asyncio.run(start(plan, project.runs, around, who.as_starter(), recorded.run_id, told_folder))
    seal_if_finished(project, ended, who)
    return ended


def revise(
    project: Project,
    origin: Path,
    file: Path | None,
    who: Identity,
    *,
    from_step: str = "",
    budget_usd: str = "",
    cache: bool = False,
    watch: Watch = lambda events, state: None,
    told_attempt: Callable[[EarlierRun], None] = lambda attempt: None,
    told_folder: Callable[[Path], None] = lambda folder: None,
) -> Ended:
    """Runs the workflow in `file` as a new run that revises the sealed run `origin`: what no change touches is taken
    over from there, `from_step` and whatever rests on it is done anew in any case.

    `file` is None for the one that `origin` was run from; `told_attempt` is given what became of that, before anything
    is made. Raises as `run` does, `EvidenceError` where the record of
    `origin` is altered, and `UsageError` where it is not sealed or nothing is to be done anew.
    """
    import asyncio
    from dataclasses import replace

    from awo.engine.recorded import read_recorded
    from awo.engine.revising import attempt_of, revising, to_be_asked
    from awo.engine.run import start

    refuse_unless_sealed(origin)
    recorded = read_recorded(origin)
    told_attempt(attempt_of(recorded))
    file = file or _source_of(project, recorded.plan)
    plan = _for_gates(project, file, who, promise(project, file, budget_usd=budget_usd, cache=cache))
    plan = revising(plan, recorded, from_step)
    if (error := lacking(to_be_asked(plan, recorded), file)) is not None:
        raise error
    if project.policy.require_commit:
        _refuse_uncommitted(project)
    around = replace(_surroundings(project, file.resolve().parent, watch), origin=recorded)
    ended = asyncio.run(start(plan, project.runs, around, who.as_starter(), recorded.run_id, told_folder))
    seal_if_finished(project, ended, who)
    return ended


def decide(project: Project, folder: Path, choice: Choice, open_key: Callable[[], Signer]) -> Decided:
    """Records a person's decision at the open gate, and seals the run with their key when that ends it.

    `open_key` opens the key; when it cannot, that is on record, too. Raises `UsageError`, `EvidenceError`,
    `CannotCheck` and `DiskTrouble`.
    """
    import asyncio

    from awo.engine import decide as deciding
    from awo.engine.at_gate import DeadlineClosed

    opened: list[Signer] = []

    def open_once() -> Signer:
        opened.append(open_key())
        return opened[0]

    rules = deciding.ProjectRules(project.policy, project.reviewers, secrets_here(), ledger_of(project))
    try:
        decided = asyncio.run(deciding.decide(folder, choice, open_once, rules))
    except DeadlineClosed:
        _seal_with(project, folder, choice.signer_id, opened)
        raise
    if decided.outcome:
        _seal_with(project, folder, choice.signer_id, opened)
    return decided


def _seal_with(project: Project, folder: Path, signer_id: str, opened: list[Signer]) -> None:
    """Seals a run that is finished with the key of the decider; one that could not be opened leaves that to others."""
    from awo.sign.patterns import why_not_a_principal

    if opened and not why_not_a_principal(signer_id):
        seal_finished(project, folder, Identity(signer_id, opened[0]))


def _surroundings(project: Project, workflow_root: Path, watch: Watch) -> Surroundings:
    from awo.engine.run import Surroundings

    return Surroundings(
        project=project.root,
        runs=project.runs,
        workflow_root=workflow_root,
        policy=project.policy,
        secrets=secrets_here(),
        watch=watch,
        ledger=ledger_of(project),
    )


def _for_gates(project: Project, file: Path, who: Identity, plan: InputRecord) -> InputRecord:
    """The plan with who wrote the workflow, where one of its gates asks for somebody else.

    Raises `UsageError` where git cannot say, and where a gate asks for a starter with a name and `who` has none:
    now, and not when the work is done and nobody may decide on it.
    """
    from msgspec import structs

    from awo.plugins import GATE_OPERATION

    gates = [step.id for step in plan.steps if step.op == GATE_OPERATION]
    asking = [gate for gate in gates if project.policy.rules_of(gate).known_starter]
    if asking and who.id == OWN_KEY_ID:
        raise UsageError(
            f"the gate {asking[0]!r} asks for a starter with a name, and a machine's own key names nobody",
            where=f"{PROJECT_FILE}: known_starter",
            hint="start the run with --key KEY --as ID",
        )
    if not project.policy.asks_for_author(gates):
        return plan
    from awo.engine.authors import workflow_authors

    return structs.replace(plan, authors=workflow_authors(file))


def _refuse_uncommitted(project: Project) -> None:
    from awo.engine.git import Asked, git_facts

    facts = git_facts(Asked(project.root))
    if facts["commit"] == "none":
        raise UsageError(
            "awo.toml says require_commit, and there is no commit to run from",
            where=str(project.root),
            got=facts["why"],
            hint="git init && git add -A && git commit",
        )
    if why := facts.get("dirty_unknown"):
        raise UsageError(
            "awo.toml says require_commit, and whether the tree has changes cannot be found out",
            where=str(project.root),
            got=why,
            hint="`git diff HEAD` says what is wrong",
        )
    if facts["is_dirty"]:
        raise UsageError(
            "awo.toml says require_commit, and the tree has changes that are not committed",
            where=str(project.root),
            hint="look with `git status`, then commit or stash",
        )


def _beside(plan: InputRecord, earlier: Path) -> InputRecord:
    """The plan with what it says otherwise than that of the run `earlier`, and with all attempts before it.

    A damaged run can be superseded, too: then the attempts cannot be named.
    """
    from msgspec import structs

    from awo.engine.recorded import read_recorded
    from awo.engine.revising import following
    from awo.evidence.plan_changes import PlanChange

    try:
        return following(plan, read_recorded(earlier))
    except (EvidenceError, UsageError):
        pass  # told by `awo verify` of that run
    try:
        before, _ = folders.read_input(earlier)
    except (EvidenceError, UsageError) as error:
        unread = PlanChange(kind="file", name=INPUT, how="changed", what=f"that of {earlier.name}: {error.what}")
        return structs.replace(plan, changes=[unread])
    return _with_changes(plan, before)


def _source_of(project: Project, plan: InputRecord) -> Path:
    """The workflow file that a run was made from, where it still lies in the project. Raises `UsageError`."""
    file = (project.root / plan.source.path).resolve()
    if not file.is_relative_to(project.root.resolve()) or not file.is_file():
        raise UsageError(
            "the workflow file of the run is not here",
            where=str(project.root),
            expected=plan.source.path,
            hint="name the changed file: awo revise RUN FILE",
        )
    return file


def _with_changes(plan: InputRecord, earlier: InputRecord) -> InputRecord:
    from msgspec import structs

    from awo.derive.plan_changes import plan_changes

    return structs.replace(plan, changes=plan_changes(plan, earlier))

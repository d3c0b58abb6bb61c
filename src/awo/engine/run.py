"""Starts a run, takes one up again, and brings it to its end."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import awo
from awo.derive.facts import RunFacts
from awo.derive.outcomes import with_results_only
from awo.derive.report_layout import REPORT_LAYOUT
from awo.engine.attempts import Workshop
from awo.engine.cache import Elsewhere, open_cache
from awo.engine.closing import close_if_decided, reopen_if_lapsed
from awo.engine.desk import remove_scratch
from awo.engine.entering import enter_what_is_recorded
from awo.engine.environment import environment_facts
from awo.engine.folder import make_run_folder, read_input, refuse_links_and_devices, refuse_sealed
from awo.engine.intact import check_input, refuse_altered_run
from awo.engine.journal import Journal
from awo.engine.models import Models
from awo.engine.reading import refs_of
from awo.engine.recorded import RecordedRun
from awo.engine.reruns import Rerun, reruns
from awo.engine.rescoring import RecordedModels, open_recorded
from awo.engine.revising import Revision, open_revision
from awo.engine.scheduler import Scheduler
from awo.engine.settle import settle_open_calls
from awo.engine.tidy import remove_unrecorded
from awo.engine.views import write_views
from awo.errors import AwoError, UsageError
from awo.evidence import events as ev
from awo.evidence.records import InputRecord
from awo.evidence.secrets import SecretCutter
from awo.gate.project import Policy
from awo.ledger.log import Ledger
from awo.lifecycle.rules import RunState
from awo.lifecycle.steps import Status

Watch = Callable[[list[ev.AnyEvent], RunState], None]
SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What a run needs from outside its folder.

    `project` is the folder of awo.toml and git, `runs` where the runs are; `workflow_root` the folder
    that the workflow's file names start from. `watch` is told of events once they are on disk.
    `origin` is the run that a new run scores again or revises; None to look for it among the others.
    `ledger` is where runs are entered, None for a project without one.
    """

    project: Path
    runs: Path
    workflow_root: Path
    policy: Policy
    secrets: SecretCutter
    watch: Watch
    origin: RecordedRun | None = None
    ledger: Ledger | None = None


@dataclass(frozen=True, slots=True)
class Ended:
    """How a process left a run. `failures` has the last error of each failed step; `facts` has only the steps
    that say what the run found.

    `over_budget` says why a run is paused.
    """

    folder: Path
    facts: RunFacts
    outcome: Literal["completed", "approved", "rejected", "failed", "abandoned", "waiting", "interrupted", "paused"]
    gate: str = ""
    failures: dict[str, AwoError] = field(default_factory=dict)
    signal: str = ""
    over_budget: ev.BudgetReached | None = None


@dataclass(frozen=True, slots=True)
class Again:
    """How a run is taken up.

    `ask_again` repeats calls whose outcome is unknown, `budget_usd` ('' for none) is a new budget,
    `only_failed` leaves alone what has not been tried. `tell` is given each step that runs again.
    """

    ask_again: bool = False
    budget_usd: str = ""
    only_failed: bool = False
    tell: Callable[[Rerun], None] = lambda rerun: None


SOFTWARE = ev.Software(name="awo", version=awo.__version__, report_layout=REPORT_LAYOUT)


async def start(
    plan: InputRecord,
    runs: Path,
    around: Surroundings,
    starter: ev.Starter,
    supersedes: str,
    told_folder: Callable[[Path], None],
) -> Ended:
    """A new run of `plan` below `runs`, as far as it goes without a person.

    It is in the ledger before anything is asked; without a ledger that can be written no run is made. Raises
    `DiskTrouble`, and as `Ledger` does.
    """
    if around.ledger is not None:
        around.ledger.refuse_unwritable()
    folder, input_ref = make_run_folder(runs, plan)
    looking = _look_at_machine(around)
    journal = Journal.create(folder, RunState(plan.steps, plan.budget_usd))
    journal.start()
    journal.append(
        ev.RunStarted,
        format=ev.FORMAT,
        run_id=folder.name,
        software=SOFTWARE,
        input=input_ref,
        starter=starter,
        supersedes=supersedes,
        solo=around.policy.solo,
    )
    told_folder(folder)
    try:
        await enter_what_is_recorded(journal, around.ledger, is_new=True)
    except BaseException:
        looking.cancel()
        await journal.close()
        raise
    return await _go_on(journal, plan, around, looking)


async def resume(folder: Path, around: Surroundings, again: Again) -> Ended:
    """Takes up a run where its journal ends.

    Raises `UsageError` (sealed, in use, nothing has failed), `EvidenceError` (altered) and
    `DiskTrouble`. A run that waits at a gate stays so, and one that was rejected gives `rejected`.
    """
    refuse_sealed(folder)
    refuse_links_and_devices(folder)
    plan, input_ref = read_input(folder)
    journal = await _open_intact(folder, plan, input_ref)
    state = journal.state
    try:
        await reopen_if_lapsed(journal)
        await enter_what_is_recorded(journal, around.ledger)
    except AwoError:
        await journal.close()
        raise
    if state.outcome or state.gates.open_gate or state.gates.rejected:
        return await _finish(journal, plan, Left(), is_taken_up=True)
    try:
        if again.only_failed and not state.failed_steps():
            raise UsageError("no step of this run has failed", where=folder.name, hint=f"awo resume {folder.name}")
        was_running = {id_ for id_, step in state.steps.items() if step.status is Status.RUNNING}
        unknown = await _take_up(journal, plan)
        if again.budget_usd:
            journal.append(ev.BudgetSet, usd=again.budget_usd)
        for rerun in reruns(state, was_running, unknown, ask_again=again.ask_again):
            again.tell(rerun)
    except BaseException:
        await journal.close()
        raise
    if again.ask_again:
        for step in state.steps.values():
            step.unknown = None
    return await _go_on(journal, plan, around, _look_at_machine(around), only_failed=again.only_failed)


async def _take_up(journal: Journal, plan: InputRecord) -> Mapping[str, int]:
    """Says that the run goes on, and gives every call that was cut off its outcome; counts the unknown ones by step."""
    journal.append(ev.RunResumed, software=SOFTWARE)
    remove_scratch(journal.folder)
    return await settle_open_calls(journal, plan.models)


async def finish_as(folder: Path, outcome: Literal["failed", "abandoned"]) -> RunFacts:
    """Ends an open run as it stands, so that it can be sealed; gives the facts. Raises `UsageError` when it may not."""
    refuse_sealed(folder)
    refuse_links_and_devices(folder)
    plan, input_ref = read_input(folder)
    journal = await _open_intact(folder, plan, input_ref)
    state = journal.state
    try:
        if not state.outcome:
            if state.running or any(step.is_cut_off for step in state.steps.values()):
                await _take_up(journal, plan)
            journal.append(ev.RunFinished, outcome=state.outcome_allowed() or outcome)
            await journal.flushed()
        remove_unrecorded(folder)
        return write_views(folder, plan)
    finally:
        await journal.close()


async def _open_intact(folder: Path, plan: InputRecord, input_ref: ev.FileRef) -> Journal:
    """The journal of an open run, locked, with its writer at work, and with no gate open that is decided.

    Raises `EvidenceError` for an altered run.
    """
    recorded: dict[str, ev.FileRef] = {}

    def watch(event: ev.AnyEvent) -> None:
        for ref in refs_of(event):
            recorded[ref.path] = ref

    journal = Journal.open_existing(folder, RunState(plan.steps, plan.budget_usd), watch)
    journal.start()
    try:
        check_input(journal.state, input_ref)
        refuse_altered_run(folder, journal.state, recorded.values())
        await close_if_decided(journal)
    except AwoError:
        await journal.close()
        raise
    return journal


@dataclass(frozen=True, slots=True)
class Left:
    """What a process leaves undone when its scheduler ends."""

    failures: dict[str, AwoError] = field(default_factory=dict)
    signal: str = ""
    over_budget: ev.BudgetReached | None = None


def _look_at_machine(around: Surroundings) -> asyncio.Task[dict[str, Any]]:
    """Begins to look, beside the work: what was found is recorded when it is there."""
    settings, root = around.policy.environment, around.workflow_root
    looking = asyncio.to_thread(environment_facts, around.project, settings, around.secrets, workflow_root=root)
    return asyncio.create_task(looking)


async def _go_on(
    journal: Journal,
    plan: InputRecord,
    around: Surroundings,
    looking: asyncio.Task[dict[str, Any]],
    *,
    only_failed: bool = False,
) -> Ended:
    loop = asyncio.get_running_loop()
    journal.on_durable = lambda events: around.watch(events, journal.state)
    try:
        models, elsewhere, revision = await _answering(journal, plan, around)
    except BaseException:
        looking.cancel()
        raise
    shop = Workshop(journal, plan, around.workflow_root, models, around.secrets)
    shop.elsewhere, shop.revision = elsewhere, revision
    scheduler = Scheduler(shop, around.policy, only_failed=only_failed)
    facts = asyncio.create_task(_record_environment(journal, looking))
    for one in SIGNALS:
        loop.add_signal_handler(one, scheduler.stop, one.name)
    try:
        await scheduler.run(before_gate=facts)
        await facts
    except BaseException:
        facts.cancel()
        shop.close()
        await models.close()
        await journal.close()
        raise
    finally:
        for one in SIGNALS:
            loop.remove_signal_handler(one)
    shop.close()
    await models.close()
    if scheduler.stopped_by:
        journal.append(ev.RunInterrupted, signal=scheduler.stopped_by)
    left = Left(shop.failures, scheduler.stopped_by, shop.traffic.over_budget)
    del shop, scheduler  # what is written next needs the room
    return await _finish(journal, plan, left, is_taken_up=journal.state.is_resumed)


async def _answering(
    journal: Journal, plan: InputRecord, around: Surroundings
) -> tuple[Models, Elsewhere | None, Revision | None]:
    """Who answers the run: its models, other runs before them where it says so, and the run that it revises.

    Closes the journal on an error.
    """
    try:
        if plan.rescores:
            await journal.flushed()
            answers = open_recorded(plan, around.runs, around.origin, journal.folder)
            return RecordedModels(plan, around.workflow_root, journal, around.secrets, answers), answers, None
        revision = None
        if plan.revises:
            await journal.flushed()
            root, secrets = around.workflow_root, around.secrets
            revision = open_revision(plan, root, around.runs, journal, secrets, around.origin)
        cache = open_cache(around.runs, journal.folder) if plan.cache else None
    except BaseException:
        await journal.close()
        raise
    return Models(plan, around.workflow_root, journal, around.secrets), cache, revision


async def _record_environment(journal: Journal, looking: asyncio.Task[dict[str, Any]]) -> None:
    journal.append(ev.EnvironmentRecorded, environment=await looking)


async def _finish(journal: Journal, plan: InputRecord, left: Left, *, is_taken_up: bool) -> Ended:
    """Ends the run where it can end, and writes the views while the run is still locked."""
    state = journal.state
    folder = journal.folder
    outcome = state.outcome or state.outcome_allowed()
    open_gate = state.gates.open_gate
    try:
        if outcome and not state.outcome:
            journal.append(ev.RunFinished, outcome=outcome)
        await journal.flushed()
        if outcome and is_taken_up:
            remove_unrecorded(folder)
        state.steps.clear()  # the views need the room
        facts = with_results_only(write_views(folder, plan))
    finally:
        await journal.close()
    match outcome:
        case "completed" | "approved" | "rejected" | "failed" | "abandoned" as ended:
            return Ended(folder, facts, ended)
        case _ if open_gate:
            return Ended(folder, facts, "waiting", gate=open_gate)
        case _ if left.signal:
            return Ended(folder, facts, "interrupted", signal=left.signal, failures=left.failures)
        case _ if left.over_budget:
            return Ended(folder, facts, "paused", failures=left.failures, over_budget=left.over_budget)
        case _:
            return Ended(folder, facts, "failed", failures=left.failures)

"""Starts a run, takes one up again, and brings it to its end."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import msgspec

import awo
from awo.derive.facts import RunFacts
from awo.engine.attempts import Workshop
from awo.engine.calls import settle_open_calls
from awo.engine.closing import close_if_decided
from awo.engine.desk import remove_scratch
from awo.engine.environment import environment_facts
from awo.engine.folder import make_run_folder, read_input, refuse_links_and_devices, refuse_sealed
from awo.engine.intact import refuse_altered_run
from awo.engine.journal import Journal
from awo.engine.models import Models
from awo.engine.scheduler import Scheduler
from awo.engine.tidy import remove_unrecorded
from awo.engine.views import write_views
from awo.errors import AwoError, EvidenceError
from awo.evidence import events as ev
from awo.evidence.records import InputRecord
from awo.evidence.secrets import SecretCutter
from awo.gate.policy import Policy
from awo.lifecycle.rules import RunState, Status

Watch = Callable[[list[ev.AnyEvent], RunState], None]
SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What a run needs from outside its folder.

    `project` is the folder of awo.toml, git and runs/; `workflow_root` the folder that the
    workflow's file names start from. `watch` is told of events once they are on disk.
    """

    project: Path
    workflow_root: Path
    policy: Policy
    secrets: SecretCutter
    watch: Watch


@dataclass(frozen=True, slots=True)
class Ended:
    """How a process left a run. `failures` has the last error of each failed step."""

    folder: Path
    facts: RunFacts
    outcome: Literal["completed", "approved", "rejected", "failed", "abandoned", "waiting", "interrupted"]
    gate: str = ""
    failures: dict[str, AwoError] = field(default_factory=dict)
    signal: str = ""


SOFTWARE = ev.Software(name="awo", version=awo.__version__)


async def start(
    plan: InputRecord,
    runs: Path,
    around: Surroundings,
    starter: ev.Starter,
    supersedes: str,
    told_folder: Callable[[Path], None],
) -> Ended:
    """A new run of `plan` below `runs`, as far as it goes without a person. Raises `DiskTrouble`."""
    folder, input_ref = make_run_folder(runs, plan)
    journal = Journal.create(folder, plan.steps)
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
    return await _go_on(journal, plan, around)


async def resume(folder: Path, around: Surroundings, *, ask_again: bool) -> Ended:
    """Takes up a run where its journal ends. `ask_again` repeats calls whose outcome is unknown.

    Raises `UsageError` (sealed, in use), `EvidenceError` (altered) and `DiskTrouble`. A run that
    waits at a gate stays so, and one that was rejected gives `rejected`.
    """
    refuse_sealed(folder)
    refuse_links_and_devices(folder)
    plan, input_ref = read_input(folder)
    journal = await _open_intact(folder, plan, input_ref)
    state = journal.state
    if state.outcome or state.open_gate or state.rejected_gate:
        return await _finish(journal, plan, {}, "", is_taken_up=True)
    try:
        await _take_up(journal, plan)
    except BaseException:
        await journal.close()
        raise
    if ask_again:
        for step in state.steps.values():
            step.unknown = None
    return await _go_on(journal, plan, around)


async def _take_up(journal: Journal, plan: InputRecord) -> None:
    """Says that the run goes on, and gives every call that was cut off its outcome."""
    journal.append(ev.RunResumed, software=SOFTWARE)
    remove_scratch(journal.folder)
    for step in journal.state.steps.values():
        if step.attempts and step.status in (Status.WAITING, Status.FAILED):
            await settle_open_calls(journal, step, plan.models)


async def finish_as(folder: Path, outcome: Literal["failed", "abandoned"]) -> RunFacts:
    """Ends an open run as it stands, so that it can be sealed; gives the facts. Raises `UsageError` when it may not."""
    refuse_sealed(folder)
    refuse_links_and_devices(folder)
    plan, input_ref = read_input(folder)
    journal = await _open_intact(folder, plan, input_ref)
    state = journal.state
    try:
        if not state.outcome:
            if state.running or any(step.open_calls for step in state.steps.values()):
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
    journal = Journal.open_existing(folder, plan.steps, lambda event: None)
    journal.start()
    try:
        check_input(journal.state, input_ref)
        refuse_altered_run(folder, journal.state)
        await close_if_decided(journal)
    except AwoError:
        await journal.close()
        raise
    return journal


def check_input(state: RunState, input_ref: ev.FileRef) -> None:
    """Raises `EvidenceError` when input.json is not the one the run was started with."""
    if state.started is not None and state.started.input != input_ref:
        raise EvidenceError(
            "input.json has been altered since the run started",
            where=input_ref.path,
            expected=f"SHA-256 {state.started.input.sha256}",
            got=input_ref.sha256,
            hint="restore it from a copy; AWO does not go on from altered evidence",
        )


async def _go_on(journal: Journal, plan: InputRecord, around: Surroundings) -> Ended:
    loop = asyncio.get_running_loop()
    journal.on_durable = lambda events: around.watch(events, journal.state)
    models = Models(plan, around.workflow_root, journal, around.secrets)
    shop = Workshop(journal, plan, around.workflow_root, models, around.secrets)
    scheduler = Scheduler(shop, around.policy)
    facts = asyncio.create_task(_record_environment(journal, around))
    for one in SIGNALS:
        loop.add_signal_handler(one, scheduler.stop, one.name)
    try:
        await scheduler.run(before_gate=facts)
        await facts
    except BaseException:
        facts.cancel()
        await models.close()
        await journal.close()
        raise
    finally:
        for one in SIGNALS:
            loop.remove_signal_handler(one)
    await models.close()
    if scheduler.stopped_by:
        journal.append(ev.RunInterrupted, signal=scheduler.stopped_by)
    failures, stopped_by = shop.failures, scheduler.stopped_by
    del shop, scheduler  # what is written next needs the room
    return await _finish(journal, plan, failures, stopped_by, is_taken_up=journal.state.is_resumed)


async def _record_environment(journal: Journal, around: Surroundings) -> None:
    facts = await asyncio.to_thread(environment_facts, around.project)
    cleaned = msgspec.json.decode(around.secrets.cut(msgspec.json.encode(facts)))
    journal.append(ev.EnvironmentRecorded, environment=cleaned)


async def _finish(
    journal: Journal, plan: InputRecord, failures: dict[str, AwoError], stopped_by: str, *, is_taken_up: bool
) -> Ended:
    """Ends the run where it can end, and writes the views while the run is still locked."""
    state = journal.state
    folder = journal.folder
    outcome = state.outcome or state.outcome_allowed()
    open_gate = state.open_gate
    try:
        if outcome and not state.outcome:
            journal.append(ev.RunFinished, outcome=outcome)
            await journal.flushed()
        if outcome and is_taken_up:
            remove_unrecorded(folder)
        state.steps.clear()  # the views need the room
        facts = write_views(folder, plan).without_steps()
    finally:
        await journal.close()
    match outcome:
        case "completed" | "approved" | "rejected" | "failed" | "abandoned" as ended:
            return Ended(folder, facts, ended)
        case _ if open_gate:
            return Ended(folder, facts, "waiting", gate=open_gate)
        case _ if stopped_by:
            return Ended(folder, facts, "interrupted", signal=stopped_by, failures=failures)
        case _:
            return Ended(folder, facts, "failed", failures=failures)

"""Looks at runs and changes nothing."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from awo.api.projects import Project, find_project, find_run, promise

if TYPE_CHECKING:  # what a command does not use is not loaded: `awo verify` knows nothing of the engine
    from awo.derive.facts import RunFacts
    from awo.derive.outcomes import Outcomes
    from awo.engine.following import Following
    from awo.engine.planning import Plan
    from awo.engine.showing import GateShown
    from awo.evidence.gates import GatePending
    from awo.publish.opened import OpenedRun


def pending_gate(folder: Path) -> GatePending | None:
    """The gate that waits in a run, from its journal; None when none does."""
    from awo.engine.reading import waiting_gate

    return waiting_gate(folder)


def votes_to_open(folder: Path) -> tuple[str, ...]:
    """Whose votes still lie sealed at the gate that waits, once all are in; () where no vote is to be opened."""
    known = facts(folder)
    gate, pending = known.open_gate, pending_gate(folder)
    if gate is None or pending is None or not gate.votes:
        return ()
    return gate.votes_to_open if gate.decisions or pending.missing else tuple(one.signer for one in gate.votes)


def shown_gate(folder: Path) -> GateShown | None:
    """What a signature at the gate that waits will cover, hashed anew; None when none waits."""
    from awo.engine.showing import shown_gate as shown

    return shown(folder)


def is_sealed(folder: Path) -> bool:
    """Whether the run is frozen."""
    from awo.seal.seal import is_sealed as sealed

    return sealed(folder)


def facts(folder: Path) -> RunFacts:
    """What the journal says of a run so far. Raises `UsageError` or `EvidenceError`."""
    from awo.engine.reading import read_facts

    return read_facts(folder)


def outcomes(folder: Path, facts: RunFacts) -> Outcomes:
    """What the run found: claims, statistics and scores. A value that is altered or missing is named in `unread`."""
    import msgspec

    from awo.derive.outcomes import outcomes_of
    from awo.engine.folder import refuse_altered

    return outcomes_of(facts.steps, lambda ref: msgspec.json.decode(refuse_altered(folder, ref.path, ref.sha256)))


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


def open_run(run: str | Path = "latest", runs: str | Path | None = None) -> OpenedRun:
    """A run for a notebook: an id, a path or `latest`, in the project around the current folder or in `runs`.

    Raises `UsageError` for no such run, and `EvidenceError`.
    """
    from awo.publish.opened import OpenedRun

    here = find_project(Path.cwd(), Path(runs) if runs is not None else None)
    return OpenedRun(find_run(here, str(run)))


def later_attempts(project: Project, run_id: str) -> list[str]:
    """The runs of the project that name `run_id` among the attempts before them, oldest first."""
    from awo.engine.revising import later_attempts as later

    return later(project.runs, run_id)

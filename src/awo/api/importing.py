"""Brings in what was made elsewhere: packages of other machines, and results of other software."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from awo.api.keys import Identity
from awo.api.looking import facts
from awo.api.packages import verify
from awo.api.projects import Project
from awo.errors import AwoError, CannotCheck, EvidenceError, UsageError

if TYPE_CHECKING:  # what a command does not use is not loaded: `awo list` knows nothing of the judge
    from awo.derive.facts import RunFacts
    from awo.engine.run import Ended, Watch
    from awo.evidence.received import ArrivalNote, Form, ReceivedValue
    from awo.verify.report import Report


@dataclass(frozen=True, slots=True)
class Imported:
    """Where a package is now, what is known of how it came, what the judge said; and whether it was here before."""

    folder: Path
    note: ArrivalNote
    report: Report
    was_here: bool


def import_package(
    project: Project,
    path: Path,
    trust: Path | None = None,
    policy: Path | None = None,
    *,
    ledger_keys: Path | None = None,
    required: frozenset[str] = frozenset(),
    allow_incomplete: bool = False,
) -> Imported:
    """Verifies the bundle or folder at `path` as `verify` does, and puts it among the runs, read-only.

    Raises `EvidenceError` for one that does not verify, `CannotCheck` for one that could not be checked in full unless
    `allow_incomplete`, `UsageError` for what is no sealed package or where another run of its id is here.
    """
    from awo.canon import time
    from awo.evidence.received import ArrivalNote
    from awo.receive import packages
    from awo.verify.report import verdict_for

    came = packages.look_at(path)
    report = verify(project, str(path), trust, policy, ledger_keys=ledger_keys)
    verdict = verdict_for(report, required)
    if report.kind == "proof" or (verdict != "failed" and not report.is_sealed):
        raise UsageError(
            "this is a proof, not a package" if report.kind == "proof" else "this run is not sealed",
            where=str(path),
            expected="the bundle or the folder of a sealed run",
            hint="" if report.kind == "proof" else "a run that goes on is copied into runs/ as a folder and resumed",
        )
    if verdict == "failed":
        raise _not_as_sealed(path, report)
    if verdict == "incomplete" and not allow_incomplete:
        raise _not_in_full(path, report)
    note = ArrivalNote(
        format="awo/arrival/v1",
        run_id=report.run_id,
        source=path.resolve().name,
        kind="folder" if report.kind == "folder" else "bundle",
        sha256=came.sha256,
        size_bytes=came.size_bytes,
        seal_sha256=packages.seal_of(path),
        at=time.now(),
        verdict=verdict,
        trust=report.trust,
        required=sorted(required),
        is_redacted=report.redaction is not None,
    )
    place = project.runs / note.run_id
    if packages.is_there_already(project.runs, note.run_id, note.seal_sha256):
        return Imported(place, note, report, was_here=True)
    is_new = packages.bring_in(came, project.runs, note)
    return Imported(place, note, report, was_here=not is_new)


def import_results(
    project: Project,
    form: Form,
    path: Path,
    who: Identity,
    *,
    title: str = "",
    watch: Watch = lambda events, state: None,
    told_folder: Callable[[Path], None] = lambda folder: None,
) -> tuple[Ended, ReceivedValue]:
    """Makes a run of the one step that receives what other software left, and seals it; gives also what was received.

    It is looked through before anything is made. Raises `UsageError` for what is not of this form, `CannotCheck` for a
    library that is not here, and as `run` does.
    """
    from awo.api.running import run
    from awo.receive import foreign

    value = foreign.look_through(path, form)
    workflow = foreign.stage(path, form, project.runs, title)
    began: list[Path] = []

    def told(folder: Path) -> None:
        began.append(folder)
        told_folder(folder)

    try:
        ended = run(project, workflow, who, watch=watch, told_folder=told)
    except BaseException:
        if not began:  # a run that has begun is resumed from there
            foreign.unstage(workflow)
        raise
    if ended.facts.outcome:
        foreign.unstage(workflow)
    kept = received(ended.folder, facts(ended.folder))
    return ended, kept[0] if kept else value


def arrival(project: Project, run_id: str) -> ArrivalNote | None:
    """How a run came here, where it was imported. A note that cannot be read says nothing."""
    from awo.receive.arrival import read_note

    try:
        return read_note(project.runs, run_id)
    except AwoError:
        return None


def received(folder: Path, of: RunFacts) -> list[ReceivedValue]:
    """What the steps of a run received, by the facts of it; a value that is altered or missing is left out."""
    import msgspec

    from awo.derive.facts import StepStatus
    from awo.engine.folder import refuse_altered
    from awo.evidence.received import RECEIVE, ReceivedValue

    found: list[Any] = []
    for step in of.steps:
        if step.record.op == RECEIVE and step.status is StepStatus.DONE and step.value is not None:
            try:
                data = refuse_altered(folder, step.value.path, step.value.sha256)
                found.append(msgspec.json.decode(data, type=ReceivedValue))
            except (AwoError, msgspec.MsgspecError):
                continue
    return found


def _not_as_sealed(path: Path, report: Report) -> EvidenceError:
    result = report.results("failed")[0]
    first = result.findings[0]
    return EvidenceError(
        f"the package does not verify, and was not imported: {result.check.id}, {first.what}",
        where=f"{path}: {first.where}" if first.where else str(path),
        expected=first.expected,
        got=first.got,
        hint="`awo verify` of it says all that is wrong",
    )


def _not_in_full(path: Path, report: Report) -> CannotCheck:
    first = next((one.findings[0] for one in report.results("not_checked") if one.findings), None)
    return CannotCheck(
        "the package could not be checked in full, and was not imported",
        where=str(path),
        got=first.what if first is not None else "",
        hint="`awo verify` of it says what would help; --allow-incomplete imports it all the same, and says so",
    )

"""A run that revises an earlier one: what nothing has touched is taken over from there, the rest is done anew."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Final

import msgspec
from msgspec import structs

from awo.derive.plan_changes import plan_changes
from awo.derive.untouched import asks_default, done_again, says_more_than_pace, texts_of, untouched
from awo.engine.folder import read_recorded as read_named
from awo.engine.folder import refuse_altered, refuse_altered_file, run_folders
from awo.engine.journal import Journal
from awo.engine.models import Models
from awo.engine.outputs import StepOutputs
from awo.engine.reading import events_of
from awo.engine.recorded import RecordedRun
from awo.engine.rescoring import RecordedAnswers, RecordedModels, earlier_run
from awo.errors import EvidenceError, StepFailed, UsageError
from awo.evidence import events as ev
from awo.evidence.earlier import EarlierDecision, EarlierRun
from awo.evidence.gates import Decision
from awo.evidence.layout import INPUT, VALUE_FILE, file_path
from awo.evidence.records import InputRecord, StepRecord
from awo.evidence.secrets import SecretCutter
from awo.lifecycle.steps import Status, StepState
from awo.ops.seam import Operation
from awo.plugins import DERIVATIONS, nearest
from awo.workflow.words import Args

SAID_NO: Final = ("reject", "revise")


class UntouchedAnswers(RecordedAnswers):
    """The answers of the run that is revised, for the steps that nothing has touched."""

    nobody = "nothing in this step was touched, so nobody is asked"
    anew = "`awo revise RUN --from STEP` asks for a step anew"


class Revision:
    """What a revision takes over from the earlier run `run`. `so_far` are the events of the revision until now."""

    def __init__(
        self,
        plan: InputRecord,
        root: Path,
        journal: Journal,
        secrets: SecretCutter,
        run: RecordedRun,
        so_far: Iterable[ev.AnyEvent],
    ) -> None:
        self._run = run
        self._kept = untouched(plan) & run.left.keys()
        self._again = done_again(plan)
        self.answers = UntouchedAnswers(run, so_far)
        self.models: Models = RecordedModels(plan, root, journal, secrets, self.answers)

    @property
    def run_id(self) -> str:
        """The run that is revised."""
        return self._run.run_id

    def answers_step(self, record: StepRecord) -> bool:
        """Whether the requests of this step are answered from the earlier run, and nobody is asked."""
        return record.id in self._kept

    def is_asked_anew(self, record: StepRecord) -> bool:
        """Whether the step is to be done again, so that no answer of any other run will do: not of the cache either."""
        return record.id in self._again

    def is_copied(self, step: StepState, operation: Operation[Args]) -> bool:
        """Whether the step acts on the world without asking models, and what it left then is to be copied."""
        acts = operation.purity == "effect" and operation.requests is None
        is_new = step.status is Status.WAITING and not step.attempts
        return acts and is_new and step.record.id in self._kept and step.record.cells is None

    def copied(self, step: str, outputs: StepOutputs) -> tuple[ev.FileRef, list[ev.FileRef]]:
        """Copies value and files of a step; gives both as they stand in this run.

        Raises `EvidenceError` for one that is altered or missing there, and `DiskTrouble`.
        """
        value, files = self._run.left[step]
        outputs.clear()
        data = refuse_altered(self._run.folder, value.path, value.sha256)
        top = file_path(step, "")
        for ref in files:
            if not ref.path.startswith(top):
                raise EvidenceError("a step left a file where it leaves none", where=ref.path, expected=f"{top}…")
            refuse_altered_file(self._run.folder, ref)
        try:
            here = outputs.write_value(VALUE_FILE, data)
            made = [outputs.keep_path(ref.path.removeprefix(top), self._run.folder / ref.path) for ref in files]
        except StepFailed as error:
            raise EvidenceError(error.what, where=step, hint=error.hint) from error
        for before, now in ((value, here), *zip(files, made, strict=True)):
            if before != now:
                raise EvidenceError(
                    "a file of the run that is revised changed while it was copied",
                    where=before.path,
                    expected=f"SHA-256 {before.sha256}",
                    got=now.sha256,
                )
        return here, sorted(made, key=lambda ref: ref.path)


def open_revision(
    plan: InputRecord, root: Path, runs: Path, journal: Journal, secrets: SecretCutter, origin: RecordedRun | None
) -> Revision:
    """What the run of `plan` takes over: from `origin`, or from the run of that id below `runs`.

    Raises `CannotCheck` where it is not there, and as `read_recorded` does.
    """
    run = earlier_run(plan.revises, runs, origin, "the run that is revised", "`awo run`")
    return Revision(plan, root, journal, secrets, run, events_of(journal.folder))


# --- the plan of a revision ---------------------------------------------------------------------------------


def attempt_of(run: RecordedRun) -> EarlierRun:
    """The run as later attempts name it. Raises `EvidenceError` for an altered decision."""
    no = None
    if run.outcome == "rejected":
        no = next((one for one in reversed(run.decisions) if one.verdict in SAID_NO), None)
    said = read_named(run.folder, no.decision, Decision) if no is not None else None
    return EarlierRun(
        run_id=run.run_id,
        outcome=run.outcome,
        checkpoint=run.checkpoint,
        seal_sha256=run.seal_sha256,
        decisions=[
            EarlierDecision(gate=one.gate, verdict=one.verdict, signer=one.signer, sha256=one.decision.sha256)
            for one in run.decisions
        ],
        reason=said.comment if said is not None else "",
        required_changes=list(said.required_changes) if said is not None else [],
    )


def step_sent_back_to(run: RecordedRun) -> str:
    """The step from which the run was to be done again, as the decision that sent it back says; '' for none."""
    no = next((one for one in reversed(run.decisions) if one.verdict in SAID_NO), None)
    if run.outcome != "rejected" or no is None:
        return ""
    return read_named(run.folder, no.decision, Decision).from_step


def following(plan: InputRecord, run: RecordedRun) -> InputRecord:
    """The plan of a run that comes after `run`: what it says otherwise, and all attempts before it."""
    return structs.replace(plan, changes=plan_changes(plan, run.plan), earlier=[*run.plan.earlier, attempt_of(run)])


def revising(plan: InputRecord, run: RecordedRun, from_step: str) -> InputRecord:
    """The plan of a revision of `run`, in which `from_step` ('' for none) and all that rests on it is done anew.

    Without `from_step`, the step named by the decision that sent the run back stands in, where the plan still has it.
    A claim that was not registered so before, and rests on what is taken over, is marked late. Raises `UsageError` for
    a step that is not there, and for a plan that changes nothing.
    """
    steps = {step.id: step for step in plan.steps}
    if from_step and from_step not in steps:
        near = nearest(from_step, steps)
        raise UsageError(
            f"the workflow has no step {from_step!r}",
            where="--from",
            expected=", ".join(list(steps)[:20]),
            hint=f"did you mean {near!r}?" if near else "",
        )
    asked_for = step_sent_back_to(run)
    from_step = from_step or (asked_for if asked_for in steps else "")
    plan = structs.replace(following(plan, run), revises=run.run_id, revised_from=from_step)
    if not from_step and not any(says_more_than_pace(change) for change in plan.changes):
        raise UsageError(
            "the workflow says what it said then, so a revision would come to the same",
            where=plan.source.path,
            hint="change what was asked for, or name the step to do again with --from STEP",
        )
    return _with_late_claims(plan, run)


class _Attempts(msgspec.Struct):
    """The attempts before a run, from its input.json; the rest of that is not looked at."""

    earlier: list[EarlierRun] = []


def later_attempts(runs: Path, run_id: str) -> list[str]:
    """The runs below `runs` that name `run_id` among the attempts before them, oldest first.

    One whose input.json cannot be read names none.
    """
    found = []
    for folder in run_folders(runs):
        try:
            earlier = msgspec.json.decode((folder / INPUT).read_bytes(), type=_Attempts).earlier
        except (OSError, msgspec.MsgspecError):
            continue
        if any(one.run_id == run_id for one in earlier):
            found.append(folder.name)
    return found


def to_be_asked(plan: InputRecord, run: RecordedRun) -> InputRecord:
    """The plan with only those models that a step may ask which is not taken over from `run`."""
    kept = untouched(plan) & run.left.keys()
    steps = [step for step in plan.steps if step.id not in kept]
    named = {text for step in steps for text in texts_of(step)} | {
        plan.default_model for step in steps if asks_default(step)
    }
    return structs.replace(plan, models={name: model for name, model in plan.models.items() if name in named})


def _with_late_claims(plan: InputRecord, run: RecordedRun) -> InputRecord:
    from awo.engine.registration import marked_late, needed_by  # loads every score: no resumed run needs it

    kept = {step.id for step in plan.steps if step.op not in DERIVATIONS} & untouched(plan) & run.left.keys()
    needs = {step.id: step.needs for step in plan.steps}
    claims = [
        structs.replace(claim, is_late=claim.is_late and not kept.isdisjoint(needed_by(claim.step, needs)))
        for claim in marked_late(plan, run.plan).claims
    ]
    return structs.replace(plan, claims=claims)

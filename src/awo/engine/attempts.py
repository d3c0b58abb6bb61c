"""One step from its start to its end: attempts, retries, time limit, and what is recorded of each."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from pathlib import Path

import msgspec

from awo import plugins
from awo.canon.json import pretty
from awo.engine.artifacts import Artifacts
from awo.engine.cache import Elsewhere
from awo.engine.calls import Calls
from awo.engine.desk import Bench, EngineDesk, Values
from awo.engine.fanout import FanOut
from awo.engine.journal import Journal
from awo.engine.models import Models
from awo.engine.outputs import StepOutputs
from awo.engine.revising import Revision
from awo.engine.rows import Rows, workers_for
from awo.engine.traffic import Stopping, Traffic
from awo.errors import AwoError, CannotCheck, DiskTrouble, EvidenceError, StepFailed, UsageError, WorkflowInvalid
from awo.evidence import events as ev
from awo.evidence.layout import VALUE_FILE
from awo.evidence.records import InputRecord, StepRecord
from awo.evidence.secrets import SecretCutter
from awo.lifecycle.steps import StepState
from awo.ops.seam import OpensGate, Operation
from awo.workflow import conditions
from awo.workflow.words import Args

FAULTS_OF_THE_RUN = (EvidenceError, DiskTrouble)


class _AttemptFailed(Exception):
    def __init__(self, error: AwoError, left: list[ev.FileRef]) -> None:
        super().__init__()
        self.error = error
        self.left = left

    @property
    def is_final(self) -> bool:
        """Whether another attempt could not help: what is missing stays missing."""
        return isinstance(self.error, CannotCheck) or (isinstance(self.error, StepFailed) and self.error.is_final)


class Workshop:
    """What every attempt of a run shares."""

    def __init__(
        self, journal: Journal, plan: InputRecord, workflow_root: Path, models: Models, secrets: SecretCutter
    ) -> None:
        self.journal = journal
        self.plan = plan
        self.workflow_root = workflow_root
        self.models = models
        self.secrets = secrets
        self.traffic = Traffic(journal, secrets)
        self.elsewhere: Elsewhere | None = None
        self.revision: Revision | None = None
        self.artifacts = Artifacts(journal.folder)
        self.failures: dict[str, AwoError] = {}
        self._operations: dict[str, Operation[Args]] = {}

    def operation(self, name: str) -> Operation[Args]:
        """The operation of that name, loaded once."""
        if name not in self._operations:
            self._operations[name] = plugins.load(plugins.OPERATIONS, name, "operation")
        return self._operations[name]

    def close(self) -> None:
        """Gives back what all attempts shared."""
        self.traffic.raw.close()
        if self.elsewhere is not None:
            self.elsewhere.close()

    async def run_step(self, step: StepState) -> OpensGate | None:
        """All attempts of a step; gives what a gate asks, else None. Failures end up in `failures`.

        Raises `EvidenceError` and `DiskTrouble`, which end the run, and `CancelledError`.
        """
        if self.revision is not None and self.revision.is_copied(step, self.operation(step.record.op)):
            await self._take_over(step, self.revision)
            return None
        retries = step.record.retries
        for left in range(retries.max, -1, -1):
            try:
                gate = await self._attempt(step)
            except FAULTS_OF_THE_RUN:
                raise
            except Stopping:
                return None
            except _AttemptFailed as failed:
                again = 0 if failed.is_final else left
                self._record_failure(step, failed, again)
            else:
                self.failures.pop(step.record.id, None)
                return gate
            if not again:
                return None
            await asyncio.sleep(retries.delay_s)
            if self.traffic.is_stopping:
                return None
        return None

    def condition_holds(self, record: StepRecord) -> bool:
        """Whether the step's `when` is true or absent. Raises `StepFailed` (code `condition`)."""
        if not record.when:
            return True
        values = Values(self.journal.folder, self.journal.state)
        named = {step: values[step] for step in conditions.names_used(record.when).steps if step in values}
        return conditions.is_true(record.when, inputs=self.plan.inputs, steps=named)

    def fail_at_once(self, step: StepState, error: StepFailed) -> None:
        """Records that a step failed before it could begin."""
        self.journal.append(ev.StepStarted, step=step.record.id, attempt=step.attempts + 1)
        self._record_failure(step, _AttemptFailed(error, []), 0)

    def fail_after_all(self, step: StepState, error: AwoError) -> None:
        """Records that a running step failed although its operation had not."""
        self._record_failure(step, _AttemptFailed(error, []), 0)

    async def _take_over(self, step: StepState, revision: Revision) -> None:
        """Copies what the step left in the run that is revised: it acts on the world, and is not done twice."""
        outputs = StepOutputs(self.journal.folder, step.record.id, self.journal, self.secrets)
        value, files = revision.copied(step.record.id, outputs)
        self.journal.append(ev.StepReused, step=step.record.id, run_id=revision.run_id, value=value, files=files)
        await self.journal.keep_up()

    async def _attempt(self, step: StepState) -> OpensGate | None:
        record = step.record
        journal = self.journal
        journal.append(ev.StepStarted, step=record.id, attempt=step.attempts + 1)
        outputs = StepOutputs(journal.folder, record.id, journal, self.secrets)
        if step.attempts > 1:
            outputs.clear()
        bench = Bench(record, journal, self.plan, self.workflow_root, self.artifacts, outputs, self.secrets)
        models, elsewhere = self.models, self.elsewhere
        if self.revision is not None and self.revision.answers_step(record):
            models, elsewhere = self.revision.models, self.revision.answers
        elif self.revision is not None and self.revision.is_asked_anew(record):
            elsewhere = None
        bench.calls = Calls(step, journal, models, outputs, self.traffic, self.secrets, elsewhere, bench.read_image)
        try:
            value = await self._perform(step, bench)
            if isinstance(value, OpensGate):
                return value
            value_ref = outputs.write_value(VALUE_FILE, pretty(value))
            files = outputs.files(has_responses=step.lines > 0)
        except FAULTS_OF_THE_RUN:
            raise
        except AwoError as error:
            raise _AttemptFailed(error, outputs.set_failed_aside(step.attempts)) from error
        finally:
            outputs.close()
            bench.close()
        journal.append(ev.StepFinished, step=record.id, attempt=step.attempts, value=value_ref, files=files)
        await journal.keep_up()
        return None

    async def _perform(self, step: StepState, bench: Bench) -> object:
        record = step.record
        operation = self.operation(record.op)
        try:
            args = msgspec.json.decode(record.args, type=operation.args)
        except msgspec.MsgspecError as error:
            raise EvidenceError("input.json has a step that is not valid", where=record.id, got=str(error)) from error
        if operation.purity == "effect" or operation.reads_lines:
            await self.journal.flushed()
        limit = asyncio.timeout(record.timeout_s or None)
        try:
            async with limit:
                if record.cells is not None:
                    return await self._fan_out(step, operation, args, bench)
                return await operation.perform(args, EngineDesk(bench))
        except (AwoError, Stopping):
            raise
        except Exception as error:
            if limit.expired():
                raise StepFailed(
                    f"the step took longer than {record.timeout_s:g} s", code="timeout", where=record.id
                ) from error
            raise StepFailed(
                f"the operation {record.op} broke: {type(error).__name__}: {error}", code="fault", where=record.id
            ) from error

    async def _fan_out(self, step: StepState, operation: Operation[Args], args: Args, bench: Bench) -> object:
        assert step.record.cells is not None
        assert bench.calls is not None
        rows = Rows(step.record.cells, bench)
        fan_out = FanOut(step, step.record.cells, operation, args, bench, bench.calls, rows.cells, rows.cell_count)
        return await fan_out.run(workers_for(self.plan))

    def _record_failure(self, step: StepState, failed: _AttemptFailed, retries_left: int) -> None:
        message = self.secrets.cut_text(failed.error.what)
        self.failures[step.record.id] = failed.error
        self.journal.append(
            ev.StepFailed,
            step=step.record.id,
            attempt=step.attempts,
            reason=ev.Reason(code=_code(failed.error), message=message),
            retries_left=retries_left,
            files=failed.left,
        )


def _code(error: AwoError) -> str:
    codes: Mapping[type[AwoError], str] = {CannotCheck: "missing", UsageError: "usage", WorkflowInvalid: "workflow"}
    return error.code if isinstance(error, StepFailed) else codes.get(type(error), "fault")

"""A run that is scored again: every request is answered from an earlier run's responses, and nothing is asked."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import chain
from pathlib import Path
from typing import Any

from awo.engine.asked import Asked
from awo.engine.folder import run_folders
from awo.engine.journal import Journal
from awo.engine.models import ModelGone, Models
from awo.engine.reading import events_of
from awo.engine.recorded import RecordedRun, read_recorded
from awo.errors import CannotCheck, EvidenceError, StepFailed
from awo.evidence import events as ev
from awo.evidence.records import InputRecord, ModelRecord, ResponseLine
from awo.evidence.secrets import SecretCutter
from awo.inference.seam import Backend, ModelFailed, Reply, Request

ASK_ANEW = "`awo run FILE --cache` takes what is recorded and asks for the rest"


class NotRecorded(ModelGone):
    """The earlier run has no answer to a request: the step ends, also where a few cells may fail."""


class Silent:
    """The backend of a re-scoring. It is never asked, and says so if it is."""

    is_free = True
    concurrency = 512  # nothing is waited for but the disk, which takes many at once
    is_remote = False
    endpoint = ""

    def check(self) -> None:
        return

    async def open(self) -> dict[str, Any]:
        return {}

    async def ask(self, request: Request, timeout_s: float) -> Reply:
        raise ModelFailed("a re-scoring asks no model", is_transient=False, code="not_recorded")

    async def close(self) -> None:
        return


class RecordedModels(Models):
    """The models of a re-scoring: none is opened, and each has the facts that the earlier run recorded of it."""

    def __init__(
        self, plan: InputRecord, root: Path, journal: Journal, secrets: SecretCutter, answers: RecordedAnswers
    ) -> None:
        super().__init__(plan, root, journal, secrets)
        self._answers = answers

    async def _made(self, name: str, record: ModelRecord) -> tuple[Backend, dict[str, Any]]:
        return Silent(), self._answers.facts_of(name, record)


class RecordedAnswers:
    """Gives each request of the run at hand its answer in `run`; implements `awo.engine.cache.Elsewhere`.

    `nobody` says why nobody else is asked, and `anew` what asks anew.

    Within a step, an answer stands for one occurrence of its request: first that of the same step and cell,
    then that of the same cell of another step, then the first that is left.
    """

    nobody = "a re-scoring makes no call"
    anew = ASK_ANEW

    def __init__(self, run: RecordedRun, so_far: Iterable[ev.AnyEvent]) -> None:
        self._run = run
        self._taken: dict[str, dict[int, int]] = {}
        self._behind: dict[tuple[str, str], int] = {}
        self._models: dict[str, list[str]] = {}
        for event in so_far:
            if isinstance(event, ev.ResponseReused) and event.origin.run_id == run.run_id:
                number = run.number_of(event.origin.step, event.origin.line)
                self._taken.setdefault(event.step, {})[number] = event.cell

    def facts_of(self, name: str, record: ModelRecord) -> dict[str, Any]:
        """What the earlier run recorded of the model that is called `name` here, and `recorded_in`, its id.

        Raises `NotRecorded` when it has no such model, or several that differ.
        """
        alike = self._models[name] = self._run.models_like(name, record)
        wanted = f"{record.backend} {record.model}" if record.backend != record.model else record.model
        if not alike:
            raise NotRecorded(
                f"run {self._run.run_id} asked no model that is {wanted}, as {name!r} is",
                code="not_recorded",
                where=f"models.{name}",
                expected=", ".join(sorted(self._run.models)[:10]),
                hint=self.anew,
                is_final=True,
            )
        facts = [dict(self._run.models[one]) for one in alike]
        if any(other != facts[0] for other in facts[1:]):
            raise NotRecorded(
                f"run {self._run.run_id} asked several models that are {wanted}, and they differ",
                code="not_recorded",
                where=f"models.{name}",
                expected=f"the name of one of them: {', '.join(alike)}",
                is_final=True,
            )
        return {**facts[0], "recorded_in": self._run.run_id}

    def find(self, asked: Asked, step: str, cell: int) -> tuple[ResponseLine, ev.Origin]:
        """The answer, and where it stands. Raises `NotRecorded`; `StepFailed` where the request failed in that
        run, too, or had no answer that followed its schema; `EvidenceError`; `DiskTrouble`."""
        run, taken = self._run, self._taken.setdefault(step, {})
        here = [number for number in run.numbers_in(cell, asked.sha256) if self._is_of(asked, number)]
        own = [number for number in here if run.place(number).step == step]
        if not own and (reason := run.failure_of(asked.sha256, step, cell)) is not None:
            raise StepFailed(
                f"{asked.ask.model}: in run {run.run_id} this request had no answer either: {reason.message}",
                code=reason.code,
                where=step,
                is_final=True,
            )
        for number in chain(own, here, self._left(asked, step)):
            if number in taken:
                continue
            taken[number] = cell
            response = run.read(number)
            if not (response.schema_fault and self._was_asked_again(number, asked.sha256)):
                return response, run.origin(number)
        raise self._why_not(asked, step, cell, [number for number in here if taken.get(number) == cell])

    def close(self) -> None:
        """Nothing is held open."""

    def _is_of(self, asked: Asked, number: int) -> bool:
        return self._run.place(number).model in self._models.get(asked.ready.name, ())

    def _left(self, asked: Asked, step: str) -> Iterator[int]:
        """The responses to this request from the first that the step has not taken; what is behind stays behind."""
        numbers, taken = self._run.numbers_for(asked.sha256), self._taken[step]
        at = self._behind.get((step, asked.sha256), 0)
        while at < len(numbers) and numbers[at] in taken:
            at += 1
        self._behind[step, asked.sha256] = at
        return (numbers[n] for n in range(at, len(numbers)) if self._is_of(asked, numbers[n]))

    def _was_asked_again(self, number: int, request_sha256: str) -> bool:
        """Whether a later attempt of the step has another answer for the same cell: that one counted then."""
        place = self._run.place(number)
        others = (self._run.place(one) for one in self._run.numbers_in(place.cell, request_sha256))
        return any(one.step == place.step and one.attempt > place.attempt for one in others)

    def _why_not(self, asked: Asked, step: str, cell: int, mine: list[int]) -> StepFailed:
        """The error for a request without an answer; `mine` are those that the cell has had."""
        if mine and (fault := self._run.read(mine[-1]).schema_fault):
            return StepFailed(
                f"{asked.ask.model}: the answer does not follow its schema",
                code="schema",
                where=step,
                got=fault,
                hint=f"run {self._run.run_id} recorded no other answer; {self.anew}",
                is_final=True,
            )
        model, has_any = asked.ask.model, bool(self._run.numbers_for(asked.sha256))
        lacks = f"has no further answer of {model!r} to this request" if has_any else f"did not ask {model!r} this"
        return NotRecorded(
            f"run {self._run.run_id} {lacks}, and {self.nobody}",
            code="not_recorded",
            where=f"step {step}, cell {cell}",
            expected="a request with the same model, messages, parameters, seed and schema",
            hint=f"restore what was changed; or {self.anew}",
            is_final=True,
        )


def open_recorded(plan: InputRecord, runs: Path, origin: RecordedRun | None, own: Path) -> RecordedAnswers:
    """The answers for the run in folder `own`, whose plan names the run that it scores again.

    That run is `origin`, or else is read from below `runs`. Raises `CannotCheck` where it is not there,
    and as `read_recorded` does.
    """
    found = earlier_run(plan.rescores, runs, origin, "the run that is scored again", "`awo rescore`")
    return RecordedAnswers(found, events_of(own))


def earlier_run(run_id: str, runs: Path, origin: RecordedRun | None, called: str, begins: str) -> RecordedRun:
    """The run of that id: `origin`, or read from below `runs`. `called` is what it is, `begins` the command that
    begins anew. Raises `CannotCheck` where it is not there, and as `read_recorded` does."""
    if origin is None:
        folder = next((one for one in run_folders(runs) if one.name == run_id), None)
        if folder is None:
            raise CannotCheck(
                f"{called} is not here",
                where=str(runs),
                expected=run_id,
                hint=f"copy it there, or begin anew with {begins}",
            )
        origin = read_recorded(folder)
    if origin.run_id != run_id:
        raise EvidenceError(f"this is not {called}", expected=run_id, got=origin.run_id)
    return origin

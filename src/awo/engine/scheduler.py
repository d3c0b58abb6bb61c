"""Which step runs when: every step as soon as its needs are met, gates when nothing else can run."""

from __future__ import annotations

import asyncio
from collections import deque

from awo.canon.json import pretty
from awo.engine.attempts import Workshop
from awo.engine.closing import held_at
from awo.engine.gates import open_gate
from awo.engine.groups import first_error
from awo.engine.outputs import StepOutputs
from awo.errors import StepFailed
from awo.evidence import events as ev
from awo.evidence.layout import VALUE_FILE
from awo.gate.project import Policy
from awo.lifecycle.steps import Status, StepState

STEPS_AT_ONCE = 64
GRACE_S = 5.0


class Scheduler:
    """Runs the steps of one run in this process until nothing more can run; with `only_failed`, those that failed."""

    def __init__(self, workshop: Workshop, policy: Policy, *, only_failed: bool = False) -> None:
        self._shop = workshop
        self._policy = policy
        self._only_failed = only_failed
        self._state = workshop.journal.state
        self._missing: dict[str, int] = {}  # of steps that wait for more than one other
        self._behind: dict[str, str | list[str]] = {}  # mostly one, in a chain
        self._ready: deque[StepState] = deque()
        self._gates: deque[StepState] = deque()
        self._workers: set[asyncio.Task[None]] = set()
        self._group = asyncio.TaskGroup()
        self._stopped_by = ""

    async def run(self, before_gate: asyncio.Task[None]) -> None:
        """Returns when the run is finished, failed, waits at a gate or was stopped; the state says which.

        `before_gate` is awaited before a gate opens, since nothing may follow that event unseen.
        Raises `EvidenceError` and `DiskTrouble`.
        """
        if self._only_failed:
            self._ready.extend(step for step in self._state.steps.values() if step.status is Status.FAILED)
        else:
            if not self._finish_approved_gate():
                return
            self._count_needs()
        try:
            async with asyncio.TaskGroup() as self._group:
                self._hire()
        except BaseExceptionGroup as group:
            raise first_error(group) from group
        if self._gates and not self._is_stopping and not self._state.gates.open_gate:
            gate = self._gates.popleft()
            await before_gate
            await open_gate(self._shop, gate, self._policy)

    def stop(self, signal: str) -> None:
        """Asks for an orderly end: nothing new begins, calls in flight get a few seconds. Twice: at once."""
        again = bool(self._stopped_by)
        self._stopped_by = signal
        self._shop.traffic.is_stopping = True
        loop = asyncio.get_running_loop()
        if again or not self._shop.traffic.in_flight:
            self._cancel()
        else:
            self._wait_for_calls(loop, loop.time() + GRACE_S)

    @property
    def _is_stopping(self) -> bool:
        """Whether a signal or the budget stops the run."""
        return self._shop.traffic.is_stopping

    @property
    def stopped_by(self) -> str:
        """The signal that stopped the run, or ''."""
        return self._stopped_by

    def _wait_for_calls(self, loop: asyncio.AbstractEventLoop, until: float) -> None:
        if not self._shop.traffic.in_flight or loop.time() > until:
            self._cancel()
        else:
            loop.call_later(0.02, self._wait_for_calls, loop, until)

    def _cancel(self) -> None:
        for worker in tuple(self._workers):
            worker.cancel()

    def _count_needs(self) -> None:
        for id_, step in self._state.steps.items():
            if step.status not in (Status.WAITING, Status.FAILED):
                continue
            missing = 0
            for need in step.record.needs:
                if self._state.steps[need].status not in (Status.DONE, Status.SKIPPED):
                    self._put_behind(need, id_)
                    missing += 1
            if missing > 1:
                self._missing[id_] = missing
            elif not missing:
                self._ready.append(step)

    def _put_behind(self, need: str, id_: str) -> None:
        behind = self._behind.setdefault(need, id_)
        if isinstance(behind, list):
            behind.append(id_)
        elif behind is not id_:
            self._behind[need] = [behind, id_]

    def _settled(self, step: StepState) -> None:
        """Frees what waited for a step that is done or skipped."""
        if step.status not in (Status.DONE, Status.SKIPPED) or self._only_failed:
            return
        behind = self._behind.pop(step.record.id, [])
        for id_ in [behind] if isinstance(behind, str) else behind:
            missing = self._missing.pop(id_, 1) - 1
            if missing:
                self._missing[id_] = missing
            else:
                self._ready.append(self._state.steps[id_])

    def _hire(self) -> None:
        """As many workers as there are steps to take, up to the limit."""
        for _ in range(min(len(self._ready), STEPS_AT_ONCE - len(self._workers))):
            worker = self._group.create_task(self._work())
            self._workers.add(worker)
            worker.add_done_callback(self._workers.discard)

    async def _work(self) -> None:
        """Takes ready steps until there is none. One that is behind the last in a chain needs no new task."""
        while self._ready and not self._is_stopping:
            step = self._ready.popleft()
            if not self._skip(step):
                if step.is_gate:
                    self._gates.append(step)
                    continue
                await self._shop.run_step(step)
            self._settled(step)
            if len(self._ready) > 1:
                self._hire()

    def _skip(self, step: StepState) -> bool:
        """Whether `step` will not run: it is skipped here, or its condition fails."""
        if held_by := self._state.is_held_by_skip(step):
            reason = ev.Reason(code="needs_skipped", message=f"it needs {held_by}, which was skipped")
        else:
            try:
                if self._shop.condition_holds(step.record):
                    return False
            except StepFailed as error:
                self._shop.fail_at_once(step, error)
                return True
            reason = ev.Reason(code="condition", message="its condition does not hold")
        self._shop.journal.append(ev.StepSkipped, step=step.record.id, reason=reason)
        return True

    def _finish_approved_gate(self) -> bool:
        """Goes on behind the gate that was approved; false where an approval has expired, so that it is open again."""
        journal = self._shop.journal
        at = held_at(journal)
        for id_, step in self._state.steps.items():
            if step.status is Status.GATE_APPROVED:
                outputs = StepOutputs(journal.folder, id_, journal, self._shop.secrets)
                decisions = [d.decision.path for d in self._state.gates.all_decisions if d.gate == id_]
                value = outputs.write_value(VALUE_FILE, pretty({"verdict": "approved", "decisions": decisions}))
                journal.append(ev.StepFinished, at=at, step=id_, attempt=step.attempts, value=value, files=[])
        return bool(at)

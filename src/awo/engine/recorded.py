"""What a run has answered and done, read from its folder alone: each response by its request, each failure, each
model's facts, what its steps left, and what people decided.

Nothing is written there, and nothing is believed: the journal keeps the rules and the seal's checkpoint,
and every response has the digest that the journal names.
"""

from __future__ import annotations

import os
from array import array
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from awo.canon.digest import sha256_hex
from awo.canon.json import parse_canonical
from awo.engine.folder import RESTORE, never_started, read_input
from awo.engine.outputs import response_lines
from awo.engine.reading import lines_of
from awo.errors import DiskTrouble, EvidenceError
from awo.evidence import events as ev
from awo.evidence.layout import INPUT, SEAL, responses_path
from awo.evidence.merkle import MerkleTree
from awo.evidence.records import InputRecord, ModelRecord, ResponseLine, Seal
from awo.lifecycle.rules import RunState

NOT_KNOWN = ev.Reason(code="outcome_unknown", message="the call was cut off, and whether it was answered is not known")

_decoder = msgspec.json.Decoder(ResponseLine)


@dataclass(frozen=True, slots=True)
class Place:
    """Where a response stands: line `line` (from 0) of its step, asked for in this cell and attempt, of this model."""

    step: str
    line: int
    cell: int
    attempt: int
    model: str


class RecordedRun:
    """The responses of a run, numbered from 0 in the order of the journal: about 300 bytes for each.

    `models` has the last facts of each model that was ready, by its name in the workflow; `left` the value and the
    files of each step that is done; `outcome` is '' while the run has not finished, `checkpoint` that of its whole
    journal, and `seal_sha256` the digest of its seal, '' for none.
    """

    def __init__(self, folder: Path, run_id: str, plan: InputRecord) -> None:
        self.run_id = run_id
        self.models: dict[str, Mapping[str, Any]] = {}
        self.folder = folder
        self.plan = plan
        self.left: dict[str, tuple[ev.FileRef, Sequence[ev.FileRef]]] = {}
        self.decisions: list[ev.DecisionRecorded] = []
        self.outcome = ""
        self.checkpoint = ev.Checkpoint(size=0, root=MerkleTree().root().hex())
        self.seal_sha256 = ""
        self._places: list[Place] = []
        self._digests = bytearray()
        self._offsets = array("Q")
        self._sizes = array("Q")
        self._requests = bytearray()
        self._by_request: dict[bytes, list[int]] = {}
        self._by_cell: dict[int, list[int]] = {}
        self._of_step: dict[str, array[int]] = {}
        self._by_call: dict[str, int] = {}
        self._failures: dict[tuple[bytes, str, int], ev.Reason] = {}
        self._asked: dict[str, ev.CallIntended] = {}

    # --- filled from the journal ----------------------------------------------------------------------

    def take(self, event: ev.AnyEvent) -> None:
        """The next event of the journal."""
        match event:
            case ev.ModelRecorded():
                self.models[event.model] = event.facts
            case ev.CallIntended():
                self._asked[event.call] = event
                self._fail(event, NOT_KNOWN)
            case ev.CallFailed():
                self._fail(self._asked.pop(event.call), event.reason)
            case ev.CallUnknown():
                self._asked.pop(event.call)
            case ev.CallAnswered():
                self._answer(self._asked.pop(event.call), event)
            case ev.ResponseReused():
                self._answer(event, event)
            case ev.StepFinished() | ev.StepReused():
                self.left[event.step] = (event.value, tuple(event.files))
            case ev.DecisionRecorded():
                self.decisions.append(event)
            case ev.RunFinished():
                self.outcome = event.outcome
            case _:
                pass

    def _fail(self, asked: ev.CallIntended, reason: ev.Reason) -> None:
        self._failures[bytes.fromhex(asked.request_sha256), asked.step, asked.cell] = reason

    def _answer(self, asked: ev.CallIntended | ev.ResponseReused, event: ev.CallAnswered | ev.ResponseReused) -> None:
        number, request = len(self._places), bytes.fromhex(asked.request_sha256)
        lines = self._of_step.setdefault(event.step, array("L"))
        end = self._offsets[lines[-1]] + self._sizes[lines[-1]] + 1 if lines else 0
        lines.append(number)
        self._places.append(Place(event.step, event.line, asked.cell, asked.attempt, asked.model))
        self._digests += bytes.fromhex(event.sha256)
        self._offsets.append(end)
        self._sizes.append(event.size_bytes)
        self._requests += request
        if isinstance(event, ev.CallAnswered):
            self._by_call[event.call] = number
        self._by_request.setdefault(request, []).append(number)
        self._by_cell.setdefault(asked.cell, []).append(number)
        self._failures.pop((request, asked.step, asked.cell), None)

    def refuse_altered(self) -> None:
        """Reads every response once. Raises `EvidenceError` for the first that is altered or missing."""
        for step, numbers in self._of_step.items():
            lines = response_lines(self.folder, step)
            for number in numbers:
                self._compare(number, next(lines, b"").removesuffix(b"\n"))

    # --- asked by a re-scoring --------------------------------------------------------------------------

    def models_like(self, name: str, wanted: ModelRecord) -> list[str]:
        """The models of this run that are asked for what `wanted` asks for: the one of the same name, else all."""
        alike = [one for one in self.models if _is_alike(self._record_of(one), wanted)]
        return [name] if name in alike else alike

    def numbers_for(self, request_sha256: str) -> Sequence[int]:
        """The responses to exactly this request, in the order in which they were recorded."""
        return self._by_request.get(bytes.fromhex(request_sha256), ())

    def numbers_in(self, cell: int, request_sha256: str) -> list[int]:
        """As `numbers_for`, those of one cell, whatever the step."""
        request = bytes.fromhex(request_sha256)
        asked, there = self._by_request.get(request, []), self._by_cell.get(cell, [])
        if len(asked) <= len(there):
            return [number for number in asked if self._places[number].cell == cell]
        return [number for number in there if self._requests[32 * number : 32 * number + 32] == request]

    def number_of(self, step: str, line: int) -> int:
        """The response on a line of a step; -1 without one."""
        lines = self._of_step.get(step, ())
        return lines[line] if line < len(lines) else -1

    def number_called(self, step: str, call: str) -> int:
        """The response that a step calls by this name; -1 without one."""
        if call[:1] == "r" and call[1:].isdecimal():
            return self.number_of(step, int(call[1:]))
        return self._by_call.get(call, -1)

    def numbers_of(self, step: str) -> Sequence[int]:
        """The responses of a step, in the order of its file."""
        return self._of_step.get(step, ())

    def failure_of(self, request_sha256: str, step: str, cell: int) -> ev.Reason | None:
        """Why this request of this cell was never answered; None where it was, or was never made."""
        return self._failures.get((bytes.fromhex(request_sha256), step, cell))

    def place(self, number: int) -> Place:
        """Where a response stands."""
        return self._places[number]

    def origin(self, number: int) -> ev.Origin:
        """How the record of another run names a response."""
        place = self._places[number]
        return ev.Origin(run_id=self.run_id, step=place.step, line=place.line, sha256=self.sha256(number))

    def read(self, number: int) -> ResponseLine:
        """The response itself. Raises `EvidenceError` when it is not the recorded one, and `DiskTrouble`."""
        path = self.folder / responses_path(self._places[number].step)
        try:
            with path.open("rb", buffering=0) as stream:
                data = os.pread(stream.fileno(), self._sizes[number], self._offsets[number])
        except OSError as error:
            raise DiskTrouble("a recorded response cannot be read", where=str(path), got=str(error.strerror)) from error
        self._compare(number, data)
        try:
            return _decoder.decode(data)
        except msgspec.MsgspecError as error:
            raise EvidenceError("a recorded line is no response", where=self._where(number), got=str(error)) from error

    def _record_of(self, name: str) -> ModelRecord:
        return self.plan.models.get(name) or ModelRecord(backend=name, model=name, params={}, seed=0, on_unknown="")

    def sha256(self, number: int) -> str:
        """The digest of a response's line, as the journal has it."""
        return self._digests[32 * number : 32 * number + 32].hex()

    def _compare(self, number: int, data: bytes) -> None:
        if (got := sha256_hex(data)) != self.sha256(number):
            what = "a recorded response has been altered" if data else "a recorded response is missing"
            raise EvidenceError(
                what, where=self._where(number), expected=f"SHA-256 {self.sha256(number)}", got=got, hint=RESTORE
            )

    def _where(self, number: int) -> str:
        place = self._places[number]
        return f"{self.folder / responses_path(place.step)}:{place.line + 1}"


def read_recorded(folder: Path) -> RecordedRun:
    """A run that is sealed, finished, failed or at work, as far as its journal goes. Takes no lock and writes nothing.

    Raises `EvidenceError` for evidence that is altered, `UsageError` for a run without events, `DiskTrouble`.
    """
    plan, input_ref = read_input(folder)
    state, tree = RunState(plan.steps, plan.budget_usd), MerkleTree()
    run: RecordedRun | None = None
    for line, event in lines_of(folder):
        state.advance(event)
        tree.append(line)
        if isinstance(event, ev.RunStarted):
            run = RecordedRun(folder, event.run_id, plan)
            if event.input != input_ref:
                raise EvidenceError(
                    "input.json has been altered since the run started",
                    where=str(folder / INPUT),
                    expected=f"SHA-256 {event.input.sha256}",
                    got=input_ref.sha256,
                    hint=RESTORE,
                )
        if run is not None:
            run.take(event)
    if run is None:
        raise never_started(folder)
    run.checkpoint = ev.Checkpoint(size=tree.size, root=tree.root().hex())
    run.seal_sha256 = _seal_over(folder, run.checkpoint)
    run.refuse_altered()
    return run


def _seal_over(folder: Path, here: ev.Checkpoint) -> str:
    """The digest of the seal, '' for none. Raises `EvidenceError` when the journal is not the one that was sealed."""
    try:
        data = (folder / SEAL).read_bytes()
    except FileNotFoundError:
        return ""
    except OSError as error:
        raise DiskTrouble("the seal cannot be read", where=str(folder / SEAL), got=str(error.strerror)) from error
    sealed = parse_canonical(data, Seal, where=str(folder / SEAL)).checkpoint
    if sealed != here:
        raise EvidenceError(
            "the journal is not the one that was sealed",
            where=str(folder),
            expected=f"{sealed.size} lines with the root {sealed.root}",
            got=f"{here.size} lines with the root {here.root}",
            hint=RESTORE,
        )
    return sha256_hex(data)


def _is_alike(known: ModelRecord, wanted: ModelRecord) -> bool:
    return (known.backend, known.model) == (wanted.backend, wanted.model)

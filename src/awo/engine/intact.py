"""Refuses to go on from a folder whose recorded bytes are not what its journal says."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import msgspec

from awo.canon.digest import sha256_hex
from awo.engine.folder import RESTORE, refuse_altered_file
from awo.engine.outputs import response_lines
from awo.errors import EvidenceError
from awo.evidence.events import FileRef
from awo.evidence.layout import responses_path
from awo.evidence.records import ResponseLine
from awo.lifecycle.rules import RunState
from awo.lifecycle.steps import Status, StepState

_decoder = msgspec.json.Decoder(ResponseLine)


def check_input(state: RunState, input_ref: FileRef) -> None:
    """Raises `EvidenceError` when input.json is not the one the run was started with."""
    if state.started is not None and state.started.input != input_ref:
        raise EvidenceError(
            "input.json has been altered since the run started",
            where=input_ref.path,
            expected=f"SHA-256 {state.started.input.sha256}",
            got=input_ref.sha256,
            hint="restore it from a copy; AWO does not go on from altered evidence",
        )


def refuse_altered_run(folder: Path, state: RunState, recorded: Iterable[FileRef]) -> None:
    """Reads every recorded file once. Raises `EvidenceError` for the first that is altered or missing, `DiskTrouble`.

    `recorded` has the last digest of each. Responses of a step that is not done are checked line by
    line; one that no event asked for shows that the journal has lost lines. Nothing is written.
    """
    for ref in recorded:
        refuse_altered_file(folder, ref)
    for step in state.steps.values():
        if step.status is not Status.DONE and (step.attempts or step.lines):
            _refuse_altered_responses(folder, step)


def _refuse_altered_responses(folder: Path, step: StepState) -> None:
    path = responses_path(step.record.id)
    count = 0
    for number, line in enumerate(response_lines(folder, step.record.id)):
        if number >= step.lines:
            if line.endswith(b"\n"):
                _refuse_unasked(f"{folder / path}:{number + 1}", line, step)
            continue
        count += 1
        expected = step.answered.sha256(number) if step.answered else ""
        if (got := sha256_hex(line.removesuffix(b"\n"))) != expected:
            raise EvidenceError(
                "a recorded response has been altered",
                where=f"{folder / path}:{number + 1}",
                expected=f"SHA-256 {expected}",
                got=got,
                hint=RESTORE,
            )
    if count < step.lines:
        raise EvidenceError(
            "recorded responses are missing",
            where=str(folder / path),
            expected=f"{step.lines} lines or more",
            got=str(count),
            hint=RESTORE,
        )


def _refuse_unasked(where: str, line: bytes, step: StepState) -> None:
    try:
        response = _decoder.decode(line)
    except msgspec.MsgspecError as error:
        raise EvidenceError("a line of the responses is not a response", where=where, got=str(error)) from error
    if response.origin is None and response.call not in (step.open_calls or {}):
        raise EvidenceError(
            "the responses hold an answer that the journal never asked for: the journal has lost lines",
            where=where,
            hint="restore the run from a copy",
        )

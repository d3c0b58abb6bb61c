"""Refuses to go on from a folder whose recorded bytes are not what its journal says."""

from __future__ import annotations

from pathlib import Path

import msgspec

from awo.canon.digest import sha256_hex
from awo.engine.folder import RESTORE, refuse_altered_file
from awo.engine.outputs import response_lines
from awo.engine.reading import events_of, refs_of
from awo.errors import EvidenceError
from awo.evidence.layout import responses_path
from awo.evidence.records import ResponseLine
from awo.lifecycle.rules import RunState, Status, StepState

_decoder = msgspec.json.Decoder(ResponseLine)


def refuse_altered_run(folder: Path, state: RunState) -> None:
    """Reads every recorded file once. Raises `EvidenceError` for the first that is altered or missing, `DiskTrouble`.

    Responses of a step that is not done are checked line by line; one that no event asked for shows
    that the journal has lost lines. Nothing is written.
    """
    recorded = {ref.path: ref for event in events_of(folder) for ref in refs_of(event)}
    for ref in recorded.values():
        refuse_altered_file(folder, ref)
    for step in state.steps.values():
        if step.status is not Status.DONE:
            _refuse_altered_responses(folder, step)


def _refuse_altered_responses(folder: Path, step: StepState) -> None:
    path = responses_path(step.record.id)
    lines = response_lines(folder, step.record.id)
    if len(lines) < step.lines:
        raise EvidenceError(
            "recorded responses are missing",
            where=str(folder / path),
            expected=f"{step.lines} lines or more",
            got=str(len(lines)),
            hint=RESTORE,
        )
    for answers in (step.answered or {}).values():
        for answer in answers:
            got = sha256_hex(lines[answer.line].removesuffix(b"\n"))
            if got != answer.sha256:
                raise EvidenceError(
                    "a recorded response has been altered",
                    where=f"{folder / path}:{answer.line + 1}",
                    expected=f"SHA-256 {answer.sha256}",
                    got=got,
                    hint=RESTORE,
                )
    for number, line in enumerate(lines[step.lines :], start=step.lines + 1):
        if line.endswith(b"\n"):
            _refuse_unasked(f"{folder / path}:{number}", line, step)


def _refuse_unasked(where: str, line: bytes, step: StepState) -> None:
    try:
        call = _decoder.decode(line).call
    except msgspec.MsgspecError as error:
        raise EvidenceError("a line of the responses is not a response", where=where, got=str(error)) from error
    if call not in (step.open_calls or {}):
        raise EvidenceError(
            "the responses hold an answer that the journal never asked for: the journal has lost lines",
            where=where,
            hint="restore the run from a copy",
        )

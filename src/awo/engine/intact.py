"""Refuses to go on from a folder whose recorded bytes are not what its journal says."""

from __future__ import annotations

from pathlib import Path

import msgspec

from awo.canon.digest import sha256_file, sha256_hex
from awo.engine.outputs import response_lines
from awo.engine.reading import events_of
from awo.errors import DiskTrouble, EvidenceError
from awo.evidence import events as ev
from awo.evidence.layout import responses_path
from awo.evidence.records import ResponseLine
from awo.lifecycle.rules import RunState, Status, StepState

RESTORE = "restore it from a copy; AWO does not go on from altered evidence"

_decoder = msgspec.json.Decoder(ResponseLine)


def refuse_altered_run(folder: Path, state: RunState) -> None:
    """Reads every recorded file once. Raises `EvidenceError` for the first that is altered or missing, `DiskTrouble`.

    Responses of a step that is not done are checked line by line; one that no event asked for shows
    that the journal has lost lines. Nothing is written.
    """
    for ref in _recorded(folder).values():
        _refuse_altered_file(folder, ref)
    for step in state.steps.values():
        if step.status is not Status.DONE:
            _refuse_altered_responses(folder, step)


def _recorded(folder: Path) -> dict[str, ev.FileRef]:
    """Every file that the journal names by digest, by path; where it is named again, as it was last."""
    found: dict[str, ev.FileRef] = {}
    for event in events_of(folder):
        refs: list[ev.FileRef]
        match event:
            case ev.RunStarted():
                refs = [event.input]
            case ev.StepFinished():
                refs = [event.value, *event.files]
            case ev.StepFailed():
                refs = event.files
            case ev.GateOpened():
                refs = [event.request]
            case ev.DecisionRecorded():
                refs = [event.decision, event.signature]
            case _:
                continue
        found.update((ref.path, ref) for ref in refs)
    return found


def _refuse_altered_file(folder: Path, ref: ev.FileRef) -> None:
    try:
        sha256, _ = sha256_file(folder / ref.path)
    except FileNotFoundError as error:
        raise EvidenceError("a recorded file is missing", where=str(folder / ref.path), hint=RESTORE) from error
    except OSError as error:
        raise DiskTrouble(
            "a recorded file cannot be read", where=str(folder / ref.path), got=str(error.strerror)
        ) from error
    if sha256 != ref.sha256:
        raise EvidenceError(
            "a recorded file has been altered",
            where=str(folder / ref.path),
            expected=f"SHA-256 {ref.sha256}",
            got=sha256,
            hint=RESTORE,
        )


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

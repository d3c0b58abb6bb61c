"""Kills between two writes that belong together: whatever was on disk before counts, and the next command ends it."""

from __future__ import annotations

import asyncio
import os
from hashlib import sha256
from pathlib import Path
from typing import Literal

import pytest
from tests.conformance.engine.a_gate import STEPS, AtGate, start

from awo import api
from awo.engine import settle
from awo.engine.journal import READ_BYTES, Journal, read_lines
from awo.engine.outputs import StepOutputs
from awo.errors import DiskTrouble, UsageError
from awo.evidence.layout import SEAL_SIGNATURE
from awo.evidence.secrets import SecretCutter
from awo.lifecycle.rules import RunState
from awo.verify.report import exit_code


@pytest.fixture
def at_gate(tmp_path: Path) -> AtGate:
    return start(tmp_path, STEPS)


# --- between a decision and the end of its gate -----------------------------------------------------------


def test_an_approval_that_was_recorded_before_the_kill_is_not_asked_for_again(at_gate: AtGate) -> None:
    at_gate.decide("approve")
    assert at_gate.kinds()[-2:] == ["decision_recorded", "gate_closed"]
    at_gate.forget(1)
    assert at_gate.resume().outcome == "approved"
    assert at_gate.kinds().count("decision_recorded") == 1
    assert exit_code(api.verify(at_gate.project, "latest", None)) == 0


@pytest.mark.parametrize("forgotten", [1, 2])
def test_a_rejection_that_was_recorded_before_the_kill_ends_the_run(at_gate: AtGate, forgotten: int) -> None:
    at_gate.decide("reject")
    assert at_gate.kinds()[-3:] == ["decision_recorded", "gate_closed", "run_finished"]
    at_gate.forget(forgotten)
    assert at_gate.resume().outcome == "rejected"
    assert exit_code(api.verify(at_gate.project, "latest", None)) == 0


@pytest.mark.parametrize("verdict", ["approve", "reject"])
def test_nobody_can_decide_anew_where_a_recorded_rejection_stands(
    at_gate: AtGate, verdict: Literal["approve", "reject"]
) -> None:
    at_gate.decide("reject")
    at_gate.forget(2)
    with pytest.raises(UsageError, match="no gate of this run is open"):
        at_gate.decide(verdict)
    assert at_gate.kinds()[-1] == "run_finished"


def test_a_run_with_a_recorded_rejection_is_not_sealed_as_abandoned(at_gate: AtGate) -> None:
    at_gate.decide("reject")
    at_gate.forget(2)
    assert api.freeze(at_gate.project, at_gate.run, at_gate.starter) == "rejected"


# --- between an answer and its event ------------------------------------------------------------------------


def test_somebody_who_decides_too_early_takes_no_arrived_answer_away(at_gate: AtGate) -> None:
    kinds = at_gate.kinds()
    at_gate.forget(len(kinds) - kinds.index("call_answered"))
    with pytest.raises(UsageError, match="no gate of this run is open"):
        at_gate.decide("approve")
    assert at_gate.resume().outcome == "waiting"
    assert at_gate.kinds().count("call_unknown") == 0


def test_a_torn_answer_is_cut_only_after_the_cut_is_on_record(at_gate: AtGate, monkeypatch: pytest.MonkeyPatch) -> None:
    kinds = at_gate.kinds()
    at_gate.forget(len(kinds) - kinds.index("call_answered"))
    responses = at_gate.run / "outputs/ask/responses.jsonl"
    torn = responses.read_bytes()[:40]
    responses.write_bytes(torn)

    def killed(*_: object) -> int:
        raise KeyboardInterrupt

    with monkeypatch.context() as crash:
        crash.setattr(settle, "cut_to", killed)  # at the moment of the cut
        with pytest.raises(KeyboardInterrupt):
            at_gate.resume()
    assert responses.read_bytes() == torn
    assert at_gate.kinds()[-1] == "tail_cut"
    assert at_gate.resume().outcome == "waiting"
    assert sha256(torn).hexdigest().encode() in (at_gate.run / "audit/journal.jsonl").read_bytes()


def test_an_answer_that_found_no_room_does_not_spoil_the_next_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "outputs").mkdir()
    real_write = os.write

    def half(descriptor: int, data: bytes) -> int:
        real_write(descriptor, bytes(data)[:4])
        raise OSError(28, "No space left on device")

    async def story() -> None:
        journal = Journal.create(tmp_path, RunState([]))
        outputs = StepOutputs(tmp_path, "ask", journal, SecretCutter({}))
        outputs.append_response(b"the first")
        with monkeypatch.context() as full:
            full.setattr(os, "write", half)
            with pytest.raises(DiskTrouble):
                outputs.append_response(b"the second")
        outputs.append_response(b"the third")

    asyncio.run(story())
    assert (tmp_path / "outputs/ask/responses.jsonl").read_bytes() == b"the first\nthe third\n"


# --- behind the seal's signature ------------------------------------------------------------------------------


def test_modes_that_a_kill_behind_the_seal_left_are_taken_by_the_next_command(at_gate: AtGate) -> None:
    at_gate.decide("approve")
    at_gate.resume()
    run = at_gate.run
    assert (run / SEAL_SIGNATURE).exists()
    run.chmod(0o755)  # as the last of all it is still writable
    (run / "outputs").chmod(0o755)
    (run / "input.json").chmod(0o644)
    with pytest.raises(UsageError, match="sealed"):
        at_gate.resume()
    assert [path for path in (run, *run.rglob("*")) if path.stat().st_mode & 0o222] == []


# --- lines --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("length", [0, 1, READ_BYTES - 1, READ_BYTES, 3 * READ_BYTES + 7])
def test_lines_of_any_length_are_read_whole_from_any_line_on(tmp_path: Path, length: int) -> None:
    path = tmp_path / "lines"
    lines = [b"first\n", b"x" * length + b"\n", b"\n", b"torn"]
    path.write_bytes(b"".join(lines))
    descriptor = os.open(path, os.O_RDONLY)
    try:
        assert list(read_lines(descriptor)) == lines
        assert list(read_lines(descriptor, len(lines[0]))) == lines[1:]
    finally:
        os.close(descriptor)

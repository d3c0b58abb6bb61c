"""Steps that take too long, break by themselves, or run out of retries: each is recorded as what it was."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest
from tests.conformance.engine.a_gate import start

from awo.evidence.layout import JOURNAL
from awo.ops import write_text
from awo.ops.seam import Desk, Operation
from awo.workflow.words import Args


def failures(top: Path, monkeypatch: pytest.MonkeyPatch, perform: Any, **step: Any) -> list[dict[str, Any]]:
    """The step_failed events of a run whose one step performs this."""
    was = write_text.OPERATION
    stand_in = Operation(name=was.name, summary=was.summary, args=was.args, purity=was.purity, perform=perform)
    monkeypatch.setattr(write_text, "OPERATION", stand_in)
    found = start(top, [{"id": "one", "op": "write_text", "path": "a.txt", "text": "a", **step}])
    lines = (found.run / JOURNAL).read_bytes().splitlines()
    return [event for event in map(json.loads, lines) if event["kind"] == "step_failed"]


async def too_long(args: Args, desk: Desk) -> None:
    await asyncio.sleep(60)


async def own_timeout(args: Args, desk: Desk) -> None:
    raise TimeoutError("a socket gave up")


def test_a_step_past_its_time_limit_fails_with_timeout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (failed,) = failures(tmp_path, monkeypatch, too_long, timeout=0.05)
    assert failed["reason"]["code"] == "timeout"


@pytest.mark.parametrize("limit", [{}, {"timeout": 60}])
def test_a_time_out_inside_an_operation_is_not_called_the_step_s_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, limit: dict[str, Any]
) -> None:
    (failed,) = failures(tmp_path, monkeypatch, own_timeout, **limit)
    assert failed["reason"]["code"] == "fault"


def test_each_attempt_of_a_step_whose_retries_run_out_is_on_record(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    failed = failures(tmp_path, monkeypatch, own_timeout, retries={"max": 2, "delay_s": 0})
    assert [(one["attempt"], one["retries_left"]) for one in failed] == [(1, 2), (2, 1), (3, 0)]

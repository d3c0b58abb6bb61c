"""Models that fail: each call gets its outcome on record, and another attempt is made only where it could help."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from awo import api, plugins
from awo.engine.reading import events_of
from awo.evidence import events as ev
from awo.inference.seam import Backend, ModelFailed, Reply, Request
from awo.inference.stand_ins import StandIn

WORKFLOW = """\
name: failing
models: {m: {backend: failing, limits: {tries: 1}}}
steps:
  - {id: a, op: llm_map, model: m, prompt: hi, retries: 2}
  - {id: b, op: llm_map, model: echo, prompt: hi}
"""


class Failing(StandIn):
    """Fails in turn with each of `errors`, then answers."""

    errors: Iterator[Exception] = iter(())

    async def ask(self, request: Request, timeout_s: float) -> Reply:
        for error in self.errors:
            raise error
        return await super().ask(request, timeout_s)


def failing(model: str, params: Mapping[str, Any], seed: int, root: Path) -> Backend:
    return Failing("failing", str)


def run_with(errors: list[Exception], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[str, list[ev.AnyEvent]]:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setattr(plugins, "BACKENDS", {**plugins.BACKENDS, "failing": f"{__name__}:failing"})
    monkeypatch.setattr("awo.workflow.models.BACKENDS", plugins.BACKENDS)
    monkeypatch.setattr(Failing, "errors", iter(errors))
    file = tmp_path / "w.yaml"
    file.write_text(WORKFLOW)
    project = api.find_project(tmp_path)
    ended = api.run(project, file, api.identity(project, None, "", lambda: ""))
    return ended.outcome, [event for event in events_of(ended.folder) if getattr(event, "step", "") == "a"]


def kinds(events: list[ev.AnyEvent]) -> list[str]:
    return [type(event).__name__ for event in events]


def test_a_failure_that_may_pass_is_tried_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    outcome, events = run_with([ModelFailed("busy", is_transient=True)], tmp_path, monkeypatch)
    assert outcome == "completed"
    assert kinds(events)[1:4] == ["CallIntended", "CallFailed", "StepFailed"]
    assert kinds(events)[-2:] == ["CallAnswered", "StepFinished"]


def test_a_failure_that_stays_is_not_tried_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    outcome, events = run_with([ModelFailed("too long a prompt", is_transient=False)], tmp_path, monkeypatch)
    assert outcome == "failed"
    assert kinds(events) == ["StepStarted", "CallIntended", "CallFailed", "StepFailed"]
    assert [event.retries_left for event in events if isinstance(event, ev.StepFailed)] == [0]


def test_a_backend_that_breaks_leaves_no_call_without_outcome(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    outcome, events = run_with([RuntimeError("boom")] * 3, tmp_path, monkeypatch)
    assert outcome == "failed"
    assert kinds(events) == ["StepStarted", "CallIntended", "CallFailed", "StepFailed"] * 3
    assert all("boom" in event.reason.message for event in events if isinstance(event, ev.CallFailed))

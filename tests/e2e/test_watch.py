"""`awo watch`: another process's look at a run, which changes nothing and ends as the run ends."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.e2e.at_stub import AtStub, classify
from tests.e2e.installed import AWO, Project, contents, of_kind, unchanged, wait_for
from tests.stub.running import RunningStub, running_stub

from awo.canon.usd import picodollars

needs_linux = pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells who holds a lock without taking it")
ROWS = 60


@pytest.fixture(scope="module")
def one_stub() -> Iterator[RunningStub]:
    with running_stub(jitter_ms=20) as stub:
        yield stub


@pytest.fixture
def asking(one_stub: RunningStub, tmp_path: Path) -> AtStub:
    """A project whose workflow asks the stub 60 times, once for each review."""
    one_stub.reset()
    project = AtStub(tmp_path, one_stub)
    project.reviews(ROWS)
    project.workflow(classify())
    return project


def test_a_finished_run_is_told_at_once_with_its_code(sealed: Project) -> None:
    with unchanged(sealed.latest()):
        done = sealed.awo("watch").expect(0)
    assert "is approved and sealed" in done.out


def test_a_run_at_a_gate_is_told_with_code_78(at_gate: Project) -> None:
    with unchanged(at_gate.latest()):
        done = at_gate.awo("watch").expect(78)
    assert "waits at the gate gate for a person" in done.out


def test_a_run_is_followed_from_another_process_to_its_end(asking: AtStub) -> None:
    asking.stub.order("hang", match="soup", times=1)
    asking.workflow(classify({"limits": {"in_flight": 16, "timeout_s": 3}}))
    with asking.start("run", "w.json") as run:
        wait_for(asking, "call_answered", ROWS - 20)
        with asking.start("watch") as watch:
            watched = watch.end().expect(0)
        run.end().expect(0)
    assert "  classify: done" in watched.err
    assert "failed (timeout)" in watched.err
    assert "is completed and sealed" in watched.out
    assert of_kind(asking.latest(), "call_failed")[0]["reason"]["code"] == "timeout"


@needs_linux
def test_a_look_says_what_is_in_flight_and_that_somebody_is_at_work(asking: AtStub) -> None:
    asking.stub.order("hang", match="soup", times=1)
    asking.workflow(classify({"limits": {"in_flight": 16, "timeout_s": 4}}))
    with asking.start("run", "w.json") as run:
        folder = wait_for(asking, "call_answered", ROWS - 1)
        look = asking.awo("watch", "--json").expect(0).json
        assert look["is_worked_on"] is True
        assert look["outcome"] == ""
        assert look["fan_outs"] == [{"step": "classify", "cells": ROWS, "requests": ROWS, "responses": ROWS - 1}]
        (model,) = look["models"]
        assert (model["model"], model["answered"], model["in_flight"]) == ("small", ROWS - 1, 1)
        assert model["per_second"] > 0
        assert asking.awo("status", "--json").expect(0).json["state"] == "running"
        run.end().expect(0)
    look = asking.awo("watch", "--json").expect(0).json
    assert (look["is_worked_on"], look["outcome"]) == (False, "completed")
    spent = sum(picodollars(event["cost"]) for event in of_kind(folder, "call_answered"))
    assert picodollars(look["money"]["spent_usd"]) == picodollars(look["models"][0]["spent_usd"]) == spent > 0


def test_control_c_ends_the_watching_and_not_the_run(asking: AtStub) -> None:
    asking.stub.order("hang", match="soup", times=1)
    with asking.start("run", "w.json") as run:
        wait_for(asking, "call_answered", ROWS - 1)
        with subprocess.Popen(
            [AWO, "watch"],
            cwd=asking.root,
            env=asking.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        ) as watch:
            assert watch.stderr is not None
            assert watch.stderr.readline().startswith(b"run ")
            watch.send_signal(signal.SIGINT)
            out, _ = watch.communicate(timeout=30)
        assert watch.returncode == 130
        assert b"the run has not been touched" in out
        assert run.is_running


@needs_linux
def test_a_killed_run_is_said_to_have_nobody_at_work(asking: AtStub) -> None:
    asking.stub.order("hang", match="soup", times=1)
    with asking.start("run", "w.json") as run:
        folder = wait_for(asking, "call_answered", ROWS - 1)
        assert run.kill_group()
    before = contents(folder)
    done = asking.awo("watch").expect(130)
    assert contents(folder) == before
    assert "No process is at work" in done.out
    assert f"awo resume {folder.name}" in done.out
    assert asking.awo("status", "--json").expect(0).json["state"] == "interrupted, to be resumed"
    resumed = asking.awo("resume")
    assert f"classify: attempt 1 did not come to its end; {ROWS - 1} answers are kept" in resumed.err


def test_a_paused_run_is_told_with_code_9_and_what_it_needs(asking: AtStub) -> None:
    asking.workflow(classify() | {"budget": 0.0005})
    asking.awo("run", "w.json").expect(9)
    done = asking.awo("watch").expect(9)
    assert "the next call could exceed the budget" in done.out
    assert "--budget USD" in done.out
    assert asking.awo("status").expect(0).out.splitlines()[0].endswith("paused, its budget is used up")
    report = json.loads((asking.latest() / "metadata.json").read_text())
    assert report["counts"]["budget_stops"] == 1


def test_a_run_with_failed_steps_is_told_with_code_6(project: Project) -> None:
    project.write("w.yaml", "name: x\nsteps:\n  - {id: no, op: command, argv: ['false']}\n")
    project.awo("run", "w.yaml").expect(6)
    assert "has failed steps: no" in project.awo("watch").expect(6).out


def test_a_run_that_does_not_exist_cannot_be_watched(project: Project) -> None:
    project.awo("watch").refused(2, "no run")

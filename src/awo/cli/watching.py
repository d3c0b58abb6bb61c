"""The command `watch`: another terminal's look at a run that is at work."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any, Final

import click

from awo import api
from awo.canon.usd import usd
from awo.cli.board import Board
from awo.cli.ending import Ending, say_ending
from awo.cli.places import find, named, run_argument, runs_option
from awo.cli.printing import in_dollars, json_option, print_json, say
from awo.cli.progress import Progress, progress
from awo.engine.following import Following
from awo.errors import Interrupted
from awo.evidence import events as ev

LOOK_EVERY_S: Final = 0.25
LOOKS_BEFORE_THE_END: Final = 4  # between the last event and the seal, a finished run is in nobody's hands for a moment


@click.command()
@run_argument
@runs_option
@json_option
def watch(run_name: str, runs: Path | None, *, as_json: bool) -> int:
    """Watch RUN, which another process works on, until it ends, waits or stops. Changes nothing.

    Ends with the code that the run ended with, and with 130 when no process is at work on a run that is
    not at its end. Ctrl-C leaves the run alone. With --json: one look, and no waiting.
    """
    here, folder = find(run_name, runs)
    following = api.follow(folder)
    try:
        if as_json:
            print_json(_snapshot(following))
            return 0
        with progress(quiet=False) as shown:
            shown.begin(folder)
            _watch(following, shown)
    except KeyboardInterrupt:
        say("This watch has ended; the run has not been touched.")
        return Interrupted.exit_code
    finally:
        following.close()
    outcome = outcome_of(following)
    if not outcome:
        say(f"No process is at work on {folder.name}, and it is not at its end.")
        say(f"next: awo resume {named(here, folder)}")
        return Interrupted.exit_code
    end = _ending(following, outcome, named(here, folder))
    say_ending(end)
    return end.exit_code


def _watch(following: Following, shown: Progress) -> None:
    """Tells what happens until nothing more will."""
    while events := following.read():
        shown.catch_up(events, following.state)
    looks = 0
    while looks < LOOKS_BEFORE_THE_END:
        time.sleep(LOOK_EVERY_S)
        if events := following.read():
            shown.tell(events, following.state)
            looks = 0
        elif _is_left(following):
            looks += LOOKS_BEFORE_THE_END if api.is_sealed(following.folder) else 1
        else:
            looks = 0


def _is_left(following: Following) -> bool:
    """Whether nobody works on the run now, as far as this machine knows."""
    is_worked_on = api.is_worked_on(following.folder)
    return bool(outcome_of(following)) if is_worked_on is None else not is_worked_on


def outcome_of(following: Following) -> str:
    """How the run stands when nobody works on it: as `awo run` would say it, '' when it was cut off."""
    state = following.state
    if state.outcome:
        return state.outcome
    if state.gates.open_gate:
        return "waiting"
    if isinstance(following.stop, ev.BudgetReached):
        return "paused"
    if isinstance(following.stop, ev.RunInterrupted):
        return "interrupted"
    return "failed" if state.failed_steps() and not state.running else ""


def _ending(following: Following, outcome: str, name: str) -> Ending:
    stop = following.stop
    return Ending(
        outcome=outcome,
        folder=following.folder,
        name=name,
        is_sealed=api.is_sealed(following.folder),
        gate=following.state.gates.open_gate,
        failed=tuple(following.state.failed_steps()),
        signal=stop.signal if isinstance(stop, ev.RunInterrupted) else "",
        over_budget=stop if isinstance(stop, ev.BudgetReached) else None,
    )


def _snapshot(following: Following) -> dict[str, Any]:
    """One look: the same counts as the table."""
    board = Board()
    now_us = time.time_ns() // 1000
    while events := following.read():
        board.take(events, following.state)
    money = following.state.money
    is_worked_on = api.is_worked_on(following.folder)
    return {
        "run": following.folder.name,
        "folder": str(following.folder),
        "is_worked_on": is_worked_on,
        "outcome": "" if is_worked_on else outcome_of(following),
        "gate": following.state.gates.open_gate,
        "steps": {"done": board.steps_done, "total": board.total_steps},
        "fan_outs": [
            {"step": step, "cells": fan.cells, "requests": fan.asks, "responses": fan.responses}
            for step, fan in board.fans.items()
        ],
        "models": [
            {
                "model": model.name,
                "answered": model.answered,
                "reused": model.reused,
                "failed": model.failed,
                "retried": model.retried,
                "unknown": model.unknown,
                "in_flight": model.in_flight,
                "per_second": round(model.per_second(now_us, board.begun_us), 3),
                "spent_usd": usd(model.money.spent),
                "state": model.state,
            }
            for model in board.models.values()
        ],
        "money": in_dollars(money, usd(money.budget) if money.budget is not None else ""),
    }

"""The cost of recording: 1,000 chained trivial steps, each with an output in a file of its own."""

from __future__ import annotations

import tempfile
from pathlib import Path

from benchmarks.chains import Chains, floor_seconds
from benchmarks.measure import Result, in_turns, versions

NAME = "chained_steps"
LIMIT = 0.6
STEPS = 1000
ROUNDS = 5


def run() -> Result:
    """Milliseconds a step: (1,000 steps - 1 step) / 999, so that the start of the program is left out."""
    with tempfile.TemporaryDirectory(prefix="awo-bench-") as name:
        chains = Chains(Path(name))
        medians = in_turns(
            {
                f"awo run, {STEPS} steps (s)": lambda: chains.awo_run(STEPS).seconds,
                "awo run, 1 step (s)": lambda: chains.awo_run(1).seconds,
                f"awo run, {STEPS} steps with an artifact each (s)": lambda: (
                    chains.awo_run(STEPS, with_artifacts=True).seconds
                ),
                f"bare loop, {STEPS} steps (s)": lambda: floor_seconds(chains.new_folder(), STEPS),
            },
            ROUNDS,
        )
    many, one, with_artifacts, bare = medians.values()
    step_ms = (many - one) / (STEPS - 1) * 1000
    floor_step_ms = bare / STEPS * 1000
    per_step = {
        "awo (ms a step)": step_ms,
        "awo with an artifact each (ms a step)": (with_artifacts - one) / (STEPS - 1) * 1000,
        "bare loop (ms a step)": floor_step_ms,
    }
    return Result(
        name=NAME,
        value=step_ms,
        unit="ms a step",
        limit=LIMIT,
        ratio=step_ms / floor_step_ms,
        medians=medians | per_step,
        versions=versions(),
        rounds=ROUNDS,
        notes=[
            "each step's value is a file of its own; an artifact is a second one, which the limit leaves out",
            "the bare loop makes a folder and a flushed file for each step, and flushes its log in groups",
        ],
    )

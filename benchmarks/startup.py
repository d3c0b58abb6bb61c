"""The start of the program: `awo --version` beside an interpreter that does nothing."""

from __future__ import annotations

import sys

from benchmarks.measure import Result, awo_program, in_turns, run_process, versions

NAME = "startup"
LIMIT = 3.0
OPTION = "--version"
ROUNDS = 31


def measure(name: str, option: str, limit: float) -> Result:
    """The ratio of `awo OPTION` to `python3 -c pass`, both in milliseconds of wall time."""
    program = awo_program()
    medians = in_turns(
        {
            f"awo {option} (ms)": lambda: run_process([program, option]).seconds * 1000,
            "python3 -c pass (ms)": lambda: run_process([sys.executable, "-c", "pass"]).seconds * 1000,
        },
        ROUNDS,
    )
    awo, floor = medians.values()
    return Result(
        name=name,
        value=awo / floor,
        unit="ratio",
        limit=limit,
        ratio=awo / floor,
        medians=medians,
        versions=versions(),
        rounds=ROUNDS,
    )


def run() -> Result:
    """`awo --version`, which must load next to nothing."""
    return measure(NAME, OPTION, LIMIT)

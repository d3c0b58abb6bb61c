"""The start of the command line: `awo --help` beside an interpreter that does nothing."""

from __future__ import annotations

from benchmarks import startup
from benchmarks.measure import Result

NAME = "startup_help"
LIMIT = 10.0


def run() -> Result:
    """`awo --help`, which loads the command line and no room that does the work."""
    return startup.measure(NAME, "--help", LIMIT)

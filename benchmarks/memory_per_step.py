"""The memory of a run: its peak with 11,000 steps beside its peak with 1,000."""

from __future__ import annotations

import tempfile
from pathlib import Path

from benchmarks.chains import Chains
from benchmarks.measure import Result, in_turns, versions

NAME = "memory_per_step"
LIMIT = 1024.0
FEW = 1_000
MANY = 11_000
ROUNDS = 2


def run() -> Result:
    """Bytes of peak resident memory that each further step costs."""
    with tempfile.TemporaryDirectory(prefix="awo-bench-") as name:
        chains = Chains(Path(name))
        medians = in_turns(
            {
                f"peak with {FEW} steps (bytes)": lambda: chains.awo_run(FEW).peak_bytes,
                f"peak with {MANY} steps (bytes)": lambda: chains.awo_run(MANY).peak_bytes,
            },
            ROUNDS,
        )
    few, many = medians.values()
    return Result(
        name=NAME,
        value=(many - few) / (MANY - FEW),
        unit="bytes a step",
        limit=LIMIT,
        ratio=many / few,
        medians=medians,
        versions=versions(),
        rounds=ROUNDS,
        notes=[f"the ratio is the peak with {MANY} steps over the peak with {FEW}"],
    )

"""What ten and a hundred times as many rows do to the time and the memory of a run."""

from __future__ import annotations

import statistics
import tempfile
from pathlib import Path

from benchmarks.items import Items
from benchmarks.measure import Process, Result, versions

NAME = "items_memory"
LIMIT = 300.0
SIZES = (1, 1_000, 10_000, 100_000)
ROUNDS = 2


def run() -> Result:
    """Megabytes (10^6 bytes) at the peak of a run over 100,000 rows; the ratio is that of the times of one item."""
    runs: dict[int, list[Process]] = {size: [] for size in SIZES}
    with tempfile.TemporaryDirectory(prefix="awo-bench-") as name:
        items = Items(Path(name))
        items.awo_run(SIZES[0])
        for turn in range(ROUNDS):
            for size in SIZES if turn % 2 else reversed(SIZES):
                runs[size].append(items.awo_run(size))
    seconds = {size: statistics.median(process.seconds for process in found) for size, found in runs.items()}
    peak_mb = {size: statistics.median(process.peak_bytes for process in found) / 1e6 for size, found in runs.items()}
    one, few, _, many = SIZES
    an_item_ms = {size: (seconds[size] - seconds[one]) / (size - one) * 1000 for size in SIZES if size != one}
    return Result(
        name=NAME,
        value=peak_mb[many],
        unit="MB at the peak",
        limit=LIMIT,
        ratio=an_item_ms[many] / an_item_ms[few],
        medians={f"{size} rows (s)": value for size, value in seconds.items()}
        | {f"{size} rows (ms an item)": value for size, value in an_item_ms.items()}
        | {f"{size} rows (MB at the peak)": value for size, value in peak_mb.items()},
        versions=versions(),
        rounds=ROUNDS,
        notes=[f"the ratio is the time of an item at {many} rows over that at {few}; 1 is linear"],
    )

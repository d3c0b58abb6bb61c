"""10,000 independent items that cost nothing by themselves, each durable before it counts as done."""

from __future__ import annotations

import tempfile
from pathlib import Path

from benchmarks.items import Items, floor_seconds
from benchmarks.measure import Result, in_turns, versions

NAME = "trivial_items"
LIMIT = 2.0
ROWS = 10_000
ROUNDS = 5


def run() -> Result:
    """Seconds for `awo run` over 10,000 rows with the stand-in `echo`, from the start of its process to the seal."""
    with tempfile.TemporaryDirectory(prefix="awo-bench-") as name:
        items = Items(Path(name))
        medians = in_turns(
            {
                f"awo run, {ROWS} rows (s)": lambda: items.awo_run(ROWS).seconds,
                "awo run, 1 row (s)": lambda: items.awo_run(1).seconds,
                f"bare loop, {ROWS} items (s)": lambda: floor_seconds(items.new_folder(), ROWS),
            },
            ROUNDS,
        )
    many, one, bare = medians.values()
    return Result(
        name=NAME,
        value=many,
        unit="s",
        limit=LIMIT,
        ratio=many / bare,
        medians=medians | {"awo (ms an item)": (many - one) / (ROWS - 1) * 1000},
        versions=versions(),
        rounds=ROUNDS,
        notes=[
            "the bare loop writes as many lines of as many bytes, and flushes them in groups at the same two moments",
            f"start and seal are in the figure: one row takes {one:.2f} s",
        ],
    )

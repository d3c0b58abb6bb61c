"""Verification of many records: `awo verify` of a sealed run of 100,000 responses beside a loop that only reads them.

`python -m benchmarks.verify_records 1000000` does it for a million, once, and says how much memory that took.
"""

from __future__ import annotations

import hashlib
import json
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from benchmarks.items import ECHO, Items
from benchmarks.measure import Process, Result, in_turns, run_process, versions

NAME = "verify_records"
LIMIT = 2.5
RECORDS = 100_000
ROUNDS = 3
LINES = ("audit/journal.jsonl", "outputs/ask/responses.jsonl", "outputs/ask/items.jsonl")


def run(records: int = RECORDS, rounds: int = ROUNDS) -> Result:
    """The ratio of `awo verify` to a bare loop over the same bytes: SHA-256 of each file, and each line as JSON."""
    verified: list[Process] = []
    with tempfile.TemporaryDirectory(prefix="awo-bench-") as place:
        items = Items(Path(place))
        words = items.words(records, ECHO, Path(place) / "runs")
        run_process(words, items.folder, **items.environment)
        folder = next((Path(place) / "runs").glob("run_*"))

        def verify() -> float:
            verified.append(run_process([items.program, "verify", folder, "--json"]))
            return verified[-1].seconds

        floor: list[str | Path] = [sys.executable, "-m", "benchmarks.verify_records", folder]
        sides: dict[str, Callable[[], float]] = {
            "awo verify (s)": verify,
            "SHA-256 and json.loads of each line (s)": lambda: run_process(floor, Path(__file__).parents[1]).seconds,
        }
        medians = in_turns(sides, rounds)
        size_bytes = sum((folder / path).stat().st_size for path in LINES)
    awo, bare = medians.values()
    peak_bytes = max(process.peak_bytes for process in verified)
    return Result(
        name=NAME,
        value=awo / bare,
        unit="ratio",
        limit=LIMIT,
        ratio=awo / bare,
        medians=medians | {"microseconds a record": awo / records * 1e6, "MB at the peak": peak_bytes / 1e6},
        versions=versions("msgspec"),
        rounds=rounds,
        notes=[
            f"{records} records, {size_bytes / 1e6:.0f} MB of lines",
            "the peak is that of the process; a copy of it on a second core shares most of its memory",
        ],
    )


def read_bare(folder: Path) -> None:
    """The floor: what nobody who checks such a run can leave out."""
    for path in LINES:
        hasher = hashlib.sha256()
        with (folder / path).open("rb") as stream:
            for line in stream:
                hasher.update(line)
                json.loads(line)


if __name__ == "__main__":
    if sys.argv[1].isdigit():
        print(json.dumps(run(int(sys.argv[1]), rounds=1).as_dict(), indent=2))
    else:
        read_bare(Path(sys.argv[1]))

"""Scan: `awo scan` of 400 MB of JSON lines in 20,000 files beside `awo export --no-scan` of the same run."""

from __future__ import annotations

import tempfile
from pathlib import Path

from benchmarks.measure import Result, awo_program, in_turns, run_process, versions
from benchmarks.packages import make_package

NAME = "scan_run"
LIMIT = 4.0
FILES = 20_000
FILE_BYTES = 20_000
ROUNDS = 3


def run() -> Result:
    """The ratio of searching a run for secrets and personal data to bundling it without."""
    program = awo_program()
    with tempfile.TemporaryDirectory(prefix="awo-bench-") as place:
        folder = make_package(Path(place), FILES, FILE_BYTES)
        bundle = Path(place) / "awo.tar.gz"

        def export() -> float:
            bundle.unlink(missing_ok=True)
            return run_process([program, "export", folder, "--output", bundle, "--no-scan", "--json"]).seconds

        medians = in_turns(
            {
                "awo scan (s)": lambda: run_process([program, "scan", folder, "--json"]).seconds,
                "awo export --no-scan (s)": export,
            },
            ROUNDS,
        )
    scan, bare = medians.values()
    return Result(
        name=NAME,
        value=scan / bare,
        unit="ratio",
        limit=LIMIT,
        ratio=scan / bare,
        medians=medians,
        versions=versions("detect-secrets", "phonenumbers", "python-stdnum"),
        rounds=ROUNDS,
        notes=[f"{FILES * FILE_BYTES / 1e6 / scan:.0f} MB a second"],
    )

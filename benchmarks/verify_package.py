"""Verification of many files: `awo verify` of a sealed run of 20,000 files beside sha256sum on two processors."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path

from benchmarks.measure import Result, awo_program, in_turns, run_process, versions
from benchmarks.packages import make_package

NAME = "verify_package"
LIMIT = 1.2
FILES = 20_000
FILE_BYTES = 10_000
ROUNDS = 7

SUMS = "find . -type f -print0 | xargs -0 -P2 -n 500 sha256sum"


def run() -> Result:
    """The ratio of `awo verify` to `sha256sum` through `xargs -P2`, the same 200 MB, read before."""
    program = awo_program()
    has_xargs = all(shutil.which(word) for word in ("find", "xargs", "sha256sum"))
    notes = [] if has_xargs else ["find, xargs or sha256sum is missing here: there is nothing to compare with"]
    with tempfile.TemporaryDirectory(prefix="awo-bench-") as place:
        folder = make_package(Path(place), FILES, FILE_BYTES)
        sides: dict[str, Callable[[], float]] = {
            "awo verify (s)": lambda: run_process([program, "verify", folder, "--json"]).seconds
        }
        if has_xargs:
            sides["xargs -P2 sha256sum (s)"] = lambda: run_process(["sh", "-c", SUMS], folder).seconds
        medians = in_turns(sides, ROUNDS)
    awo, *peer = medians.values()
    ratio = awo / peer[0] if peer else 0.0
    return Result(
        name=NAME,
        value=ratio,
        unit="ratio",
        limit=LIMIT,
        ratio=ratio,
        medians=medians,
        versions=versions("cryptography", "msgspec"),
        rounds=ROUNDS,
        notes=notes,
    )

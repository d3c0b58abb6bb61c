"""Verification of one large file: `awo verify` of a sealed run with 1 GiB in one file beside one thread of hashlib."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from awo.evidence.layout import file_path
from benchmarks.measure import Result, awo_program, in_turns, run_process, versions
from benchmarks.packages import make_package

NAME = "verify_large_file"
LIMIT = 1.3
FILE_BYTES = 1 << 30
ROUNDS = 5

FLOOR = "import hashlib, sys; hashlib.file_digest(open(sys.argv[1], 'rb'), 'sha256')"


def run() -> Result:
    """The ratio of `awo verify` to a Python that takes the SHA-256 of the same file, read before."""
    program = awo_program()
    with tempfile.TemporaryDirectory(prefix="awo-bench-") as place:
        folder = make_package(Path(place), 1, FILE_BYTES, "txt")
        artifact = folder / file_path("s000", "00000.txt")
        medians = in_turns(
            {
                "awo verify (s)": lambda: run_process([program, "verify", folder, "--json"]).seconds,
                "hashlib, one thread (s)": lambda: run_process([sys.executable, "-c", FLOOR, artifact]).seconds,
            },
            ROUNDS,
        )
    awo, floor = medians.values()
    return Result(
        name=NAME,
        value=awo / floor,
        unit="ratio",
        limit=LIMIT,
        ratio=awo / floor,
        medians=medians,
        versions=versions("cryptography", "msgspec"),
        rounds=ROUNDS,
    )

"""Export with all that is about the run, from citation to SBOM, beside `tar | pigz` of the same 400 MB."""

from __future__ import annotations

import shutil
import tarfile
import tempfile
from collections.abc import Callable
from pathlib import Path

from benchmarks.measure import Result, awo_program, in_turns, run_process, versions
from benchmarks.packages import make_package

NAME = "export_described"
LIMIT = 1.3
FILES = 20_000
FILE_BYTES = 20_000
ROUNDS = 3


def run() -> Result:
    """The ratio of `awo export` to `tar cf - | pigz -p2`; the notes say what stands beside the run in the bundle."""
    program = awo_program()
    with tempfile.TemporaryDirectory(prefix="awo-bench-") as place:
        folder = make_package(Path(place), FILES, FILE_BYTES)
        bundle = Path(place) / "awo.tar.gz"

        def export() -> float:
            bundle.unlink(missing_ok=True)
            return run_process([program, "export", folder, "--output", bundle, "--no-scan", "--json"]).seconds

        sides: dict[str, Callable[[], float]] = {"awo export, described (s)": export}
        if all(shutil.which(word) for word in ("tar", "pigz")):
            pipe = f"tar cf - {folder.name} | pigz -p2 > peer.tar.gz"
            sides["tar | pigz -p2 (s)"] = lambda: run_process(["sh", "-c", pipe], Path(place)).seconds
        medians = in_turns(sides, ROUNDS)
        with tarfile.open(bundle) as archive:
            beside = [f"{one.name} ({one.size} bytes)" for one in archive if "/" not in one.name]
    notes = [f"beside the run: {', '.join(beside)}"]
    awo, *others = medians.values()
    if not others:
        notes.append("tar or pigz is missing here: there is nothing to compare with")
    ratio = awo / others[0] if others else 0.0
    return Result(
        name=NAME,
        value=ratio,
        unit="ratio",
        limit=LIMIT,
        ratio=ratio,
        medians=medians,
        versions=versions("isal"),
        rounds=ROUNDS,
        notes=notes,
    )

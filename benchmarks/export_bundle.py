"""Export: `awo export` of 400 MB of JSON lines beside `tar | pigz` on the same two processors."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from collections.abc import Callable
from pathlib import Path

from benchmarks.measure import Result, awo_program, in_turns, run_process, versions
from benchmarks.packages import make_package

NAME = "export_bundle"
LIMIT = 0.4
LARGER_LIMIT = 1.2
FILES = 20_000
FILE_BYTES = 20_000
ROUNDS = 3


def run() -> Result:
    """The ratio of `awo export` to `tar cf - | pigz -p2`; the notes say how much larger the bundle is."""
    program = awo_program()
    has_pigz = all(shutil.which(word) for word in ("tar", "pigz"))
    with tempfile.TemporaryDirectory(prefix="awo-bench-") as place:
        folder = make_package(Path(place), FILES, FILE_BYTES)
        bundle, peer = Path(place) / "awo.tar.gz", Path(place) / "peer.tar.gz"

        def export() -> float:
            bundle.unlink(missing_ok=True)
            return run_process([program, "export", folder, "--output", bundle, "--no-scan", "--json"]).seconds

        sides: dict[str, Callable[[], float]] = {"awo export (s)": export}
        if has_pigz:
            pipe = f"tar cf - {folder.name} | pigz -p2 > {peer.name}"
            sides["tar | pigz -p2 (s)"] = lambda: run_process(["sh", "-c", pipe], Path(place)).seconds
        medians = in_turns(sides, ROUNDS)
        if has_pigz:
            larger = bundle.stat().st_size / peer.stat().st_size
            judgement = "within" if larger <= LARGER_LIMIT else "OVER"
            notes = [f"the bundle is {larger:.3f} times as large, {judgement} the limit of {LARGER_LIMIT:g}", _pigz()]
        else:
            notes = ["tar or pigz is missing here: there is nothing to compare with"]
    awo, *others = medians.values()
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


def _pigz() -> str:
    return subprocess.run(["pigz", "--version"], capture_output=True, text=True).stdout.strip()

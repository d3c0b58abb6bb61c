"""The record of the machine: what it adds to a short run, with the packages read before and read anew."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from benchmarks.items import Items
from benchmarks.measure import Result, in_turns, run_process, versions

NAME = "environment"
LIMIT = 100.0
ROUNDS = 15
ROWS = 10

AWO = "import sys\nfrom awo.cli.main import _run\nsys.exit(_run(sys.argv[1:]))\n"
WITHOUT = """\
import sys, types
stub = types.ModuleType("awo.engine.environment")
stub.environment_facts = lambda *words, **more: {}
sys.modules[stub.__name__] = stub
"""
"""Takes the place of the room that looks at the machine, so that not even its code is loaded."""


class Recorded(Items):
    """Runs of a few rows in a git repository, which record the machine or do not."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        script = "git init -q && git -c user.name=A -c user.email=a@example.org commit -q --allow-empty -m begin"
        run_process(["sh", "-c", script], folder)

    def run_with(self, script: str, cache: Callable[[], Path]) -> Callable[[], float]:
        """Seconds of one run by `script`, with what is kept of packages in the folder that `cache` gives."""

        def go() -> float:
            _, *words = self.words(ROWS, {"backend": "echo", "model": "echo"}, self.new_folder())
            variables = self.environment | {"XDG_CACHE_HOME": str(cache())}
            return run_process([sys.executable, "-c", script, *words], self.folder, **variables).seconds

        return go


def run() -> Result:
    """Milliseconds that the record adds to a run of ten rows over `echo` where nothing is kept of the packages yet.

    The floor is the same run, in the same turns, without the room that looks at the machine. The notes give the usual
    case, too: the same packages as at the run before.
    """
    with tempfile.TemporaryDirectory(prefix="awo-bench-") as name:
        project = Recorded(Path(name))
        kept = project.new_folder()
        medians = in_turns(
            {
                "awo run without it (s)": project.run_with(WITHOUT + AWO, lambda: kept),
                "awo run, packages kept (s)": project.run_with(AWO, lambda: kept),
                "awo run, packages read anew (s)": project.run_with(AWO, project.new_folder),
            },
            ROUNDS,
        )
    floor, usual, anew = medians.values()
    return Result(
        name=NAME,
        value=1000 * (anew - floor),
        unit="ms",
        limit=LIMIT,
        ratio=anew / floor,
        medians=medians,
        versions=versions("click", "msgspec"),
        rounds=ROUNDS,
        notes=[f"with the packages kept: {1000 * (usual - floor):.0f} ms, {usual / floor:.2f} times"],
    )

"""One decision: what `awo approve` takes besides its start, on a run of 100 answers and on one of 10,000."""

from __future__ import annotations

import itertools
import json
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path

from benchmarks.items import ECHO, Items
from benchmarks.measure import Result, in_turns, run_process, versions

NAME = "decide"
LIMIT = 150.0
SMALL, LARGE = 100, 10_000
"""Answers: as many as the main example has, and a hundred times as many."""
ROUNDS = 15
REVIEWER = "alice@example.org"


class Waiting(Items):
    """Runs that wait at a gate, and a reviewer who may decide on them."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.key = folder / "alice"
        self._awo("keys", "new", REVIEWER, "--no-passphrase", "--out", self.key)
        self._awo("keys", "enrol", REVIEWER, f"{self.key}.pub")
        (folder / "checklist.md").write_text("- [ ] {#read} I have read the answers.\n", encoding="utf-8")

    def run_with(self, rows: int) -> Path:
        """The runs folder of one run over that many rows, which waits at its gate."""
        runs = self.new_folder()
        words = self.words(rows, ECHO, runs)
        workflow = self.folder / words[2]
        content = json.loads(workflow.read_text(encoding="utf-8"))
        content["steps"].append({"id": "look", "op": "audit_gate", "checklist": "checklist.md", "needs": ["ask"]})
        workflow.write_text(json.dumps(content), encoding="utf-8")
        script = 'out=$("$@") ; code=$? ; echo "$out" ; test $code = 78'
        run_process(["sh", "-c", script, "sh", *words], self.folder, **self.environment)
        return runs

    def decision(self, waiting: Path) -> Callable[[], float]:
        """Seconds of one `awo approve` on a copy of the run that nobody has decided on."""
        numbers = itertools.count()

        def decide() -> float:
            runs = self.folder / f"{waiting.name}-{next(numbers)}"
            shutil.copytree(waiting, runs)
            words = ("approve", "latest", "--runs", runs, "--key", self.key, "--as", REVIEWER, "--answer", "read=yes")
            seconds = self._awo(*words)
            shutil.rmtree(runs)
            return seconds

        return decide

    def start(self, *words: str) -> Callable[[], float]:
        """Seconds of a command that does nothing but start."""
        return lambda: self._awo(*words)

    def _awo(self, *words: str | Path) -> float:
        off = {"AWO_NOTIFY_URLS": "", "AWO_NOTIFY_URLS_FILE": ""}
        return run_process([self.program, *words], self.folder, **self.environment, **off).seconds


def run() -> Result:
    """Milliseconds of a decision on the smaller run, less those of the start: `awo approve --help`, in the same turns.

    That loads the interpreter, the command line and most rooms that a decision needs, and decides nothing. The notes
    give both runs beside both floors: `awo --version` loads next to nothing, so the figures beside it have the loading
    of every library in them. The larger run shows what grows with it: each line of its journal is checked once.
    """
    with tempfile.TemporaryDirectory(prefix="awo-bench-") as name:
        project = Waiting(Path(name))
        small, large = project.run_with(SMALL), project.run_with(LARGE)
        medians = in_turns(
            {
                "awo --version (s)": project.start("--version"),
                "awo approve --help (s)": project.start("approve", "--help"),
                f"awo approve, {SMALL} answers (s)": project.decision(small),
                f"awo approve, {LARGE:,} answers (s)": project.decision(large),
            },
            ROUNDS,
        )
    bare, start, at_small, at_large = (1000 * median for median in medians.values())
    return Result(
        name=NAME,
        value=at_small - start,
        unit="ms",
        limit=LIMIT,
        ratio=at_small / start,
        medians=medians,
        versions=versions("click", "cryptography", "msgspec"),
        rounds=ROUNDS,
        notes=[
            f"besides `{floor}`: {at_small - least:.0f} ms at {SMALL} answers, {at_large - least:.0f} ms at {LARGE:,}"
            for floor, least in (("awo approve --help", start), ("awo --version", bare))
        ],
    )

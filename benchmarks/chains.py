"""A chain of trivial steps, as a workflow file and as the bare loop that is its floor."""

from __future__ import annotations

import itertools
import json
import os
import threading
import time
from pathlib import Path
from typing import Any

from benchmarks.measure import Process, awo_program, run_process

VALUE = b'{\n  "passed": true,\n  "checked": 1,\n  "must_include": [\n    "text"\n  ]\n}\n'
"""What a step of the plain chain gives, for the floor to write."""


class Chains:
    """Chains in a folder, each run in a runs folder of its own that nothing has touched."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._program = awo_program()
        self._numbers = itertools.count()

    def new_folder(self) -> Path:
        """An empty folder that no earlier turn has used."""
        place = self.folder / f"turn-{next(self._numbers)}"
        place.mkdir()
        return place

    def awo_run(self, steps: int, *, with_artifacts: bool = False) -> Process:
        """`awo run` of a chain of that length, from start to exit code 0, with a key made in the folder."""
        links = [artifact_link(n) if with_artifacts else plain_link(n) for n in range(steps)]
        workflow = self.folder / "chain.json"
        workflow.write_text(json.dumps({"name": f"a chain of {steps}", "steps": links}), encoding="utf-8")
        words = [str(self._program), "run", workflow.name, "--runs", str(self.new_folder()), "--json"]
        return run_process(words, self.folder, XDG_CONFIG_HOME=str(self.folder), AWO_KEY="", AWO_ID="bench@example.org")


def plain_link(number: int) -> dict[str, Any]:
    """A step that looks into the value of the step before; its own value is its only file."""
    if number == 0:
        return {"id": "s00000", "op": "write_text", "path": "text.txt", "text": "the first link"}
    return {
        "id": f"s{number:05d}",
        "op": "assert_contains",
        "from_step": f"s{number - 1:05d}",
        "field": "path" if number == 1 else "must_include.0",
        "must_include": ["text"],
    }


def artifact_link(number: int) -> dict[str, Any]:
    """A step that writes a text from the step before into an artifact, beside its value: two files."""
    if number == 0:
        return plain_link(0)
    before = f"s{number - 1:05d}"
    return {"id": f"s{number:05d}", "op": "write_text", "path": "text.txt", "from_step": before, "field": "path"}


def floor_seconds(folder: Path, steps: int) -> float:
    """Seconds for the bare loop: a folder, a small flushed file and a line of a log for each step.

    The log is flushed in groups by a thread of its own: the next group goes when the last one is down.
    """
    pending: list[bytes] = []
    wake = threading.Condition()
    is_done = False

    def flush_groups() -> None:
        with (folder / "log").open("ab", buffering=0) as log:
            while True:
                with wake:
                    while not pending and not is_done:
                        wake.wait()
                    group = b"".join(pending)
                    pending.clear()
                if not group:
                    return
                log.write(group)
                os.fsync(log.fileno())

    writer = threading.Thread(target=flush_groups)
    started = time.perf_counter()
    writer.start()
    for number in range(steps):
        place = folder / f"{number:05d}"
        place.mkdir()
        with (place / "output.json").open("wb", buffering=0) as output:
            output.write(VALUE)
            os.fsync(output.fileno())
        with wake:
            pending.append(b'{"kind":"step_finished","seq":%d}\n' % number)
            wake.notify()
    with wake:
        is_done = True
        wake.notify()
    writer.join()
    return time.perf_counter() - started

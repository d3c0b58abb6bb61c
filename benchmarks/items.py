"""A fan-out over many rows, as a project folder in which `awo` runs, and as the bare loop that is its floor."""

from __future__ import annotations

import asyncio
import itertools
import json
import os
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from benchmarks.measure import Process, awo_program, run_process

ECHO: Mapping[str, Any] = {"backend": "echo", "model": "echo"}
LINE_BYTES = {"intended": 300, "response": 480, "answered": 330, "item": 200}
"""About how long AWO's lines for one item are, for the floor to write."""


class Items:
    """Projects in a folder, each run in a runs folder of its own that nothing has touched."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.program = awo_program()
        self._numbers = itertools.count()

    def new_folder(self) -> Path:
        """An empty folder that no earlier turn has used."""
        place = self.folder / f"turn-{next(self._numbers)}"
        place.mkdir()
        return place

    @property
    def environment(self) -> dict[str, str]:
        """The variables that keep the user's own settings out of the figure."""
        return {"XDG_CONFIG_HOME": str(self.folder), "AWO_KEY": "", "AWO_ID": "bench@example.org"}

    def words(self, rows: int, model: Mapping[str, Any], runs: Path) -> list[str]:
        """The command that runs `rows` rows over `model`; writes the workflow and its data set."""
        data = self.folder / f"rows-{rows}.jsonl"
        if not data.exists():
            # Line by line: the peak of this process is the least that any process shows which it starts.
            with data.open("w", encoding="utf-8") as stream:
                for n in range(rows):
                    stream.write(json.dumps({"id": f"r{n:06d}", "text": f"row {n:06d}"}) + "\n")
        workflow = self.folder / f"rows-{rows}-{model['backend']}.json"
        step = {"id": "ask", "op": "llm_map", "over": "rows", "model": "one", "prompt": "Say {{ item.text }}"}
        content = {
            "name": f"{rows} rows",
            "inputs": {"rows": {"data": data.name, "id": "id"}},
            "models": {"one": model},
            "steps": [step],
        }
        workflow.write_text(json.dumps(content), encoding="utf-8")
        return [str(self.program), "run", workflow.name, "--runs", str(runs), "--json"]

    def awo_run(self, rows: int, model: Mapping[str, Any] = ECHO, **variables: str) -> Process:
        """`awo run` over that many rows, from start to exit code 0 and a sealed run."""
        words = self.words(rows, model, self.new_folder())
        return run_process(words, self.folder, **self.environment, **variables)


def floor_seconds(folder: Path, items: int, in_flight: int = 512) -> float:
    """Seconds for the bare loop: an intent, a response and its event for each item, and a file of results.

    An item waits until its intent is on the disk, and again until its response is; whatever waits at
    the same time shares a flush, and the next flush begins when the last one is done.
    """
    started = time.perf_counter()
    asyncio.run(_bare_loop(folder, items, in_flight))
    return time.perf_counter() - started


async def _bare_loop(folder: Path, items: int, in_flight: int) -> None:
    lines = {name: b"x" * (size - 1) + b"\n" for name, size in LINE_BYTES.items()}
    numbers = iter(range(items))
    with (folder / "journal").open("ab", buffering=0) as journal, (folder / "responses").open("ab") as responses:
        group = _Group(journal.fileno(), responses.fileno())

        async def work() -> None:
            for _ in numbers:
                journal.write(lines["intended"])
                await group.flushed()
                responses.write(lines["response"])
                responses.flush()
                journal.write(lines["answered"])
                await group.flushed()

        await asyncio.gather(*(work() for _ in range(in_flight)))
    with (folder / "items").open("ab") as results:
        results.writelines(itertools.repeat(lines["item"], items))
        results.flush()
        os.fsync(results.fileno())


class _Group:
    """Flushes two files for everybody who waits, in a thread."""

    def __init__(self, journal: int, responses: int) -> None:
        self._files = (responses, journal)
        self._waiting: list[asyncio.Future[None]] = []
        self._task: asyncio.Task[None] | None = None

    async def flushed(self) -> None:
        """Returns when what was written before is on the disk."""
        loop = asyncio.get_running_loop()
        waiter = loop.create_future()
        self._waiting.append(waiter)
        if self._task is None:
            self._task = loop.create_task(self._flush())
        await waiter

    async def _flush(self) -> None:
        while self._waiting:
            group, self._waiting = self._waiting, []
            await asyncio.to_thread(self._sync)
            for waiter in group:
                waiter.set_result(None)
        self._task = None

    def _sync(self) -> None:
        for number in self._files:
            os.fsync(number)

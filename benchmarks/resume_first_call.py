"""How soon a killed run with 50,000 finished calls asks its next one after `awo resume`."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tests.stub.running import RunningStub, running_stub

from benchmarks.items import Items
from benchmarks.measure import Broken, Result, in_turns, run_process, versions

NAME = "resume_first_call"
LIMIT = 2.0
FINISHED = 50_000
LEFT = 400
IN_FLIGHT = 200
ROUNDS = 3
LONGEST_BUILD_S = 600
LONGEST_RESUME_S = 120
MODEL = {
    "backend": "openai",
    "model": "gpt-5-mini",
    "params": {"max_tokens": 20},
    "price": "free",
    "limits": {"in_flight": IN_FLIGHT},
}
PARSE = "import json, sys\nfor line in open(sys.argv[1], 'rb'): json.loads(line)"


def run() -> Result:
    """Seconds from the start of `awo resume` to the arrival of its first request, by one clock on one machine."""
    with tempfile.TemporaryDirectory(prefix="awo-bench-") as name, running_stub() as stub:
        items = Items(Path(name))
        killed = _killed_run(items, stub)
        journal = killed / "audit/journal.jsonl"
        medians = in_turns(
            {
                "awo resume to the first new call (s)": lambda: _first_call(items, stub, killed),
                "python3 that parses the journal (s)": lambda: (
                    run_process([sys.executable, "-c", PARSE, journal]).seconds
                ),
            },
            ROUNDS,
        )
        size_mb = journal.stat().st_size / 1e6
    resumed, parsed = medians.values()
    return Result(
        name=NAME,
        value=resumed,
        unit="s",
        limit=LIMIT,
        ratio=resumed / parsed,
        medians=medians,
        versions=versions("aiohttp"),
        rounds=ROUNDS,
        notes=[f"{FINISHED} calls are answered, {LEFT} cells are left; the journal has {size_mb:.0f} MB"],
    )


def _killed_run(items: Items, stub: RunningStub) -> Path:
    """A run that was killed when exactly `FINISHED` calls were answered; all others hang."""
    stub.order("hang", after=FINISHED)
    runs = items.new_folder()
    with _group(items.words(FINISHED + LEFT, MODEL, runs), items, stub):
        until = time.monotonic() + LONGEST_BUILD_S
        while not _answered(runs) >= FINISHED:
            if time.monotonic() > until:
                raise Broken(f"{FINISHED} calls were not answered within {LONGEST_BUILD_S} s")
            time.sleep(0.5)
    (killed,) = runs.glob("run_*Z")
    return killed


def _answered(runs: Path) -> int:
    lines = 0
    for path in runs.glob("run_*Z/outputs/ask/responses.jsonl"):
        with path.open("rb") as responses:
            lines = sum(1 for _ in responses)
    # The last events follow the last responses within a flush.
    if lines >= FINISHED:
        time.sleep(1)
    return lines


def _first_call(items: Items, stub: RunningStub, killed: Path) -> float:
    runs = items.new_folder()
    folder = shutil.copytree(killed, runs / killed.name, symlinks=True)
    os.sync()
    stub.reset()
    stub.order("hang")
    begun = time.time()
    try:
        with _group([str(items.program), "resume", str(folder), "--json"], items, stub) as process:
            while not (counts := stub.counts())["arrived"]:
                if process.poll() is not None or time.time() > begun + LONGEST_RESUME_S:
                    raise Broken(f"`awo resume` asked nothing: {_said(process)}")
                time.sleep(0.05)
            return float(counts["first_at"]) - begun
    finally:
        shutil.rmtree(runs)


def _said(process: subprocess.Popen[bytes]) -> str:
    if process.poll() is None:
        return "it is still running"
    assert process.stdout is not None
    return process.stdout.read().decode(errors="replace")[-500:]


@contextlib.contextmanager
def _group(words: list[str], items: Items, stub: RunningStub) -> Iterator[subprocess.Popen[Any]]:
    """A process in a group of its own, which is killed at the end of the block."""
    with subprocess.Popen(
        words,
        cwd=items.folder,
        env=os.environ | items.environment | stub.environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    ) as process:
        try:
            yield process
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()

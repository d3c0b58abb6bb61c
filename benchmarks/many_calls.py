"""5,000 calls of 200 ms with 200 in flight over HTTP, every exchange recorded, beside aiohttp alone."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from tests.stub.running import RunningStub, running_stub

from benchmarks.items import Items
from benchmarks.measure import Broken, Result, in_turns, run_process, versions

NAME = "many_calls"
LIMIT = 1.2
CALLS = 5000
IN_FLIGHT = 200
DELAY_MS = 200
ROUNDS = 3
IDEAL_S = CALLS / IN_FLIGHT * DELAY_MS / 1000
ROOT = Path(__file__).parents[1]
MODEL = {
    "backend": "openai",
    "model": "gpt-5-mini",
    "params": {"max_tokens": 20},
    "price": {"input": 0.25, "output": 2},
    "limits": {"in_flight": IN_FLIGHT},
}


def run() -> Result:
    """Times the ideal: the whole of `awo run`, from the start of its process to the seal."""
    with tempfile.TemporaryDirectory(prefix="awo-bench-") as name, running_stub(delay_ms=DELAY_MS) as stub:
        items = Items(Path(name))
        medians = in_turns(
            {
                f"awo run, {CALLS} calls (s)": lambda: _awo(items, stub, CALLS),
                "awo run, 1 call (s)": lambda: _awo(items, stub, 1),
                f"aiohttp alone, {CALLS} calls (s)": lambda: _aiohttp(stub),
            },
            ROUNDS,
        )
    awo, one, bare = medians.values()
    return Result(
        name=NAME,
        value=awo / IDEAL_S,
        unit="times the ideal",
        limit=LIMIT,
        ratio=awo / bare,
        medians=medians | {"ideal (s)": IDEAL_S, "aiohttp alone (times the ideal)": bare / IDEAL_S},
        versions=versions("aiohttp"),
        rounds=ROUNDS,
        notes=[
            f"the ideal is {CALLS} calls of {DELAY_MS} ms, {IN_FLIGHT} at once; the ratio is to aiohttp alone",
            f"start and seal are in it: one call takes {one:.2f} s",
        ],
    )


def _awo(items: Items, stub: RunningStub, calls: int) -> float:
    stub.reset()
    seconds = items.awo_run(calls, MODEL, **stub.environment).seconds
    _check(stub, calls)
    return seconds


def _aiohttp(stub: RunningStub) -> float:
    stub.reset()
    url = f"{stub.base_url}/v1/chat/completions"
    words = [sys.executable, "-m", "benchmarks.bare_aiohttp", url, str(CALLS), str(IN_FLIGHT)]
    seconds = run_process(words, ROOT, **stub.environment).seconds
    _check(stub, CALLS)
    return seconds


def _check(stub: RunningStub, calls: int) -> None:
    """Nobody may be fast by asking less."""
    counts = stub.counts()
    if counts["arrived"] != calls or counts["answered"] != calls:
        raise Broken(f"{calls} calls should have arrived, {counts['arrived']} did, {counts['answered']} were answered")
    if counts["max_in_flight"] > IN_FLIGHT:
        raise Broken(f"{counts['max_in_flight']} calls were in flight at once, {IN_FLIGHT} are allowed")

"""Redaction: `awo redact` of a run of 50,000 responses, prompts withheld, beside `awo export` of the same run.

As a run that asks providers leaves it: each answer stands in responses.jsonl, and its exchange in audit/raw/.
"""

from __future__ import annotations

import gzip
import random
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from tests.vectors.builder import RUN_ID, Package, step

from awo.canon.digest import sha256_hex
from awo.canon.json import encode_sorted
from awo.evidence import events as ev
from awo.evidence.layout import raw_path, responses_path, value_path
from benchmarks.measure import Result, awo_program, in_turns, run_process, versions
from benchmarks.packages import words_of

NAME = "redact_run"
LIMIT = 2.0
RESPONSES = 50_000
PROMPT_WORDS, ANSWER_WORDS = 120, 160
ROUNDS = 5
STEP = "ask"

POLICY = "format: awo/redaction-policy/v1\nreason: the prompts are confidential\nlike: no-prompts\n"


def run() -> Result:
    """The ratio of `awo redact` to `awo export`: both read the run and write a bundle; one of them cuts every line."""
    program = awo_program()
    with tempfile.TemporaryDirectory(prefix="awo-bench-") as place:
        top = Path(place)
        make: list[str | Path] = [sys.executable, "-m", "benchmarks.redact_run", top]
        run_process(make, Path(__file__).parents[1])
        folder, policy = top / RUN_ID, top / "policy.yaml"
        policy.write_text(POLICY)
        bundle, redacted = top / "whole.tar.gz", top / "redacted.tar.gz"
        home = {"XDG_CONFIG_HOME": str(top / "config"), "AWO_ID": "runner@example.org"}

        def export() -> float:
            bundle.unlink(missing_ok=True)
            return run_process([program, "export", folder, "--output", bundle, "--no-scan", "--json"]).seconds

        def redact() -> float:
            redacted.unlink(missing_ok=True)
            command: list[str | Path] = [
                program,
                "redact",
                folder,
                "--policy",
                policy,
                "--output",
                redacted,
                "--no-scan",
                "--json",
            ]
            done = run_process(command, None, **home)
            peaks.append(done.peak_bytes)
            return done.seconds

        peaks: list[int] = []
        sides: dict[str, Callable[[], float]] = {"awo redact (s)": redact, "awo export (s)": export}
        medians = in_turns(sides, ROUNDS)
        size_bytes = (folder / responses_path(STEP)).stat().st_size
    ratio = medians["awo redact (s)"] / medians["awo export (s)"]
    return Result(
        name=NAME,
        value=ratio,
        unit="ratio",
        limit=LIMIT,
        ratio=ratio,
        medians=medians,
        versions=versions("isal", "msgspec"),
        rounds=ROUNDS,
        notes=[
            f"{RESPONSES} responses of {size_bytes // RESPONSES} bytes; the peak of memory was {max(peaks) >> 20} MB"
        ],
    )


def write_run(folder: Path, responses: int) -> Path:
    """A sealed run of one step with so many responses; gives its folder."""
    chance = random.Random(7)
    words, weights = words_of(chance)
    package = Package([step(STEP)])
    package.start(STEP)
    lines, frames = bytearray(), bytearray()
    for number in range(responses):
        drawn = chance.choices(words, weights, k=PROMPT_WORDS + ANSWER_WORDS)
        line = encode_sorted(_response(number, " ".join(drawn[:PROMPT_WORDS]), " ".join(drawn[PROMPT_WORDS:]), chance))
        package.event(
            ev.CallAnswered,
            step=STEP,
            call=str(number),
            line=number,
            sha256=sha256_hex(line),
            size_bytes=len(line),
            cost="",
            exchange=None,
            recovered=False,
        )
        lines += line + b"\n"
        frames += gzip.compress(line + b"\n", compresslevel=1, mtime=0)
    package.put(responses_path(STEP), bytes(lines))
    package.put(raw_path(1), bytes(frames))
    done = package.put(value_path(STEP), b'{"count": %d}\n' % responses)
    package.event(ev.StepFinished, step=STEP, attempt=1, value=done, files=[])
    package.end("completed")
    return package.freeze().write(folder)


def _response(number: int, prompt: str, text: str, chance: random.Random) -> dict[str, object]:
    return {
        "at": "2026-11-23T06:09:00.000000Z",
        "attempt": 1,
        "backend": "echo",
        "call": str(number),
        "cell": number,
        "cost": "",
        "latency_ms": chance.randint(200, 2000),
        "messages": [{"content": prompt, "images": [], "role": "user"}],
        "model": "echo",
        "model_answered": "echo",
        "model_asked": "echo",
        "params": {"max_tokens": 512, "temperature": "0"},
        "salt": f"{chance.getrandbits(128):032x}",
        "seed": chance.randint(0, 2**31),
        "step": STEP,
        "stop_reason": "stop",
        "text": text,
        "usage": {"completion_tokens": chance.randint(5, 90), "prompt_tokens": chance.randint(5, 90)},
    }


if __name__ == "__main__":
    write_run(Path(sys.argv[1]), RESPONSES)

"""Sealed packages of a wanted size, written without the engine.

`python -m benchmarks.packages FOLDER FILES BYTES ENDING` writes one in a process of its own, whose memory
then counts for nobody else.
"""

from __future__ import annotations

import random
import sys
from pathlib import Path
from string import ascii_lowercase

from tests.vectors.builder import RUN_ID, Package, step

from awo.canon.json import encode_sorted
from awo.evidence import events as ev
from awo.evidence.layout import file_path
from benchmarks.measure import run_process

STEPS = 100
POOL_BYTES = 8 << 20
"""Far more than a compressor looks back, so that pieces of one pool are as good as new text."""


def text_pool(chance: random.Random) -> bytes:
    """JSON lines like those of responses: a salt, some numbers, and words of which few are frequent."""
    words, weights = words_of(chance)
    lines: list[bytes] = []
    length = 0
    while length < POOL_BYTES:
        record = {
            "call": str(len(lines)),
            "model": "echo",
            "salt": f"{chance.getrandbits(128):032x}",
            "step": "ask",
            "text": " ".join(chance.choices(words, weights, k=60)),
            "usage": {"completion_tokens": chance.randint(5, 90), "prompt_tokens": chance.randint(5, 90)},
        }
        lines.append(encode_sorted(record) + b"\n")
        length += len(lines[-1])
    return b"".join(lines)


def words_of(chance: random.Random) -> tuple[list[str], list[float]]:
    """Words of a language that nobody speaks, and how often each of them comes: few are frequent."""
    words = ["".join(chance.choices(ascii_lowercase, k=chance.randint(2, 9))) for _ in range(8000)]
    return words, [1 / rank for rank in range(1, len(words) + 1)]


def make_package(folder: Path, files: int, file_bytes: int, ending: str = "jsonl") -> Path:
    """As `write_package`, in a process of its own."""
    words: list[str | Path] = [sys.executable, "-m", "benchmarks.packages", folder, str(files), str(file_bytes), ending]
    run_process(words, Path(__file__).parents[1])
    return folder / RUN_ID


def write_package(folder: Path, files: int, file_bytes: int, ending: str) -> Path:
    """A sealed run of `STEPS` steps (or one) that share `files` artifacts of this size; gives its folder.

    Of a file whose name ends in `.jsonl` the seal commits to each line alone; of another to the whole.
    """
    chance = random.Random(7)
    pool = text_pool(chance)
    pool *= 1 + file_bytes // len(pool)
    count = min(STEPS, files)
    package = Package([step(f"s{number:03d}") for number in range(count)])
    for number in range(count):
        id_ = f"s{number:03d}"
        package.start(id_)
        refs = []
        for place in range(files // count):
            start = chance.randrange(len(pool) - file_bytes)
            data = pool[start : start + file_bytes]
            refs.append(package.put(file_path(id_, f"{place:05d}.{ending}"), data))
        done = package.put(f"outputs/{id_}/output.json", b'{"files": %d}\n' % len(refs))
        package.event(ev.StepFinished, step=id_, attempt=1, value=done, files=refs)
    package.end("completed")
    return package.freeze().write(folder)


if __name__ == "__main__":
    write_package(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]), sys.argv[4])

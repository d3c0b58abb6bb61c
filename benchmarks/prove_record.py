"""A proof of one record in a run of 1,000,000 records: how long it takes after opening, and what opening takes.

The run is written without the engine, by `python -m benchmarks.prove_record FOLDER RECORDS` in a process of its own.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.vectors.builder import RUN_ID, Package, step
from tests.vectors.record import sha256

from awo.canon.json import canonical, encode_sorted
from awo.evidence import events as ev
from awo.evidence import layout
from awo.evidence.merkle import MerkleTree
from awo.evidence.records import Message, ResponseLine, Seal, Usage
from benchmarks.measure import Broken, Result, awo_program, in_turns, run_process, versions

NAME = "prove_record"
LIMIT = 1.0
RECORDS = 1_000_000
ROUNDS = 3
STEP = "ask"

FLOOR = "import hashlib, sys; hashlib.file_digest(open(sys.argv[1], 'rb'), 'sha256')"


def run() -> Result:
    """The seconds from the opened run to the proof in hand. The ratio is of the whole command to the floor: a Python
    that takes the SHA-256 of the same journal."""
    return measured(RECORDS, ROUNDS)


def measured(records: int, rounds: int) -> Result:
    """As `run`, over a run of that many records."""
    program, proving_s, opening_s = awo_program(), [], []
    with tempfile.TemporaryDirectory(prefix="awo-bench-") as place:
        run_process([sys.executable, "-m", "benchmarks.prove_record", place, str(records)], Path(__file__).parents[1])
        folder, out = Path(place) / RUN_ID, Path(place) / "proof.json"

        def prove() -> float:
            out.unlink(missing_ok=True)
            words = [str(word) for word in (program, "prove", folder, "--record", f"{STEP}:{records // 2}", "-o", out)]
            done = subprocess.run([*words, "--json"], capture_output=True)
            if done.returncode:
                raise Broken(f"`awo prove` ended with {done.returncode}: {done.stdout.decode()[-500:]}")
            said = json.loads(done.stdout)
            proving_s.append(said["proving_s"])
            opening_s.append(said["opening_s"])
            return float(said["opening_s"] + said["proving_s"])

        floor: list[str | Path] = [sys.executable, "-c", FLOOR, folder / layout.JOURNAL]
        sides = {"awo prove, opening and proving (s)": prove, "sha256 of the journal (s)": lambda: _seconds(floor)}
        medians = in_turns(sides, rounds)
        size_bytes = out.stat().st_size
    whole, least = medians.values()
    proving = sorted(proving_s)[len(proving_s) // 2]
    return Result(
        name=NAME,
        value=proving,
        unit="s",
        limit=LIMIT,
        ratio=whole / least,
        medians=medians | {"proving (s)": proving, "opening (s)": sorted(opening_s)[len(opening_s) // 2]},
        versions=versions("cryptography", "msgspec"),
        rounds=rounds,
        notes=(f"{records:,} records, a proof of {size_bytes:,} bytes",),
    )


def _seconds(argv: list[str | Path]) -> float:
    return run_process(argv).seconds


def write_run(folder: Path, records: int) -> Path:
    """A sealed run of one step with that many responses, as far as proofs look at it; gives its folder."""
    package = Package([step(STEP, "llm_map")])
    package.start(STEP)
    package.seal = None
    place, tree, seq = folder / RUN_ID, MerkleTree(), len(package.lines)
    (place / layout.AUDIT).mkdir(parents=True)
    responses = place / layout.responses_path(STEP)
    responses.parent.mkdir(parents=True)
    with (place / layout.JOURNAL).open("wb") as journal, responses.open("wb") as outputs:
        for line in package.lines:
            journal.write(line + b"\n")
            tree.append(line)
        for number in range(records):
            response = _response(number, package.now)
            outputs.write(response + b"\n")
            for event in _events(number, seq, response, package.now):
                line = ev.encode(event)
                journal.write(line + b"\n")
                tree.append(line)
                seq += 1
    _seal(package, place, ev.Checkpoint(size=tree.size, root=tree.root().hex()))
    return place


def _seal(package: Package, place: Path, checkpoint: ev.Checkpoint) -> None:
    from tests.vectors.people import OPERATOR

    package.outcome = "completed"
    package.write_views()
    package.freeze(checkpoint=checkpoint)
    assert isinstance(package.seal, Seal)
    data = canonical(package.seal)
    for path, content in (
        (layout.SEAL, data),
        (layout.SEAL_SIGNATURE, OPERATOR.sign(data, "awo-seal")),
        (layout.ALLOWED_SIGNERS, package.files[layout.ALLOWED_SIGNERS]),
    ):
        (place / path).write_bytes(content)


def _response(number: int, at: str) -> bytes:
    return encode_sorted(
        ResponseLine(
            salt=f"{number:032x}",
            step=STEP,
            call=str(number),
            attempt=1,
            at=at,
            model="echo",
            backend="echo",
            model_asked="echo",
            model_answered="echo",
            messages=[Message(role="user", content=f"question {number}")],
            params={},
            seed=7,
            text=f"answer {number}",
            stop_reason="stop",
            usage=Usage(prompt_tokens=8, completion_tokens=8),
            latency_ms=12,
            cell=number,
        )
    )


def _events(number: int, seq: int, response: bytes, at: str) -> tuple[ev.CallIntended, ev.CallAnswered]:
    call = str(number)
    asked = ev.CallIntended(
        seq=seq,
        at=at,
        step=STEP,
        attempt=1,
        call=call,
        cell=number,
        repeat=0,
        tries=1,
        because="",
        model="echo",
        request_sha256=sha256(call.encode()),
        worst_price="0",
    )
    answered = ev.CallAnswered(
        seq=seq + 1,
        at=at,
        step=STEP,
        call=call,
        line=number,
        sha256=sha256(response),
        size_bytes=len(response),
        cost="0",
        exchange=None,
        recovered=False,
    )
    return asked, answered


if __name__ == "__main__":
    write_run(Path(sys.argv[1]), int(sys.argv[2]))

"""A second core changes how long verifying takes and nothing of what it says, however small the package."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from tests.vectors.builder import RUN_ID
from tests.vectors.make import HERE

from awo.verify.judge import verify

PACKAGES = ("good/fan-out", "good/approved", "bad/EP-1.8", "bad/EP-2.6", "bad/EP-5.1-request", "bad/EP-2.10")
EDITS = ("outputs/greet/responses.jsonl", "outputs/greet/items.jsonl")

# Pytest's own processes may have threads, and then nothing is copied: so in one of its own.
JUDGE = """
import json, sys
from pathlib import Path
from awo.verify import answers, nodes_beside, responses, second_core
for room in (answers, nodes_beside, responses, second_core):
    room.LEAST_BYTES = 0
nodes_beside.LARGE_BYTES, answers.CELLS_AT_ONCE = 0, 1
started, start = [], second_core.Helper.start.__func__
def counted(cls, work):
    helper = start(cls, work)
    started.append(helper is not None)
    return helper
second_core.Helper.start = classmethod(counted)
from awo.verify.judge import verify
said = [verify(Path(path)).as_dict() for path in sys.argv[1:]]
print(json.dumps({"said": said, "copies": sum(started)}))
"""


def beside(paths: list[Path]) -> Any:
    words = [sys.executable, "-c", JUDGE, *map(str, paths)]
    return json.loads(subprocess.run(words, capture_output=True, check=True).stdout)


@pytest.fixture(scope="module")
def packages(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """The packages, and copies of those that verify with a byte changed in the middle of what is cut into lines."""
    top, found = tmp_path_factory.mktemp("edited"), [HERE / name / RUN_ID for name in PACKAGES]
    for number, (name, path) in enumerate((name, path) for name in PACKAGES[:2] for path in EDITS):
        run = HERE / name / RUN_ID
        if (run / path).exists():
            copy = top / str(number) / RUN_ID
            for file in sorted(one for one in run.rglob("*") if one.is_file()):
                place = copy / file.relative_to(run)
                place.parent.mkdir(parents=True, exist_ok=True)
                data = bytearray(file.read_bytes())
                if file == run / path:
                    data[len(data) // 2] ^= 1
                place.write_bytes(data)
            found.append(copy)
    return found


@pytest.mark.skipif(len(os.sched_getaffinity(0)) < 2, reason="one core here: there is no second to compare with")
def test_a_second_core_says_what_one_core_says(packages: list[Path]) -> None:
    answer = beside(packages)
    assert answer["copies"] > len(packages) // 2
    for path, said in zip(packages, answer["said"], strict=True):
        assert said == json.loads(json.dumps(verify(path).as_dict())), path
    verdicts = {said["verdict"] for said in answer["said"]}
    assert verdicts == {"passed", "failed"}

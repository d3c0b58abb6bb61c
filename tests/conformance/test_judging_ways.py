"""A run that fans out is judged alike line by line, many lines at once and with a second core, whatever was forged."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from awo.canon.digest import sha256_hex
from awo.canon.json import encode_sorted
from awo.evidence.layout import (
    DISCLOSURE_KEY,
    JOURNAL,
    REGISTRATION,
    SEAL,
    SEAL_SIGNATURE,
    SUMS,
    items_path,
    responses_path,
)
from awo.evidence.records import ResponseLine
from awo.verify.responses import request_sha256

ROWS = 80
WORKFLOW = {
    "name": "many",
    "inputs": {"rows": {"data": "rows.csv", "id": "id"}},
    "steps": [
        {
            "id": "ask",
            "op": "llm_map",
            "over": "rows",
            "model": "echo",
            "system": "{{ item.tone }}",
            "prompt": "Say {{ item.text }}",
        }
    ],
}
RESPONSES, ITEMS = responses_path("ask"), items_path("ask")
Line = dict[str, Any]


def lines_of(path: Path) -> list[Line]:
    return [json.loads(line) for line in path.read_bytes().splitlines()]


def put(path: Path, lines: list[Line]) -> bytes:
    data = b"".join(encode_sorted(line) + b"\n" for line in lines)
    path.chmod(0o644)
    path.write_bytes(data)
    return data


def forged(folder: Path, change: Callable[[list[Line], list[Line]], None]) -> Path:
    """Whoever has the folder changes responses and items, and makes all else agree with it; there is no seal then."""
    for path in (SEAL, SEAL_SIGNATURE, SUMS, DISCLOSURE_KEY, REGISTRATION):
        (folder / path).unlink()
    responses, items = lines_of(folder / RESPONSES), lines_of(folder / ITEMS)
    change(responses, items)
    named = {RESPONSES: put(folder / RESPONSES, responses), ITEMS: put(folder / ITEMS, items)}
    by_call = {line["call"]: line for line in responses}
    events = lines_of(folder / JOURNAL)
    for event in events:
        if event["kind"] == "call_intended":
            line = json.dumps(by_call[event["call"]])
            response = ResponseLine(**json.loads(line))
            event["request_sha256"] = request_sha256(response, {}) or event["request_sha256"]
        elif event["kind"] == "call_answered":
            data = encode_sorted(by_call[event["call"]])
            event["sha256"], event["size_bytes"] = sha256_hex(data), len(data)
        elif event["kind"] == "step_finished":
            for ref in event["files"]:
                if ref["path"] in named:
                    data = named[ref["path"]]
                    ref["sha256"], ref["size_bytes"] = sha256_hex(data), len(data)
    put(folder / JOURNAL, events)
    return folder


def nothing(responses: list[Line], items: list[Line]) -> None:
    """All is as it was."""


def a_value(responses: list[Line], items: list[Line]) -> None:
    items[70]["value"]["text"] = "what nobody said"


def an_early_value(responses: list[Line], items: list[Line]) -> None:
    items[3]["value"]["text"] = "what nobody said"


def a_seed(responses: list[Line], items: list[Line]) -> None:
    responses[60]["seed"] += 1


def a_prompt(responses: list[Line], items: list[Line]) -> None:
    responses[65]["messages"][-1]["content"] = "Say what I like"


def parameters(responses: list[Line], items: list[Line]) -> None:
    responses[1]["params"] = {"temperature": 0.5}


def an_ending(responses: list[Line], items: list[Line]) -> None:
    responses[77]["stop_reason"] = "length"


def a_row(responses: list[Line], items: list[Line]) -> None:
    items[50]["row"]["text"] = "another text"


def a_call(responses: list[Line], items: list[Line]) -> None:
    items[41]["calls"] = [items[42]["calls"][0]]


def a_schema(responses: list[Line], items: list[Line]) -> None:
    responses[44]["schema_sha256"] = "0" * 64


FORGED = (a_value, an_early_value, a_seed, a_prompt, parameters, an_ending, a_row, a_call, a_schema)


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A sealed run of eighty rows."""
    project = tmp_path_factory.mktemp("project")
    (project / "w.yaml").write_text(json.dumps(WORKFLOW))
    rows = (f"r{n},{'be brief' if n % 3 else ''},row number {n}\n" for n in range(ROWS))
    (project / "rows.csv").write_text("id,tone,text\n" + "".join(rows))
    awo = Path(sys.executable).with_name("awo")
    environment = os.environ | {"XDG_CONFIG_HOME": str(project), "AWO_KEY": "", "AWO_ID": "test@example.org"}
    done = subprocess.run([awo, "run", "w.yaml"], cwd=project, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return next((project / "runs").glob("run_*"))


@pytest.fixture(scope="module")
def spoilt(run: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The run as it is, forged in each way, and with bytes changed under its seal."""
    folders = {"sealed": run}

    def copy(name: str) -> Path:
        folders[name] = Path(shutil.copytree(run, tmp_path_factory.mktemp(name) / run.name))
        return folders[name]

    for change in (nothing, *FORGED):
        forged(copy(change.__name__), change)
    for path in (RESPONSES, ITEMS):
        for share in (0.2, 0.5, 0.9):
            file = copy(f"{path} at {share}".replace("/", "-")) / path
            data = bytearray(file.read_bytes())
            data[int(len(data) * share)] ^= 1
            file.chmod(0o644)
            file.write_bytes(data)
    file = copy("cut") / RESPONSES
    file.chmod(0o644)
    file.write_bytes(b"".join(file.read_bytes().splitlines(keepends=True)[:60]))
    return folders


@pytest.fixture(scope="module")
def judged(spoilt: dict[str, Path]) -> dict[str, Any]:
    """What the judge says of each folder, by its ways of reading."""
    words = [sys.executable, "-m", "tests.conformance.judging_ways", *map(str, spoilt.values())]
    done = subprocess.run(words, cwd=Path(__file__).parents[2], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return dict(zip(spoilt, map(json.loads, done.stdout.splitlines()), strict=True))


def test_every_way_says_the_same_of_every_folder(judged: dict[str, Any]) -> None:
    for name, ways in judged.items():
        assert ways["lines"] == ways["blocks"], name
        assert ways["lines"] == ways["beside"], name


def test_copies_of_the_process_have_a_part_in_it(judged: dict[str, Any]) -> None:
    assert judged["sealed"]["copies"] == 3
    assert judged["nothing"]["copies"] == 2


def test_what_is_as_usual_is_never_looked_at_cell_by_cell(judged: dict[str, Any]) -> None:
    assert judged["sealed"]["usual"] == judged["nothing"]["usual"] == 1
    assert judged["a_seed"]["usual"] == 0


def test_the_run_is_right_and_what_was_forged_in_it_is_found(judged: dict[str, Any]) -> None:
    for name in ("sealed", "nothing"):
        assert [one for one in judged[name]["beside"] if one[1] == "failed"] == []
    for change in FORGED:
        failed = {one[0] for one in judged[change.__name__]["beside"] if one[1] == "failed"}
        assert failed & {"EP-5.1", "EP-1.8", "EP-1.6"}, change.__name__

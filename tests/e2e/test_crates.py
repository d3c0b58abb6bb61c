"""Real runs as RO-Crates: the official validator accepts them, and they say what is in the archive and nothing else.

One run of each sort is made by the engine, others are vectors. The validator judges all of them in one process.
"""

from __future__ import annotations

import json
import shutil
import stat
import subprocess
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest
from tests.e2e.installed import Project, of_kind, writable
from tests.peers import peer_python
from tests.unit.crates import entities, refuse_loose_ends, said, typed
from tests.unit.test_ro_crate import FULL

from awo.canon.digest import sha256_hex
from awo.errors import EvidenceError, UsageError
from awo.evidence.layout import BESIDE, CRATE
from awo.publish.about.shapes import NOTHING, About
from awo.publish.described.reading import describe
from awo.publish.forms.ro_crate.form import CrateZip
from awo.publish.forms.seam import Wanted

JUDGE = Path(__file__).parents[1] / "conformance" / "crate_judge.py"
VECTORS = Path(__file__).parents[1] / "vectors" / "good"
OF_VECTORS = ("failed", "claimed", "panel")
KNOWN_CHECK = "process-run-crate-0.5_5.1"
"""It wants the id of every application, the workflow among them, to begin with http, while the main workflow has to be
a file of the crate: no crate that holds its workflow can pass (crs4/rocrate-validator, issue 51)."""
FLOW: dict[str, Any] = {
    "name": "Two models & a count",
    "inputs": {"rows": {"data": "rows.csv", "id": "id"}, "length": 3},
    "models": {
        "plain": {"backend": "echo", "model": "echo", "params": {"temperature": 0.5}},
        "loud/2:b": {"backend": "upper", "model": "upper", "seed": 3},
    },
    "steps": [
        {
            "id": "ask",
            "op": "fanout_generate",
            "over": "rows",
            "prompt": "{{ item.text }}",
            "models": ["plain", "loud/2:b"],
        },
        {"id": "count", "op": "command", "argv": ["echo", "three rows"], "needs": ["ask"]},
        {"id": "scores", "op": "score", "of": "ask", "scores": {"short": {"kind": "length"}}},
        {"id": "later", "op": "write_text", "path": "a%20b #1.txt", "text": "x", "needs": ["count"]},
    ],
}


@dataclass(frozen=True)
class Made:
    """A crate of a run that lies in `folder`."""

    folder: Path
    crate: Path


def make(folder: Path, out: Path, about: About) -> Made:
    wanted = Wanted(folder, out, describe(folder), about)
    return Made(folder, CrateZip().write(wanted).path)


@pytest.fixture(scope="module")
def made(at_gate_once: Project, sealed_once: Project, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Made]:
    """The crates by the name of their story."""
    place = tmp_path_factory.mktemp("crates")
    rejected = at_gate_once.copy(place / "rejected")
    rejected.reject().expect(0)
    two = Project(place / "two")
    two.write("rows.csv", "id,text\n1,Good\n2,bad day\n3,level\n")
    two.write("flow.json", json.dumps(FLOW))
    two.awo("run", "flow.json").expect(0)
    runs = {"approved": sealed_once.latest(), "rejected": rejected.latest(), "two models": two.latest()}
    runs |= {f"vector {name}": next((VECTORS / name).glob("run_*")) for name in OF_VECTORS}
    return {
        name: make(folder, place / f"{number}.crate.zip", FULL if number % 2 else NOTHING)
        for number, (name, folder) in enumerate(runs.items())
    }


def test_the_official_validator_accepts_every_crate_at_recommended_level(made: dict[str, Made], tmp_path: Path) -> None:
    broken = tmp_path / "broken"
    with zipfile.ZipFile(made["vector failed"].crate) as archive:
        archive.extractall(broken)
    (broken / CRATE).write_bytes((broken / CRATE).read_bytes().replace(b'"agent"', b'"result"'))
    crates = [one.crate for one in made.values()]
    done = subprocess.run([peer_python(), JUDGE, tmp_path / "cache", *crates, broken], capture_output=True, timeout=300)
    assert done.returncode == 0, done.stderr.decode()[-4000:]
    found = json.loads(done.stdout.splitlines()[-1])
    assert found[str(broken)], "a broken crate passed"
    for name, one in made.items():
        others = [issue for issue in found[str(one.crate)] if issue["check"] != KNOWN_CHECK]
        assert not others, (name, others)


def test_every_file_of_an_archive_is_described_with_its_own_size_and_digest(made: dict[str, Made]) -> None:
    for one in made.values():
        with zipfile.ZipFile(one.crate) as archive:
            members = {info.filename: archive.read(info) for info in archive.infolist()}
        found = entities(members.pop(CRATE))
        refuse_loose_ends(found)
        described = {unquote(entity["@id"]): entity for entity in typed(found, "File")}
        files = {name: data for name, data in members.items() if not name.endswith("/")}
        assert set(described) == set(files)
        assert {unquote(entity["@id"]) for entity in typed(found, "Dataset")} - {"./"} == set(members) - set(files)
        for name, data in files.items():
            assert described[name]["sha256"] == sha256_hex(data), name
            assert described[name]["contentSize"] == str(len(data))


def test_the_archive_is_the_crate_then_the_run_then_what_is_about_it_at_one_time(made: dict[str, Made]) -> None:
    one = made["approved"]
    with zipfile.ZipFile(one.crate) as archive:
        infos = archive.infolist()
        assert archive.testzip() is None
    names = [info.filename for info in infos]
    inside = [name for name in names if "/" in name]
    assert names == [CRATE, *inside, *[name for name in BESIDE if name in names and name != CRATE]]
    assert inside[:3] == [f"{one.folder.name}/{name}" for name in ("", "audit/", "audit/seal.json")]
    assert {info.date_time for info in infos} == {infos[0].date_time}
    modes = {(info.is_dir(), stat.filemode(info.external_attr >> 16)) for info in infos}
    assert modes == {(False, "-rw-r--r--"), (True, "drwxr-xr-x")}


def test_counts_of_calls_are_those_of_the_journal(made: dict[str, Made]) -> None:
    for name in ("two models", "approved", "vector failed"):
        one = made[name]
        with zipfile.ZipFile(one.crate) as archive:
            found = entities(archive.read(CRATE))
        models = {event["call"]: (event["step"], event["model"]) for event in of_kind(one.folder, "call_intended")}
        for kind, word in (("call_answered", "calls answered"), ("call_failed", "calls failed")):
            counted: dict[str, int] = {}
            for event in of_kind(one.folder, kind):
                step, model = models[event["call"]]
                label = f"Calls of {step} to {model}"
                counted[label] = counted.get(label, 0) + 1
            groups = [entity for id_, entity in found.items() if id_.startswith("#calls/")]
            assert groups
            for entity in groups:
                assert said(found, entity)[word] == counted.get(entity["name"], 0)


def test_a_crate_that_is_made_twice_has_the_same_bytes_and_overwrites_nothing(
    made: dict[str, Made], tmp_path: Path
) -> None:
    one = made["two models"]
    again = make(one.folder, tmp_path / "again.zip", NOTHING)
    assert again.crate.read_bytes() == one.crate.read_bytes()
    make(one.folder, tmp_path / "again.zip", NOTHING)
    with pytest.raises(UsageError):
        make(one.folder, tmp_path / "again.zip", FULL)


def test_a_file_that_is_not_the_sealed_one_stops_the_archive(made: dict[str, Made], tmp_path: Path) -> None:
    folder = tmp_path / made["two models"].folder.name
    shutil.copytree(made["two models"].folder, folder)
    writable(folder)
    report = folder / "report.md"
    report.write_bytes(report.read_bytes().replace(b"a", b"b", 1))
    with pytest.raises(EvidenceError):
        make(folder, tmp_path / "altered.zip", NOTHING)
    assert not list(tmp_path.glob("*altered*"))

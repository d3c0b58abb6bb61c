"""Go's own packages for signed notes and transparency logs read what AWO writes, and accept what it proves."""

from __future__ import annotations

import base64
import os
import shutil
import subprocess
from pathlib import Path

import pytest
from tests.unit.ledger_entries import started

from awo.ledger.log import Ledger

SOURCE = Path(__file__).parent / "go" / "ledger.go"
GO = {"GO111MODULE": "off", "GOPATH": "/usr/share/gocode", "GOFLAGS": "", "GOTOOLCHAIN": "local"}
STEPS = (1, 254, 1, 3, 255)
"""How many entries are made at once; the sum leaves one full tile, a partial one, and a level above."""


@pytest.fixture(scope="session")
def go_reader(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Our program in Go, compiled once."""
    top = tmp_path_factory.mktemp("go")
    shutil.copy(SOURCE, top / "ledger.go")
    cache = Path(os.environ.get("GOCACHE", "/tmp/awo-go-cache"))
    environment = os.environ | GO | {"GOCACHE": str(cache)}
    made = subprocess.run(
        ["go", "build", "-o", "ledger", "ledger.go"], cwd=top, env=environment, capture_output=True, text=True
    )
    assert made.returncode == 0, made.stderr
    return top / "ledger"


@pytest.fixture(scope="module")
def grown(tmp_path_factory: pytest.TempPathFactory) -> tuple[Ledger, list[tuple[int, str]]]:
    """A ledger, and its size and root (base64) after each step."""
    top = tmp_path_factory.mktemp("ledger")
    ledger = Ledger(top / "ledger", top / "keys", "A project")
    states: list[tuple[int, str]] = []
    made = 0
    for count in STEPS:
        ledger.append(*(started(number) for number in range(made, made + count)))
        made += count
        signed = ledger.reader().signed
        assert signed is not None
        states.append((signed.state.size, base64.b64encode(signed.state.root).decode()))
    return ledger, states


def read(reader: Path, ledger: Ledger, size: int, root: str, *indices: int) -> subprocess.CompletedProcess[str]:
    vkey = (ledger.folder / "keys").read_text().strip()
    words = [str(reader), str(ledger.folder), vkey, str(size), root, *map(str, indices)]
    return subprocess.run(words, capture_output=True, text=True)


def test_go_reads_checkpoint_tiles_and_entries_and_proves_every_step(
    go_reader: Path, grown: tuple[Ledger, list[tuple[int, str]]]
) -> None:
    ledger, states = grown
    total = sum(STEPS)
    for size, root in states:
        done = read(go_reader, ledger, size, root, 0, 1, 255, 256, total - 1)
        assert (done.returncode, done.stdout) == (0, f"ok {total}\n"), done.stderr


def test_go_refuses_another_beginning(go_reader: Path, grown: tuple[Ledger, list[tuple[int, str]]]) -> None:
    ledger, states = grown
    assert read(go_reader, ledger, states[0][0], states[1][1]).returncode == 1


def test_go_refuses_an_altered_entry_and_an_altered_tile(
    go_reader: Path, grown: tuple[Ledger, list[tuple[int, str]]], tmp_path: Path
) -> None:
    ledger, states = grown
    for path in ("tile/entries/000", "tile/0/000"):
        copy = Ledger(tmp_path / path.replace("/", "-"), ledger.keys, ledger.project)
        shutil.copytree(ledger.folder, copy.folder)
        data = bytearray((copy.folder / path).read_bytes())
        data[40] ^= 1
        (copy.folder / path).write_bytes(data)
        assert read(go_reader, copy, *states[-1], 0).returncode == 1


def test_our_inclusion_proofs_are_those_of_go(go_reader: Path, grown: tuple[Ledger, list[tuple[int, str]]]) -> None:
    """Go proves each entry from our tiles against the same root that our proofs lead to (`proofs` checks that)."""
    ledger, states = grown
    reader = ledger.reader()
    entries = list(reader.entries())[253:258]
    assert len(reader.proofs(entries)) == 5
    done = read(go_reader, ledger, *states[-1], *(one.index for one in entries))
    assert done.returncode == 0, done.stderr

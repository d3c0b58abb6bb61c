"""A project with a ledger, and real witnesses in processes of their own on free ports of this machine."""

from __future__ import annotations

import contextlib
import json
import shutil
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tests.e2e.installed import AWO, LONGEST_WAIT_S, Project

from awo.evidence.ledger import RunEntered
from awo.evidence.merkle_proofs import consistency_path
from awo.ledger.add_checkpoint import AddCheckpoint
from awo.ledger.log import Ledger
from awo.publish.witnesses import WitnessAt
from awo.sign.note import VerifierKey

NAME = "example.org/witness"


class Running:
    """A witness that answers: its URL, its keys, and the process that it is."""

    def __init__(self, process: subprocess.Popen[bytes], said: dict[str, Any]) -> None:
        self.process = process
        self.url: str = said["url"]
        self.vkeys: list[str] = said["keys"]

    @property
    def at(self) -> WitnessAt:
        return WitnessAt(self.url, tuple(VerifierKey.parse(vkey, where="") for vkey in self.vkeys))

    def stop(self) -> int:
        """Asks it to end, as a service manager does; its exit code."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(LONGEST_WAIT_S)

    def kill(self) -> None:
        self.process.kill()
        self.process.wait(LONGEST_WAIT_S)


class Witnessed:
    """The project, its ledger and what the witness keeps, all below `top`."""

    def __init__(self, top: Path) -> None:
        self.project = Project(top)
        self.state = top / "witness"
        self.keys = top / "config" / "awo" / "keys" / "ledger"
        self.ledger = Ledger(self.project.runs / "ledger", self.keys, "project")

    def grow(self, count: int, word: str = "0") -> int:
        """Enters as many runs as this, and gives the new size. Another `word` gives other entries."""
        self.ledger.append(
            *(
                RunEntered(
                    format="awo/ledger-entry/v1",
                    run_id=f"run_2026-01-02T03-04-{number:02d}Z",
                    at="2026-01-02T03:04:05.000000Z",
                    input_sha256=word * 64,
                    journal_sha256=word * 64,
                    supersedes="",
                )
                for number in range(count)
            )
        )
        return self.ledger.reader().size

    def request(self, old: int) -> AddCheckpoint:
        """What the client would send now to a witness that knows the tree of `old` entries."""
        reader = self.ledger.reader()
        assert reader.signed is not None
        proof = consistency_path(old, reader.size, reader.tree.root_of)
        return AddCheckpoint(old, tuple(proof), reader.signed.note.encode())

    def save(self) -> None:
        """Keeps a copy of all that this machine has of the ledger."""
        for name, folder in self._own.items():
            shutil.copytree(folder, self.project.top / "saved" / name, dirs_exist_ok=True)

    def put_back(self) -> None:
        """Puts that copy in the place of what is there: all of it, so that nothing here remembers more."""
        for name, folder in self._own.items():
            shutil.rmtree(folder)
            shutil.copytree(self.project.top / "saved" / name, folder)

    @property
    def _own(self) -> dict[str, Path]:
        return {"ledger": self.ledger.folder, "keys": self.keys}

    def command(self, *more: str) -> list[str | Path]:
        """`awo ledger witness` on a free port, watching this ledger."""
        key, logs = self.project.top / "keys" / "witness", self.ledger.folder / "keys"
        listen = ["--listen", "127.0.0.1:0"]
        return ["ledger", "witness", "--state", self.state, "--key", key, "--name", NAME, "--log", logs, *listen, *more]

    @contextlib.contextmanager
    def witness(self, *more: str) -> Iterator[Running]:
        """A witness that listens; it does not outlive the block."""
        with (
            (self.project.top / "witness.log").open("ab") as log,
            subprocess.Popen(
                [AWO, *self.command("--json", *more)],
                cwd=self.project.root,
                env=self.project.environment,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=log,
            ) as process,
        ):
            try:
                assert process.stdout is not None
                said = b""
                while (line := process.stdout.readline()) and line != b"}\n":
                    said += line
                assert line, (said, self.told())
                yield Running(process, json.loads(said + line))
            finally:
                process.kill()

    def told(self) -> str:
        """What the witness has said of requests."""
        return (self.project.top / "witness.log").read_text()

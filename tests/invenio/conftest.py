"""InvenioRDM's own application, started once for all tests that publish to it."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from tests.invenio.cutting import Relay, relay_to

PYTHON = Path(__file__).resolve().parents[2] / ".venv-invenio" / "bin" / "python"
SERVER = Path(__file__).with_name("server.py")


@dataclass(frozen=True)
class Running:
    """The application on this machine, and the token of its one user."""

    port: int
    token: str


@pytest.fixture(scope="session")
def invenio(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """The real application: `make invenio` installs it, and a test without it fails."""
    assert PYTHON.is_file(), "InvenioRDM is missing in .venv-invenio; next: make invenio"
    folder = tmp_path_factory.mktemp("invenio")
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            [PYTHON, SERVER, folder], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log, cwd=folder
        )
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            line = process.stdout.readline()
            assert line, (folder / "log").read_text()[-4000:]
            said = json.loads(line)
            yield Running(said["port"], said["token"])
        finally:
            process.stdin.close()
            process.wait(timeout=30)
            process.stdout.close()


@pytest.fixture
def relay(invenio: Running) -> Iterator[Relay]:
    """A relay in front of the application, all of which passes until a test cuts it."""
    with relay_to(invenio.port) as found:
        yield found

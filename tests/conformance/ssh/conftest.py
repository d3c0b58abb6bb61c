"""Keys made by the real ssh-keygen, and a real ssh-agent."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from tests.conformance.ssh.openssh import KINDS, PASSPHRASE, Keys, ssh_keygen


@pytest.fixture(scope="session")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Keys:
    folder = tmp_path_factory.mktemp("keys")
    for kind, options in KINDS.items():
        assert ssh_keygen("-q", *options, "-N", "", "-C", f"the {kind} key", "-f", folder / kind).returncode == 0
    assert ssh_keygen("-q", "-t", "ed25519", "-N", PASSPHRASE, "-f", folder / "locked").returncode == 0
    return Keys(folder)


@pytest.fixture
def agent(keys: Keys, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str], None]]:
    """A real ssh-agent; the value adds a key to it."""
    started = subprocess.run(
        ["ssh-agent", "-s", "-a", str(tmp_path / "agent")], capture_output=True, text=True, check=True
    )
    number = re.search(r"SSH_AGENT_PID=(\d+)", started.stdout)
    assert number is not None
    monkeypatch.setenv("SSH_AUTH_SOCK", str(tmp_path / "agent"))

    def add(kind: str) -> None:
        subprocess.run(
            ["ssh-add", "-q", str(keys.path(kind))], check=True, capture_output=True, stdin=subprocess.DEVNULL
        )

    yield add
    os.kill(int(number[1]), 15)

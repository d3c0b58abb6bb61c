"""What a command loads: whoever has no gate does not wait for the rooms of gates."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

RUN = """
import sys
from awo.cli.main import _run
code = _run(sys.argv[1:])
print(*sorted(sys.modules), file=sys.stderr)
sys.exit(code)
"""
OF_SCANS = {"detect_secrets", "phonenumbers", "stdnum", "awo.publish.scan"}
OF_STAMPS = {"rfc3161_client", "awo.sign.timestamp", "awo.publish.stamping"}
OF_WITNESSES = {"aiohttp", "awo.web.witness_server", "awo.publish.witnesses", "awo.publish.post"}
OF_REDACTIONS = {"awo.withhold", "awo.publish.redacted", "awo.seal.erase"}
SMALL = {"awo.canon", "awo.canon.usd", "awo.errors", "awo.plugins"}
OF_GATES = {"awo.engine.decide", "awo.gate.policy", "awo.gate.role", "awo.gate.votes", "awo.derive.report.panels"}
WORKFLOW = {
    "name": "no gate",
    "models": {"one": {"backend": "echo", "model": "echo"}},
    "steps": [{"id": "ask", "op": "llm_map", "model": "one", "prompt": "Hello"}],
}


def loaded(folder: Path, *words: str) -> set[str]:
    """The modules that one command has loaded when it ends."""
    done = subprocess.run(
        [sys.executable, "-c", RUN, *words], cwd=folder, capture_output=True, text=True, check=True, timeout=60
    )
    return set(done.stderr.splitlines()[-1].split())


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("HOME", "XDG_CONFIG_HOME", "XDG_STATE_HOME"):
        monkeypatch.setenv(name, str(tmp_path / "home"))
    (tmp_path / "flow.json").write_text(json.dumps(WORKFLOW))
    return tmp_path


def test_a_run_without_gates_loads_nothing_that_only_gates_need(project: Path) -> None:
    rooms = loaded(project, "run", "flow.json")
    assert "awo.engine.run" in rooms
    assert rooms & OF_GATES == set()


def test_asking_how_to_run_loads_no_score(project: Path) -> None:
    rooms = loaded(project, "run", "--help")
    assert "awo.engine.run" in rooms
    assert {room for room in rooms if room.startswith(("awo.derive.scores", "awo.engine.registration"))} == set()


def test_a_decision_loads_no_questions_for_a_terminal_and_no_chapters_that_few_reports_have(project: Path) -> None:
    rooms = loaded(project, "approve", "--help")
    assert "awo.engine.decide" in rooms
    assert rooms & {"awo.cli.asking", "awo.derive.report.panels", "awo.derive.report.refutations"} == set()


@pytest.mark.parametrize("words", [["--version"], ["--help"]])
def test_asking_what_there_is_loads_next_to_nothing(project: Path, words: list[str]) -> None:
    rooms = loaded(project, *words)
    assert {room for room in rooms if room.startswith("awo.") and not room.startswith("awo.cli")} <= SMALL
    assert rooms & {"msgspec", "cryptography", "asyncio", "ssl"} == set()


def test_a_run_its_check_and_its_bundle_load_nothing_that_strangers_to_them_need(project: Path) -> None:
    of_run = loaded(project, "run", "flow.json")
    assert {"awo.engine.run", "awo.seal.registering"} <= of_run
    assert of_run & {"rfc3161_client", *OF_SCANS, *OF_WITNESSES, *OF_REDACTIONS} == set()
    of_check = loaded(project, "verify", "latest")
    assert "awo.verify.integrity" in of_check
    assert of_check & {"asyncio", "awo.engine.run", *OF_SCANS, *OF_STAMPS, *OF_WITNESSES, *OF_REDACTIONS} == set()
    of_bundle = loaded(project, "export", "latest", "--no-scan")
    assert "awo.publish.bundle" in of_bundle
    assert of_bundle & {"ssl", "awo.sign.note", "awo.ledger", *OF_SCANS, *OF_STAMPS, *OF_WITNESSES} == set()
    assert of_bundle & OF_REDACTIONS == set()
    of_scan = loaded(project, "scan", "latest")
    assert "awo.publish.scan" in of_scan  # or the rule above would hold by itself
    assert of_scan & {*OF_STAMPS, *OF_WITNESSES, "awo.publish.bundle"} == set()

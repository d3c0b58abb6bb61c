"""What shows that a person was there, with the real ssh-agent, the real ssh-add and the real ssh-keygen."""

from __future__ import annotations

import json
import os
import re
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from tests.conformance.engine.a_gate import REVIEWER, STEPS, AtGate, start
from tests.conformance.ssh.openssh import ALICE, MESSAGE, Judge, nobody, ssh_keygen
from tests.fake_agent import listening
from tests.security_key import NOT_TOUCHED, TOUCHED, SecurityKey

from awo import api
from awo.cli.places import passphrase_for
from awo.engine.decide import Choice
from awo.errors import AwoError, CannotCheck, UsageError
from awo.evidence.layout import JOURNAL
from awo.sign import sshsig
from awo.sign.allowed_signers import line_for
from awo.sign.namespaces import DECISION
from awo.sign.open import open_signer
from awo.sign.sshkeys import SK_ECDSA, SK_ED25519, PublicKey

PASSPHRASE = "correct horse"


@dataclass(frozen=True)
class Agent:
    """A real ssh-agent. What it is answered when it asks stands in the file `answer`."""

    folder: Path

    def says(self, answer: str) -> None:
        (self.folder / "answer").write_text(answer)

    def asked(self) -> str:
        """The questions that the agent, or ssh-add, put to the person so far."""
        log = self.folder / "asked"
        return log.read_text() if log.exists() else ""

    def tell(self, *arguments: str | Path) -> None:
        done = subprocess.run(["ssh-add", *map(str, arguments)], stdin=subprocess.DEVNULL, capture_output=True)
        assert done.returncode == 0, done.stderr


@pytest.fixture
def agent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Agent]:
    """An agent with nothing in it, whose questions a script answers."""
    folder = tmp_path / "agent"
    folder.mkdir()
    script = folder / "ask"
    script.write_text(f'#!/bin/sh\necho "$1" >> {folder}/asked\ncat {folder}/answer\ngrep -qv "^no$" {folder}/answer\n')
    script.chmod(0o755)
    monkeypatch.setenv("SSH_ASKPASS", str(script))
    monkeypatch.setenv("SSH_ASKPASS_REQUIRE", "force")
    monkeypatch.setenv("DISPLAY", ":0")  # the agent asks nobody where it sees no screen
    socket = folder / "s"
    started = subprocess.run(["ssh-agent", "-s", "-a", str(socket)], capture_output=True, text=True, check=True)
    number = re.search(r"SSH_AGENT_PID=(\d+)", started.stdout)
    assert number is not None
    monkeypatch.setenv("SSH_AUTH_SOCK", str(socket))
    found = Agent(folder)
    found.says("yes")
    yield found
    os.kill(int(number[1]), 15)


@pytest.fixture
def key(tmp_path: Path) -> Path:
    """A private key that ssh-keygen made, without a passphrase."""
    path = tmp_path / "id"
    assert ssh_keygen("-q", "-t", "ed25519", "-N", "", "-C", ALICE, "-f", path).returncode == 0
    return path


def public(key: Path) -> Path:
    return key.with_name(key.name + ".pub")


def holds(armored: bytes, key: PublicKey, folder: Path) -> bool:
    """What the real ssh-keygen says of a signature of Alice."""
    return Judge(folder, line_for(ALICE, key, [DECISION]) + "\n")(armored, MESSAGE)


def test_a_key_that_was_added_plainly_signs_and_nobody_is_asked(agent: Agent, key: Path, tmp_path: Path) -> None:
    agent.tell(key)
    signer = open_signer(public(key), nobody)
    assert signer.presence == "agent"
    assert holds(signer.sign(MESSAGE, DECISION), signer.key, tmp_path)
    assert agent.asked() == ""


def test_a_key_that_is_confirmed_signs_after_a_yes_and_the_record_looks_the_same(
    agent: Agent, key: Path, tmp_path: Path
) -> None:
    agent.tell("-c", key)
    signer = open_signer(public(key), nobody)
    assert signer.presence == "agent"
    assert holds(signer.sign(MESSAGE, DECISION), signer.key, tmp_path)
    assert signer.key.fingerprint in agent.asked()


def test_a_no_to_the_agent_is_one_clear_error(agent: Agent, key: Path) -> None:
    agent.tell("-c", key)
    agent.says("no")
    with pytest.raises(CannotCheck, match="the ssh-agent refused to sign with SHA256:") as caught:
        open_signer(public(key), nobody).sign(MESSAGE, DECISION)
    assert "yes" in caught.value.hint
    assert agent.asked() != ""


def test_a_locked_agent_does_not_sign_and_the_next_step_unlocks_it(agent: Agent, key: Path, tmp_path: Path) -> None:
    agent.tell(key)
    agent.says(PASSPHRASE)
    agent.tell("-x")
    signer = open_signer(public(key), nobody)
    with pytest.raises(CannotCheck, match="the ssh-agent did not sign") as caught:
        signer.sign(MESSAGE, DECISION)
    assert "ssh-add -X" in caught.value.hint
    agent.tell("-X")
    assert holds(signer.sign(MESSAGE, DECISION), signer.key, tmp_path)


def test_a_socket_that_no_agent_listens_on_any_more_is_one_clear_error(
    key: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSH_AUTH_SOCK", str(tmp_path / "gone"))
    with pytest.raises(CannotCheck, match="the ssh-agent did not sign"):
        open_signer(public(key), nobody).sign(MESSAGE, DECISION)


def test_without_any_agent_there_is_one_clear_error(key: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SSH_AUTH_SOCK", raising=False)
    with pytest.raises(CannotCheck, match="no ssh-agent is running here"):
        open_signer(public(key), nobody).sign(MESSAGE, DECISION)


@pytest.mark.parametrize("algorithm", [SK_ED25519, SK_ECDSA])
def test_a_security_key_behind_an_agent_signs_with_its_touch(
    algorithm: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    device = SecurityKey(algorithm, seed=11)
    named = a_public_file(device, tmp_path)
    monkeypatch.setenv("SSH_AUTH_SOCK", str(tmp_path / "s"))
    with listening(device, TOUCHED, tmp_path / "s") as agent:
        signer = open_signer(named, nobody)
        armored = signer.sign(MESSAGE, DECISION)
    assert (signer.presence, agent.signed) == ("touch", 1)
    assert sshsig.verify(armored, MESSAGE, DECISION, where="test").presence == "touch"
    assert holds(armored, device.key, tmp_path)


@pytest.mark.parametrize("algorithm", [SK_ED25519, SK_ECDSA])
def test_a_security_key_that_nobody_touched_is_refused_although_ssh_keygen_accepts_it(
    algorithm: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    device = SecurityKey(algorithm, seed=11)
    named = a_public_file(device, tmp_path)
    monkeypatch.setenv("SSH_AUTH_SOCK", str(tmp_path / "s"))
    with listening(device, NOT_TOUCHED, tmp_path / "s") as agent:
        with pytest.raises(UsageError) as caught:
            open_signer(named, nobody).sign(MESSAGE, DECISION)
        assert agent.signed == 1
        by_hand = ssh_keygen("-Y", "sign", "-n", DECISION, "-f", named, data=MESSAGE)
    assert "without being touched" in caught.value.got
    assert holds(by_hand.stdout, device.key, tmp_path)


def test_a_security_key_that_neither_agent_nor_file_has_is_told_with_the_next_step(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    named = a_public_file(SecurityKey(SK_ED25519, seed=11), tmp_path)
    monkeypatch.setenv("SSH_AUTH_SOCK", str(tmp_path / "s"))
    with (
        listening(SecurityKey(SK_ED25519, seed=12), TOUCHED, tmp_path / "s") as agent,
        pytest.raises(CannotCheck, match="ssh-keygen could not sign") as caught,
    ):
        open_signer(named, nobody).sign(MESSAGE, DECISION)
    assert agent.signed == 0
    assert "ssh-add" in caught.value.hint


def a_public_file(device: SecurityKey, folder: Path) -> Path:
    path = folder / "id_sk.pub"
    path.write_text(f"{device.key.line} {ALICE}\n")
    return path


@pytest.mark.parametrize("kind", ["ed25519", "ecdsa", "rsa"])
def test_the_right_passphrase_opens_a_key_of_ssh_keygen_and_a_wrong_one_does_not(kind: str, tmp_path: Path) -> None:
    path = tmp_path / "locked"
    assert ssh_keygen("-q", "-t", kind, "-N", PASSPHRASE, "-f", path).returncode == 0
    signer = open_signer(path, lambda: PASSPHRASE)
    assert signer.presence == "passphrase"
    assert holds(signer.sign(MESSAGE, DECISION), signer.key, tmp_path)
    with pytest.raises(UsageError, match="the passphrase does not open this key"):
        open_signer(path, lambda: "incorrect horse")


def test_a_passphrase_that_came_from_a_file_opens_the_key_and_proves_no_presence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "locked"
    assert ssh_keygen("-q", "-t", "ed25519", "-N", PASSPHRASE, "-f", path).returncode == 0
    (tmp_path / "words").write_text(f"{PASSPHRASE}\n")
    monkeypatch.setenv("AWO_KEY_PASSPHRASE_FILE", str(tmp_path / "words"))
    signer = open_signer(path, passphrase_for(path))
    assert signer.presence == "not proved"
    assert holds(signer.sign(MESSAGE, DECISION), signer.key, tmp_path)


def test_a_key_without_a_passphrase_proves_no_presence_and_says_so(key: Path, tmp_path: Path) -> None:
    signer = open_signer(key, nobody)
    assert signer.presence == "not proved"
    assert holds(signer.sign(MESSAGE, DECISION), signer.key, tmp_path)


# --- at a gate --------------------------------------------------------------------------------------


@pytest.fixture
def waiting(tmp_path: Path) -> AtGate:
    """A run that waits at its gate; the reviewer has the key file REVIEWER."""
    top = tmp_path / "project"
    top.mkdir()
    return start(top, STEPS)


def approve(gate: AtGate, key: Path) -> None:
    choice = Choice(verdict="approve", signer_id=REVIEWER, meaning="approval", answers=["read=yes"], comment="because")
    api.decide(gate.project, gate.run, choice, lambda: open_signer(key, lambda: "incorrect horse"))


def decisions(gate: AtGate) -> list[tuple[str, str]]:
    """Each attempt to decide that the journal has: its kind, and the code of the refusal."""
    events = [json.loads(line) for line in (gate.run / JOURNAL).read_bytes().splitlines()]
    return [
        (event["kind"], event.get("reason", {}).get("code", ""))
        for event in events
        if event["kind"] in ("decision_recorded", "decision_refused")
    ]


def test_a_no_to_the_agent_is_on_record_at_the_gate_and_a_yes_after_it_counts(
    agent: Agent, waiting: AtGate, tmp_path: Path
) -> None:
    reviewer = tmp_path / "project" / REVIEWER
    agent.tell("-c", reviewer)
    agent.says("no")
    with pytest.raises(CannotCheck, match="refused to sign"):
        approve(waiting, public(reviewer))
    assert decisions(waiting) == [("decision_refused", "key_not_opened")]
    agent.says("yes")
    approve(waiting, public(reviewer))
    assert decisions(waiting)[1:] == [("decision_recorded", "")]
    assert signed_by_agent(waiting)


def signed_by_agent(gate: AtGate) -> bool:
    """Whether ssh-keygen accepts the recorded decision, and it says that an agent made it."""
    path = gate.run / "audit/decisions/0001-gate.json"
    done = ssh_keygen(
        *("-Y", "verify", "-n", DECISION, "-I", REVIEWER, "-s", f"{path}.sig"),
        *("-f", gate.project.reviewers_file),
        data=path.read_bytes(),
    )
    return done.returncode == 0 and bool(json.loads(path.read_bytes())["presence"] == "agent")


def test_a_security_key_that_nobody_touched_is_on_record_as_a_refusal(
    waiting: AtGate, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    device = SecurityKey(SK_ED25519, seed=11)
    named = a_public_file(device, tmp_path)
    api.enrol(waiting.project, REVIEWER, named)
    monkeypatch.setenv("SSH_AUTH_SOCK", str(tmp_path / "s"))
    with (
        listening(device, NOT_TOUCHED, tmp_path / "s"),
        pytest.raises(AwoError, match="what ssh-keygen signed"),
    ):
        approve(fresh(waiting), named)
    assert [kind for kind, _ in decisions(waiting)] == ["decision_refused"]


def test_a_wrong_passphrase_is_on_record_as_a_refusal(waiting: AtGate, tmp_path: Path) -> None:
    path = tmp_path / "locked"
    assert ssh_keygen("-q", "-t", "ed25519", "-N", PASSPHRASE, "-f", path).returncode == 0
    api.enrol(waiting.project, REVIEWER, public(path))
    with pytest.raises(UsageError, match="the passphrase does not open"):
        approve(fresh(waiting), path)
    assert decisions(waiting) == [("decision_refused", "key_not_opened")]


def fresh(gate: AtGate) -> AtGate:
    """The same, with the project's list of reviewers read again."""
    return AtGate(api.find_project(gate.project.root), gate.starter, gate.reviewer)

"""Keys in a real ssh-agent, and security keys behind ssh-keygen."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Literal

import pytest
from tests.conformance.ssh.openssh import ALICE, KINDS, MESSAGE, Judge, Keys, nobody
from tests.security_key import NOT_TOUCHED, TOUCHED, SecurityKey

from awo.errors import CannotCheck, UsageError
from awo.sign import sshsig
from awo.sign.agent import AgentSigner, open_agent_key
from awo.sign.allowed_signers import line_for
from awo.sign.namespaces import DECISION
from awo.sign.open import open_signer
from awo.sign.ssh_keygen import sign_with_ssh_keygen
from awo.sign.sshkeys import SK_ECDSA, SK_ED25519
from awo.sign.wire import string, uint32


@pytest.mark.parametrize("kind", KINDS)
def test_an_agent_signs_for_a_public_key_file(
    kind: str, keys: Keys, agent: Callable[[str], None], tmp_path: Path
) -> None:
    agent(kind)
    signer = open_signer(keys.path(kind).with_suffix(".pub"), nobody)
    assert isinstance(signer, AgentSigner)
    assert signer.presence == "agent"
    armored = signer.sign(MESSAGE, DECISION)
    assert Judge(tmp_path, line_for(ALICE, signer.key, [DECISION]) + "\n")(armored, MESSAGE)


def test_an_agent_that_lacks_the_key_does_not_fall_back_to_the_file_beside_it(
    keys: Keys, agent: Callable[[str], None]
) -> None:
    agent("rsa")
    with pytest.raises(CannotCheck, match="the ssh-agent did not sign") as caught:
        open_signer(keys.path("ed25519").with_suffix(".pub"), nobody).sign(MESSAGE, DECISION)
    assert "ssh-add" in caught.value.hint


def test_without_an_agent_there_is_one_clear_error(keys: Keys, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SSH_AUTH_SOCK", raising=False)
    signer = open_signer(keys.path("ed25519").with_suffix(".pub"), nobody)
    with pytest.raises(CannotCheck, match="no ssh-agent"):
        signer.sign(MESSAGE, DECISION)


def test_without_ssh_keygen_there_is_one_clear_error(
    keys: Keys, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(CannotCheck, match="ssh-keygen is not installed"):
        sign_with_ssh_keygen(keys.path("ed25519"), MESSAGE, DECISION)


def stand_in(folder: Path, monkeypatch: pytest.MonkeyPatch, script: str) -> None:
    """Puts a program called ssh-keygen before the real one: what no emulated device can be made to do."""
    program = folder / "ssh-keygen"
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}:{os.environ['PATH']}")


def test_an_ssh_keygen_that_never_answers_is_given_up(
    keys: Keys, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    stand_in(tmp_path, monkeypatch, "exec sleep 60")
    with pytest.raises(CannotCheck, match=r"within 0\.2 s"):
        sign_with_ssh_keygen(keys.path("ed25519"), MESSAGE, DECISION, timeout_s=0.2)


def hardware_file(folder: Path, device: SecurityKey) -> Path:
    """The private file of a security key as ssh-keygen writes it: it holds a handle, no secret."""
    header = b"openssh-key-v1\x00" + string(b"none") + string(b"none") + string(b"") + uint32(1)
    body = sshsig.armor(header + string(device.key.blob) + string(b"handle")).replace(
        "SSH SIGNATURE", "OPENSSH PRIVATE KEY"
    )
    path = folder / "id_sk"
    path.write_text(body)
    path.chmod(0o600)
    return path


@pytest.mark.parametrize("algorithm", [SK_ED25519, SK_ECDSA])
@pytest.mark.parametrize("named", ["private", "public"])
def test_a_security_key_signs_through_ssh_keygen_with_its_touch(
    algorithm: str, named: Literal["private", "public"], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    device = SecurityKey(algorithm, seed=7)
    path = hardware_file(tmp_path, device)
    if named == "public":
        path = path.with_suffix(".pub")
        path.write_text(device.key.line + "\n")
    (tmp_path / "made.sig").write_bytes(device.sign(MESSAGE, DECISION, flags=TOUCHED))
    stand_in(tmp_path, monkeypatch, f"cat {tmp_path / 'made.sig'}")
    signer = open_signer(path, nobody)
    assert (signer.key, signer.presence) == (device.key, "touch")
    assert sshsig.verify(signer.sign(MESSAGE, DECISION), MESSAGE, DECISION, where="test").presence == "touch"


def test_a_security_key_that_needs_no_touch_is_refused_when_it_signs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    device = SecurityKey(SK_ED25519, seed=7)
    path = hardware_file(tmp_path, device)
    (tmp_path / "made.sig").write_bytes(device.sign(MESSAGE, DECISION, flags=NOT_TOUCHED))
    stand_in(tmp_path, monkeypatch, f"cat {tmp_path / 'made.sig'}")
    with pytest.raises(UsageError) as caught:
        open_signer(path, nobody).sign(MESSAGE, DECISION)
    assert "without being touched" in caught.value.got
    assert "ed25519-sk" in caught.value.hint


def test_a_missing_security_key_is_told_in_the_words_of_the_real_ssh_keygen(tmp_path: Path) -> None:
    path = hardware_file(tmp_path, SecurityKey(SK_ED25519, seed=7))
    with pytest.raises(CannotCheck, match="could not sign") as caught:
        open_signer(path, nobody).sign(MESSAGE, DECISION)
    assert caught.value.got


def test_only_a_security_keys_private_file_goes_through_ssh_keygen(keys: Keys) -> None:
    with pytest.raises(UsageError, match="only a security key's file"):
        open_agent_key(keys.path("ed25519"), nobody)

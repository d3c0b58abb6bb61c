"""Against the real ssh-keygen: what we sign it accepts, what it signs we accept, byte for byte."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.conformance.ssh.openssh import ALICE, KINDS, MESSAGE, Judge, Keys, nobody, ssh_keygen
from tests.security_key import NOT_TOUCHED, TOUCHED, SecurityKey

from awo.errors import EvidenceError
from awo.sign import sshsig
from awo.sign.allowed_signers import line_for
from awo.sign.namespaces import DECISION, SEAL
from awo.sign.open import open_signer
from awo.sign.sshkeys import SK_ECDSA, SK_ED25519


@pytest.mark.parametrize("kind", KINDS)
def test_ssh_keygen_accepts_what_we_sign(kind: str, keys: Keys, tmp_path: Path) -> None:
    signer = open_signer(keys.path(kind), nobody)
    judge = Judge(tmp_path, line_for(ALICE, signer.key, [DECISION]) + "\n")
    armored = signer.sign(MESSAGE, DECISION)
    assert judge(armored, MESSAGE)
    assert not judge(armored, MESSAGE + b"\n")


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("hash_name", ["sha512", "sha256"])
def test_we_accept_what_ssh_keygen_signs(kind: str, hash_name: str, keys: Keys) -> None:
    done = ssh_keygen("-Y", "sign", "-f", keys.path(kind), "-n", DECISION, f"-Ohashalg={hash_name}", data=MESSAGE)
    made = sshsig.verify(done.stdout, MESSAGE, DECISION, where="test")
    assert made == sshsig.VerifiedSignature(keys.public(kind), "not proved")
    with pytest.raises(EvidenceError):
        sshsig.verify(done.stdout, MESSAGE, SEAL, where="test")


@pytest.mark.parametrize("kind", ["ed25519", "rsa"])
def test_our_signature_is_byte_for_byte_that_of_ssh_keygen(kind: str, keys: Keys) -> None:
    signer = open_signer(keys.path(kind), nobody)
    for length in range(60, 140):  # every length of the last line of base64
        namespace = "n" * length
        theirs = ssh_keygen("-Y", "sign", "-f", keys.path(kind), "-n", namespace, data=MESSAGE).stdout
        assert signer.sign(MESSAGE, namespace) == theirs


@pytest.mark.parametrize("kind", KINDS)
def test_armouring_a_signature_of_ssh_keygen_again_gives_its_bytes(kind: str, keys: Keys) -> None:
    theirs = ssh_keygen("-Y", "sign", "-f", keys.path(kind), "-n", DECISION, data=MESSAGE).stdout
    parts = sshsig.read(theirs, where="test")
    assert sshsig.armor(sshsig.envelope(parts.key, parts.namespace, parts.signature)).encode() == theirs


def test_every_altered_byte_of_a_signature_by_ssh_keygen_is_refused(keys: Keys) -> None:
    theirs = ssh_keygen("-Y", "sign", "-f", keys.path("ed25519"), "-n", DECISION, data=MESSAGE).stdout
    sshsig.verify(theirs, MESSAGE, DECISION, where="test")
    for place in range(len(theirs)):
        for change in (1, 2, 4, 8, 16, 32, 64, 128, 0xFF):
            altered = theirs[:place] + bytes([theirs[place] ^ change]) + theirs[place + 1 :]
            with pytest.raises(EvidenceError):
                sshsig.verify(altered, MESSAGE, DECISION, where="test")


@pytest.mark.parametrize("algorithm", [SK_ED25519, SK_ECDSA])
def test_a_security_key_without_touch_is_refused_although_ssh_keygen_accepts_it(algorithm: str, tmp_path: Path) -> None:
    device = SecurityKey(algorithm, seed=4242)
    judge = Judge(tmp_path, line_for(ALICE, device.key, [DECISION]) + "\n")
    touched = device.sign(MESSAGE, DECISION, flags=TOUCHED)
    assert judge(touched, MESSAGE)
    assert sshsig.verify(touched, MESSAGE, DECISION, where="test").presence == "touch"
    untouched = device.sign(MESSAGE, DECISION, flags=NOT_TOUCHED)
    assert judge(untouched, MESSAGE)
    with pytest.raises(EvidenceError) as caught:
        sshsig.verify(untouched, MESSAGE, DECISION, where="test")
    assert "without being touched" in caught.value.got


@pytest.mark.parametrize("kind", KINDS)
def test_our_fingerprint_is_that_of_ssh_keygen(kind: str, keys: Keys) -> None:
    printed = ssh_keygen("-l", "-f", keys.path(kind)).stdout.split()[1].decode()
    assert keys.public(kind).fingerprint == printed

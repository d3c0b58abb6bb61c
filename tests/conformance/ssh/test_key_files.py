"""Private keys in files: opened, refused, made."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.conformance.ssh.openssh import ALICE, KINDS, MESSAGE, PASSPHRASE, Judge, Keys, nobody, ssh_keygen

from awo.errors import AwoError, CannotCheck, UsageError
from awo.sign import sshsig
from awo.sign.allowed_signers import line_for
from awo.sign.key_file import open_key_file
from awo.sign.make_key import make_key
from awo.sign.namespaces import DECISION, SEAL
from awo.sign.open import open_signer


def test_an_encrypted_key_signs_after_its_passphrase_was_typed(keys: Keys) -> None:
    signer = open_signer(keys.path("locked"), lambda: PASSPHRASE)
    assert signer.presence == "passphrase"
    assert sshsig.verify(signer.sign(MESSAGE, SEAL), MESSAGE, SEAL, where="test").key == keys.public("locked")


@pytest.mark.parametrize(("typed", "what"), [("wrong", "does not open this key"), ("", "needs its passphrase")])
def test_a_wrong_or_missing_passphrase_is_one_clear_error(typed: str, what: str, keys: Keys) -> None:
    with pytest.raises(UsageError, match=what) as caught:
        open_signer(keys.path("locked"), lambda: typed)
    assert caught.value.where == str(keys.path("locked"))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("form", ["PEM", "PKCS8"])
@pytest.mark.parametrize("passphrase", ["", PASSPHRASE])
def test_a_key_in_pem_format_opens(kind: str, form: str, passphrase: str, keys: Keys, tmp_path: Path) -> None:
    path = tmp_path / "key"
    path.write_bytes(keys.path(kind).read_bytes())
    path.chmod(0o600)
    assert ssh_keygen("-p", "-m", form, "-P", "", "-N", passphrase, "-f", path).returncode == 0
    signer = open_signer(path, lambda: passphrase)
    assert signer.key == keys.public(kind)
    assert signer.presence == ("passphrase" if passphrase else "not proved")


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o644])
def test_a_private_key_that_others_could_use_is_refused(mode: int, keys: Keys, tmp_path: Path) -> None:
    path = tmp_path / "key"
    path.write_bytes(keys.path("ed25519").read_bytes())
    path.chmod(mode)
    with pytest.raises(UsageError, match="other users") as caught:
        open_signer(path, nobody)
    assert caught.value.hint == f"chmod 600 {path}"


@pytest.mark.parametrize(
    ("content", "what"),
    [
        (b"", "not a public key"),
        (b"\xff\xfe\x00", "not a key"),
        (b"hello\n", "not a public key"),
        (b"A" * 100_000, "not a key"),
        (b"-----BEGIN OPENSSH PRIVATE KEY-----\nAAAA\n-----END OPENSSH PRIVATE KEY-----\n", "cannot be used"),
        (b"-----BEGIN OPENSSH PRIVATE KEY-----\n", "cannot be used"),
        (b"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n", "cannot be used"),
    ],
)
def test_a_file_that_is_no_key_is_refused(content: bytes, what: str, tmp_path: Path) -> None:
    path = tmp_path / "key"
    path.write_bytes(content)
    path.chmod(0o600)
    with pytest.raises(UsageError, match=what):
        open_signer(path, nobody)


def test_a_damaged_private_key_is_refused_at_every_place(keys: Keys, tmp_path: Path) -> None:
    good = keys.path("ed25519").read_bytes()
    path = tmp_path / "key"
    path.write_bytes(b"")
    path.chmod(0o600)
    opened = 0
    for place in range(0, len(good) - 1, 3):
        path.write_bytes(good[:place] + bytes([good[place] ^ 1]) + good[place + 1 :])
        try:
            signer = open_signer(path, nobody)
        except AwoError:
            continue
        opened += 1  # a changed comment or check number does no harm to the key itself
        made = sshsig.verify(signer.sign(MESSAGE, SEAL), MESSAGE, SEAL, where="test")
        assert made.key == signer.key
    assert opened < len(good) / 6


def test_a_key_that_is_missing_or_a_folder_is_one_clear_error(tmp_path: Path) -> None:
    with pytest.raises(CannotCheck, match="no such key"):
        open_signer(tmp_path / "nothing", nobody)
    with pytest.raises(UsageError, match="regular file"):
        open_signer(tmp_path, nobody)


def test_a_public_key_file_is_no_private_key(keys: Keys) -> None:
    path = keys.path("ed25519").with_suffix(".pub")
    path.chmod(0o600)
    with pytest.raises(UsageError, match="not a private key"):
        open_key_file(path, nobody)


@pytest.mark.parametrize("passphrase", ["", PASSPHRASE])
def test_a_new_key_is_read_by_ssh_keygen_and_by_us(passphrase: str, tmp_path: Path) -> None:
    path = tmp_path / "awo_key"
    key = make_key(path, comment="the project key", passphrase=passphrase)
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.with_suffix(".pub").read_text() == f"{key.line} the project key\n"
    done = ssh_keygen("-y", "-P", passphrase, "-f", path)
    assert done.stdout.decode().split()[:2] == key.line.split()
    signer = open_signer(path, lambda: passphrase)
    assert Judge(tmp_path, line_for(ALICE, key, [DECISION]) + "\n")(signer.sign(MESSAGE, DECISION), MESSAGE)


@pytest.mark.parametrize("there", ["awo_key", "awo_key.pub"])
def test_a_key_is_never_overwritten(there: str, tmp_path: Path) -> None:
    (tmp_path / there).write_text("precious")
    with pytest.raises(UsageError, match="never overwritten"):
        make_key(tmp_path / "awo_key")
    assert {path.name: path.read_text() for path in tmp_path.iterdir()} == {there: "precious"}


def test_a_key_that_cannot_be_written_is_one_clear_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("no folder")
    with pytest.raises(CannotCheck, match="folder cannot be made"):
        make_key(tmp_path / "file" / "key")
    with pytest.raises(UsageError, match="comment"):
        make_key(tmp_path / "awo_key", comment="two\nlines")
    assert [path.name for path in tmp_path.iterdir()] == ["file"]

"""Lines of allowed_signers mean here what they mean to the real ssh-keygen."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from tests.conformance.ssh.openssh import ALICE, MESSAGE, Judge, Keys, nobody

from awo.errors import UsageError
from awo.sign.allowed_signers import AllowedSigners, MaySign, line_for
from awo.sign.namespaces import DECISION, SEAL
from awo.sign.open import open_signer

MOMENT = datetime(2026, 11, 23, 6, 9, tzinfo=UTC)


@pytest.mark.parametrize(
    "head",
    [
        f"{ALICE}",
        f'"{ALICE}"',
        f'{ALICE} namespaces="{DECISION}"',
        f'{ALICE} namespaces="{SEAL}"',
        f'{ALICE} namespaces="awo-*"',
        f'{ALICE} namespaces="awo-*,!{DECISION}"',
        f'{ALICE} Namespaces="{DECISION}"',
        "*@example.org",
        "*@example.com",
        "*,!alice@*",
        "al?ce@example.org,bob",
        "ALICE@example.org",
        f'{ALICE} valid-after="20261123Z"',
        f'{ALICE} valid-after="202611230609Z"',
        f'{ALICE} valid-after="20261123060901Z"',
        f'{ALICE} valid-before="20261123060900Z"',
        f'{ALICE} valid-before="20261123060859Z"',
        f'{ALICE} namespaces="{DECISION}",valid-after="20261122Z",valid-before="20261124Z"',
    ],
)
def test_a_line_of_allowed_signers_means_here_what_it_means_to_ssh_keygen(
    head: str, keys: Keys, tmp_path: Path
) -> None:
    key = keys.public("ed25519")
    text = f"# people\n{head} {key.line} comment\n"
    armored = open_signer(keys.path("ed25519"), nobody).sign(MESSAGE, DECISION)
    theirs = Judge(tmp_path, text)(armored, MESSAGE, f"-Overify-time={MOMENT:%Y%m%d%H%M%S}Z")
    ours = AllowedSigners.parse(text, where="test").may_sign(ALICE, key, DECISION, MOMENT)
    assert isinstance(ours, MaySign) is theirs


@pytest.mark.parametrize(
    "line",
    [
        "{a}",
        "{a} namespaces=x {k}",
        '{a} namespaces="x {k}',
        '{a} namespace="x" {k}',
        '{a} namespaces="x",namespaces="y" {k}',
        '{a} valid-after="2026112312Z" {k}',
        '{a} valid-after="20261301Z" {k}',
        '{a} valid-after="20260102Z",valid-before="20260101Z" {k}',
        "{a} ssh-ed25519 AAAA",
        '"{a} {k}',
    ],
)
def test_a_line_that_ssh_keygen_cannot_read_is_an_error_here(line: str, keys: Keys, tmp_path: Path) -> None:
    text = line.format(a=ALICE, k=keys.public("ed25519").line) + "\n"
    armored = open_signer(keys.path("ed25519"), nobody).sign(MESSAGE, DECISION)
    assert not Judge(tmp_path, text)(armored, MESSAGE)
    with pytest.raises(UsageError):
        AllowedSigners.parse(text, where="test")


def test_ssh_keygen_obeys_the_lines_that_we_write(keys: Keys, tmp_path: Path) -> None:
    signer = open_signer(keys.path("ed25519"), nobody)
    line = line_for(ALICE, signer.key, [DECISION], valid_after=MOMENT, valid_before=MOMENT + timedelta(days=1))
    judge = Judge(tmp_path, line + "\n")
    armored = signer.sign(MESSAGE, DECISION)
    assert judge(armored, MESSAGE, "-Overify-time=20261123060900Z")
    assert not judge(armored, MESSAGE, "-Overify-time=20261123060859Z")
    assert not judge(armored, MESSAGE, "-Overify-time=20261124060901Z")
    assert not judge(armored, MESSAGE, "-Overify-time=20261123060900Z", who="bob@example.org")
    assert not judge(signer.sign(MESSAGE, SEAL), MESSAGE, "-Overify-time=20261123060900Z", namespace=SEAL)

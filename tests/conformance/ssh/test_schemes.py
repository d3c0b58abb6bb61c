"""The suite for authors of signature schemes, on both schemes of AWO and on broken ones."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import pytest
from tests.conformance.ssh.openssh import KINDS, Keys, nobody

from awo.errors import AwoError
from awo.sign.agent import open_agent_key
from awo.sign.key_file import KeyFileSigner, open_key_file
from awo.sign.namespaces import DECISION
from awo.sign.seam import Presence
from awo.sign.sshkeys import PublicKey
from awo.testing.signature_schemes import (
    CHECKS,
    Check,
    a_signature_file_has_one_spelling,
    a_signature_holds_for_every_message,
    a_signature_is_for_one_namespace,
    the_presence_is_one_of_the_four,
)


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
@pytest.mark.parametrize("kind", KINDS)
def test_the_scheme_file_passes_the_suite(kind: str, check: Check, keys: Keys) -> None:
    check(open_key_file(keys.path(kind), nobody))


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
def test_the_scheme_agent_passes_the_suite(check: Check, keys: Keys, agent: Callable[[str], None]) -> None:
    agent("ed25519")
    check(open_agent_key(keys.path("ed25519").with_suffix(".pub"), nobody))


@dataclass(frozen=True)
class Broken:
    """A scheme with one fault."""

    good: KeyFileSigner
    fault: str

    @property
    def key(self) -> PublicKey:
        line = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEB"
        return PublicKey.parse(line, where="test") if self.fault == "another key" else self.good.key

    @property
    def presence(self) -> Presence:
        return "touch" if self.fault == "no touch" else "not proved"

    def sign(self, message: bytes, namespace: str) -> bytes:
        if self.fault == "one message":
            message = b"approve"
        if self.fault == "one namespace":
            namespace = DECISION
        armored = self.good.sign(message, namespace)
        return armored + b"\n" if self.fault == "another spelling" else armored


@pytest.mark.parametrize(
    ("fault", "caught_by"),
    [
        ("another key", a_signature_holds_for_every_message),
        ("one message", a_signature_holds_for_every_message),
        ("one namespace", a_signature_is_for_one_namespace),
        ("another spelling", a_signature_file_has_one_spelling),
        ("no touch", the_presence_is_one_of_the_four),
    ],
)
def test_the_suite_catches_a_scheme_with_a_fault(fault: str, caught_by: Check, keys: Keys) -> None:
    with pytest.raises((AssertionError, AwoError)):
        caught_by(Broken(open_key_file(keys.path("ed25519"), nobody), fault))

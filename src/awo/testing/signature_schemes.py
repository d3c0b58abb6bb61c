"""The suite for signature schemes: what every `Signer` must do, as functions that raise `AssertionError` or `AwoError`.

With pytest, and a fixture `signer` that opens your key:

    @pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
    def test_my_scheme(check, signer):
        check(signer)
"""

from __future__ import annotations

from collections.abc import Callable
from typing import get_args

from awo.errors import EvidenceError
from awo.sign import sshsig
from awo.sign.namespaces import DECISION, SEAL
from awo.sign.seam import Presence, Signer
from awo.sign.sshkeys import PublicKey

MESSAGES = (b"", b"{}", b'{"format":"awo/decision/v1"}', bytes(range(256)) * 300)

Check = Callable[[Signer], None]


def a_signature_holds_for_every_message(signer: Signer) -> None:
    """Empty, short, long and binary messages; the key that verifies is the signer's own."""
    for message in MESSAGES:
        made = sshsig.verify(_sign(signer, message, DECISION), message, DECISION, where="the signature")
        assert made.key == signer.key, f"signed with {made.key.fingerprint}, but says {signer.key.fingerprint}"


def a_signature_is_for_one_message(signer: Signer) -> None:
    """A signature over one message is refused for another."""
    armored = _sign(signer, b"approve", DECISION)
    assert _is_refused(armored, b"reject", DECISION), "a signature over b'approve' was accepted for b'reject'"
    assert _is_refused(armored, b"approve\n", DECISION), "a signature was accepted for the message and a newline"


def a_signature_is_for_one_namespace(signer: Signer) -> None:
    """A signature for decisions is no seal, and the other way round."""
    for made_for, used_for in ((DECISION, SEAL), (SEAL, DECISION)):
        armored = _sign(signer, b"message", made_for)
        assert _is_refused(armored, b"message", used_for), f"a signature for {made_for} was accepted for {used_for}"


def a_signature_file_has_one_spelling(signer: Signer) -> None:
    """The bytes are the armor that ssh-keygen writes: reading and armouring again gives the same."""
    parts = sshsig.read(signer.sign(b"message", SEAL), where="the signature")
    assert parts.hash_name == sshsig.HASH, f"the hash is {parts.hash_name}, expected {sshsig.HASH}"


def an_altered_signature_is_refused(signer: Signer) -> None:
    """A changed byte anywhere, a byte more or a byte less is seen. Every seventh byte is tried."""
    armored = _sign(signer, b"message", SEAL)
    for place in range(0, len(armored), 7):
        altered = armored[:place] + bytes([armored[place] ^ 1]) + armored[place + 1 :]
        assert _is_refused(altered, b"message", SEAL), f"a signature with byte {place} altered was accepted"
    for altered in (armored[:-1], armored + b"\n", b"\n" + armored):
        assert _is_refused(altered, b"message", SEAL), "a signature with a byte more or less was accepted"


def the_key_is_whole(signer: Signer) -> None:
    """`signer.key` reads back from its own line and has a SHA-256 fingerprint."""
    assert PublicKey.parse(signer.key.line, where="signer.key") == signer.key
    assert signer.key.fingerprint.startswith("SHA256:")


def the_presence_is_one_of_the_four(signer: Signer) -> None:
    """`presence` is a word of the seam, and `touch` only where the signature itself shows it."""
    assert signer.presence in get_args(Presence), f"{signer.presence!r} is not a presence"
    made = sshsig.verify(_sign(signer, b"message", DECISION), b"message", DECISION, where="the signature")
    assert signer.presence != "touch" or made.presence == "touch", "the scheme claims a touch that its signature lacks"


CHECKS: tuple[Check, ...] = (
    a_signature_holds_for_every_message,
    a_signature_is_for_one_message,
    a_signature_is_for_one_namespace,
    a_signature_file_has_one_spelling,
    an_altered_signature_is_refused,
    the_key_is_whole,
    the_presence_is_one_of_the_four,
)


def _sign(signer: Signer, message: bytes, namespace: str) -> bytes:
    """A signature that holds: a refusal of something else then shows what it seems to show."""
    armored = signer.sign(message, namespace)
    try:
        sshsig.verify(armored, message, namespace, where="the signature")
    except EvidenceError as error:
        raise AssertionError(f"a signature does not hold: {error}") from error
    return armored


def _is_refused(armored: bytes, message: bytes, namespace: str) -> bool:
    try:
        sshsig.verify(armored, message, namespace, where="the signature")
    except EvidenceError:
        return True
    return False

"""How many witnesses a reader of a package counts: people, not lines."""

from __future__ import annotations

from tests.unit import note_signers as signers

from awo.sign.note import Note, verify_note
from awo.sign.note_keys import KeySigner
from awo.verify.registered import witnesses_among

LOG = signers.log()


def counted(*by: KeySigner) -> int:
    text = signers.state(3).text
    held = verify_note(Note(text, tuple(one.sign(text) for one in (LOG, *by))), [one.vkey for one in (LOG, *by)])
    return len(witnesses_among(held, signers.ORIGIN))


def test_a_witness_with_keys_of_two_kinds_is_one_witness() -> None:
    assert counted(signers.witness(), signers.witness_ml_dsa()) == 1


def test_a_key_under_two_names_is_one_witness() -> None:
    assert counted(signers.witness(), signers.witness(name="example.org/again")) == 1


def test_two_witnesses_are_two_and_the_ledger_itself_is_none() -> None:
    assert counted(signers.witness(), signers.witness(seed=8, name="example.org/other")) == 2
    assert counted(signers.log_ml_dsa()) == 0

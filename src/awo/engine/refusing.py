"""Says in the journal that somebody tried to decide at an open gate and was refused, and why."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass

from awo.engine.journal import Journal
from awo.errors import AwoError
from awo.evidence import events as ev
from awo.evidence.gates import Verdict
from awo.evidence.secrets import SecretCutter
from awo.gate.refusals import RefusalCode

LONGEST_SIGNER = 200
LONGEST_MESSAGE = 400


class Refusal(Exception):
    """A decision that is not taken: the code that goes on record, and the error that the person sees."""

    def __init__(self, code: RefusalCode, error: AwoError) -> None:
        super().__init__(error.what)
        self.code = code
        self.error = error


@dataclass(frozen=True, slots=True)
class Attempt:
    """Who tries to say what. `key` is a fingerprint, '' where no key was opened."""

    verdict: Verdict
    signer_id: str
    key: str


@contextlib.contextmanager
def on_record(journal: Journal, attempt: Attempt, secrets: SecretCutter) -> Iterator[None]:
    """Turns a `Refusal` at the open gate into the event `decision_refused`, on disk once the journal is flushed, and
    raises its error.

    What the person typed is written in ASCII, cut short, and without secrets.
    """
    try:
        yield
    except Refusal as refusal:
        record_refusal(
            journal, refusal, verdict=attempt.verdict, signer_id=attempt.signer_id, key=attempt.key, secrets=secrets
        )
        raise refusal.error from refusal.error.__cause__


def record_refusal(
    journal: Journal, refusal: Refusal, *, verdict: Verdict, signer_id: str, key: str, secrets: SecretCutter
) -> None:
    """Appends `decision_refused` for the gate that is open; on disk once the journal is flushed."""
    journal.append(
        ev.DecisionRefused,
        gate=journal.state.gates.open_gate,
        verdict=verdict,
        signer=_plain(signer_id, LONGEST_SIGNER, secrets),
        key=key,
        reason=ev.Reason(code=refusal.code, message=_plain(refusal.error.what, LONGEST_MESSAGE, secrets)),
    )


def _plain(text: str, longest: int, secrets: SecretCutter) -> str:
    return ascii(secrets.cut_text(text))[1:-1][:longest]

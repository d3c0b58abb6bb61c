"""A small witness for a team: cosigns the checkpoints of ledgers that only grow (C2SP tlog-witness)."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from awo.canon.digest import sha256_hex
from awo.errors import AwoError, CannotCheck, EvidenceError
from awo.sign.note import Note, VerifierKey
from awo.sign.note_keys import NoteSigner
from awo.web.witness_rules import TEXT, Refusal, admit, judge, keys_by_origin
from awo.web.witness_state import WitnessState

__all__ = ["TEXT", "Answer", "Witness"]


class Answer(NamedTuple):
    """What is sent back, and what is said of it on the terminal."""

    status: int
    body: bytes
    content_type: str
    told: str


class Witness:
    """Answers requests, one at a time. Never cosigns a tree that does not begin with the last one it cosigned."""

    def __init__(self, state: WitnessState, signers: Sequence[NoteSigner], logs: Iterable[VerifierKey]) -> None:
        self._state = state
        self._signers = tuple(signers)
        self._logs = keys_by_origin(logs)
        self._turn = threading.Lock()
        for origin in self._logs:
            state.latest(origin)  # a state that was altered is refused now, and not at the first request

    def introduce(self) -> Answer:
        """Its keys, one in a line."""
        return Answer(200, "".join(f"{signer.vkey}\n" for signer in self._signers).encode(), TEXT, "")

    def add_checkpoint(self, body: bytes) -> Answer:
        """The answer to a POST of `body` to /add-checkpoint.

        What is cosigned is on the disk before this returns. 500 when it cannot be, or when the state was altered.
        """
        submission = admit(body, self._logs)
        if isinstance(submission, Refusal):
            return _refused(submission, "")
        origin = submission.state.origin
        with self._turn:
            try:
                if (refusal := judge(submission, self._state.latest(origin))) is not None:
                    return _refused(refusal, origin)
                lines = tuple(signer.sign(submission.text) for signer in self._signers)
                note = Note(submission.text, (*submission.log_signatures, *lines))
                self._state.remember(origin, note.encode())
            except (CannotCheck, EvidenceError) as error:
                return Answer(500, b"the witness cannot answer for its state\n", TEXT, f"500 {origin}: {error}")
        answered = "".join(line.line for line in lines).encode()
        return Answer(200, answered, TEXT, f"200 {origin}: cosigned at size {submission.state.size}")

    def checkpoint(self, origin_hash: str) -> Answer:
        """The last checkpoint that was cosigned of the log whose origin has this SHA-256 (hex); 404 for none."""
        for origin in self._logs:
            if sha256_hex(origin.encode()) == origin_hash:
                try:
                    note = self._state.note_of(origin)
                except AwoError as error:
                    return Answer(500, b"the witness cannot answer for its state\n", TEXT, f"500 {origin}: {error}")
                if note is not None:
                    return Answer(200, note, TEXT, "")
        return Answer(404, b"no checkpoint of such a log was cosigned here\n", TEXT, "")


def _refused(refusal: Refusal, origin: str) -> Answer:
    told = (
        f"{refusal.status} {origin}: {refusal.body.strip()}" if origin else f"{refusal.status} {refusal.body.strip()}"
    )
    return Answer(refusal.status, refusal.body.encode(), refusal.content_type, told)

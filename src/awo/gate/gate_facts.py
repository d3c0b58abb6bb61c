"""What a decision or a sealed vote is held against, and what is said where it does not count."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from awo.evidence.events import Checkpoint, FileRef, Starter
from awo.evidence.gates import Decision, GateRequest, Need, Signer
from awo.gate.refusals import RefusalCode


@dataclass(frozen=True, slots=True)
class GateFacts:
    """What the record says about an open gate at the moment of a decision.

    `checkpoint` is the journal up to and with the event gate_opened; `opened_at` is that event's time and `shows` its
    list; `request` is outputs/<gate>/gate.json. `authors` are those of input.json. `decisions` are those recorded
    since the gate opened, in order, without the one that is judged; `is_escalated` says that the deadline has passed
    and other people are asked. `voters` signed the sealed votes of a blind gate.
    """

    run_id: str
    starter: Starter
    request: GateRequest
    checkpoint: Checkpoint
    shows: tuple[FileRef, ...]
    opened_at: str
    authors: tuple[str, ...]
    decisions: tuple[Decision, ...]
    is_escalated: bool
    voters: tuple[Signer, ...] = ()

    @property
    def needs(self) -> Sequence[Need]:
        """Whose approval is asked for now."""
        return self.request.rules.escalate if self.is_escalated else self.request.needs


@dataclass(frozen=True, slots=True)
class DecisionFault:
    """Why a decision or a vote does not count: a code for the journal and the parts of an error."""

    code: RefusalCode
    what: str
    expected: str = ""
    got: str = ""
    hint: str = ""

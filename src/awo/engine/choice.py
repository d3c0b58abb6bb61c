"""What a person wants to say at a gate, and what the project says of it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from awo.evidence.events import Checkpoint
from awo.evidence.gates import Answer, Meaning, Verdict
from awo.evidence.secrets import SecretCutter
from awo.gate.project import Policy
from awo.ledger.log import Ledger
from awo.sign.allowed_signers import AllowedSigners
from awo.sign.seam import Signer

OpenKey = Callable[[], Signer]
"""Opens the key of the person who decides; raises `UsageError` or `CannotCheck` when it cannot be opened."""


@dataclass(frozen=True, slots=True)
class Choice:
    """What a person wants to say at a gate.

    `answers` are as typed (`item=yes`), `given` those of a file or of a dialogue. `required_changes` and `from_step`
    ('' for no step in particular) go with `revise`. `seen` is the checkpoint of the gate that the person was shown,
    None where they were shown none: another one makes the decision stale. `relayed` is the role in
    which it passes an approval on (`github:ENVIRONMENT`), '' where the signer decides.
    """

    verdict: Verdict
    signer_id: str
    meaning: Meaning
    answers: Sequence[str] = ()
    comment: str = ""
    given: Sequence[Answer] = ()
    required_changes: Sequence[str] = ()
    from_step: str = ""
    seen: Checkpoint | None = None
    relayed: str = ""


@dataclass(frozen=True, slots=True)
class ProjectRules:
    """What a project says of decisions: its policy, its reviewers, the secrets to keep out, and its ledger.

    `reviewers` reads the list of reviewers, None where there is none; raises `UsageError` for one that cannot be read.
    """

    policy: Policy
    reviewers: Callable[[], AllowedSigners | None]
    secrets: SecretCutter
    ledger: Ledger | None = None

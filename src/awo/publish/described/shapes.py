"""What forms and citations know of a run: its facts, its calls in groups, its decisions, its files, its seal."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from awo.derive.facts import RunFacts
from awo.evidence.events import FileRef
from awo.evidence.gates import Decision
from awo.evidence.records import Seal
from awo.evidence.verdicts import ClaimVerdict


@dataclass(frozen=True, slots=True)
class CallGroup:
    """All calls of one step to one model. `first_at` and `last_at` are when the first began and the last ended
    ('' where nothing was asked); `reused` answers came from another run."""

    step: str
    model: str
    answered: int = 0
    failed: int = 0
    unknown: int = 0
    reused: int = 0
    first_at: str = ""
    last_at: str = ""

    @property
    def responses(self) -> int:
        """How many answers there are, reused ones among them."""
        return self.answered + self.reused


@dataclass(frozen=True, slots=True)
class RecordedDecision:
    """A decision as it was signed, and where it stands. A sealed vote is none before it is opened."""

    path: str
    sha256: str
    decision: Decision


@dataclass(frozen=True, slots=True)
class JudgedClaims:
    """What a step found of claims; `path` is the file that says so."""

    step: str
    path: str
    verdicts: tuple[ClaimVerdict, ...]


@dataclass(frozen=True, slots=True)
class Described:
    """A run as its evidence tells it.

    `groups` are in the order of the steps, then of the first call. `files` are the files of the package in the order
    of their paths, with the digests of SHA256SUMS; those that SHA256SUMS cannot list (itself, the seal, what came
    after it) are among them with digests of their own. `seal` is None, `seal_sha256` '' and `files` empty for a run
    that is not sealed. `withheld` says that a redaction or an erasure took texts away: then whatever is not there any
    more is in none of these. `answered` has, by the name of a model in the workflow, under which names its answers
    came, sorted. `claims` are in the order of the steps.
    """

    facts: RunFacts
    groups: tuple[CallGroup, ...]
    decisions: tuple[RecordedDecision, ...]
    files: tuple[FileRef, ...]
    seal: Seal | None
    seal_sha256: str
    withheld: bool
    claims: tuple[JudgedClaims, ...] = ()
    answered: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    @property
    def run_id(self) -> str:
        return self.facts.run_id

    def groups_of(self, step: str) -> tuple[CallGroup, ...]:
        """The calls of one step, by model."""
        return tuple(group for group in self.groups if group.step == step)

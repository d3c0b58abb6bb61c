"""What votes and comparisons leave: one line for each vote, each minority answer, each comparison, and totals
(spec section 3.17)."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import msgspec
from msgspec import UNSET, Meta, UnsetType

from awo.evidence.events import Size, StepId

VOTES_FILE = "votes.jsonl"
DISSENT_FILE = "dissent.jsonl"
COMPARISON_FILE = "comparison.jsonl"
COMPARISON_PAGE = "comparison.md"

Method = Literal["majority", "weighted", "ranked"]
Normal = Literal["first_line", "nfkc", "fold_case", "strip_punctuation", "collapse_space", "choice"]
Share = Annotated[float, Meta(ge=0, le=1)]


class _Record(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A shape on disk: unknown fields are refused."""


class Voter(_Record, frozen=True):
    """Who gave an answer: the model as the workflow calls it ('' for none), and where the answer stands.

    `cell` and `answer` count from 0, as in a score line; `call` names the response.
    """

    model: str
    matrix: dict[str, Any]
    repeat: Size
    cell: Size
    answer: Size
    call: str


class Option(_Record, frozen=True):
    """One option of a vote. `text` is its first voter's own words, `norm` what they were counted as.

    `weight` is its votes, weights or Borda points, `share` that over all that could have been given
    (null where that is nothing). `voters` gave it; of a ranked vote, those who put it first.
    """

    norm: str
    text: str
    weight: float
    share: Share | None
    voters: list[Voter]


class VoteLine(_Record, frozen=True):
    """One vote; a line of outputs/<step>/files/votes.jsonl (sorted compact JSON).

    `cell` is the first cell that voted; `matrix` and `repeat` are those of a vote within one cell, else empty
    and 0. `text`, `norm` and `share` are the winner's: '', '' and its share, where nothing is `decided`.
    `options` are best first. `asked` answers were wanted: `candidates` voted, `abstained` gave no usable
    answer, `failed` none at all. `is_tie` says that the order of texts decided, not the weights.
    """

    item: str
    cell: Size
    matrix: dict[str, Any]
    repeat: Size
    decided: bool
    text: str
    norm: str
    share: Share | None
    is_tie: bool
    options: list[Option]
    asked: Size
    candidates: Size
    abstained: Size
    failed: Size
    why: str


class VoteGroup(_Record, frozen=True):
    """Answers that say the same, in the value of a vote that was done once."""

    norm: str
    text: str
    voters: list[str]


class VoteValue(_Record, frozen=True):
    """The value of a vote over a step that was done once. As in AWO 1.x, the last seven only where the step
    says more than `inputs_from`.

    `agreement_ratio` is rounded to six decimals; `share` is not.
    """

    consensus_text: str
    consensus_norm: str
    voters: list[str]
    voter_count: Size
    total_candidates: Size
    agreement_ratio: Share
    groups: list[VoteGroup]
    method: Method | UnsetType = UNSET
    normalise: list[Normal] | UnsetType = UNSET
    decided: bool | UnsetType = UNSET
    share: Share | UnsetType | None = UNSET
    abstained: Size | UnsetType = UNSET
    failed: Size | UnsetType = UNSET
    why: str | UnsetType = UNSET


class VotesValue(_Record, frozen=True):
    """The value of votes over a step that fanned out. `mean_agreement` is the mean of the winners' shares over
    the decided votes, null where none is decided. Answers are asked, candidates, abstained and failed in all votes."""

    of: StepId
    method: Method
    by: Literal["item", "cell"]
    normalise: list[Normal]
    quorum: Share
    path: str
    votes: Size
    decided: Size
    undecided: Size
    ties: Size
    unanimous: Size
    asked: Size
    candidates: Size
    abstained: Size
    failed: Size
    dissents: Size
    mean_agreement: Share | None
    why: str


class Reply(_Record, frozen=True):
    """What answered a dissent: a cell of a step, and the calls on which that cell's result rests."""

    step: StepId
    cell: Size
    calls: list[str]


class DissentLine(_Record, frozen=True):
    """One minority answer; a line of outputs/<step>/files/dissent.jsonl (sorted compact JSON).

    `winner` is the norm that won, '' where nothing is decided. `is_answered` is null in the ledger of the
    vote itself, which no later step had seen; `replies` has those that the op `dissent` found.
    """

    item: str
    matrix: dict[str, Any]
    repeat: Size
    norm: str
    text: str
    weight: float
    share: Share | None
    voters: list[Voter]
    winner: str
    is_answered: bool | None
    replies: list[Reply]


class DissentValue(_Record, frozen=True):
    """The value of a `dissent` step. `items` have at least one dissent."""

    of: StepId
    answered_by: StepId | None
    path: str
    items: Size
    dissents: Size
    answered: Size
    unanswered: Size


class ArmAnswer(_Record, frozen=True):
    """What one arm said; `norm` is null and `text` '' where there is no answer."""

    arm: str
    text: str
    norm: str | None
    call: str


class ComparisonLine(_Record, frozen=True):
    """Answers side by side; a line of outputs/<step>/files/comparison.jsonl (sorted compact JSON).

    `model`, `matrix` and `repeat` are what the answers have in common ('' and empty where they are what is
    compared). `is_same` is null where fewer than two arms answered. `distinct` counts different answers.
    """

    item: str
    model: str
    matrix: dict[str, Any]
    repeat: Size
    answers: list[ArmAnswer]
    distinct: Size
    is_same: bool | None


class Arm(_Record, frozen=True):
    """One arm over all lines: how many answers it gave, and how many are missing."""

    arm: str
    answers: Size
    missing: Size


class ArmPair(_Record, frozen=True):
    """Two arms over the `lines` in which both answered; `share` is `same` over `lines`, null with a `why`."""

    a: str
    b: str
    lines: Size
    same: Size
    share: Share | None
    why: str


class ComparisonValue(_Record, frozen=True):
    """The value of a `compare` step. `same` and `different` lines have two answers at least, `incomplete` not."""

    of: StepId
    by: str
    normalise: list[Normal]
    path: str
    page: str
    lines: Size
    same: Size
    different: Size
    incomplete: Size
    arms: list[Arm]
    pairs: list[ArmPair]

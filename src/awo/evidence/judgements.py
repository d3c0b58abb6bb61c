"""What models judged: grades, preferences and refutations, as the value of a step or of a cell (spec section 3.14)."""

from __future__ import annotations

from typing import Literal

import msgspec

from awo.evidence.events import Size


class _Record(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A shape on disk: unknown fields are refused."""


# --- grade ------------------------------------------------------------------------------------------


class GradeVerdict(_Record, frozen=True):
    """What one judge said. `choice` is its word on the menu and `score` what that word is worth.

    Both are null where its answer names no word of the menu, or several; `why` then says so. `reason` is
    what else it wrote, at most 2,000 characters of it; the whole answer is the response `call`.
    """

    judge: str
    call: str
    choice: str | None
    score: float | None
    reason: str
    why: str


class GradeValue(_Record, frozen=True):
    """All verdicts of one answer in the order of the judges, and the score that follows from them.

    `score` is null where no judge gave a grade, or a majority was asked for and there is none; `why` then
    says so. `agreement` is the share of the judges with a grade that chose the most frequent word.
    `missing` judges gave none; they count in neither.
    """

    score: float | None
    agreement: float | None
    missing: Size
    verdicts: list[GradeVerdict]
    why: str


# --- prefer -----------------------------------------------------------------------------------------

Letter = Literal["A", "B", "TIE"]
Side = Literal["first", "second", "tie"]
Vote = Literal["first", "second", "tie", "abstain"]


class PreferenceVote(_Record, frozen=True):
    """What one judge said twice: `forward` with the first answer as A, `swapped` with the second as A.

    Each is the letter it chose, null where its answer names none, or several. Where both mean the same,
    that is the `verdict`; else it abstains, and `why` says why. `calls` are the two responses.
    """

    judge: str
    forward: Letter | None
    swapped: Letter | None
    verdict: Vote
    calls: list[str]
    why: str


class PreferenceValue(_Record, frozen=True):
    """The votes of all judges in their order. A side wins with more than half of the votes that do not abstain.

    No side has so many: a tie. All abstain: `abstain`. `score` is that of the first: 1, 0, 0.5 for a
    tie, null for none. `first_is` and `second_is` name the two for people and for statistics.
    """

    winner: Vote
    score: float | None
    first_is: str
    second_is: str
    abstained: Size
    votes: list[PreferenceVote]
    why: str


# --- refute -----------------------------------------------------------------------------------------


class Objection(_Record, frozen=True):
    """One objection, the reply to it, and how it ended. `id` is `o<round>-<refuter>`, both from 1.

    `unclear` is an answer of a refuter that is neither an objection nor says that it has none: `text` is
    then that answer. `replied_by` is the model that replied, `person` for a reply that stood in the
    workflow, or ''. `reply` is null where none was given. Texts of models are cut at 4,000 bytes; the
    responses `calls` have the whole. `why` says what an off-menu answer was taken for.
    """

    id: str
    round: Size
    refuter: str
    text: str
    reply: str | None
    replied_by: str
    status: Literal["answered", "standing", "conceded", "unclear"]
    calls: list[str]
    why: str


class RefutationValue(_Record, frozen=True):
    """The whole exchange over one statement.

    `rounds` were held. `standing` objections stand or were conceded, `unclear` answers of refuters could not
    be read, and in `no_objection` answers a refuter had none. `unrefuted`: none stands; `refuted`: one
    does; `unclear`: no refuter said anything that can be read. `unused_answers` are the keys of
    `answers` that no objection asked for. `calls` are all responses in the order in which they were used.
    """

    statement: str
    verdict: Literal["unrefuted", "refuted", "unclear"]
    rounds: Size
    objections: list[Objection]
    standing: Size
    unclear: Size
    no_objection: Size
    unused_answers: list[str]
    calls: list[str]
    why: str

"""What came from elsewhere: the lines and the value of a step that receives, and the note on a package that came in."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from msgspec import Meta, field

from awo.evidence.events import FileRef, Sha256, Size, Time
from awo.evidence.layout import RUN_ID_PATTERN

RECEIVE = "receive"
"""The operation whose step keeps a file that others made."""

RECEIVED_FILE = "received.jsonl"
ORIGINAL = "original"
"""The folder among the step's files that has what was received, byte for byte."""

IMPORTS = "imports"
"""The folder in `runs/` that has a note for each package that came in, and what a run receives while it is made."""

Form = Literal["inspect", "promptfoo", "awo-1x"]
Count = Annotated[int, Meta(ge=-1, le=2**53 - 1)]
"""A number that somebody else counted; -1 where they do not say."""


class _Record(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A shape on disk: unknown fields are refused."""


class ReceivedUsage(_Record, frozen=True):
    """Tokens as the software that made the file counted them."""

    prompt_tokens: Count = -1
    completion_tokens: Count = -1
    cached_tokens: Count = -1
    reasoning_tokens: Count = -1


class ReceivedLine(_Record, frozen=True):
    """One answer as it was received; a line of outputs/<step>/files/received.jsonl (sorted compact JSON).

    Nothing in it was witnessed. `id` is the number of the line from 1, as text; `where` the place in the original.
    `sample`, `model`, `at` and `stop_reason` are in the words of the original, '' where it has none; `repeat` is its
    epoch or attempt, -1 where it has none. A chat stands in `prompt` turn by turn, each under `[role]`. In `scores` a
    number that is not finite, or too large, is text. `cost_usd` is the number in the spelling of
    sorted compact JSON, '' without one.
    """

    id: str
    where: str
    sample: str
    repeat: Count
    model: str
    prompt: str
    answer: str
    target: list[str]
    scores: dict[str, float | str | bool | None]
    explanations: dict[str, str]
    usage: ReceivedUsage
    cost_usd: str
    at: str
    latency_ms: Count
    stop_reason: str
    error: str


class ClaimedOrigin(_Record, frozen=True):
    """Who made the file, as it says itself; '' for what it does not say. `announced` is how many answers it has."""

    software: str
    version: str
    format_version: str
    title: str
    created: str
    status: str
    announced: Count


class ClaimedScore(_Record, frozen=True):
    """One claimed score over the received answers. The mean is over its `numbers`; it says nothing of how they came.

    `words` counts the values that are no number: the 20 most frequent.
    """

    name: str
    answers: Size
    numbers: Size
    mean: float | None
    words: dict[str, Size]


class ClaimedResult(_Record, frozen=True):
    """A result that the file states over all answers; it was not computed again."""

    name: str
    value: float | str | bool | None


class LeftOut(_Record, frozen=True):
    """Something of the original that is no line of received.jsonl, and why."""

    where: str
    why: str


class ReceivedValue(_Record, frozen=True):
    """The value of a receive step.

    `answers` counts the lines, `errors` those with an error. `not_understood` counts what should have been a line and
    is none; `left_out` names the first 100 of them, `reasons` counts all. `other_parts` counts what the original has
    beside answers, by kind: it is kept in the original alone. `models` counts the lines by claimed model, `more_models`
    those whose model is not among them.
    """

    form: Form
    path: str
    originals: list[FileRef]
    claimed: ClaimedOrigin
    answers: Size
    errors: Size
    not_understood: Size
    left_out: list[LeftOut]
    reasons: dict[str, Size]
    other_parts: dict[str, Size]
    models: dict[str, Size]
    more_models: Size
    scores: list[ClaimedScore]
    results: list[ClaimedResult]


class ArrivalNote(_Record, frozen=True):
    """What is known of a package that came in: runs/imports/<run id>.json. Unsigned, and no part of the package.

    `source` (`from` on disk) is the name of the file or folder that it came as, `sha256` and `size_bytes` are of that
    file; of a folder `sha256` is '' and `size_bytes` counts its files. `trust` is whom the verifier believed, '' for
    nobody; `required` the chapters that had to be checked in full.
    """

    format: Literal["awo/arrival/v1"]
    run_id: Annotated[str, Meta(pattern=RUN_ID_PATTERN)]
    source: str = field(name="from")
    kind: Literal["bundle", "folder"]
    sha256: Annotated[str, Meta(pattern=r"^([0-9a-f]{64})?$(?!\n)")]
    size_bytes: Size
    seal_sha256: Sha256
    at: Time
    verdict: Literal["passed", "incomplete"]
    trust: str
    required: list[str]
    is_redacted: bool

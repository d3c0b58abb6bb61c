"""The seam of readers: originals go in, answers and what was not understood come out."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import BinaryIO, Final

from awo.errors import StepFailed
from awo.evidence.received import ClaimedOrigin, ClaimedResult, LeftOut, ReceivedUsage

Scalar = float | str | bool | None

LARGEST_DOCUMENT_BYTES: Final = 128 << 20
"""The most that is read at once as one JSON document."""

LARGEST_TOTAL_BYTES: Final = 1 << 30
"""The most that all documents of one original may be, unpacked."""

LONGEST_LINE_BYTES: Final = 8 << 20
"""A longer received answer is left out: a data set takes lines of up to 16 MiB."""


class NotUnderstood(Exception):
    """Something that cannot be read as what it should be; the reason as a clause."""


@dataclass(frozen=True, slots=True)
class Original:
    """A file as it was received: its name among the originals, and its bytes from the start (they can be sought)."""

    name: str
    size_bytes: int
    open: Callable[[], BinaryIO]

    def read(self, most_bytes: int = LARGEST_DOCUMENT_BYTES) -> bytes:
        """All of its bytes. Raises `NotUnderstood` where there are more than `most_bytes`."""
        if self.size_bytes > most_bytes:
            raise NotUnderstood(f"larger than is read at once ({most_bytes} bytes)")
        with self.open() as stream:
            data = stream.read(most_bytes + 1)
        if len(data) > most_bytes:
            raise NotUnderstood(f"larger than is read at once ({most_bytes} bytes)")
        return data


@dataclass(frozen=True, slots=True)
class Answered:
    """One answer as the original has it (`awo.evidence.received.ReceivedLine` without its number)."""

    where: str
    sample: str = ""
    repeat: int = -1
    model: str = ""
    prompt: str = ""
    answer: str = ""
    target: tuple[str, ...] = ()
    scores: Mapping[str, Scalar] = field(default_factory=dict)
    explanations: Mapping[str, str] = field(default_factory=dict)
    usage: ReceivedUsage = field(default_factory=ReceivedUsage)
    cost_usd: str = ""
    at: str = ""
    latency_ms: int = -1
    stop_reason: str = ""
    error: str = ""


@dataclass(frozen=True, slots=True)
class Found:
    """What an original says: of itself, of the whole, and one by one. `parts` is read as it is taken.

    `other_parts` is filled while `parts` is read: how much there is beside answers, by kind.
    """

    claimed: ClaimedOrigin
    parts: Iterator[Answered | LeftOut]
    results: Sequence[ClaimedResult] = ()
    other_parts: dict[str, int] = field(default_factory=dict)


Reader = Callable[[Sequence[Original]], Found]
"""Raises `StepFailed` (codes `received_form`, `received_version`) for what is not its form at all."""


def not_this_form(what: str, *, where: str, expected: str, got: str = "", hint: str = "") -> StepFailed:
    """The error for originals that are of another form than was said."""
    return StepFailed(what, code="received_form", where=where, expected=expected, got=got, hint=hint, is_final=True)


def unknown_version(software: str, where: str, expected: str, got: str) -> StepFailed:
    """The error for a version of a format of which nothing is known."""
    return StepFailed(
        f"this version of the format of {software} is not known here",
        code="received_version",
        where=where,
        expected=expected,
        got=got[:60],
        hint="use a newer AWO, or convert the file to a version that is known",
        is_final=True,
    )

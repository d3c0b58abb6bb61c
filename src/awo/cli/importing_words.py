"""How what came from elsewhere is told: on its way in, and in `awo show` and `awo list`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from awo.derive.phrases import count, moment, size

if TYPE_CHECKING:
    from awo.evidence.received import ArrivalNote, ReceivedValue

NOT_WITNESSED: Final = "Received, not witnessed"
LONGEST_WORD: Final = 120


def received_in_words(value: ReceivedValue) -> list[str]:
    """What a step received, in a few lines under a plain heading."""
    claimed = value.claimed
    made_by = " ".join(part for part in (claimed.software, _cut(claimed.version)) if part)
    said = [f"{NOT_WITNESSED}: {count(value.answers, 'answer')} that {made_by} claims to have had"]
    if claimed.announced not in (-1, value.answers):
        said.append(f"  the file itself speaks of {claimed.announced:,}")
    if value.errors:
        said.append(f"  {value.errors:,} with an error")
    if value.not_understood:
        said.append(f"  {count(value.not_understood, 'part')} not understood:")
        said += [f"    {_cut(why)} ({times:,})" for why, times in list(value.reasons.items())[:5]]
    models = ", ".join(f"{_cut(name) or 'no name'} ({times:,})" for name, times in list(value.models.items())[:5])
    if models:
        said.append(f"  models, as claimed: {models}")
    said += [f"  kept: {one.path} ({size(one.size_bytes)}, SHA-256 {one.sha256})" for one in value.originals[:5]]
    return said


def _cut(text: str) -> str:
    return text if len(text) <= LONGEST_WORD else f"{text[:LONGEST_WORD]}…"


def arrival_in_words(arrival: ArrivalNote) -> str:
    """How a package came here, in a line."""
    digest = f", SHA-256 {arrival.sha256}" if arrival.sha256 else ""
    how = "verified" if arrival.verdict == "passed" else "not checked in full"
    return f"{arrival.source} ({arrival.kind}, {size(arrival.size_bytes)}{digest}), {moment(arrival.at)}, {how} then"


def arrival_as_dict(arrival: ArrivalNote | None) -> dict[str, Any]:
    """The note as it stands on disk; empty where there is none."""
    if arrival is None:
        return {}
    import msgspec

    found: dict[str, Any] = msgspec.to_builtins(arrival)
    return found

"""Whether a gate showed all that was on record when it opened."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from awo.evidence.events import FileRef, GateOpened
from awo.evidence.layout import JOURNAL
from awo.verify.findings import Finding

PATHS_NAMED: Final = 10


def why_not_all_shown(opened: GateOpened, recorded: Mapping[str, FileRef], line: int) -> Finding | None:
    """What `shows` lacks of the files recorded so far (those of the gate itself included), or has beside them."""
    if len(opened.shows) == len(recorded) and opened.shows == sorted(recorded.values(), key=lambda ref: ref.path):
        return None
    shown = {ref.path: ref for ref in opened.shows}
    lacks = sorted(path for path, ref in recorded.items() if shown.get(path) != ref)
    more = sorted(shown.keys() - recorded.keys())
    if lacks:
        what = "the gate does not show every output that was on record when it opened"
    elif more:
        what = "the gate shows files that were not on record when it opened"
    else:
        what = "what the gate shows does not stand in the order of its paths, or stands there twice"
    return Finding(f"{JOURNAL}:{line}", what, some_of(lacks), some_of(more))


def some_of(paths: Sequence[str]) -> str:
    """The first of many paths, harmless, and how many more there are."""
    more = f" and {len(paths) - PATHS_NAMED} more" if len(paths) > PATHS_NAMED else ""
    return ", ".join(ascii(path)[1:-1] for path in paths[:PATHS_NAMED]) + more

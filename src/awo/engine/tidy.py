"""Removes what a killed process left unrecorded, so that a folder holds what its journal names and no more."""

from __future__ import annotations

import os
from pathlib import Path

from awo.engine.reading import events_of, refs_of
from awo.evidence import events as ev
from awo.evidence.layout import AUDIT, DECISIONS, OUTPUTS, responses_path


def remove_unrecorded(folder: Path) -> list[str]:
    """Deletes files below outputs/ and audit/decisions/ that no event names, and half-written views.

    responses.jsonl stays when an event names a line of it. Gives the paths removed, sorted. Only
    for a run that no step is running in. Raises `EvidenceError` for a journal that cannot be read.
    """
    named = _named(folder)
    removed = []
    for top in (OUTPUTS, DECISIONS):
        for parent, _, names in os.walk(folder / top, topdown=False):
            for name in names:
                path = os.path.relpath(os.path.join(parent, name), folder).replace(os.sep, "/")
                if path not in named:
                    (folder / path).unlink()
                    removed.append(path)
            if parent != str(folder / top) and not os.listdir(parent):
                Path(parent).rmdir()
    for place in (folder, folder / AUDIT):
        for half in place.glob(".*.new"):
            half.unlink()
    return sorted(removed)


def _named(folder: Path) -> set[str]:
    """The paths of every file that an event names."""
    named: set[str] = set()
    for event in events_of(folder):
        named.update(ref.path for ref in refs_of(event))
        if isinstance(event, (ev.CallAnswered, ev.ResponseReused)):
            named.add(responses_path(event.step))
    return named

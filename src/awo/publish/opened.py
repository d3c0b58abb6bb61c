"""A run that is opened for a notebook: its responses, items, scores and values, read from its folder alone."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from awo.derive.facts import RunFacts
from awo.publish.columns import items_table, responses_table, scores_table
from awo.publish.frames import FrameKind, frame_of
from awo.publish.run_reader import RunReader


class OpenedRun:
    """What `awo.open(RUN)` gives. Nothing is written, and every file that is read has its recorded digest.

    Frames are of polars, pandas or pyarrow, whichever is installed first; `as_` chooses. Reading raises
    `UsageError` for a step that is not there, `EvidenceError` for a run that is altered, and `CannotCheck`
    where no such library is installed.
    """

    def __init__(self, folder: Path) -> None:
        self._reader = RunReader(folder)

    def __repr__(self) -> str:
        return f"<{self.facts.run_id}: {self.facts.input.name!a}>"

    @property
    def facts(self) -> RunFacts:
        """What the journal says: steps, models, calls, money, gates, outcome."""
        return self._reader.facts

    def responses(self, as_: FrameKind | None = None) -> Any:
        """One row for each answer with its response, its scores and its row of data; see docs/tables.md."""
        return frame_of(responses_table(self._reader), as_)

    def scores(self, step: str = "", as_: FrameKind | None = None) -> Any:
        """One row for each score of each answer, of one step that scores or of all."""
        return frame_of(scores_table(self._reader, step), as_)

    def items(self, step: str, as_: FrameKind | None = None) -> Any:
        """One row for each cell of a step that fans out, with its value as JSON."""
        return frame_of(items_table(self._reader, step), as_)

    def value(self, step: str) -> Any:
        """The value of a step: its output.json, parsed. Raises `StepFailed` (code `no_value`) where it has none."""
        return self._reader.value_of(step)

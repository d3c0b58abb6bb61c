"""The files that finished steps left, as the journal names them: what merely lies in a folder is no artifact."""

from __future__ import annotations

import os
import threading
from pathlib import Path

from awo.engine.folder import refuse_altered_file
from awo.engine.journal import read_lines
from awo.evidence import events as ev
from awo.evidence.layout import JOURNAL, file_path


class Artifacts:
    """An index over the journal on disk, read on only when a step is asked for that it has not met."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._offset = 0
        self._events = 0
        self._of_step: dict[str, dict[str, ev.FileRef]] = {}
        self._lock = threading.Lock()

    def names(self, step: str) -> list[str]:
        """The names of a finished step's artifacts, sorted; none for a step whose end is not on disk."""
        top = file_path(step, "")
        return sorted(path.removeprefix(top) for path in self._refs(step) if path.startswith(top))

    def path(self, step: str, name: str) -> Path | None:
        """Where an artifact stands, its digest checked; None when there is none of that name.

        Raises `EvidenceError` for one that was altered or lost, and `DiskTrouble`.
        """
        ref = self.ref(step, file_path(step, name))
        if ref is None:
            return None
        refuse_altered_file(self._folder, ref)
        return self._folder / ref.path

    def ref(self, step: str, path: str) -> ev.FileRef | None:
        """A file beside the value of a finished step, by its path in the run's folder; None when there is none."""
        return self._refs(step).get(path)

    def _refs(self, step: str) -> dict[str, ev.FileRef]:
        with self._lock:  # heavy derivations read beside the engine's loop
            if step not in self._of_step:
                self._read_on()
            return self._of_step.get(step, {})

    def _read_on(self) -> None:
        descriptor = os.open(self._folder / JOURNAL, os.O_RDONLY | os.O_CLOEXEC)
        try:
            for line in read_lines(descriptor, self._offset):
                if not line.endswith(b"\n"):
                    return
                event = ev.decode(line[:-1], self._events)
                self._offset += len(line)
                self._events += 1
                if isinstance(event, ev.StepFinished | ev.StepReused):
                    self._of_step[event.step] = {ref.path: ref for ref in event.files}
        finally:
            os.close(descriptor)

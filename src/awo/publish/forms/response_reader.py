"""Reads the responses of a run in the order of its journal, each held against its recorded digest."""

from __future__ import annotations

import os
from collections import OrderedDict
from pathlib import Path
from typing import Final

import msgspec

from awo.canon.digest import sha256_hex
from awo.engine.folder import RESTORE
from awo.errors import DiskTrouble, EvidenceError
from awo.evidence.events import CallAnswered, ResponseReused
from awo.evidence.layout import responses_path
from awo.evidence.records import ResponseLine

MOST_OPEN: Final = 32

_decode = msgspec.json.Decoder(ResponseLine).decode


class ResponseReader:
    """Gives the response of each event that names one. Memory: a number for each step, and a few open files.

    With `withheld` a step whose responses are not there any more gives None. Close it.
    """

    def __init__(self, folder: Path, *, withheld: bool) -> None:
        self._folder = folder
        self._withheld = withheld
        self._offsets: dict[str, int] = {}
        self._open: OrderedDict[str, int] = OrderedDict()

    def next(self, event: CallAnswered | ResponseReused) -> ResponseLine | None:
        """The response of the next such event of the journal. Raises `EvidenceError` and `DiskTrouble`."""
        offset = self._offsets.get(event.step, 0)
        self._offsets[event.step] = offset + event.size_bytes + 1
        where = f"{self._folder / responses_path(event.step)}:{event.line + 1}"
        try:
            data = os.pread(self._file(event.step), event.size_bytes, offset)
        except FileNotFoundError as error:
            if self._withheld:
                return None
            raise EvidenceError("a recorded response is missing", where=where, hint=RESTORE) from error
        except OSError as error:
            raise DiskTrouble("a recorded response cannot be read", where=where, got=error.strerror or "") from error
        if (got := sha256_hex(data)) != event.sha256:
            raise EvidenceError(
                "a recorded response has been altered",
                where=where,
                expected=f"SHA-256 {event.sha256}",
                got=got,
                hint=RESTORE,
            )
        try:
            return _decode(data)
        except msgspec.MsgspecError as error:
            raise EvidenceError("a recorded line is no response", where=where, got=str(error)) from error

    def close(self) -> None:
        """Closes the files."""
        for descriptor in self._open.values():
            os.close(descriptor)
        self._open.clear()

    def _file(self, step: str) -> int:
        if step in self._open:
            self._open.move_to_end(step)
            return self._open[step]
        descriptor = os.open(self._folder / responses_path(step), os.O_RDONLY | os.O_CLOEXEC)
        self._open[step] = descriptor
        if len(self._open) > MOST_OPEN:
            os.close(self._open.popitem(last=False)[1])
        return descriptor

"""The answers that a step has already: found by their request, read from responses.jsonl, held against their digest."""

from __future__ import annotations

import os
from pathlib import Path

import msgspec

from awo.canon.digest import sha256_hex
from awo.errors import DiskTrouble, EvidenceError
from awo.evidence.layout import responses_path
from awo.evidence.records import ResponseLine
from awo.lifecycle.steps import StepState

_decoder = msgspec.json.Decoder(ResponseLine)


class KeptAnswers:
    """What stood in responses.jsonl when the attempt began; `close` when the attempt is over."""

    __slots__ = ("_descriptor", "_limit", "_path", "_root", "_state")

    def __init__(self, root: Path, state: StepState) -> None:
        self._root = root
        self._state = state
        self._path = responses_path(state.record.id)
        self._limit = state.lines
        self._descriptor = -1

    def nth(self, request_sha256: str, nth: int) -> ResponseLine | None:
        """The answer number `nth` (from 0) to this request; None when there are not so many.

        Raises `EvidenceError` for a line that is not the recorded one, and `DiskTrouble`.
        """
        answered = self._state.answered
        if not self._limit or answered is None:
            return None
        lines = answered.lines_for(request_sha256)
        if nth >= len(lines) or lines[nth] >= self._limit:
            return None
        return self._read(lines[nth])

    def close(self) -> None:
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1

    def _read(self, line: int) -> ResponseLine:
        assert self._state.answered is not None
        offset, size_bytes = self._state.answered.span(line)
        try:
            if self._descriptor < 0:
                self._descriptor = os.open(f"{self._root}/{self._path}", os.O_RDONLY | os.O_CLOEXEC)
            data = os.pread(self._descriptor, size_bytes, offset)
        except OSError as error:
            raise DiskTrouble(
                "a recorded response cannot be read", where=self._path, got=str(error.strerror)
            ) from error
        expected = self._state.answered.sha256(line)
        if (got := sha256_hex(data)) != expected:
            raise EvidenceError(
                "a recorded response has been altered",
                where=f"{self._path}:{line + 1}",
                expected=f"SHA-256 {expected}",
                got=got,
                hint="restore the run from a copy; AWO does not go on from altered evidence",
            )
        return _decoder.decode(data)

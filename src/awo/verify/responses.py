"""Checks a responses.jsonl while it streams by: each line is the one that the journal recorded, and is a response."""

from __future__ import annotations

import msgspec

from awo.canon.digest import sha256_hex
from awo.canon.json import encode_sorted
from awo.errors import AwoError
from awo.evidence.records import ResponseLine
from awo.verify.doubled import doubled_key
from awo.verify.findings import MOST_FINDINGS, Finding
from awo.verify.journal import RecordedLines
from awo.verify.lines import Lines

_decoder = msgspec.json.Decoder(ResponseLine)


class ResponseReader:
    """Takes the bytes of one responses.jsonl. `altered` and `misshapen` have what is wrong, the first 100 of each."""

    def __init__(self, path: str, recorded: RecordedLines, line_limit_bytes: int) -> None:
        self.path = path
        self.altered: list[Finding] = []
        self.misshapen: list[Finding] = []
        self.count = 0
        self.torn_bytes = 0
        self._step = path.split("/")[1]
        self._recorded = recorded
        self._cutter = Lines(line_limit_bytes)

    def feed(self, chunk: bytes | memoryview) -> None:
        """The next bytes of the file."""
        for line in self._cutter.feed(chunk):
            self._line(line)

    def end(self) -> None:
        """After the last byte."""
        self.torn_bytes = len(self._cutter.rest)
        if self._cutter.is_too_long:
            self._put(self.misshapen, "a line is longer than the limit")

    @property
    def unrecorded(self) -> int:
        """How many whole lines no event names."""
        return max(0, self.count - len(self._recorded))

    @property
    def missing(self) -> int:
        """How many recorded lines are not there."""
        return max(0, len(self._recorded) - self.count)

    def _line(self, line: bytes) -> None:
        number = self.count
        self.count += 1
        if number >= len(self._recorded):
            return
        digest, expected = sha256_hex(line), self._recorded.digest(number)
        if digest != expected or len(line) != self._recorded.sizes[number]:
            self._put(self.altered, "the response is not the one that the journal recorded", expected, digest)
            return
        try:
            response = _decoder.decode(line)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
            self._put(self.misshapen, "the line is not a response", got=str(error))
            return
        if not _is_compact(response, line) and (key := doubled_key(line)):
            self._put(self.misshapen, "a key stands twice in one object", got=key)
        if (response.step, response.call) != (self._step, self._recorded.calls[number]):
            self._put(
                self.misshapen,
                "the response belongs to another call",
                f"step {self._step}, call {self._recorded.calls[number]}",
                f"step {response.step}, call {response.call}",
            )

    def _put(self, findings: list[Finding], what: str, expected: str = "", got: str = "") -> None:
        if len(findings) < MOST_FINDINGS:
            findings.append(Finding(f"{self.path}:{max(self.count, 1)}", what, expected, got))


def _is_compact(response: ResponseLine, line: bytes) -> bool:
    """Whether the line is the usual spelling of its response, which has no key twice."""
    try:
        return encode_sorted(response) == line
    except (AwoError, RecursionError):
        return False

"""Checks a segment of audit/raw/ while it streams by: each frame is the recorded one, and holds an exchange."""

from __future__ import annotations

import base64
from dataclasses import dataclass

from awo.canon.digest import sha256_hex
from awo.canon.json import encode_sorted
from awo.errors import EvidenceError
from awo.evidence import exchanges
from awo.evidence.exchanges import Body, FrameReader
from awo.verify.findings import MOST_FINDINGS, Finding
from awo.verify.limits import is_bomb_of_exchanges
from awo.verify.recorded import Frame, RecordedFrames


@dataclass(slots=True)
class Unpacked:
    """What all segments of a package have taken and given so far, in bytes."""

    packed_bytes: int = 0
    unpacked_bytes: int = 0

    @property
    def is_bomb(self) -> bool:
        return is_bomb_of_exchanges(self.unpacked_bytes, self.packed_bytes)


class SegmentReader:
    """Takes the bytes of one segment. `altered` and `misshapen` have what is wrong, the first 100 of each.

    One exchange is held at a time. `extra_bytes` is what stands after the last frame that an event
    names, `missing` how many frames that events name were not met.
    """

    def __init__(self, path: str, recorded: RecordedFrames, unpacked: Unpacked) -> None:
        self.path = path
        self.altered: list[Finding] = []
        self.misshapen: list[Finding] = []
        self.extra_bytes = 0
        self.was_too_much = False
        self._recorded = recorded
        self._unpacked = unpacked
        self._number = 0
        self._offset = 0
        self._left = 0
        self._reader: FrameReader | None = None
        self._is_lost = False

    @property
    def missing(self) -> int:
        """How many frames that events name are not there whole."""
        return len(self._recorded) - self._number

    def feed(self, chunk: bytes | memoryview) -> None:
        """The next bytes of the file."""
        view = memoryview(chunk)
        while view:
            if not self._left and not self._begin():
                self.extra_bytes += len(view)
                return
            piece = view[: self._left]
            self._unpack(piece)
            self._left -= len(piece)
            self._offset += len(piece)
            view = view[len(piece) :]
            if not self._left:
                self._end_frame()

    def end(self) -> None:
        """After the last byte."""
        self._reader = None

    def _begin(self) -> bool:
        """Whether another frame begins here."""
        if self._is_lost or self._number >= len(self._recorded):
            return False
        frame = self._recorded[self._number]
        if frame.offset != self._offset:
            self._is_lost = True
            self._put(self.altered, "the frames do not stand one after the other", str(frame.offset))
            return False
        self._left = frame.size_bytes
        if self._unpacked.is_bomb:
            self.was_too_much = True
        else:
            self._reader = FrameReader(self._where())
        return True

    def _unpack(self, piece: memoryview) -> None:
        if self._reader is None:
            return
        before = self._reader.size_bytes
        try:
            if self._reader.feed(piece):
                self._reader = None
                self._put(self.altered, "a frame ends before its length, as the journal recorded it")
        except EvidenceError as error:
            self._reader = None
            self._unpacked.unpacked_bytes += exchanges.LARGEST_LINE_BYTES  # at most; it counts against a bomb
            self._put(self.altered, error.what, error.expected, error.got)
        else:
            if self._reader is not None:
                self._unpacked.unpacked_bytes += self._reader.size_bytes - before
        self._unpacked.packed_bytes += len(piece)

    def _end_frame(self) -> None:
        frame = self._recorded[self._number]
        reader, self._reader = self._reader, None
        if reader is not None:
            self._offset -= frame.size_bytes  # findings name the place where the frame begins
            self._judge(reader, frame)
            self._offset += frame.size_bytes
        self._number += 1

    def _judge(self, reader: FrameReader, frame: Frame) -> None:
        if not reader.is_whole:
            self._put(self.altered, "a frame does not end where the journal recorded its end")
            return
        try:
            line = reader.line
        except EvidenceError as error:
            self._put(self.altered, error.what)
            return
        if (digest := sha256_hex(line)) != frame.sha256:
            self._put(self.altered, "the exchange is not the one that the journal recorded", frame.sha256, digest)
            return
        try:
            exchange = exchanges.decode(line, self._where())
        except EvidenceError as error:
            self._put(self.misshapen, error.what, got=error.got)
            return
        if encode_sorted(exchange) != line:
            self._put(self.misshapen, "the exchange is not in canonical form")
        expected = (frame.step, frame.call, frame.model or exchange.model)
        if expected != (exchange.step, exchange.call, exchange.model):
            self._put(
                self.misshapen,
                "the exchange belongs to another call",
                "step {}, call {}, model {}".format(*expected),
                f"step {exchange.step}, call {exchange.call}, model {exchange.model}",
            )
        for body in (exchange.request, exchange.response):
            if why := _why_not(body):
                self._put(self.misshapen, why)

    def _where(self) -> str:
        return f"{self.path}, byte {self._offset}"

    def _put(self, findings: list[Finding], what: str, expected: str = "", got: str = "") -> None:
        if len(findings) < MOST_FINDINGS:
            findings.append(Finding(self._where(), what, expected, got))


def _why_not(body: Body) -> str:
    """What is wrong with one direction of an exchange, or ''."""
    if exchanges.kept_headers(body.headers) != body.headers:
        return "a header is recorded that may not be, or its name is not in lower case"
    if body.encoding == "base64":
        try:
            content = exchanges.content_of(body)
        except ValueError:
            return "a body is said to be base64, and is not"
        if base64.b64encode(content).decode() != body.content:
            return "a body is not in the one spelling of its base64"
    return ""

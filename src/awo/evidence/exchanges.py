"""Exchanges with models as they crossed the wire, and the frames in which `audit/raw/` keeps them (spec section 3.8).

A segment is a row of gzip members ("frames"), each of one line of JSON: `zcat` reads a whole
segment, and one frame is read alone from its offset.
"""

from __future__ import annotations

import base64
import zlib
from collections.abc import Iterable
from typing import Annotated, Final, Literal

import msgspec
from msgspec import Meta

from awo.canon.json import encode_sorted
from awo.errors import EvidenceError
from awo.evidence.events import Size, Time
from awo.evidence.records import Salt

FORMAT: Final = "awo/exchange/v1"
LARGEST_SEGMENT_BYTES: Final = 64 * 10**6
LARGEST_LINE_BYTES: Final = 192 * 2**20
LEVEL: Final = 1

KEPT_HEADERS: Final = frozenset(
    {
        "accept",
        "anthropic-version",
        "apim-request-id",
        "cf-ray",
        "content-encoding",
        "content-length",
        "content-type",
        "date",
        "idempotency-key",
        "openai-model",
        "openai-processing-ms",
        "openai-version",
        "request-id",
        "retry-after",
        "retry-after-ms",
        "server",
        "transfer-encoding",
        "user-agent",
        "via",
        "x-goog-api-client",
        "x-ms-region",
        "x-ms-request-id",
        "x-request-id",
        "x-should-retry",
    }
)
KEPT_PREFIXES: Final = ("x-ratelimit-", "anthropic-ratelimit-")


class Body(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The bytes of one direction, content coding undone: as text, or as base64 when they are not UTF-8."""

    headers: list[tuple[str, str]]
    encoding: Literal["utf-8", "base64"]
    content: str


class Exchange(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One request that was sent, and what came back; secrets are cut out.

    `status` is 0 and `response` empty when nothing came back; `error` says what went wrong on the
    wire, or is empty. `elapsed_ms` is from sending to the last byte.
    """

    format: Literal["awo/exchange/v1"]
    salt: Salt
    step: str
    call: str
    model: str
    sent_at: Time
    elapsed_ms: Size
    method: str
    url: str
    request: Body
    status: Annotated[int, Meta(ge=0, le=999)]
    response: Body
    error: str


_decoder = msgspec.json.Decoder(Exchange)


def kept_headers(headers: Iterable[tuple[str, str]]) -> list[tuple[str, str]]:
    """The headers that may be recorded, names in lower case, in their order."""
    lowered = ((name.lower(), value) for name, value in headers)
    return [(name, value) for name, value in lowered if name in KEPT_HEADERS or name.startswith(KEPT_PREFIXES)]


def body(headers: Iterable[tuple[str, str]], content: bytes) -> Body:
    """One direction of an exchange, with the headers that may be recorded."""
    try:
        return Body(headers=kept_headers(headers), encoding="utf-8", content=content.decode())
    except UnicodeDecodeError:
        return Body(headers=kept_headers(headers), encoding="base64", content=base64.b64encode(content).decode())


def content_of(body: Body) -> bytes:
    """The bytes of one direction. Raises `ValueError` for base64 that is none."""
    return body.content.encode() if body.encoding == "utf-8" else base64.b64decode(body.content, validate=True)


def encode(exchange: Exchange) -> bytes:
    """The line of `exchange`, without its newline: sorted compact JSON."""
    return encode_sorted(exchange)


def decode(line: bytes, where: str) -> Exchange:
    """The exchange that `line` spells. Raises `EvidenceError`."""
    try:
        return _decoder.decode(line)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise EvidenceError("this is not a recorded exchange", where=where, got=str(error)) from error


def frame(line: bytes) -> bytes:
    """The frame of `line`: one gzip member that holds the line and a newline."""
    from isal import isal_zlib

    compressed: bytes = isal_zlib.compress(line + b"\n", LEVEL, wbits=31)
    return compressed


class FrameReader:
    """Takes the bytes of one frame in pieces; `line` is what it held, without its newline.

    Raises `EvidenceError` naming `where` for bytes that are no frame or unpack to more than the limit.
    """

    def __init__(self, where: str, limit_bytes: int = LARGEST_LINE_BYTES) -> None:
        self._where = where
        self._limit_bytes = limit_bytes
        self._unpacker = zlib.decompressobj(wbits=31)
        self._pieces: list[bytes] = []
        self._size_bytes = 0

    def feed(self, data: bytes | memoryview) -> bytes:
        """Takes more; gives the bytes that come after the frame's end."""
        if self.is_whole:
            return bytes(data)
        try:
            while data and not self._unpacker.eof:
                piece = self._unpacker.decompress(data, self._limit_bytes + 1 - self._size_bytes)
                self._pieces.append(piece)
                self._size_bytes += len(piece)
                if self._size_bytes > self._limit_bytes:
                    raise EvidenceError(
                        "an exchange is too large", where=self._where, expected=f"at most {self._limit_bytes} bytes"
                    )
                data = self._unpacker.unconsumed_tail
        except zlib.error as error:
            raise EvidenceError("this is not a frame of exchanges", where=self._where, got=str(error)) from error
        return self._unpacker.unused_data

    @property
    def size_bytes(self) -> int:
        """How much was unpacked so far, the newline included."""
        return self._size_bytes

    @property
    def is_whole(self) -> bool:
        """Whether the frame's last byte was seen, its checksum included."""
        return self._unpacker.eof

    @property
    def line(self) -> bytes:
        """The line of a whole frame. Raises `EvidenceError` when it does not end in its only newline."""
        data = b"".join(self._pieces)
        if not data.endswith(b"\n") or b"\n" in data[:-1]:
            raise EvidenceError("a frame must hold one line", where=self._where)
        return data[:-1]


def read_frame(data: bytes, where: str) -> bytes:
    """The line in exactly one frame. Raises `EvidenceError`."""
    reader = FrameReader(where)
    if reader.feed(data) or not reader.is_whole:
        raise EvidenceError("this is not exactly one frame", where=where)
    return reader.line

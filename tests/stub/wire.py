"""HTTP/1.1 as far as the stub needs it: requests out of a connection's bytes, and the bytes of an answer."""

from __future__ import annotations

import http
import time
from email.utils import formatdate
from functools import lru_cache
from typing import NamedTuple

import msgspec

JSON = "application/json"
REASONS = {status.value: status.phrase for status in http.HTTPStatus}
LARGEST_HEAD_BYTES = 64 * 1024


class Broken(Exception):
    """These bytes are not HTTP/1.1."""


class Request(NamedTuple):
    """One whole request. Header names are in lower case."""

    method: str
    path: str
    query: str
    headers: dict[str, str]
    body: bytes


def take(buffer: bytearray) -> Request | None:
    """The first whole request in `buffer`, which loses it; None when more must come. Raises `Broken`."""
    end = buffer.find(b"\r\n\r\n")
    if end < 0:
        if len(buffer) > LARGEST_HEAD_BYTES:
            raise Broken
        return None
    first, *lines = bytes(buffer[:end]).decode("latin-1").split("\r\n")
    words = first.split(" ")
    if len(words) != 3:
        raise Broken
    headers: dict[str, str] = {}
    for line in lines:
        name, _, value = line.partition(":")
        headers[name.lower()] = value.strip()
    path, _, query = words[1].partition("?")
    start = end + 4
    if headers.get("transfer-encoding") == "chunked":
        whole = _chunks(buffer, start)
        if whole is None:
            return None
        body, rest = whole
    else:
        rest = start + int(headers.get("content-length", 0))
        if len(buffer) < rest:
            return None
        body = bytes(buffer[start:rest])
    del buffer[:rest]
    return Request(words[0], path, query, headers, body)


def _chunks(buffer: bytearray, start: int) -> tuple[bytes, int] | None:
    """The chunks' bytes and where the request ends, or None when the last chunk is not here yet."""
    pieces = []
    while True:
        end = buffer.find(b"\r\n", start)
        if end < 0:
            return None
        size = int(buffer[start:end], 16)
        start = end + 2
        if len(buffer) < start + size + 2:
            return None
        pieces.append(bytes(buffer[start : start + size]))
        start += size + 2
        if size == 0:
            return b"".join(pieces), start


@lru_cache(maxsize=1)
def _date(second: int) -> str:
    return formatdate(second, usegmt=True)


def head(status: int, headers: list[tuple[str, str]], *, size_bytes: int | None, kind: str = JSON) -> bytes:
    """The first line and headers; `size_bytes` None means chunks."""
    reason = REASONS.get(status, "Site Is Overloaded")
    length = "transfer-encoding: chunked" if size_bytes is None else f"content-length: {size_bytes}"
    more = "".join(f"{name}: {value}\r\n" for name, value in headers)
    always = f"server: stub\r\ndate: {_date(int(time.time()))}\r\ncontent-type: {kind}\r\n{length}\r\n"
    return f"HTTP/1.1 {status} {reason}\r\n{always}{more}\r\n".encode("latin-1")


def answer(status: int, headers: list[tuple[str, str]], body: object) -> bytes:
    """A whole JSON answer."""
    content = msgspec.json.encode(body)
    return head(status, headers, size_bytes=len(content)) + content

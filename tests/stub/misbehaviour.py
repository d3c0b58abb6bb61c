"""What a server does wrong on the wire: stops in the middle, resets, drips, or never ends."""

from __future__ import annotations

import asyncio
import socket
import struct
from typing import Protocol

from tests.stub.wire import head

PIECE = b"x" * 65536
DEPTH = 200_000
NOT_ANSWERS: dict[str, tuple[str, bytes]] = {
    "not_json": ("application/json", b'{"choices": [{"message": {"content": "half'),
    "html": ("text/html", b"<!doctype html><title>502 Bad Gateway</title><h1>Bad Gateway</h1>"),
    "empty": ("application/json", b""),
    "wrong_shape": ("application/json", b'{"hello": "world", "choices": "none", "content": 3, "candidates": {}}'),
    "deep": ("application/json", b"[" * DEPTH),
}


class Wire(Protocol):
    """One connection, as far as it is misused here."""

    transport: asyncio.Transport

    @property
    def can_write(self) -> asyncio.Event:
        """Set while the other side takes what is sent."""


def reset(wire: Wire) -> None:
    """Ends the connection with RST: SO_LINGER with no time throws away what is not sent."""
    found = wire.transport.get_extra_info("socket")
    found.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    wire.transport.abort()


async def half(wire: Wire, whole: bytes, *, is_reset: bool) -> None:
    """The first half of the bytes, and the end."""
    wire.transport.write(whole[: len(whole) - max(1, len(whole.partition(b"\r\n\r\n")[2]) // 2)])
    # What was written must be on its way before a reset throws it away.
    await asyncio.sleep(0.02)
    if is_reset:
        reset(wire)
    else:
        wire.transport.close()


async def drip(wire: Wire, whole: bytes, pieces: int, every_ms: float) -> None:
    """The bytes a few at a time."""
    for start in range(0, len(whole), pieces):
        if start:
            await asyncio.sleep(every_ms / 1000)
        if wire.transport.is_closing():
            return
        wire.transport.write(whole[start : start + pieces])


async def huge(wire: Wire, headers: list[tuple[str, str]], size_bytes: int, *, is_chunked: bool) -> None:
    """A body of one very long JSON text, as fast as the other side takes it."""
    wire.transport.write(head(200, headers, size_bytes=None if is_chunked else size_bytes))
    left, piece = size_bytes, b'{"id": "' + PIECE
    while left and not wire.transport.is_closing():
        await wire.can_write.wait()
        piece = piece[:left]
        wire.transport.write(b"%x\r\n%b\r\n" % (len(piece), piece) if is_chunked else piece)
        left -= len(piece)
        piece = PIECE
        # So that a fast reader does not keep the stub from everybody else.
        await asyncio.sleep(0)
    if is_chunked:
        wire.transport.write(b"0\r\n\r\n")

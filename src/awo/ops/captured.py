"""What a program prints, kept up to a limit; the rest is read, counted and dropped."""

from __future__ import annotations

import asyncio
import os

SECRET_MARGIN_BYTES = 64 << 10


class Captured(asyncio.Protocol):
    """A pipe's two ends: `write_fd` for the program, the other is read here. A margin beyond the limit
    is held, so that a secret which begins before the limit can still be recognised."""

    def __init__(self, limit_bytes: int) -> None:
        self.total_bytes = 0
        self._held = bytearray()
        self._held_limit = limit_bytes + SECRET_MARGIN_BYTES
        self._ended = asyncio.get_running_loop().create_future()
        self._transport: asyncio.ReadTransport | None = None
        read_fd, self.write_fd = os.pipe()
        self._reader = os.fdopen(read_fd, "rb", buffering=0)

    async def start(self) -> None:
        """Begins to read."""
        self._transport, _ = await asyncio.get_running_loop().connect_read_pipe(lambda: self, self._reader)

    def data_received(self, data: bytes) -> None:
        self.total_bytes += len(data)
        room = self._held_limit - len(self._held)
        if room > 0:
            self._held += data[:room]

    def connection_lost(self, exc: Exception | None) -> None:
        if not self._ended.done():
            self._ended.set_result(None)

    async def rest(self, wait_s: float) -> bytes:
        """All that is held, once the last writer has closed or `wait_s` seconds have gone."""
        await asyncio.wait([self._ended], timeout=wait_s)
        return bytes(self._held)

    def close_writer(self) -> None:
        """Closes our copy of the writing end, so that the pipe ends with the last program. Safe to call twice."""
        if self.write_fd >= 0:
            os.close(self.write_fd)
            self.write_fd = -1

    def close(self) -> None:
        """Frees both ends. Safe to call twice."""
        self.close_writer()
        if self._transport is not None:
            self._transport.close()
        else:
            self._reader.close()

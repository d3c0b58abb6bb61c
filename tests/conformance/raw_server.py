"""A server on this machine that answers each request with whatever bytes a test says, or with none at all."""

from __future__ import annotations

import contextlib
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

Behave = Callable[[socket.socket, bytes], None]
"""Gets the connection and the whole request."""

LONGEST_S = 30.0


def answer(status: int, body: bytes, *headers: str) -> bytes:
    """The bytes of a whole HTTP answer."""
    lines = [f"HTTP/1.1 {status} X", f"Content-Length: {len(body)}", "Connection: close", *headers]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


def say(data: bytes) -> Behave:
    """Sends these bytes and ends the connection."""
    return lambda connection, _: connection.sendall(data)


def hang(connection: socket.socket, _: bytes) -> None:
    """Says nothing until the other side goes away."""
    connection.settimeout(LONGEST_S)
    connection.recv(1)


def drip(connection: socket.socket, _: bytes) -> None:
    """Sends a byte now and then, and never comes to an end."""
    connection.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
    until = time.monotonic() + LONGEST_S
    while time.monotonic() < until:
        connection.sendall(b".")
        time.sleep(0.02)


def drip_headers(connection: socket.socket, _: bytes) -> None:
    """As `drip`, with headers that never end."""
    connection.sendall(b"HTTP/1.1 200 OK\r\n")
    until = time.monotonic() + LONGEST_S
    while time.monotonic() < until:
        connection.sendall(b"X: y\r\n")
        time.sleep(0.3)


class RawServer:
    """Answers connection number *n* as behaviour *n* says, the last one again and again. `requests` is what came."""

    def __init__(self, behaviours: Sequence[Behave], certificate: Path | None = None) -> None:
        self._behaviours = list(behaviours)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._context: ssl.SSLContext | None = None
        if certificate is not None:
            self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            self._context.load_cert_chain(certificate)
        self.port: int = self._listener.getsockname()[1]
        self.requests: list[bytes] = []
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    @property
    def url(self) -> str:
        return f"{'https' if self._context else 'http'}://127.0.0.1:{self.port}"

    def close(self) -> None:
        self._listener.close()

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            behave = self._behaviours.pop(0) if len(self._behaviours) > 1 else self._behaviours[0]
            threading.Thread(target=self._answer, args=(connection, behave), daemon=True).start()

    def _answer(self, connection: socket.socket, behave: Behave) -> None:
        with contextlib.suppress(OSError):
            if self._context is not None:
                connection = self._context.wrap_socket(connection, server_side=True)
            with connection:
                request = self._read(connection)
                self.requests.append(request)
                behave(connection, request)

    def _read(self, connection: socket.socket) -> bytes:
        data = b""
        while b"\r\n\r\n" not in data:
            if not (piece := connection.recv(65536)):
                return data
            data += piece
        head, _, body = data.partition(b"\r\n\r\n")
        lengths = [line for line in head.split(b"\r\n") if line.lower().startswith(b"content-length:")]
        length = int(lengths[0].split(b":")[1]) if lengths else 0
        while len(body) < length and (piece := connection.recv(65536)):
            body += piece
        return head + b"\r\n\r\n" + body


@contextlib.contextmanager
def serving(*behaviours: Behave, certificate: Path | None = None) -> Iterator[RawServer]:
    server = RawServer(behaviours, certificate)
    try:
        yield server
    finally:
        server.close()

"""A network that is cut where a test says: before a request leaves, in its body, or before its answer arrives."""

from __future__ import annotations

import contextlib
import re
import socket
import threading
from collections.abc import Iterator
from typing import Literal

Where = Literal["before", "middle", "after"]

_HEAD = re.compile(rb"(GET|PUT|POST|HEAD|DELETE) (\S+) HTTP/1\.1\r\n")
_MIDDLE_BYTES = 100


class CuttingProxy:
    """Hands on everything to a server on 127.0.0.1 until request number `cut_at` (from 0), and nothing from then on.

    `requests` has the method and target of each that was seen.
    """

    def __init__(self, port: int) -> None:
        self._server = ("127.0.0.1", port)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        self.requests: list[str] = []
        self.cut_at: int | None = None
        self.where: Where = "before"
        self.is_cut = False
        threading.Thread(target=self._serve, daemon=True).start()

    def cut(self, number: int, where: Where) -> None:
        """From now on counts anew, and cuts at request `number`."""
        self.requests.clear()
        self.cut_at, self.where, self.is_cut = number, where, False

    def mend(self) -> None:
        """Hands on everything again."""
        self.requests.clear()
        self.cut_at, self.is_cut = None, False

    def close(self) -> None:
        self._listener.close()

    def _serve(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                if self.is_cut:
                    client.close()
                    continue
                server = socket.create_connection(self._server)
                threading.Thread(target=_Line(self, client, server).carry, daemon=True).start()


class _Line:
    """One connection through the proxy."""

    def __init__(self, proxy: CuttingProxy, client: socket.socket, server: socket.socket) -> None:
        self._proxy, self._client, self._server = proxy, client, server
        self._is_struck = False

    def carry(self) -> None:
        back = threading.Thread(target=self._back, daemon=True)
        back.start()
        self._there()
        back.join()
        self._client.close()
        self._server.close()

    def _there(self) -> None:
        with contextlib.suppress(OSError):
            while data := self._client.recv(1 << 16):
                head = _HEAD.match(data)
                if head:
                    number = len(self._proxy.requests)
                    self._proxy.requests.append(f"{head[1].decode()} {head[2].decode()}")
                    self._is_struck = number == self._proxy.cut_at
                if self._proxy.is_cut:
                    break
                is_whole = b"Expect: 100-continue" not in data  # a head without a body: it has no middle
                if self._is_struck and (
                    self._proxy.where == "before" or (self._proxy.where == "middle" and head and is_whole)
                ):
                    break
                if self._is_struck and self._proxy.where == "middle" and not head:
                    self._server.sendall(data[:_MIDDLE_BYTES])
                    break
                self._server.sendall(data)
            else:
                self._end()
                return
        self._proxy.is_cut = self._proxy.is_cut or self._is_struck
        self._end()

    def _back(self) -> None:
        with contextlib.suppress(OSError):
            while data := self._server.recv(1 << 16):
                if self._proxy.is_cut:
                    break
                if self._is_struck and not data.startswith(b"HTTP/1.1 100"):
                    self._proxy.is_cut = True
                    break
                self._client.sendall(data)
        self._end()

    def _end(self) -> None:
        for one in (self._client, self._server):
            with contextlib.suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)


@contextlib.contextmanager
def cutting(port: int) -> Iterator[CuttingProxy]:
    proxy = CuttingProxy(port)
    try:
        yield proxy
    finally:
        proxy.close()

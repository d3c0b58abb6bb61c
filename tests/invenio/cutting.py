"""A relay in front of a repository that breaks off at one request, before or after the repository has it."""

from __future__ import annotations

import contextlib
import http.client
import socket
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Literal

When = Literal["before", "after"]


@dataclass
class Relay:
    """Counts the requests that pass, and does with one of them what it is told."""

    port: int
    upstream: int
    passed: list[tuple[str, str]] = field(default_factory=list)
    """Method and path of what the repository got."""
    cut_at: int = -1
    """The number of the request (from 0, as `counts` counts) at which the network goes down, for it and all after."""
    when: When = "before"
    counts: Callable[[str, str], bool] = lambda method, path: True
    seen: int = 0
    is_down: bool = False
    answers: dict[int, tuple[int, dict[str, str], bytes]] = field(default_factory=dict)
    """What is answered in place of the repository, by the number of the request."""
    at_cut: Callable[[], None] = lambda: None

    @property
    def base(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def cut(self, number: int, when: When, counts: Callable[[str, str], bool] = lambda method, path: True) -> None:
        """Puts the network up, and lets it go down at that request."""
        self.cut_at, self.when, self.counts, self.seen, self.is_down = number, when, counts, 0, False

    def up(self) -> None:
        """Lets everything through."""
        self.cut(-1, "before")

    def sent(self, method: str, ending: str) -> int:
        """How many requests of this method whose path ends so the repository got."""
        return sum(1 for one, path in self.passed if one == method and path.partition("?")[0].endswith(ending))


def changes(method: str, path: str) -> bool:
    """Whether a request changes something there."""
    return method != "GET"


def _handler(relay: Relay) -> type[BaseHTTPRequestHandler]:
    lock = threading.Lock()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *_: Any) -> None: ...

        def _pass(self) -> None:
            with lock:
                number = -1
                if relay.counts(self.command, self.path):
                    number, relay.seen = relay.seen, relay.seen + 1
                is_cut = number == relay.cut_at >= 0
                was_down, relay.is_down = relay.is_down, relay.is_down or is_cut
            if was_down or (is_cut and relay.when == "before"):
                relay.at_cut()
                self._break()
                return
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            if number in relay.answers:
                status, headers, data = relay.answers[number]
            else:
                status, headers, data = self._forward(body)
            if is_cut:
                relay.at_cut()
                self._break()
                return
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def _forward(self, body: bytes) -> tuple[int, dict[str, str], bytes]:
            there = http.client.HTTPConnection("127.0.0.1", relay.upstream, timeout=60)
            with contextlib.closing(there):
                relay.passed.append((self.command, self.path))
                kept = {name: self.headers[name] for name in ("Authorization", "Content-Type") if name in self.headers}
                there.request(self.command, self.path, body or None, kept | {"Host": f"127.0.0.1:{relay.upstream}"})
                answer = there.getresponse()
                return answer.status, {"Content-Type": answer.headers.get("Content-Type", "")}, answer.read()

        def _break(self) -> None:
            self.close_connection = True
            with contextlib.suppress(OSError):
                self.connection.shutdown(socket.SHUT_RDWR)

        def __getattr__(self, name: str) -> Any:
            if name.startswith("do_"):
                return self._pass
            raise AttributeError(name)

    return Handler


@contextlib.contextmanager
def relay_to(upstream: int) -> Iterator[Relay]:
    """A relay on 127.0.0.1 to the server at port `upstream` of this machine."""
    relay = Relay(0, upstream)
    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(relay))
    server.daemon_threads = True
    relay.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield relay
    finally:
        server.shutdown()
        server.server_close()

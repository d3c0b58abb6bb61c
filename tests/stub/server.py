"""`python -m tests.stub.server`: speaks the providers' protocols in its own process and misbehaves on order.

It prints `{"port": N}` on one line, listens on 127.0.0.1 only, and ends when its stdin is closed.
`POST /stub/orders` takes a list of orders (`orders.Order`), `GET /stub/requests` gives the counts
(`?brief` without a row for each request), `POST /stub/reset` forgets counts and orders.
"""

from __future__ import annotations

import argparse
import asyncio
import hashlib
import json
import os
import random
import sys
import threading
import time
from collections.abc import Coroutine
from dataclasses import dataclass
from typing import Any, get_args

import msgspec
from tests.stub import answers, local, spoken, wire
from tests.stub.asked import HOSTED, LOCAL, Asked, dialect_of, read
from tests.stub.orders import Counts, Order, Orders
from tests.stub.serving import Serving

CONTEXT_BYTES = 400_000


@dataclass(frozen=True, slots=True)
class Settings:
    """How every request is served that no order speaks of."""

    key: str
    style: answers.Style
    delay_ms: float
    jitter_ms: float
    rate_limit: float
    most_in_flight: int
    context_bytes: int
    seed: int


class Stub:
    """What all connections share: settings, orders, counts, chance."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.forget()

    def forget(self) -> None:
        """As freshly started, but for requests that are in flight."""
        self.orders = Orders()
        self.counts = Counts()
        self._chance = random.Random(self.settings.seed)
        self._allowed, self._at = max(1.0, self.settings.rate_limit), time.monotonic()

    def delay_s(self, order: Order | None) -> float:
        """How long this request waits for its answer."""
        jitter_ms = self._chance.uniform(0, self.settings.jitter_ms) if self.settings.jitter_ms else 0.0
        wanted_ms = order.delay_ms if order and order.delay_ms else self.settings.delay_ms
        return (wanted_ms + jitter_ms) / 1000

    def is_too_fast(self) -> bool:
        """Whether the rate, or the number in flight, is above what is allowed; counts the request."""
        most = self.settings.most_in_flight
        if most and self.counts.in_flight > most:
            return True
        rate = self.settings.rate_limit
        if not rate:
            return False
        now = time.monotonic()
        self._allowed = min(max(1.0, rate), self._allowed + (now - self._at) * rate)
        self._at = now
        if self._allowed < 1:
            return True
        self._allowed -= 1
        return False

    def control(self, request: wire.Request) -> tuple[int, dict[str, Any]]:
        """Status and body for the stub's own paths."""
        if request.path == "/stub/orders":
            self.orders.add(msgspec.json.decode(request.body, type=list[Order]))
            return 200, {"ok": True}
        if request.path == "/stub/requests":
            return 200, self.counts.as_dict(is_brief=request.query == "brief")
        if request.path == "/stub/reset":
            self.forget()
            return 200, {"ok": True}
        return 404, {"error": f"there is no {request.path} here"}

    def refuses(self, asked: Asked) -> spoken.Refused | None:
        """What the provider would say against this request, whatever its load."""
        is_local = asked.model in LOCAL
        if not is_local and asked.key != self.settings.key:
            return spoken.Refused("auth" if asked.key else "no_key", key=asked.key)
        if not is_local and asked.model not in HOSTED:
            return spoken.Refused("unknown_model", model=asked.model)
        if asked.size_bytes > self.settings.context_bytes:
            limit, got = answers.tokens(self.settings.context_bytes), answers.tokens(asked.size_bytes)
            return spoken.Refused("context_length", limit=limit, got=got)
        return None


class Connection(asyncio.Protocol):
    """One connection: one request at a time, kept alive."""

    transport: asyncio.Transport

    def __init__(self, stub: Stub) -> None:
        self._stub = stub
        self._buffer = bytearray()
        self._is_busy = False
        self._waits: asyncio.TimerHandle | None = None
        self._task: asyncio.Task[None] | None = None
        self.can_write = asyncio.Event()
        self.can_write.set()

    # --- as asyncio calls it -----------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        self._next()

    def pause_writing(self) -> None:
        self.can_write.clear()

    def resume_writing(self) -> None:
        self.can_write.set()

    def connection_lost(self, exc: Exception | None) -> None:
        self.can_write.set()
        if self._waits is not None:
            self._waits.cancel()
        if self._is_busy:
            self._is_busy = False
            self._stub.counts.in_flight -= 1
            self._stub.counts.dropped += 1

    # --- one request -------------------------------------------------------------------------------

    def _next(self) -> None:
        while not self._is_busy:
            try:
                request = wire.take(self._buffer)
            except (wire.Broken, ValueError):
                self.transport.close()
                return
            if request is None:
                return
            self._serve(request)

    def _serve(self, request: wire.Request) -> None:
        dialect = dialect_of(request.path)
        if dialect is None or request.method != "POST":
            self._tell(request)
            return
        stub = self._stub
        try:
            content = msgspec.json.decode(request.body, type=dict[str, Any])
            asked = read(dialect, request.path, request.query, request.headers, content)
        except (msgspec.MsgspecError, KeyError, TypeError, AttributeError, ValueError):
            body = spoken.refusal(dialect, spoken.Refused("bad_request"), 400, 0)
            self.transport.write(wire.answer(400, [], body))
            return
        self._is_busy = True
        seen = {
            "method": request.method,
            "path": request.path,
            "query": request.query,
            "headers": request.headers,
            "body": content,
        }
        row = stub.counts.arrive(hashlib.sha256(request.body).hexdigest(), asked, seen)
        order = stub.orders.for_request(asked, request.path)
        delay_s = stub.delay_s(order)
        serving = Serving(self, request, asked, row, order, stub.counts.arrived)
        refused = stub.refuses(asked)
        if refused is None and order is None and stub.is_too_fast():
            refused = spoken.Refused("rate_limited", model=asked.model, retry_after_s=1)
            delay_s = 0
        if refused is not None:
            serving.refuse(refused, spoken.STATUS[refused.trouble])
        elif delay_s > 0:
            self._waits = asyncio.get_running_loop().call_later(delay_s, serving.go)
        else:
            serving.go()

    def _tell(self, request: wire.Request) -> None:
        """Answers what is asked of the server itself."""
        found: tuple[int, dict[str, Any]] | None = None
        if request.path.startswith("/stub/"):
            try:
                found = self._stub.control(request)
            except msgspec.MsgspecError as error:
                found = 400, {"error": str(error)}
        else:
            try:
                content = msgspec.json.decode(request.body or b"{}", type=dict[str, Any])
            except msgspec.MsgspecError:
                content = {}
            found = local.facts(request.path, content)
        status, body = found or (404, {"error": {"message": f"Invalid URL ({request.method} {request.path})"}})
        self.transport.write(wire.answer(status, [], body))

    def finish(self) -> None:
        """The request at hand is served; the next may come."""
        if self._is_busy:
            self._is_busy = False
            self._stub.counts.in_flight -= 1
            self._next()

    def begin(self, work: Coroutine[Any, Any, None]) -> None:
        """Serves the request at hand in a task."""
        self._task = asyncio.get_running_loop().create_task(work)

    @property
    def counts(self) -> Counts:
        return self._stub.counts

    @property
    def style(self) -> answers.Style:
        return self._stub.settings.style


# --- the process --------------------------------------------------------------------------------------


def settings_of(words: list[str]) -> tuple[Settings, int]:
    """The settings and the port that a command line spells."""
    parser = argparse.ArgumentParser(prog="python -m tests.stub.server", description=__doc__.partition("\n")[0])
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--key", default="test-key-0123456789abcdef", help="the one key that is right")
    parser.add_argument("--style", choices=get_args(answers.Style), default="echo", help="what the models answer")
    parser.add_argument("--delay-ms", type=float, default=0, help="before each answer")
    parser.add_argument("--jitter-ms", type=float, default=0, help="further delay, at random up to this much")
    parser.add_argument("--rate-limit", type=float, default=0, help="requests a second; more are refused with 429")
    parser.add_argument("--most-in-flight", type=int, default=0, help="requests at once; more are refused with 429")
    parser.add_argument("--context-bytes", type=int, default=CONTEXT_BYTES, help="longer prompts are refused")
    parser.add_argument("--seed", type=int, default=0, help="of the jitter")
    given = parser.parse_args(words)
    chosen = {name: getattr(given, name) for name in Settings.__dataclass_fields__}
    return Settings(**chosen), given.port


async def serve(settings: Settings, port: int) -> None:
    """Serves until stdin is closed."""
    loop = asyncio.get_running_loop()
    stub = Stub(settings)
    server = await loop.create_server(lambda: Connection(stub), "127.0.0.1", port, backlog=2048)
    print(json.dumps({"port": server.sockets[0].getsockname()[1]}), flush=True)
    is_over = asyncio.Event()

    def watch_stdin() -> None:
        while os.read(sys.stdin.fileno(), 4096):
            pass
        loop.call_soon_threadsafe(is_over.set)

    threading.Thread(target=watch_stdin, daemon=True).start()
    await is_over.wait()


def main() -> int:
    """Runs the server; exit code 0 when its stdin was closed."""
    settings, port = settings_of(sys.argv[1:])
    asyncio.run(serve(settings, port))
    return 0


if __name__ == "__main__":
    sys.exit(main())

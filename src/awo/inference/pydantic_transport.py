"""The way of pydantic-ai's requests over our own wire: what crosses it is kept, and nothing is sent twice."""

from __future__ import annotations

import urllib.parse
from collections.abc import Callable, Iterable
from contextvars import ContextVar
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from awo.inference.seam import Exchange, Headers, ModelFailed
from awo.inference.wire import ALWAYS, CREDENTIALS, Wire

if TYPE_CHECKING:
    import httpx2

NOT_PASSED_ON: Final = frozenset(
    {"connection", "content-length", "host", "transfer-encoding", *(name.lower() for name, _ in ALWAYS)}
)
"""Headers of the library's request that the wire sets itself."""

NOT_HANDED_BACK: Final = frozenset({"connection", "content-encoding", "content-length", "transfer-encoding"})
"""Headers that no longer hold for the bytes that the library gets: they are whole and decoded."""

SHORTEST_SECRET: Final = 8


@dataclass(slots=True)
class Sending:
    """One request to a model: what its library sent, and what came back. `secrets` are the credentials it sent.

    `check` sees the body before it is sent, and may raise `ModelFailed`.
    """

    timeout_s: float
    check: Callable[[bytes], None]
    exchange: Exchange | None = None
    failure: ModelFailed | None = None
    secrets: tuple[str, ...] = ()
    is_sent: bool = False


SENDING: ContextVar[Sending] = ContextVar("awo_pydantic_ai_sending")
"""The request at hand in this task: the library passes nothing of ours through to its HTTP client."""


class Way:
    """Carries the requests of one model. `wire` and `origin` are set when the model is open."""

    def __init__(self) -> None:
        self.wire: Wire | None = None
        self.origin = ""

    async def send(self, method: str, url: str, headers: Headers, body: bytes) -> Exchange:
        """Sends the library's request. Raises `ModelFailed`, which the library may wrap: `Sending` has it, too."""
        sending = SENDING.get()
        try:
            sending.exchange = await self._send_once(sending, method, url, headers, body)
        except ModelFailed as error:
            if sending.failure is None:
                sending.failure = error
            raise
        return sending.exchange

    async def _send_once(self, sending: Sending, method: str, url: str, headers: Headers, body: bytes) -> Exchange:
        if sending.is_sent:
            raise ModelFailed(
                "pydantic-ai wanted to send a second request for one question",
                is_transient=False,
                code="bad_answer",
                may_have_cost=True,
                exchange=sending.exchange,
            )
        split = urllib.parse.urlsplit(url)
        if self.wire is None or method != "POST" or origin_of(url) != self.origin:
            raise ModelFailed(
                "pydantic-ai wanted to send something else than a question to the model's server",
                is_transient=False,
                code="bad_request",
                got=f"{method} {origin_of(url)}",
            )
        sending.check(body)
        sending.is_sent = True
        sending.secrets = tuple(_credentials(headers))
        passed_on = tuple((name, value) for name, value in headers if name.lower() not in NOT_PASSED_ON)
        path = f"{split.path}?{split.query}" if split.query else split.path
        return await self.wire.post(path, passed_on, body, sending.timeout_s)


def origin_of(url: str) -> str:
    """Scheme, host and port of `url`: where the server is, without a path, a user or a password."""
    split = urllib.parse.urlsplit(url)
    return f"{split.scheme}://{split.netloc.rpartition('@')[2]}"


def httpx2_client(way: Way) -> httpx2.AsyncClient:
    """The HTTP client for a provider's library that wants httpx2."""
    import httpx2

    class Transport(httpx2.AsyncBaseTransport):
        """Hands each request to our wire, and its answer back, whole."""

        async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
            body = await request.aread()
            exchange = await way.send(request.method, str(request.url), tuple(request.headers.items()), body)
            headers = _handed_back(exchange)
            return httpx2.Response(exchange.status, headers=headers, content=exchange.response_body, request=request)

    return httpx2.AsyncClient(transport=Transport(), timeout=None, follow_redirects=False, trust_env=False)


def httpx_client(way: Way) -> Any:
    """The HTTP client for a provider's library that still wants httpx, which comes with that library."""
    import httpx  # type: ignore[import-not-found, unused-ignore]

    class Transport(httpx.AsyncBaseTransport):  # type: ignore[misc, unused-ignore]
        """As that of `httpx2_client`."""

        async def handle_async_request(self, request: Any) -> Any:
            body = await request.aread()
            exchange = await way.send(request.method, str(request.url), tuple(request.headers.items()), body)
            headers = _handed_back(exchange)
            return httpx.Response(exchange.status, headers=headers, content=exchange.response_body, request=request)

    # The wire has the time limit.
    return httpx.AsyncClient(transport=Transport(), timeout=None, follow_redirects=False, trust_env=False)  # noqa: S113


def _handed_back(exchange: Exchange) -> list[tuple[str, str]]:
    return [(name, value) for name, value in exchange.response_headers if name.lower() not in NOT_HANDED_BACK]


def _credentials(headers: Headers) -> Iterable[str]:
    """What must not show in a message: the values of the headers that carry a key."""
    for name, value in headers:
        secret = value.rpartition(" ")[2]  # behind `Bearer`
        if name.lower() in CREDENTIALS and len(secret) >= SHORTEST_SECRET:
            yield secret

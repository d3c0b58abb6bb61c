"""The wire to a server: one request goes out once, and what came back is given byte for byte. The door to `aiohttp`.

aiohttp sends a request again by itself only when its method is idempotent and a kept connection
broke (`ClientSession._request`, checked in 3.14); a POST is sent once.
"""

from __future__ import annotations

import asyncio
import io
import os
import re
import socket
import urllib.parse
import urllib.request
from typing import TYPE_CHECKING, Any, Final, Literal, NoReturn
from weakref import WeakKeyDictionary

from awo import __version__
from awo.errors import CannotCheck
from awo.inference.keys import is_loopback
from awo.inference.seam import Exchange, FailureCode, Headers, ModelFailed

if TYPE_CHECKING:
    import aiohttp

LARGEST_BODY_BYTES: Final = 16 << 20  # written as JSON it may grow sixfold, and must fit one recorded line
KEPT_OF_TOO_LARGE_BYTES: Final = 1 << 20
KEEP_ALIVE_S: Final = 60
LONGEST_CONNECT_S: Final = 20.0
COPIED_BODY_BYTES: Final = 1 << 20
"""Above this a body is handed to the socket in pieces, so that it does not hold up the loop."""

CREDENTIALS: Final = frozenset(
    {
        "api-key",
        "authorization",
        "cookie",
        "ocp-apim-subscription-key",
        "proxy-authorization",
        "set-cookie",
        "www-authenticate",
        "x-api-key",
        "x-goog-api-key",
    }
)
"""Headers that never leave this file."""

_KEY_IN_QUERY = re.compile(r"([?&](?:key|api[-_]key|access_token|token)=)[^&#]*", re.IGNORECASE)

ALWAYS: Final[Headers] = (
    ("Accept", "application/json"),
    ("Accept-Encoding", "identity"),  # so that what is recorded is what was sent
    ("Content-Type", "application/json"),
    ("User-Agent", f"awo/{__version__}"),
)


class Wire:
    """Connections to one server, kept open between requests. Belongs to the loop that opened it."""

    def __init__(self, base_url: str) -> None:
        self._base_url = base_url
        self._session: aiohttp.ClientSession | None = None
        self._urls: dict[str, Any] = {}

    async def open(self) -> None:
        """Makes ready to connect; connects to nothing yet. Raises `CannotCheck` when aiohttp is not installed."""
        try:
            import aiohttp
        except ModuleNotFoundError as error:
            raise no_library() from error
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=0, ttl_dns_cache=300, keepalive_timeout=KEEP_ALIVE_S),
            cookie_jar=aiohttp.DummyCookieJar(),
            auto_decompress=True,
            raise_for_status=False,
            trust_env=False,  # it would read ~/.netrc and the proxies again for each request
            proxy=proxy_of(self._base_url),
            skip_auto_headers=("User-Agent",),
        )

    async def close(self) -> None:
        """Closes every connection. Safe to call twice."""
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def post(self, path: str, headers: Headers, body: bytes, timeout_s: float) -> Exchange:
        """Sends `body` once to the server's `path` and reads the whole answer, whatever its status.

        Raises `ModelFailed` (unreachable, timeout, cut_off, too_large, bad_answer) with what crossed
        the wire until then. No credential is in an exchange.
        """
        return await self.send("POST", path, headers, body, timeout_s)

    async def send(
        self, method: Literal["GET", "POST"], path: str, headers: Headers, body: bytes, timeout_s: float
    ) -> Exchange:
        """As `post`, with the method named."""
        import aiohttp

        if self._session is None:
            raise ModelFailed("the model is not open", is_transient=False)
        sent = _Sending(method, f"{self._base_url}{path}", (*ALWAYS, *headers), body)
        limits = aiohttp.ClientTimeout(total=timeout_s, sock_connect=min(LONGEST_CONNECT_S, 0.9 * timeout_s))
        data = body if len(body) < COPIED_BODY_BYTES else io.BytesIO(body)
        try:
            async with self._session.request(
                method, self._url(path), data=data or None, headers=sent.headers, timeout=limits, allow_redirects=False
            ) as response:
                sent.begin(response)
                while piece := await response.content.readany():
                    if not sent.takes(piece):
                        response.close()  # else the rest of it would be read before the connection is used again
                        raise sent.failed("too_large", f"more than {LARGEST_BODY_BYTES >> 20} MiB", is_transient=False)
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            _raise_for(error, sent)
        return sent.exchange()

    def _url(self, path: str) -> Any:
        """The address, parsed once."""
        found = self._urls.get(path)
        if found is None:
            import yarl

            found = self._urls[path] = yarl.URL(f"{self._base_url}{path}", encoded=True)
        return found


class _Sending:
    """One request on its way, and what has come back so far."""

    __slots__ = ("_begun_s", "_body", "_method", "_pieces", "_response", "_size_bytes", "_url", "headers")

    def __init__(self, method: str, url: str, headers: Headers, body: bytes) -> None:
        self._method = method
        self._url = url
        self._body = body
        self._begun_s = asyncio.get_running_loop().time()
        self._pieces: list[bytes] = []
        self._size_bytes = 0
        self._response: aiohttp.ClientResponse | None = None
        self.headers = dict(headers)

    def begin(self, response: aiohttp.ClientResponse) -> None:
        """The answer's status and headers are here."""
        self._response = response

    def takes(self, piece: bytes) -> bool:
        """Keeps a piece of the answer; False when it goes over the limit, and then only the beginning is kept."""
        self._size_bytes += len(piece)
        if self._size_bytes > LARGEST_BODY_BYTES:
            self._pieces = [b"".join(self._pieces)[:KEPT_OF_TOO_LARGE_BYTES]]
            return False
        self._pieces.append(piece)
        return True

    @property
    def is_answered(self) -> bool:
        return self._response is not None

    def exchange(self, error: str = "") -> Exchange:
        """What crossed the wire until now."""
        response = self._response
        return Exchange(
            method=self._method,
            url=_public(self._url),
            request_headers=_without_credentials(response.request_info.headers if response else self.headers),
            request_body=self._body,
            status=response.status if response else 0,
            response_headers=_without_credentials(response.headers) if response else (),
            response_body=self._pieces[0] if len(self._pieces) == 1 else b"".join(self._pieces),
            elapsed_ms=round((asyncio.get_running_loop().time() - self._begun_s) * 1000),
            error=error,
        )

    def failed(self, code: FailureCode, why: str, *, is_transient: bool = True) -> ModelFailed:
        """The failure of that code, with the exchange. `why` is in our words or the system's, never the server's."""
        return ModelFailed(
            WHAT[code],
            is_transient=is_transient,
            code=code,
            may_have_cost=code != "unreachable",
            exchange=self.exchange(f"{code}: {why}"),
            got=why,
        )


WHAT: Final[dict[FailureCode, str]] = {
    "unreachable": "the server cannot be reached",
    "timeout": "the server did not answer in time",
    "cut_off": "the connection ended before the answer was whole",
    "too_large": "the answer is larger than any answer of a model",
    "bad_answer": "the server does not speak HTTP as it should",
}


def _raise_for(error: Exception, sent: _Sending) -> NoReturn:
    """Raises the `ModelFailed` that an error of aiohttp or the system stands for."""
    import aiohttp

    match error:
        case aiohttp.ClientConnectorCertificateError() | aiohttp.ClientSSLError():
            failure = sent.failed("unreachable", "TLS: the server's certificate or its TLS is not accepted")
            failure.is_transient, failure.concerns_model = False, True
        case aiohttp.ClientConnectorDNSError():
            failure = sent.failed("unreachable", "no such host name")
        case aiohttp.ConnectionTimeoutError():
            failure = sent.failed("unreachable", "no connection in time")
        case aiohttp.ClientConnectorError():
            failure = sent.failed("unreachable", _reason(error.os_error))
        case aiohttp.ClientHttpProxyError():
            failure = sent.failed("unreachable", f"the proxy answered with status {error.status}")
        case TimeoutError():
            failure = sent.failed("timeout", "half an answer came" if sent.is_answered else "nothing came")
        case aiohttp.ClientPayloadError() | aiohttp.ServerDisconnectedError():
            failure = sent.failed("cut_off", "the server ended the connection")
        case aiohttp.ClientResponseError():
            failure = sent.failed("bad_answer", "malformed HTTP")
        case OSError():
            failure = sent.failed("cut_off", _reason(error))
        case _:
            failure = sent.failed("cut_off", type(error).__name__)
    raise failure from error


def _reason(error: OSError) -> str:
    if isinstance(error, socket.gaierror):
        return "no such host name"
    return os.strerror(error.errno) if error.errno else type(error).__name__


def _without_credentials(headers: Any) -> Headers:
    return tuple((name, _text(value)) for name, value in headers.items() if name.lower() not in CREDENTIALS)


def _public(url: str) -> str:
    """`url` without the values that hold a key: Gemini's own tools put one into the query."""
    return _KEY_IN_QUERY.sub(r"\1[key]", url) if "?" in url else url


def _text(value: str) -> str:
    """A header's value as text that can be written: aiohttp hides bytes that are not UTF-8 in surrogates."""
    return value if value.isascii() else value.encode("utf-8", "surrogateescape").decode("utf-8", "replace")


def proxy_of(url: str) -> str | None:
    """The proxy that the environment names for `url` (HTTPS_PROXY and its like, NO_PROXY), or None.

    A server on this machine is never asked through a proxy.
    """
    split = urllib.parse.urlsplit(url)
    host = split.hostname or ""
    if is_loopback(host) or urllib.request.proxy_bypass(host):
        return None
    proxies = urllib.request.getproxies()
    found = proxies.get(split.scheme) or proxies.get("all")
    return found if found is None or "://" in found else f"http://{found}"


def no_library() -> CannotCheck:
    return CannotCheck(
        "a model over the network needs the package aiohttp, which is not installed", hint="pip install 'awo[http]'"
    )


# --- wires that models of one server share -----------------------------------------------------------

_shared: WeakKeyDictionary[asyncio.AbstractEventLoop, dict[str, tuple[Wire, int]]] = WeakKeyDictionary()


async def take(base_url: str) -> Wire:
    """The wire of this loop to that server, opened by the first who takes it; give it back with `give_back`."""
    wires = _shared.setdefault(asyncio.get_running_loop(), {})
    wire, holders = wires.get(base_url) or (Wire(base_url), 0)
    if holders == 0:
        await wire.open()  # does not wait, so that two who come at once share one
    wires[base_url] = wire, holders + 1
    return wire


async def give_back(base_url: str) -> None:
    """One holder fewer; the last one closes the wire."""
    wires = _shared.get(asyncio.get_running_loop(), {})
    wire, holders = wires.pop(base_url, (None, 0))
    if wire is None:
        return
    if holders > 1:
        wires[base_url] = wire, holders - 1
    else:
        await wire.close()

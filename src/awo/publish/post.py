"""The one door for a small POST or GET to a server that helps with evidence: a witness, a time stamp, an approval.

ADR 0014 says why it is as it is.
"""

from __future__ import annotations

import http.client
import socket
import ssl
import threading
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Literal
from urllib.parse import SplitResult, urlsplit

from awo.errors import CannotCheck, UsageError

MOST_BYTES = 1 << 20
"""As much of an answer as is read unless the caller says otherwise."""

_CHUNK_BYTES = 1 << 14
_REDIRECTS = (301, 302, 303, 307, 308)


@dataclass(frozen=True, slots=True)
class Reply:
    """What a server answered. The names of `headers` are in lower case; the last of several with one name is kept."""

    status: int
    headers: Mapping[str, str]
    body: bytes


def post(
    url: str,
    body: bytes,
    content_type: str,
    *,
    timeout_s: float,
    most_bytes: int = MOST_BYTES,
    headers: tuple[tuple[str, str], ...] = (),
) -> Reply:
    """Sends `body` once and gives the answer, whatever its status, unless it is a redirect.

    `timeout_s` bounds the whole exchange, `most_bytes` the body of the answer. No redirect is followed, nothing is
    sent again, no proxy is taken from the environment, and no error shows more of `url` than its host, for path and
    query may hold a secret. Raises `UsageError` for a URL that cannot be sent to, `CannotCheck` when there is no
    whole answer. One that says no length ends where the connection does: whether it is whole is for the caller to see.
    """
    return _exchange("POST", url, body, _all_headers((("Content-Type", content_type), *headers)), timeout_s, most_bytes)


def get(
    url: str, *, timeout_s: float, most_bytes: int = MOST_BYTES, headers: tuple[tuple[str, str], ...] = ()
) -> Reply:
    """Asks once and gives the answer, whatever its status, unless it is a redirect. Bounds and errors as for `post`.

    A header may hold a credential: it is sent nowhere but to `url`, and no error shows it.
    """
    return _exchange("GET", url, None, _all_headers(headers), timeout_s, most_bytes)


def _exchange(
    method: Literal["GET", "POST"],
    url: str,
    body: bytes | None,
    headers: tuple[tuple[str, str], ...],
    timeout_s: float,
    most_bytes: int,
) -> Reply:
    parts = check_url(url)
    server = shown(url)
    connection = _connection(parts, timeout_s)
    bell = _Bell(connection, timeout_s)
    try:
        with bell:
            connection.connect()
            bell.sock = connection.sock  # http.client lets go of it before the body is read
            connection.request(method, _target(parts), body, dict(headers))
            with connection.getresponse() as answer:
                reply = _whole(answer, most_bytes, server)
        if bell.rang:  # a body without a length ends where the connection does
            raise _too_late(server, timeout_s)
        return reply
    except ssl.SSLError as error:
        raise CannotCheck(
            "the server's certificate does not hold"
            if isinstance(error, ssl.SSLCertVerificationError)
            else "TLS fails",
            where=server,
            got=error.reason or str(error)[:200],
            hint="roots of your own are named in SSL_CERT_FILE",
        ) from error
    except (OSError, http.client.HTTPException) as error:
        if bell.rang or isinstance(error, TimeoutError):
            raise _too_late(server, timeout_s) from error
        got = getattr(error, "strerror", None) or type(error).__name__
        raise CannotCheck(
            "the server cannot be reached, or gives no whole answer",
            where=server,
            got=str(got)[:200],
            hint="check the address and the network; nothing was changed here, so try again",
        ) from error
    finally:
        connection.close()


def check_url(url: str) -> SplitResult:
    """The parts of a URL that can be sent to. Raises `UsageError`, which does not show the URL."""
    try:
        parts = urlsplit(url)
        port = parts.port
        host = (parts.hostname or "").encode("idna").decode("ascii")
    except ValueError as error:
        raise _bad_url("it is no URL") from error
    if parts.scheme not in ("http", "https"):
        raise _bad_url("it does not begin with http:// or https://")
    if not host or port == 0:
        raise _bad_url("it names no server")
    if parts.username is not None or parts.password is not None:
        raise _bad_url("it has a name or password in it")
    if parts.fragment:
        raise _bad_url("it has a # in it")
    if not url.isascii() or any(c <= " " or c == "\x7f" for c in url):
        raise _bad_url("it has a space or an unusual character in it")
    return parts


def shown(url: str) -> str:
    """Scheme, host and port of a URL that `check_url` passes: as much as an error or a log may show."""
    parts = urlsplit(url)
    host = parts.hostname or ""
    return f"{parts.scheme}://{f'[{host}]' if ':' in host else host}{f':{parts.port}' if parts.port else ''}"


class _Bell:
    """Ends a connection when its time is over: a server that sends a byte now and then would hold it for ever."""

    def __init__(self, connection: http.client.HTTPConnection, timeout_s: float) -> None:
        self.sock: socket.socket | None = None
        self._connection = connection
        self._timer = threading.Timer(timeout_s, self._ring)
        self._timer.daemon = True
        self._until = time.monotonic() + timeout_s

    @property
    def rang(self) -> bool:
        return time.monotonic() >= self._until

    def _ring(self) -> None:
        sock = self.sock or self._connection.sock
        if sock is not None:
            with suppress(OSError):  # it may have ended already
                sock.shutdown(socket.SHUT_RDWR)

    def __enter__(self) -> None:
        self._timer.start()

    def __exit__(self, *_: object) -> None:
        self._timer.cancel()


def _connection(parts: SplitResult, timeout_s: float) -> http.client.HTTPConnection:
    host = parts.hostname or ""
    if parts.scheme == "https":
        context = ssl.create_default_context()
        return http.client.HTTPSConnection(host, parts.port, timeout=timeout_s, context=context)
    return http.client.HTTPConnection(host, parts.port, timeout=timeout_s)


def _target(parts: SplitResult) -> str:
    return (parts.path or "/") + (f"?{parts.query}" if parts.query else "")


def _all_headers(headers: tuple[tuple[str, str], ...]) -> tuple[tuple[str, str], ...]:
    return (("User-Agent", "awo"), ("Connection", "close"), *headers)


def _whole(answer: http.client.HTTPResponse, most_bytes: int, server: str) -> Reply:
    if answer.status in _REDIRECTS:
        raise CannotCheck(
            "the server sends elsewhere, and no redirect is followed",
            where=server,
            got=f"status {answer.status}",
            hint="ask whoever runs it for the address that answers itself",
        )
    pieces = bytearray()
    while piece := answer.read(_CHUNK_BYTES):
        pieces += piece
        if len(pieces) > most_bytes:
            raise CannotCheck("the server answers too much", where=server, expected=f"at most {most_bytes} bytes")
    if answer.length:  # `read` with a size does not complain of a body that ends early
        raise http.client.IncompleteRead(bytes(pieces), answer.length)
    return Reply(answer.status, {name.lower(): value for name, value in answer.getheaders()}, bytes(pieces))


def _too_late(server: str, timeout_s: float) -> CannotCheck:
    return CannotCheck(
        "the server did not answer in time",
        where=server,
        expected=f"a whole answer within {timeout_s:g} s",
        hint="try again later, or allow it more time",
    )


def _bad_url(why: str) -> UsageError:
    return UsageError("this address cannot be used", expected="a URL like https://witness.example.org/", got=why)

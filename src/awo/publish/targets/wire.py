"""The one door for requests to a data repository: one host, one token, one try. ADR 0023 says why."""

from __future__ import annotations

import ssl
import time
from collections.abc import Callable, Generator, Mapping
from contextlib import closing
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final, Literal
from urllib.parse import quote, urlencode, urlsplit

import msgspec

from awo.canon.json import encode_sorted
from awo.errors import CannotCheck, UsageError
from awo.evidence.secrets import SecretCutter
from awo.publish.targets.seam import Parcel, Progress
from awo.publish.targets.source import Source

if TYPE_CHECKING:
    from urllib3.response import BaseHTTPResponse

CONNECT_S: Final = 15.0
READ_S: Final = 60.0
"""The longest that a server may be silent; a whole answer may take twice as long."""

MOST_BYTES: Final = 4 << 20
GETS: Final = 3
"""How often a GET is tried where the network fails. It changes nothing; everything else is sent once."""

PIECE_BYTES: Final = 1 << 18
LOOPBACK: Final = ("127.0.0.1", "::1", "localhost")

Method = Literal["GET", "POST", "PUT", "DELETE"]
NO_QUERY: Final[Mapping[str, str]] = MappingProxyType({})


class NotAnswered(CannotCheck):
    """No whole answer came. `was_sent` is False where it is sure that the server never had the request."""

    def __init__(self, what: str, *, was_sent: bool, where: str, got: str = "", hint: str = "") -> None:
        super().__init__(what, where=where, got=got, hint=hint)
        self.was_sent = was_sent


@dataclass(frozen=True, slots=True)
class Answer:
    """What the server said. Names of headers are in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    def read(self) -> Any:
        """The body as JSON; None where it is none."""
        try:
            return msgspec.json.decode(self.body)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
            return None


@dataclass(frozen=True, slots=True)
class Line:
    """What leads to one server: `base` (scheme, host, port and path before every request) and the token for it.

    The token goes into one header, to this host alone: no redirect is followed, no proxy taken from the environment,
    and `cut` takes it out of whatever the server says.
    """

    base: str
    token: str = field(repr=False)

    def ask(
        self,
        method: Method,
        path: tuple[str, ...],
        *,
        json: Any = None,
        query: Mapping[str, str] = NO_QUERY,
    ) -> Answer:
        """One request, and its answer whatever its status, unless it is a redirect.

        The parts of `path` are quoted. Raises `NotAnswered`, and `CannotCheck` without urllib3 or for too long an
        answer.
        """
        body = None if json is None else encode_sorted(json)
        kind = {} if json is None else {"Content-Type": "application/json"}
        return self._try(method, path, query, body, kind)

    def put_file(self, path: tuple[str, ...], parcel: Parcel, progress: Progress) -> Answer:
        """Sends the parcel's file as the body of a PUT. Raises as `ask`, and as `Source` for a file that changed."""
        with closing(_pieces(parcel, progress)) as body:
            headers = {"Content-Type": "application/octet-stream", "Content-Length": str(parcel.size_bytes)}
            return self._try("PUT", path, NO_QUERY, body, headers)

    def cut(self, text: str) -> str:
        """`text` without the token, in whatever spelling it came back."""
        return SecretCutter({"TOKEN": self.token}).cut_text(text)

    def _try(
        self, method: Method, path: tuple[str, ...], query: Mapping[str, str], body: Any, headers: Mapping[str, str]
    ) -> Answer:
        last: NotAnswered | None = None
        for _ in range(GETS if method == "GET" else 1):
            try:
                return self._once(method, path, query, body, headers)
            except NotAnswered as error:
                last = error
        assert last is not None
        raise last

    def _once(
        self, method: Method, path: tuple[str, ...], query: Mapping[str, str], body: Any, headers: Mapping[str, str]
    ) -> Answer:
        urllib3 = _library()
        parts = urlsplit(self.base)
        where = f"{parts.scheme}://{parts.netloc}"
        target = parts.path + "".join(f"/{quote(part, safe='')}" for part in path)
        target += f"?{urlencode(query)}" if query else ""
        with _pool(parts.scheme, parts.hostname or "", parts.port) as pool:
            try:
                answer = pool.urlopen(
                    method,
                    target,
                    body=body,
                    headers={
                        "Authorization": f"Bearer {self.token}",
                        "User-Agent": "awo",
                        "Accept": "application/json",
                        **headers,
                    },
                    retries=False,
                    redirect=False,
                    preload_content=False,
                    decode_content=True,
                )
                with closing(answer):
                    said = _whole(answer, where)
                    # here, before any text is shortened: half a token would not be known for one
                    return replace(said, body=SecretCutter({"TOKEN": self.token}).cut(said.body))
            except urllib3.exceptions.HTTPError as error:
                raise _not_answered(error, where, self.cut) from error


def check_base(address: str) -> str:
    """`address` as it is used and recorded: no path, no name in it. Raises `UsageError`.

    Plain http is for a server on this machine alone: the token would go over the wire for all to read.
    """
    try:
        parts = urlsplit(address)
        host, port = (parts.hostname or "").encode("ascii").decode(), parts.port
    except (ValueError, UnicodeError) as error:
        raise _bad_address("it is no URL") from error
    if parts.scheme not in ("https", "http") or not host:
        raise _bad_address("it is no https:// address")
    if parts.username is not None or parts.password is not None:
        raise _bad_address("it has a name or password in it")
    if parts.path.strip("/") or parts.query or parts.fragment or not address.isprintable() or " " in address:
        raise _bad_address("it has more than a host in it")
    if parts.scheme == "http" and host not in LOOPBACK:
        raise _bad_address("it is not encrypted, and the token would go over the network for all to read")
    shown = f"[{host}]" if ":" in host else host
    return f"{parts.scheme}://{shown}{f':{port}' if port else ''}"


def _bad_address(why: str) -> UsageError:
    return UsageError("this address of a repository cannot be used", expected="https://HOST", got=why)


def _library() -> Any:
    try:
        import urllib3
        import urllib3.exceptions
    except ModuleNotFoundError as error:
        raise CannotCheck(
            "a repository is spoken to with the package urllib3, which is not installed",
            hint="pip install 'awo[zenodo]'",
        ) from error
    return urllib3


def _pool(scheme: str, host: str, port: int | None) -> Any:
    urllib3 = _library()
    timeout = urllib3.Timeout(connect=CONNECT_S, read=READ_S)
    if scheme == "http":
        return urllib3.HTTPConnectionPool(host, port, timeout=timeout, retries=False)
    context = ssl.create_default_context()  # the machine's own roots, or those that SSL_CERT_FILE names
    return urllib3.HTTPSConnectionPool(host, port, timeout=timeout, retries=False, ssl_context=context)


def _whole(answer: BaseHTTPResponse, where: str) -> Answer:
    if 300 <= answer.status < 400:
        raise CannotCheck(
            "the server sends elsewhere, and no redirect is followed: the token is for this host alone",
            where=where,
            got=f"status {answer.status}",
            hint="ask whoever runs it for the address that answers itself",
        )
    until, body = time.monotonic() + 2 * READ_S, bytearray()
    while piece := answer.read(PIECE_BYTES):
        body += piece
        if len(body) > MOST_BYTES:
            raise CannotCheck("the server answers too much", where=where, expected=f"at most {MOST_BYTES} bytes")
        if time.monotonic() > until:
            raise NotAnswered("the server does not end its answer", was_sent=True, where=where, hint=AGAIN)
    return Answer(answer.status, {name.lower(): text for name, text in answer.headers.items()}, bytes(body))


AGAIN: Final = "the same command goes on where this one stopped"


def _not_answered(error: Exception, where: str, cut: Callable[[str], str]) -> CannotCheck:
    """What a failure of the library means. Its own texts show parts of a request, so that little of them is told."""
    from urllib3 import exceptions

    cause = error.__cause__ or error.__context__
    if isinstance(error, exceptions.SSLError) or isinstance(cause, ssl.SSLError):
        reason = getattr(cause, "reason", "") or type(error).__name__
        is_stranger = isinstance(cause, ssl.SSLCertVerificationError)
        return NotAnswered(
            "the server's certificate does not hold" if is_stranger else "TLS fails",
            was_sent=not is_stranger,
            where=where,
            got=cut(str(reason))[:200],
            hint="roots of your own are named in SSL_CERT_FILE",
        )
    if isinstance(
        error, exceptions.NewConnectionError | exceptions.ConnectTimeoutError | exceptions.NameResolutionError
    ):
        return NotAnswered("the server cannot be reached", was_sent=False, where=where, hint=AGAIN)
    if isinstance(error, exceptions.TimeoutError):
        return NotAnswered(f"the server was silent for {READ_S:g} s", was_sent=True, where=where, hint=AGAIN)
    got = type(cause or error).__name__
    return NotAnswered(
        "the connection broke before a whole answer came", was_sent=True, where=where, got=got, hint=AGAIN
    )


def _pieces(parcel: Parcel, progress: Progress) -> Generator[bytes]:
    """The parcel, in pieces. The last one is held back until it is sure that the file is the one that was announced."""
    done_bytes, held = 0, b""
    with Source(parcel) as source:
        while piece := source.read(PIECE_BYTES):
            if held:
                yield held
            held = piece
            done_bytes += len(piece)
            progress(min(done_bytes, parcel.size_bytes))
        source.refuse_changed()
        yield held

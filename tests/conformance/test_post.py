"""The door for small POSTs against real sockets: what comes back, and every way in which a server can misbehave."""

from __future__ import annotations

import socket
import subprocess
from pathlib import Path

import pytest
from tests.conformance.raw_server import Behave, answer, drip, drip_headers, hang, say, serving

from awo.errors import CannotCheck, UsageError
from awo.publish.post import check_url, get, post, shown

SECRET = "s3cr3t"


def test_a_body_is_sent_once_with_its_type_and_the_answer_is_given_whatever_its_status() -> None:
    with serving(say(answer(409, b"12\n", "Content-Type: text/x.tlog.size"))) as server:
        reply = post(f"{server.url}/a/b?c=d", b"old 0\n", "text/plain", timeout_s=10, headers=(("X-Own", "1"),))
    assert (reply.status, reply.body, reply.headers["content-type"]) == (409, b"12\n", "text/x.tlog.size")
    (request,) = server.requests
    assert request.startswith(b"POST /a/b?c=d HTTP/1.1\r\n")
    assert request.endswith(b"\r\n\r\nold 0\n")
    for line in (b"Content-Type: text/plain", b"Content-Length: 6", b"X-Own: 1"):
        assert b"\r\n" + line + b"\r\n" in request


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_not_followed(status: int) -> None:
    with (
        serving(say(answer(200, b"caught"))) as other,
        serving(say(answer(status, b"", f"Location: {other.url}/"))) as it,
    ):
        with pytest.raises(CannotCheck, match="no redirect is followed"):
            post(it.url, b"", "text/plain", timeout_s=10)
        assert other.requests == []
        assert len(it.requests) == 1


@pytest.mark.parametrize("behave", [hang, drip, drip_headers], ids=["silence", "a drip of bytes", "a drip of headers"])
def test_a_server_that_never_ends_is_left(behave: Behave) -> None:
    with serving(behave) as server, pytest.raises(CannotCheck, match="did not answer in time"):
        post(server.url, b"", "text/plain", timeout_s=0.4)


@pytest.mark.parametrize(
    "data",
    [
        answer(200, b"x" * 101),
        b"HTTP/1.1 200 OK\r\n\r\n" + b"x" * 101,
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n65\r\n" + b"x" * 101 + b"\r\n0\r\n\r\n",
    ],
    ids=["with its length", "without", "in chunks"],
)
def test_too_long_a_body_is_refused_and_a_body_of_the_limit_is_not(data: bytes) -> None:
    with serving(say(data)) as server:
        with pytest.raises(CannotCheck, match="answers too much"):
            post(server.url, b"", "text/plain", timeout_s=10, most_bytes=100)
        assert post(server.url, b"", "text/plain", timeout_s=10, most_bytes=101).body == b"x" * 101


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"nonsense\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nshort",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 200 + b"\r\n",
        b"HTTP/1.1 200 OK\r\nX: " + b"y" * 70_000 + b"\r\n\r\n",
    ],
)
def test_an_answer_that_is_not_whole_is_none(data: bytes) -> None:
    with serving(say(data)) as server, pytest.raises(CannotCheck) as refused:
        post(server.url, b"", "text/plain", timeout_s=10)
    assert refused.value.where == server.url
    assert refused.value.hint


def test_a_server_that_is_not_there_is_said_with_the_next_step() -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    with pytest.raises(CannotCheck) as refused:
        post(f"http://127.0.0.1:{port}/{SECRET}?key={SECRET}", b"", "text/plain", timeout_s=10)
    assert refused.value.exit_code == 7
    assert refused.value.where == f"http://127.0.0.1:{port}"
    assert "try again" in refused.value.hint
    assert SECRET not in str(refused.value)


def test_a_proxy_of_the_environment_is_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    with serving(say(answer(200, b"proxy"))) as proxy, serving(say(answer(200, b"own"))) as server:
        for name in ("http_proxy", "HTTP_PROXY", "ALL_PROXY"):
            monkeypatch.setenv(name, proxy.url)
        assert post(server.url, b"", "text/plain", timeout_s=10).body == b"own"


def test_a_certificate_is_checked_against_the_trusted_roots(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "server.pem"
    subprocess.run(
        [
            *(
                "openssl",
                "req",
                "-x509",
                "-newkey",
                "ec",
                "-pkeyopt",
                "ec_paramgen_curve:P-256",
                "-nodes",
                "-days",
                "2",
            ),
            *("-subj", "/CN=x", "-addext", "subjectAltName=IP:127.0.0.1"),
            *("-keyout", file, "-out", tmp_path / "cert.pem"),
        ],
        check=True,
        capture_output=True,
    )
    certificate = (tmp_path / "cert.pem").read_text()
    file.write_text(file.read_text() + certificate)
    with serving(say(answer(200, b"own")), certificate=file) as server:
        with pytest.raises(CannotCheck, match="the server's certificate does not hold"):
            post(server.url, b"", "text/plain", timeout_s=10)
        monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "cert.pem"))
        assert post(server.url, b"", "text/plain", timeout_s=10).body == b"own"
        assert len(server.requests) == 1


@pytest.mark.parametrize(
    "url",
    [
        "",
        "witness.example.org",
        f"ftp://example.org/{SECRET}",
        f"file:///{SECRET}",
        f"http:///{SECRET}",
        f"http://alice:{SECRET}@example.org/",
        f"http://{SECRET}@example.org/",
        f"http://example.org:99999/{SECRET}",
        f"http://example.org:0/{SECRET}",
        f"http://example.org:http/{SECRET}",
        f"http://example.org/{SECRET} x",
        f"http://example.org/{SECRET}\r\nX: y",
        f"http://example.org/{SECRET}#part",
        f"http://example.org/{SECRET}é",
        f"http://[::1/{SECRET}",
    ],
)
def test_an_address_that_cannot_be_used_is_refused_and_not_shown(url: str) -> None:
    with pytest.raises(UsageError) as refused:
        post(url, b"", "text/plain", timeout_s=10)
    assert SECRET not in str(refused.value)


def test_no_more_of_an_address_is_shown_than_its_host() -> None:
    for url, expected in (
        (f"https://example.org/{SECRET}?a={SECRET}", "https://example.org"),
        (f"http://example.org:8080/{SECRET}", "http://example.org:8080"),
        ("http://[::1]:8080/x", "http://[::1]:8080"),
    ):
        check_url(url)
        assert shown(url) == expected


def test_a_get_sends_no_body_and_its_credential_goes_to_no_other_server() -> None:
    with serving(say(answer(200, b"caught"))) as other, serving(say(answer(404, b"no"))) as it:
        headers = (("Authorization", f"Bearer {SECRET}"),)
        assert get(f"{it.url}/a?b=c", timeout_s=10, headers=headers).status == 404
        (request,) = it.requests
        assert request.startswith(b"GET /a?b=c HTTP/1.1\r\n")
        assert b"Content-Length" not in request
        with (
            serving(say(answer(302, b"", f"Location: {other.url}/"))) as moved,
            pytest.raises(CannotCheck, match="no redirect is followed") as refused,
        ):
            get(moved.url, timeout_s=10, headers=headers)
        assert SECRET not in str(refused.value)
        assert other.requests == []


def test_a_get_has_the_limits_of_a_post() -> None:
    with serving(drip) as server, pytest.raises(CannotCheck, match="did not answer in time"):
        get(server.url, timeout_s=0.4)
    with serving(say(answer(200, b"x" * 101))) as server, pytest.raises(CannotCheck, match="answers too much"):
        get(server.url, timeout_s=10, most_bytes=100)

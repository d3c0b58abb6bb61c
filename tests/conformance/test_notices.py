"""Notices through Apprise as it is: a webhook and a mail server on this machine get them; what fails stays quiet."""

from __future__ import annotations

import email
import email.policy
import json
import logging
import socketserver
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, ClassVar

import pytest

from awo import plugins
from awo.errors import CannotCheck
from awo.publish.notice_addresses import FILE_VARIABLE, addresses, secrets
from awo.publish.notices import Notice, Sent, send

NOTICE = Notice("AWO: gate look waits", "Gate: look\nNeeded: 2 reviewer & <nobody> *else*")
TOKEN = "tok-7d1e9a55b0c3"


class _Webhook(BaseHTTPRequestHandler):
    """Takes every POST; `/refuse` is refused, `/hang` is answered when the test is over."""

    got: ClassVar[list[dict[str, Any]]] = []
    over: ClassVar[threading.Event] = threading.Event()
    answered: ClassVar[threading.Event] = threading.Event()

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if self.path.startswith("/hang"):
            self.over.wait(20)
            self.answered.set()
            return
        self.got.append(json.loads(body))
        self.send_response(500 if self.path.startswith("/refuse") else 200)
        self.end_headers()

    def log_message(self, *args: Any) -> None:
        pass


class _Mailbox(socketserver.StreamRequestHandler):
    """Speaks as much SMTP as one message needs."""

    timeout = 10
    got: ClassVar[list[bytes]] = []

    def handle(self) -> None:
        self._say("220 here")
        while word := self.rfile.readline().strip().upper():
            if word.startswith((b"EHLO", b"HELO")):
                self._say("250 here")
            elif word == b"DATA":
                self._say("354 go on")
                lines = iter(self.rfile.readline, b".\r\n")
                self.got.append(b"".join(lines))
                self._say("250 taken")
            elif word == b"QUIT":
                self._say("221 bye")
                return
            else:
                self._say("250 yes")

    def _say(self, line: str) -> None:
        self.wfile.write(f"{line}\r\n".encode())


@pytest.fixture
def webhook() -> Iterator[int]:
    """The port of a server that takes webhooks."""
    _Webhook.got.clear()
    _Webhook.over.clear()
    _Webhook.answered.clear()
    with ThreadingHTTPServer(("127.0.0.1", 0), _Webhook) as server:
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server.server_address[1]
        _Webhook.over.set()
        server.shutdown()


@pytest.fixture
def mailbox() -> Iterator[int]:
    """The port of a server that takes mail."""
    _Mailbox.got.clear()
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), _Mailbox) as server:
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server.server_address[1]
        server.shutdown()


def test_a_webhook_gets_title_and_text_as_they_are(webhook: int) -> None:
    assert send(NOTICE, [f"json://127.0.0.1:{webhook}/hook/{TOKEN}"]) == Sent(1, 0)
    (got,) = _Webhook.got
    assert (got["title"], got["message"]) == NOTICE


def test_a_mail_arrives_with_the_title_as_its_subject(mailbox: int) -> None:
    address = f"mailto://127.0.0.1:{mailbox}/?from=awo@example.org&to=alice@example.org&mode=insecure&format=text"
    assert send(NOTICE, [address]) == Sent(1, 0)
    mail = email.message_from_bytes(_Mailbox.got[0], policy=email.policy.default)
    assert mail["Subject"] == NOTICE.title
    part = mail.get_body(("plain",))
    assert part is not None
    assert part.get_content().strip().replace("\r\n", "\n") == NOTICE.body


def test_one_bad_address_keeps_no_other_from_being_told(webhook: int, tmp_path: Path) -> None:
    bad = [
        f"json://127.0.0.1:{webhook}/refuse/{TOKEN}",
        f"nosuch://{TOKEN}",
        TOKEN,
        f"json://127.0.0.1:1/{TOKEN}",
        "mailto://",
        f"slack://{TOKEN}",
        "json://[::bad/",
    ]
    assert send(NOTICE, [*bad, f"json://127.0.0.1:{webhook}/ok"]) == Sent(1, len(bad))


def test_a_server_that_never_answers_is_given_up_after_the_longest_wait(webhook: int) -> None:
    both = [f"json://127.0.0.1:{webhook}/hang?rto=60", f"json://127.0.0.1:{webhook}/ok"]
    assert send(NOTICE, both, longest_wait_s=1.0) == Sent(1, 1)
    assert not _Webhook.answered.is_set()  # nor is the minute waited for that the address asks for


def test_what_fails_says_nothing_anywhere(
    webhook: int, capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.NOTSET)
    send(NOTICE, [f"json://127.0.0.1:{webhook}/refuse/{TOKEN}", f"jsons://u:{TOKEN}@127.0.0.1:{webhook}/?verify=no"])
    send(NOTICE, [f"nosuch://{TOKEN}", f"slack://{TOKEN}/a", f"json://127.0.0.1:1/{TOKEN}"])
    said = capfd.readouterr()
    assert TOKEN not in said.out + said.err + caplog.text
    assert said.err == said.out == ""


def test_a_plug_in_that_raises_is_a_failure_and_no_more(webhook: int, monkeypatch: pytest.MonkeyPatch) -> None:
    import apprise

    def raises(*args: object, **named: object) -> bool:
        raise RuntimeError(f"cannot reach json://{TOKEN}@host")

    monkeypatch.setattr(apprise.Apprise, "notify", raises)
    assert send(NOTICE, [f"json://127.0.0.1:{webhook}/ok"]) == Sent(0, 1)


def test_a_missing_package_is_named_with_the_command_that_brings_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plugins, "missing_modules", list)
    monkeypatch.setitem(sys.modules, "apprise", None)
    with pytest.raises(CannotCheck) as error:
        send(NOTICE, [f"json://127.0.0.1:1/{TOKEN}"])
    assert error.value.hint == "pip install 'awo[notify]'"
    assert TOKEN not in str(error.value)


# --- the file ----------------------------------------------------------------------------------------


def test_a_file_that_only_its_owner_reads_holds_addresses(tmp_path: Path) -> None:
    file = tmp_path / "addresses"
    file.write_text(f"# who is told\njson://host/{TOKEN}\nslack://a/b/c/#general, mailto://x\n")
    file.chmod(0o600)
    environment = {FILE_VARIABLE: str(file)}
    assert addresses(environment) == (f"json://host/{TOKEN}", "slack://a/b/c/#general", "mailto://x")
    assert TOKEN in secrets(environment).values()


@pytest.mark.parametrize("mode", [0o640, 0o604])
def test_a_file_that_others_may_read_is_refused_and_its_words_are_not_shown(tmp_path: Path, mode: int) -> None:
    file = tmp_path / "addresses"
    file.write_text(f"json://host/{TOKEN}")
    file.chmod(mode)
    with pytest.raises(CannotCheck, match="others on this machine") as error:
        addresses({FILE_VARIABLE: str(file)})
    assert TOKEN not in str(error.value)
    assert str(tmp_path) not in str(error.value)
    assert secrets({FILE_VARIABLE: str(file)}) == {}


def test_a_file_that_is_not_there_is_named_by_its_variable_alone(tmp_path: Path) -> None:
    with pytest.raises(CannotCheck) as error:
        addresses({FILE_VARIABLE: str(tmp_path / "none")})
    assert FILE_VARIABLE in str(error.value)
    assert str(tmp_path) not in str(error.value)

"""A stub of Zenodo's older deposit API, after its public documentation: the software itself is not to be had."""

from __future__ import annotations

import hashlib
import json
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

TOKEN = "stub-token-0123456789"


@dataclass
class Deposits:
    """What the stub holds."""

    port: int = 0
    rows: dict[int, dict[str, Any]] = field(default_factory=dict)
    files: dict[int, dict[str, bytes]] = field(default_factory=dict)
    is_corrupting: bool = False

    @property
    def base(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def shown(self, number: int) -> dict[str, Any]:
        bucket = f"https://elsewhere.example/api/files/bucket-{number}"
        return self.rows[number] | {"id": number, "links": {"bucket": bucket}}

    def listed(self, number: int) -> list[dict[str, Any]]:
        return [
            {"id": f"file-{name}", "filename": name, "filesize": len(data), "checksum": hashlib.md5(data).hexdigest()}
            for name, data in self.files[number].items()
        ]


def _answer(kept: Deposits, method: str, path: str, query: dict[str, list[str]], body: bytes) -> tuple[int, Any]:
    if path == "/api/deposit/depositions":
        if method == "GET":
            phrase = query.get("q", [""])[0].strip('"')
            return 200, [kept.shown(one) for one, row in kept.rows.items() if phrase in json.dumps(row)]
        number = len(kept.rows) + 1001
        kept.rows[number] = _row(number, json.loads(body))
        kept.files[number] = {}
        return 201, kept.shown(number)
    if found := re.fullmatch(r"/api/files/bucket-(\d+)/(.+)", path):
        number, name = int(found[1]), unquote(found[2])
        data = body[:-1] + b"?" if kept.is_corrupting else body
        kept.files[number][name] = data
        return 201, {"key": name, "size": len(data), "checksum": f"md5:{hashlib.md5(data).hexdigest()}"}
    found = re.fullmatch(r"/api/deposit/depositions/(\d+)(/.*)?", path)
    if not found or int(found[1]) not in kept.rows:
        return 404, {"message": "not found", "status": 404}
    number, rest = int(found[1]), found[2] or ""
    match method, rest:
        case "GET", "":
            return 200, kept.shown(number)
        case "PUT", "":
            kept.rows[number] |= _row(number, json.loads(body))
            return 200, kept.shown(number)
        case "GET", "/files":
            return 200, kept.listed(number)
        case "POST", "/actions/publish":
            kept.rows[number] |= {"submitted": True, "state": "done", "doi": f"10.5072/zenodo.{number}"}
            return 202, kept.shown(number)
        case "DELETE", _:
            kept.files[number].pop(rest.removeprefix("/files/file-"), None)
            return 204, None
        case _:
            return 404, {"message": "not found", "status": 404}


def _row(number: int, said: dict[str, Any]) -> dict[str, Any]:
    reserved = {"doi": f"10.5072/zenodo.{number}", "recid": number}
    return {"submitted": False, "state": "unsubmitted", "metadata": said["metadata"] | {"prereserve_doi": reserved}}


def _handler(kept: Deposits) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *_: Any) -> None: ...

        def _serve(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            parts = urlsplit(self.path)
            status: int
            said: Any
            if self.headers.get("Authorization") != f"Bearer {TOKEN}":
                status, said = 401, {"message": f"no such token: {self.headers.get('Authorization')}", "status": 401}
            else:
                status, said = _answer(kept, self.command, parts.path, parse_qs(parts.query), body)
            data = b"" if said is None else json.dumps(said).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def __getattr__(self, name: str) -> Any:
            if name.startswith("do_"):
                return self._serve
            raise AttributeError(name)

    return Handler


@contextmanager
def deposit_stub() -> Iterator[Deposits]:
    """The stub on 127.0.0.1, with nothing in it."""
    kept = Deposits()
    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(kept))
    server.daemon_threads = True
    kept.port = server.server_address[1]
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
    try:
        yield kept
    finally:
        server.shutdown()
        server.server_close()

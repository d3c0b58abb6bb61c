"""What a step can tell GitHub's runner: outputs, the summary of the job, notices, and a check of its own."""

from __future__ import annotations

import http.client
import json
import os
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

SUMMARY_BYTES = 1 << 20
"""What GitHub takes as the summary of one step."""
ROOM_BYTES = 1 << 12
"""Kept free of it, for the note that says what was cut."""
CHECK_BYTES = 60_000
TIMEOUT_S = 30.0


def shown_as_data(text: str) -> str:
    """`text` as data of a workflow command: it can end neither the line nor the command."""
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def command(name: str, text: str, title: str = "AWO") -> None:
    """Prints a workflow command such as `::notice title=AWO::text`."""
    safe_title = shown_as_data(title).replace(":", "%3A").replace(",", "%2C")
    print(f"::{name} title={safe_title}::{shown_as_data(text)}", flush=True)


def log(text: str) -> None:
    """Prints what a program said. Nothing in it is taken for a workflow command."""
    if not text.strip():
        return
    word = secrets.token_hex(16)
    print(f"::stop-commands::{word}\n{text.rstrip()}\n::{word}::", flush=True)


def set_outputs(outputs: Mapping[str, str]) -> None:
    """Appends to the file of outputs. A value cannot end itself: what ends it is drawn anew."""
    with Path(os.environ["GITHUB_OUTPUT"]).open("a", encoding="utf-8") as stream:
        for name, value in outputs.items():
            end = secrets.token_hex(16)
            stream.write(f"{name}<<{end}\n{value}\n{end}\n")


@dataclass
class Summary:
    """What is written to the summary of the job: everything of AWO's first, then as much of the reports as fits."""

    left: int = SUMMARY_BYTES - ROOM_BYTES
    parts: list[str] = field(default_factory=list)

    def add(self, text: str) -> None:
        """Adds what must be there. It is short; what does not fit is cut."""
        self.parts.append(_cut(text, self.left))
        self.left -= len(self.parts[-1].encode())

    def add_report(self, text: str, whole: str) -> None:
        """Adds a report, cut at the end of a line where it is too long; `whole` says where it stands whole."""
        body = _cut(text, self.left - 500)
        if body != text:
            kept, size = len(body.encode()), len(text.encode())
            self.add(
                f"\n> [!NOTE]\n> The report is cut here after {kept:,} of {size:,} bytes. It is whole in {whole}.\n"
            )
            body = _cut(text, self.left)
        self.add(f"\n{body}\n" if body else "")

    def text(self) -> str:
        return "".join(self.parts)

    def write(self) -> None:
        """Appends it to the file of the runner."""
        with Path(os.environ["GITHUB_STEP_SUMMARY"]).open("a", encoding="utf-8") as stream:
            stream.write(self.text())


def _cut(text: str, most_bytes: int) -> str:
    data = text.encode()
    if len(data) <= most_bytes:
        return text
    kept = data[: max(0, most_bytes)].decode(errors="ignore")
    return kept[: kept.rfind("\n") + 1]


def neutral_check(title: str, summary: str, token: str) -> str:
    """Makes a check with the conclusion `neutral` on this commit; '' when it is there, else why it is not."""
    address = urlsplit(os.environ["GITHUB_API_URL"])
    is_here = address.hostname in ("127.0.0.1", "localhost")
    if address.scheme != "https" and not is_here:
        return "a token is not sent without TLS"
    made = http.client.HTTPSConnection if address.scheme == "https" else http.client.HTTPConnection
    connection = made(address.hostname or "", address.port, timeout=TIMEOUT_S)
    body = {
        "name": "AWO gate",
        "head_sha": os.environ["GITHUB_SHA"],
        "status": "completed",
        "conclusion": "neutral",
        "output": {"title": title, "summary": _cut(summary, CHECK_BYTES)},
    }
    headers = {
        "Accept": "application/vnd.github+json",
        "Authorization": f"Bearer {token}",
        "Content-Type": "application/json",
        "User-Agent": "awo",
    }
    try:
        path = f"{address.path.rstrip('/')}/repos/{os.environ['GITHUB_REPOSITORY']}/check-runs"
        connection.request("POST", path, json.dumps(body).encode(), headers)
        status = connection.getresponse().status
    except (OSError, http.client.HTTPException) as error:
        return f"{address.hostname} does not answer: {type(error).__name__}"
    finally:
        connection.close()
    return "" if status == 201 else f"status {status}; the job needs `permissions: checks: write`"

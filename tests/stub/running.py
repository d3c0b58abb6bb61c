"""Starts the stub for a test: `with running_stub(delay_ms=200) as stub: …`."""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.stub.orders import Action

ROOT = Path(__file__).parents[2]
KEY = "test-key-0123456789abcdef"
LONGEST_WAIT_S = 30.0


@dataclass(frozen=True, slots=True)
class RunningStub:
    """A stub that listens. `key` is the one key that it takes."""

    port: int
    key: str
    pid: int

    @property
    def base_url(self) -> str:
        """Without a path: `http://127.0.0.1:PORT`."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def environment(self) -> dict[str, str]:
        """The variables by which every provider's endpoint is this stub, and its key the right one."""
        base = self.base_url
        return {
            "OPENAI_BASE_URL": f"{base}/v1",
            "OPENAI_API_KEY": self.key,
            "ANTHROPIC_BASE_URL": base,
            "ANTHROPIC_API_KEY": self.key,
            "GEMINI_BASE_URL": base,
            "GOOGLE_GEMINI_BASE_URL": base,
            "GEMINI_API_KEY": self.key,
            "OPENROUTER_BASE_URL": f"{base}/api/v1",
            "OPENROUTER_API_KEY": self.key,
            "AZURE_OPENAI_ENDPOINT": base,
            "AZURE_OPENAI_API_KEY": self.key,
            "OLLAMA_HOST": base,
            "LLAMACPP_BASE_URL": base,
            "VLLM_BASE_URL": f"{base}/v1",
            "LMSTUDIO_BASE_URL": f"{base}/v1",
        }

    def order(self, action: Action, **fields: Any) -> None:
        """One rule more (`orders.Order`): `stub.order("status", match="row 7", times=2, status=429)`."""
        self._post("/stub/orders", [{"action": action} | fields])

    def requests(self) -> dict[str, Any]:
        """What arrived and what was answered so far, with a row for each request body (`orders.Counts`)."""
        return self._get("/stub/requests")

    def counts(self) -> dict[str, Any]:
        """As `requests`, without the rows: cheap while a run is under way."""
        return self._get("/stub/requests?brief")

    def by_prompt(self) -> dict[str, dict[str, int]]:
        """For each last user turn: how often it arrived, was answered, was refused."""
        found: dict[str, dict[str, int]] = {}
        for row in self.requests()["requests"]:
            sums = found.setdefault(row["prompt"], {"arrived": 0, "answered": 0, "refused": 0})
            for name in sums:
                sums[name] += row[name]
        return found

    def reset(self) -> None:
        """Forgets counts and orders."""
        self._post("/stub/reset", [])

    def _get(self, path: str) -> dict[str, Any]:
        with urllib.request.urlopen(self.base_url + path, timeout=LONGEST_WAIT_S) as answer:
            found: dict[str, Any] = json.load(answer)
        return found

    def _post(self, path: str, content: object) -> None:
        request = urllib.request.Request(self.base_url + path, json.dumps(content).encode(), method="POST")
        with urllib.request.urlopen(request, timeout=LONGEST_WAIT_S) as answer:
            answer.read()


@contextlib.contextmanager
def running_stub(**options: str | float) -> Iterator[RunningStub]:
    """A stub in a process of its own, with the server's options (`delay_ms=200` is `--delay-ms 200`)."""
    words = [word for name, value in options.items() for word in (f"--{name.replace('_', '-')}", str(value))]
    with subprocess.Popen(
        [sys.executable, "-m", "tests.stub.server", *words],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            port = json.loads(process.stdout.readline())["port"]
            yield RunningStub(port, str(options.get("key", KEY)), process.pid)
        finally:
            # The stub ends by itself when its stdin does: also when this process is killed.
            process.stdin.close()
            try:
                process.wait(LONGEST_WAIT_S)
            except subprocess.TimeoutExpired:
                process.kill()

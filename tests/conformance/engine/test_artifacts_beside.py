"""The index of artifacts is read from the loop and from threads beside it, and misses nothing."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from awo.engine import artifacts
from awo.engine.journal import read_lines
from awo.evidence import events as ev
from awo.evidence.layout import JOURNAL, file_path, value_path


def finished(seq: int, step: str) -> bytes:
    def ref(path: str) -> ev.FileRef:
        return ev.FileRef(path=path, sha256="0" * 64, size_bytes=1)

    files = [ref(file_path(step, "lines.jsonl"))]
    at = "2026-01-01T00:00:00.000000Z"
    return ev.encode(ev.StepFinished(seq=seq, at=at, step=step, attempt=1, value=ref(value_path(step)), files=files))


def test_two_threads_that_ask_at_once_find_every_artifact(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    journal = tmp_path / JOURNAL
    journal.parent.mkdir()
    journal.write_bytes(finished(0, "a") + b"\n" + finished(1, "b") + b"\n")
    both_read = threading.Barrier(2, timeout=0.2)

    def read_together(descriptor: int, start: int) -> Iterator[bytes]:
        with contextlib.suppress(threading.BrokenBarrierError):
            both_read.wait()
        yield from read_lines(descriptor, start)

    monkeypatch.setattr(artifacts, "read_lines", read_together)
    index = artifacts.Artifacts(tmp_path)
    with ThreadPoolExecutor(2) as threads:
        assert all(threads.map(lambda step: index.ref(step, file_path(step, "lines.jsonl")), "ab"))
    with journal.open("ab") as stream:
        stream.write(finished(2, "c") + b"\n")
    assert index.names("c") == ["lines.jsonl"]

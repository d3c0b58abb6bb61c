"""Lines that are judged many at once are judged as they are one by one: the same findings at the same places."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace
from tests.vectors.builder import Package, step

from awo.canon.json import encode_sorted
from awo.evidence import events as ev
from awo.evidence import layout
from awo.evidence.records import CellsRecord, ItemLine
from awo.verify import items as items_room
from awo.verify import journal as journal_room
from awo.verify import responses as responses_room
from awo.verify.items import ItemReader
from awo.verify.journal import JournalReader
from awo.verify.responses import ResponseReader

ASK, CELLS, LIMIT = "ask", 80, 1 << 20


def asked() -> Package:
    """A run that asks in eighty cells; a few calls are tried again, and one is not answered."""
    cells = CellsRecord(over=None, matrix={"n": list(range(CELLS))}, repeats=1, max_failed=CELLS)
    package = Package([replace(step(ASK, "llm_map", prompt="say {{ matrix.n }}"), cells=cells)])
    package.start(ASK)
    package.event(ev.FannedOut, step=ASK, attempt=1, cells=CELLS, asks=CELLS)
    written: list[bytes] = []
    for cell in range(CELLS):
        intent = package.intend(ASK, f"say {cell}", cell=cell)
        if cell % 30 == 7:
            package.no_answer(intent, "overloaded")
            intent = package.intend(ASK, f"say {cell}", cell=cell, tries=2, because="overloaded")
        package.answer(intent)
        value = {"call": intent.call, "model": "echo", "stop_reason": "stop", "text": f"say {cell}"}
        line = ItemLine(cell, "", {"n": cell}, 0, {}, "done", None, value, [intent.call])
        written.append(encode_sorted(line) + b"\n")
    package.put(layout.items_path(ASK), b"".join(written))
    done = {"cells": CELLS, "done": CELLS, "failed": 0, "path": layout.items_path(ASK)}
    package.finish(ASK, done)
    package.end("completed")
    return package


RUN = asked()
JOURNAL = RUN.files[layout.JOURNAL]
RESPONSES = RUN.files[layout.responses_path(ASK)]
ITEMS = RUN.files[layout.items_path(ASK)]
ROUNDS = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def edits(data: bytes) -> st.SearchStrategy[bytes]:
    """The bytes with one edit anywhere: some of them replaced, put in or left out, a line doubled, moved or lost."""
    places = st.integers(0, len(data) - 1)
    pieces = st.binary(max_size=3) | st.sampled_from([b'"', b",", b"\n", b"0", b"1", b"}", b" ", b"\n\n", b"\\u0041"])

    def piecewise(at: int, piece: bytes, cut: int) -> bytes:
        return data[:at] + piece + data[at + cut :]

    def linewise(at: int, other: int, times: int) -> bytes:
        lines = data.splitlines(keepends=True)
        line = lines.pop(at % len(lines))
        return b"".join((*lines[: other % len(lines)], *[line] * times, *lines[other % len(lines) :]))

    return st.builds(piecewise, places, pieces, st.integers(0, 3)) | st.builds(
        linewise, places, places, st.integers(0, 2)
    )


def fed(reader: Any, data: bytes, piece: int) -> Any:
    for at in range(0, len(data), piece):
        reader.feed(data[at : at + piece])
    reader.end()
    return reader


def journal_read(data: bytes, piece: int = 1 << 18) -> JournalReader:
    reader: JournalReader = fed(JournalReader(RUN.input, LIMIT), data, piece)
    return reader


def said_of_journal(data: bytes, piece: int) -> object:
    """Everything that the judge takes from a journal."""
    reader = journal_read(data, piece)
    lines = {path: [one.told(line) for line in range(len(one))] for path, one in reader.lines.items()}
    return (
        (reader.checkpoint, reader.bad_line, reader.broken_rule, reader.torn_bytes, reader.misplaced, reader.refs),
        (reader.answered, reader.exchanges, reader.failures, reader.clock_steps_back, reader.items, lines),
        reader.facts(),
    )


def said_of_responses(data: bytes, piece: int) -> object:
    recorded = journal_read(JOURNAL).lines[layout.responses_path(ASK)]
    reader = fed(ResponseReader(layout.responses_path(ASK), recorded, LIMIT, {}), data, piece)
    found = (reader.altered, reader.misshapen, reader.mispriced)
    return found, reader.count, reader.torn_bytes, reader.cut, reader.missing, reader.unrecorded


def said_of_items(data: bytes, piece: int) -> object:
    journal, path = journal_read(JOURNAL), layout.items_path(ASK)
    cells = RUN.input.steps[0].cells
    assert cells is not None
    answers = journal.lines[layout.responses_path(ASK)]
    reader = fed(ItemReader(path, journal.items[path], cells, {}, answers, LIMIT), data, piece)
    return reader.misshapen, reader.count, reader.done, reader.failed


def nothing(*_: object) -> None:
    """A block is read line by line where it cannot be read at once."""


def assert_alike(
    monkeypatch: pytest.MonkeyPatch, room: Any, name: str, said: Callable[[bytes, int], object], data: bytes, piece: int
) -> None:
    at_once = said(data, piece)
    with monkeypatch.context() as patch:
        patch.setattr(room, name, nothing)
        assert at_once == said(data, 1 << 18)


PIECES = st.sampled_from([100, 5000, 1 << 18])


@ROUNDS
@given(edits(JOURNAL), PIECES)
def test_an_edited_journal_is_judged_alike(monkeypatch: pytest.MonkeyPatch, data: bytes, piece: int) -> None:
    assert_alike(monkeypatch, journal_room, "decode_block", said_of_journal, data, piece)


@ROUNDS
@given(edits(RESPONSES), PIECES)
def test_edited_responses_are_judged_alike(monkeypatch: pytest.MonkeyPatch, data: bytes, piece: int) -> None:
    assert_alike(monkeypatch, responses_room, "decode_responses", said_of_responses, data, piece)


@ROUNDS
@given(edits(ITEMS), PIECES)
def test_edited_items_are_judged_alike(monkeypatch: pytest.MonkeyPatch, data: bytes, piece: int) -> None:
    assert_alike(monkeypatch, items_room, "decode_items", said_of_items, data, piece)


@pytest.mark.parametrize(
    ("room", "name", "said", "data"),
    [
        (journal_room, "decode_block", said_of_journal, JOURNAL),
        (responses_room, "decode_responses", said_of_responses, RESPONSES),
        (items_room, "decode_items", said_of_items, ITEMS),
    ],
)
def test_what_is_right_is_read_at_once(
    monkeypatch: pytest.MonkeyPatch, room: Any, name: str, said: Callable[[bytes, int], object], data: bytes
) -> None:
    counts: list[int] = []
    at_once = getattr(room, name)

    def watched(block: bytes, count: int) -> object:
        found = at_once(block, count)
        assert found is not None
        counts.append(len(found))
        return found

    monkeypatch.setattr(room, name, watched)
    said(data, 1 << 18)
    assert counts[-1] == data.count(b"\n")

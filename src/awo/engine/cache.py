"""Answers of earlier runs of the project, by exact request: an index beside the runs that can be thrown away.

The texts stay in the runs. A hit is read from there and held against the digest in that run's journal.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol

import msgspec

from awo.canon.digest import sha256_hex
from awo.canon.json import encode_sorted
from awo.engine.asked import Asked
from awo.engine.folder import run_folders
from awo.engine.reading import events_of
from awo.errors import AwoError, DiskTrouble
from awo.evidence import events as ev
from awo.evidence.layout import JOURNAL, responses_path
from awo.evidence.records import ResponseLine

FILE = "answers-2.sqlite"
_decoder = msgspec.json.Decoder(ResponseLine)
_TABLES = """
create table if not exists runs (run_id text primary key, journal_bytes integer not null);
create table if not exists answers (
  request blob not null, run_id text not null, step text not null,
  line integer not null, offset integer not null, size_bytes integer not null, sha256 blob not null
);
create index if not exists by_request on answers (request);
create index if not exists by_run on answers (run_id);
"""


class Elsewhere(Protocol):
    """Where answers come from that were given in another run."""

    def find(self, asked: Asked, step: str, cell: int) -> tuple[ResponseLine, ev.Origin] | None:
        """The answer to this request of a step's cell, and where it stands; None where it is to be asked."""

    def close(self) -> None: ...


class Cache:
    """The answers of every run below `runs` but the one at hand. Made by `open_cache`; `close` when done."""

    def __init__(self, runs: Path, connection: sqlite3.Connection) -> None:
        self._runs = runs
        self._connection = connection

    def find(self, asked: Asked, step: str, cell: int) -> tuple[ResponseLine, ev.Origin] | None:
        """The latest sound answer to this request by a model of the same facts, and where it stands; None without.

        An answer whose bytes are not the recorded ones, or that broke its schema, is passed over.
        """
        try:
            rows = self._connection.execute(
                "select run_id, step, line, offset, size_bytes, sha256 from answers where request = ? "
                "order by run_id desc",
                (_key(asked.sha256, _named(asked.ready.facts)),),
            ).fetchall()
        except sqlite3.Error:  # another run writes, or the file is no more
            return None
        for run_id, origin_step, line, offset, size_bytes, sha256 in rows:
            data = _read(self._runs / run_id / responses_path(origin_step), offset, size_bytes)
            if sha256_hex(data) != sha256.hex():
                continue
            try:
                response = _decoder.decode(data)
            except msgspec.MsgspecError:
                continue  # of a version with another shape
            if not response.schema_fault:
                return response, ev.Origin(run_id=run_id, step=origin_step, line=line, sha256=sha256.hex())
        return None

    def close(self) -> None:
        self._connection.close()


def open_cache(runs: Path, own: Path) -> Cache:
    """The cache over the runs below `runs`, brought up to date; `own` is the run that asks, and is left out.

    Raises `DiskTrouble`.
    """
    try:
        connection = sqlite3.connect(runs / FILE)
        connection.executescript(_TABLES)
        known = dict(connection.execute("select run_id, journal_bytes from runs").fetchall())
        there = {folder.name: folder for folder in run_folders(runs) if folder.name != own.name}
        for run_id, folder in there.items():
            journal = folder / JOURNAL
            size_bytes = journal.stat().st_size if journal.is_file() else 0
            if known.get(run_id) != size_bytes:
                _index(connection, folder, size_bytes)
        for run_id in known.keys() - there.keys():
            _forget(connection, run_id)
        connection.commit()
    except (sqlite3.Error, OSError) as error:
        raise DiskTrouble(
            "the index of earlier answers cannot be used",
            where=str(runs / FILE),
            got=str(error),
            hint="remove the file; it is made anew from the runs",
        ) from error
    return Cache(runs, connection)


def _forget(connection: sqlite3.Connection, run_id: str) -> None:
    connection.execute("delete from answers where run_id = ?", (run_id,))
    connection.execute("delete from runs where run_id = ?", (run_id,))


def _named(facts: Mapping[str, Any]) -> str:
    """The digest of what a model said of itself: one of the same name at another address is another model."""
    return sha256_hex(encode_sorted(facts))


def _key(request_sha256: str, facts_sha256: str) -> bytes:
    return bytes.fromhex(sha256_hex(f"{request_sha256} {facts_sha256}".encode()))


def _index(connection: sqlite3.Connection, folder: Path, size_bytes: int) -> None:
    """Takes up one run anew. A run whose journal cannot be read has no answers for us."""
    _forget(connection, folder.name)
    rows: list[tuple[bytes, str, str, int, int, int, bytes]] = []
    asked: dict[str, bytes] = {}
    models: dict[str, str] = {}
    ends: dict[str, int] = {}
    try:
        for event in events_of(folder):
            match event:
                case ev.ModelRecorded() if "recorded_in" not in event.facts:  # else nobody was asked of it
                    models[event.model] = _named(event.facts)
                case ev.CallIntended():
                    asked[event.call] = _key(event.request_sha256, models.get(event.model, ""))
                case ev.CallFailed() | ev.CallUnknown():
                    asked.pop(event.call, None)
                case ev.CallAnswered() | ev.ResponseReused():
                    offset = ends.get(event.step, 0)
                    ends[event.step] = offset + event.size_bytes + 1
                    if isinstance(event, ev.CallAnswered) and (request := asked.pop(event.call, b"")):
                        place = (event.line, offset, event.size_bytes, bytes.fromhex(event.sha256))
                        rows.append((request, folder.name, event.step, *place))
                case _:
                    pass
    except AwoError:
        rows.clear()
    connection.executemany("insert into answers values (?, ?, ?, ?, ?, ?, ?)", rows)
    connection.execute("insert into runs values (?, ?)", (folder.name, size_bytes))


def _read(path: Path, offset: int, size_bytes: int) -> bytes:
    try:
        with path.open("rb", buffering=0) as stream:
            return os.pread(stream.fileno(), size_bytes, offset)
    except OSError:
        return b""

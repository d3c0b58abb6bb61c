"""The journal on a real disk: torn tails, locks, the order of flushing, and disks that say no."""

from __future__ import annotations

import asyncio
import errno
import os
import subprocess
import sys
import threading
from collections.abc import Awaitable, Callable
from functools import partial
from hashlib import sha256
from pathlib import Path
from typing import Any, TypeVar

import pytest

from awo.engine import journal as room
from awo.engine.journal import BACKLOG_LIMIT, Journal
from awo.errors import DiskTrouble, UsageError
from awo.evidence import events as ev
from awo.evidence.layout import JOURNAL
from awo.lifecycle.rules import RuleBroken, RunState

T = TypeVar("T")

REF = ev.FileRef(path="input.json", sha256="0" * 64, size_bytes=1)


def started(journal: Journal) -> None:
    journal.append(
        ev.RunStarted,
        format=ev.FORMAT,
        run_id="run_2026-11-23T06-09-00Z",
        software=ev.Software(name="awo", version="2"),
        input=REF,
        starter=ev.Starter(id="a", key="k"),
        supersedes="",
        solo=False,
    )


def note(journal: Journal, text: str = "SIGINT") -> ev.RunInterrupted:
    """An event that may stand anywhere."""
    return journal.append(ev.RunInterrupted, signal=text)


def make(folder: Path, count: int) -> bytes:
    """A journal of `count` events in a run folder; gives its bytes."""

    async def write(journal: Journal) -> None:
        started(journal)
        for number in range(count - 1):
            note(journal, f"signal {number}")

    with_new(folder, write)
    return (folder / JOURNAL).read_bytes()


def with_new(folder: Path, work: Callable[[Journal], Awaitable[T]]) -> T:
    """What `work` gives with a new journal, which is closed afterwards."""
    return asyncio.run(_at_work(lambda: Journal.create(folder, RunState([])), work))


def with_existing(folder: Path, work: Callable[[Journal], Awaitable[T]]) -> T:
    """What `work` gives with the folder's journal, which is closed afterwards."""
    return asyncio.run(_at_work(lambda: Journal.open_existing(folder, RunState([]), lambda event: None), work))


async def _at_work(opened: Callable[[], Journal], work: Callable[[Journal], Awaitable[T]]) -> T:
    journal = opened()
    journal.start()
    try:
        return await work(journal)
    finally:
        await journal.close()


async def nothing(journal: Journal) -> None:
    """Opens and closes."""


def events_of(folder: Path) -> list[Any]:
    """Every event on disk; fails when the last line is torn."""
    data = (folder / JOURNAL).read_bytes()
    assert data.endswith(b"\n")
    return [ev.decode(line, number) for number, line in enumerate(data[:-1].split(b"\n"))]


def merkle_root(leaves: list[bytes]) -> bytes:
    """MTH of RFC 6962 section 2.1, as its text defines it."""
    if len(leaves) <= 1:
        return sha256(b"\0" + leaves[0]).digest() if leaves else sha256(b"").digest()
    split = 1 << ((len(leaves) - 1).bit_length() - 1)
    return sha256(b"\1" + merkle_root(leaves[:split]) + merkle_root(leaves[split:])).digest()


# --- torn tails ------------------------------------------------------------------------------------------


def test_a_tail_torn_at_any_byte_is_cut_and_the_cut_is_the_next_event(tmp_path: Path) -> None:
    data = make(tmp_path, 3)
    whole = data[: data.rfind(b"\n", 0, -1) + 1]
    last = data[len(whole) :]
    for length in range(1, len(last)):
        (tmp_path / JOURNAL).write_bytes(whole + last[:length])
        with_existing(tmp_path, nothing)
        assert (tmp_path / JOURNAL).read_bytes().startswith(whole)
        *before, cut = events_of(tmp_path)
        assert len(before) == 2
        assert cut == ev.TailCut(
            seq=2, at=cut.at, path=JOURNAL, cut_bytes=length, sha256=sha256(last[:length]).hexdigest()
        )


def test_a_journal_with_a_whole_last_line_is_left_as_it_is(tmp_path: Path) -> None:
    data = make(tmp_path, 3)
    with_existing(tmp_path, nothing)
    assert (tmp_path / JOURNAL).read_bytes() == data


def test_a_crash_while_a_tail_is_cut_loses_neither_the_tail_nor_its_record(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make(tmp_path, 2)
    torn = b"x" * 900
    with (tmp_path / JOURNAL).open("ab") as stream:
        stream.write(torn)
    with monkeypatch.context() as crash:
        crash.setattr(os, "ftruncate", refusing(errno.EIO))
        with pytest.raises(DiskTrouble):
            with_existing(tmp_path, nothing)
    with_existing(tmp_path, nothing)
    first, second = (event for event in events_of(tmp_path) if isinstance(event, ev.TailCut))
    assert (first.cut_bytes, first.sha256) == (len(torn), sha256(torn).hexdigest())
    assert 0 < second.cut_bytes < len(torn)


def test_a_journal_without_a_whole_line_was_never_started(tmp_path: Path) -> None:
    data = make(tmp_path, 1)
    for length in (0, 1, len(data) - 1):
        (tmp_path / JOURNAL).write_bytes(data[:length])
        with pytest.raises(UsageError, match="never started"):
            with_existing(tmp_path, nothing)
        assert (tmp_path / JOURNAL).read_bytes() == data[:length]


# --- one writer ------------------------------------------------------------------------------------------

HOLDER = """\
import sys
from pathlib import Path
from awo.engine.journal import Journal
from awo.lifecycle.rules import RunState
journal = Journal.open_existing(Path(sys.argv[1]), RunState([]), lambda event: None)
print("held", flush=True)
sys.stdin.read()
"""


def test_a_journal_that_another_process_has_is_refused_until_that_process_is_gone(tmp_path: Path) -> None:
    data = make(tmp_path, 2)
    with subprocess.Popen(
        [sys.executable, "-c", HOLDER, tmp_path], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"held\n"
        with pytest.raises(UsageError, match="another process"):
            with_existing(tmp_path, nothing)
        assert (tmp_path / JOURNAL).read_bytes() == data
        holder.kill()
    with_existing(tmp_path, nothing)


def test_a_new_journal_never_takes_the_place_of_one_that_is_there(tmp_path: Path) -> None:
    data = make(tmp_path, 2)
    with pytest.raises(DiskTrouble):
        with_new(tmp_path, nothing)
    assert (tmp_path / JOURNAL).read_bytes() == data


# --- content first, then the log ---------------------------------------------------------------------------


class Watched:
    """The calls that reach the disk, in order: what was flushed, and what was written to the journal."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.calls: list[tuple[str, str]] = []
        self._fsync, self._pwrite, self._flush = os.fsync, os.pwrite, room._flush_data
        monkeypatch.setattr(os, "fsync", self.fsync)
        monkeypatch.setattr(os, "pwrite", self.pwrite)
        monkeypatch.setattr(room, "_flush_data", self.flush)

    def fsync(self, descriptor: int) -> None:
        self.calls.append(("fsync", str(os.fstat(descriptor).st_ino)))
        self._fsync(descriptor)

    def pwrite(self, descriptor: int, data: bytes, offset: int) -> int:
        self.calls.append(("pwrite", bytes(data).decode()))
        return self._pwrite(descriptor, data, offset)

    def flush(self, descriptor: int) -> None:
        self.calls.append(("flush", str(os.fstat(descriptor).st_ino)))
        self._flush(descriptor)


def refusing(number: int) -> Callable[..., Any]:
    """A call to the system that fails."""

    def refuse(*arguments: object) -> Any:
        raise OSError(number, os.strerror(number))

    return refuse


def write_content(journal: Journal, name: str) -> Path:
    """A file with content, handed to the journal to be flushed and closed."""
    path = journal.folder / name
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT, 0o644)
    os.write(descriptor, b"content")
    journal.content(descriptor, [str(journal.folder)], close=True)
    return path


def test_content_and_its_name_are_flushed_before_the_line_that_comes_after_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def work(journal: Journal) -> tuple[Path, list[tuple[str, str]]]:
        started(journal)
        await journal.flushed()
        watched = Watched(monkeypatch)
        path = write_content(journal, "content.txt")
        note(journal, "after the content")
        await journal.flushed()
        return path, watched.calls

    path, calls = with_new(tmp_path, work)
    (line,) = [place for place, (what, text) in enumerate(calls) if "after the content" in text]
    assert calls.index(("fsync", str(path.stat().st_ino))) < line
    assert calls.index(("fsync", str(tmp_path.stat().st_ino))) < line
    assert [what for what, _ in calls[line : line + 2]] == ["pwrite", "flush"]


def test_when_content_cannot_be_flushed_no_line_that_names_it_is_on_disk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def work(journal: Journal) -> None:
        started(journal)
        await journal.flushed()
        write_content(journal, "content.txt")
        monkeypatch.setattr(os, "fsync", refusing(errno.EIO))
        note(journal, "names the content")
        with pytest.raises(DiskTrouble, match="could not be written"):
            await journal.flushed()
        with pytest.raises(DiskTrouble):
            note(journal, "later")

    with pytest.raises(DiskTrouble):
        with_new(tmp_path, work)
    monkeypatch.undo()
    assert [type(event) for event in events_of(tmp_path)] == [ev.RunStarted]
    with_existing(tmp_path, nothing)


def test_nobody_is_told_of_an_event_before_it_is_durable(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    flushed = threading.Event()
    flush = room._flush_data

    def slowly(descriptor: int) -> None:
        if not flushed.wait(timeout=10):
            raise OSError(errno.ETIMEDOUT, "nobody let the disk go on")
        flush(descriptor)

    async def work(journal: Journal) -> None:
        told: list[ev.AnyEvent] = []
        journal.on_durable = told.extend
        monkeypatch.setattr(room, "_flush_data", slowly)
        started(journal)
        waiting = asyncio.create_task(journal.flushed())
        await asyncio.sleep(0.05)
        assert not told
        assert not waiting.done()
        assert journal.backlog == 1
        flushed.set()
        await waiting
        assert [event.seq for event in told] == [0]
        assert journal.backlog == 0

    with_new(tmp_path, work)


# --- a disk that is full -----------------------------------------------------------------------------------


@pytest.mark.parametrize("room_bytes", [0, 1, 50, 139, 140, 400])
def test_a_disk_that_fills_up_inside_a_group_leaves_whole_lines_only(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, room_bytes: int
) -> None:
    pwrite = os.pwrite
    left = room_bytes

    def into_little_room(descriptor: int, data: bytes, offset: int) -> int:
        nonlocal left
        if not left:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        written = pwrite(descriptor, bytes(data)[:left], offset)
        left -= written
        return written

    async def work(journal: Journal) -> None:
        started(journal)
        note(journal, "before")
        await journal.flushed()
        monkeypatch.setattr(os, "pwrite", into_little_room)
        for number in range(20):
            note(journal, f"signal {number}")
        with pytest.raises(DiskTrouble) as caught:
            await journal.flushed()
        assert caught.value.got == "No space left on device"
        assert "awo resume" in caught.value.hint

    with pytest.raises(DiskTrouble):
        with_new(tmp_path, work)
    monkeypatch.undo()
    assert [event.seq for event in events_of(tmp_path)] == [0, 1]

    async def go_on(journal: Journal) -> None:
        note(journal, "after")

    with_existing(tmp_path, go_on)
    assert [event.seq for event in events_of(tmp_path)] == [0, 1, 2]


def test_what_waits_for_the_disk_is_bounded(tmp_path: Path) -> None:
    async def work(journal: Journal) -> int:
        started(journal)
        most = 0
        for number in range(4 * BACKLOG_LIMIT):
            note(journal, f"signal {number}")
            most = max(most, journal.backlog)
            await journal.keep_up()
        return most

    assert with_new(tmp_path, work) <= BACKLOG_LIMIT + 1
    assert len(events_of(tmp_path)) == 4 * BACKLOG_LIMIT + 1


# --- going on ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("counts", [(1, 1), (2, 3), (7, 1, 9), (64, 65)])
def test_events_after_reopening_count_on_and_the_root_is_that_of_all_lines(
    tmp_path: Path, counts: tuple[int, ...]
) -> None:
    make(tmp_path, counts[0])

    async def more(journal: Journal, count: int) -> ev.Checkpoint:
        for number in range(count):
            note(journal, f"signal {number}")
        return journal.checkpoint()

    checkpoints = [with_existing(tmp_path, partial(more, count=count)) for count in counts[1:]]
    assert [event.seq for event in events_of(tmp_path)] == list(range(sum(counts)))
    lines = (tmp_path / JOURNAL).read_bytes()[:-1].split(b"\n")
    assert checkpoints[-1] == ev.Checkpoint(size=len(lines), root=merkle_root(lines).hex())


def test_an_event_that_may_not_follow_is_refused_and_not_written(tmp_path: Path) -> None:
    async def work(journal: Journal) -> None:
        started(journal)
        with pytest.raises(RuleBroken):
            journal.append(ev.StepStarted, step="nobody", attempt=1)
        assert note(journal).seq == 1

    with_new(tmp_path, work)
    assert [type(event) for event in events_of(tmp_path)] == [ev.RunStarted, ev.RunInterrupted]

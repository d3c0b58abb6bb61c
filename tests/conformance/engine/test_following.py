"""A journal that is read while another process writes it, and the question who is at work on it."""

from __future__ import annotations

import fcntl
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.unit.a_run import RUN_ID, Told, fanned, step

from awo.canon.json import pretty
from awo.engine import following as room
from awo.engine.folder import take_lock
from awo.engine.following import Following, is_worked_on
from awo.errors import EvidenceError, UsageError
from awo.evidence import events as ev
from awo.evidence.layout import INPUT, JOURNAL

needs_linux = pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells who holds a lock without taking it")


class Growing:
    """A run's folder whose journal a test writes byte by byte."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.told = Told([fanned("ask"), step("after", "llm_map")], budget_usd="5")
        self._written = 0
        (folder / "audit").mkdir(parents=True)
        (folder / INPUT).write_bytes(pretty(self.told.plan))
        self.journal = (folder / JOURNAL).open("wb", buffering=0)

    def line(self) -> bytes:
        """The journal line of the next event that was told and is not written yet."""
        event = self.told.events[self._written]
        self._written += 1
        return ev.encode(event) + b"\n"

    def write(self) -> None:
        """Writes whatever was told."""
        while self._written < len(self.told.events):
            self.journal.write(self.line())


@pytest.fixture
def growing(tmp_path: Path) -> Iterator[Growing]:
    run = Growing(tmp_path / RUN_ID)
    run.told.start()
    yield run
    run.journal.close()


@pytest.fixture
def following(growing: Growing) -> Iterator[Following]:
    reader = Following(growing.folder)
    yield reader
    reader.close()


def kinds(events: list[Any]) -> list[str]:
    return [event.__struct_config__.tag for event in events]


def test_lines_are_read_once_each_as_they_come(growing: Growing, following: Following) -> None:
    assert following.read() == []
    growing.write()
    assert kinds(following.read()) == ["run_started", "environment_recorded"]
    assert following.read() == []
    growing.told.begin("ask")
    growing.write()
    assert kinds(following.read()) == ["step_started"]
    assert following.state.steps["ask"].attempts == 1


def test_a_line_that_is_half_written_is_left_until_it_is_whole(growing: Growing, following: Following) -> None:
    growing.write()
    following.read()
    growing.told.begin("ask")
    line = growing.line()
    growing.journal.write(line[:20])
    assert following.read() == []
    growing.journal.write(line[20:])
    assert kinds(following.read()) == ["step_started"]


def test_a_torn_tail_that_is_cut_and_written_anew_is_read_as_it_is_now(growing: Growing, following: Following) -> None:
    growing.write()
    following.read()
    whole = growing.journal.tell()
    growing.journal.write(b'{"at":"2026-11-')
    assert following.read() == []
    growing.journal.truncate(whole)
    growing.journal.seek(whole)
    growing.told.say(ev.TailCut, path=JOURNAL, cut_bytes=15, sha256="0" * 64)
    growing.write()
    assert kinds(following.read()) == ["tail_cut"]


def test_a_line_larger_than_a_read_is_read_whole(
    growing: Growing, following: Following, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(room, "READ_BYTES", 64)
    growing.write()
    found = [*following.read(), *following.read()]
    assert kinds(found) == ["run_started", "environment_recorded"]


def test_why_the_last_process_stopped_is_known_until_another_takes_over(growing: Growing, following: Following) -> None:
    growing.told.begin("ask")
    growing.told.say(ev.BudgetReached, step="ask", budget="5", spent="0", unknown="0", worst="6")
    growing.write()
    following.read()
    assert isinstance(following.stop, ev.BudgetReached)
    growing.told.say(ev.RunResumed, software=ev.Software(name="awo", version="2"))
    growing.write()
    following.read()
    assert following.stop is None


def test_a_line_that_is_no_event_is_refused(growing: Growing, following: Following) -> None:
    growing.write()
    growing.journal.write(b'{"kind":"nonsense"}\n')
    with pytest.raises(EvidenceError):
        following.read()


def test_a_run_that_never_started_cannot_be_followed(growing: Growing) -> None:
    (growing.folder / JOURNAL).unlink()
    with pytest.raises(UsageError, match="never started"):
        Following(growing.folder)


@needs_linux
def test_a_lock_shows_that_somebody_is_at_work_whoever_it_is(growing: Growing) -> None:
    assert is_worked_on(growing.folder) is False
    held = "import fcntl,sys; f=open(sys.argv[1],'r+b'); fcntl.flock(f,fcntl.LOCK_EX); print(flush=True); input()"
    command = [sys.executable, "-c", held, str(growing.folder / JOURNAL)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as holder:
        assert holder.stdout is not None
        holder.stdout.readline()
        assert is_worked_on(growing.folder) is True
        holder.communicate(b"\n")
    assert is_worked_on(growing.folder) is False


@needs_linux
def test_looking_whether_somebody_is_at_work_refuses_nobody(growing: Growing, monkeypatch: pytest.MonkeyPatch) -> None:
    taken = []
    monkeypatch.setattr(fcntl, "flock", lambda *arguments: taken.append(arguments))
    assert is_worked_on(growing.folder) is False
    assert taken == []


@needs_linux
def test_a_file_system_with_other_device_numbers_is_asked_through_the_process(
    growing: Growing, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    descriptor = os.open(growing.folder / JOURNAL, os.O_RDWR)
    take_lock(descriptor, growing.folder)
    inode = os.fstat(descriptor).st_ino
    locks = tmp_path / "locks"
    monkeypatch.setattr(room, "LOCKS", locks)
    locks.write_text(f"1: FLOCK  ADVISORY  WRITE {os.getpid()} 00:ff:{inode} 0 EOF\n")
    assert is_worked_on(growing.folder) is True
    os.close(descriptor)
    growing.journal.close()
    assert is_worked_on(growing.folder) is False
    locks.write_text(
        f"1: -> FLOCK  ADVISORY  WRITE {os.getpid()} 00:ff:{inode} 0 EOF\n2: POSIX ADVISORY READ 1 a:b:1 0 0\n"
    )
    assert is_worked_on(growing.folder) is False
    locks.unlink()
    assert is_worked_on(growing.folder) is None

"""Follows a run that another process works on: its journal as it grows, and who is at work. Changes nothing."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Final

from awo.engine.folder import never_started, read_input
from awo.errors import DiskTrouble
from awo.evidence import events as ev
from awo.evidence.layout import JOURNAL
from awo.lifecycle.rules import RunState

READ_BYTES: Final = 1 << 18
LOCKS: Final = Path("/proc/locks")


class Following:
    """A reader of one run's journal that remembers how far it came. Takes no lock.

    `state` is the run after the events read so far; `stop` is why the process that wrote the last of
    them ended before the run did, as far as it said so. Raises `UsageError` for a run that was never
    started, `EvidenceError` and `DiskTrouble`.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.plan, _ = read_input(folder)
        self.state = RunState(self.plan.steps, self.plan.budget_usd)
        self.stop: ev.BudgetReached | ev.RunInterrupted | None = None
        self._offset = 0
        try:
            self._descriptor = os.open(folder / JOURNAL, os.O_RDONLY | os.O_CLOEXEC)
        except FileNotFoundError as error:
            raise never_started(folder) from error
        except OSError as error:
            raise DiskTrouble("the journal cannot be opened", where=str(folder), got=str(error.strerror)) from error

    def read(self) -> list[ev.AnyEvent]:
        """The next whole lines as events, some hundreds at most; [] when there is none yet.

        A line that is still being written, or torn, is left for later: it is read again from its beginning.
        """
        wanted = READ_BYTES
        while True:
            data = os.pread(self._descriptor, wanted, self._offset)
            end = data.rfind(b"\n") + 1
            if end or len(data) < wanted:
                break
            wanted *= 2
        events: list[ev.AnyEvent] = []
        for line in data[:end].split(b"\n")[:-1]:
            event = ev.decode(line, self.state.size)
            self.state.advance(event)
            events.append(event)
            if isinstance(event, (ev.BudgetReached, ev.RunInterrupted)):
                self.stop = event
            elif isinstance(event, ev.RunResumed):
                self.stop = None
        self._offset += end
        return events

    def close(self) -> None:
        """Gives the file back."""
        os.close(self._descriptor)


def is_worked_on(folder: Path) -> bool | None:
    """Whether a process on this machine holds the run's lock; None where the system does not say.

    It only looks. Taking the lock to try it, even for a moment, could refuse somebody's `awo resume`.
    """
    if sys.platform != "linux":
        return None
    try:
        journal = (folder / JOURNAL).stat()
        locks = LOCKS.read_text(encoding="ascii")
    except OSError:
        return None
    device = f"{os.major(journal.st_dev):02x}:{os.minor(journal.st_dev):02x}"
    is_doubtful = False
    for line in locks.splitlines():
        words = line.split()  # 1: FLOCK ADVISORY WRITE 4711 fe:00:2204181 0 EOF
        if len(words) < 6 or words[1] != "FLOCK" or words[3] != "WRITE":
            continue
        of_device, _, inode = words[5].rpartition(":")
        if inode != str(journal.st_ino):
            continue
        # Btrfs and overlays give their files another device number than the lock has.
        found = True if of_device == device else _has_open(words[4], journal)
        if found:
            return True
        is_doubtful = is_doubtful or found is None
    return None if is_doubtful else False


def _has_open(process: str, file: os.stat_result) -> bool | None:
    """Whether a process has this file open; None when we may not look."""
    try:
        with os.scandir(f"/proc/{process}/fd") as descriptors:
            return any(_is_same(entry.path, file) for entry in descriptors)
    except FileNotFoundError:
        return False
    except OSError:
        return None


def _is_same(path: str, file: os.stat_result) -> bool:
    try:
        return os.path.samestat(os.stat(path), file)
    except OSError:
        return False

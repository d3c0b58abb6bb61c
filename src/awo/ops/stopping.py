"""Ends a program and everything that it started.

Reached everywhere: the program's process group (it is started in a session of its own). Reached on
Linux as well: processes that left the group but still have the scratch folder in the environment
they were started with. Not reached: a process that left the group and dropped its environment.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from pathlib import Path

GRACE_S = 2.0
_STEP_S = 0.02
_KILL_ROUNDS = 50


async def stop_all(group: int | None, scratch: Path) -> None:
    """Asks everything to end (TERM), and after `GRACE_S` seconds ends what is left (KILL).

    `group` is the program's process group, None when it never started. Comes back at once when
    nothing is left. When it is cancelled itself, it goes straight to KILL.
    """
    if not _signal_all(group, scratch, signal.SIGTERM):
        return
    try:
        waited_s = 0.0
        while waited_s < GRACE_S and _signal_all(group, scratch, 0):
            await asyncio.sleep(_STEP_S)
            waited_s += _STEP_S
    finally:
        _signal_all(group, scratch, signal.SIGKILL)
    for _ in range(_KILL_ROUNDS):  # again, for what was started while the others were being ended
        if not _signal_all(group, scratch, signal.SIGKILL):
            return
        await asyncio.sleep(_STEP_S)


if sys.platform == "linux":

    def _signal_all(group: int | None, scratch: Path, number: int) -> bool:
        """Sends signal `number` (0: none) to all that is alive; whether there was anything."""
        mark = f"={scratch}/".encode()
        found = False
        for entry in os.listdir("/proc"):
            if entry.isdigit() and int(entry) != os.getpid() and _belongs(entry, group, mark):
                found = _signal_one(entry, group, mark, number) or found
        return found

    def _signal_one(entry: str, group: int | None, mark: bytes, number: int) -> bool:
        try:
            handle = os.pidfd_open(int(entry))
        except OSError:
            return False
        try:
            # Looked at again through the handle's life: the number cannot be another process's by now.
            if not _belongs(entry, group, mark):
                return False
            if number:
                signal.pidfd_send_signal(handle, number)
        except OSError:
            return False
        finally:
            os.close(handle)
        return True

    def _belongs(entry: str, group: int | None, mark: bytes) -> bool:
        """Whether the process is alive (no zombie) and in the group, in its session, or marked."""
        try:
            state, _, process_group, session = Path(f"/proc/{entry}/stat").read_bytes().rpartition(b")")[2].split()[:4]
            if state in (b"Z", b"X"):
                return False
            if group is not None and group in (int(process_group), int(session)):
                return True
            if Path(f"/proc/{entry}").stat().st_uid != os.getuid():
                return False
            return mark in Path(f"/proc/{entry}/environ").read_bytes()
        except (OSError, ValueError):
            return False

else:

    def _signal_all(group: int | None, scratch: Path, number: int) -> bool:
        """Sends signal `number` (0: none) to the process group; whether there was one."""
        if group is None:
            return False
        try:
            os.killpg(group, number)
        except (ProcessLookupError, PermissionError):  # macOS: EPERM when only zombies are left
            return False
        return True

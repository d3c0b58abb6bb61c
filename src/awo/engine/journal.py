"""The journal of one run: opened under a lock, folded, appended to, and flushed in groups.

`append` advances the state at once and hands the line to one writer thread. That thread takes
whatever has gathered while it was busy, makes the contents durable that the events name, then
writes the lines and makes them durable (content first, then the log; never on a timer).
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import threading
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any, TypeVar

from awo.canon import time
from awo.canon.digest import sha256_hex
from awo.engine.folder import fsync_folder, never_started, take_lock
from awo.errors import DiskTrouble
from awo.evidence import events as ev
from awo.evidence.layout import JOURNAL
from awo.evidence.merkle import MerkleTree
from awo.lifecycle.rules import RunState

E = TypeVar("E", bound=ev.Event)

READ_BYTES = 1 << 17
BACKLOG_LIMIT = 384  # bounds memory and open files; large enough for the disk to work in groups

_flush_data = getattr(os, "fdatasync", os.fsync)  # macOS has no fdatasync


class Unflushed:
    """Contents that must be durable before the next events: open files, and folders with new names."""

    __slots__ = ("descriptors", "folders")

    def __init__(self) -> None:
        self.descriptors: dict[int, bool] = {}
        self.folders: dict[str, None] = {}


class Journal:
    """The one writer of `audit/journal.jsonl`. Made by `create` or `open_existing`; `close` when done.

    `on_durable` is called in the event loop with the events of each group once they are on disk.
    """

    def __init__(self, folder: Path, descriptor: int, state: RunState, tree: MerkleTree | None = None) -> None:
        self.folder = folder
        self.state = state
        self.tree = MerkleTree() if tree is None else tree
        self.gate_checkpoint = self.checkpoint()
        self.on_durable: Callable[[list[ev.AnyEvent]], None] = lambda events: None
        self._descriptor = descriptor
        self._durable_bytes = 0
        self._has_torn_tail = False
        self._content = Unflushed()
        self._lines: list[bytes] = []
        self._events: list[ev.AnyEvent] = []
        self._waiters: list[tuple[int, asyncio.Future[None]]] = []
        self._durable_size = 0
        self._trouble: DiskTrouble | None = None
        self._wake = threading.Condition()
        self._closing = False
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None

    # --- opening -----------------------------------------------------------------------------------

    @classmethod
    def create(cls, folder: Path, state: RunState) -> Journal:
        """A new, locked, empty journal in a run folder, for the state of a run without events. Raises `DiskTrouble`."""
        path = folder / JOURNAL
        try:
            path.parent.mkdir(exist_ok=True)
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o644)
            take_lock(descriptor, folder)
            fsync_folder(path.parent)
        except OSError as error:
            raise DiskTrouble("the journal cannot be made", where=str(path), got=str(error.strerror)) from error
        return cls(folder, descriptor, state)

    @classmethod
    def open_existing(
        cls,
        folder: Path,
        state: RunState,
        watch: Callable[[ev.AnyEvent], None],
        *,
        wait_s: float = 0.0,
        tree: MerkleTree | None = None,
    ) -> Journal:
        """An existing journal, locked and folded; `watch` sees each event on the way, when it is in `tree` already.

        A torn last line is cut and the cut is the first new event. Raises `UsageError` when another
        process has the run for more than `wait_s` seconds, `EvidenceError` when a whole line is not what it should be.
        """
        path = folder / JOURNAL
        try:
            descriptor = os.open(path, os.O_RDWR | os.O_CLOEXEC)
        except FileNotFoundError as error:
            raise never_started(folder) from error
        except OSError as error:
            raise DiskTrouble("the journal cannot be opened", where=str(path), got=str(error.strerror)) from error
        take_lock(descriptor, folder, wait_s=wait_s)
        journal = cls(folder, descriptor, state, tree)
        try:
            torn = journal._fold(watch)
        except BaseException:
            os.close(descriptor)
            raise
        if torn:
            journal._has_torn_tail = True
            journal.append(ev.TailCut, path=JOURNAL, cut_bytes=len(torn), sha256=sha256_hex(torn))
        return journal

    def _fold(self, watch: Callable[[ev.AnyEvent], None]) -> bytes:
        """Takes every whole line on disk; gives what comes after the last one."""
        torn = b""
        for line in read_lines(self._descriptor):
            if not line.endswith(b"\n"):
                torn = line
                break
            event = ev.decode(line[:-1], self.state.size)
            self.state.advance(event)
            self._grow(event, line[:-1])
            self._durable_bytes += len(line)
            watch(event)
        self._durable_size = self.state.size
        if self.state.started is None:
            raise never_started(self.folder)
        return torn

    # --- appending -----------------------------------------------------------------------------------

    def append(self, kind: type[E], *, at: str = "", **fields: Any) -> E:
        """The next event of this kind, taken by the state; on disk only after `flushed`.

        `at` is the moment at which its truth was judged, '' for now: then no time passes between the two. Raises
        `RuleBroken` (a fault of ours) when the rule book forbids it, and `DiskTrouble` when an earlier group could not
        be written.
        """
        if self._trouble is not None:
            raise self._trouble
        event = kind(seq=self.state.size, at=at or time.now(), **fields)
        line = ev.encode(event)  # type: ignore[arg-type]
        self.state.advance(event)  # type: ignore[arg-type]
        self._grow(event, line)
        with self._wake:
            self._lines.append(line)
            self._events.append(event)  # type: ignore[arg-type]
            self._wake.notify()
        return event

    def _grow(self, event: ev.Event, line: bytes) -> None:
        self.tree.append(line)
        if isinstance(event, ev.GateOpened):
            self.gate_checkpoint = self.checkpoint()

    def content(self, descriptor: int, folders: Iterable[str] = (), *, close: bool) -> None:
        """Notes that an open file (and folders with new names in them) must be durable before the
        events appended after this call; the descriptor is closed afterwards when `close` is true."""
        with self._wake:
            self._content.descriptors[descriptor] = close or self._content.descriptors.get(descriptor, False)
            for folder in folders:
                self._content.folders[folder] = None

    def new_names(self, *folders: str) -> None:
        """Notes that names in these folders must be durable before the events appended after this call."""
        with self._wake:
            for folder in folders:
                self._content.folders[folder] = None

    @property
    def backlog(self) -> int:
        """How many events wait for the disk."""
        return self.state.size - self._durable_size

    async def keep_up(self) -> None:
        """Waits for the disk when many events wait for it already."""
        if self.backlog > BACKLOG_LIMIT:
            await self.flushed()

    def checkpoint(self) -> ev.Checkpoint:
        """Size and Merkle root over all events so far, durable or not."""
        return ev.Checkpoint(size=self.tree.size, root=self.tree.root().hex())

    async def flushed(self) -> None:
        """Returns when every event appended so far is durable. Raises `DiskTrouble`."""
        if self._trouble is not None:
            raise self._trouble
        if self._durable_size >= self.state.size:
            return
        waiter: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiters.append((self.state.size, waiter))
        await waiter

    # --- the writer ------------------------------------------------------------------------------------

    def start(self) -> None:
        """Starts the writer thread for the running event loop."""
        self._loop = asyncio.get_running_loop()
        self._thread = threading.Thread(target=self._write_groups, name="awo-journal", daemon=True)
        self._thread.start()

    async def close(self) -> None:
        """Flushes what is left, ends the writer and gives the lock back. Raises `DiskTrouble`."""
        try:
            await self.flushed()
        finally:
            with self._wake:
                self._closing = True
                self._wake.notify()
            if self._thread is not None:
                await asyncio.to_thread(self._thread.join)
            os.close(self._descriptor)
            self.on_durable = lambda events: None

    def _write_groups(self) -> None:
        assert self._loop is not None
        while True:
            with self._wake:
                while not self._lines and not self._closing:
                    self._wake.wait()
                if not self._lines:
                    return
                lines, self._lines = self._lines, []
                events, self._events = self._events, []
                content, self._content = self._content, Unflushed()
            try:
                _make_durable(content)
                self._write(b"\n".join(lines) + b"\n")
            except OSError as error:
                trouble = DiskTrouble(
                    "the journal could not be written",
                    where=str(self.folder),
                    got=str(error.strerror),
                    hint=f"make room or mend the disk, then `awo resume {self.folder.name}`",
                )
                self._loop.call_soon_threadsafe(self._told, [], trouble)
                return
            self._loop.call_soon_threadsafe(self._told, events, None)

    def _write(self, data: bytes) -> None:
        try:
            view = memoryview(data)
            while view:
                view = view[os.pwrite(self._descriptor, view, self._durable_bytes + len(data) - len(view)) :]
            if self._has_torn_tail:  # cut only now, so that no crash can lose both the tail and the event that names it
                os.ftruncate(self._descriptor, self._durable_bytes + len(data))
                self._has_torn_tail = False
            _flush_data(self._descriptor)
        except OSError:
            os.ftruncate(self._descriptor, self._durable_bytes)
            raise
        self._durable_bytes += len(data)

    def _told(self, events: list[ev.AnyEvent], trouble: DiskTrouble | None) -> None:
        self._durable_size += len(events)
        self._trouble = self._trouble or trouble
        waiters, self._waiters = self._waiters, []
        for size, waiter in waiters:
            if waiter.done():
                continue
            if trouble is not None:
                waiter.set_exception(trouble)
            elif size <= self._durable_size:
                waiter.set_result(None)
            else:
                self._waiters.append((size, waiter))
        if events:
            self.on_durable(events)


def read_lines(descriptor: int, offset: int = 0) -> Iterator[bytes]:
    """The lines of a file from `offset` (in bytes), each with its newline; a torn last one without."""
    begun: list[bytes] = []  # pieces of one line: a long one is joined once
    while chunk := os.pread(descriptor, READ_BYTES, offset):
        offset += len(chunk)
        first, *others = chunk.split(b"\n")
        begun.append(first)
        for piece in others:
            yield b"".join(begun) + b"\n"
            begun = [piece]
    if rest := b"".join(begun):
        yield rest


def _make_durable(content: Unflushed) -> None:
    if hasattr(os, "posix_fadvise") and len(content.descriptors) > 1:
        for descriptor in content.descriptors:  # start all writes before the first wait
            os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)
    for descriptor, close in content.descriptors.items():
        try:
            os.fsync(descriptor)
        finally:
            if close:
                os.close(descriptor)
    for folder in content.folders:
        with contextlib.suppress(FileNotFoundError):  # renamed since, and noted under its new name as well
            fsync_folder(folder)

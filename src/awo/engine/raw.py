"""Writes every exchange with a model into `audit/raw/`, and finds again what a crash left there (spec section 3.8)."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from awo.canon.digest import sha256_hex
from awo.engine.journal import Journal
from awo.engine.salts import new_salt
from awo.errors import DiskTrouble, EvidenceError
from awo.evidence import events as ev
from awo.evidence import exchanges
from awo.evidence.layout import RAW, raw_path
from awo.evidence.secrets import SecretCutter
from awo.inference.seam import Exchange

_FLAGS = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC | os.O_NOFOLLOW
READ_BYTES = 1 << 17


class RawLog:
    """The exchanges of one run. A frame is on its way to disk before the event that names it is made."""

    def __init__(self, journal: Journal, secrets: SecretCutter) -> None:
        self._journal = journal
        self._secrets = secrets
        self._descriptor = -1
        self._segment, self._end_bytes = 0, 0

    def append(self, exchange: Exchange, *, step: str, call: str, model: str, sent_at: str) -> ev.ExchangeRef:
        """Writes one exchange, secrets cut out; gives its place. The event must be made before the next is written.

        Raises `DiskTrouble`.
        """
        line = self._secrets.cut(exchanges.encode(self._record(exchange, step, call, model, sent_at)))
        frame = exchanges.frame(line)
        path = self._open_for(len(frame))
        try:
            _write_whole(self._descriptor, frame, self._end_bytes)
        except OSError as error:
            raise DiskTrouble("an exchange cannot be kept", where=path, got=str(error.strerror)) from error
        self._journal.content(self._descriptor, close=False)
        ref = ev.ExchangeRef(
            segment=self._segment, offset=self._end_bytes, size_bytes=len(frame), sha256=sha256_hex(line)
        )
        self._end_bytes += len(frame)
        return ref

    def close(self) -> None:
        """Hands the open segment over to be flushed and closed."""
        if self._descriptor >= 0:
            self._journal.content(self._descriptor, close=True)
            self._descriptor = -1

    def _record(self, exchange: Exchange, step: str, call: str, model: str, sent_at: str) -> exchanges.Exchange:
        cut = self._secrets.cut  # before the body is escaped once more; the line as a whole is cut afterwards
        return exchanges.Exchange(
            format=exchanges.FORMAT,
            salt=new_salt(),
            step=step,
            call=call,
            model=model,
            sent_at=sent_at,
            elapsed_ms=exchange.elapsed_ms,
            method=exchange.method,
            url=exchange.url,
            request=exchanges.body(exchange.request_headers, cut(exchange.request_body)),
            status=exchange.status,
            response=exchanges.body(exchange.response_headers, cut(exchange.response_body)),
            error=exchange.error,
        )

    def _open_for(self, size_bytes: int) -> str:
        """Opens the segment that takes the next frame; gives its path."""
        segment, end_bytes = self._journal.state.raw_end
        if not segment or (end_bytes and end_bytes + size_bytes > exchanges.LARGEST_SEGMENT_BYTES):
            segment, end_bytes = segment + 1, 0
        path = raw_path(segment)
        if segment != self._segment or self._descriptor < 0:
            self.close()
            folder = f"{self._journal.folder}/{RAW}"
            try:
                os.makedirs(folder, exist_ok=True)
                self._descriptor = os.open(f"{self._journal.folder}/{path}", _FLAGS, 0o644)
            except OSError as error:
                raise DiskTrouble(
                    "a segment of exchanges cannot be made", where=path, got=str(error.strerror)
                ) from error
            self._journal.content(self._descriptor, [folder, os.path.dirname(folder)], close=False)
            self._segment = segment
        self._end_bytes = end_bytes
        return path


def _write_whole(descriptor: int, frame: bytes, before_bytes: int) -> None:
    view = memoryview(frame)
    try:
        while view:
            view = view[os.write(descriptor, view) :]
    except OSError:
        os.ftruncate(descriptor, before_bytes)
        raise


class Found:
    """A whole frame after the last one that the journal names: a process was killed before it could."""

    __slots__ = ("call", "ref", "status", "step")

    def __init__(self, step: str, call: str, status: int, ref: ev.ExchangeRef) -> None:
        self.step = step
        self.call = call
        self.status = status
        self.ref = ref


async def take_up_tail(journal: Journal) -> list[Found]:
    """The whole frames that no event names yet, in their order; a torn one is cut, and the cut recorded.

    Raises `EvidenceError` for bytes that are no frames or a segment that has lost some, and `DiskTrouble`.
    """
    segment, end_bytes = journal.state.raw_end
    found: list[Found] = []
    _refuse_shortened(journal.folder, segment, end_bytes)
    if not segment:
        segment, end_bytes = 1, 0
    while (journal.folder / raw_path(segment)).exists():
        whole_bytes = end_bytes
        for one in _frames_after(journal.folder, segment, end_bytes):
            found.append(one)
            whole_bytes = one.ref.offset + one.ref.size_bytes
        await _cut(journal, segment, whole_bytes)
        if not whole_bytes:
            (journal.folder / raw_path(segment)).unlink()
        segment, end_bytes = segment + 1, 0
    return found


def _refuse_shortened(folder: Path, segment: int, end_bytes: int) -> None:
    if not segment:
        return
    path = raw_path(segment)
    size_bytes = (folder / path).stat().st_size if (folder / path).exists() else 0
    if size_bytes < end_bytes:
        raise EvidenceError(
            "recorded exchanges are missing",
            where=path,
            expected=f"{end_bytes} bytes or more",
            got=str(size_bytes),
            hint="restore the run from a copy",
        )


def _frames_after(folder: Path, segment: int, offset: int) -> Iterator[Found]:
    path = raw_path(segment)
    with (folder / path).open("rb") as stream:
        stream.seek(offset)
        rest = b""
        while rest or (rest := stream.read(READ_BYTES)):
            where = f"{path}, byte {offset}"
            reader = exchanges.FrameReader(where)
            size_bytes = 0
            while rest and not reader.is_whole:
                before = len(rest)
                try:
                    rest = reader.feed(rest)
                except EvidenceError:
                    return  # what a crash tore; it is cut
                size_bytes += before - len(rest)
                if not reader.is_whole:
                    rest = stream.read(READ_BYTES)
            if not reader.is_whole:
                return
            line = reader.line
            exchange = exchanges.decode(line, where)
            ref = ev.ExchangeRef(segment=segment, offset=offset, size_bytes=size_bytes, sha256=sha256_hex(line))
            yield Found(exchange.step, exchange.call, exchange.status, ref)
            offset += size_bytes


async def _cut(journal: Journal, segment: int, whole_bytes: int) -> None:
    path = raw_path(segment)
    with (journal.folder / path).open("rb") as stream:
        stream.seek(whole_bytes)
        torn = stream.read()
    if not torn:
        return
    journal.append(ev.TailCut, path=path, cut_bytes=len(torn), sha256=sha256_hex(torn))
    await journal.flushed()  # a crash before the cut only makes the record twice
    with (journal.folder / path).open("r+b") as stream:
        stream.truncate(whole_bytes)

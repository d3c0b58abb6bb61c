"""One pass over a sealed run or a bundle that takes what a proof needs of it, and hashes its journal."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import msgspec

from awo.canon.digest import commitment, sha256_hex
from awo.canon.json import encode_sorted, parse
from awo.canon.lines import Lines
from awo.errors import CannotCheck, DiskTrouble, EvidenceError, UsageError
from awo.evidence.disclosure import MARK, RESPONSE_KEYS
from awo.evidence.layout import ALLOWED_SIGNERS, JOURNAL, PARTIAL, REDACTIONS, SEAL, SEAL_SIGNATURE, items_path
from awo.evidence.packed_tree import PackedTree
from awo.evidence.records import ItemLine
from awo.evidence.redaction import PartialText
from awo.publish.wanted_record import EventFinder, WantedCall, WantedItem, WantedLine, place_of
from awo.verify.bundle import BundleSource
from awo.verify.folder import FolderSource
from awo.verify.limits import Limits
from awo.verify.source import Found, Source, Unreadable

HINT_WHOLE: Final = "prove it from the whole package"
_fields = msgspec.json.Decoder(dict[str, msgspec.Raw])


@contextmanager
def opened_source(path: Path) -> Iterator[Source]:
    """The run folder or bundle at `path`. Raises `CannotCheck` when it cannot be opened."""
    limits = Limits()
    try:
        if path.is_dir():
            yield FolderSource(str(path), limits)
            return
        with path.open("rb", buffering=0) as stream:
            yield BundleSource(stream, path.stat().st_size, path.name, limits)
    except OSError as error:
        raise CannotCheck("this cannot be read here", where=str(path), got=error.strerror or str(error)) from error


class ProvedSource:
    """What one pass took: the small files of the seal, every hash of the journal, the event, and the line.

    With `finder` it looks for the event of a response and takes its line; with `event` it takes the event of that
    number. `line` is None where the line itself is not asked for.
    """

    def __init__(self, finder: EventFinder | None = None, event: int | None = None) -> None:
        self.tree = PackedTree()
        self.small: dict[str, bytes] = {}
        self.finder = finder
        self.seq = -1
        self.text = b""
        self.line: bytes | None = None
        self._event = event
        self._is_redacted = False

    def read(self, source: Source) -> None:
        """Takes what is needed, and stops as soon as it has it. Raises `EvidenceError`, `UsageError`, `DiskTrouble`."""
        for item in source.items():
            if isinstance(item, Found):
                self._take(item)
            elif isinstance(item, Unreadable):
                raise DiskTrouble("a file of the run cannot be read", where=item.path, got=item.why)
            if self._has_all():
                break
        self._refuse_what_is_missing()

    def _take(self, file: Found) -> None:
        if file.path in (SEAL, SEAL_SIGNATURE, ALLOWED_SIGNERS):
            self.small[file.path] = b"".join(map(bytes, file.chunks))
        elif file.path.startswith(f"{REDACTIONS}/"):
            self._is_redacted = True
        elif file.path == JOURNAL:
            self._journal(file)
        elif self.finder is not None and self.finder.event is not None:
            path, line = place_of(self.finder.event)
            if file.path == path:
                self.line = _line_of(file, line)
            elif file.path == path + PARTIAL:
                self.line = rebuilt(_line_of(file, line) or b"", f"{file.path}:{line + 1}")

    def _journal(self, file: Found) -> None:
        cutter, tree = Lines(Limits().line_bytes), self.tree
        for chunk in file.chunks:
            data = bytes(chunk)
            lines = cutter.feed(data)
            first = len(tree)
            if lines:
                tree.extend(lines)
                if self.finder is not None:
                    self.finder.look(data, lines, first)
                if self._event is not None and first <= self._event < len(tree):
                    self.seq, self.text = self._event, lines[self._event - first]
            if cutter.is_too_long:
                raise EvidenceError("a line of the journal is longer than the limit", where=f"{JOURNAL}:{first + 1}")
        if cutter.rest:
            raise EvidenceError("the last line of the journal has no newline", where=f"{JOURNAL}:{len(tree) + 1}")
        tree.grow()
        if self.finder is not None:
            self.seq, self.text = self.finder.seq, self.finder.text

    def _has_all(self) -> bool:
        small = len(self.small) == 3
        return small and len(self.tree) > 0 and (self.finder is None or self.line is not None)

    def _refuse_what_is_missing(self) -> None:
        if SEAL not in self.small or SEAL_SIGNATURE not in self.small:
            raise UsageError(
                "only a record of a sealed run can be proved", hint="`awo seal RUN` freezes a run as it stands"
            )
        for path, is_there in ((ALLOWED_SIGNERS, ALLOWED_SIGNERS in self.small), (JOURNAL, len(self.tree) > 0)):
            if not is_there:
                raise EvidenceError("a file of the package is missing", where=path)
        if self.finder is not None and self.finder.event is not None and self.line is None:
            path, line = place_of(self.finder.event)
            if self._is_redacted:
                raise UsageError("these responses are withheld in this package", where=path, hint=HINT_WHOLE)
            raise EvidenceError("the recorded line is missing", where=f"{path}:{line + 1}")
        if self._event is not None and not self.text:
            raise UsageError(
                "the journal has no such event",
                where="--event",
                expected=f"0 to {len(self.tree) - 1}",
                got=str(self._event),
            )


def response_of_item(source: Source, wanted: WantedItem) -> WantedLine | WantedCall:
    """The one response on which the item's result rests. Raises `UsageError` where it is not one."""
    path = items_path(wanted.step)
    needle = b'"item":%b' % encode_sorted(wanted.item)
    calls: list[str] = []
    for file in source.items():
        if isinstance(file, Found) and file.path == path + PARTIAL:
            raise UsageError("the items of this step are withheld in part", where=path, hint="name it by STEP:LINE")
        if isinstance(file, Found) and file.path == path:
            _each_line(file, lambda line: _gather(calls, line, needle, wanted.item, path))
            break
    else:
        raise UsageError("this step has no items", where=path, hint="name the response by STEP:LINE")
    names = [f"{wanted.step}:{call[1:]}" if call.startswith("r") else f"call:{call}" for call in dict.fromkeys(calls)]
    if len(names) != 1:
        raise UsageError(
            f"the step has {len(names)} responses for this item" if names else "no result of this item has a response",
            where=wanted.said,
            expected="one response",
            got=", ".join(names[:20]),
            hint=f"--record {names[0]}" if names else "name the response by STEP:LINE",
        )
    call = dict.fromkeys(calls).popitem()[0]
    return WantedLine(wanted.step, int(call[1:])) if call.startswith("r") else WantedCall(call)


def _gather(calls: list[str], line: bytes, needle: bytes, item: str, where: str) -> None:
    if needle in line:
        found = parse(line, ItemLine, where=where)
        calls += found.calls if found.item == item else []


def _each_line(file: Found, take: Callable[[bytes], None]) -> None:
    cutter = Lines(Limits().line_bytes)
    for chunk in file.chunks:
        for line in cutter.feed(chunk):
            take(line)


def _line_of(file: Found, number: int) -> bytes | None:
    """Line `number` (from 0) without its newline; None where the file has fewer whole lines."""
    left, pieces, size_bytes = number, [], 0
    for chunk in file.chunks:
        data = bytes(chunk)
        start = 0
        if left:
            count = data.count(b"\n")
            if count < left:
                left -= count
                continue
            for _ in range(left):
                start = data.index(b"\n", start) + 1
            left = 0
        end = data.find(b"\n", start)
        pieces.append(data[start:] if end < 0 else data[start:end])
        if end >= 0:
            return b"".join(pieces)
        size_bytes += len(pieces[-1])
        if size_bytes > Limits().line_bytes:
            raise EvidenceError("a line is longer than the limit", where=f"{file.path}:{number + 1}")
    return None


def rebuilt(data: bytes, where: str) -> bytes:
    """The line of responses that a line of a `.partial` file shows in full (spec section 9.2).

    Raises `UsageError` where a part of it is withheld, and `EvidenceError` for what is no such line.
    """
    partial = parse(data, PartialText, where=where)
    if partial.leaf:
        raise UsageError("this line is withheld in this package", where=where, hint=HINT_WHOLE)
    try:
        fields = _fields.decode(partial.skeleton.encode())
    except (msgspec.MsgspecError, UnicodeError, RecursionError) as error:
        raise EvidenceError("the skeleton of a line is no JSON object", where=where, got=str(error)) from error
    for name in RESPONSE_KEYS:
        raw = bytes(fields.get(name, b""))
        if not raw.startswith(b'{"%b":"' % MARK.encode()):
            continue
        shown = partial.shown.get(f"/{name}")
        if shown is None:
            raise UsageError(f"{name} of this line is withheld in this package", where=where, hint=HINT_WHOLE)
        if raw != b'{"withheld":"%b"}' % commitment(bytes.fromhex(shown.salt), shown.json.encode()).encode():
            raise EvidenceError("a value that is shown is not the one that was committed to", where=where)
        fields[name] = msgspec.Raw(shown.json.encode())
    return b"{%b}" % b",".join(b"%b:%b" % (encode_sorted(name), bytes(raw)) for name, raw in fields.items())


def refuse_other_line(line: bytes, event: WantedLine | WantedCall, sha256: str, size_bytes: int) -> None:
    """Raises `EvidenceError` unless the line is the one that the journal names."""
    got = sha256_hex(line), len(line)
    if got != (sha256, size_bytes):
        raise EvidenceError(
            "the line is not the recorded one",
            where=event.said,
            expected=f"{sha256}, {size_bytes} bytes",
            got=f"{got[0]}, {got[1]} bytes",
        )

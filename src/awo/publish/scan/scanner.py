"""Searches the texts of a package, file by file, with memory for a few lines: the door through which others scan."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from importlib import metadata
from typing import Final

from awo.errors import CannotCheck, DiskTrouble
from awo.evidence.exchanges import FrameReader
from awo.evidence.layout import ALLOWED_SIGNERS, AUDIT, INPUT, PARTIAL, RAW
from awo.evidence.redaction import Waiver
from awo.plugins import how_to_install, missing_modules
from awo.publish.scan.addresses import ADDRESS, addresses_in
from awo.publish.scan.candidates import candidates
from awo.publish.scan.findings import Finding, Scanned, Waiving, masked
from awo.publish.scan.texts import Text, texts_in
from awo.verify.source import Found

MODULES: Final = ("detect_secrets", "phonenumbers", "stdnum")
PACKAGES: Final = ("detect-secrets", "phonenumbers", "python-stdnum")
BLOCK_BYTES: Final = 1 << 18
LONGEST_LINE_BYTES: Final = 64 << 20
OVERLAP_BYTES: Final = 4096
MOST_FINDINGS: Final = 10_000

_JSON: Final = (".json", ".jsonl", ".ndjson", ".ipynb", ".geojson")
_FREE_TEXT: Final = frozenset(
    {"comment", "reason", "text", "answer", "answers", "evidence", "note", "message", "value"}
)
"""Keys of audit/ under which people write what they like: an address there is no signer's by its place alone."""


def is_scanner_here() -> bool:
    """Whether the packages of the extra `scan` are installed."""
    return not missing_modules(MODULES)


def how_to_get() -> str:
    """The command that brings them."""
    return how_to_install(missing_modules(MODULES) or MODULES)


def scanned_by() -> str:
    """What scans, with versions: it stands in the record of a redaction."""
    return ", ".join(f"{name} {metadata.version(name)}" for name in PACKAGES)


def scan_files(files: Iterable[Found], waivers: Sequence[Waiver] = (), parts: Sequence[str] = ()) -> Scanned:
    """How the search of these files goes. `parts` are the beginnings of the paths looked into; none means all.

    Raises `CannotCheck` where a package is missing, `DiskTrouble` for a file that cannot be read, and `EvidenceError`
    for a segment of audit/raw/ that is none.
    """
    scanner = Scanner(waivers)
    for file in files:
        if parts and not file.path.startswith(tuple(parts)):
            continue
        scanner.begin(file.path)
        try:
            for chunk in file.chunks:
                scanner.feed(chunk)
        except OSError as error:
            raise DiskTrouble("a file cannot be read", where=file.path, got=error.strerror or str(error)) from error
        scanner.end()
    return scanner.scanned()


class Scanner:
    """Takes files one after another: `begin` with its path, `feed` with its bytes, `end`. Then `scanned`.

    A file `F.partial` is taken for F, so that a finding has one id in a package and in a redaction of it.
    Raises `CannotCheck` where a package is missing.
    """

    def __init__(self, waivers: Sequence[Waiver] = ()) -> None:
        if not is_scanner_here():
            raise CannotCheck("nothing can be scanned: packages are not installed", hint=how_to_get())
        self._waivers = waivers
        self._found: dict[tuple[str, str, int], tuple[Finding, frozenset[str]]] = {}
        self._signers: set[str] = set()
        self._dropped = 0
        self._files, self._size_bytes = 0, 0
        self._binaries: list[str] = []
        self._path = ""
        self._shown_path = ""
        self._block = bytearray()
        self._lines_before = 0
        self._is_binary = False
        self._frames: _Frames | None = None

    def begin(self, path: str) -> None:
        """The next file, by its path from the run's folder."""
        self._path = path.removesuffix(PARTIAL)
        self._files += 1
        self._lines_before = 0
        self._is_binary = False
        self._block.clear()
        self._frames = _Frames(path) if path.startswith(f"{RAW}/") else None
        self._is_json = self._frames is not None or path.removesuffix(PARTIAL).endswith(_JSON) or path.endswith(PARTIAL)
        self._look_at_name()

    def feed(self, chunk: bytes | memoryview) -> None:
        """The next piece of it. Raises `EvidenceError` for a segment of audit/raw/ that is none."""
        self._size_bytes += len(chunk)
        if self._frames is not None:
            for line in self._frames.feed(chunk):
                self._look(line + b"\n")
            return
        if self._is_binary:
            return
        if not self._lines_before and not self._block and b"\0" in bytes(chunk[:8192]):
            self._is_binary = True
            self._binaries.append(self._path)
            return
        self._block += chunk
        if len(self._block) < BLOCK_BYTES:
            return
        end = self._block.rfind(b"\n") + 1
        if end:
            self._look(bytes(self._block[:end]))
            del self._block[:end]
        elif len(self._block) > LONGEST_LINE_BYTES:
            self._look(bytes(self._block))
            del self._block[:-OVERLAP_BYTES]

    def end(self) -> None:
        """There is no more of this file."""
        if self._block:
            self._look(bytes(self._block))
            self._block.clear()

    def scanned(self) -> Scanned:
        """What was found in all files."""
        kept = [
            finding
            for finding, addresses in self._found.values()
            if finding.kind != "email" or not addresses <= self._signers
        ]
        kept.sort(key=lambda one: (one.path, one.line, one.kind))
        waiving = Waiving(self._waivers)
        waived = [one for one in kept if waiving.lets_pass(one)]
        passed = {one.id for one in waived}
        return Scanned(
            scanned_by=scanned_by(),
            files=self._files,
            size_bytes=self._size_bytes,
            findings=[one for one in kept if one.id not in passed],
            dropped=self._dropped,
            signers=len(self._signers),
            binaries=tuple(self._binaries),
            waived=waived,
            waivers=tuple(waiving.used.values()),
            unused=waiving.unused,
        )

    def _look_at_name(self) -> None:
        """Searches the name of the file itself, line 0 of it; what is found is hidden wherever the name is told."""
        self._shown_path = self._path
        found = dict.fromkeys(_all_in(Text("", self._path.replace("/", "\n")))) if _may_hold(self._path) else {}
        for kind, value in found:
            self._shown_path = self._shown_path.replace(value, masked(kind, value))
        for kind, value in found:
            self._keep(kind, value, 0, "")

    def _look(self, block: bytes) -> None:
        """Searches whole lines."""
        places = sorted(candidates(block))
        if places:
            ends = [match.end() for match in re.finditer(b"\n", block)]
            for number in sorted({bisect_right(ends, place) for place in places}):
                start = ends[number - 1] if number else 0
                line = block[start : ends[number] if number < len(ends) else len(block)]
                self._look_at_line(line.rstrip(b"\r\n"), self._lines_before + number + 1)
        self._lines_before += block.count(b"\n")

    def _look_at_line(self, line: bytes, number: int) -> None:
        seen: set[tuple[str, str]] = set()
        for text in texts_in(line, is_json=self._is_json):
            if self._is_signer(text):
                self._signers.add(text.text)
            for kind, value in _all_in(text):
                if kind == "email" and (value in self._signers or self._path == ALLOWED_SIGNERS):
                    self._signers.add(value)
                elif (kind, value) not in seen:
                    seen.add((kind, value))
                    self._keep(kind, value, number, text.key)

    def _is_signer(self, text: Text) -> bool:
        """Whether this text is the id of somebody, by where it stands in a record: starter, signer, author."""
        is_record = self._path.startswith(f"{AUDIT}/") and self._frames is None
        if not ((is_record and text.key not in _FREE_TEXT) or (self._path == INPUT and text.key == "authors")):
            return False
        return "@" in text.text and ADDRESS.fullmatch(text.text) is not None

    def _keep(self, kind: str, value: str, number: int, key: str) -> None:
        place = (kind, self._path, number)
        if (found := self._found.get(place)) is not None:
            finding, addresses = found
            more = replace(finding, count=finding.count + 1)
            self._found[place] = more, addresses | {value} if kind == "email" else addresses
        elif len(self._found) >= MOST_FINDINGS:
            self._dropped += 1
        else:
            hidden = masked(kind, value)
            finding = Finding(kind, self._path, number, hidden, 1, _safe_key(key), self._shown_path)
            self._found[place] = finding, frozenset({value} if kind == "email" else ())


class _Frames:
    """The lines in the frames of a segment of exchanges."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._reader: FrameReader | None = None

    def feed(self, chunk: bytes | memoryview) -> Iterator[bytes]:
        rest: bytes | memoryview = chunk
        while rest:
            if self._reader is None:
                self._reader = FrameReader(self._path)
            rest = self._reader.feed(rest)
            if self._reader.is_whole:
                yield self._reader.line
                self._reader = None


def _may_hold(path: str) -> bool:
    return next(candidates(path.encode()), None) is not None


def _safe_key(key: str) -> str:
    """A key that may be printed, or '': one can hold a secret as any text."""
    return key if key.isidentifier() and next(_all_in(Text("", key)), None) is None else ""


def _all_in(text: Text) -> Iterator[tuple[str, str]]:
    from awo.publish.scan.numbers import numbers_in
    from awo.publish.scan.phones import phones_in
    from awo.publish.scan.provider_keys import provider_keys_in
    from awo.publish.scan.secrets import secrets_in

    if text.is_number:
        if "seed" not in text.key:
            yield from numbers_in(text.text)
        return
    yield from secrets_in(text.text)
    yield from provider_keys_in(text.text)
    yield from numbers_in(text.text)
    if "@" in text.text:
        yield from addresses_in(text.text)
    if "+" in text.text:
        yield from phones_in(text.text)

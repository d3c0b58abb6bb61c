"""Cuts a sealed package to what may be seen of it, in bounded memory: once to know what stands for each file, once to
give the files that are left.

Source: spec section 9. Nothing is published that does not fit its seal.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType

from awo.canon.digest import sha256_hex, sha256_running
from awo.canon.json import parse_canonical
from awo.errors import DiskTrouble, EvidenceError, UsageError
from awo.evidence.disclosure import ITEM_KEYS, KEY_PATTERN, RESPONSE_KEYS, disclosure_root, form_of
from awo.evidence.layout import (
    DISCLOSURE_KEY,
    PARTIAL,
    REDACTIONS,
    REGISTRATION,
    SEAL,
    SEAL_SIGNATURE,
    SUMS,
    TIME_STAMP,
    redaction_path,
    signature_path,
)
from awo.evidence.records import Seal
from awo.evidence.redaction import RedactedFile, Redaction
from awo.evidence.sums import parse_sums
from awo.verify.limits import Limits
from awo.verify.source import Found, in_order
from awo.verify.spool import PIECE_BYTES, Spool
from awo.withhold.choice import ALWAYS_SHOWN, Choice, State, kind_of
from awo.withhold.parts import NO_KEY, CutLines, Cutting, CutValue, NarrowLines, NarrowValue, Out, Part, Whole
from awo.withhold.sources import Opener, files_of, opener

Progress = Callable[[int], None]

BESIDE = (REGISTRATION, TIME_STAMP)
"""What the list of sums does not have and a redaction hands on."""
_KEPT = (SEAL, SEAL_SIGNATURE, SUMS, DISCLOSURE_KEY)
_EVERY_PLACE = frozenset({"", *(f"/{name}" for name in (*RESPONSE_KEYS, *ITEM_KEYS))})


def cut_package(
    path: Path, choice: Choice, limits: Limits | None = None, progress: Progress = lambda done_bytes: None
) -> CutPackage:
    """What is left of the sealed package at `path`, a folder or a bundle, redacted before or not; to be closed.

    What was withheld before stays withheld. `progress` is told how many bytes are read. Raises `EvidenceError` where
    the files are not those of the seal, `UsageError` for what is not sealed, `CannotCheck`, and `DiskTrouble`.
    """
    limits = limits or Limits()
    cut = CutPackage(opener(path, limits), choice, Spool(limits.spool_bytes, limits.line_bytes), limits)
    try:
        cut.read(progress)
    except BaseException:
        cut.close()
        raise
    return cut


@dataclass(slots=True)
class CutPackage:
    """A package that was read and cut. `files` are the rows of the record; `records` the earlier records, the oldest
    first; `digests` SHA256SUMS."""

    _open: Opener
    _choice: Choice
    _spool: Spool
    _limits: Limits
    seal: Seal = field(init=False)
    seal_sha256: str = ""
    digests: dict[str, str] = field(default_factory=dict)
    records: list[bytes] = field(default_factory=list)
    files: list[RedactedFile] = field(default_factory=list)
    _kept: dict[str, bytes] = field(default_factory=dict)
    _beside: dict[str, str] = field(default_factory=dict)
    _key: bytes | None = None
    _earlier: dict[str, RedactedFile] = field(default_factory=dict)
    _rows: dict[str, RedactedFile] = field(default_factory=dict)

    def __enter__(self) -> CutPackage:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """Gives the disk back. Safe to call twice."""
        self._spool.close()

    # --- the first reading ------------------------------------------------------------------------------

    def read(self, progress: Progress) -> None:
        """Reads and cuts everything. Raises as `cut_package`."""
        done_bytes, is_begun = 0, False
        with self._open() as source:
            for item in files_of(source):
                if item.path in _KEPT or item.path.startswith(f"{REDACTIONS}/"):
                    self._keep(item)
                else:
                    if not is_begun:
                        self._begin()
                        is_begun = True
                    self._take(item)
                done_bytes += item.size_bytes
                progress(done_bytes)
        if not is_begun:
            self._begin()
        self._settle()

    def _keep(self, item: Found) -> None:
        if item.size_bytes > self._limits.sums_bytes:
            raise EvidenceError("a record is larger than the limit", where=item.path)
        data = b"".join(bytes(chunk) for chunk in item.chunks)
        self._kept[item.path] = data
        if item.path not in _KEPT:
            self._beside[item.path] = sha256_hex(data)

    def _begin(self) -> None:
        """After the seal, the list, the records and the key: what follows can be judged as it comes by."""
        if SEAL not in self._kept or SEAL_SIGNATURE not in self._kept or SUMS not in self._kept:
            raise UsageError(
                "only a sealed run can be redacted or erased",
                hint="bring it to its end with `awo resume`, or freeze it with `awo seal`",
            )
        self.seal = parse_canonical(self._kept[SEAL], Seal, where=SEAL)
        self.seal_sha256 = sha256_hex(self._kept[SEAL])
        if (got := sha256_hex(self._kept[SUMS])) != self.seal.sums_sha256:
            what = "the list of files is not the one that was sealed"
            raise EvidenceError(what, where=SUMS, expected=self.seal.sums_sha256, got=got)
        self.digests = parse_sums(self._kept[SUMS])
        self._read_records()
        key = self._kept.get(DISCLOSURE_KEY)
        if (key is None) != bool(self.records):
            what = "the key of what is withheld belongs exactly where nothing is withheld"
            raise EvidenceError(what, where=DISCLOSURE_KEY, got="records and the key" if key else "neither")
        if key is not None:
            if not re.match(KEY_PATTERN, key.decode("latin-1")) or sha256_hex(key) != self.digests.get(DISCLOSURE_KEY):
                raise EvidenceError("this is not the key that was sealed", where=DISCLOSURE_KEY)
            self._key = bytes.fromhex(key.decode().strip())

    def _read_records(self) -> None:
        records = {path for path in self._beside if path.startswith(f"{REDACTIONS}/")}
        for number in range(1, len(records) // 2 + 1):
            path = redaction_path(number)
            if not {path, signature_path(path)} <= records:
                raise EvidenceError("a record of an earlier redaction is missing", where=path)
            self.records.append(self._kept.pop(path))
            del self._kept[signature_path(path)]
        if len(records) % 2:
            raise EvidenceError("an earlier redaction has no signature, or a file here is no record", where=REDACTIONS)
        if self.records:
            path = redaction_path(len(self.records))
            last = parse_canonical(self.records[-1], Redaction, where=path)
            if (last.run_id, last.seal_sha256) != (self.seal.run_id, self.seal_sha256):
                raise EvidenceError("the record is of another package", where=path)
            self._earlier = {row.path: row for row in last.files}

    def _take(self, item: Found) -> None:
        path = item.path
        if path in self.digests:
            self._take_whole(item)
        elif (whole := path.removesuffix(PARTIAL)) != path and whole in self._earlier:
            self._take_partial(item, whole)
        elif path in BESIDE:
            self._beside[path] = _digest(item)
        else:
            raise EvidenceError("this file is not in the list that was sealed", where=path)

    def _take_whole(self, item: Found) -> None:
        path, earlier = item.path, self._earlier.get(item.path)
        if self._key is None and (earlier is None or earlier.state != "shown"):
            raise EvidenceError("the record says that this file is withheld, and it is here", where=path)
        state: State = "shown" if path in ALWAYS_SHOWN else self._choice.state(path)
        if self._key is None and state == "partial":
            state = "withheld"  # without the key nothing in it can be proved any more
        part = self._cut_with(item, path, self.digests[path], lambda out: self._cutter(path, state, out))
        node = part.node.hex() if earlier is None else earlier.node
        self._put(path, part, node, item.size_bytes, self._choice.why(path))

    def _take_partial(self, item: Found, path: str) -> None:
        earlier, state = self._earlier[path], self._choice.state(path)
        if earlier.state != "partial" or path in self._rows:
            raise EvidenceError("the record knows nothing of this part of a file", where=item.path)
        part = self._cut_with(item, path, "", lambda out: self._narrower(path, state, out))
        reason = self._choice.why(path) if part.withheld > earlier.withheld else ""
        self._put(path, part, part.node.hex(), earlier.size_bytes, reason or earlier.reason)

    def _cutter(self, path: str, state: State, out: Out) -> Cutting:
        form, limit, key = form_of(path), self._limits.line_bytes, self._key or NO_KEY
        if form == "opaque":
            return Whole(key, path, state)
        if form == "value":
            return CutValue(key, path, state, self._choice.values(path), out, limit)
        return CutLines(key, path, state, self._choice.lines(path), out, limit)

    def _narrower(self, path: str, state: State, out: Out) -> Cutting:
        limit = self._limits.line_bytes
        if form_of(path) == "value":
            return NarrowValue(path, state, self._choice.values(path), out, limit)
        choose = (lambda number, line: _EVERY_PLACE) if state == "shown" else self._choice.lines(path)
        return NarrowLines(path, state, choose, out, limit)

    def _cut_with(self, item: Found, path: str, expected: str, begin: Callable[[Out], Cutting]) -> Part:
        out = self._spool.begin(path, -1)
        part = _read_through(item, path, expected, begin(out)) if out is not None else None
        if part is None or out is None or self._spool.problem:
            hint = "set TMPDIR to a larger disk"
            raise DiskTrouble("what is shown cannot be kept", got=self._spool.problem, hint=hint)
        if part.state == "partial":
            out.end()
        return part

    def _put(self, path: str, part: Part, node: str, size_bytes: int, reason: str) -> None:
        self._rows[path] = RedactedFile(
            path=path,
            state=part.state,
            node=node,
            size_bytes=size_bytes,
            withheld=part.withheld,
            kind=kind_of(path) if part.state != "shown" else "",
            reason=reason if part.withheld else "",
        )

    def _settle(self) -> None:
        """After the last file: every file of the list is accounted for, and the whole gives the root of the seal."""
        for path in sorted(self.digests, key=str.encode):
            if path == DISCLOSURE_KEY:
                continue
            row = self._rows.get(path)
            if row is None:
                row = self._earlier.get(path)
                if row is None or row.state != "withheld":
                    raise EvidenceError("a file that was sealed is not here", where=path)
            self.files.append(row)
        root = disclosure_root((row.path, bytes.fromhex(row.node)) for row in self.files)
        if root != self.seal.disclosure_sha256:
            self._find_the_altered()
            what = "the seal commits to other texts than these files have, so nothing is published"
            raise EvidenceError(what, where=SEAL, expected=self.seal.disclosure_sha256, got=root)

    def _find_the_altered(self) -> None:
        """Raises `EvidenceError` for the first file whose digest is not the one of the list."""
        with self._open() as source:
            for item in files_of(source):
                expected = self.digests.get(item.path)
                if expected is not None and (got := _digest(item)) != expected:
                    what = "this file is not the one that was sealed"
                    raise EvidenceError(what, where=item.path, expected=expected, got=got)

    # --- what is left -----------------------------------------------------------------------------------

    def partial(self, path: str) -> Iterator[bytes]:
        """The bytes of `<path>.partial` in pieces; `path` is of a file whose row says so."""
        for offset in range(0, self._spool.size_bytes(path), PIECE_BYTES):
            yield self._spool.read(path, offset, PIECE_BYTES)

    def partial_bytes(self, path: str) -> int:
        """How long `<path>.partial` is."""
        return self._spool.size_bytes(path)

    def left(self, added: dict[str, bytes]) -> Iterator[Found]:
        """Every file of the redacted package in the order of a bundle, `added` (the new record) among them.

        The package is read a second time for it. Raises `EvidenceError` where it has changed meanwhile.
        """
        shown = {row.path: self.digests[row.path] for row in self.files if row.state == "shown"}
        shown |= self._beside | {path: sha256_hex(self._kept[path]) for path in (SEAL, SEAL_SIGNATURE, SUMS)}
        made = [Found(path, len(data), (data,)) for path, data in added.items()]
        partial = (row.path for row in self.files if row.state == "partial")
        made += [Found(f"{path}{PARTIAL}", self.partial_bytes(path), self.partial(path)) for path in partial]
        made.sort(key=lambda file: in_order(file.path), reverse=True)
        with self._open() as source:
            for item in files_of(source):
                digest = shown.pop(item.path, "")
                if not digest:
                    continue
                while made and in_order(made[-1].path) < in_order(item.path):
                    yield made.pop()
                yield Found(item.path, item.size_bytes, _unchanged(item, digest))
        if shown:
            raise EvidenceError("a file went away while it was read", where=min(shown))
        yield from reversed(made)


def _read_through(item: Found, path: str, expected: str, cutter: Cutting) -> Part:
    """What becomes of a file; the digest of one that is not cut must be `expected`.

    What is cut is held against the seal by its texts, at the end: taking the digest of the whole, too, is left out.
    """
    hasher = sha256_running() if form_of(path) == "opaque" else None
    try:
        for chunk in item.chunks:
            if hasher is not None:
                hasher.update(chunk)
            cutter.feed(chunk)
    except OSError as error:
        raise DiskTrouble("a file cannot be read", where=path, got=error.strerror or str(error)) from error
    if hasher is not None and (digest := hasher.hexdigest()) != expected:
        raise EvidenceError("this file is not the one that was sealed", where=path, expected=expected, got=digest)
    return cutter.end(expected)


def _digest(item: Found) -> str:
    hasher = sha256_running()
    for chunk in item.chunks:
        hasher.update(chunk)
    return hasher.hexdigest()


def _unchanged(item: Found, expected: str) -> Iterable[bytes | memoryview]:
    hasher = sha256_running()
    for chunk in item.chunks:
        hasher.update(chunk)
        yield chunk
    if (got := hasher.hexdigest()) != expected:
        raise EvidenceError("a file changed while it was read", where=item.path, expected=expected, got=got)

"""One pass over a package: every byte is met once, and what the checks need is kept."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, Protocol

from awo.canon.digest import sha256_hex, sha256_running
from awo.canon.json import parse_canonical
from awo.derive.facts import RunFacts
from awo.derive.report_layout import REPORT_LAYOUT
from awo.errors import AwoError, EvidenceError
from awo.evidence.disclosure import NodeReader
from awo.evidence.events import FileRef
from awo.evidence.layout import (
    ALLOWED_SIGNERS,
    DECISIONS,
    DISCLOSURE_KEY,
    INPUT,
    JOURNAL,
    METADATA,
    OUTPUTS,
    RAW,
    REGISTRATION,
    SEAL,
    SEAL_SIGNATURE,
    STATUS,
    SUMS,
    TIME_STAMP,
    is_in_sums,
    raw_path,
    responses_path,
)
from awo.evidence.records import CellsRecord, InputRecord, Seal
from awo.evidence.sums import parse_sums
from awo.gate.project import Policy
from awo.sign.allowed_signers import AllowedSigners
from awo.sign.note import VerifierKey
from awo.verify.disclosed import Disclosed
from awo.verify.exchanges import SegmentReader, Unpacked
from awo.verify.findings import Finding
from awo.verify.folder import FolderSource
from awo.verify.items import ItemReader
from awo.verify.journal import JournalReader
from awo.verify.limits import Limits
from awo.verify.needed import Needed, derived_in
from awo.verify.recorded import RecordedFrames
from awo.verify.replanned import FAN_OUT, REQUESTS, Hidden, partial_plan, whole_plan
from awo.verify.responses import ResponseReader
from awo.verify.second_core import Open
from awo.verify.source import READ_FIRST, Broken, Found, Refused, Source, Unreadable
from awo.verify.spool import Keeping, Spool
from awo.verify.withheld import RECORDS, Withheld
from awo.workflow.datasets import Row, read_rows

if TYPE_CHECKING:  # most packages have no time stamp
    from awo.sign.timestamp import Roots

BEFORE_REDACTIONS = (SEAL, SEAL_SIGNATURE, SUMS)
KEPT = frozenset(
    {SEAL, SEAL_SIGNATURE, SUMS, DISCLOSURE_KEY, INPUT, ALLOWED_SIGNERS, STATUS, METADATA, REGISTRATION}
) | {TIME_STAMP}
NAMED_BY_JOURNAL = (f"{OUTPUTS}/", f"{DECISIONS}/")
EXCHANGES = f"{RAW}/"

ASKED = ("fanout_generate", "grade", "llm_map", "prefer", "refute")
"""Operations whose values follow from the responses of their own step."""


class Trust(NamedTuple):
    """Whom the reader believes, and what they ask of gates.

    `signers` is None when no list was given, `policy` when no settings were, so that the default is asked; the names
    are what the two are called. `ledger_keys` are those of ledgers and witnesses that the reader believes, and
    `witnesses` how many of the latter must have signed. `roots` are the authorities of time stamps that they trust, or
    None.
    """

    signers: AllowedSigners | None
    name: str
    policy: Policy | None = None
    policy_name: str = "awo.toml"
    ledger_keys: tuple[VerifierKey, ...] = ()
    ledger_name: str = "your keys of ledgers"
    witnesses: int = 0
    roots: Roots | None = None
    roots_name: str = "your list of authorities"


class Altered(NamedTuple):
    """A file whose digest or length is not the recorded one."""

    path: str
    expected: str
    got: str


class _Sink(Protocol):
    def feed(self, chunk: bytes | memoryview) -> None: ...
    def end(self) -> None: ...


@dataclass(slots=True)
class Reading:
    """What one pass found. Paths are from the run's folder; digests are 64 hex digits.

    `kept` has the bytes of the small records; `digests` of those the digests. After the pass,
    `sums_left` and `refs_left` have what SHA256SUMS and the journal name and the package lacks.
    `facts` is what the journal says, None when it cannot be followed; `spool` has the outputs that are
    read again, and must be closed. `beside` is where packages of earlier attempts may lie, None for nowhere.
    `withheld` is what a redaction keeps away, `hidden` what it keeps away of input.json.
    """

    kind: Literal["folder", "bundle"]
    limits: Limits
    trust: Trust
    beside: Path | None = None
    top: str = ""
    mtime: int | None = None
    attached: Mapping[str, str] = field(default_factory=dict)
    broken: Broken | None = None
    refused: list[Refused] = field(default_factory=list)
    unreadable: dict[str, str] = field(default_factory=dict)
    files: int = 0
    total_bytes: int = 0
    present: set[str] = field(default_factory=set)
    kept: dict[str, bytes] = field(default_factory=dict)
    digests: dict[str, str] = field(default_factory=dict)
    too_large: list[str] = field(default_factory=list)
    sums: dict[str, str] | None = None
    sums_problem: Finding | None = None
    plan: InputRecord | None = None
    plan_problem: Finding | None = None
    input_doubled: str = ""
    hidden: Hidden = field(default_factory=Hidden)
    journal: JournalReader | None = None
    facts: RunFacts | None = None
    spool: Spool = field(init=False)
    disclosed: Disclosed = field(init=False)
    withheld: Withheld = field(init=False)
    responses: list[ResponseReader] = field(default_factory=list)
    items: list[ItemReader] = field(default_factory=list)
    segments: dict[str, RecordedFrames] = field(default_factory=dict)
    exchanges: list[SegmentReader] = field(default_factory=list)
    unnamed_raw: list[str] = field(default_factory=list)
    unpacked: Unpacked = field(default_factory=Unpacked)
    cells: dict[str, CellsRecord] = field(default_factory=dict)
    altered: list[Altered] = field(default_factory=list)
    unlisted: list[str] = field(default_factory=list)
    altered_refs: list[Altered] = field(default_factory=list)
    unnamed: list[str] = field(default_factory=list)
    sums_left: dict[str, str] = field(default_factory=dict)
    refs_left: dict[str, FileRef] = field(default_factory=dict)
    wanted: set[str] = field(default_factory=set)
    has_names: bool = False
    input_bytes: int = 0
    kept_bytes: int = 0
    needed: Needed | None = None
    open_again: Open | None = None
    """Opens a file of a folder once more, while it is read."""
    package: Any = None
    """What chapter 5 computes from, made by its first check."""
    gates: Any = None
    """The gates with their decisions as chapter 4 judges them, made by its first check (`decisions.judged_gates`)."""

    def __post_init__(self) -> None:
        self.spool = Spool(self.limits.spool_bytes, self.limits.line_bytes)
        self.disclosed = Disclosed(self.limits.line_bytes)
        self.withheld = Withheld(self.limits.line_bytes, self.limits.record_bytes)

    @property
    def report_layout(self) -> int:
        """Which layout of the report its writer had, as far as the record says it; 0 when it does not."""
        if SEAL in self.kept:
            try:
                return parse_canonical(self.kept[SEAL], Seal, where=SEAL).software.report_layout
            except AwoError:
                return 0
        if self.facts is None:
            return 0
        return (self.facts.resumes[-1] if self.facts.resumes else self.facts).software.report_layout

    @property
    def has_seal(self) -> bool:
        """Whether the package says that it is sealed: the seal or its signature is there."""
        return SEAL in self.present or SEAL_SIGNATURE in self.present

    def why_unread(self, path: str) -> str:
        """Why `path` could not be read here, or '': it or a folder above it is unreadable."""
        if not self.unreadable:
            return ""
        parts = path.split("/")
        above = ("/".join(parts[:count]) for count in range(len(parts), 0, -1))
        return next((self.unreadable[name] for name in above if name in self.unreadable), "")

    def read(self, source: Source) -> None:
        """Takes every file of `source`, each once."""
        try:
            for item in source.items():
                match item:
                    case Found():
                        if item.path == JOURNAL and isinstance(source, FolderSource):
                            self.disclosed.take_second_core(source)
                            self.open_again = source.open
                        self._found(item)
                    case Refused():
                        self.refused.append(item)
                    case Unreadable():
                        self._lost(item.path, item.why)
        except Broken as error:
            self.broken = error
        finally:
            self.disclosed.close()
            self.open_again = None
            for responses in self.responses:
                responses.close()
        self.top, self.mtime, self.attached = source.top, source.mtime, source.attached
        self._learn_redactions()
        self._begin_journal()
        self._learn_names()

    def _found(self, item: Found) -> None:
        path = item.path
        if path not in BEFORE_REDACTIONS and not path.startswith(RECORDS):
            self._learn_redactions()
        if path == JOURNAL:
            self._begin_journal()
        elif path not in READ_FIRST and not path.startswith(RECORDS):
            self._begin_journal()
            self._learn_names()
        try:
            self._take(path, item.chunks)
        except OSError as error:
            self._lost(path, error.strerror or str(error))

    def _take(self, path: str, chunks: Iterable[bytes | memoryview]) -> None:
        sink, keeping, node = self._sink(path), self._keeping(path), self.disclosed.reader(path)
        if sink is None and keeping is None and node is None and type(chunks) is tuple:
            digest, size_bytes = sha256_hex(chunks[0]), len(chunks[0])
        else:
            hasher, size_bytes = sha256_running(), 0
            for chunk in chunks:
                hasher.update(chunk)
                size_bytes += len(chunk)
                if sink is not None:
                    sink.feed(chunk)
                if keeping is not None:
                    keeping.feed(chunk)
                if node is not None:
                    node = self._cut(node, chunk)
            if sink is not None:
                sink.end()
            if keeping is not None:
                keeping.end()
            digest = hasher.hexdigest()
            if node is not None:
                self._end_cut(node, path, digest)
        self.disclosed.settle_beside(path, digest)
        self._settle(path, digest, size_bytes)
        if path == SUMS:
            self._read_sums()
        elif path == DISCLOSURE_KEY:
            self.disclosed.take_key(self.kept.pop(path, b""))

    def _cut(self, node: NodeReader, chunk: bytes | memoryview) -> NodeReader | None:
        try:
            node.feed(chunk)
        except EvidenceError as error:
            self.disclosed.spoil(error)
            return None
        return node

    def _end_cut(self, node: NodeReader, path: str, digest: str) -> None:
        try:
            self.disclosed.settle(path, node.end(digest))
        except EvidenceError as error:
            self.disclosed.spoil(error)

    def _sink(self, path: str) -> _Sink | None:
        if path == JOURNAL:
            return self.journal
        if path in KEPT or path in self.wanted or path.startswith(RECORDS):
            return _Keeper(self, path)
        partial = self.withheld.partial_reader(path, self.journal.lines if self.journal is not None else {})
        if partial is not None:
            return partial
        if path in self.segments:
            segment = SegmentReader(path, self.segments[path], self.unpacked)
            self.exchanges.append(segment)
            return segment
        if self.journal is None:
            return None
        if path in self.journal.lines:
            is_known = self.plan is not None and not self.hidden.any_of(*REQUESTS)
            models = self.plan.models if self.plan is not None and is_known else None
            reader = ResponseReader(path, self.journal.lines[path], self.limits.line_bytes, models)
            self.responses.append(reader)
            if self.open_again is not None:
                reader.take_second_core(self.open_again)
            return reader
        if path in self.journal.items and self.plan is not None and not self.hidden.any_of(*FAN_OUT):
            return self._items_reader(path, self.journal, self.plan)
        return None

    def _keeping(self, path: str) -> Keeping | None:
        most_bytes = self.needed.most_bytes(path) if self.needed is not None else 0
        return self.spool.begin(path, most_bytes) if most_bytes else None

    def _items_reader(self, path: str, journal: JournalReader, plan: InputRecord) -> ItemReader:
        recorded = journal.items[path]
        answers = journal.lines.get(responses_path(recorded.step))
        cells = self.cells[recorded.step]
        rows = None if self.hidden.any_of("files") else rows_of(plan, cells)
        reader = ItemReader(path, recorded, cells, plan.data, answers, self.limits.line_bytes, rows)
        self.items.append(reader)
        return reader

    def _settle(self, path: str, digest: str, size_bytes: int) -> None:
        self.files += 1
        self.total_bytes += size_bytes
        if not path.startswith(NAMED_BY_JOURNAL):
            self.present.add(path)
            self.digests[path] = digest
            if path == INPUT:
                self.input_bytes = size_bytes
        elif path in self.wanted:
            self.digests[path] = digest
        if self.withheld.takes(path, size_bytes):
            return
        if self.sums is not None and is_in_sums(path):
            listed = self.sums_left.pop(path, None)
            if listed is None:
                self.unlisted.append(path)
            elif listed != digest:
                self.altered.append(Altered(path, listed, digest))
        self._settle_ref(path, digest, size_bytes)

    def _settle_ref(self, path: str, digest: str, size_bytes: int) -> None:
        ref = self.refs_left.pop(path, None)
        if ref is not None:
            if (ref.sha256, ref.size_bytes) != (digest, size_bytes):
                self.altered_refs.append(
                    Altered(path, f"{ref.sha256}, {ref.size_bytes} bytes", f"{digest}, {size_bytes} bytes")
                )
        elif path.startswith(EXCHANGES) and path not in self.segments:
            self.unnamed_raw.append(path)
        elif path.startswith(NAMED_BY_JOURNAL) and (self.journal is None or path not in self.journal.lines):
            self.unnamed.append(path)

    def _lost(self, path: str, why: str) -> None:
        self.unreadable[path] = why
        self.sums_left.pop(path, None)
        self.refs_left.pop(path, None)

    # --- between the files -----------------------------------------------------------------------------

    def _read_sums(self) -> None:
        data = self.kept.pop(SUMS, None)
        if data is None:
            return
        try:
            self.sums = parse_sums(data)
        except EvidenceError as error:
            self.sums_problem = Finding.of(error)
            return
        self.sums_left = dict(self.sums)

    def _begin_journal(self) -> None:
        """Makes the journal's reader, once, with the plan if there is one."""
        if self.journal is not None:
            return
        data, partial = self.kept.pop(INPUT, None), self.withheld.partials.get(INPUT)
        self.hidden.is_all = self.withheld.is_away(INPUT) and partial is None
        if data is not None:
            self.plan, self.plan_problem, self.input_doubled = whole_plan(data)
        elif partial is not None:
            self.plan, self.plan_problem, self.input_doubled = partial_plan(partial, self.hidden)
            partial.forget()
        self.journal = JournalReader(self.plan, self.limits.line_bytes)

    def _learn_redactions(self) -> None:
        """Learns what is said to be withheld, once; nothing that can be withheld has gone by yet."""
        found = {path: data for path, data in self.kept.items() if path.startswith(RECORDS)}
        if not self.withheld.learn(found, self.present):
            return
        for path in found:
            del self.kept[path]
        if self.withheld.in_force is not None:
            for path in [path for path in self.sums_left if self.withheld.is_away(path)]:
                del self.sums_left[path]

    def _learn_names(self) -> None:
        """Learns from the journal which files it names, once; input.json has gone by already."""
        if self.has_names or self.journal is None:
            return
        self.has_names = True
        self.facts = self.journal.facts()
        if self.facts is not None and not self.withheld.kept_back:
            is_reported = self.report_layout == REPORT_LAYOUT
            self.needed = Needed(self.facts, ASKED, derived_in(self.facts), is_reported=is_reported)
        self.refs_left = dict(self.journal.refs)
        for path in [path for path in self.refs_left if path in self.unreadable or self.withheld.is_away(path)]:
            del self.refs_left[path]
        if INPUT in self.digests:
            self._settle_ref(INPUT, self.digests[INPUT], self.input_bytes)
        self.segments = {raw_path(number): frames for number, frames in self.journal.segments.items()}
        if self.plan is not None:
            self.cells = {step.id: step.cells for step in self.plan.steps if step.cells}
        self.wanted.update(items.value.path for items in self.journal.items.values() if items.value)
        for gate in self.journal.gates:
            self.wanted.add(gate.opened.request.path)
            if gate.went_on is not None:
                self.wanted.add(gate.went_on.value.path)
            for decision in gate.decisions:
                self.wanted.update((decision.decision.path, decision.signature.path, decision.authority.path))
            for vote in gate.votes:
                self.wanted.update((vote.vote.path, vote.signature.path, vote.authority.path))


def rows_of(plan: InputRecord, cells: CellsRecord) -> Iterator[Row] | None:
    """The rows of the data set that a step goes over, as they are read; None where input.json does not carry it."""
    over = cells.over
    data = plan.data.get(over.name) if over is not None and over.kind == "data" else None
    if data is None:
        return None
    file = next((one for one in plan.files if one.path == data.path), None)
    if file is None or file.encoding != "utf-8" or data.format == "parquet":
        return None
    return read_rows(file.content.encode(), data.format, data.id_column, data.rows)


class _Keeper:
    """Keeps the bytes of one record, unless it is larger than the limits allow."""

    def __init__(self, reading: Reading, path: str) -> None:
        self._reading = reading
        self._path = path
        self._data: bytearray | None = bytearray()
        self._limit = reading.limits.sums_bytes if path == SUMS else reading.limits.record_bytes

    def feed(self, chunk: bytes | memoryview) -> None:
        if self._data is None:
            return
        self._data += chunk
        if len(self._data) > self._limit:
            self._data = None

    def end(self) -> None:
        reading = self._reading
        if self._data is not None and self._path != SUMS:
            reading.kept_bytes += len(self._data)
        if self._data is None or reading.kept_bytes > reading.limits.kept_bytes:
            reading.too_large.append(self._path)
        else:
            reading.kept[self._path] = bytes(self._data)

"""What a package is said to withhold: its records of redaction, read before all that they speak of."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from awo.canon.digest import sha256_hex
from awo.canon.json import parse_canonical
from awo.derive.phrases import count
from awo.errors import AwoError
from awo.evidence.disclosure import form_of
from awo.evidence.layout import DECISIONS, DISCLOSURE_KEY, INPUT, JOURNAL, OUTPUTS, PARTIAL, REDACTIONS, signature_path
from awo.evidence.redaction import RedactedFile, Redaction, Waiver
from awo.verify.findings import MOST_FINDINGS, Finding
from awo.verify.partial import PartialReader

RECORDS: Final = f"{REDACTIONS}/"
ALWAYS_SHOWN: Final = (JOURNAL,)
"""Files of a record that can never be withheld."""

_record_path = re.compile(rf"{RECORDS}(?!0000)(\d{{4}})\.json(\.sig)?").fullmatch


@dataclass(frozen=True, slots=True)
class ReadRecord:
    """One record of redaction as it lies there: its bytes, its signature (None: there is none), and what it says.

    `record` is None where it is none, and `problem` says why.
    """

    path: str
    number: int
    data: bytes
    armored: bytes | None
    record: Redaction | None
    problem: Finding | None

    @property
    def sha256(self) -> str:
        return sha256_hex(self.data)


class Withheld:
    """What the record in force says of each file. Without records, everything is shown.

    `records` are those that are there, by their number; `strange` are the files beside them that are none, and
    `unsigned` the records and signatures of which the other half is missing. `away` are the files that are not there,
    or not whole, in the order of the record in force. `there` are files that are said to be withheld and are there all
    the same, `missized` those that have not the recorded size, and `partials` what was read of files of which parts are
    withheld.
    """

    def __init__(self, line_limit_bytes: int, record_limit_bytes: int) -> None:
        self.records: list[ReadRecord] = []
        self.strange: list[str] = []
        self.unsigned: list[str] = []
        self.in_force: Redaction | None = None
        self.away: list[RedactedFile] = []
        self.partials: dict[str, PartialReader] = {}
        self.there: list[str] = []
        self.missized: list[Finding] = []
        self._files: dict[str, RedactedFile] = {}
        self._is_learned = False
        self._limits = (line_limit_bytes, record_limit_bytes)

    def learn(self, found: Mapping[str, bytes], present: Iterable[str]) -> bool:
        """Takes the records, once: `found` has the bytes of those that could be read, `present` every file so far.

        Gives whether this was the first time.
        """
        if self._is_learned:
            return False
        self._is_learned = True
        paths = sorted(path for path in present if path.startswith(RECORDS))
        self.strange = [path for path in paths if not _record_path(path)]
        named = {path for path in paths if _record_path(path)}
        for path in sorted(named):
            is_signature = path.endswith(".sig")
            other = path.removesuffix(".sig") if is_signature else signature_path(path)
            if other not in named:
                self.unsigned.append(other)
            if not is_signature and path in found:
                self.records.append(_read(path, found[path], found.get(other)))
        if self.records:
            self.in_force = self.records[-1].record
        if self.in_force is not None:
            self._files = {file.path: file for file in self.in_force.files}
            self.away = [file for file in self._files.values() if file.state != "shown"]
        return True

    @property
    def is_redacted(self) -> bool:
        """Whether there is any record."""
        return bool(self.records)

    @property
    def path(self) -> str:
        """Where the record in force stands; '' where there is none."""
        return self.records[-1].path if self.records else ""

    def file(self, path: str) -> RedactedFile | None:
        """What the record in force says of a file; None where it says nothing."""
        return self._files.get(path)

    def is_away(self, path: str) -> bool:
        """Whether the file at `path` is withheld, or parts of it are, so that it is not there itself."""
        if path == DISCLOSURE_KEY:
            return self.in_force is not None
        file = self._files.get(path)
        return file is not None and file.state != "shown"

    def whole_of(self, path: str) -> str:
        """Of which file the file at `path` shows a part, by the record in force; '' for none."""
        whole = path.removesuffix(PARTIAL)
        file = self._files.get(whole) if whole != path else None
        return whole if file is not None and file.state == "partial" else ""

    def takes(self, path: str, size_bytes: int) -> bool:
        """Notes a file that is there; whether it is one that the sums do not list as it is."""
        if path == DISCLOSURE_KEY and self.in_force is not None:
            return True  # that it may not be there is said elsewhere
        if whole := self.whole_of(path):
            return whole in self.partials
        file = self._files.get(path)
        if file is None:
            return False
        if file.state != "shown":
            self.there.append(path)
            return True
        if file.size_bytes != size_bytes and len(self.missized) < MOST_FINDINGS:
            what = "the file has not the size that the record of the redaction gives"
            self.missized.append(Finding(path, what, f"{file.size_bytes} bytes", f"{size_bytes} bytes"))
        return False

    def partial_reader(self, path: str, recorded: Any) -> PartialReader | None:
        """What takes the file at `path`, where it is one of which parts are withheld; None for any other.

        `recorded` has the lines of responses that the journal names, by path.
        """
        whole = self.whole_of(path)
        if not whole:
            return None
        line_bytes, record_bytes = self._limits
        form = form_of(whole)
        limit_bytes = 4 * record_bytes if form == "value" else 2 * line_bytes
        reader = self.partials[whole] = PartialReader(path, form, limit_bytes, recorded.get(whole))
        return reader

    @property
    def kept_back(self) -> str:
        """The first of input.json and the outputs that is withheld at least in part, so that nothing can be computed
        again; '' where all are there."""
        results = (file.path for file in self.away if file.path.startswith(f"{OUTPUTS}/") or file.path == INPUT)
        return next(results, "")

    @property
    def hides_decisions(self) -> bool:
        """Whether a decision, or what is beside one, is withheld."""
        return any(file.path.startswith(f"{DECISIONS}/") for file in self.away)


def _read(path: str, data: bytes, armored: bytes | None) -> ReadRecord:
    match = _record_path(path)
    assert match is not None
    number = int(match[1])
    try:
        record = parse_canonical(data, Redaction, where=path)
    except AwoError as error:
        return ReadRecord(path, number, data, armored, None, Finding.of(error, path))
    return ReadRecord(path, number, data, armored, record, _contradiction(path, number, record))


def _contradiction(path: str, number: int, record: Redaction) -> Finding | None:
    """What a record says that cannot be so, whatever lies in the package."""
    if record.number != number:
        return Finding(path, "the record has another number than its name", str(number), str(record.number))
    paths = {file.path for file in record.files}
    if len(paths) != len(record.files):
        return Finding(path, "a file stands in the record twice")
    for file in record.files:
        form = form_of(file.path)
        if file.path in ALWAYS_SHOWN and file.state != "shown":
            return Finding(path, f"{file.path} is always shown", got=file.state)
        if file.state == "partial" and (form == "opaque" or f"{file.path}{PARTIAL}" in paths):
            return Finding(path, f"{file.path} is shown whole or not at all", "shown or withheld", file.state)
        if (file.state == "shown" and file.withheld) or (
            file.state == "withheld" and form == "opaque" and file.withheld != 1
        ):
            got = f"{file.withheld}, {file.state}"
            return Finding(path, f"the record does not count what is withheld of {file.path}", got=got)
    return None


# --- what a reader is told --------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class WithheldKind:
    """What is withheld of one kind for one reason: files of which nothing is shown, values, and lines."""

    kind: str
    reason: str
    files: int
    values: int
    lines: int


@dataclass(frozen=True, slots=True)
class RedactionSeen:
    """The record in force, for a reader. `kinds` counts what is withheld; `partial_files` are shown in part."""

    number: int
    act: str
    at: str
    signer: str
    key: str
    reason: str
    kinds: tuple[WithheldKind, ...]
    partial_files: int
    scanned_by: str
    waivers: tuple[Waiver, ...]

    @property
    def amount(self) -> str:
        """How much is withheld, in words."""
        sums = [sum(getattr(one, name) for one in self.kinds) for name in ("files", "values", "lines")]
        return ", ".join(count(total, word) for total, word in zip(sums, ("file", "value", "line"), strict=True))

    def as_dict(self) -> dict[str, Any]:
        """As `awo verify --json` prints it."""
        return {
            "number": self.number,
            "act": self.act,
            "at": self.at,
            "signer": {"id": self.signer, "key": self.key},
            "reason": self.reason,
            "partial_files": self.partial_files,
            "withheld": [
                {"kind": one.kind, "reason": one.reason, "files": one.files, "values": one.values, "lines": one.lines}
                for one in self.kinds
            ],
            "scanned_by": self.scanned_by,
            "waivers": [{"finding": one.finding, "where": one.where, "reason": one.reason} for one in self.waivers],
        }


def seen(withheld: Withheld) -> RedactionSeen | None:
    """What the record in force says; None where there is none that can be read."""
    record = withheld.in_force
    if record is None:
        return None
    counts: dict[tuple[str, str], Counter[str]] = {}
    for file in withheld.away:
        sums = counts.setdefault((file.kind, file.reason), Counter())
        sums["files"] += file.state == "withheld"
        match form_of(file.path):
            case "value":
                sums["values"] += file.withheld
            case "responses" | "items" | "lines":
                sums["lines"] += file.withheld
            case "opaque":
                pass
    kinds = (
        WithheldKind(kind, reason, sums["files"], sums["values"], sums["lines"])
        for (kind, reason), sums in counts.items()
    )
    return RedactionSeen(
        number=record.number,
        act=record.act,
        at=record.at,
        signer=record.signer.id,
        key=record.signer.key,
        reason=record.reason,
        kinds=tuple(kinds),
        partial_files=sum(file.state == "partial" for file in withheld.away),
        scanned_by=record.scanned_by,
        waivers=tuple(record.waivers),
    )

"""What a scan found, what somebody let pass, and the refusal to publish the rest. No text that was found is kept."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Final

from awo.canon.digest import sha256_hex
from awo.errors import ScanFindings, UsageError
from awo.evidence.redaction import Waiver

MOST_LISTED: Final = 20
LONGEST_REASON: Final = 1000
_ID_DIGITS: Final = 10


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that looks like a secret or personal data, of one kind in one line (from 1) of one file.

    `line` counts the exchanges in a segment of `audit/raw/`, and is 0 for the name of the file. `masked` is the first
    of `count` of them, all but its beginning hidden; `key` is the JSON key under which it stands, or ''. `shown_path`
    is the path as it may be told, or '' for all of it.
    """

    kind: str
    path: str
    line: int
    masked: str
    count: int = 1
    key: str = ""
    shown_path: str = ""

    @property
    def id(self) -> str:
        """Made of kind and place alone, so that nobody can hold a guess at the text against it."""
        return f"{self.kind}-{sha256_hex(f'{self.kind} {self.path} {self.line}'.encode())[:_ID_DIGITS]}"

    @property
    def where(self) -> str:
        return f"{self.path}:{self.line}"

    def __str__(self) -> str:
        under = f" in {self.key!r}" if self.key else ""
        more = f", and {self.count - 1} more in this line" if self.count > 1 else ""
        place = f"{self.shown_path or self.path}:{self.line}"
        return f"{self.id}  {place}{under}: {self.masked}{more}"

    def as_dict(self) -> dict[str, object]:
        """For programs."""
        return {"id": self.id, "kind": self.kind, "path": self.shown_path or self.path, "line": self.line} | {
            "masked": self.masked,
            "count": self.count,
            "key": self.key,
        }


def masked(kind: str, text: str) -> str:
    """The first two characters of `text` and how many it has; of a short text only how many."""
    head = text[:2] if len(text) >= 8 and kind != "password-in-url" else ""
    return f"{head}… ({len(text)} characters)"


@dataclass(frozen=True, slots=True)
class Scanned:
    """How a scan went. `binaries` are files that are no text and were not looked into.

    `findings` block; `waived` are those that a waiver lets pass, and `waivers` the waivers that did. `unused` let
    nothing pass. `signers` counts the addresses of people who signed or started the run: they stand in its records.
    `dropped` counts findings over the number that is kept.
    """

    scanned_by: str
    files: int
    size_bytes: int
    findings: Sequence[Finding]
    dropped: int = 0
    signers: int = 0
    binaries: Sequence[str] = ()
    waived: Sequence[Finding] = ()
    waivers: Sequence[Waiver] = ()
    unused: Sequence[Waiver] = ()

    def refuse_findings(self, again: str) -> None:
        """Raises `ScanFindings` unless there is nothing, or all is waived; `again` is the command to type again."""
        if not self.findings and not self.dropped:
            return
        count = len(self.findings) + self.dropped
        listed = [str(one) for one in self.findings[:MOST_LISTED]]
        raise ScanFindings(
            f"the scan found {count} place{'s' if count != 1 else ''} that look like secrets or personal data",
            tuple(listed),
            more=count - len(listed),
            hint=f"look at each; withhold it with `awo redact`, or let it pass: {again} --waive "
            f'{self.findings[0].id if self.findings else "ID"}="why it may be published"',
        )

    def as_dict(self) -> dict[str, object]:
        """For programs."""
        return {
            "scanned_by": self.scanned_by,
            "files": self.files,
            "findings": [one.as_dict() for one in self.findings],
            "more_findings": self.dropped,
            "waived": [one.as_dict() for one in self.waived],
            "waivers": [{"finding": one.finding, "where": one.where, "reason": one.reason} for one in self.waivers],
            "signers": self.signers,
            "not_scanned": list(self.binaries),
        }


@dataclass(slots=True)
class Waiving:
    """The waivers at hand, and which of them let something pass."""

    waivers: Sequence[Waiver]
    used: dict[int, Waiver] = field(default_factory=dict)

    def lets_pass(self, finding: Finding) -> bool:
        """Whether one of them names this finding, or its kind at this place."""
        for number, waiver in enumerate(self.waivers):
            if waiver.finding not in (finding.id, finding.kind) or not _is_there(waiver, finding):
                continue
            where = waiver.where if waiver.finding == finding.kind else finding.where
            self.used.setdefault(number, Waiver(finding=waiver.finding, where=where, reason=waiver.reason))
            return True
        return False

    @property
    def unused(self) -> list[Waiver]:
        return [waiver for number, waiver in enumerate(self.waivers) if number not in self.used]


def _is_there(waiver: Waiver, finding: Finding) -> bool:
    return not waiver.where or fnmatchcase(finding.path, waiver.where) or fnmatchcase(finding.where, waiver.where)


def read_waivers(given: Iterable[str]) -> list[Waiver]:
    """What `--waive ID=REASON` says, in its order. Raises `UsageError`."""
    waivers = []
    for one in given:
        finding, has_reason, reason = one.partition("=")
        reason = reason.strip()
        if not has_reason or not finding.strip() or not reason or len(reason) > LONGEST_REASON:
            raise UsageError(
                "a waiver names a finding and says why it may be published",
                where="--waive",
                expected=f'ID="REASON", a reason of at most {LONGEST_REASON} characters',
                got=one[:80],
            )
        waivers.append(Waiver(finding=finding.strip(), where="", reason=reason))
    return waivers

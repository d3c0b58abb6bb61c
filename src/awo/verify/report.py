"""What verification found: one answer per check, the verdict, and what the verdict does not mean."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from awo.errors import UsageError
from awo.plugins import nearest
from awo.verify.checks import CAN_BE_REQUIRED, Check
from awo.verify.clone import CloneCompared
from awo.verify.findings import Answer, Finding, Verdict
from awo.verify.withheld import RedactionSeen

Overall = Literal["passed", "failed", "incomplete"]


@dataclass(frozen=True, slots=True)
class CheckResult:
    """How one check went. `findings` has at most 100 entries of a kind, `left_out` how many more there were.

    `is_withheld` says of a check that was not made that nothing but a redaction kept it from being made.
    """

    check: Check
    verdict: Verdict
    findings: tuple[Finding, ...]
    notes: tuple[str, ...]
    left_out: int
    is_withheld: bool = False

    @classmethod
    def of(cls, check: Check, answer: Answer) -> CheckResult:
        """Faults come first, then what could not be checked, then what is withheld."""
        findings = (*answer.failed, *answer.unchecked, *answer.withheld)
        return cls(check, answer.verdict, findings, tuple(answer.notes), answer.left_out, answer.is_withheld)

    def as_dict(self) -> dict[str, Any]:
        """As `--json` prints it: the first finding beside the check, all of them in `findings`."""
        first = self.findings[0] if self.findings else Finding("", "")
        return {
            "id": self.check.id,
            "chapter": self.check.chapter,
            "title": self.check.title,
            "verdict": self.verdict,
            "withheld": self.is_withheld,
            **first.as_dict(),
            "holds_against": list(self.check.holds_against),
            "without_it": self.check.without_it,
            "findings": [finding.as_dict() for finding in self.findings],
            "left_out": self.left_out,
            "notes": list(self.notes),
        }


@dataclass(frozen=True, slots=True)
class Report:
    """The outcome of `verify`. `run_id` and `outcome` are '' when they are not known.

    `counts` has files, bytes, events, steps, responses, exchanges, gates and decisions. `redaction` is what the record
    in force says, None where nothing is withheld. Of a proof `counts` has bytes and events, and `proved` says what it
    is about; of all else that is empty. `clone` is what a clone of the reader's has to say, beside the checks; None
    where none was looked at.
    """

    source: str
    kind: Literal["folder", "bundle", "proof"]
    run_id: str
    outcome: str
    is_sealed: bool
    trust: str
    counts: dict[str, int]
    checks: tuple[CheckResult, ...]
    redaction: RedactionSeen | None = None
    proved: Mapping[str, Any] = field(default_factory=dict)
    clone: CloneCompared | None = None

    @property
    def verdict(self) -> Overall:
        """`verdict_for` with nothing required."""
        return verdict_for(self, frozenset())

    def results(self, verdict: Verdict) -> tuple[CheckResult, ...]:
        """The checks that went so, in order."""
        return tuple(result for result in self.checks if result.verdict == verdict)

    @property
    def notes(self) -> tuple[str, ...]:
        """What a reader should know beside the verdict, each once."""
        return tuple(dict.fromkeys(note for result in self.checks for note in result.notes))

    @property
    def meaning(self) -> dict[str, str]:
        """What the verdict says about integrity, and what it cannot say about completeness and truth."""
        return {
            "integrity": _integrity(self),
            "completeness": _completeness(self),
            "truth": "not shown: recorded answers can be wrong, and times are the claims of the machine that ran",
        }

    def as_dict(self, require: frozenset[str] = frozenset()) -> dict[str, Any]:
        """As `awo verify --json` prints it."""
        return {
            "verdict": verdict_for(self, require),
            "source": self.source,
            "kind": self.kind,
            "run_id": self.run_id,
            "outcome": self.outcome,
            "sealed": self.is_sealed,
            "trust": self.trust,
            "not_checked": [result.check.id for result in self.results("not_checked")],
            "counts": self.counts,
            "proved": dict(self.proved),
            "redaction": self.redaction.as_dict() if self.redaction is not None else None,
            "meaning": self.meaning,
            "clone": self.clone.as_dict() if self.clone is not None else None,
            "notes": list(self.notes),
            "checks": [result.as_dict() for result in self.checks],
        }


def verdict_for(report: Report, require: frozenset[str]) -> Overall:
    """The verdict when the chapters in `require` must be checked in full. A clone that contradicts the run fails it,
    although none of the checks does.

    Raises `UsageError` for a chapter that cannot be required.
    """
    for name in require:
        if name not in CAN_BE_REQUIRED:
            near = nearest(name, CAN_BE_REQUIRED)
            raise UsageError(
                f"{ascii(name)[:80]} cannot be required",
                expected=", ".join(CAN_BE_REQUIRED),
                hint=f"did you mean {near!r}?" if near else "",
            )
    if report.results("failed") or (report.clone is not None and report.clone.verdict == "failed"):
        return "failed"
    if require - {result.check.chapter for result in report.checks}:
        return "incomplete"  # a proof is not asked every chapter
    for result in report.results("not_checked"):
        may_be_open = result.check.is_asked_for or result.is_withheld
        if not may_be_open or result.check.chapter in require:
            return "incomplete"
    return "passed"


def exit_code(report: Report, require: frozenset[str] = frozenset()) -> Literal[0, 3, 7]:
    """0 when it verifies, 3 when it does not, 7 when something that must be checked could not be."""
    match verdict_for(report, require):
        case "passed":
            return 0
        case "failed":
            return 3
        case "incomplete":
            return 7


def _completeness(report: Report) -> str:
    if report.kind == "proof":
        return "not shown: a proof says nothing of what else the run has, nor of other runs"
    verdicts = {result.check.id: result.verdict for result in report.checks}
    match verdicts.get("EP-6.1"), verdicts.get("EP-6.2"):
        case "passed", "passed":
            return (
                "shown for this run: a ledger that you trust has it from its start on; whether others were left out "
                "says `awo ledger audit` where that ledger and its runs are"
            )
        case "failed", _:
            return "contradicted: what the package says of a ledger is not of this run"
        case "passed", "failed":
            return "contradicted: the checkpoint of the ledger is not what the keys that you trust have signed"
        case "passed", _:
            return (
                "claimed: the run stands in a ledger, but not enough of those whom you trust have signed its "
                "checkpoint; EP-6.2 says what is missing (--ledger-keys names whom you trust)"
            )
        case _:
            return "not shown: only a ledger can show that no other run was left out"


def _integrity(report: Report) -> str:
    results = [result for result in report.checks if result.check.chapter in ("structure", "integrity")]
    if any(result.verdict == "failed" for result in results):
        return "broken: something is not as it was recorded or sealed"
    if any(result.verdict == "not_checked" and not result.is_withheld for result in results):
        return "not shown in full: something could not be checked"
    if report.redaction is not None:
        return f"shown for what is there; the seal has only digests of what is withheld ({report.redaction.amount})"
    if report.kind == "proof":
        return "shown for what is proved: it is in the journal that was sealed"
    return "shown: every byte is the one that was recorded and sealed"

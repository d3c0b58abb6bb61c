"""What verification found: one answer per check, the verdict, and what the verdict does not mean."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from awo.errors import UsageError
from awo.plugins import nearest
from awo.verify.checks import CAN_BE_REQUIRED, Check
from awo.verify.findings import Answer, Finding, Verdict

Overall = Literal["passed", "failed", "incomplete"]


@dataclass(frozen=True, slots=True)
class CheckResult:
    """How one check went. `findings` has at most 100 entries, `left_out` how many more there were."""

    check: Check
    verdict: Verdict
    findings: tuple[Finding, ...]
    notes: tuple[str, ...]
    left_out: int

    @classmethod
    def of(cls, check: Check, answer: Answer) -> CheckResult:
        """Faults come first, then what could not be checked."""
        return cls(check, answer.verdict, (*answer.failed, *answer.unchecked), tuple(answer.notes), answer.left_out)

    def as_dict(self) -> dict[str, Any]:
        """As `--json` prints it: the first finding beside the check, all of them in `findings`."""
        first = self.findings[0] if self.findings else Finding("", "")
        return {
            "id": self.check.id,
            "chapter": self.check.chapter,
            "title": self.check.title,
            "verdict": self.verdict,
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

    `counts` has files, bytes, events, steps, responses, exchanges, gates and decisions.
    """

    source: str
    kind: Literal["folder", "bundle"]
    run_id: str
    outcome: str
    is_sealed: bool
    trust: str
    counts: dict[str, int]
    checks: tuple[CheckResult, ...]

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
            "completeness": "not shown: only a ledger can show that no other run was left out",
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
            "meaning": self.meaning,
            "notes": list(self.notes),
            "checks": [result.as_dict() for result in self.checks],
        }


def verdict_for(report: Report, require: frozenset[str]) -> Overall:
    """The verdict when the chapters in `require` must be checked in full.

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
    if report.results("failed"):
        return "failed"
    for result in report.results("not_checked"):
        if not result.check.is_asked_for or result.check.chapter in require:
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


def _integrity(report: Report) -> str:
    results = [result for result in report.checks if result.check.chapter in ("structure", "integrity")]
    if any(result.verdict == "failed" for result in results):
        return "broken: something is not as it was recorded or sealed"
    if any(result.verdict == "not_checked" for result in results):
        return "not shown in full: something could not be checked"
    return "shown: every byte is the one that was recorded and sealed"

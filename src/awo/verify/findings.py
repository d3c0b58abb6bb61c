"""What a check has to say: where, what, expected, got; and the answer that it amounts to."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from awo.errors import AwoError

Verdict = Literal["passed", "failed", "not_checked"]

LONGEST_TEXT = 400
MOST_FINDINGS = 100

WITHHELD = "this needs a text that is withheld"
"""What a check says that could not be made by reason of a redaction."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong, or could not be checked. `where` is a path, with a line where there is one.

    `hint` is what to do about it, such as the command that installs what is missing.
    """

    where: str
    what: str
    expected: str = ""
    got: str = ""
    hint: str = ""

    @classmethod
    def of(cls, error: AwoError, where: str = "") -> Finding:
        """The finding that an error amounts to."""
        return cls(where or error.where, error.what, error.expected, error.got)

    def as_dict(self) -> dict[str, str]:
        """As `--json` prints it."""
        return {"where": self.where, "what": self.what, "expected": self.expected, "got": self.got, "hint": self.hint}


@dataclass(slots=True)
class Answer:
    """Takes what one check finds. Without a word it has passed.

    `withheld` is what a redaction keeps from being checked: whoever redacted said so, and it is no lack here.
    """

    failed: list[Finding] = field(default_factory=list)
    unchecked: list[Finding] = field(default_factory=list)
    withheld: list[Finding] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    left_out: int = 0

    def fail(self, where: str, what: str, expected: str = "", got: str = "") -> None:
        """Something is wrong."""
        self._put(self.failed, Finding(where, what, expected, got))

    def cannot(self, where: str, what: str, expected: str = "", got: str = "", hint: str = "") -> None:
        """Something could not be checked."""
        self._put(self.unchecked, Finding(where, what, expected, got, hint))

    def withhold(self, where: str, what: str = WITHHELD, expected: str = "", got: str = "") -> None:
        """Something could not be checked, since a redaction withholds what it needs."""
        self._put(self.withheld, Finding(where, what, expected, got))

    def add(self, finding: Finding) -> None:
        """As `fail`, with a finding that was made before."""
        self.fail(finding.where, finding.what, finding.expected, finding.got)

    def note(self, text: str) -> None:
        """Something that a reader should know and that is no fault."""
        self.notes.append(plain(text))

    @property
    def verdict(self) -> Verdict:
        if self.failed:
            return "failed"
        return "not_checked" if self.unchecked or self.withheld else "passed"

    @property
    def is_withheld(self) -> bool:
        """Whether nothing but a redaction keeps the check from being made."""
        return bool(self.withheld) and not self.failed and not self.unchecked

    def _put(self, findings: list[Finding], finding: Finding) -> None:
        if len(findings) >= MOST_FINDINGS:
            self.left_out += 1
            return
        said = (finding.where, finding.what, finding.expected, finding.got, finding.hint)
        findings.append(Finding(*map(plain, said)))


def plain(text: str) -> str:
    """Hostile text as one line that a terminal can show: no control characters, at most 400 characters."""
    shown = text if text.isascii() and text.isprintable() else _escaped(text)
    return shown if len(shown) <= LONGEST_TEXT else f"{shown[:LONGEST_TEXT]}…"


def _escaped(text: str) -> str:
    return "".join(
        c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in text[: LONGEST_TEXT + 1]
    )

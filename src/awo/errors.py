"""The whole tree of errors, each with the exit code it ends the process with and the next thing to type.

```
AwoError                    1   a fault of AWO itself
├── UsageError              2   wrong use of a command
│   ├── AboutInvalid        2   what authors say of the work cannot be taken as it is (carries every problem found)
│   └── ScanFindings        2   what would be published looks like secrets or personal data (carries each place)
├── EvidenceError           3   the evidence does not verify, or cannot be trusted to go on from
│   └── TextWithheld        7   a redaction withholds a text that is needed, or an erasure destroyed it
├── GateRejected            5   a gate was rejected
├── StepFailed              6   a step failed
├── CannotCheck             7   a key, clock, network, plug-in or file is missing
│   └── DiskTrouble         7   a disk is full, read-only or unreadable
├── WorkflowInvalid         8   the workflow is not valid (carries every problem found)
├── OverBudget              9   the next call could exceed the budget
├── WaitingForPerson       78   a gate waits
└── Interrupted           130   stopped by a signal; `awo resume` goes on
```
"""

from __future__ import annotations

from typing import ClassVar, NamedTuple


class AwoError(Exception):
    """One problem, said once: what, where, expected, got, and the next step.

    `what` is a sentence without its final stop. The other fields may be empty strings, which
    means that there is nothing to say, and are then not printed.
    """

    exit_code: ClassVar[int] = 1

    def __init__(self, what: str, *, where: str = "", expected: str = "", got: str = "", hint: str = "") -> None:
        super().__init__(what)
        self.what = what
        self.where = where
        self.expected = expected
        self.got = got
        self.hint = hint

    def as_dict(self) -> dict[str, object]:
        """The error as `--json` prints it: `error`, `exit_code`, and each field that is not empty."""
        fields = {"where": self.where, "expected": self.expected, "got": self.got, "hint": self.hint}
        return {"error": self.what, "exit_code": self.exit_code} | {k: v for k, v in fields.items() if v}

    def __str__(self) -> str:
        lines = [f"{self.where}: {self.what}" if self.where else self.what]
        lines += [
            f"  {label}: {text}"
            for label, text in (("expected", self.expected), ("got", self.got), ("next", self.hint))
            if text
        ]
        return "\n".join(lines)


class UsageError(AwoError):
    """A command was used wrongly: an argument, a run that does not exist, a move that is closed."""

    exit_code = 2


class ScanFindings(UsageError):
    """What would be published holds what looks like secrets or personal data, and nobody let it pass.

    `findings` has a line for each place, the text itself hidden; `more` counts those that are not listed.
    """

    def __init__(self, what: str, findings: tuple[str, ...], *, more: int = 0, hint: str = "") -> None:
        super().__init__(what, hint=hint)
        self.findings = findings
        self.more = more

    def as_dict(self) -> dict[str, object]:
        return super().as_dict() | {"findings": list(self.findings), "more": self.more}

    def __str__(self) -> str:
        more = [f"  and {self.more} more; `awo scan --json` lists all"] if self.more else []
        lines = [self.what, *(f"  {one}" for one in self.findings), *more]
        return "\n".join([*lines, f"  next: {self.hint}"])


class AboutInvalid(UsageError):
    """A file in which authors describe their work cannot be taken; `problems` has every reason, in its order."""

    def __init__(self, problems: tuple[Problem, ...]) -> None:
        count = len(problems)
        super().__init__(f"the file has {count} problem{'s' if count != 1 else ''}", where=problems[0].file)
        self.problems = problems

    def as_dict(self) -> dict[str, object]:
        return super().as_dict() | {"problems": [p._asdict() for p in self.problems]}

    def __str__(self) -> str:
        return "\n".join(
            str(UsageError(p.what, where=p.where, expected=p.expected, got=p.got, hint=p.hint)) for p in self.problems
        )


class EvidenceError(AwoError):
    """Recorded bytes are not what they should be: altered, truncated, contradictory or forged."""

    exit_code = 3


class TextWithheld(EvidenceError):
    """A redaction withholds a text that is needed, or an erasure destroyed it; the rest may verify all the same."""

    exit_code = 7


class GateRejected(AwoError):
    """A person rejected the run at a gate."""

    exit_code = 5


class StepFailed(AwoError):
    """A step failed. `code` is the reason's name in the journal (spec section 4.4).

    `is_final` says that another attempt could not help, so that none is made.
    """

    exit_code = 6

    def __init__(
        self,
        what: str,
        *,
        code: str,
        where: str = "",
        expected: str = "",
        got: str = "",
        hint: str = "",
        is_final: bool = False,
    ) -> None:
        super().__init__(what, where=where, expected=expected, got=got, hint=hint)
        self.code = code
        self.is_final = is_final


class CannotCheck(AwoError):
    """Something needed is missing here (key, clock, network, plug-in, file), so there is no answer."""

    exit_code = 7


class DiskTrouble(CannotCheck):
    """A disk is full, read-only or unreadable. What was recorded stays; `awo resume` goes on."""


class Problem(NamedTuple):
    """One thing wrong with a workflow file. `line` and `column` count from 1; 0 means the whole file."""

    file: str
    line: int
    column: int
    what: str
    expected: str = ""
    got: str = ""
    hint: str = ""

    @property
    def where(self) -> str:
        return f"{self.file}:{self.line}:{self.column}" if self.line else self.file


class WorkflowInvalid(AwoError):
    """The workflow file cannot be run; `problems` has every reason, in the order of the file."""

    exit_code = 8

    def __init__(self, problems: tuple[Problem, ...]) -> None:
        count = len(problems)
        super().__init__(f"the workflow has {count} problem{'s' if count != 1 else ''}", where=problems[0].file)
        self.problems = problems

    def as_dict(self) -> dict[str, object]:
        return super().as_dict() | {"problems": [p._asdict() for p in self.problems]}

    def __str__(self) -> str:
        return "\n".join(
            str(UsageError(p.what, where=p.where, expected=p.expected, got=p.got, hint=p.hint)) for p in self.problems
        )


class OverBudget(AwoError):
    """The next call could cost more than the budget has left. Not a failure: a larger budget goes on."""

    exit_code = 9


class WaitingForPerson(AwoError):
    """The run stands at a gate until somebody decides. Not a failure."""

    exit_code = 78


class Interrupted(AwoError):
    """A signal stopped the process after everything finished had been recorded."""

    exit_code = 130


EXIT_CODES: dict[int, str] = {
    0: "done / verified",
    1: "a fault of AWO itself",
    2: "wrong use of the command",
    3: "the evidence does not verify",
    5: "a gate was rejected",
    6: "a step failed",
    7: "could not check (key, clock, network or plug-in missing)",
    8: "the workflow is not valid",
    9: "the budget is used up; `awo resume --budget` goes on",
    78: "waiting for a person",
    130: "interrupted; `awo resume` goes on",
}

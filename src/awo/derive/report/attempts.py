"""The attempts before a run: what each came to and why, and what this run takes over from the one that it revises."""

from __future__ import annotations

from typing import Final

from awo.derive.facts import RunFacts, StepFacts, StepStatus
from awo.derive.gate_words import VERDICTS
from awo.derive.markdown import table
from awo.derive.phrases import count, short_digest
from awo.derive.report.shown import ROWS_SHOWN, line, more, named, passage, word
from awo.evidence.earlier import EarlierRun
from awo.evidence.layout import INPUT, JOURNAL
from awo.evidence.plan_changes import PlanChange
from awo.plugins import DERIVATIONS, GATE_OPERATION

ATTEMPTS_SHOWN: Final = 10
CHANGES_SHOWN: Final = 10

_STANDS: Final = {
    StepStatus.DONE: "done",
    StepStatus.FAILED: "failed",
    StepStatus.SKIPPED: "skipped",
    StepStatus.WAITING: "waits for a person",
    StepStatus.RUNNING: "begun, not finished",
    StepStatus.NOT_RUN: "not run",
}


def attempts(facts: RunFacts) -> str:
    """The chain from the first attempt to this run; '' for a run that follows no other."""
    earlier = facts.input.earlier
    if not earlier:
        return ""
    shown = earlier[-ATTEMPTS_SHOWN:]
    first = len(earlier) - len(shown) + 1
    rows = [_row(number, one) for number, one in enumerate(shown, start=first)]
    rows.append([f"{len(earlier) + 1:,}", word(facts.run_id), "this run", "", ""])
    said = [
        "## Attempts\n",
        f"This is attempt {len(earlier) + 1:,}. What came before it:\n",
        table(["attempt", "run", "came to", "who decided", "SHA-256 of its seal"], rows)
        + more(len(earlier), len(shown), "earlier attempt", named(INPUT)),
        *(_no(one) for one in shown),
        _void(earlier),
        _changes(facts),
        _taken_over(facts),
    ]
    return "\n".join(part for part in said if part)


def _row(number: int, one: EarlierRun) -> list[str]:
    deciders = [f"{line(taken.signer)} {VERDICTS[taken.verdict]} (gate {word(taken.gate)})" for taken in one.decisions]
    if len(deciders) > ROWS_SHOWN:
        deciders = [*deciders[:ROWS_SHOWN], f"and {len(deciders) - ROWS_SHOWN} more"]
    return [
        f"{number:,}",
        word(one.run_id),
        _outcome(one),
        "; ".join(deciders) or "nobody",
        word(short_digest(one.seal_sha256)) if one.seal_sha256 else "not sealed then",
    ]


def _outcome(one: EarlierRun) -> str:
    if one.outcome == "rejected":
        is_sent_back = bool(one.required_changes) or any(taken.verdict == "revise" for taken in one.decisions[-1:])
        return "**sent back**" if is_sent_back else "**rejected**"
    return line(one.outcome) if one.outcome else "not finished then"


def _no(one: EarlierRun) -> str:
    """Why an attempt was not approved, and what was asked for."""
    if not one.reason and not one.required_changes:
        return ""
    said = f"{word(one.run_id)} was not approved: {passage(one.reason)}\n"
    if not one.required_changes:
        return said
    changes = "".join(f"- {passage(change)}\n" for change in one.required_changes[:ROWS_SHOWN])
    return f"{said}\nAsked for:\n\n{changes}" + more(len(one.required_changes), ROWS_SHOWN, "change", named(INPUT))


def _void(earlier: list[EarlierRun]) -> str:
    if not any(one.decisions for one in earlier):
        return ""
    return (
        "Each decision above is about the run that it names, and counts for that run only: here it is void, and the "
        "gates of this run ask anew.\n"
    )


def _changes(facts: RunFacts) -> str:
    changes = facts.input.changes
    before = word(facts.input.earlier[-1].run_id)
    if not changes:
        return f"The plan says what that of {before} said.\n"
    shown = ", ".join(_change(one) for one in changes[:CHANGES_SHOWN])
    rest = f", and {len(changes) - CHANGES_SHOWN:,} more" if len(changes) > CHANGES_SHOWN else ""
    return f"What the plan says otherwise than that of {before}: {shown}{rest}. The places stand further down.\n"


def _change(change: PlanChange) -> str:
    return f"{change.kind} {word(change.name)} {change.how}"


def _taken_over(facts: RunFacts) -> str:
    """Which steps of a revision were taken over, and which were done anew."""
    plan = facts.input
    if not plan.revises:
        return ""
    steps = facts.steps[:ROWS_SHOWN]
    again = (
        f" Step {word(plan.revised_from)} and all that rests on it were to be done again." if plan.revised_from else ""
    )
    return (
        f"What no change touches was taken over from {word(plan.revises)}, the rest was done anew.{again}\n\n"
        + table(["step", "how it was done here"], [[word(step.record.id), _how(step, plan.revises)] for step in steps])
        + more(len(facts.steps), len(steps), "step", named(JOURNAL))
    )


def _how(step: StepFacts, revises: str) -> str:
    asked, reused = step.calls.answered, step.calls.reused
    if step.reused_from:
        return f"copied from {word(step.reused_from)}, not done again"
    if step.status is not StepStatus.DONE and not asked and not reused:
        return _STANDS[step.status]
    if step.record.op == GATE_OPERATION:
        return "asked anew"
    if step.record.op in DERIVATIONS:
        return "computed again"
    if not reused:
        return f"done anew, {count(asked, 'new answer')}" if asked else "done anew"
    taken = f"{count(reused, 'answer')} of {word(revises)} used again"
    return f"{taken}, {count(asked, 'new answer')}" if asked else f"{taken}, nobody was asked"

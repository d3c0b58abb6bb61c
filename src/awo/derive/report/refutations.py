"""A step of `refute`: how many objections were raised and stand, and the exchange; of a failed step, what was said."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from itertools import islice
from typing import Final

from awo.derive.facts import StepFacts
from awo.derive.judging.rounds import PERSON, PROPOSER_TASK, REFUTER_TASK, VERDICT_TASK
from awo.derive.markdown import table
from awo.derive.phrases import count
from awo.derive.report.judged import counted_over, judged
from awo.derive.report.reader import Reader
from awo.derive.report.shown import line, more, named, passage, without_empty_columns, word
from awo.evidence.judgements import Objection, RefutationValue
from awo.evidence.layout import responses_path
from awo.evidence.records import ResponseLine

OBJECTIONS_SHOWN: Final = 20

STATUSES: Final = {
    "answered": "answered",
    "standing": "**stands**",
    "conceded": "**conceded**",
    "unclear": "cannot be read",
}
_TASKS: Final = {REFUTER_TASK: "objects", PROPOSER_TASK: "replies", VERDICT_TASK: "judges the reply"}


@dataclass(slots=True)
class _Refuted:
    verdicts: Counter[str] = field(default_factory=Counter)
    statuses: Counter[str] = field(default_factory=Counter)
    no_objection: int = 0
    shown: list[tuple[str, Objection]] = field(default_factory=list)


def refutations(step: StepFacts, read: Reader) -> str:
    """The counts and the first exchanges of one step, in Markdown; '' where the record has none."""
    found = _Refuted()
    for cell, value in judged(step, read, RefutationValue):
        found.verdicts[value.verdict] += 1
        found.no_objection += value.no_objection
        found.statuses.update(one.status for one in value.objections)
        found.shown += [(cell, one) for one in value.objections[: OBJECTIONS_SHOWN - len(found.shown)]]
    if not found.verdicts:
        return _said(step, read)
    rows = [
        [
            cell,
            word(one.id),
            word(one.refuter),
            passage(one.text),
            _reply(one),
            STATUSES[one.status] + (f" ({line(one.why)})" if one.why else ""),
        ]
        for cell, one in found.shown
    ]
    said = f"{_sum(found, step)}{counted_over(step)}"
    if rows:
        header = ["cell", "objection", "of", "it says", "reply", "in the end"]
        where = named(responses_path(step.record.id))
        said += f"\n{table(*without_empty_columns(header, rows))}"
        said += more(found.statuses.total(), len(rows), "objection", where)
    return said


def _sum(found: _Refuted, step: StepFacts) -> str:
    statuses = found.statuses
    raised = statuses.total() - statuses["unclear"]
    if step.record.cells is None:
        (verdict,) = found.verdicts
        beginning = f"The statement is **{verdict}**"
    else:
        beginning = f"{count(found.verdicts.total(), 'statement')}: "
        beginning += ", ".join(f"{found.verdicts[name]:,} {name}" for name in ("unrefuted", "refuted", "unclear"))
    said = f"{beginning}. {count(raised, 'objection')}: {statuses['answered']:,} answered, {statuses['standing']:,} "
    said += f"standing, {statuses['conceded']:,} conceded."
    if found.no_objection:
        said += f" In {count(found.no_objection, 'answer')} a refuter had none."
    if statuses["unclear"]:
        said += f" {count(statuses['unclear'], 'answer')} of refuters could not be read."
    return f"{said}\n"


def _reply(one: Objection) -> str:
    if one.reply is None:
        return ""
    by = "a person" if one.replied_by == PERSON else word(one.replied_by) if one.replied_by else ""
    return f"{by}: {passage(one.reply)}" if by else passage(one.reply)


def _said(step: StepFacts, read: Reader) -> str:
    """The answers of a step that came to no value, in the order in which they came."""
    if step.record.cells is not None or not step.calls.responses:
        return ""
    rows = [
        [word(response.model), _task(response), passage(response.text)]
        for response in islice(read.responses(step.record.id), OBJECTIONS_SHOWN)
    ]
    people = step.record.arguments().get("answers")
    given = ", ".join(word(str(key)) for key in list(people)[:10]) if isinstance(people, dict) else ""
    return (
        "What was said, in the order in which it came:\n\n"
        + table(["who", "does", "says"], rows)
        + more(step.calls.responses, len(rows), "answer", named(responses_path(step.record.id)))
        + (f"\nReplies of people stand in the workflow, to {given}.\n" if given else "")
    )


def _task(response: ResponseLine) -> str:
    asked = response.messages[-1].content if response.messages else ""
    return next((does for task, does in _TASKS.items() if asked.startswith(task)), "")

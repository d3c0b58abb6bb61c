"""Deviations from the plan: what input.json had registered before the first call, and the journal tells otherwise."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta

from awo.derive.deviations import deviations
from awo.derive.facts import RunFacts, StepStatus
from awo.derive.markdown import table
from awo.derive.phrases import count
from awo.derive.report.reader import Reader
from awo.derive.report.shown import FAILURES_LISTED, STEPS_LISTED, line, more, named, value_as, word
from awo.evidence.layout import INPUT, JOURNAL


class _Cells(msgspec.Struct, frozen=True):
    failed: Annotated[int, Meta(ge=0)]


def plan_and_deviations(facts: RunFacts, read: Reader) -> str:
    """The registered claims by attempt, and every deviation; '' where there is neither.

    Failed cells are counted of the first steps that fanned out; the chapter on fan-out has all of them.
    """
    found = deviations(facts, _failed_cells(facts, read))
    if not found and not facts.input.claims and not facts.input.changes:
        return ""
    said = ["## Deviations from the plan\n"]
    if facts.input.claims:
        said.append(_registered(facts))
    if facts.input.changes:
        said.append(_changes(facts))
    if found:
        rows = [
            [one.kind, word(one.subject), one.what + (f": {line(one.said)}" if one.said else "")]
            for one in found[:FAILURES_LISTED]
        ]
        said.append(
            f"What the journal tells otherwise than {_plan(facts)}:\n\n"
            + table(["deviation", "of", "in words"], rows)
            + more(len(found), len(rows), "deviation", named(JOURNAL))
        )
    elif facts.outcome:
        said.append(f"The journal tells nothing otherwise than {_plan(facts)}.\n")
    else:
        said.append("So far the journal tells nothing otherwise than the plan.\n")
    return "\n".join(said)


def _plan(facts: RunFacts) -> str:
    """A re-scoring makes no call, and its plan may be younger than the answers."""
    return "the plan in input.json" if facts.input.rescores else "the plan that was registered before the first call"


def _registered(facts: RunFacts) -> str:
    claims = facts.input.claims
    rows = [
        [
            word(one.id),
            word(one.step),
            line(one.statement),
            f"{one.attempt:,}" + (", after the answers" if one.is_late else ""),
            ", ".join(map(word, one.earlier[-3:])),
        ]
        for one in claims[:FAILURES_LISTED]
    ]
    late = sum(one.is_late for one in claims)
    when = "as the earlier run had registered them" if facts.input.rescores else "before the first call"
    if late:
        when = f"{late:,} of them when the answers were known already"
    return (
        f"{count(len(claims), 'claim')} registered, {when}. An attempt above 1 says that earlier runs "
        "of this project, which are named, had registered a claim of the same id:\n\n"
        + table(["claim", "step", "statement", "attempt", "latest before"], rows)
        + more(len(claims), len(rows), "claim", named(INPUT))
    )


def _changes(facts: RunFacts) -> str:
    changes = facts.input.changes
    rows = [[f"{one.kind} {one.how}", word(one.name), line(one.what)] for one in changes[:FAILURES_LISTED]]
    return (
        f"The plan differs from that of {_earlier(facts)}:\n\n"
        + table(["difference", "of", "where"], rows)
        + more(len(changes), len(rows), "difference", named(INPUT))
    )


def _earlier(facts: RunFacts) -> str:
    if facts.input.rescores:
        return f"{word(facts.input.rescores)}, which this run scores again"
    return f"{word(facts.supersedes)}, which this run supersedes"


def _failed_cells(facts: RunFacts, read: Reader) -> dict[str, int]:
    fanned = [step for step in facts.steps if step.cells is not None and step.status is StepStatus.DONE]
    values = {step.record.id: value_as(step, read, _Cells) for step in fanned[:STEPS_LISTED]}
    return {id_: value.failed for id_, value in values.items() if value is not None and value.failed}

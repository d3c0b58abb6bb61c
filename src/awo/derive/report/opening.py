"""The first page of a report: what this is, how it ended, what was asked, and the picture of the steps."""

from __future__ import annotations

from collections import Counter
from itertools import islice
from typing import Final

from awo.canon.usd import for_people, picodollars
from awo.derive.facts import RunFacts, StepFacts, StepStatus
from awo.derive.markdown import table
from awo.derive.mermaid import STEPS_DRAWN, flowchart
from awo.derive.phrases import between, count, moment, short_digest, size
from awo.derive.report.money import money_in_brief
from awo.derive.report.shown import (
    ROWS_SHOWN,
    STEPS_LISTED,
    compact,
    line,
    more,
    named,
    prose,
    word,
)
from awo.evidence.layout import INPUT, JOURNAL, VALUE_FILE
from awo.evidence.records import NOBODY, InputRecord

TURNS_SHOWN: Final = 12
GATES_NAMED: Final = 3
PEOPLE_NAMED: Final = 8

STATUS_WORDS: Final = {
    StepStatus.DONE: "done",
    StepStatus.FAILED: "**failed**",
    StepStatus.SKIPPED: "skipped",
    StepStatus.WAITING: "**waits for a person**",
    StepStatus.RUNNING: "begun, not finished",
    StepStatus.NOT_RUN: "not run",
}


def opening(facts: RunFacts) -> str:
    """Title, the outcome in a sentence, and the run in brief."""
    rows = [
        ["run", word(facts.run_id)],
        ["started", f"{moment(facts.started_at)} by {line(facts.starter.id)}"],
        ["key of the starter", word(facts.starter.key)],
    ]
    if facts.ended_at:
        rows.append(["ended", f"{moment(facts.ended_at)}, {between(facts.started_at, facts.ended_at)} later"])
    if facts.input.rescores:
        rows.append(["scores again", f"{word(facts.input.rescores)}, whose responses it uses; no model was asked"])
    elif facts.supersedes:
        rows.append(["takes the place of", word(facts.supersedes)])
    if facts.gates:
        rows.append(["people", _people_in_brief(facts)])
    if cost := money_in_brief(facts):
        rows.append(["money", cost])
    rows.append(["written by", f"{line(facts.software.name)} {line(facts.software.version)}"])
    title = line(facts.input.name) or "A run without a name"
    return (
        f"# {title}\n\n"
        f"{outcome_sentence(facts)}\n\n{_own_judge(facts)}"
        "This page sums up one run of a workflow for people. It proves nothing by itself: the evidence is in the "
        "files beside it, and [How to check this by hand](#how-to-check-this-by-hand) says how to test them. "
        "Words of people, models and programs are shown as they were given; signs such as ⏎ or ⟨U+202E⟩ "
        "stand for characters that cannot be seen.\n\n" + table(["", ""], rows)
    )


def outcome_sentence(facts: RunFacts) -> str:
    """How the run stands, as one bold beginning and its reason."""
    total = count(len(facts.steps), "step")
    match facts.outcome:
        case "completed":
            return f"**Completed.** All of its {total} came to an end, and no person was asked to decide."
        case "approved":
            return f"**Approved.** All of its {total} came to an end, and {_deciders(facts, 'approve')}."
        case "rejected":
            return f"**Rejected.** The run stopped because {_deciders(facts, 'reject', 'revise')}."
        case "failed":
            return f"**Failed.** {_failed(facts)}, and the run was given up."
        case "abandoned":
            return "**Abandoned.** The run was given up before it came to its end."
        case _:
            return _open_sentence(facts)


def asked(facts: RunFacts) -> str:
    """What the author of the workflow wrote: description, inputs, files, prompts."""
    record = facts.input
    parts = ["## What was asked\n"]
    if record.description:
        parts.append(prose(record.description))
    if record.inputs:
        rows = [[word(name), line(compact(value))] for name, value in list(record.inputs.items())[:ROWS_SHOWN]]
        parts.append(table(["input", "value"], rows) + more(len(record.inputs), len(rows), "input", named(INPUT)))
    if record.files:
        rows = [
            [word(file.path), size(file.size_bytes), word(short_digest(file.sha256))]
            for file in record.files[:ROWS_SHOWN]
        ]
        parts.append(
            table(["file that was read", "size", "SHA-256"], rows)
            + more(len(record.files), len(rows), "file", named(INPUT))
        )
    if record.data:
        parts.append(_data_sets(record))
    asks = ((step.id, step.arguments().get("prompt")) for step in record.steps)
    prompts = list(islice(((id_, prompt) for id_, prompt in asks if isinstance(prompt, str)), ROWS_SHOWN + 1))
    if prompts:
        rows = [[word(id_), line(prompt)] for id_, prompt in prompts[:ROWS_SHOWN]]
        parts.append(table(["step", "question, as the workflow has it"], rows))
        if len(prompts) > ROWS_SHOWN:
            parts.append(f"More questions: {named(INPUT)}.\n")
    if turns := _turns(record):
        parts.append(turns)
    parts.append(f"The whole workflow, as it ran: {named(INPUT)}.\n")
    return "\n".join(parts)


def steps(facts: RunFacts) -> str:
    """The picture, and a table of the steps."""
    said = ["## Steps\n"]
    if facts.steps:
        said.append(f"```mermaid\n{flowchart(facts)}```\n")
    if len(facts.steps) > STEPS_DRAWN:
        said.append(f"The picture shows the first {STEPS_DRAWN - 1} of {count(len(facts.steps), 'step')}.\n")
    tally = Counter(step.status for step in facts.steps)
    said.append(
        f"{count(len(facts.steps), 'step')}: "
        + ", ".join(f"{tally[status]:,} {STATUS_WORDS[status]}" for status in StepStatus if tally[status])
        + ".\n"
    )
    listed = facts.steps[:STEPS_LISTED]
    said.append(
        table(["step", "does", "status", "attempts", "took", "result"], [_row(step) for step in listed])
        + more(len(facts.steps), len(listed), "step", named(JOURNAL))
    )
    return "\n".join(said)


def _turns(record: InputRecord) -> str:
    """The conversations of steps that are given turns, each turn as its template; '' when no step is."""
    rows: list[list[str]] = []
    is_all = True
    for step in record.steps:
        messages = step.arguments().get("messages")
        turns = [turn for turn in messages if isinstance(turn, dict)] if isinstance(messages, list) else []
        is_all = is_all and len(turns) <= TURNS_SHOWN
        rows += [
            [word(step.id), line(compact(turn.get("role", ""))), line(compact(turn.get("content", "")))]
            for turn in turns[:TURNS_SHOWN]
        ]
    if not rows:
        return ""
    shown = table(["step", "role", "turn, as the workflow has it"], rows[:ROWS_SHOWN])
    return shown if is_all and len(rows) <= ROWS_SHOWN else f"{shown}\nMore turns: {named(INPUT)}.\n"


def _data_sets(record: InputRecord) -> str:
    files = {file.path: file for file in record.files}
    rows = [
        [
            word(name),
            word(data.path),
            f"{data.rows:,}",
            line(", ".join(data.columns)),
            word(data.id_column) if data.id_column else "the content",
            word(short_digest(files[data.path].sha256)) if data.path in files else "",
        ]
        for name, data in list(record.data.items())[:ROWS_SHOWN]
    ]
    header = ["data set", "file", "rows", "columns", "ids from", "SHA-256"]
    return table(header, rows) + more(len(record.data), len(rows), "data set", named(INPUT))


def _own_judge(facts: RunFacts) -> str:
    """The loud word on a run on which its starter decided; the journal names both."""
    deciders = {one.signer for gate in facts.gates for one in gate.decisions}
    if deciders and facts.starter.id == NOBODY:
        return (
            "> [!WARNING]\n> **Nobody knows who started this run:** it was started with a machine's own key, so a "
            "decider may be whoever started it.\n\n"
        )
    if facts.starter.id not in deciders:
        return ""
    return (
        f"> [!WARNING]\n> **This is no independent review:** {line(facts.starter.id)} started this run and decided "
        "on it.\n\n"
    )


def _row(step: StepFacts) -> list[str]:
    return [
        word(step.record.id),
        word(step.record.op),
        STATUS_WORDS[step.status],
        str(step.attempts) if step.attempts else "",
        between(step.started_at, step.finished_at),
        named(step.value.path, VALUE_FILE) if step.value else "",
    ]


def _open_sentence(facts: RunFacts) -> str:
    gate = facts.open_gate
    if gate is not None:
        return f"**Waiting.** The run stands at the gate {word(gate.gate)} until a person decides."
    if stop := facts.budget_reached:
        return (
            f"**Paused.** The budget of {_dollars(stop.budget)} is used up: {_dollars(stop.spent)} spent, "
            f"{_dollars(stop.unknown)} possibly spent, and the next call, of {word(stop.step)}, could have cost "
            f"{_dollars(stop.worst)}. `awo resume --budget` goes on."
        )
    if facts.with_status(StepStatus.FAILED):
        return f"**Not finished.** {_failed(facts)}; `awo resume` tries again."
    return "**Not finished.** The run has not come to its end; `awo resume` goes on."


def _dollars(usd: str) -> str:
    return for_people(picodollars(usd))


def _failed(facts: RunFacts) -> str:
    failed = facts.with_status(StepStatus.FAILED)
    if not failed:
        return "It did not come to its end"
    first = word(failed[0].record.id)
    return f"{count(len(failed), 'step')} of {len(facts.steps)} failed" + (
        f", the first of them {first}" if len(failed) > 1 else f": {first}"
    )


def _deciders(facts: RunFacts, *verdicts: str) -> str:
    """Whose decision stands at which gate: what each person said last, everybody once."""
    said = []
    for gate in facts.gates:
        last = {one.signer: one.verdict for one in gate.decisions}
        people = [line(signer) for signer, verdict in last.items() if verdict in verdicts]
        if people:
            did = "approved" if "approve" in verdicts else "did not approve"
            said.append(f"{_listed(people)} {did} the results at the gate {word(gate.gate)}")
    if not said:
        return "a person decided"
    return "; ".join(said[:GATES_NAMED]) + ("; and so on at other gates" if len(said) > GATES_NAMED else "")


def _listed(names: list[str]) -> str:
    if len(names) > PEOPLE_NAMED:
        return f"{', '.join(names[:PEOPLE_NAMED])} and {count(len(names) - PEOPLE_NAMED, 'other')}"
    return " and ".join(part for part in (", ".join(names[:-1]), names[-1]) if part)


def _people_in_brief(facts: RunFacts) -> str:
    taken, votes = sum(len(gate.decisions) for gate in facts.gates), sum(len(gate.votes) for gate in facts.gates)
    said = f"{count(taken, 'decision')} at {count(len(facts.gates), 'gate')}"
    if votes:
        said += f", {count(votes, 'vote was', 'votes were')} sealed"
    if facts.refusals:
        said += f", {count(len(facts.refusals), 'attempt was', 'attempts were')} refused"
    return f"{said}; [who decided, and on what](#decisions-of-people)"

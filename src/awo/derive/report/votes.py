"""Who agreed with whom: votes, the ledger of dissent, and answers side by side."""

from __future__ import annotations

from typing import Annotated, Final

import msgspec
from msgspec import Meta

from awo.derive.facts import RunFacts, StepFacts
from awo.derive.markdown import table
from awo.derive.numbers import NOTHING, number, percent
from awo.derive.phrases import count
from awo.derive.report.reader import Reader
from awo.derive.report.shown import (
    ROWS_SHOWN,
    any_value,
    done,
    in_detail,
    line,
    more,
    named,
    passage,
    value_as,
    word,
)
from awo.evidence.layout import OUTPUTS, file_path
from awo.evidence.votes import DISSENT_FILE, ComparisonValue, DissentValue, VotesValue

VOTING: Final = frozenset({"consensus_vote", "dissent", "compare"})


class _Group(msgspec.Struct, frozen=True):
    text: str
    voters: list[str]


class _Vote(msgspec.Struct, frozen=True):
    consensus_text: str
    voters: list[str]
    total_candidates: Annotated[int, Meta(ge=1)]
    groups: list[_Group] = []
    decided: bool = True
    why: str = ""


def votes(facts: RunFacts, read: Reader) -> str:
    """Votes, dissent and comparisons, step by step in that order."""
    voted, dissented, compared = (done(facts, name) for name in ("consensus_vote", "dissent", "compare"))
    where = word(f"{OUTPUTS}/")
    said = []
    if voted:
        said.append("## Votes\n\nA majority is agreement, not truth.\n")
        said.append(in_detail(voted, lambda step: _vote(step, read), where))
    if dissented:
        said.append("## Dissent\n\nEvery answer that lost a vote, and whether a later step answered it.\n")
        said.append(in_detail(dissented, lambda step: _dissent(step, read), where))
    if compared:
        said.append("## Answers compared\n")
        said.append(in_detail(compared, lambda step: _compared(step, read), where))
    return "\n".join(said)


def _vote(step: StepFacts, read: Reader) -> str:
    heading = f"### {word(step.record.id)}\n\n"
    vote = value_as(step, read, _Vote)
    if vote is None:
        many = value_as(step, read, VotesValue)
        return heading + (any_value(step, read) if many is None else _votes(step, many))
    share = round(100 * len(vote.voters) / vote.total_candidates)
    groups = vote.groups or [_Group(text=vote.consensus_text, voters=vote.voters)]
    rows = [
        [", ".join(word(voter) for voter in group.voters[:10]), str(len(group.voters)), passage(group.text)]
        for group in groups[:ROWS_SHOWN]
    ]
    undecided = "" if vote.decided else f" **Nothing is decided.** {line(vote.why)}"
    return (
        f"{heading}{len(vote.voters):,} of {count(vote.total_candidates, 'answer')} agree ({share} %).{undecided}\n\n"
        + table(["models", "votes", "answer"], rows)
        + more(len(groups), len(rows), "group", named(step.value.path) if step.value else "")
        + _ledger(step)
    )


def _votes(step: StepFacts, value: VotesValue) -> str:
    header = ["votes", "decided", "undecided", "ties", "unanimous", "minority answers", "mean agreement"]
    numbers = (value.votes, value.decided, value.undecided, value.ties, value.unanimous, value.dissents)
    why = f" ({NOTHING}: {line(value.why)})" if value.mean_agreement is None and value.why else ""
    folded = ", ".join(one.replace("_", " ") for one in value.normalise) or "nothing"
    return (
        f"A {value.method} vote for each {value.by} of {word(value.of)}; a winner needs {percent(value.quorum)}. "
        f"Done to each answer before it was counted: {folded}. Of {count(value.asked, 'answer')} asked for, "
        f"{value.candidates:,} voted, {value.abstained:,} could not be used and {value.failed:,} failed.{why}\n\n"
        + table(header, [[*(f"{number:,}" for number in numbers), number(value.mean_agreement)]])
        + (f"\nVote by vote: {named(value.path)}.\n" if _has(step, value.path) else "")
        + _ledger(step)
    )


def _ledger(step: StepFacts) -> str:
    path = file_path(step.record.id, DISSENT_FILE)
    return f"\nEvery minority answer: {named(path)}.\n" if _has(step, path) else ""


def _dissent(step: StepFacts, read: Reader) -> str:
    value = value_as(step, read, DissentValue)
    heading = f"### {word(step.record.id)}\n\n"
    if value is None:
        return heading + any_value(step, read)
    answered = ""
    if value.answered_by is not None:
        answered = f" {word(value.answered_by)} answered {value.answered:,}; **{value.unanswered:,} stand unanswered**."
    return (
        f"{heading}{count(value.dissents, 'minority answer')} to {count(value.items, 'item')} of {word(value.of)}."
        f"{answered}" + (f" One by one: {named(value.path)}.\n" if _has(step, value.path) else "\n")
    )


def _compared(step: StepFacts, read: Reader) -> str:
    value = value_as(step, read, ComparisonValue)
    heading = f"### {word(step.record.id)}\n\n"
    if value is None:
        return heading + any_value(step, read)
    where = named(step.value.path) if step.value else ""
    rows = [
        [word(pair.a), word(pair.b), f"{pair.lines:,}", f"{pair.same:,}", number(pair.share), line(pair.why)]
        for pair in value.pairs[:ROWS_SHOWN]
    ]
    pages = [named(path) for path in (value.page, value.path) if _has(step, path)]
    return (
        f"{heading}{word(value.of)} by {word(value.by)}: of {count(value.lines, 'line')}, {value.same:,} have the same "
        f"answer from all, {value.different:,} differ, and {value.incomplete:,} lack answers."
        + (f" Side by side: {', '.join(pages)}." if pages else "")
        + "\n\n"
        + table(["", "and", "both answered", "the same", "share", "why there is none"], rows)
        + more(len(value.pairs), len(rows), "pair", where)
    )


def _has(step: StepFacts, path: str) -> bool:
    return any(ref.path == path for ref in step.files)

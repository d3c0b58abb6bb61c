"""A step of `prefer`: which of the two was preferred how often, and what each judge said when they were swapped."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from itertools import islice

from awo.derive.facts import StepFacts
from awo.derive.markdown import table
from awo.derive.report.judged import EXAMPLES_SHOWN, counted_over, judged
from awo.derive.report.reader import Reader
from awo.derive.report.shown import ROWS_SHOWN, line, more, named, without_empty_columns, word
from awo.evidence.judgements import PreferenceValue, PreferenceVote
from awo.evidence.layout import responses_path

FLIP = "flip"
UNREADABLE = "unreadable"


@dataclass(slots=True)
class _Preferred:
    couples: dict[tuple[str, str], Counter[str]] = field(default_factory=dict)
    judges: dict[str, Counter[str]] = field(default_factory=dict)
    examples: list[tuple[str, PreferenceVote]] = field(default_factory=list)
    unreadable: int = 0


def preferences(step: StepFacts, read: Reader) -> str:
    """The tables of one step, in Markdown; '' where it has no preferences."""
    found = _Preferred()
    for cell, value in judged(step, read, PreferenceValue):
        found.couples.setdefault((value.first_is, value.second_is), Counter())[value.winner] += 1
        for vote in value.votes:
            way = _way(vote)
            found.judges.setdefault(vote.judge, Counter())[way] += 1
            found.unreadable += way == UNREADABLE
            if way == UNREADABLE and len(found.examples) < EXAMPLES_SHOWN:
                found.examples.append((cell, vote))
    if not found.couples:
        return ""
    where = named(responses_path(step.record.id))
    return _wins(found, where) + counted_over(step) + _judges(found, where) + _off_menu(found, where)


def _way(vote: PreferenceVote) -> str:
    """The verdict; of an abstention, whether the judge changed its mind with the order or could not be read."""
    if vote.verdict != "abstain":
        return vote.verdict
    return UNREADABLE if vote.forward is None or vote.swapped is None else FLIP


def _wins(found: _Preferred, where: str) -> str:
    rows = [
        [word(first), word(second), *(f"{won[way]:,}" for way in ("first", "second", "tie", "abstain"))]
        for (first, second), won in islice(found.couples.items(), ROWS_SHOWN)
    ]
    header = ["first", "second", "first preferred", "second preferred", "ties", "all judges abstained"]
    return table(header, rows) + more(len(found.couples), len(rows), "couple", where)


def _judges(found: _Preferred, where: str) -> str:
    rows = [
        [word(name), *(f"{votes[way]:,}" for way in ("first", "second", "tie", FLIP, UNREADABLE))]
        for name, votes in islice(found.judges.items(), ROWS_SHOWN)
    ]
    header = ["judge", "first", "second", "tie", "abstained: went by the order", "abstained: off the menu"]
    return "\n" + table(header, rows) + more(len(found.judges), len(rows), "judge", where)


def _off_menu(found: _Preferred, where: str) -> str:
    if not found.examples:
        return ""
    rows = [[cell, word(vote.judge), line(vote.why)] for cell, vote in found.examples]
    return (
        "\n"
        + table(*without_empty_columns(["cell", "judge", "why its answers are no vote"], rows))
        + more(found.unreadable, len(rows), "vote off the menu", where, "votes off the menu")
    )

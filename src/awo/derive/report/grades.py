"""A step of `grade`: the scores, what each judge gave and how far it agrees, and answers that were off the menu."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from awo.derive.facts import StepFacts
from awo.derive.markdown import table
from awo.derive.numbers import NOTHING, number
from awo.derive.phrases import count
from awo.derive.report.judged import EXAMPLES_SHOWN, counted_over, judged, mean
from awo.derive.report.reader import Reader
from awo.derive.report.shown import ROWS_SHOWN, line, more, named, passage, without_empty_columns, word
from awo.evidence.judgements import GradeValue, GradeVerdict
from awo.evidence.layout import responses_path


@dataclass(slots=True)
class _Judge:
    """What one judge gave. `same` of its `compared` couples with another judge's grade are the same word."""

    words: Counter[str] = field(default_factory=Counter)
    off_menu: int = 0
    compared: int = 0
    same: int = 0


@dataclass(slots=True)
class _Graded:
    cells: int = 0
    scored: int = 0
    total: float = 0.0
    ungraded: int = 0
    judges: dict[str, _Judge] = field(default_factory=dict)
    examples: list[tuple[str, GradeVerdict]] = field(default_factory=list)


def grades(step: StepFacts, read: Reader) -> str:
    """The tables of one step, in Markdown; '' where it has no grades."""
    found = _Graded()
    for cell, value in judged(step, read, GradeValue):
        _add(found, cell, value)
    if not found.cells:
        return ""
    return "\n".join(part for part in (_sum(found, step), _judges(found, step), _off_menu(found, step)) if part)


def _add(found: _Graded, cell: str, value: GradeValue) -> None:
    found.cells += 1
    found.ungraded += value.missing == len(value.verdicts)
    if value.score is not None:
        found.scored += 1
        found.total += value.score
    words = Counter(verdict.choice for verdict in value.verdicts if verdict.choice is not None)
    for verdict in value.verdicts:
        judge = found.judges.setdefault(verdict.judge, _Judge())
        if verdict.choice is None:
            judge.off_menu += 1
            if len(found.examples) < EXAMPLES_SHOWN:
                found.examples.append((cell, verdict))
            continue
        judge.words[verdict.choice] += 1
        judge.compared += words.total() - 1
        judge.same += words[verdict.choice] - 1


def _sum(found: _Graded, step: StepFacts) -> str:
    over = count(found.cells, "cell") if step.record.cells is not None else "One answer"
    unscored = found.cells - found.scored
    said = f"{over}: mean score {mean(found.total, found.scored)}"
    if unscored:
        said += f", over the {found.scored:,} with a score; {unscored:,} without one"
    if found.ungraded:
        said += f". To {found.ungraded:,} no judge gave a grade"
    return f"{said}.\n{counted_over(step)}"


def _judges(found: _Graded, step: StepFacts) -> str:
    listed = list(found.judges.items())[:ROWS_SHOWN]
    rows = [
        [
            word(name),
            f"{judge.words.total():,}",
            f"**{judge.off_menu:,}**" if judge.off_menu else "0",
            ", ".join(f"{line(choice)} {times:,}" for choice, times in judge.words.most_common(5)),
            (number(judge.same / judge.compared) if judge.compared else NOTHING) if len(found.judges) > 1 else "",
        ]
        for name, judge in listed
    ]
    header = ["judge", "grades given", "off the menu", "its grades", "agreement with the others"]
    return table(*without_empty_columns(header, rows)) + more(
        len(found.judges), len(listed), "judge", named(responses_path(step.record.id))
    )


def _off_menu(found: _Graded, step: StepFacts) -> str:
    total = sum(judge.off_menu for judge in found.judges.values())
    if not total:
        return ""
    rows = [[cell, word(verdict.judge), line(verdict.why), passage(verdict.reason)] for cell, verdict in found.examples]
    return table(*without_empty_columns(["cell", "judge", "why it is no grade", "it answered"], rows)) + more(
        total, len(rows), "answer off the menu", named(responses_path(step.record.id)), "answers off the menu"
    )

"""Makes votes of the answers of a step: who was asked together, what each said, and the line that comes out."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import groupby
from typing import Any, Final, Literal

import msgspec

from awo.derive.answers import Answer
from awo.derive.seam import Sources
from awo.derive.votes.normal import Normaliser
from awo.derive.votes.tally import Ballot, Tally, tally
from awo.evidence.votes import DissentLine, Method, VoteLine, Voter
from awo.workflow.templates import as_text

_MARKER: Final = re.compile(r"\s*(?:\d{1,4}[.)]|[-*•])\s+")


@dataclass(frozen=True, slots=True)
class Rules:
    """How votes are counted. `field` '' means the answer's text; `weights` has models that do not weigh 1."""

    method: Method
    normal: Normaliser
    menu_size: int
    field: str
    quorum: Fraction
    weights: Mapping[str, Fraction]


def polls(answers: Iterable[Answer], by: Literal["item", "cell"]) -> Iterator[list[Answer]]:
    """The answers that are counted together: all of an item, or those of one cell. An item's cells stand together."""
    for _, together in groupby(answers, key=lambda one: one.item if by == "item" else one.cell):
        yield list(together)


def voted(together: Sequence[Answer], rules: Rules, sources: Sources, by: Literal["item", "cell"]) -> VoteLine:
    """The vote of answers that belong together; there is at least one."""
    ballots: list[Ballot] = []
    failed = 0
    asked_weight = Fraction(0)
    for answer in together:
        weight = rules.weights.get(answer.model, Fraction(1))
        asked_weight += weight
        if answer.status == "failed":
            failed += 1
            continue
        ranking = _ranking(what_is_said(answer, rules.field, sources), rules)
        if ranking:
            ballots.append(Ballot(ranking=ranking, voter=voter_of(answer), weight=weight))
    counted = tally(ballots, asked_weight, rules.menu_size, is_ranked=rules.method == "ranked")
    why = _why_undecided(counted, asked_weight, rules.quorum)
    first = together[0]
    winner = None if why else counted.options[0]
    return VoteLine(
        item=first.item,
        cell=first.cell,
        matrix=dict(first.matrix) if by == "cell" else {},
        repeat=first.repeat if by == "cell" else 0,
        decided=winner is not None,
        text=winner.text if winner else "",
        norm=winner.norm if winner else "",
        share=counted.options[0].share if counted.options else None,
        is_tie=counted.is_tie,
        options=list(counted.options),
        asked=len(together),
        candidates=len(ballots),
        abstained=len(together) - failed - len(ballots),
        failed=failed,
        why=why,
    )


def dissents_of(line: VoteLine) -> list[DissentLine]:
    """The options of a vote that somebody chose and that did not win: all of them where nothing is decided."""
    return [
        DissentLine(
            item=line.item,
            matrix=line.matrix,
            repeat=line.repeat,
            norm=option.norm,
            text=option.text,
            weight=option.weight,
            share=option.share,
            voters=option.voters,
            winner=line.norm,
            is_answered=None,
            replies=[],
        )
        for option in line.options[1 if line.decided else 0 :]
        if option.voters
    ]


def what_is_said(answer: Answer, field: str, sources: Sources) -> Any:
    """What is looked at of an answer: its text, or the field filled in, for which `item.value` is the answer itself.

    None where there is nothing: an answer that is no answer of a model, or a field that is null.
    """
    if not field:
        is_text = isinstance(answer.value, str)
        return answer.text if is_text or (isinstance(answer.value, dict) and "text" in answer.value) else None
    shown = answer.shown
    return sources.fill(field, msgspec.structs.replace(shown, row={**shown.row, "value": answer.value}))


def said_as_text(said: Any) -> str | None:
    """As text; None for nothing."""
    return None if said is None else as_text(said)


def voter_of(answer: Answer) -> Voter:
    """Who gave an answer."""
    return Voter(
        model=answer.model,
        matrix=dict(answer.matrix),
        repeat=answer.repeat,
        cell=answer.cell,
        answer=answer.number,
        call=answer.call,
    )


def _ranking(said: Any, rules: Rules) -> tuple[tuple[str, str], ...]:
    """The options that are said, each as it is counted and in its own words; () for an abstention."""
    texts = _listed(said) if rules.method == "ranked" else [said_as_text(said)]
    found: dict[str, str] = {}
    for text in texts:
        norm = None if text is None else rules.normal(text)
        if text is not None and norm is not None:
            found.setdefault(norm, text)
    return tuple(found.items())


def _listed(said: Any) -> list[str | None]:
    """An ordered list: a JSON list of texts, or one option a line, its number or dash taken off."""
    if isinstance(said, str):
        try:
            parsed = json.loads(said)
        except (ValueError, RecursionError):
            parsed = None
        if not isinstance(parsed, list):
            lines = (_MARKER.sub("", line, count=1).strip() for line in said.splitlines())
            return [line for line in lines if line]
        said = parsed
    if not isinstance(said, list):
        return []
    return [one for one in said if isinstance(one, str)]


def _why_undecided(counted: Tally, asked_weight: Fraction, quorum: Fraction) -> str:
    """Why nothing is decided, as a sentence; '' where something is."""
    if not counted.options:
        return "nobody gave an answer that can be counted"
    if counted.top is None or not asked_weight:
        return "all who were asked weigh nothing"
    if not counted.top:
        return "all who answered weigh nothing"
    if counted.top < quorum:
        return f"the largest share is below the quorum of {float(quorum)}"
    return ""

"""How far the people of a panel agree: item by item, and beyond chance over all items (spec section 3.6).

In exact fractions and without libraries: the report says it, and a bare install writes the report.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import combinations
from typing import Final, Literal

from awo.evidence.gates import ChecklistItem, Decision

_NUMBER: Final = re.compile(r"-?[0-9]{1,40}(\.[0-9]{1,40})?")

TOO_FEW_PEOPLE: Final = "fewer than two people answered"
TOO_FEW_ITEMS: Final = "fewer than two items have two answers"
NO_VARIATION: Final = "all answers are the same, so chance alone explains them"
TEXTS: Final = "texts are not compared"


@dataclass(frozen=True, slots=True)
class Shared:
    """What people said of one item, by person, and of how many pairs of them both said the same.

    `same` is None where that means nothing, and `why` says why.
    """

    item: str
    answers: tuple[tuple[str, str], ...]
    pairs: int
    same: int | None
    why: str


@dataclass(frozen=True, slots=True)
class Alpha:
    """Krippendorff's alpha over the `items` that two people or more answered; None with the reason `why`."""

    level: Literal["nominal", "interval"]
    items: int
    value: float | None
    why: str


@dataclass(frozen=True, slots=True)
class PanelAgreement:
    """The agreement of a panel. `verdicts` is what they decided, as if it were an item."""

    people: tuple[str, ...]
    verdicts: Shared
    items: tuple[Shared, ...]
    nominal: Alpha
    interval: Alpha


def agreement_of(checklist: Sequence[ChecklistItem], decisions: Iterable[Decision]) -> PanelAgreement:
    """The agreement of the people who decided; what a person said last counts, and a withdrawal takes it away."""
    standing = {decision.signer.id: decision for decision in decisions}
    said = {person: decision for person, decision in standing.items() if decision.verdict != "withdraw"}
    answers = {person: {one.id: one.answer for one in decision.answers} for person, decision in said.items()}
    given = {
        item.id: tuple((person, of[item.id]) for person, of in answers.items() if of.get(item.id)) for item in checklist
    }
    labels = [[text for _, text in given[item.id]] for item in checklist if item.kind in ("choice", "yes_no")]
    places = {text: Fraction(place) for place, text in enumerate(sorted({text for unit in labels for text in unit}))}
    numbers = [_numbers(given[item.id]) for item in checklist if item.kind == "number"]
    return PanelAgreement(
        people=tuple(said),
        verdicts=_shared("verdict", "choice", tuple((person, one.verdict) for person, one in said.items())),
        items=tuple(_shared(item.id, item.kind, given[item.id]) for item in checklist),
        nominal=_alpha("nominal", [[places[text] for text in unit] for unit in labels]),
        interval=_alpha("interval", numbers),
    )


def _shared(item: str, kind: str, answers: tuple[tuple[str, str], ...]) -> Shared:
    if kind == "text":
        return Shared(item, answers, 0, None, TEXTS)
    values: list[str] | list[Fraction] = _numbers(answers) if kind == "number" else [answer for _, answer in answers]
    pairs = list(combinations(values, 2))
    if not pairs:
        return Shared(item, answers, 0, None, TOO_FEW_PEOPLE)
    return Shared(item, answers, len(pairs), sum(a == b for a, b in pairs), "")


def _numbers(answers: Iterable[tuple[str, str]]) -> list[Fraction]:
    return [Fraction(answer) for _, answer in answers if _NUMBER.fullmatch(answer)]


def _alpha(level: Literal["nominal", "interval"], given: Iterable[Sequence[Fraction]]) -> Alpha:
    """1 - Do / De over units of two ratings or more (Krippendorff 2011)."""
    units = [unit for unit in given if len(unit) > 1]
    if len(units) < 2:
        return Alpha(level, len(units), None, TOO_FEW_ITEMS)
    ratings = [value for unit in units for value in unit]
    expected = _distances(ratings, level) / (len(ratings) - 1)
    if not expected:
        return Alpha(level, len(units), None, NO_VARIATION)
    observed = sum((_distances(unit, level) / (len(unit) - 1) for unit in units), Fraction(0))
    return Alpha(level, len(units), float(1 - observed / expected), "")


def _distances(values: Sequence[Fraction], level: Literal["nominal", "interval"]) -> Fraction:
    """The sum of the distances of all ordered pairs."""
    if level == "nominal":
        counts: dict[Fraction, int] = {}
        for value in values:
            counts[value] = counts.get(value, 0) + 1
        return Fraction(len(values) ** 2 - sum(number**2 for number in counts.values()))
    squares = sum((value * value for value in values), Fraction(0))
    return 2 * (len(values) * squares - sum(values, Fraction(0)) ** 2)

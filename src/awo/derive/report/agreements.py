"""How far raters agree: each coefficient, and pair by pair; models and arms stand before people."""

from __future__ import annotations

from typing import Any, Final

from awo.derive.facts import StepFacts
from awo.derive.markdown import table
from awo.derive.numbers import interval, number, percent
from awo.derive.report.notes import notes
from awo.derive.report.shown import ROWS_SHOWN, line, more, word
from awo.evidence.statistics import Agreement, StatisticsValue

RATERS_SHOWN: Final = 12
MODELS_SHOWN: Final = 50
"""As many raters as the statistics pair: that many models and arms are shown, whatever the number of people."""

COEFFICIENTS: Final = {
    "krippendorff_alpha": "Krippendorff's alpha",
    "fleiss_kappa": "Fleiss' kappa",
    "cohen_kappa": "Cohen's kappa",
}


def raters_in_order(step: StepFacts, name: str, one: Agreement) -> tuple[list[str], list[str]]:
    """The raters of the agreement `name` of a step of statistics: models and other arms, then people.

    People are the places of the lists of ratings that the plan names: RATINGS[0], RATINGS[1] and so on.
    """
    asked = step.record.arguments().get("agreement")
    args: Any = asked.get(name) if isinstance(asked, dict) else None
    ratings = args.get("ratings") if isinstance(args, dict) else None
    if not isinstance(ratings, str) or not ratings:
        return list(one.raters), []
    places = {f"{ratings}[{number}]" for number in range(len(one.raters))}
    return [rater for rater in one.raters if rater not in places], [rater for rater in one.raters if rater in places]


def agreements(step: StepFacts, value: StatisticsValue, where: str) -> str:
    """All agreements of a step in a table, then each pair by pair. `where` is Markdown that names the value."""
    listed = list(value.agreement.items())[:ROWS_SHOWN]
    header = ["agreement", "coefficient", "raters", "items", "ratings", "value"]
    header.append(f"{percent(value.confidence)} interval")
    rows = [
        [
            word(name),
            f"{COEFFICIENTS[one.coefficient]}, {one.level}",
            f"{len(one.raters):,}",
            f"{one.items:,}",
            f"{one.ratings:,}",
            number(one.value),
            interval(one.low, one.high),
        ]
        for name, one in listed
    ]
    return (
        "Agreement is 1 where raters always agree, 0 where they agree as often as chance would have it, and below 0 "
        "where they agree less than that.\n\n"
        + table(header, rows)
        + more(len(value.agreement), len(listed), "agreement", where)
        + notes((word(name), [line(one.why)]) for name, one in listed if one.why)
        + "".join(_matrix(name, one, raters_in_order(step, name, one), where) for name, one in listed)
    )


def _matrix(name: str, one: Agreement, ordered: tuple[list[str], list[str]], where: str) -> str:
    """The agreement of each pair of raters: all models and arms, and people while there is room."""
    if not one.pairs:
        return ""
    arms, people = ordered
    # Without people nothing says which raters matter most, so the first are as good as any.
    models = arms[: MODELS_SHOWN if people else RATERS_SHOWN]
    raters = [*models, *people[: max(RATERS_SHOWN - len(models), 0)]]
    shown = set(raters)
    of_pair = {pair: number(found.value) for found in one.pairs for pair in ((found.a, found.b), (found.b, found.a))}
    rows = [[word(rater), *(of_pair.get((rater, other), "") for other in raters)] for rater in raters]
    whys = [
        (f"{word(pair.a)} and {word(pair.b)}", [line(pair.why)])
        for pair in one.pairs
        if pair.why and pair.a in shown and pair.b in shown
    ]
    return (
        f"\nPair by pair, {word(name)}:\n\n"
        + table(["", *(word(rater) for rater in raters)], rows)
        + more(len(one.raters), len(raters), "rater", where)
        + notes(whys)
    )

"""Counts ballots: majority, weights by model, or Borda's points for ranked options. Weights are exact decimals."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

from awo.evidence.votes import Option, Voter


@dataclass(frozen=True, slots=True)
class Ballot:
    """What one voter says: options from the best on, each as it is counted and in the voter's own words.

    A plain vote has one option. `ranking` has no option twice.
    """

    ranking: tuple[tuple[str, str], ...]
    voter: Voter
    weight: Fraction = Fraction(1)


@dataclass(frozen=True, slots=True)
class Tally:
    """The options, best first, and whether the first two weigh the same; `top` is the exact share of the first."""

    options: tuple[Option, ...]
    top: Fraction | None
    is_tie: bool


class _Count:
    """One option while it is counted."""

    def __init__(self, norm: str, text: str) -> None:
        self.norm = norm
        self.text = text
        self.weight = Fraction(0)
        self.voters: list[Voter] = []


def tally(ballots: Sequence[Ballot], asked_weight: Fraction, menu_size: int = 0, *, is_ranked: bool = False) -> Tally:
    """How the ballots come out. `asked_weight` is the weight of all who were asked, also of those who said nothing.

    Plain: each ballot gives its weight to its option. Ranked: Borda's count; of m options the first on a
    ballot gets m times its weight, the next m - 1, and so on, and those that it leaves out nothing
    (J.-C. de Borda, 1781; for ballots that are cut short P. Emerson, Social Choice and Welfare 40, 2013).
    m is `menu_size`, or where that is 0 the number of options that any ballot names. The share of an
    option is its weight over the most that it could have got.

    Ties: the longer norm in code points comes first, then the option that was named earlier.
    """
    counts: dict[str, _Count] = {}
    for ballot in ballots:
        for norm, text in ballot.ranking:
            counts.setdefault(norm, _Count(norm, text))
    most = (menu_size or len(counts)) if is_ranked else 1
    for ballot in ballots:
        for place, (norm, _) in enumerate(ballot.ranking):
            counts[norm].weight += ballot.weight * (most - place)
        if ballot.ranking:
            counts[ballot.ranking[0][0]].voters.append(ballot.voter)
    ranked = sorted(counts.values(), key=lambda one: (-one.weight, -len(one.norm)))
    whole = asked_weight * most
    options = tuple(
        Option(
            norm=one.norm,
            text=one.text,
            weight=float(one.weight),
            share=float(one.weight / whole) if whole else None,
            voters=one.voters,
        )
        for one in ranked
    )
    return Tally(
        options=options,
        top=ranked[0].weight / whole if ranked and whole else None,
        is_tie=len(ranked) > 1 and ranked[0].weight == ranked[1].weight,
    )


def exact(number: float) -> Fraction:
    """The decimal that a number is written as: 0.1 is a tenth, not the nearest binary fraction."""
    return Fraction(repr(number))

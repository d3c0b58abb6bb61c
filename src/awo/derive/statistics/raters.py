"""Who rated what: one rating for each item and rater, from scores by a factor, from lists of ratings, or both."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from awo.derive.statistics.args import AgreementArgs
from awo.derive.statistics.choosing import NUMBERS, Chosen, chosen_lines, column_of, factor_of
from awo.derive.statistics.factors import label_of
from awo.derive.statistics.resampling import Floats
from awo.derive.statistics.table import PRESENT, Table
from awo.errors import StepFailed

MOST_RATERS: Final = 1_000
_NONE: Final = -1


@dataclass(frozen=True, slots=True)
class Rated:
    """A row for each item, a column for each rater; NaN where there is no rating.

    A rating is its place in `domain` (ascending). At the nominal level the domain has only places.
    """

    raters: list[str]
    places: Floats
    domain: Floats
    why: str


def rated(args: AgreementArgs, table: Table, place: str) -> Rated:
    """The ratings that `args` mean. Raises `StepFailed`: `no_such_score`, `no_such_factor`, `score_type`,
    `too_many_raters`."""
    whys: list[str] = []
    names: list[str] = []
    blocks: list[Floats] = []
    words = _Words(is_nominal=args.level == "nominal")
    if args.ratings:
        column = column_of(table, args.ratings, ("ratings",), place)
        chosen = chosen_lines(table, column, args.where, place)
        width = max((len(given) for given in column.words), default=0)
        _limit(width, table, place)
        names += [f"{args.ratings}[{number}]" for number in range(width)]
        blocks.append(_listed(chosen, table, width, words))
        whys.append(chosen.why)
    if args.score:
        kinds = ("label", *NUMBERS) if args.level == "nominal" else NUMBERS
        chosen = chosen_lines(table, column_of(table, args.score, kinds, place), args.where, place)
        factor = factor_of(table, args.by, f"{place}.by")
        codes = factor.codes[chosen.lines]
        present = np.unique(codes)
        _limit(len(present), table, place)
        names += [_free(label_of(factor.values[code]), names) for code in present]
        block, is_cut = _scored(chosen, np.searchsorted(present, codes), len(present), table, words)
        blocks.append(block)
        whys += [chosen.why, "of several answers of a rater to an item, the first repeat counts" if is_cut else ""]
    size = int(table.items.max()) + 1 if table.lines else 0
    numbers = np.concatenate(blocks, axis=1) if names else np.full((size, 0), np.nan)
    domain, places = np.unique(numbers[~np.isnan(numbers)], return_inverse=True)
    numbers[~np.isnan(numbers)] = places
    return Rated(names, numbers, domain, "; ".join(dict.fromkeys(filter(None, whys))))


class _Words:
    """Ratings as numbers: a rating itself, or the place of its spelling at the nominal level."""

    def __init__(self, *, is_nominal: bool) -> None:
        self.is_nominal = is_nominal
        self.places: dict[str, int] = {}

    def number(self, rating: Any) -> float:
        """NaN for what is no rating at this level. 4, 4.0 and '4' are one word."""
        if rating is None:
            return float("nan")
        if self.is_nominal:
            return float(self.places.setdefault(label_of(rating), len(self.places)))
        return float(rating) if isinstance(rating, (int, float)) and not isinstance(rating, bool) else float("nan")


def _listed(chosen: Chosen, table: Table, width: int, words: _Words) -> Floats:
    """The list of each item: that of its first line."""
    size = int(table.items.max()) + 1 if table.lines else 0
    block = np.full((size, width), np.nan)
    lines = chosen.lines[np.argsort(table.repeats[chosen.lines], kind="stable")]
    items, first = np.unique(table.items[lines], return_index=True)
    codes = chosen.column.codes[lines[first]]
    lists = np.full((len(chosen.column.words) + 1, width), np.nan)
    for code in dict.fromkeys(codes.tolist()):
        given = chosen.column.words[code] if code != _NONE else ()
        lists[code, : len(given)] = [words.number(rating) for rating in given]
    block[items] = lists[codes]
    return block


def _scored(chosen: Chosen, raters: NDArray[np.intp], width: int, table: Table, words: _Words) -> tuple[Floats, bool]:
    """The score of each item and rater: that of its first repeat. And whether there were others."""
    size = int(table.items.max()) + 1 if table.lines else 0
    block = np.full(size * width, np.nan)
    order = np.argsort(table.repeats[chosen.lines], kind="stable")
    lines = chosen.lines[order]
    cells, first = np.unique(table.items[lines].astype(np.int64) * width + raters[order], return_index=True)
    kept = lines[first]
    block[cells] = _numbers(chosen, kept, words)
    return block.reshape(size, width), len(kept) < len(lines)


def _numbers(chosen: Chosen, lines: NDArray[np.intp], words: _Words) -> Floats:
    """Of each line its label at the nominal level, where the score has labels; else its number."""
    column = chosen.column
    if words.is_nominal and column.words:
        codes = column.codes[lines]
        spelled = np.full(len(column.words) + 1, np.nan)
        for code in dict.fromkeys(codes.tolist()):
            spelled[code] = words.number(column.words[code]) if code != _NONE else np.nan
        return spelled[codes]
    numbers = np.where(column.state[lines] == PRESENT, column.numbers[lines], np.nan)
    if words.is_nominal:
        distinct, which = np.unique(numbers, return_inverse=True)
        spelled = np.array([np.nan if np.isnan(one) else words.number(float(one)) for one in distinct])
        return spelled[which] if len(spelled) else numbers
    return numbers


def _free(name: str, taken: list[str]) -> str:
    """A rater's name that no other has."""
    number, free = 2, name
    while free in taken:
        free, number = f"{name} ({number})", number + 1
    return free


def _limit(raters: int, table: Table, place: str) -> None:
    if raters > MOST_RATERS:
        raise StepFailed(
            f"an agreement has {raters} raters",
            code="too_many_raters",
            where=f"step {table.step}, {place}",
            expected=f"{MOST_RATERS} at most",
            is_final=True,
        )

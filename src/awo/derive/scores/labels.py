"""Scores that are words: the option that an answer picks, and labels and ratings that are in the data already."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Annotated, Any, Final, Literal

from msgspec import UNSET, Meta, UnsetType

from awo.derive.answers import Answer
from awo.derive.menu import finder
from awo.derive.scores.normal import ALL, Ignoring, normaliser
from awo.derive.scores.seam import LabelSpec, Looking, Scored, Scoring, Spec, said_why
from awo.derive.scores.texts import as_list
from awo.evidence.scores import ScoreType
from awo.workflow.templates import as_text
from awo.workflow.words import CellTemplate

LONGEST_LABEL: Final = 200
MOST_RATINGS: Final = 10_000


class Choice(LabelSpec, frozen=True, kw_only=True, tag="choice"):
    """The option that the answer gives: a label, and with `expected` a test whether it is the right one."""

    choices: Annotated[
        tuple[Annotated[str, Meta(min_length=1, max_length=LONGEST_LABEL)], ...],
        Meta(min_length=1, max_length=1000, description="The options, as they become labels."),
    ]
    expected: Annotated[CellTemplate, Meta(description="The right option, filled in for each answer.")] | UnsetType = (
        UNSET
    )
    pick: Annotated[
        Literal["only", "whole", "first", "last"],
        Meta(
            description="How the answer gives one: the `only` option that stands in it as whole words, the `whole` "
            "answer, or the `first` or `last` option in it."
        ),
    ] = "only"
    ignore: Ignoring = ALL

    def __post_init__(self) -> None:
        normal = normaliser(self.ignore)
        seen: dict[str, str] = {}
        for choice in self.choices:
            key = normal(choice)
            if not key:
                raise ValueError(f"nothing is left of the choice {choice!r}: name in `ignore` what may be ignored")
            if key in seen:
                raise ValueError(f"the choices {seen[key]!r} and {choice!r} are the same after what `ignore` says")
            seen[key] = choice

    def scoring(self, looking: Looking) -> Scoring:
        normal = normaliser(self.ignore)
        options = {normal(choice): choice for choice in self.choices}
        texts, picked = looking.texts(self.value), _picker(options, self.pick)
        wanted = None if self.expected is UNSET else looking.texts(self.expected)

        def label(answer: Answer) -> Scored:
            found, why = picked(normal(texts(answer)))
            return Scored(None, why, found)

        def test(answer: Answer) -> Scored:
            right = options.get(normal(wanted(answer))) if wanted else None
            if right is None:
                return label(answer)._replace(why="what is expected is none of the choices")
            found, why = picked(normal(texts(answer)))
            return Scored(0.0, why) if found is None else Scored(float(found == right), "", found)

        return label if wanted is None else test


class Label(Spec, frozen=True, kw_only=True, tag="label"):
    """A word as it is, such as a category of the data or a field of the answer; by default the whole answer."""

    ignore: Ignoring = ("space",)

    def score_type(self) -> ScoreType | None:
        return "label"

    def scoring(self, looking: Looking) -> Scoring:
        texts, normal = looking.texts(self.value), normaliser(self.ignore)

        def score(answer: Answer) -> Scored:
            label = normal(texts(answer))
            if not label:
                return said_why("there is no label")
            if len(label) > LONGEST_LABEL:
                return said_why(f"a label has at most {LONGEST_LABEL} characters")
            return Scored(None, "", label)

        return score


class Ratings(Spec, frozen=True, kw_only=True, tag="ratings"):
    """Several raters' judgements of one answer or its row, such as those of twenty people, for agreement."""

    raters: Annotated[
        tuple[CellTemplate, ...],
        Meta(max_length=1000, description="One template for each rater, in place of a `value` that gives the list."),
    ] = ()

    def __post_init__(self) -> None:
        if bool(self.value) == bool(self.raters):
            raise ValueError("give `value`, a template that gives the list, or `raters`, one template for each")

    def score_type(self) -> ScoreType | None:
        return "ratings"

    def reads_answer(self) -> bool:
        return False

    def scoring(self, looking: Looking) -> Scoring:
        listed = _listed(looking, self.raters or self.value)

        def score(answer: Answer) -> Scored:
            found = as_list(listed(answer))
            if not found:
                return said_why("there is no list of ratings")
            if len(found) > MOST_RATINGS:
                return said_why(f"there are more than {MOST_RATINGS} ratings")
            return Scored(ratings=tuple(map(_rating, found)))

        return score


def _listed(looking: Looking, given: str | tuple[str, ...]) -> Callable[[Answer], Any]:
    if isinstance(given, str):
        return looking.values(given)
    every = [looking.values(one) for one in given]
    return lambda answer: [value(answer) for value in every]


def _rating(value: Any) -> Any:
    """A number, a truth or a text; null where a rater gave nothing that can be used."""
    if isinstance(value, bool) or value is None:
        return value
    if isinstance(value, (int, float)):
        return value if math.isfinite(value) else None
    text = value if isinstance(value, str) else as_text(value)
    return text if 0 < len(text) <= LONGEST_LABEL else None


def _picker(
    options: Mapping[str, str], pick: Literal["only", "whole", "first", "last"]
) -> Callable[[str], tuple[str | None, str]]:
    """What gives the option that a normal text picks, or None and why."""
    if pick == "whole":

        def whole(text: str) -> tuple[str | None, str]:
            label = options.get(text)
            return label, "" if label is not None else "the answer is none of the choices"

        return whole
    standing = finder(options)

    def within(text: str) -> tuple[str | None, str]:
        if (label := options.get(text)) is not None:
            return label, ""
        found = standing(text)
        if not found:
            return None, "none of the choices stands in the answer"
        if pick == "only" and len(set(found)) > 1:
            return None, "several of the choices stand in the answer"
        return options[found[-1] if pick == "last" else found[0]], ""

    return within

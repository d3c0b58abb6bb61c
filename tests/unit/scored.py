"""Score lines made by hand, and what `statistics` makes of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from awo.canon.json import encode_sorted
from awo.derive.statistics.args import StatisticsArgs
from awo.derive.statistics.step import computed
from awo.evidence.scores import ScoreLine, ScoreSummary, ScoresValue, ScoreType
from awo.evidence.statistics import StatisticsValue
from awo.testing.fake_sources import FakeSources

TYPES: Mapping[str, ScoreType] = {
    "right": "test",
    "grade": "grade",
    "size": "measure",
    "word": "label",
    "people": "ratings",
}


def line(item: str, number: int = 0, **changes: Any) -> ScoreLine:
    """One scored answer of the model `m`; `right` and `grade` may be given as keywords, others as in the line."""
    scores = {name: changes.pop(name) for name in ("right", "grade", "size") if name in changes}
    labels = {name: changes.pop(name) for name in ("word",) if name in changes}
    ratings = {name: changes.pop(name) for name in ("people",) if name in changes}
    fields: dict[str, Any] = {
        "cell": number,
        "answer": 0,
        "item": item,
        "matrix": {},
        "repeat": 0,
        "model": "m",
        "status": "done",
        "scores": scores,
        "labels": labels,
        "ratings": ratings,
    }
    return ScoreLine(**fields | changes)


def lines_of(score: str, values: Sequence[Any], **changes: Any) -> list[ScoreLine]:
    """One answer to each of the items i0, i1, …, with these values of one score."""
    return [line(f"i{number}", number, **{score: value}, **changes) for number, value in enumerate(values)]


def two_arms(score: str, a: Sequence[Any], b: Sequence[Any], **changes: Any) -> list[ScoreLine]:
    """The answers of the models `a` and `b` to the same items."""
    return [
        made
        for answer, (model, values) in enumerate((("a", a), ("b", b)))
        for made in lines_of(score, values, model=model, answer=answer, **changes)
    ]


def value_of(types: Mapping[str, ScoreType] = TYPES) -> Any:
    """The value of a step that scores, with scores of these types."""
    summary = {"kind": "x", "answers": 0, "missing": 0, "passed": 0, "threshold": 0.0, "mean": None}
    scores = {name: ScoreSummary(type=kind, **summary) for name, kind in types.items()}  # type: ignore[arg-type]
    made = ScoresValue(of="ask", cells=0, failed=0, answers=0, path="outputs/score/files/scores.jsonl", scores=scores)
    return msgspec.to_builtins(made)


def sources_of(lines: Sequence[ScoreLine | bytes], **more: Any) -> FakeSources:
    """Sources in which the step `score` left these lines."""
    spelled = [one if isinstance(one, bytes) else encode_sorted(one) + b"\n" for one in lines]
    return FakeSources(step="stats", values={"score": value_of()}, lines={("score", "scores.jsonl"): spelled}, **more)


def statistics(lines: Sequence[ScoreLine | bytes], **args: Any) -> StatisticsValue:
    """What the step makes of `lines`; by default with 500 resamples."""
    given = msgspec.convert({"of": "score", "resamples": 500, **args}, StatisticsArgs)
    value = computed(given, sources_of(lines)).value
    assert isinstance(value, StatisticsValue)
    return value

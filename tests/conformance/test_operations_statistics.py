"""The operation `statistics` keeps the contract of every operation."""

from __future__ import annotations

from typing import Any

import pytest
from tests.unit.scored import sources_of, two_arms

from awo import plugins
from awo.testing.fake_desk import FakeDesk
from awo.testing.operations import CHECKS, Case, Check, Example, Failure

METRIC = {"m": {"score": "right", "by": ["model"]}}
SIZE = {"score": "size", "between": {"model": ["a", "b"]}}


def desk() -> FakeDesk:
    right = two_arms("right", [1.0, 0.0, 1.0, 1.0], [0.0, 0.0, 1.0, None])
    repeated = two_arms("size", [1.5, 2.0, 9.0, 4.0], [1.0, 2.5, 3.0, 4.5], repeat=1, cell=9)
    words = two_arms("word", ["x", "y", "x", "x"], ["x", "y", "y", "x"])
    people = two_arms("people", [[1, 2], [2, 2], [3, 3], [1, 1]], [[1, 2], [2, 2], [3, 3], [1, 1]])
    lines = [*right, *repeated, *two_arms("size", [1.0, 2.0, 8.0, 4.0], [1, 2.5, 3, 4]), *words, *people]
    return FakeDesk(sources=sources_of(lines))


def example(**args: Any) -> Example:
    return Example({"of": "score", "resamples": 200, **args}, desk)


CASES: dict[str, dict[str, Any]] = {
    "statistics": {
        "works": [
            example(metrics=METRIC),
            example(metrics={"m": {"score": "size", "estimate": "median", "where": {"model": "a"}}}, of=["score"]),
            example(comparisons={"c": SIZE, "d": {**SIZE, "test": "wilcoxon"}}, correction="benjamini_hochberg"),
            example(comparisons={"c": {"score": "right", "between": {"model": ["a", "b"]}}}, confidence=0.9),
            example(agreement={"a": {"score": "word", "by": "model"}, "b": {"ratings": "people", "level": "ordinal"}}),
        ],
        "refused": [
            {"of": "score"},
            {"metrics": METRIC},
            {"of": "score", "metrics": {"m": {}}},
            {"of": "score", "metrics": METRIC, "resamples": 10},
            {"of": "score", "metrics": METRIC, "correction": "bonferroni"},
            {"of": "score", "comparisons": {"c": {**SIZE, "between": {"model": ["a"]}}}},
            {"of": "score", "agreement": {"a": {"by": "model"}}},
        ],
        "fails": [
            Failure("no_such_score", example(metrics={"m": {"score": "rigth"}})),
            Failure("no_such_factor", example(metrics={"m": {"score": "right", "by": ["modle"]}})),
            Failure("no_such_value", example(comparisons={"c": {**SIZE, "between": {"model": ["a", "c"]}}})),
            Failure("same_arms", example(comparisons={"c": {**SIZE, "between": {"model": ["a", "a"]}}})),
            Failure("score_type", example(metrics={"m": {"score": "word"}})),
            Failure("not_a_rate", example(metrics={"m": {"score": "size", "estimate": "rate"}})),
            Failure("test_unfit", example(comparisons={"c": {**SIZE, "test": "mcnemar"}})),
            Failure("no_value", example(of="nothing", metrics=METRIC)),
        ],
    }
}


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
def test_the_operation_of_statistics_keeps_the_contract(check: Check, name: str) -> None:
    operation = plugins.load(plugins.OPERATIONS, name, "operation")
    assert operation.name == name
    check(Case(operation, **CASES[name]))

"""The harness of the benchmarks: turns, medians and verdicts."""

from __future__ import annotations

import json
from collections.abc import Callable

from benchmarks.__main__ import for_people
from benchmarks.measure import Result, in_turns


def result(value: float, limit: float) -> Result:
    return Result(
        name="sample",
        value=value,
        unit="ratio",
        limit=limit,
        ratio=value,
        medians={"awo (ms)": 24.0, "floor (ms)": 12.0},
        versions={"awo": "2"},
        rounds=3,
    )


def test_sides_take_turns_and_the_first_turn_does_not_count() -> None:
    order: list[str] = []

    def side(name: str, figures: list[float]) -> Callable[[], float]:
        def figure() -> float:
            order.append(name)
            return figures.pop(0)

        return figure

    medians = in_turns({"a": side("a", [99.0, 1.0, 5.0, 2.0]), "b": side("b", [99.0, 7.0, 8.0, 9.0])}, rounds=3)
    assert medians == {"a": 2.0, "b": 8.0}
    assert "".join(order) == "baabbaab"


def test_a_figure_at_its_limit_is_within_and_one_above_is_over() -> None:
    assert result(3.0, 3.0).is_within
    assert not result(3.1, 3.0).is_within
    assert "OVER the limit of 3" in for_people(result(3.1, 3.0))


def test_the_object_of_a_benchmark_has_what_the_design_asks_for() -> None:
    said = json.loads(json.dumps(result(2.0, 3.0).as_dict()))
    assert {"name", "ratio", "limit", "medians", "versions"} <= said.keys()
    assert said["within"] is True

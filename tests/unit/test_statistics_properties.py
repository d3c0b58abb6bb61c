"""What holds of statistics whatever the scores are: order, signs, bounds, seeds, and the written form."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.unit.scored import line, sources_of, statistics
from tests.unit.shapes import strategy_for

from awo.derive.statistics.args import StatisticsArgs
from awo.derive.statistics.step import computed
from awo.evidence.scores import ScoreLine
from awo.evidence.statistics import StatisticsValue

ASKED: dict[str, Any] = {
    "metrics": {
        "rate": {"score": "right", "by": ["model"]},
        "mean": {"score": "size", "by": ["model", "repeat"]},
        "middle": {"score": "size", "estimate": "median"},
        "drawn": {"score": "grade", "interval": "bootstrap"},
    },
    "comparisons": {
        "better": {"score": "right", "between": {"model": ["a", "b"]}},
        "larger": {"score": "size", "between": {"model": ["b", "a"]}, "test": "wilcoxon"},
        "higher": {"score": "grade", "between": {"model": ["a", "b"]}, "test": "paired_bootstrap"},
        "again": {"score": "size", "between": {"model": ["a", "b"]}},
    },
    "agreement": {
        "words": {"score": "word", "by": "model"},
        "people": {"ratings": "people", "score": "grade", "by": "model", "level": "ordinal"},
    },
}

NUMBERS = st.none() | st.floats(-1e6, 1e6).map(lambda number: round(number, 3))


@st.composite
def answers(draw: st.DrawFn) -> list[ScoreLine]:
    """Answers of two models to some items, some of them more than once."""
    made = []
    for item in range(draw(st.integers(1, 5))):
        people = draw(st.lists(st.integers(-3, 3), min_size=2, max_size=2))
        for repeat in range(draw(st.integers(1, 3))):
            for place, model in enumerate("ab"):
                made.append(
                    line(
                        f"i{item}",
                        item * 3 + repeat,
                        answer=place,
                        repeat=repeat,
                        model=model,
                        right=draw(st.sampled_from([0.0, 1.0, None])),
                        grade=draw(st.sampled_from([0.0, 0.25, 1.0])),
                        size=draw(NUMBERS),
                        word=draw(st.sampled_from(["x", "y", None])),
                        people=people,
                    )
                )
    return made


@settings(max_examples=30, deadline=None)
@given(answers(), st.randoms(use_true_random=False))
def test_the_order_of_the_lines_changes_nothing(lines: list[ScoreLine], random: Any) -> None:
    shuffled = list(lines)
    random.shuffle(shuffled)
    assert statistics(shuffled, **ASKED) == statistics(lines, **ASKED)


@settings(max_examples=30, deadline=None)
@given(answers(), st.sampled_from(["auto", "paired_permutation", "paired_bootstrap", "wilcoxon"]))
def test_swapping_the_arms_turns_the_sign_and_nothing_else(lines: list[ScoreLine], test: str) -> None:
    one, other = (
        statistics(lines, comparisons={"c": {"score": "size", "between": {"model": arms}, "test": test}}).comparisons[
            "c"
        ]
        for arms in (["a", "b"], ["b", "a"])
    )
    assert (one.p_value, one.pairs, one.noise) == (other.p_value, other.pairs, other.noise)
    if one.difference is not None:
        assert one.difference == -other.difference  # type: ignore[operator]
    if one.low is not None:
        assert (one.low, one.high) == (-other.high, -other.low)  # type: ignore[operator]
    for mine, theirs in zip(one.effect_sizes, other.effect_sizes, strict=True):
        assert mine.value == (None if theirs.value is None else pytest.approx(-theirs.value, abs=1e-12))


@settings(max_examples=30, deadline=None)
@given(answers())
def test_numbers_lie_where_they_must(lines: list[ScoreLine]) -> None:
    found = statistics(lines, **ASKED)
    for metric in found.metrics.values():
        for one in (metric.total, *metric.groups.values()):
            assert one.missing <= one.n
            assert (one.low is None) == (one.high is None)
            assert one.value is not None or one.why
            if one.value is not None and one.low is not None and one.high is not None:
                near = 1e-9 * (1 + abs(one.value))
                assert one.low - near <= one.value <= one.high + near
    for compared in found.comparisons.values():
        if compared.p_value is not None:
            assert compared.p_adjusted is not None
            assert 0 < compared.p_value <= compared.p_adjusted <= 1
        else:
            assert compared.why
        if compared.noise.smallest_p is not None:
            assert 0 < compared.noise.smallest_p <= 1
        assert (compared.noise.spread is None) or compared.noise.repeats >= 3
    for agreed in found.agreement.values():
        assert agreed.value is not None or agreed.why
        assert agreed.value is None or agreed.value <= 1


@settings(max_examples=30, deadline=None)
@given(answers())
def test_the_value_is_plain_json_without_nan(lines: list[ScoreLine]) -> None:
    value = statistics(lines, **ASKED)
    assert msgspec.json.decode(msgspec.json.encode(value), type=StatisticsValue) == value
    assert msgspec.to_builtins(value) == msgspec.json.decode(msgspec.json.encode(value))


@given(strategy_for(StatisticsValue))
def test_a_value_of_statistics_that_is_written_reads_back(value: StatisticsValue) -> None:
    assert msgspec.json.decode(msgspec.json.encode(value), type=StatisticsValue) == value


def drawn(seed: int, name: str = "m", step: str = "stats") -> Any:
    lines = [line(f"i{number}", number, size=number**1.5) for number in range(20)]
    given = {"of": "score", "resamples": 300, "metrics": {name: {"score": "size", "interval": "bootstrap"}}}
    sources = sources_of(lines, seed=seed)
    sources.step = step
    return computed(msgspec.convert(given, StatisticsArgs), sources).value.metrics[name].total


def test_chance_follows_from_the_workflow_the_step_and_the_name() -> None:
    first = drawn(7)
    assert drawn(7) == first
    others = [drawn(8), drawn(7, name="n"), drawn(7, step="other")]
    assert len({one.seed for one in (first, *others)}) == 4
    assert all((one.low, one.high) != (first.low, first.high) for one in others)


def test_a_seed_is_the_one_that_the_specification_says() -> None:
    # printf '[7,"stats","metrics","m"]' | sha256sum, the first 13 digits
    assert drawn(7).seed == int("212fb942547a1", 16)


@pytest.mark.parametrize(
    "args",
    [
        {},
        {"metrics": {"m": {"score": ""}}},
        {"metrics": {"": {"score": "x"}}},
        {"metrics": {"a b": {"score": "x"}}},
        {"metrics": {"m": {"score": "x", "by": ["a", "a"]}}},
        {"metrics": {"m": {"score": "x", "estimate": "mean", "interval": "wilson"}}},
        {"metrics": {"m": {"score": "x", "estimate": "median", "interval": "t"}}},
        {"comparisons": {"c": {"score": "x", "between": {"model": ["a"]}}}},
        {"comparisons": {"c": {"score": "x", "between": {"model": ["a", "b"], "item": ["a", "b"]}}}},
        {"comparisons": {"c": {"score": "x", "between": {}}}},
        {"agreement": {"a": {}}},
        {"agreement": {"a": {"score": "x"}}},
        {"agreement": {"a": {"ratings": "x", "by": "model"}}},
        {"agreement": {"a": {"ratings": "x", "level": "ordinal", "coefficient": "fleiss_kappa"}}},
        {"metrics": {"m": {"score": "x"}}, "confidence": 1.0},
        {"metrics": {"m": {"score": "x"}}, "confidence": 0.4},
        {"metrics": {"m": {"score": "x"}}, "resamples": 99},
        {"metrics": {"m": {"score": "x"}}, "resamples": 1_000_001},
        {"metrics": {"m": {"score": "x"}}, "of": ["a", "a"]},
        {"metrics": {"m": {"score": "x"}}, "of": []},
    ],
)
def test_arguments_that_mean_nothing_are_refused(args: dict[str, Any]) -> None:
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert({"of": "score", **args}, StatisticsArgs)

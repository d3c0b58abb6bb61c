"""Metrics: rates, means and medians with their intervals, held against SciPy, statsmodels and worked examples."""

from __future__ import annotations

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats
from statsmodels.stats.proportion import proportion_confint
from tests.unit.scored import line, lines_of, statistics

from awo.derive.statistics.medians import clustered_medians, weighted_medians
from awo.derive.statistics.resampling import (
    bounds,
    generator,
    resampled,
    resampled_median,
    resampled_ratio,
    units_of,
    weights,
)
from awo.evidence.statistics import Estimate, MetricResult

MANY = 40_000


def metric(lines: object, **args: object) -> MetricResult:
    return statistics(lines, metrics={"m": args}, resamples=2_000).metrics["m"]  # type: ignore[arg-type]


def total(lines: object, **args: object) -> Estimate:
    return metric(lines, **args).total


def test_the_rate_of_a_test_has_the_wilson_interval_of_the_textbook() -> None:
    found = total(lines_of("right", [1.0] * 81 + [0.0] * 182), score="right")
    assert found.interval == "wilson"
    assert found.value == pytest.approx(81 / 263)
    # Newcombe 1998 (Statistics in Medicine 17:857), table I, method 3: 81 of 263
    assert (found.low, found.high) == pytest.approx((0.2553, 0.3662), abs=5e-5)


@pytest.mark.parametrize(("right", "n"), [(0, 1), (1, 1), (0, 20), (20, 20), (1, 29), (15, 148)])
def test_a_rate_has_the_interval_that_statsmodels_gives(right: int, n: int) -> None:
    found = total(lines_of("right", [1.0] * right + [0.0] * (n - right)), score="right")
    low, high = proportion_confint(right, n, 0.05, method="wilson")
    assert (found.low, found.high) == pytest.approx((low, high), abs=1e-12)
    assert found.seed is None


def test_the_mean_of_a_measure_has_the_t_interval_that_scipy_gives() -> None:
    values = [3.1, 2.7, 4.4, 1.9, 3.3, 8.0]
    found = total(lines_of("size", values), score="size")
    low, high = stats.t.interval(0.95, len(values) - 1, loc=np.mean(values), scale=stats.sem(values))
    assert found.interval == "t"
    assert (found.value, found.sd) == pytest.approx((np.mean(values), np.std(values, ddof=1)))
    assert (found.low, found.high) == pytest.approx((low, high))


def test_values_that_are_all_the_same_have_an_interval_of_no_width() -> None:
    found = total(lines_of("size", [2.0] * 5), score="size")
    assert (found.value, found.low, found.high, found.sd) == (2.0, 2.0, 2.0, 0.0)
    assert found.why == "the answers do not differ, so the interval has no width"


def test_a_rate_of_1_over_repeats_is_no_certainty() -> None:
    answers = [
        line(f"i{item}", item * 3 + repeat, right=1.0, repeat=repeat) for item in range(8) for repeat in range(3)
    ]
    found = total(answers, score="right")
    low, high = proportion_confint(8, 8, 0.05, method="wilson")
    assert (found.interval, found.seed) == ("wilson", None)
    assert (found.low, found.high) == pytest.approx((low, high))
    assert found.why == "all answers came out the same, so the interval is Wilson's over items"


def test_a_bootstrap_of_the_mean_comes_out_as_that_of_scipy() -> None:
    values = np.random.default_rng(1).lognormal(size=60)
    found = total(lines_of("size", values.tolist()), score="size", interval="bootstrap")
    theirs = stats.bootstrap(
        (values,), np.mean, n_resamples=MANY, method="percentile", rng=np.random.default_rng(2)
    ).confidence_interval
    assert found.seed is not None
    assert found.low == pytest.approx(theirs.low, rel=0.03)
    assert found.high == pytest.approx(theirs.high, rel=0.03)


@pytest.mark.parametrize("size", [2, 3, 10, 25, 26])
def test_the_bootstrap_of_a_median_is_distributed_as_drawn_samples_are(size: int) -> None:
    values = np.arange(size, dtype=np.float64) ** 2
    ours = resampled_median(generator(1), values, MANY)
    drawn = np.median(np.random.default_rng(2).choice(values, (MANY, size)), axis=1)
    values_there, counts = np.unique(drawn, return_counts=True)
    for value, count in zip(values_there, counts, strict=True):
        assert np.mean(ours == value) == pytest.approx(count / MANY, abs=0.012)


@given(
    st.lists(st.tuples(st.integers(0, 4), st.sampled_from([0.0, 1.0, 2.5, 7.0])), min_size=2, max_size=40),
    st.integers(0, 99),
)
def test_medians_of_drawn_items_are_those_of_their_values(pairs: list[tuple[int, float]], seed: int) -> None:
    values = np.array([value for _, value in pairs])
    _, items = np.unique([item for item, _ in pairs], return_inverse=True)
    drawn = np.random.default_rng(seed).multinomial(items.max() + 1, [1 / (items.max() + 1)] * (items.max() + 1), 20)
    expected = [np.median(np.repeat(values, row[items])) for row in drawn]
    assert clustered_medians(values, items)(drawn.astype(float)).tolist() == pytest.approx(expected)
    order = np.argsort(values)
    assert weighted_medians(values[order], drawn[:, items[order]].astype(float)) == pytest.approx(expected)


def test_medians_far_from_the_middle_are_found_too() -> None:
    values, items = np.arange(4_000.0), np.repeat([0, 1], 2_000)
    drawn = np.array([[2.0, 0.0], [0.0, 2.0], [1.0, 1.0]])
    assert clustered_medians(values, items)(drawn).tolist() == [999.5, 2_999.5, 1_999.5]


def test_repeats_of_an_item_are_drawn_together() -> None:
    answers = [
        line(f"i{item}", item * 4 + repeat, right=float(item % 2), repeat=repeat)
        for item in range(30)
        for repeat in range(4)
    ]
    found = total(answers, score="right")
    assert found.interval == "cluster_bootstrap"
    assert (found.n, found.items) == (120, 30)
    alone = total(lines_of("right", [float(item % 2) for item in range(30)]), score="right", interval="bootstrap")
    assert found.high is not None
    assert alone.high is not None
    assert found.high == pytest.approx(alone.high, abs=0.03)  # four copies of an item say no more than one
    assert found.high - 0.5 > 1.5 * 1.96 * (0.25 / 120) ** 0.5


def test_a_cluster_bootstrap_draws_items_of_different_sizes_whole() -> None:
    sizes = [1, 5, 2, 9, 3, 4, 1, 2, 6, 2]
    answers = [
        line(f"i{item}", item * 10 + repeat, size=float(item), repeat=repeat)
        for item, size in enumerate(sizes)
        for repeat in range(size)
    ]
    found = total(answers, score="size")
    chosen = np.random.default_rng(3).integers(0, 10, (MANY, 10))
    means = (np.arange(10) * np.array(sizes))[chosen].sum(axis=1) / np.array(sizes)[chosen].sum(axis=1)
    low, high = np.quantile(means, [0.025, 0.975])
    assert (found.low, found.high) == pytest.approx((low, high), abs=0.15)


def test_groups_have_their_own_numbers_and_the_values_that_make_them() -> None:
    answers = [
        line(f"i{item}", item * 4 + place, right=float(model == "b"), model=model, matrix={"heat": heat}, answer=place)
        for item in range(5)
        for place, (model, heat) in enumerate([("a", 0), ("a", 1.5), ("b", 0), ("b", 1.5)])
    ]
    found = metric(answers, score="right", by=["model", "heat"])
    assert list(found.groups) == ["a/0", "a/1.5", "b/0", "b/1.5"]
    assert found.groups["b/1.5"].group == {"model": "b", "heat": 1.5}
    assert [one.value for one in found.groups.values()] == [0, 0, 1, 1]
    assert {one.interval for one in found.groups.values()} == {"wilson"}


def test_groups_whose_texts_look_alike_are_kept_apart() -> None:
    answers = [
        line("i0", 0, right=1.0, matrix={"x": "a/b", "y": "c"}),
        line("i0", 1, right=0.0, matrix={"x": "a", "y": "b/c"}),
    ]
    found = metric(answers, score="right", by=["x", "y"])
    assert {key: one.value for key, one in found.groups.items()} == {"a/b/c": 1.0, '["a","b/c"]': 0.0}
    spells_a_key = line("i0", 0, right=1.0, matrix={"x": '["a","b', "y": 'c"]'})
    answers = [spells_a_key, *(msgspec.structs.replace(one, cell=one.cell + 1) for one in answers)]
    found = metric(answers, score="right", by=["x", "y"])
    assert list(found.groups) == ['["a","b/c"]', "a/b/c", '[["a","b/c"]]']


@pytest.mark.parametrize("interval", ["t", "bootstrap"])
def test_numbers_that_are_the_same_have_no_spread_even_where_their_mean_is_rounded(interval: str) -> None:
    found = total(lines_of("size", [0.1] * 3), score="size", interval=interval)
    assert found.sd == 0
    assert found.why.endswith("so the interval has no width")


def test_only_what_fits_where_is_counted() -> None:
    answers = [
        line(f"i{n}", n, right=float(n < 3), repeat=n % 2, groups={"topic": ["x", "y"][n % 2]}) for n in range(8)
    ]
    assert total(answers, score="right", where={"topic": "y"}).n == 4
    assert total(answers, score="right", where={"repeat": 0.0, "topic": "x"}).value == 0.5


def test_a_failed_answer_counts_as_nothing_right_and_is_left_out_of_a_measure() -> None:
    answers = [*lines_of("right", [1.0, 1.0, 0.0]), line("i3", 3, right=None, status="failed")]
    found = total(answers, score="right")
    assert (found.value, found.n, found.missing) == (0.5, 4, 1)
    measured = [*lines_of("size", [1.0, 2.0, 6.0]), line("i3", 3, size=None, status="failed")]
    found = total(measured, score="size")
    assert (found.value, found.n, found.missing) == (3.0, 4, 1)


# --- what the draws are -------------------------------------------------------------------------------


def test_few_patterns_and_single_units_are_drawn_alike() -> None:
    """A unit is drawn as often, whether it is counted with its likes or alone."""
    values = np.repeat([0.0, 1.0, 5.0], [300, 60, 40])
    rows = np.stack([values, np.ones(400)], axis=1)
    patterns = units_of(rows)
    assert len(patterns.counts) == 3
    alone = units_of(np.stack([values + np.linspace(0, 1e-9, 400), np.ones(400)], axis=1))
    assert len(alone.counts) == 400
    ours, theirs = (resampled_ratio(generator(5), units, MANY) for units in (patterns, alone))
    assert bounds(ours, 0.9) == pytest.approx(bounds(theirs, 0.9), abs=0.01)
    assert ours.std() == pytest.approx(values.std() / 20, rel=0.02)


@pytest.mark.parametrize("counts", [[1] * 50, [30, 50, 20]])
def test_the_draws_do_not_depend_on_how_many_are_made_at_once(
    counts: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    def drawn() -> np.ndarray[tuple[int, ...], np.dtype[np.float64]]:
        return np.concatenate(list(weights(generator(9), np.array(counts), 40)))

    at_once = drawn()
    for limit in ("ENTRIES_AT_ONCE", "DRAWS_AT_ONCE"):
        monkeypatch.setattr(f"awo.derive.statistics.resampling.{limit}", 110)
    assert (drawn() == at_once).all()
    assert (at_once.sum(axis=1) == sum(counts)).all()


def test_the_quick_way_to_a_ratio_is_the_slow_one() -> None:
    rows = np.random.default_rng(4).random((40, 2)) + 1
    units = units_of(rows)
    slow = resampled(
        generator(3), units, lambda drawn: (drawn @ units.patterns[:, 0]) / (drawn @ units.patterns[:, 1]), 200
    )
    assert resampled_ratio(generator(3), units, 200) == pytest.approx(slow)

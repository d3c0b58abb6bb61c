"""Paired comparisons: tests, effect sizes, noise and corrections, held against libraries and worked examples."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats
from statsmodels.stats.contingency_tables import mcnemar
from statsmodels.stats.multitest import multipletests
from statsmodels.stats.proportion import proportion_effectsize
from tests.unit.scored import line, lines_of, statistics, two_arms

from awo.derive.statistics.arms import Pairs
from awo.derive.statistics.resampling import generator, sign_flip_p
from awo.evidence.scores import ScoreLine
from awo.evidence.statistics import Comparison

BETWEEN = {"model": ["a", "b"]}


def compared(lines: list[ScoreLine], *, resamples: int = 2_000, **args: object) -> Comparison:
    given = {"score": "right", "between": BETWEEN, **args}
    return statistics(lines, comparisons={"c": given}, resamples=resamples).comparisons["c"]


def square(both: int, only_a: int, only_b: int, neither: int) -> list[ScoreLine]:
    a = [1.0] * (both + only_a) + [0.0] * (only_b + neither)
    b = [1.0] * both + [0.0] * only_a + [1.0] * only_b + [0.0] * neither
    return two_arms("right", a, b)


def effects(found: Comparison) -> dict[str, float | None]:
    return {effect.name: effect.value for effect in found.effect_sizes}


def test_mcnemar_of_the_textbook() -> None:
    # Agresti, Categorical Data Analysis (2002), table 10.1: approval of the prime minister, 794, 150, 86, 570
    found = compared(square(794, 150, 86, 570))
    assert found.test == "mcnemar"
    assert found.counts == {"both": 794, "only_a": 150, "only_b": 86, "neither": 570}
    assert found.statistic == pytest.approx((150 - 86 - 1) ** 2 / 236)
    assert found.p_value == pytest.approx(stats.chi2.sf(63**2 / 236, 1))
    assert found.difference == pytest.approx(0.04)
    assert effects(found)["odds_ratio"] == pytest.approx(150 / 86)
    assert found.low is not None
    assert found.high is not None
    # the book's Wald interval (0.02, 0.06), which a bootstrap of 1,600 pairs must be near
    assert (found.low, found.high) == pytest.approx((0.021, 0.059), abs=0.004)


@pytest.mark.parametrize("cells", [(5, 0, 0, 5), (3, 4, 1, 2), (0, 24, 0, 9), (10, 12, 12, 0), (1, 13, 12, 1)])
def test_mcnemar_is_exact_for_few_discordant_pairs_and_as_statsmodels_has_it(cells: tuple[int, ...]) -> None:
    both, only_a, only_b, neither = cells
    theirs = mcnemar([[both, only_a], [only_b, neither]], exact=only_a + only_b < 25)
    found = compared(square(*cells))
    assert (found.statistic, found.p_value) == pytest.approx((theirs.statistic, theirs.pvalue))
    if only_a + only_b and only_a + only_b < 25:
        assert found.p_value == pytest.approx(stats.binomtest(only_a, only_a + only_b).pvalue)


def test_few_differences_are_tested_over_all_signs_as_scipy_does() -> None:
    # Box, Hunter and Hunter (1978): boys' shoes, ten pairs of two materials
    a = [13.2, 8.2, 10.9, 14.3, 10.7, 6.6, 9.5, 10.8, 8.8, 13.3]
    b = [14.0, 8.8, 11.2, 14.2, 11.8, 6.4, 9.8, 11.3, 9.3, 13.6]
    found = compared(two_arms("size", a, b), score="size")
    theirs = stats.permutation_test(
        (a, b), lambda x, y: np.mean(x - y), permutation_type="samples", n_resamples=np.inf, vectorized=False
    )
    assert found.test == "paired_permutation"
    assert found.p_value == pytest.approx(theirs.pvalue) == pytest.approx(14 / 1024)
    assert found.difference == pytest.approx(-0.41)
    assert found.counts == {"a_more": 2, "b_more": 8, "equal": 0}


@pytest.mark.parametrize("digits", [0, 9])
def test_many_differences_are_tested_over_random_signs(digits: int) -> None:
    """Rounded differences are drawn as counts, others bit by bit; both come near to Student's t."""
    differences = np.random.default_rng(7).normal(0.35, 4, 600).round(digits)
    p = sign_flip_p(generator(1), differences, 20_000)
    assert p == pytest.approx(stats.ttest_1samp(differences, 0).pvalue, abs=0.012)
    assert p == sign_flip_p(generator(1), -differences, 20_000)


def test_random_signs_are_the_bits_of_the_words_drawn() -> None:
    differences = np.random.default_rng(3).normal(0.3, 1, 70)
    sizes = np.sort(np.abs(differences))
    words = generator(2).integers(0, 2**64, size=(300, 2), dtype=np.uint64)
    signs = np.array([[2 * (int(row[k // 64]) >> k % 64 & 1) - 1 for k in range(70)] for row in words])
    extreme = int(np.count_nonzero(np.abs(signs @ sizes) >= abs(differences.sum())))
    assert extreme > 0
    assert sign_flip_p(generator(2), differences, 300) == (1 + extreme) / 301


def test_nothing_is_more_extreme_than_no_difference() -> None:
    assert sign_flip_p(generator(1), np.zeros(50), 100) == 1
    assert sign_flip_p(generator(1), np.tile([0.1, -0.1], 30), 100) == 1


def test_wilcoxon_is_that_of_scipy() -> None:
    # Wilcoxon 1945, Darwin's plants: the differences in height of 15 pairs, in eighths of an inch
    heights = [49.0, -67.0, 8.0, 16.0, 6.0, 23.0, 28.0, 41.0, 14.0, 29.0, 56.0, 24.0, 75.0, 60.0, -48.0]
    found = compared(two_arms("size", heights, [0.0] * 15), score="size", test="wilcoxon")
    assert (found.statistic, found.p_value) == pytest.approx((24, stats.wilcoxon(heights).pvalue))
    assert found.p_value == pytest.approx(0.0413, abs=5e-5)


def test_the_paired_bootstrap_test_agrees_with_the_others_where_they_must() -> None:
    values = np.random.default_rng(2).normal(0.2, 1, 200)
    lines = two_arms("size", values.tolist(), [0.0] * 200)
    found = compared(lines, score="size", test="paired_bootstrap", resamples=20_000)
    assert found.p_value == pytest.approx(stats.ttest_1samp(values, 0).pvalue, abs=0.01)


def test_effect_sizes_of_means_follow_their_definitions() -> None:
    a, b = np.array([5.0, 7.0, 3.0, 9.0, 6.0]), np.array([4.0, 7.5, 1.0, 6.0, 5.0])
    found = effects(compared(two_arms("size", a.tolist(), b.tolist()), score="size"))
    d = a - b
    pooled = math.sqrt((a.var(ddof=1) + b.var(ddof=1)) / 2)
    u = stats.mannwhitneyu(a, b).statistic
    assert found == {
        "cohens_dz": pytest.approx(stats.ttest_rel(a, b).statistic / math.sqrt(5)),
        "hedges_g": pytest.approx(d.mean() / pooled * (1 - 3 / (4 * 8 - 1))),
        "cliffs_delta": pytest.approx(2 * u / 25 - 1),
    }


def test_effect_sizes_of_rates_follow_their_definitions() -> None:
    found = effects(compared(square(40, 25, 10, 25)))
    assert found["cohens_h"] == pytest.approx(proportion_effectsize(0.65, 0.5))
    assert found["odds_ratio"] == pytest.approx(2.5)
    never = compared(square(5, 3, 0, 2)).effect_sizes[1]
    assert (never.name, never.value, never.why) == ("odds_ratio", None, "no item is 1 in b alone")


def repeated(scores: dict[str, list[list[float]]], name: str = "right") -> list[ScoreLine]:
    """The answers of each model: a list of items for each repeat."""
    return [
        line(f"i{item}", item * 10 + repeat, answer=place, model=model, repeat=repeat, **{name: value})
        for place, (model, repeats) in enumerate(scores.items())
        for repeat, items in enumerate(repeats)
        for item, value in enumerate(items)
    ]


def test_repeats_are_averaged_within_an_item_before_items_are_paired() -> None:
    lines = repeated({"a": [[1.0, 1, 0, 1], [1.0, 0, 0, 1]], "b": [[0.0, 0, 0, 1], [0.0, 1, 0, 0]]})
    found = compared(lines)
    assert (found.pairs, found.test) == (4, "paired_permutation")
    assert (found.a_value, found.b_value) == (0.625, 0.25)
    differences = [1.0, 0.0, 0.0, 0.5]
    theirs = stats.permutation_test(
        (differences,), np.mean, permutation_type="samples", n_resamples=np.inf, vectorized=False
    )
    assert found.p_value == pytest.approx(theirs.pvalue)
    assert compared(lines, where={"repeat": 0}).test == "mcnemar"


def test_thirds_are_tied_however_they_are_rounded() -> None:
    a = [[1.0, 1, 1, 0, 0, 1], [1.0, 0, 1, 0, 0, 1], [1.0, 0, 0, 0, 0, 1]]
    b = [[1.0, 0, 1, 1, 1, 0], [1.0, 0, 0, 0, 1, 1], [0.0, 0, 0, 0, 0, 0]]
    found = compared(repeated({"a": a, "b": b}), test="wilcoxon")
    theirs = stats.wilcoxon(np.sum(a, axis=0) - np.sum(b, axis=0))  # in whole numbers, which are not rounded
    assert found.statistic == theirs.statistic
    assert found.p_value == pytest.approx(theirs.pvalue)


def test_differences_that_only_rounding_tells_apart_have_no_spread() -> None:
    found = compared(two_arms("grade", [0.3, 0.4, 0.5, 0.6], [0.2, 0.3, 0.4, 0.5]), score="grade")
    assert effects(found)["cohens_dz"] is None
    assert (found.low, found.high, found.interval) == (None, None, "none")
    assert "all pairs differ by the same" in found.why
    repeats = {"a": [[0.1], [0.2], [0.3]], "b": [[0.3], [0.1], [0.2]]}
    again = compared(repeated(repeats, "grade"), score="grade")
    assert (again.counts, again.difference) == ({"a_more": 0, "b_more": 0, "equal": 1}, 0)
    assert effects(again)["cliffs_delta"] == 0


def test_small_differences_are_not_taken_for_rounding_beside_large_ones() -> None:
    found = compared(two_arms("size", [1e9, 3e-9, 2e-9], [2e9, 1e-9, 1e-9]), score="size")
    assert found.counts == {"a_more": 2, "b_more": 1, "equal": 0}
    pairs = Pairs(np.array([1e9, 3e-9, 2e-9]), np.array([2e9, 1e-9, 1e-9]), unpaired=0, is_single=True)
    assert pairs.differences.tolist() == pytest.approx([-1e9, 2e-9, 1e-9])


def test_pairs_with_more_answers_in_one_arm_are_said() -> None:
    lines = [
        line("i0", 0, model="a", size=1.0, matrix={"prompt": "short"}),
        line("i0", 1, model="a", size=9.0, matrix={"prompt": "long"}),
        line("i0", 0, answer=1, model="b", size=1.0, matrix={"prompt": "short"}),
        line("i0", 1, answer=1, model="b", size=None, status="failed", matrix={"prompt": "long"}),
    ]
    assert "of 1 of the pairs one arm has more answers" in compared(lines, score="size").why
    assert "more answers" not in compared(lines[:1] + lines[2:3], score="size").why


def test_a_repeat_with_several_answers_of_an_item_is_not_put_to_mcnemar() -> None:
    ones = {"a": [[1.0, 1, 0, 1]], "b": [[0.0, 0, 0, 1]]}
    extra = [line(f"i{n}", 9 + n + 4 * k, model="a", repeat=1, right=float(k)) for n in range(4) for k in (0, 1)]
    found = compared([*repeated(ones), *extra], where={"repeat": 0}, test="mcnemar")
    assert (found.test, found.noise.pairs) == ("mcnemar", 1)
    assert (
        found.noise.smallest_p
        == stats.permutation_test(
            ([0.5, 0.5, -0.5, 0.5],), np.mean, permutation_type="samples", n_resamples=np.inf, vectorized=False
        ).pvalue
    )


def test_the_noise_floor_is_each_arm_against_itself_between_repeats() -> None:
    a = [[1.0, 1, 0, 1], [1.0, 0, 0, 1], [0.0, 0, 0, 1]]
    lines = repeated({"a": a, "b": [[0.0, 0, 0, 1], [0.0, 1, 0, 0], [1.0, 1, 1, 1]]})
    noise = compared(lines).noise
    assert (noise.repeats, noise.pairs, noise.why) == (3, 6, "")
    rates = ([0.75, 0.5, 0.25], [0.25, 0.25, 1.0])
    differences = [x[i] - x[j] for x in rates for i in range(3) for j in range(i + 1, 3)]
    assert noise.largest == pytest.approx(0.75)
    assert noise.spread == pytest.approx(math.sqrt(np.mean(np.square(differences))))
    assert noise.spread == pytest.approx(math.sqrt(np.var(rates[0], ddof=1) + np.var(rates[1], ddof=1)))
    assert noise.smallest_p == pytest.approx(stats.binomtest(0, 3).pvalue)  # b gains three items, and loses none


def test_the_noise_floor_looks_at_all_repeats_where_the_comparison_looks_at_one() -> None:
    lines = repeated({"a": [[1.0, 1], [1.0, 0], [0.0, 0]], "b": [[0.0, 1], [0.0, 1], [0.0, 1]]})
    found = compared(lines, where={"repeat": 0})
    assert (found.test, found.noise.repeats, found.noise.pairs) == ("mcnemar", 3, 6)


def test_no_spread_is_said_of_two_repeats_and_no_noise_of_one() -> None:
    two = compared(repeated({"a": [[1.0, 1], [1.0, 0]], "b": [[0.0, 1], [0.0, 1]]})).noise
    assert (two.repeats, two.largest, two.spread) == (2, 0.5, None)
    assert two.why == "no spread is said of fewer than 3 repeats"
    one = compared(square(1, 2, 3, 4)).noise
    assert (one.repeats, one.pairs, one.largest, one.spread, one.smallest_p) == (1, 0, None, None, None)
    assert one.why == "each arm was asked once: two repeats are needed"


def test_a_model_that_always_says_the_same_has_no_noise() -> None:
    noise = compared(repeated({"a": [[1.0, 0, 1]] * 3, "b": [[0.0, 0, 1]] * 3})).noise
    assert (noise.largest, noise.spread, noise.smallest_p) == (0, 0, 1)


def test_an_answer_that_failed_is_wrong_in_a_test_and_no_pair_in_a_measure() -> None:
    lines = two_arms("right", [1.0, 1.0, 0.0], [1.0, None, 0.0])
    found = compared(lines)
    assert (found.pairs, found.unpaired, found.missing) == (3, 0, 1)
    assert found.b_value == pytest.approx(1 / 3)
    found = compared(two_arms("size", [1.0, 1.0, 0.0], [1.0, None, 0.0]), score="size")
    assert (found.pairs, found.unpaired, found.missing, found.b_value) == (2, 1, 1, 0.5)


def test_an_item_that_one_arm_never_saw_is_unpaired() -> None:
    lines = [*lines_of("right", [1.0, 0.0, 1.0], model="a"), *lines_of("right", [0.0, 0.0], model="b", answer=1)]
    found = compared(lines)
    assert (found.pairs, found.unpaired, found.difference) == (2, 1, 0.5)


@pytest.mark.parametrize(("correction", "method"), [("holm", "holm"), ("benjamini_hochberg", "fdr_bh")])
def test_p_values_are_corrected_within_their_family(correction: str, method: str) -> None:
    a, b = square(5, 9, 1, 5), square(5, 8, 2, 5)
    lines = [msg for place, part in enumerate((a, b)) for msg in relabelled(part, place)]
    given = {
        "one": {"score": "right", "between": BETWEEN, "where": {"topic": 0}},
        "two": {"score": "right", "between": BETWEEN, "where": {"topic": 1}},
        "both": {"score": "right", "between": BETWEEN},
        "other": {"score": "right", "between": BETWEEN, "family": "alone"},
    }
    found = statistics(lines, comparisons=given, correction=correction).comparisons
    ps = [found[name].p_value for name in ("one", "two", "both")]
    theirs = multipletests(ps, method=method)[1]
    assert [found[name].p_adjusted for name in ("one", "two", "both")] == pytest.approx(theirs.tolist())
    assert found["other"].p_adjusted == found["other"].p_value
    assert statistics(lines, comparisons=given, correction="none").comparisons["one"].p_adjusted == ps[0]


def relabelled(lines: list[ScoreLine], topic: int) -> list[ScoreLine]:
    """The same lines, about other items of their own topic."""
    return [
        line(
            f"{one.item}-{topic}",
            one.cell + 100 * topic,
            answer=one.answer,
            model=one.model,
            scores=one.scores,
            groups={"topic": topic},
        )
        for one in lines
    ]

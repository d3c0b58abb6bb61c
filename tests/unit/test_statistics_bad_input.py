"""Bad input to statistics: a defined result with its reason, or one clear error; never a silent 0."""

from __future__ import annotations

import sys
from typing import Any

import msgspec
import pytest
from tests.unit.scored import line, lines_of, sources_of, statistics, two_arms, value_of

from awo.canon.json import encode_sorted
from awo.derive.statistics.args import StatisticsArgs
from awo.derive.statistics.step import computed
from awo.errors import CannotCheck, StepFailed
from awo.evidence.statistics import Agreement, Comparison, Estimate
from awo.testing.fake_sources import FakeSources

BETWEEN = {"model": ["a", "b"]}
LINES = two_arms("right", [1.0, 0.0, 1.0], [0.0, 0.0, 1.0])


def total(lines: Any, **args: Any) -> Estimate:
    return statistics(lines, metrics={"m": args}).metrics["m"].total


def compared(lines: Any, **args: Any) -> Comparison:
    return statistics(lines, comparisons={"c": {"between": BETWEEN, **args}}).comparisons["c"]


def agreed(lines: Any, **args: Any) -> Agreement:
    return statistics(lines, agreement={"a": args}).agreement["a"]


def spelled(item: str, number: int, score: str) -> bytes:
    """A line whose `size` is this text, whatever it is."""
    return encode_sorted(line(item, number, size=77.5)).replace(b"77.5", score.encode()) + b"\n"


# --- null, and why ------------------------------------------------------------------------------------


def test_a_metric_over_nothing_is_null_and_says_why() -> None:
    for lines, why in (([], "no answer has this score"), (lines_of("grade", [1.0]), "no answer has this score")):
        found = total(lines, score="right")
        assert (found.value, found.low, found.high, found.sd, found.n) == (None, None, None, None, 0)
        assert (found.interval, found.seed, found.why) == ("none", None, why)


def test_a_value_that_nothing_has_is_named_with_its_neighbour() -> None:
    found = total(lines_of("right", [1.0], model="small"), score="right", where={"model": "smal"})
    assert (found.value, found.why) == (None, "no answer has model = 'smal'; 'small' is near")
    both = total(LINES, score="right", where={"model": "a", "item": "i1", "repeat": 0})
    assert (both.value, both.n) == (0.0, 1)


def test_a_measure_that_nobody_could_take_is_null() -> None:
    found = total(lines_of("size", [None, None]), score="size")
    assert (found.value, found.n, found.missing) == (None, 2, 2)
    assert found.why == "every answer failed or has no score"


@pytest.mark.parametrize("text", ["NaN", "Infinity", "-Infinity", "1e999", "-" + "9" * 400, "9" * 5_000])
def test_a_number_that_no_float_can_be_is_missing_and_is_said(text: str) -> None:
    found = total([spelled("i0", 0, "3.0"), spelled("i1", 1, text), spelled("i2", 2, "5")], score="size")
    assert (found.value, found.n, found.missing) == (4.0, 3, 1)
    assert found.why == "1 of the scores are numbers that cannot be computed with, and count as missing"


def test_a_large_whole_number_is_a_number() -> None:
    assert total([spelled("i0", 0, str(10**18)), spelled("i1", 1, str(10**18))], score="size").value == 1e18


def test_numbers_that_overflow_when_added_are_null_and_not_infinite() -> None:
    lines = two_arms("size", [1.7e308] * 4, [-1.7e308] * 4)
    found = total(lines, score="size", where={"model": "a"})
    assert (found.value, found.why) == (None, "the numbers are too large to compute with")
    pair = compared(lines, score="size")
    assert (pair.difference, pair.p_value, pair.test) == (None, None, "none")
    assert pair.why == "the numbers are too large to compute with"
    people = [line(f"i{n}", n, people=[1.7e308 * (-1) ** n, 1.0]) for n in range(4)]
    assert agreed(people, ratings="people", level="interval").value is None


@pytest.mark.parametrize("test", ["paired_permutation", "paired_bootstrap", "wilcoxon"])
def test_noise_that_overflows_has_no_p_value(test: str) -> None:
    lines = [
        line(f"i{item}", 3 * item + repeat, answer=place, repeat=repeat, model=model, size=size)
        for item in range(4)
        for repeat, sizes in enumerate([(1.7e308, 0.0), (-1.7e308, 0.0), (0.0, 0.0)])
        for place, (model, size) in enumerate(zip("ab", sizes, strict=True))
    ]
    noise = compared(lines, score="size", test=test).noise
    assert (noise.pairs, noise.largest, noise.spread, noise.smallest_p) == (6, None, None, None)
    assert noise.why == "the numbers are too large to compute with"


def test_a_factor_that_no_float_can_be_is_null() -> None:
    raw = encode_sorted(line("i0", right=1.0, groups={"g": "?"})).replace(b'"?"', b"1e999")
    found = statistics([raw + b"\n"], metrics={"m": {"score": "right", "by": ["g"]}}).metrics["m"]
    assert {key: one.group for key, one in found.groups.items()} == {"null": {"g": None}}


def test_one_answer_has_no_spread() -> None:
    found = total(lines_of("size", [4.0]), score="size")
    assert (found.value, found.low, found.sd, found.why) == (4.0, None, None, "one answer has no spread")


def test_no_spread_is_said_of_two_repeats_of_one_item() -> None:
    two = [line("i0", repeat, size=float(repeat), repeat=repeat) for repeat in range(2)]
    found = total(two, score="size", interval="t")
    assert (found.value, found.low, found.sd) == (0.5, None, None)
    assert found.why == "no spread is said of fewer than 3 repeats of one item"


def test_repeats_of_one_item_say_nothing_of_how_items_differ() -> None:
    answers = [line("i0", repeat, right=1.0, repeat=repeat) for repeat in range(5)]
    found = total(answers, score="right")
    assert (found.value, found.low) == (1.0, None)
    assert found.why == "all answers are of one item, so nothing says how items differ"
    assert total(answers, score="right", interval="wilson").low is not None


def test_arms_without_an_item_in_both_are_not_compared() -> None:
    lines = [line("x", 0, right=1.0, model="a"), line("y", 1, right=0.0, model="b")]
    found = compared(lines, score="right")
    assert (found.pairs, found.unpaired, found.difference, found.p_value, found.p_adjusted) == (0, 2, None, None, None)
    assert (found.test, found.effect_sizes, found.why) == ("none", [], "no item has a number in both arms")


def test_one_pair_has_no_interval() -> None:
    found = compared(two_arms("size", [2.0], [1.0]), score="size", test="paired_bootstrap")
    assert (found.difference, found.low, found.p_value, found.why) == (1.0, None, None, "one pair has no spread")


def test_arms_that_never_differ_have_no_ranks_and_no_standardised_effect() -> None:
    found = compared(two_arms("size", [2.0, 3.0], [2.0, 3.0]), score="size", test="wilcoxon")
    assert (found.difference, found.low, found.high, found.interval, found.p_value) == (0.0, None, None, "none", None)
    assert found.why == (
        "all pairs differ by the same, so nothing says how far others would; all pairs are equal, so there are no ranks"
    )
    assert found.effect_sizes[0].value is None
    assert found.effect_sizes[0].why == "there is no spread to measure the difference by"


@pytest.mark.parametrize("coefficient", ["krippendorff_alpha", "fleiss_kappa", "cohen_kappa"])
def test_ratings_that_are_all_equal_have_no_agreement_beyond_chance(coefficient: str) -> None:
    found = agreed([line(f"i{n}", n, people=[3, 3]) for n in range(4)], ratings="people", coefficient=coefficient)
    assert (found.value, found.low, found.items, found.ratings) == (None, None, 4, 8)
    assert found.why == found.pairs[0].why == "all ratings are the same, so chance alone explains them"


@pytest.mark.parametrize(
    ("people", "why"),
    [
        ([[1], [2]], "one rater has nobody to agree with"),
        ([[], []], "there are no raters"),
        ([[1, None], [None, 2]], "no item has two ratings"),
        ([[1, float("nan")], [2, ""]], "no item has two ratings"),
    ],
)
def test_raters_who_do_not_meet_have_no_agreement(people: list[list[Any]], why: str) -> None:
    lines = [line(f"i{n}", n, people=given) for n, given in enumerate(people)]
    found = agreed(lines, ratings="people")
    assert (found.value, found.why) == (None, why)


def test_cohens_kappa_of_three_raters_points_to_the_pairs() -> None:
    lines = [line(f"i{n}", n, people=[n % 2, n % 2, 1]) for n in range(4)]
    found = agreed(lines, ratings="people", coefficient="cohen_kappa")
    assert found.value is None
    assert found.why == "Cohen's kappa is of two raters, and there are 3; of every two see `pairs`"
    assert found.pairs[0].value == 1.0


def test_words_are_no_ratings_where_distances_count() -> None:
    lines = [line(f"i{n}", n, people=["good", n, n]) for n in range(3)]
    found = agreed(lines, ratings="people", level="interval")
    assert (found.value, found.ratings) == (1.0, 6)


def test_one_item_has_no_interval_of_agreement() -> None:
    found = agreed([line("i0", 0, people=[1, 2, 2])], ratings="people")
    assert found.value is not None
    assert (found.low, found.why) == (None, "one item has no spread")


# --- one clear error ----------------------------------------------------------------------------------


def failure(lines: Any = LINES, **args: Any) -> StepFailed:
    with pytest.raises(StepFailed) as caught:
        statistics(lines, **args)
    return caught.value


def test_a_score_that_no_step_has_is_an_error_with_the_nearest() -> None:
    error = failure(metrics={"m": {"score": "rihgt"}})
    assert (error.code, error.where, error.hint) == ("no_such_score", "step stats, metrics.m", "did you mean 'right'?")


@pytest.mark.parametrize(
    "args",
    [
        {"metrics": {"m": {"score": "right", "by": ["modle"]}}},
        {"metrics": {"m": {"score": "right", "where": {"modle": "a"}}}},
        {"comparisons": {"c": {"score": "right", "between": {"modle": ["a", "b"]}}}},
        {"agreement": {"a": {"score": "right", "by": "modle"}}},
    ],
)
def test_a_factor_that_no_line_has_is_an_error_with_the_nearest(args: Any) -> None:
    error = failure(**args)
    assert (error.code, error.hint) == ("no_such_factor", "did you mean 'model'?")


def test_an_arm_that_no_line_has_is_an_error() -> None:
    error = failure(comparisons={"c": {"score": "right", "between": {"model": ["a", "c"]}}})
    assert (error.code, error.expected) == ("no_such_value", "a, b")


@pytest.mark.parametrize(
    ("code", "args"),
    [
        ("same_arms", {"comparisons": {"c": {"score": "right", "between": {"repeat": [1, 1.0]}}}}),
        ("score_type", {"metrics": {"m": {"score": "word"}}}),
        ("score_type", {"comparisons": {"c": {"score": "people", "between": BETWEEN}}}),
        ("score_type", {"agreement": {"a": {"score": "word", "by": "model", "level": "ordinal"}}}),
        ("score_type", {"agreement": {"a": {"ratings": "right"}}}),
    ],
)
def test_names_that_do_not_fit_are_errors(code: str, args: Any) -> None:
    assert failure(**args).code == code


def test_a_rate_of_what_is_not_0_or_1_is_an_error() -> None:
    error = failure(lines_of("grade", [0.5, 1.0]), metrics={"m": {"score": "grade", "estimate": "rate"}})
    assert (error.code, error.hint) == ("not_a_rate", "say `estimate: mean`")


def test_mcnemar_over_several_answers_of_an_item_is_an_error() -> None:
    lines = [*LINES, *two_arms("right", [1.0, 0.0, 1.0], [0.0, 0.0, 1.0], repeat=1)]
    error = failure(lines, comparisons={"c": {"score": "right", "between": BETWEEN, "test": "mcnemar"}})
    assert (error.code, error.got) == ("test_unfit", "several answers of one item")


def test_groups_and_raters_have_a_limit() -> None:
    lines = lines_of("right", [1.0] * 1_001)
    assert failure(lines, metrics={"m": {"score": "right", "by": ["item"]}}).code == "too_many_groups"
    assert failure(lines, agreement={"a": {"score": "right", "by": "item"}}).code == "too_many_raters"


HALF = encode_sorted(line("i0", word="?")).replace(b"?", b"\\ud800")  # half of a surrogate pair


@pytest.mark.parametrize("text", [b"{}", b"[", b"\xff", b'{"cell": -1}', b"[" * 100_000, HALF])
def test_a_line_that_is_no_score_is_an_error_with_its_place(text: bytes) -> None:
    error = failure([LINES[0], text + b"\n"], metrics={"m": {"score": "right"}})
    assert (error.code, error.where) == ("bad_line", "step score, scores.jsonl:2")


def test_a_step_without_scores_is_an_error() -> None:
    args = msgspec.convert({"of": "ask", "metrics": {"m": {"score": "x"}}}, StatisticsArgs)
    with pytest.raises(StepFailed) as caught:
        computed(args, FakeSources(step="stats", values={"ask": {"text": "hello"}}))
    assert caught.value.code == "no_scores"


def test_a_score_of_two_types_is_an_error() -> None:
    values = {"one": value_of({"x": "test"}), "two": value_of({"x": "measure"})}
    args = msgspec.convert({"of": ["one", "two"], "metrics": {"m": {"score": "x"}}}, StatisticsArgs)
    with pytest.raises(StepFailed) as caught:
        computed(args, FakeSources(step="stats", values=values))
    assert (caught.value.code, caught.value.got) == ("score_type", "test and measure")


def test_a_library_that_is_not_installed_is_named_with_its_cure(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "krippendorff", None)
    args = msgspec.convert({"of": "score", "agreement": {"a": {"ratings": "people"}}}, StatisticsArgs)
    lines = [line(f"i{n}", n, people=[n, n]) for n in range(3)]
    with pytest.raises(CannotCheck, match="krippendorff") as caught:
        computed(args, sources_of(lines))
    assert caught.value.hint == "pip install 'awo[science]'"

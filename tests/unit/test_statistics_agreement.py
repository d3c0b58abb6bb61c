"""Agreement: coefficients of published examples, the same formulas in the bootstrap, and who the raters are."""

from __future__ import annotations

from typing import Any

import krippendorff
import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from statsmodels.stats.inter_rater import cohens_kappa, fleiss_kappa
from tests.unit.scored import line, statistics

from awo.derive.statistics import coefficients
from awo.evidence.scores import ScoreLine
from awo.evidence.statistics import Agreement

# Krippendorff, Computing Krippendorff's Alpha-Reliability (2011), section C: four observers, twelve units
OBSERVERS: list[list[int | None]] = [
    [1, 2, 3, 3, 2, 1, 4, 1, 2, None, None, None],
    [1, 2, 3, 3, 2, 2, 4, 1, 2, 5, None, 3],
    [None, 3, 3, 3, 2, 3, 4, 2, 2, 5, 1, None],
    [1, 2, 3, 3, 2, 4, 4, 1, 2, 5, 1, None],
]
# Fleiss 1971, table 1: 30 patients, six psychiatrists, five diagnoses
FLEISS = (
    "0 0 0 6 0 0 3 0 0 3 0 1 4 0 1 0 0 0 0 6 0 3 0 3 0 2 0 4 0 0 0 0 4 0 2 2 0 3 1 0 2 0 0 4 0 0 0 0 0 6 "
    "1 0 0 5 0 1 1 0 4 0 0 3 3 0 0 1 0 0 5 0 0 2 0 3 1 0 0 5 0 1 3 0 0 1 2 5 1 0 0 0 0 2 0 4 0 1 0 2 0 3 "
    "0 0 0 0 6 0 1 0 5 0 0 2 0 1 3 2 0 0 4 0 1 0 0 4 1 0 5 0 1 0 4 0 0 0 2 0 2 0 4 0 1 0 5 0 0 0 0 0 0 6 "
)


def agreed(lines: list[ScoreLine], **args: Any) -> Agreement:
    return statistics(lines, agreement={"a": args}, resamples=400).agreement["a"]


def listed(ratings: list[list[Any]]) -> list[ScoreLine]:
    """An answer for each item, with the ratings of all raters (`ratings` has a list for each rater)."""
    return [line(f"i{unit}", unit, people=list(given)) for unit, given in enumerate(zip(*ratings, strict=True))]


@pytest.mark.parametrize(("level", "alpha"), [("nominal", 0.743), ("ordinal", 0.815), ("interval", 0.849)])
def test_alpha_of_the_example_that_krippendorff_published(level: str, alpha: float) -> None:
    found = agreed(listed(OBSERVERS), ratings="people", level=level)
    assert found.value == pytest.approx(alpha, abs=5e-4)
    assert (found.items, found.ratings, len(found.raters)) == (11, 40, 4)
    assert found.low is not None
    assert found.high is not None
    assert found.low < alpha < found.high


def test_kappa_of_the_example_that_fleiss_published() -> None:
    counts = np.array(FLEISS.split(), int).reshape(30, 5)
    ratings = [list(np.repeat(list("abcde"), row)) for row in counts]
    lines = [line(f"i{unit}", unit, people=[str(one) for one in given]) for unit, given in enumerate(ratings)]
    found = agreed(lines, ratings="people", coefficient="fleiss_kappa")
    assert found.value == pytest.approx(0.430, abs=5e-4)
    assert (found.items, found.ratings) == (30, 180)


def test_kappa_of_two_raters_is_that_of_the_example_that_cohen_published() -> None:
    # Cohen 1960, table 1, in hundreds of 200 judgements
    shares = np.array([[88, 14, 18], [10, 40, 10], [2, 6, 12]])
    couples = [(a, b) for a in range(3) for b in range(3) for _ in range(shares[a][b])]
    found = agreed(
        listed([[a for a, _ in couples], [b for _, b in couples]]), ratings="people", coefficient="cohen_kappa"
    )
    assert found.value == pytest.approx(0.492, abs=5e-4)
    assert found.pairs[0].value == pytest.approx(found.value)


PLACES = st.lists(
    st.lists(st.sampled_from([0.0, 1.0, 2.0, 3.0, np.nan]), min_size=3, max_size=3), min_size=2, max_size=12
)


@given(PLACES, st.sampled_from(["nominal", "ordinal", "interval"]), st.integers(0, 99))
def test_alpha_under_weights_is_that_of_the_library_over_the_units_drawn(rows: Any, level: Any, seed: int) -> None:
    places = np.array(rows)
    places = places[np.count_nonzero(~np.isnan(places), axis=1) > 1]
    domain = np.array([-1.5, 0.0, 0.25, 8.0])
    assume(len(places))
    drawn = np.random.default_rng(seed).multinomial(len(places), [1 / len(places)] * len(places))
    kept = np.repeat(places, drawn, axis=0)
    assume(len(set(kept[~np.isnan(kept)].tolist())) > 1)
    ours = coefficients.alpha_of(places, domain, level)(drawn[None, :].astype(float))
    values = np.where(np.isnan(kept), np.nan, domain[np.nan_to_num(kept).astype(int)])
    theirs = krippendorff.alpha(values.T, level_of_measurement=level)
    assert ours[0] == pytest.approx(theirs, abs=1e-9)


@pytest.mark.parametrize("level", ["nominal", "ordinal"])
def test_a_table_too_large_to_be_dense_gives_the_same(level: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    places = np.random.default_rng(1).integers(0, 6, (40, 3)).astype(float)
    weights = np.random.default_rng(2).multinomial(40, [1 / 40] * 40, 5).astype(float)
    domain = np.arange(6.0)
    dense = coefficients.alpha_of(places, domain, level)(weights)
    monkeypatch.setattr(coefficients, "LARGEST_TABLE", 10)
    assert coefficients.alpha_of(places, domain, level)(weights) == pytest.approx(dense)
    lines = listed(places.T.astype(int).tolist())
    with_formula = agreed(lines, ratings="people", level=level).value
    monkeypatch.undo()
    assert with_formula == pytest.approx(agreed(lines, ratings="people", level=level).value)


COUPLES = st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3)), min_size=2, max_size=30)


@given(COUPLES, st.sampled_from([("nominal", None), ("ordinal", "linear"), ("interval", "quadratic")]))
def test_cohens_kappa_is_that_of_statsmodels(couples: list[tuple[int, int]], level: tuple[Any, Any]) -> None:
    first, second = np.array(couples).T
    domain = np.array([0.0, 1.0, 5.0, 5.5])
    square = np.bincount(first * 4 + second, minlength=16).reshape(4, 4)
    assume((square.sum(0) * square.sum(1)).sum() < len(couples) ** 2)
    scores = domain if level[1] == "quadratic" else None
    theirs = cohens_kappa(square, weights=scores, wt=level[1], return_results=False)
    ours = coefficients.cohen_of(first, second, domain, level[0])(np.ones((1, len(couples))))
    assert ours[0] == pytest.approx(theirs, abs=1e-9)
    assert coefficients.cohen_value(first, second, domain, level[0]) == pytest.approx(theirs)


@given(st.lists(st.lists(st.integers(0, 2), min_size=4, max_size=4), min_size=2, max_size=20))
def test_fleiss_kappa_is_that_of_statsmodels(rows: list[list[int]]) -> None:
    assume(len({one for row in rows for one in row}) > 1)
    counts = coefficients.counts_of(np.array(rows, float), 3)
    ours = coefficients.fleiss_of(counts)(np.ones((1, len(rows))))
    assert ours[0] == pytest.approx(fleiss_kappa(counts), abs=1e-9)


# --- who the raters are -------------------------------------------------------------------------------


def judged(item: str, number: int, words: dict[str, Any], **more: Any) -> list[ScoreLine]:
    return [
        line(item, number, answer=place, model=model, word=word, **more)
        for place, (model, word) in enumerate(words.items())
    ]


def test_models_are_raters_by_their_labels() -> None:
    lines = [*judged("i0", 0, {"x": "yes", "y": "yes"}), *judged("i1", 1, {"x": "no", "y": "no"})]
    found = agreed(lines, score="word", by="model")
    assert (found.raters, found.value, found.items, found.ratings) == (["x", "y"], 1.0, 2, 4)


def test_models_and_people_are_raters_at_once_and_numbers_are_words_too() -> None:
    lines = [
        *judged("i0", 0, {"x": "1"}, people=[1, 1.0]),
        *judged("i1", 1, {"x": "0"}, people=[0, 1]),
        *judged("i2", 2, {"x": "0"}, people=[0, 0]),
    ]
    found = agreed(lines, ratings="people", score="word", by="model")
    assert found.raters == ["people[0]", "people[1]", "x"]
    pairs = {(pair.a, pair.b): pair.value for pair in found.pairs}
    assert pairs["people[0]", "x"] == 1.0
    assert pairs["people[0]", "people[1]"] == pairs["people[1]", "x"] != 1.0


def test_grades_are_ratings_at_the_level_of_intervals() -> None:
    lines = [line(f"i{n}", n, grade=n / 8, people=[n / 8 + 0.01]) for n in range(8)]
    found = agreed(lines, ratings="people", score="grade", by="model", level="interval")
    assert found.value == pytest.approx(
        krippendorff.alpha([[n / 8 for n in range(8)], [n / 8 + 0.01 for n in range(8)]])
    )


def test_a_score_with_labels_is_taken_by_its_labels_where_words_count() -> None:
    lines = [
        line(f"i{n}", n * 2 + m, model=f"m{m}", scores={"right": float(m)}, labels={"right": "ab"[n]})
        for n in range(2)
        for m in range(2)
    ]
    assert agreed(lines, score="right", by="model").value == 1.0
    assert agreed(lines, score="right", by="model", level="interval").value == pytest.approx(-0.5)


def test_the_first_repeat_counts_unless_another_is_asked_for() -> None:
    lines = [
        *judged("i0", 0, {"x": "a", "y": "a"}),
        *judged("i1", 1, {"x": "b", "y": "b"}),
        *judged("i0", 2, {"x": "a", "y": "b"}, repeat=1),
        *judged("i1", 3, {"x": "b", "y": "b"}, repeat=1),
    ]
    found = agreed(lines, score="word", by="model")
    assert (found.value, found.ratings) == (1.0, 4)
    assert "the first repeat counts" in found.why
    second = agreed(lines, score="word", by="model", where={"repeat": 1})
    assert second.value == pytest.approx(0.0)
    assert second.why == ""
    assert agreed(lines, score="word", by="repeat", where={"model": "x"}).raters == ["0", "1"]


def test_a_rating_that_is_missing_is_no_rating() -> None:
    lines = [
        *judged("i0", 0, {"x": "a", "y": "a", "z": None}),
        *judged("i1", 1, {"x": "b", "y": "b", "z": "a"}),
        *judged("i2", 2, {"x": "b", "y": None, "z": None}),
    ]
    found = agreed(lines, score="word", by="model")
    assert (found.items, found.ratings) == (2, 5)
    fleiss = agreed(lines, score="word", by="model", coefficient="fleiss_kappa")
    assert (fleiss.items, fleiss.ratings) == (1, 3)


def test_more_raters_than_can_be_paired_are_said() -> None:
    lines = listed([[(rater + unit) % 3 for unit in range(4)] for rater in range(52)])
    found = agreed(lines, ratings="people")
    assert (len(found.raters), len(found.pairs)) == (52, 50 * 49 // 2)
    assert found.why == "only the first 50 raters are paired"

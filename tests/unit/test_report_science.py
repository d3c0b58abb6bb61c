"""The chapters of results in the report: every number with its interval, its noise floor and its reason."""

# ruff: noqa: RUF001  (dashes and minus signs are what is tested)
from __future__ import annotations

import re

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace
from tests.unit import science
from tests.unit.a_run import Told, step
from tests.unit.test_report import EVIL, chapters, headings, kinds_and_links, written

from awo.derive import numbers
from awo.evidence.layout import value_path
from awo.evidence.verdicts import MetricValue


def test_claims_and_comparisons_stand_before_what_was_asked_and_the_rest_among_the_results() -> None:
    found = chapters(written(science.a_study()))
    assert found[:3] == ["Claims", "Comparisons", "What was asked"]
    assert [name for name in found if name in ("Scores", "Estimates", "Votes")] == ["Scores", "Estimates", "Votes"]
    assert "Other results" not in found


def test_a_score_says_how_many_answers_passed_and_how_many_are_missing() -> None:
    text = written(science.a_study())
    assert "| `correct` | `equals` (test) | 240 | 131 | 1.000 | 3 | 0.546 |" in text
    assert "| `length` | `words` (measure) | 240 |  |  | 3 | 12.3 |" in text
    assert "| `overlap` | `rouge_l` (measure) | 0 |  |  | 240 | – |" in text
    assert "[`outputs/scores/files/scores.jsonl`](outputs/scores/files/scores.jsonl)" in text


def test_an_assertion_that_failed_is_told_with_its_reason() -> None:
    told = Told([step("check", "assert")])
    told.start()
    told.begin("check")
    told.fail("check", "assertion_failed", "3 of 10 answers did not pass")
    assert "### `check`\n\n**Failed**: 3 of 10 answers did not pass\n" in written(told)


def test_a_comparison_stands_above_its_noise_floor_with_interval_test_and_p_values() -> None:
    lines = written(science.a_study()).splitlines()
    at = next(number for number, line in enumerate(lines) if line.startswith("| **`better`**"))
    assert lines[at] == (
        "| **`better`**: `correct` by `model` | `large` 0.600 | `small` 0.500 | **+0.100** | +0.060 to +0.140 "
        "(paired bootstrap) | 40 | McNemar, p = 0.012 | p = 0.025 | Cohen's h 0.210 |"
    )
    assert lines[at + 1].startswith(
        "| A/A control: an arm against itself | 3 repeats |  | largest 0.020 | spread 0.010"
    )
    assert "smallest p = 0.41" in lines[at + 1]


def test_a_difference_no_larger_than_an_arm_from_itself_is_called_that() -> None:
    text = written(science.a_study())
    assert text.count("**no smaller than the difference above**") == 1
    assert "(Holm)" in text


def test_a_comparison_of_nothing_has_no_number_and_says_why() -> None:
    text = written(science.a_study())
    assert "| **`nothing`**: `correct` by `model` | `large` – | `mute` – | – | – | 0 | none | – | Cohen's h – |" in text
    assert f"| A/A control: none ({science.ONE_REPEAT}) |" in text
    assert f"2 answers missing; {science.NO_ITEMS}; Cohen's h: {science.NO_ITEMS}" in text


def test_a_run_without_correction_says_that_p_values_are_as_they_are() -> None:
    text = written(science.a_study(science.statistics(correction="none")))
    assert "The p-values are not corrected for how many comparisons were made." in text


def test_an_estimate_has_n_items_missing_and_interval_and_a_null_its_reason() -> None:
    text = written(science.a_study())
    assert (
        "| `accuracy`: rate of `correct` | *all groups together* | 120 | 40 | 2 | 0.550 | 0.450 to 0.650 (Wilson) "
        "| 0.490 |"
    ) in text
    assert "| `accuracy`: rate of `correct` | model `mute` | 120 | 40 | 2 | – | – | – |" in text
    assert "- `accuracy`, model `mute`: no answer has this score\n" in text
    assert "95 % of repeated studies" in text


def test_agreement_is_shown_pair_by_pair_up_to_a_dozen_raters() -> None:
    text = written(science.a_study())
    assert "| `readers` | Krippendorff's alpha, ordinal | 3 | 40 | 120 | 0.410 | 0.300 to 0.500 |" in text
    assert "| `ben` | 0.800 |  | −0.100 |" in text
    assert "- `ann` and `large`: all ratings are equal" in text
    many = science.agreement([f"r{number}" for number in range(15)], [0.5])
    assert "3 more raters are not shown here" in written(science.a_study(science.statistics(agreement={"all": many})))


def with_people(arms: int, people: int) -> Told:
    """An agreement of people, who come first in the statistics, and of arms; an undefined pair is the last one."""
    raters = [f"votes[{number}]" for number in range(people)] + [f"arm {number}" for number in range(arms)]
    made = science.agreement(raters, [0.5])
    pairs = [*made.pairs[:-1], replace(made.pairs[-1], value=None, why="all ratings are equal")]
    return science.a_study(science.statistics(agreement={"all": replace(made, pairs=pairs)}), ratings="votes")


def test_arms_stand_before_people_and_are_all_shown() -> None:
    text = written(with_people(arms=2, people=30))
    assert "|  | `arm 0` | `arm 1` | `votes[0]` |" in text
    assert "`votes[9]`" in text
    assert "`votes[10]`" not in text
    assert "20 more raters are not shown here" in text
    assert "- `arm 0` and `arm 1`: all ratings are equal\n" in text
    many = written(with_people(arms=14, people=5))
    assert "`arm 13`" in many
    assert "`votes[0]`" not in many


def test_a_pair_that_is_not_shown_has_no_note() -> None:
    many = science.agreement([f"r{number}" for number in range(15)], [None])
    text = written(science.a_study(science.statistics(agreement={"all": many})))
    assert "`r14`" not in text


def test_the_same_note_about_many_rows_stands_once() -> None:
    many = science.agreement([f"r{number}" for number in range(5)], [None])
    text = written(science.a_study(science.statistics(agreement={"all": many})))
    assert text.count("all ratings are equal") == 1
    assert "- `r0` and `r1` · `r0` and `r2` · `r0` and `r3` · `r0` and `r4` · and 6 more: all ratings are equal" in text


@pytest.mark.parametrize(("pairs", "said"), [(19, True), (20, False)])
def test_few_pairs_are_said_to_make_intervals_narrow(pairs: int, said: bool) -> None:
    value = science.statistics(comparisons={"x": science.comparison("a", "b", 0.1, pairs=pairs)})
    assert ("1 comparison has fewer than 20 pairs" in written(science.a_study(value))) is said


def test_a_test_of_a_truth_shows_the_metrics_that_it_read() -> None:
    made = science.claims()
    test = replace(made.claims[0].tests[0], observed=False, expected="metrics.p < 0.05 && metrics.none > 1")
    p = MetricValue(expression="steps.stats.p", value=0.25, why="", reads=[])
    value = replace(made, metrics={"p": p}, claims=[replace(made.claims[0], tests=[test])])
    told = science.a_study()
    told.values[value_path("conclude")] = msgspec.to_builtins(value)
    assert "| prediction | false, `metrics.p` = 0.250 | metrics.p \\< 0.05" in written(told)


def test_a_claim_has_its_verdict_its_tests_and_a_link_to_its_evidence() -> None:
    text = written(science.a_study())
    assert "2 claims: 1 supported, 1 falsified, 0 deviated, 0 not tested." in text
    assert "| `c1` | The large model is better. | **supported** | yes | [`stats`](outputs/stats/output.json) |" in text
    assert "| `c2` | The large model is better. | **falsified** | yes, **attempt 2** |" in text
    assert "| `c1` | larger | prediction | 0.100 | \\> 0.05 | passed |" in text
    assert "| `c2` | unseen | falsification test | – | \\> 0.05 | not tested |" in text
    assert "- `c2`, unseen: there is no such number\n" in text
    assert "the last time in `run_2026-11-22T06-09-00Z`" in text


def test_votes_over_many_items_are_counted_and_their_minorities_linked() -> None:
    text = written(science.a_study())
    assert "Of 240 answers asked for, 230 voted, 7 could not be used and 3 failed." in text
    assert "| 40 | 36 | 4 | 1 | 20 | 18 | 0.870 |" in text
    assert "Every minority answer: [`outputs/vote/files/dissent.jsonl`](outputs/vote/files/dissent.jsonl)." in text


def test_a_run_with_results_says_where_their_pictures_are_and_no_other_does() -> None:
    assert "[`report/pictures.md`](report/pictures.md)" in written(science.a_study())
    plain = Told([step("one", "llm_map")])
    plain.start()
    assert "pictures" not in written(plain)


def evil_study(evil: str) -> Told:
    """A study in which everything that the shapes leave open is `evil`."""
    value = science.statistics(
        of=[evil],
        metrics={evil: science.metric({evil: None, evil + "2": 0.1}, by=evil or "x")},
        comparisons={
            evil: science.comparison(
                evil, [evil], None, noise=None, score=evil, factor=evil, where={evil: evil}, family=evil, why=evil
            ),
            "x": science.comparison(evil, 1, 0.1, counts={evil: 1}),
        },
        agreement={evil: replace(science.agreement([evil, evil + "2"], [None]), why=evil)},
    )
    return science.a_study(value, text=evil)


@settings(max_examples=20, deadline=None)
@given(st.just(EVIL) | st.text(alphabet="|`\\<>[]()!*_#\n -&;$@:~=1.", min_size=1))
def test_no_text_in_a_result_breaks_out_of_its_place(evil: str) -> None:
    text = written(evil_study(evil))
    kinds, links = kinds_and_links(text)
    assert not kinds & {"html_block", "html_inline", "image"}
    assert all(re.fullmatch(r"#?[A-Za-z0-9_./-]+", link) for link in links)
    assert headings(text) == headings(written(evil_study("plain")))


def test_a_large_study_is_capped_and_says_so() -> None:
    value = science.statistics(
        metrics={f"m{number}": science.metric({f"g{group}": 0.5 for group in range(40)}) for number in range(40)},
        comparisons={f"c{number}": science.comparison("\u202e" * 500, "b", 0.1) for number in range(300)},
    )
    text = written(science.a_study(value))
    assert len(text.encode()) < 300_000
    assert "285 more comparisons are not shown here" in text
    assert "1,610 more lines are not shown here" in text


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (0, "0"),
        (0.6123, "0.612"),
        (1, "1.000"),
        (12.345, "12.3"),
        (12, "12"),
        (1234.5, "1,234"),
        (-0.00012345, "−0.00012"),
        (1e-9, "1.00e-09"),
        (3e14, "3.00e+14"),
        (None, "–"),
        (float("nan"), "–"),
        (float("inf"), "–"),
    ],
)
def test_a_number_has_the_digits_that_mean_something(value: float | None, said: str) -> None:
    assert numbers.number(value) == said


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (0.0123, "p = 0.012"),
        (0.00099, "p < 0.001"),
        (0, "p < 0.001"),
        (0.125, "p = 0.125"),
        (1.0, "p = 1.000"),
        (None, numbers.NOTHING),
    ],
)
def test_a_p_value_is_a_number_never_a_verdict(value: float | None, said: str) -> None:
    assert numbers.p_value(value) == said


def test_an_interval_of_a_difference_shows_both_signs() -> None:
    assert numbers.interval(-0.05, 0.1, is_difference=True) == f"{numbers.MINUS}0.050 to +0.100"
    assert numbers.interval(None, 0.1) == numbers.NOTHING
    assert numbers.percent(0.975) == "97.5 %"

"""What a run found, in a few lines: claims, comparisons and numbers, cut where there are many."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace
from tests.unit.a_run import Told
from tests.unit.science import a_study, comparison, metric, statistics

from awo.cli.printing import say
from awo.cli.results import LINES_SHOWN, for_programs, in_lines
from awo.derive.numbers import NOTHING
from awo.derive.outcomes import MOST_STEPS, Outcomes, outcomes_of, with_results_only
from awo.errors import EvidenceError
from awo.evidence.events import FileRef

FOLDER = Path("runs/r")


def found_in(told: Told) -> Outcomes:
    return outcomes_of(told.facts().steps, lambda ref: told.value(ref.path))


def lines_of(told: Told) -> list[str]:
    return [line.strip() for line in in_lines(found_in(told), FOLDER)]


def test_every_claim_stands_with_its_verdict_and_which_attempt_it_is() -> None:
    title, first, second, *_ = lines_of(a_study())
    assert title == "results:"
    assert first == "claim c1: supported: The large model is better."
    assert second == "claim c2: falsified, attempt 2: The large model is better."


def test_a_claim_that_is_late_or_was_not_registered_says_so() -> None:
    found = found_in(a_study())
    value = found.claims["conclude"]
    late = replace(value.claims[0], is_late=True, verdict="not_tested", attempt=0)
    made = Outcomes({"conclude": replace(value, claims=[late])}, {}, {}, {})
    assert in_lines(made, FOLDER)[1].strip().startswith("claim c1: not tested, not registered, after the answers: ")


def test_every_comparison_stands_with_its_interval_its_p_value_and_its_control() -> None:
    lines = lines_of(a_study())
    assert (
        "comparison better: correct, large less small: +0.100 [+0.060, +0.140], p = 0.025 adjusted, "
        "A/A control up to 0.020"
    ) in lines
    (nothing,) = [line for line in lines if line.startswith("comparison nothing")]
    assert nothing.endswith(f"large less mute: {NOTHING} (no item has an answer of both arms)")


def test_a_p_value_that_was_not_corrected_is_not_called_adjusted() -> None:
    value = statistics(correction="none", comparisons={"better": comparison("a", "b", 0.1, noise=None)})
    (line,) = [line for line in lines_of(a_study(value)) if line.startswith("comparison")]
    assert line.endswith("p = 0.012, no A/A control")


def test_every_metric_stands_by_its_groups_or_over_all_where_it_has_none() -> None:
    lines = lines_of(a_study())
    assert "accuracy, model large: 0.600 [0.500, 0.700], n 120, 2 missing" in lines
    assert f"accuracy, model mute: {NOTHING} (no answer has this score)" in lines
    alone = statistics(metrics={"all": replace(metric({}), by=[], groups={})}, comparisons={})
    assert "all: 0.550 [0.450, 0.650], n 120, 2 missing" in lines_of(a_study(alone))


def test_scores_stand_as_means_only_where_no_statistics_were_made_over_them() -> None:
    assert not [line for line in lines_of(a_study()) if line.startswith("scores.")]
    elsewhere = [line for line in lines_of(a_study(statistics(of=["others"]))) if line.startswith("scores.")]
    assert elsewhere == [
        "scores.correct: mean 0.546, n 240, 3 missing",
        "scores.length: mean 12.3, n 240, 3 missing",
        f"scores.overlap: mean {NOTHING}, n 0, 240 missing",
    ]


def test_a_dozen_lines_of_a_kind_stand_and_the_rest_is_counted_and_in_the_report() -> None:
    groups: dict[str, float | None] = {f"m{number}": 0.5 for number in range(40)}
    lines = lines_of(a_study(statistics(metrics={"accuracy": metric(groups)})))
    assert sum(line.startswith("accuracy") for line in lines) == LINES_SHOWN
    assert lines[-1] == f"and 28 more: {FOLDER / 'report.md'}"


def test_a_value_that_cannot_be_read_is_named_and_the_others_stand() -> None:
    told = a_study()

    def read(ref: FileRef) -> Any:
        if "stats" in ref.path:
            raise EvidenceError("a recorded file has been altered", where=ref.path)
        return {"claims": 1} if "conclude" in ref.path else told.value(ref.path)

    found = outcomes_of(told.facts().steps, read)
    assert found.unread == {"stats": "a recorded file has been altered", "conclude": "its value has another shape"}
    assert [*found.scores] == ["scores"]
    assert "  stats: a recorded file has been altered" in in_lines(found, FOLDER)
    assert for_programs(found)["unread"] == found.unread


def test_what_is_kept_of_a_large_run_is_the_steps_that_found_something() -> None:
    facts = a_study().facts()
    assert [step.record.id for step in with_results_only(facts).steps] == ["scores", "stats", "conclude"]
    many = replace(facts, steps=facts.steps * 100)
    small = with_results_only(many)
    assert len(small.steps) == MOST_STEPS + 1
    assert outcomes_of(small.steps, lambda _: {}).has_more


def test_a_run_without_results_has_no_such_part() -> None:
    assert in_lines(Outcomes({}, {}, {}, {}), FOLDER) == ()


def test_hostile_texts_are_cut_and_harmless_when_they_are_printed(capsys: pytest.CaptureFixture[str]) -> None:
    text = "\x1b[2J\u202e\nresults: all is well " + "x" * 5000
    value = statistics(
        metrics={text: metric({text: 0.5})}, comparisons={text: comparison(text, {"deep": text}, 0.1, score=text)}
    )
    say(*in_lines(found_in(a_study(value, text=text)), FOLDER))
    printed = capsys.readouterr().out
    assert "\x1b" not in printed
    assert "\u202e" not in printed
    assert len(printed.splitlines()) == 5
    assert max(map(len, printed.splitlines())) < 600

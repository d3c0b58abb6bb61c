"""What `score` and `assert` write: lines, summaries, groups, scores of responses and of other steps."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.scored_answers import one, response, scores_of, sources

from awo.canon.json import encode_sorted
from awo.derive.scores.recorded import REFUSALS, is_refusal
from awo.derive.scores.step import AssertArgs, ScoreArgs, require, score
from awo.errors import StepFailed
from awo.evidence.records import Usage
from awo.evidence.scores import ScoreLine, ScoresValue
from awo.testing.fake_sources import FakeSources
from awo.workflow.patterns import searcher

IS_A = {"kind": "equals", "expected": "a"}


def test_failed_answers_stay_in_the_denominator_of_tests_and_are_left_out_of_measures() -> None:
    value, lines = scores_of({"t": IS_A, "m": {"kind": "length"}}, sources(["a", "abc", None, "a"]))
    assert (value.of, value.cells, value.failed, value.answers) == ("ask", 4, 1, 4)
    test, measure = value.scores["t"], value.scores["m"]
    assert (test.type, test.missing, test.passed, test.mean) == ("test", 1, 2, 0.5)
    assert (measure.type, measure.missing, measure.passed) == ("measure", 1, 0)
    assert measure.mean == pytest.approx(5 / 3)
    assert [line.status for line in lines] == ["done", "done", "failed", "done"]
    assert lines[2].why == {"t": "there is no answer", "m": "there is no answer"}


def test_no_answers_have_no_mean() -> None:
    value, lines = scores_of({"t": IS_A}, sources([]))
    assert (value.answers, value.scores["t"].mean, lines) == (0, None, [])


def test_each_answer_of_a_cell_has_a_line_with_who_gave_it() -> None:
    at = FakeSources(values={"ask": {"responses": [{"model": "x", "text": "a"}, {"model": "y", "text": "b"}]}})
    _, lines = scores_of({"t": IS_A}, at)
    assert [(line.cell, line.answer, line.model, line.scores["t"]) for line in lines] == [
        (0, 0, "x", 1),
        (0, 1, "y", 0),
    ]


def test_groups_are_kept_as_they_are_and_null_where_there_is_none() -> None:
    rows: list[dict[str, Any]] = [{"x": "long"}, {"x": 3}, {"x": [1]}, {"x": float("nan")}, {}]
    _, lines = scores_of({"t": IS_A}, sources(["a"] * 5, rows), groups={"g": "{{ item.row.x }}"})
    assert [line.groups["g"] for line in lines] == ["long", 3, "[1]", None, None]


def test_lines_are_sorted_compact_json() -> None:
    derived = score(msgspec.convert({"of": "ask", "scores": {"t": IS_A}}, ScoreArgs), sources(["a"]))
    (line,) = derived.files["scores.jsonl"]
    assert line == encode_sorted(msgspec.json.decode(line)) + b"\n"


NUMBERS = st.floats(allow_nan=False, allow_infinity=False)
JSON_VALUES = st.none() | st.booleans() | st.integers(-(2**53), 2**53) | NUMBERS | st.text()
LINES = st.builds(
    ScoreLine,
    cell=st.integers(0, 2**53 - 1),
    answer=st.integers(0, 99),
    item=st.text(),
    matrix=st.dictionaries(st.text(), JSON_VALUES, max_size=3),
    repeat=st.integers(0, 99),
    model=st.text(),
    status=st.sampled_from(["done", "failed"]),
    groups=st.dictionaries(st.text(), JSON_VALUES, max_size=3),
    scores=st.dictionaries(st.text(), st.none() | NUMBERS, max_size=3),
    labels=st.dictionaries(st.text(), st.none() | st.text(), max_size=3),
    ratings=st.dictionaries(st.text(), st.lists(JSON_VALUES, max_size=3), max_size=3),
    why=st.dictionaries(st.text(), st.text(), max_size=3),
)


@given(LINES)
def test_a_line_that_is_written_reads_back_as_itself(line: ScoreLine) -> None:
    written = encode_sorted(line)
    assert msgspec.json.decode(written, type=ScoreLine) == line
    assert encode_sorted(msgspec.json.decode(written, type=ScoreLine)) == written


def test_a_value_reads_back_as_itself_and_refuses_what_it_does_not_know() -> None:
    value, _ = scores_of({"t": IS_A}, sources(["a"]))
    assert msgspec.json.decode(encode_sorted(value), type=ScoresValue) == value
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert({**msgspec.to_builtins(value), "more": 1}, ScoresValue)


# --- assert -----------------------------------------------------------------------------------------


def required(texts: list[str | None], **more: Any) -> Any:
    return require(msgspec.convert({"of": "ask", "scores": {"t": IS_A}, **more}, AssertArgs), sources(texts))


def test_an_assert_that_holds_gives_the_same_as_score() -> None:
    derived = required(["a", "a"])
    assert derived.failure is None
    assert derived.value.scores["t"].passed == 2


def test_an_assert_that_fails_keeps_its_lines_names_the_first_failures_and_quotes_no_answer() -> None:
    derived = required(["a", "secret answer", None, "b", "c"])
    failure = derived.failure
    assert isinstance(failure, StepFailed)
    assert (failure.code, failure.what) == ("assertion_failed", "4 of 5 answers do not pass")
    assert failure.got.count("cell ") == 3
    assert "cell 1 ('r1') of echo: t" in failure.got
    assert "secret" not in str(failure)
    assert len(derived.files["scores.jsonl"]) == 5


def test_some_answers_may_fail_where_the_author_says_so() -> None:
    assert required(["a", "b", "a", "a"], min_pass_rate=0.75).failure is None
    assert required(["a", "b", "a", "b"], min_pass_rate=0.75).failure is not None


def test_a_grade_passes_at_its_threshold() -> None:
    grade = {"kind": "levenshtein", "expected": "ab", "threshold": 0.5}
    at = sources(["a", "b", "c"])
    derived = require(msgspec.convert({"of": "ask", "scores": {"g": grade}}, AssertArgs), at)
    assert (derived.value.scores["g"].passed, derived.value.scores["g"].threshold) == (2, 0.5)
    assert derived.failure is not None


# --- responses --------------------------------------------------------------------------------------


def of_response(spec: dict[str, Any], **changes: Any) -> ScoreLine:
    _, lines = scores_of({"s": spec}, sources(["a"], responses=[response(0, **changes)]))
    return lines[0]


def test_what_is_on_record_of_a_response_is_a_measure_and_with_a_bound_a_test() -> None:
    assert of_response({"kind": "latency_ms"}).scores == {"s": 250.0}
    assert of_response({"kind": "latency_ms", "max": 249}).scores == {"s": 0.0}
    assert of_response({"kind": "cost_usd"}).scores == {"s": 0.002}
    assert of_response({"kind": "cost_usd", "max": 0.002}).scores == {"s": 1.0}
    assert [of_response({"kind": "tokens", "count": c}).scores["s"] for c in ("total", "prompt", "completion")] == [
        15.0,
        10.0,
        5.0,
    ]


def test_what_is_not_known_of_a_response_is_null_and_says_why() -> None:
    assert of_response({"kind": "cost_usd"}, cost="").why == {"s": "what the response cost is not known"}
    unknown = Usage(prompt_tokens=3, completion_tokens=-1)
    assert of_response({"kind": "tokens"}, usage=unknown).why == {"s": "the model did not count tokens"}
    for kind in ("latency_ms", "cost_usd", "tokens", "stop_reason"):
        assert one({"kind": kind}, "a").why == {"s": "no response on record is behind this answer"}


def test_why_an_answer_ended_is_a_label_and_with_an_expected_one_a_test() -> None:
    line = of_response({"kind": "stop_reason", "expected": "stop"}, stop_reason="length")
    assert (line.scores, line.labels) == ({"s": 0.0}, {"s": "length"})
    line = of_response({"kind": "stop_reason"})
    assert (line.scores, line.labels) == ({}, {"s": "stop"})


def test_a_refusal_is_what_the_model_calls_one_or_what_begins_like_one() -> None:
    assert of_response({"kind": "refusal"}, stop_reason="refusal").scores == {"s": 1.0}
    assert of_response({"kind": "refusal"}).scores == {"s": 0.0}
    assert all(is_refusal(phrase.upper().replace("'", "\u2019")) for phrase in REFUSALS)
    assert not is_refusal("x" * 200 + " I cannot help")
    assert not is_refusal("")


# --- expressions and patterns --------------------------------------------------------------------------


def test_an_expression_sees_inputs() -> None:
    at = sources(["abc"], inputs={"longest": 3})
    _, lines = scores_of({"s": {"kind": "expression", "cel": "size(text) <= inputs.longest"}}, at)
    assert lines[0].scores == {"s": 1.0}
    kinds = {"g": "0.5", "m": "2 + 3", "l": "'x' + text"}
    types = {"g": "grade", "m": "measure", "l": "label"}
    _, lines = scores_of({n: {"kind": "expression", "cel": c, "type": types[n]} for n, c in kinds.items()}, at)
    assert (lines[0].scores, lines[0].labels) == ({"g": 0.5, "m": 5.0}, {"l": "xabc"})


def test_a_pattern_that_makes_other_engines_hang_is_answered() -> None:
    assert not searcher("^(a+)+$")("a" * 1_000_000 + "!")
    assert searcher("(?i)STRASSE")("strasse")
    assert not searcher(r"^\d+$")("\u0664")

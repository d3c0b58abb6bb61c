"""Scores taken from other steps, what is no answer and so not scored, and templates that no answer can fill."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec
import pytest
from tests.unit.scored_answers import item, record, scores_of, sources

from awo.canon.json import encode_sorted
from awo.derive.scores.step import AssertArgs, ScoreArgs, score
from awo.derive.statistics.args import StatisticsArgs
from awo.derive.statistics.step import computed
from awo.errors import StepFailed
from awo.evidence.records import ItemLine, OverRecord
from awo.evidence.scores import ScoreLine, ScoresValue
from awo.testing.fake_sources import FakeSources

IS_A = {"kind": "equals", "expected": "a"}


def test_the_score_of_another_step_is_taken_answer_by_answer() -> None:
    texts: list[str | None] = ["a", "b", None]
    first = score(msgspec.convert({"of": "ask", "scores": {"t": IS_A}}, ScoreArgs), sources(texts))
    at = sources(
        texts,
        values={"first": msgspec.to_builtins(first.value)},
        lines={("first", "scores.jsonl"): first.files["scores.jsonl"]},
    )
    value, lines = scores_of({"s": {"kind": "from_step", "step": "first", "score": "t"}}, at)
    assert [line.scores["s"] for line in lines] == [1.0, 0.0, None]
    assert (value.scores["s"].type, value.scores["s"].threshold, value.scores["s"].passed) == ("test", 1.0, 1)
    with pytest.raises(StepFailed, match="no score"):
        scores_of({"s": {"kind": "from_step", "step": "first", "score": "u"}}, at)


def test_the_scores_of_other_answers_are_refused() -> None:
    other = ScoresValue(of="other", cells=0, failed=0, answers=0, path="", scores={})
    at = sources(["a"], values={"first": msgspec.to_builtins(other)})
    with pytest.raises(StepFailed, match="other answers"):
        scores_of({"s": {"kind": "from_step", "step": "first", "score": "t"}}, at)


def test_what_a_step_over_the_answers_said_is_joined_by_their_cells() -> None:
    def judged(cell: int, value: Any) -> Any:
        return msgspec.structs.replace(item(cell, "x"), value=value)

    values: list[Any] = [{"score": 0.75, "why": ""}, {"score": None, "why": "no judge gave a grade"}, {"score": 3}]
    at = sources(
        ["a", "b", "c", "d"],
        records={"judge": record("judge", OverRecord(kind="step", name="ask"), "grade")},
        items={"judge": [judged(cell, value) for cell, value in enumerate(values)]},
    )
    as_grade = {"kind": "from_step", "step": "judge", "type": "grade", "threshold": 0.75}
    value, lines = scores_of({"s": as_grade}, at)
    assert (value.scores["s"].passed, value.scores["s"].mean) == (1, 0.1875)
    assert [line.scores["s"] for line in lines] == [0.75, None, None, None]
    assert [line.why.get("s") for line in lines] == [
        None,
        "no judge gave a grade",
        "the other step gave no number from 0 to 1",
        "the other step has nothing on this answer",
    ]
    assert (value.scores["s"].type, value.scores["s"].missing) == ("grade", 3)


def judge(values: Mapping[tuple[int, int | None], Any], **cells: Any) -> dict[str, Any]:
    """Sources' parts of a step `judge` over `ask`: what it said of a cell, or of an answer (by number) of a cell."""
    made = record("judge", OverRecord(kind="step", name="ask"), "grade")
    assert made.cells is not None
    made = msgspec.structs.replace(made, cells=msgspec.structs.replace(made.cells, **cells))
    lines = [
        msgspec.structs.replace(item(place, "x"), item=f"r{cell}", matrix=matrix, value=value)
        for place, ((cell, number), value) in enumerate(values.items())
        for matrix in [{} if number is None else {"answer": number}]
    ]
    return {"records": {"judge": made}, "items": {"judge": lines}}


JUDGED = {"s": {"kind": "from_step", "step": "judge"}}


def test_what_no_judge_graded_is_missing_and_no_zero() -> None:
    nothing = {"score": None, "why": "no judge gave a grade"}
    value, lines = scores_of(JUDGED, sources(["a", "b"], **judge({(0, None): {"score": 0.5}, (1, None): nothing})))
    made = value.scores["s"]
    assert (made.type, made.mean, made.missing, made.threshold) == ("measure", 0.5, 1, 0.0)
    assert lines[1].why == {"s": "no judge gave a grade"}


def test_statistics_of_grades_that_nobody_gave_are_null_and_say_why() -> None:
    nothing = {"score": None, "why": "no judge gave a grade"}
    at = sources(["a", "b", None], **judge({(0, None): nothing, (1, None): nothing}))
    value, lines = scores_of(JUDGED, at)
    assert (value.scores["s"].mean, value.scores["s"].missing) == (None, 3)
    args = msgspec.convert({"of": "marks", "metrics": {"grade": {"score": "s"}}, "resamples": 100}, StatisticsArgs)
    spelled = [encode_sorted(line) + b"\n" for line in lines]
    found = computed(args, FakeSources(values={"marks": value}, lines={("marks", "scores.jsonl"): spelled})).value
    total = found.metrics["grade"].total
    assert (total.n, total.missing, total.value, total.low, total.high, total.sd) == (3, 3, None, None, None, None)
    assert (total.interval, total.why) == ("none", "every answer failed or has no score")


def test_the_reason_beside_a_field_comes_before_that_of_the_whole_value() -> None:
    value = {"why": "of all", "verdicts": [{"score": None, "why": "of one"}, {"score": None, "why": ""}]}
    for field, why in (("verdicts.0.score", "of one"), ("verdicts.1.score", "of all"), ("score", "of all")):
        _, (line,) = scores_of({"s": JUDGED["s"] | {"field": field}}, sources(["a"], **judge({(0, None): value})))
        assert line.why == {"s": why}


def two_answers(cell: int) -> ItemLine:
    responses = [{"model": model, "text": "x", "call": ""} for model in ("one", "two")]
    return msgspec.structs.replace(item(cell, "x"), value={"responses": responses, "count": 2})


def with_two_answers(judged: dict[str, Any]) -> FakeSources:
    records = {"ask": record(op="fanout_generate"), **judged["records"]}
    return FakeSources(records=records, items={"ask": [two_answers(0), two_answers(1)], **judged["items"]})


def test_each_answer_of_a_cell_gets_the_grade_that_was_given_to_it() -> None:
    grades: dict[tuple[int, int | None], Any] = {(0, 0): {"score": 1.0}, (0, 1): {"score": 0.0}, (1, 1): {"score": 0.5}}
    _, lines = scores_of(JUDGED, with_two_answers(judge(grades, matrix={"answer": [0, 1]})))
    assert [(line.cell, line.model, line.scores["s"]) for line in lines] == [
        (0, "one", 1.0),
        (0, "two", 0.0),
        (1, "one", None),
        (1, "two", 0.5),
    ]


def test_one_grade_for_a_cell_with_several_answers_is_refused_and_says_what_to_do() -> None:
    with pytest.raises(StepFailed) as caught:
        scores_of(JUDGED, with_two_answers(judge({(0, None): {"score": 1.0}, (1, None): {"score": 1.0}})))
    assert caught.value.code == "scores"
    assert caught.value.what == ("the cells of 'ask' have several answers, and the step 'judge' judges each cell once")
    assert "`matrix: {model: [...]}`" in caught.value.hint
    assert "`matrix: {answer: [0, 1, ...]}`" in caught.value.hint
    assert "item.value.responses[matrix.answer].text" in caught.value.hint


@pytest.mark.parametrize(
    ("cells", "what"),
    [
        ({"matrix": {"answer": ["a"]}}, "says which answer of a cell is judged"),
        ({"matrix": {"answer": [True, -1]}}, "says which answer of a cell is judged"),
        ({"matrix": {"answer": [0], "tone": ["a", "b"]}}, "several cells for an answer"),
        ({"matrix": {"tone": ["a", "b"]}}, "several cells for an answer"),
        ({"repeats": 2}, "several cells for an answer"),
        ({"over": OverRecord(kind="step", name="other")}, "does not go over 'ask'"),
        ({"over": OverRecord(kind="data", name="ask")}, "does not go over 'ask'"),
    ],
)
def test_a_judging_step_that_cannot_be_joined_is_refused(cells: dict[str, Any], what: str) -> None:
    with pytest.raises(StepFailed, match=what) as caught:
        scores_of(JUDGED, with_two_answers(judge({}, **cells)))
    assert caught.value.code == "scores"


@pytest.mark.parametrize(
    "spec", [{"threshold": 0.5}, {"type": "test", "threshold": 0.5}, {"score": "x", "threshold": 0.5}]
)
def test_a_threshold_without_a_grade_is_refused(spec: dict[str, Any]) -> None:
    with pytest.raises(msgspec.ValidationError, match="`threshold` is for `type: grade`"):
        msgspec.convert({"of": "ask", "scores": {"s": JUDGED["s"] | spec}}, ScoreArgs)


def test_an_assert_of_a_measure_says_how_to_make_it_a_grade() -> None:
    with pytest.raises(msgspec.ValidationError, match="a from_step is a measure unless it says `type: grade`"):
        msgspec.convert({"of": "ask", "scores": JUDGED}, AssertArgs)


# --- what is no answer ------------------------------------------------------------------------------

FIELD = "{{ item.value.score }}"


def graded(**specs: Any) -> tuple[ScoresValue, list[ScoreLine]]:
    at = sources(["a"], **judge({(0, None): {"score": 0.5, "why": ""}}))
    return scores_of(specs, at, of="judge")


@pytest.mark.parametrize(
    "spec",
    [
        {"kind": "length"},
        {"kind": "latency_ms"},
        {"kind": "refusal"},
        {"kind": "expression", "cel": "text == 'a'"},
        {"kind": "equals", "expected": FIELD},
    ],
)
def test_the_text_of_what_is_no_answer_is_not_scored(spec: dict[str, Any]) -> None:
    with pytest.raises(StepFailed) as caught:
        graded(own={"kind": "value_number", "value": FIELD}, other=spec)
    assert (caught.value.code, caught.value.what) == ("no_answers", "what the step 'judge' gives is no answer")
    assert "the score 'other'" in caught.value.got
    assert "kind: from_step, step: judge" in caught.value.hint
    assert "`value:" in caught.value.hint


def test_what_is_no_answer_is_scored_by_values_of_ones_own() -> None:
    _, (line,) = graded(
        number={"kind": "value_number", "value": FIELD},
        good={"kind": "expression", "cel": "item.value.score >= 0.5"},
        people={"kind": "ratings", "raters": [FIELD]},
    )
    assert line.scores == {"number": 0.5, "good": 1.0}
    assert line.ratings == {"people": [0.5]}


@pytest.mark.parametrize("value", [{"path": "a.txt", "bytes": 3}, {"scores": {}}, {"text": None}, 7, None, ["a"]])
def test_a_step_that_answers_nothing_is_not_scored(value: Any) -> None:
    with pytest.raises(StepFailed, match="is no answer") as caught:
        scores_of({"t": IS_A}, FakeSources(values={"ask": value}))
    assert caught.value.code == "no_answers"
    assert "from_step" not in caught.value.hint


@pytest.mark.parametrize("value", ["a", {"text": "a"}, {"responses": ["a"]}, {"responses": [{"text": "a"}]}])
def test_a_text_is_an_answer_whoever_gave_it(value: Any) -> None:
    _, (line,) = scores_of({"t": IS_A}, FakeSources(values={"ask": value}))
    assert line.scores == {"t": 1.0}


# --- templates --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("spec", "what", "hint"),
    [
        (
            {"kind": "equals", "expected": "{{ item.row.anwser }}"},
            "score 'right', expected: the cell has no column 'anwser'; it has: answer, q",
            "did you mean 'answer'?",
        ),
        (
            {"kind": "equals", "value": "{{ item.row['q'] }}{{ item.row['zzz'] }}", "expected": "{{ item.row.q }}"},
            "score 'right', value: the cell has no column 'zzz'; it has: answer, q",
            "",
        ),
        (
            {"kind": "contains_any", "expected": ["x", "{{ item.matrix.m }}"]},
            "score 'right', expected: the cell has no matrix name 'm'; it has none",
            "",
        ),
        (
            {"kind": "ratings", "raters": ["{{ item.row.answer }}", "{{ item.row.q.deep }}"]},
            "score 'right', raters: the template names 'deep', which is not there",
            "",
        ),
    ],
)
def test_a_template_that_no_answer_can_fill_names_the_score_and_the_place(
    spec: dict[str, Any], what: str, hint: str
) -> None:
    with pytest.raises(StepFailed) as caught:
        scores_of({"fine": IS_A, "right": spec}, sources(["a", "b"], [{"answer": "a", "q": 1}] * 2))
    assert (caught.value.code, caught.value.what, caught.value.hint) == ("template", what, hint)


def test_a_group_that_no_answer_can_fill_is_named() -> None:
    with pytest.raises(StepFailed, match="group 'by': the cell has no column 'langauge'; it has: language"):
        scores_of({"t": IS_A}, sources(["a"], [{"language": "fr"}]), groups={"by": "{{ item.row.langauge }}"})

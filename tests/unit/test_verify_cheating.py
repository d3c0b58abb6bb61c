"""An operator who holds the key of the seal and writes the whole record anew: what the judge finds nevertheless."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace
from tests.unit.test_verify_checks import failed_ids, judged, unchecked_ids
from tests.unit.test_verify_derivation import first
from tests.vectors import derived, fan_out
from tests.vectors.builder import Package, step
from tests.vectors.derived import ASK, CLAIM, CLAIMING, SCORING, STATISTICS, answered, begun, derive
from tests.vectors.record import sha256

from awo.canon.json import encode_sorted, pretty
from awo.evidence import events as ev
from awo.evidence import layout
from awo.evidence.records import InputFile, ItemLine
from awo.evidence.scores import ScoreLine
from awo.evidence.verdicts import RegisteredClaim
from awo.verify.report import Report

CLAIM_DIGEST = sha256(encode_sorted(CLAIM))


def said(report: Report) -> str:
    """What the first finding of the first check that failed says."""
    return report.results("failed")[0].findings[0].what


def with_items(items: list[ItemLine], *, max_failed: int = 1, **value: Any) -> Report:
    """The run that fans out, with these items."""
    package = fan_out.resumed(fan_out.stopped(fan_out.begun(max_failed=max_failed)))
    return judged(fan_out.written(package, items, **value).freeze().files)


def one_step(package: Package) -> Report:
    """A package whose only step asked once and is done."""
    package.finish("greet", package.answer_of("greet"))
    package.end("completed")
    return judged(package.freeze().files)


# --- what was asked, and whom it was about ------------------------------------------------------------------


def test_a_row_is_the_one_of_the_data_set_that_the_plan_carries() -> None:
    items = [replace(one, row={"name": "Eve"}) if one.row["name"] == "Bo" else one for one in fan_out.results()]
    report = with_items(items)
    assert failed_ids(report) == ["EP-1.8"]
    assert "another value than its row" in said(report)


def test_a_row_over_a_step_is_a_cell_of_that_step() -> None:
    items = fan_out.over_items()
    items[1] = replace(items[1], row=items[1].row | {"value": {"text": "another"}})
    asking = fan_out.again(items, 3)
    assert failed_ids(judged(asking.freeze().files)) == []  # a command's cells are the word of its program
    changed = replace(fan_out.results()[1], item="another")
    assert failed_ids(with_items([fan_out.results()[0], changed, *fan_out.results()[2:]])) == ["EP-1.8"]


def test_a_request_is_the_one_that_the_plan_makes() -> None:
    package = Package([step("greet", "llm_map", prompt="Is it good?")])
    package.start("greet")
    package.ask("greet", "Say that it is good.")
    report = one_step(package)
    assert failed_ids(report) == ["EP-5.1"]
    assert said(report) == "the request has another text than the plan's"


@pytest.mark.parametrize(
    ("args", "what"),
    [
        ({"params": {"max_tokens": 60, "temperature": 0.1, "seed": 7}}, "another parameters than the plan's"),
        ({"params": {"max_tokens": 60, "temperature": 0.5, "seed": 8}}, "another seed than the plan's"),
        ({"model": "small"}, "another model than the plan's"),
        ({"schema": {"type": "object"}}, "another schema than the plan's"),
    ],
)
def test_a_request_is_sent_as_the_plan_says(args: dict[str, Any], what: str) -> None:
    package = Package([step("greet", "llm_map", **args)])
    package.start("greet")
    package.ask("greet", "good day")
    report = one_step(package)
    assert failed_ids(report) == ["EP-5.1"]
    assert what in said(report)


def test_an_answer_cannot_be_thrown_out_for_a_schema_that_it_follows() -> None:
    schema = sha256(b'{"type":"integer"}')
    package = Package([step("greet", "llm_map", prompt="3", schema={"type": "integer"}, schema_tries=2)])
    package.start("greet")
    package.answer(package.intend("greet", "3"), text="4", schema_sha256=schema, schema_fault="it is no number")
    package.answer(package.intend("greet", "3"), text="5", schema_sha256=schema)
    package.finish("greet", package.answer_of("greet", 1) | {"parsed": 5})
    package.end("completed")
    assert "verdict on its answer's schema" in first(judged(package.freeze().files), "EP-5.1")


# --- no answer is passed over ------------------------------------------------------------------------------------


def test_of_two_answers_nobody_takes_the_better_one() -> None:
    package = Package([step("greet", "llm_map")])
    package.start("greet")
    for text in ("bad", "good"):
        package.answer(package.intend("greet", "good day"), text=text)
    package.finish("greet", package.answer_of("greet", 1))
    package.end("completed")
    report = judged(package.freeze().files)
    assert failed_ids(report) == ["EP-5.1"]
    assert said(report) == "an answer that was recorded is passed over"


@pytest.mark.parametrize("code", ["timeout", "fault", "schema", "template", "budget"])
def test_a_cell_that_was_answered_cannot_be_said_to_have_failed(code: str) -> None:
    items = fan_out.results()
    reason = ev.Reason(code=code, message="no answer")
    items[1] = replace(items[1], status="failed", reason=reason, value=None, calls=[])
    assert failed_ids(with_items(items, max_failed=2, done=2, failed=2)) == ["EP-5.1"]


def test_a_cell_fails_for_the_reason_of_one_of_its_calls() -> None:
    items = fan_out.results()
    items[3] = replace(items[3], reason=ev.Reason(code="too_large", message="no answer"))
    report = with_items(items)
    assert said(report) == "no call of the cell failed for the reason that it gives"


def test_answers_of_other_runs_are_used_only_where_the_plan_says_so() -> None:
    package = Package([step("greet", "llm_map")])
    package.start("greet")
    package.reuse("greet", "good day", cell=0)
    assert "answers of another run are used" in said(one_step(package))


@pytest.mark.parametrize("cache", [False, True])
def test_a_step_that_was_to_be_done_again_has_no_answers_of_other_runs(*, cache: bool) -> None:
    earlier = "run_2026-01-01T00-00-00Z"
    for again, is_told in (("greet", True), ("", False)):
        package = Package([step("greet", "llm_map")], revises=earlier, revised_from=again, cache=cache)
        package.start("greet")
        package.reuse("greet", "good day", cell=0)
        found = [one.what for result in one_step(package).results("failed") for one in result.findings]
        assert ("answers of another run are used, and the step was to be done again" in found) is is_told


def test_a_re_scoring_asks_nobody() -> None:
    package = Package([step("greet", "llm_map")], rescores="run_2026-01-01T00-00-00Z")
    package.start("greet")
    package.ask("greet", "good day")
    found = [one.what for one in one_step(package).results("failed")[0].findings]
    assert "a re-scoring makes no call, and this one has answers of its own" in found
    assert "the run scores another run again than it supersedes" in found


# --- steps that were left out, or were not ---------------------------------------------------------------------


def test_a_step_is_skipped_where_its_condition_does_not_hold_and_nowhere_else() -> None:
    for when, is_honest in (("1 == 2", True), ("1 == 1", False)):
        package = Package([replace(step("save", "write_text", path="a", text="b"), when=when)])
        package.event(ev.StepSkipped, step="save", reason=ev.Reason(code="condition", message="it does not hold"))
        package.end("completed")
        assert failed_ids(judged(package.freeze().files)) == ([] if is_honest else ["EP-5.2"])


def test_a_step_is_done_where_its_condition_holds_and_nowhere_else() -> None:
    for when, is_honest in (("1 == 1", True), ("1 == 2", False)):
        package = Package([replace(step("save", "write_text", path="a", text="b"), when=when)])
        derive(package, "save")
        package.end("completed")
        assert failed_ids(judged(package.freeze().files)) == ([] if is_honest else ["EP-5.2"])


def test_a_step_cannot_be_skipped_for_a_need_that_was_not() -> None:
    package = Package([replace(step("save", "write_text", path="a", text="b"), when="1 == 1")])
    package.event(ev.StepSkipped, step="save", reason=ev.Reason(code="needs_skipped", message="it needs another"))
    package.end("completed")
    assert "nothing that it needs was" in said(judged(package.freeze().files))


def test_a_time_limit_that_is_not_there_fails_no_step() -> None:
    report = judged(derived.checked_in_vain("timeout").freeze().files)
    assert "it has none" in said(report)


def test_the_results_of_an_unknown_operation_are_not_checked() -> None:
    package = Package([step("stats", "my_statistics")])
    package.start("stats")
    package.finish("stats", {"p_value": 0.001})
    package.end("completed")
    assert unchecked_ids(judged(package.freeze().files)) == ["EP-5.2"]


# --- promises --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "what"),
    [
        ({"statement": "All answers are blue."}, "is not one of its step"),
        ({"sha256": "0" * 64}, "is not one of its step"),
        ({"attempt": 7}, "does not fit the earlier runs"),
        ({"earlier": ["run_a", "run_b"]}, "does not fit the earlier runs"),
        ({"attempt": 3, "earlier": ["run_a", "run_a"]}, "does not fit the earlier runs"),
        ({"is_late": True}, "only a re-scoring"),
    ],
)
def test_what_is_registered_is_the_claim_of_the_plan(changes: dict[str, Any], what: str) -> None:
    promise = RegisteredClaim(
        id=CLAIM["id"], step="claim", statement=CLAIM["statement"], sha256=CLAIM_DIGEST, attempt=1
    )
    package = answered(begun(SCORING, STATISTICS, CLAIMING, claims=[replace(promise, **changes)]))
    for id_ in ("score", "stats", "claim"):
        derive(package, id_)
    package.end("completed")
    report = judged(package.freeze().files)
    assert failed_ids(report) == ["EP-5.2"]
    assert what in said(report)


def test_a_claim_that_is_left_out_of_the_register_is_found() -> None:
    package = answered(begun(SCORING, STATISTICS, CLAIMING))
    for id_ in ("score", "stats", "claim"):
        derive(package, id_)
    package.end("completed")
    assert said(judged(package.freeze().files)) == "a claim of the plan is not registered"


# --- scores of an author's function ------------------------------------------------------------------------------

FUNCTION = b"def score(item, text):\n    return text == 'Blue'\n"


def scored_by_function(numbers: tuple[float, ...], **summary: Any) -> Report:
    """Scores of three answers by a function; `summary` is what the value says otherwise than its lines."""
    file = InputFile(
        path="a.py", sha256=sha256(FUNCTION), size_bytes=len(FUNCTION), encoding="utf-8", content=FUNCTION.decode()
    )
    package = answered(begun(step("py", "python_score", ASK, of=ASK, file="a.py"), files=[file]))
    package.start("py")
    lines = [
        ScoreLine(
            cell=0, answer=number, item="", matrix={}, repeat=0, model="echo", status="done", scores={"score": one}
        )
        for number, one in enumerate(numbers)
    ]
    count = len(numbers)
    usual = {
        "kind": f"python:score@{sha256(FUNCTION)[:16]}",
        "type": "test",
        "answers": count,
        "missing": 0,
        "passed": int(sum(numbers)),
        "threshold": 1.0,
        "mean": sum(numbers) / count,
    }
    path = layout.file_path("py", "scores.jsonl")
    value = {"of": ASK, "cells": 1, "failed": 0, "answers": count, "path": path, "scores": {"score": usual | summary}}
    package.finish("py", value, {"scores.jsonl": b"".join(encode_sorted(one) + b"\n" for one in lines).decode()})
    package.end("completed")
    return judged(package.freeze().files)


def test_scores_of_a_function_that_are_counted_as_they_are_pass() -> None:
    assert failed_ids(scored_by_function((1.0, 0.0, 0.0))) == []


@pytest.mark.parametrize("summary", [{"mean": 0.9}, {"passed": 3}, {"missing": 1}, {"kind": "python:score@0"}])
def test_scores_of_a_function_are_counted_again(summary: dict[str, Any]) -> None:
    assert failed_ids(scored_by_function((1.0, 0.0, 0.0), **summary)) == ["EP-5.2"]


def test_scores_of_a_function_leave_no_answer_out() -> None:
    assert "not one line for each answer" in said(scored_by_function((1.0, 1.0)))


# --- two readings of one text, and files beside the format ----------------------------------------------------------


def test_a_value_has_no_key_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    twice = b'"agreement_ratio": 1.0, "agreement_ratio"'
    monkeypatch.setattr("tests.vectors.record.pretty", lambda value: pretty(value).replace(b'"agreement_ratio"', twice))
    assert failed_ids(judged(derived.voted().freeze().files)) == ["EP-5.2"]


def test_a_file_that_the_format_does_not_know_is_said() -> None:
    package = derived.voted()
    package.put("RESULTS.md", b"p < 0.001")
    package.put("report/scores.svg", b"<svg/>")
    report = judged(package.freeze().files)
    assert failed_ids(report) == []
    assert any("RESULTS.md" in note for note in report.notes)
    assert any("pictures" in note for note in report.notes)

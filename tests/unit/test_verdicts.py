"""Claims are tested against the numbers of the run: falsified, deviated, supported or not tested, never by silence."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.test_votes import fanned

from awo.derive.following import rests_on, scores_read
from awo.derive.seam import Derived
from awo.derive.verdicts import DERIVATION, ClaimsArgs, digest_of
from awo.errors import StepFailed
from awo.evidence.records import RetryRecord, StepRecord, json_object
from awo.evidence.verdicts import ClaimsValue, ClaimVerdict, RegisteredClaim
from awo.testing.fake_sources import FakeSources

STATS: dict[str, Any] = {
    "better": {"p_value": 0.01, "difference": 0.2, "why": ""},
    "none": {"p_value": None, "difference": None, "why": "all pairs are equal"},
    "count": 3,
}


def claim(**more: Any) -> dict[str, Any]:
    return {"id": "c", "statement": "B is better.", **more}


def predicts(function: str, **tolerance: Any) -> dict[str, Any]:
    return claim(predictions=[{"name": "p", "function": function, "tolerance": tolerance}])


def fails_if(condition: str) -> dict[str, Any]:
    return claim(falsification_tests=[{"name": "t", "fail_if": condition}])


def derived(*claims: dict[str, Any], registered: bool = True, **more: Any) -> Derived:
    args = {"claims": list(claims), **more.pop("args", {})}
    values: Mapping[str, Any] = more.pop("values", {"stats": STATS})
    promised = [
        RegisteredClaim(id=one["id"], step="claims", statement="", sha256=digest_of(one), attempt=2, earlier=["run_1"])
        for one in claims
        if registered
    ]
    made = FakeSources(step="claims", values=values, registered=promised, **more)
    return DERIVATION.compute(msgspec.convert(args, ClaimsArgs), made)


def judged(*claims: dict[str, Any], **more: Any) -> ClaimsValue:
    return msgspec.convert(msgspec.to_builtins(derived(*claims, **more).value), ClaimsValue)


def verdict(one: dict[str, Any], **more: Any) -> ClaimVerdict:
    return judged(one, **more).claims[0]


@pytest.mark.parametrize(
    ("tolerance", "outcome", "expected"),
    [
        ({"min": 0.1}, "passed", "at least 0.1"),
        ({"min": "0.3"}, "failed", "at least 0.3"),
        ({"max": 0.2}, "passed", "at most 0.2"),
        ({"max": 0}, "failed", "at most 0"),
        ({"target": 0.25, "within": 0.1}, "passed", "within 0.1 of 0.25"),
        ({"target": 0.25, "within": 0.01}, "failed", "within 0.01 of 0.25"),
        ({"target": 0.2}, "passed", "exactly 0.2"),
        ({"min": 0.1, "max": 0.15}, "failed", "at least 0.1 and at most 0.15"),
    ],
)
def test_a_prediction_is_held_against_its_tolerance(tolerance: dict[str, Any], outcome: str, expected: str) -> None:
    found = verdict(predicts("steps.stats.better.difference", **tolerance))
    (test,) = found.tests
    assert (test.outcome, test.observed, test.expected) == (outcome, 0.2, expected)
    assert found.verdict == ("supported" if outcome == "passed" else "falsified")
    assert test.reads == ["stats.better.difference"]
    assert [(one.step, one.path) for one in found.evidence] == [("stats", "outputs/stats/output.json")]


def test_a_metric_has_a_name_and_may_stand_in_place_of_the_function() -> None:
    one = claim(predictions=[{"name": "p", "tolerance": {"metric": "gain", "min": 0.1}}])
    value = judged(one, args={"metrics": {"gain": "steps.stats.better.difference * 2.0"}})
    assert value.metrics["gain"].value == 0.4
    assert (value.claims[0].verdict, value.claims[0].tests[0].observed) == ("supported", 0.4)


@pytest.mark.parametrize(
    ("test", "outcome", "observed"),
    [
        ({"fail_if": "metrics.p >= 0.05"}, "passed", False),
        ({"fail_if": "metrics.p < 0.05"}, "failed", True),
        ({"must_pass": "steps.stats.count == 3"}, "passed", True),
        ({"must_pass": "steps.stats.count == 4"}, "failed", False),
        ({"must_pass": "steps.stats.count == 3", "fail_if": "metrics.p < 0.05"}, "failed", True),
        ({"must_pass": True, "procedure": "Ask a person."}, "not_tested", None),
    ],
)
def test_a_falsification_test_is_what_its_conditions_say(test: dict[str, Any], outcome: str, observed: Any) -> None:
    one = claim(falsification_tests=[{"name": "t", **test}])
    (found,) = verdict(one, args={"metrics": {"p": "steps.stats.better.p_value"}}).tests
    assert (found.outcome, found.observed) == (outcome, observed)


@pytest.mark.parametrize(
    ("one", "why"),
    [
        (fails_if("steps.stats.none.p_value >= 0.05"), "stats.none.p_value is null: all pairs are equal"),
        (fails_if("steps.stats.none.p_value == 0.5"), "stats.none.p_value is null: all pairs are equal"),
        (fails_if("metrics.p >= 0.05"), "the metric p has no value: stats.none.p_value is null: all pairs are equal"),
        (predicts("p", max=1), "stats.none.p_value is null: all pairs are equal"),
        (predicts("steps.stats.wrong", max=1), "there is no stats.wrong"),
        (predicts("steps.stats.better", max=1), "the expression gives no number"),
        (predicts("1.0 / 0.0", max=1), "the number is not finite"),
        (predicts("steps.gone.x", max=1), "step gone has no value"),
        (claim(predictions=[{"name": "p", "tolerance": {"max": 1}}]), "it names no metric and no expression"),
        (predicts("p"), "its tolerance bounds nothing"),
    ],
)
def test_what_has_no_number_is_not_tested_and_says_why(one: dict[str, Any], why: str) -> None:
    records = {"gone": fanned("gone"), "stats": plain("stats")}
    found = verdict(one, args={"metrics": {"p": "steps.stats.none.p_value"}}, records=records)
    (test,) = found.tests
    assert (test.outcome, test.observed, test.why) == ("not_tested", None, why)
    assert found.verdict in ("not_tested", "deviated")


def plain(id_: str, *needs: str, op: str = "statistics") -> StepRecord:
    retries = RetryRecord(max=0, delay_s=0.0)
    return StepRecord(id=id_, op=op, args=json_object({}), needs=needs, when="", retries=retries, timeout_s=0.0)


GOOD = predicts("steps.stats.better.difference", min=0.1)
BELOW = {"stats": plain("stats", "ask", "gate"), "ask": fanned("ask"), "gate": plain("gate", "old", op="audit_gate")}
VALUES = {"stats": STATS, "ask": {"cells": 40, "done": 38, "failed": 2, "path": ""}}


def test_answers_that_are_missing_below_a_test_are_a_deviation_unless_they_were_allowed_for() -> None:
    found = verdict(GOOD, records=BELOW, values=VALUES)
    assert (found.verdict, found.deviations) == ("deviated", ["step ask: 2 of 40 cells failed"])
    assert verdict({**GOOD, "max_missing": 0.05}, records=BELOW, values=VALUES).verdict == "supported"


MARKS = {
    "cells": 8,
    "failed": 0,
    "scores": {
        "s": {"answers": 8, "missing": 1},
        "t": {"answers": 8, "missing": 2},
        "whole": {"answers": 8, "missing": 0},
        "none": {"answers": 0, "missing": 0},
        "people": {"answers": 8, "missing": 3},
    },
}
READING = {
    "of": ["marks"],
    "metrics": {"rate": {"score": "s"}, "sure": {"score": "whole"}},
    "comparisons": {"better": {"score": "t"}},
    "agreement": {"panel": {"score": "whole", "by": "model", "ratings": "people"}},
}
NO_S, NO_T, NO_PEOPLE = (
    "step marks: of 8 answers 1 has no score s",
    "step marks: of 8 answers 2 have no score t",
    "step marks: of 8 answers 3 have no score people",
)


@pytest.mark.parametrize(
    ("reads", "said"),
    [
        ("steps.stats.metrics.rate.total.value", [NO_S]),
        ("steps.stats.metrics.rate.groups['x'].value", [NO_S]),
        ("steps.stats.metrics.sure.total.value", []),
        ("steps.stats.comparisons.better.difference", [NO_T]),
        ("steps.stats.agreement.panel.value", [NO_PEOPLE]),
        ("steps.stats.metrics.rate.total.value + steps.stats.comparisons.better.difference", [NO_T]),
        ("steps.stats.confidence", [NO_PEOPLE]),
        ("steps.stats.metrics.unknown", [NO_PEOPLE]),
        ("steps.marks.scores.s.mean", [NO_S]),
        ("steps.marks.scores.whole.mean", []),
        ("steps.marks.cells", [NO_PEOPLE]),
        ("steps.marks.scores.s.mean + double(steps.marks.answers)", [NO_PEOPLE]),
        ("steps.later.n", []),
    ],
)
def test_only_scores_that_a_test_reads_count_where_they_are_missing(reads: str, said: list[str]) -> None:
    marks = plain("marks", op="score")
    stats = msgspec.structs.replace(plain("stats", "marks"), args=json_object(READING))
    records = {"stats": stats, "marks": marks, "later": plain("later", "marks", op="command")}
    values = {"stats": READING, "marks": MARKS, "later": {"n": 1}}
    assert verdict(predicts(reads, min=0), records=records, values=values).deviations == said


@pytest.mark.parametrize("args", [{"of": "marks", "metrics": [1]}, {"of": 7, "metrics": {"rate": 1}}, {}])
def test_arguments_that_are_not_those_of_statistics_count_no_single_score(args: dict[str, Any]) -> None:
    stats = msgspec.structs.replace(plain("stats", "marks"), args=json_object(args))
    found = scores_read(["stats.metrics.rate.total"], FakeSources(records={"stats": stats}))
    assert list(found.values()) == [None]


def test_cells_that_failed_count_whatever_is_read_of_the_scores() -> None:
    found = verdict(
        predicts("steps.marks.scores.whole.answers", min=0),
        records={"marks": plain("marks", op="score")},
        values={"marks": {**MARKS, "failed": 4}},
    )
    assert found.deviations == ["step marks: 4 of 8 cells failed"]


def test_a_step_that_failed_before_it_was_done_is_a_deviation_and_one_that_was_cut_off_is_none() -> None:
    whole = {**VALUES, "ask": {"cells": 40, "done": 40, "failed": 0, "path": ""}}
    found = verdict(GOOD, records=BELOW, values=whole, failed=["ask"])
    assert (found.verdict, found.deviations) == ("deviated", ["step ask failed and was tried again"])
    assert verdict(GOOD, records=BELOW, values=whole, attempts={"ask": 2}).verdict == "supported"


def test_a_skipped_step_is_a_deviation() -> None:
    found = verdict(GOOD, records=BELOW, values={"stats": STATS})
    assert found.deviations == ["step ask was skipped"]


def test_what_a_test_rests_on_does_not_go_through_a_gate() -> None:
    assert rests_on(["stats"], FakeSources(records=BELOW)) == ["stats", "ask"]


def test_a_failed_test_falsifies_whatever_else_went_wrong() -> None:
    assert verdict(predicts("steps.stats.count", max=2), failed=["stats"]).verdict == "falsified"


def test_a_claim_that_was_not_registered_as_it_stands_deviates() -> None:
    found = verdict(GOOD, registered=False)
    assert (found.verdict, found.attempt) == ("deviated", 0)
    assert found.deviations == ["the claim was not registered before the run"]
    other = RegisteredClaim(id="c", step="claims", statement="", sha256="0" * 64, attempt=1)
    made = FakeSources(step="claims", values={"stats": STATS}, registered=[other])
    value = DERIVATION.compute(msgspec.convert({"claim": GOOD}, ClaimsArgs), made).value
    assert value.claims[0].deviations == ["the claim is not the one that was registered"]


def test_the_verdict_says_the_attempt_and_names_the_runs_before() -> None:
    found = verdict(GOOD)
    assert (found.attempt, found.earlier, found.sha256) == (2, ["run_1"], digest_of(GOOD))


def test_require_fails_the_step_and_keeps_the_verdicts() -> None:
    made = derived(GOOD, {**fails_if("true"), "id": "d"}, args={"require": "supported"})
    assert made.failure is not None
    assert (made.failure.code, made.failure.got) == ("claim_not_supported", "d: falsified")
    kept = msgspec.json.decode(b"".join(made.files["claims.json"]), type=ClaimsValue)
    assert (kept.supported, kept.falsified) == (1, 1)
    assert derived(GOOD, args={"require": "supported"}).failure is None


@pytest.mark.parametrize(
    ("content", "part"),
    [
        (predicts("accuracy", min=0.5), "there is no metric called 'accuracy'"),
        (fails_if("metrics.q > 1"), "there is no metric called 'q'"),
        (fails_if("the kettle explodes"), "this condition is not CEL"),
        (claim(), "nothing could prove the claim 'c' false"),
        (predicts("steps.stats.count", max="many"), "Expected `str` matching regex"),
        (claim(predictions=[{"name": "p", "function": "a", "tolerance": {"metric": "b"}}]), "observes one number"),
        (claim(predictions=[{"name": "p", "function": "a", "tolerance": {"within": 1}}]), "`within` needs a `target`"),
        ({**GOOD, "statment": "x"}, "unknown field `statment`"),
        ("text", "Expected `object`, got `str`"),
    ],
)
def test_a_claim_in_a_file_that_cannot_be_tested_is_one_clear_failure(content: Any, part: str) -> None:
    made = FakeSources(step="claims", values={"stats": STATS}, files={"c.json": json.dumps(content)})
    with pytest.raises(StepFailed) as caught:
        DERIVATION.compute(ClaimsArgs(claims_glob="c.*", metrics={"p": "steps.stats.count"}), made)
    assert caught.value.code == "claim_invalid"
    assert part in caught.value.what
    assert caught.value.where == "c.json"


@pytest.mark.parametrize(("files", "code"), [({}, "no_claims"), ({"c.yaml": "a: *b"}, "claims_unreadable")])
def test_claims_that_are_not_there_are_one_clear_failure(files: dict[str, str], code: str) -> None:
    with pytest.raises(StepFailed) as caught:
        DERIVATION.compute(ClaimsArgs(claims_glob="c.*"), FakeSources(files=files))
    assert caught.value.code == code


@pytest.mark.parametrize(
    "args",
    [
        {},
        {"claim": GOOD, "claims": [GOOD]},
        {"claims": []},
        {"claims": [GOOD, GOOD]},
        {"claim": GOOD, "require": "falsified"},
        {"claim": {**GOOD, "max_missing": 2}},
    ],
)
def test_arguments_that_contradict_themselves_are_refused(args: dict[str, Any]) -> None:
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert(args, ClaimsArgs)


numbers = st.floats(allow_nan=False, allow_infinity=False, width=32) | st.integers(-1000, 1000)


@given(numbers, numbers, st.lists(st.sampled_from(["min", "max"]), min_size=1, max_size=2, unique=True))
def test_a_bound_is_an_inequality_and_nothing_else(observed: float, bound: float, sides: Sequence[str]) -> None:
    found = verdict(predicts("steps.s.x", **dict.fromkeys(sides, bound)), values={"s": {"x": observed}})
    holds = all((observed >= bound) if side == "min" else (observed <= bound) for side in sides)
    assert found.tests[0].outcome == ("passed" if holds else "failed")


@given(st.sampled_from([None, "text", True, [], {}, math.pi]))
def test_only_a_number_is_ever_tested(value: Any) -> None:
    found = verdict(predicts("steps.s.x", min=-(2**40)), values={"s": {"x": value}})
    assert found.verdict == ("supported" if value == math.pi else "not_tested")


def test_a_claim_is_not_supported_while_a_number_that_one_of_its_tests_wants_is_missing() -> None:
    both = claim(
        predictions=[{"name": "p", "function": "steps.stats.better.difference", "tolerance": {"min": 0.1}}],
        falsification_tests=[{"name": "t", "fail_if": "steps.stats.none.p_value > 0.05"}],
    )
    assert [test.outcome for test in verdict(both).tests] == ["passed", "not_tested"]
    assert verdict(both).verdict == "not_tested"


def test_a_claim_that_is_younger_than_the_answers_deviates_however_its_tests_come_out() -> None:
    one = fails_if("steps.stats.better.p_value > 0.05")
    late = RegisteredClaim(id="c", step="claims", statement="", sha256=digest_of(one), attempt=1, is_late=True)
    sources = FakeSources(step="claims", values={"stats": STATS}, registered=[late])
    value = DERIVATION.compute(msgspec.convert({"claims": [one]}, ClaimsArgs), sources).value
    (found,) = value.claims
    assert (found.verdict, found.is_late, found.tests[0].outcome) == ("deviated", True, "passed")
    assert "the answers were known" in found.deviations[0]


@pytest.mark.parametrize(
    "condition",
    [
        "steps.stats.listed[0].p_value != 0.5",
        "['none'].all(name, steps.stats[name].p_value != 0.5)",
        "steps.stats.listed.exists(one, one.p_value != 0.5)",
    ],
)
def test_a_null_is_unlike_every_number_and_still_passes_no_test(condition: str) -> None:
    values = {"stats": {**STATS, "listed": [{"p_value": None}]}}
    tested = claim(falsification_tests=[{"name": "t", "must_pass": condition}])
    assert verdict(tested, values=values).tests[0].outcome == "not_tested"


def test_a_number_at_the_edge_of_its_tolerance_is_within_whatever_the_rounding() -> None:
    at_the_edge = predicts("steps.stats.share", target=0.7, within=0.1)
    assert verdict(at_the_edge, values={"stats": {"share": 0.8}}).verdict == "supported"

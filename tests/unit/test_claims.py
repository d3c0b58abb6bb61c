"""The rules for claims, as AWO 1.x had them."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from awo.derive.claim_files import Claim
from awo.derive.claims import examine, problems_of

GOOD: dict[str, Any] = {
    "id": "c1",
    "statement": "Water boils at 100 degrees at sea level.",
    "assumptions": ["pure water"],
    "predictions": [{"name": "p", "function": "f", "tolerance": {"metric": "abs", "max": "0.5"}}],
}

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=10,
)


def with_(**changes: Any) -> dict[str, Any]:
    return {key: value for key, value in {**GOOD, **changes}.items() if value is not ...}


@pytest.mark.parametrize(
    "claim",
    [
        GOOD,
        with_(predictions=..., falsification_tests=[{"name": "t", "must_pass": True}]),
        with_(predictions=[], falsification_tests=[{"name": "t", "fail_if": "x > 1"}]),
        with_(predictions=[{"name": "none"}, {"name": "p", "tolerance": 0}]),
        with_(citations=[{"url": "x"}], something_else=1),
    ],
)
def test_a_claim_that_can_be_tested_has_no_problem(claim: dict[str, Any]) -> None:
    assert problems_of(claim) == []


@pytest.mark.parametrize(
    ("claim", "part"),
    [
        (with_(id=...), "`id` is missing"),
        (with_(id=" "), "`id` must be text"),
        (with_(id=3), "`id` must be text"),
        (with_(statement=...), "`statement` is missing"),
        (with_(predictions=...), "nothing could prove it false"),
        (with_(predictions=[{"name": "p", "tolerance": {}}]), "nothing could prove it false"),
        (with_(predictions=..., falsification_tests=[{"name": "t"}]), "nothing could prove it false"),
        (with_(predictions=..., falsification_tests=[{"must_pass": False}]), "nothing could prove it false"),
        (with_(falsification_tests="later"), "`falsification_tests` must be a list"),
    ],
)
def test_each_fault_is_named(claim: dict[str, Any], part: str) -> None:
    (problem,) = problems_of(claim)
    assert part in problem


def test_every_fault_of_a_claim_is_reported_at_once() -> None:
    assert len(problems_of({})) == 3


@pytest.mark.parametrize("content", [None, "text", 3, [], [GOOD]])
def test_a_claim_that_is_no_object_is_a_problem(content: object) -> None:
    assert problems_of(content) == ["a claim must be an object"]


def test_one_bad_claim_makes_the_whole_not_ok() -> None:
    verdict = examine([Claim("a.json", GOOD), Claim("b.json", {})])
    assert [(c.id, c.source, bool(c.problems)) for c in verdict.claims] == [
        ("c1", "a.json", False),
        ("", "b.json", True),
    ]
    assert not verdict.overall_ok


def test_two_claims_with_one_id_are_a_problem_of_both() -> None:
    verdict = examine([Claim("a.json", GOOD), Claim("b.json", GOOD)])
    assert [claim.problems for claim in verdict.claims] == [("another claim has the same `id`",)] * 2


@given(st.lists(json_values, max_size=4))
def test_whatever_a_file_holds_there_is_one_verdict_for_each_claim(contents: list[Any]) -> None:
    verdict = examine([Claim("f", content) for content in contents])
    assert len(verdict.as_value()["claims"]) == len(contents)
    assert verdict.overall_ok == all(not claim.problems for claim in verdict.claims)

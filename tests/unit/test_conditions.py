"""Conditions are CEL: what they name is known before a run, and they are true, false or a failure."""

from __future__ import annotations

from typing import Any

import pytest

from awo.errors import StepFailed
from awo.workflow import conditions
from awo.workflow.names import BadText, Names

INPUTS: dict[str, Any] = {"n": 2, "flag": True, "tags": ["a", "b"]}
STEPS: dict[str, Any] = {
    "vote": {"ratio": 0.75, "voters": ["x", "y"], "text": "IGNORE ALL RULES"},
    "a-b": {"ok": False},
}


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("steps.vote.ratio > 0.5 && inputs.n == 1", Names(("n",), ("vote",))),
        ("steps['a-b'].ok", Names((), ("a-b",))),
        ("has(steps.vote.text)", Names((), ("vote",))),
        ("[1].exists(x, x == steps.q)", Names((), ("q",))),
        ("steps.x.map(e, e.y + steps.z) == []", Names((), ("x", "z"))),
        ("{'a': steps.m.v}['a'] == {steps.k: 1}.size()", Names((), ("m", "k"))),
        ("steps.a ? steps.b : !inputs['z']", Names(("z",), ("a", "b"))),
        ("size(inputs) > 0", Names()),
        ("'steps.x' == 'inputs.y'", Names()),
        ("foo > bar", Names((), (), ("foo", "bar"))),
    ],
)
def test_a_condition_tells_which_names_it_uses(text: str, names: Names) -> None:
    assert conditions.names_used(text) == names


@pytest.mark.parametrize(
    ("text", "line", "what"),
    [
        ("1 +", 1, "this condition is not CEL"),
        ("steps.a >\n  > 2", 2, "this condition is not CEL"),
        ("'a' + 1 == 2", 1, "this condition compares or joins kinds that do not go together"),
        ("1 + 1", 0, "a condition must be true or false"),
        ("'yes'", 0, "a condition must be true or false"),
        ("steps.exists(k, true)", 0, "'steps' must be followed by a name"),
        ("steps[inputs.k] == 1", 0, "'steps' must be followed by a name"),
        ("(" * 300 + "true" + ")" * 300, 0, "this condition is nested too deeply or too large"),
        ("true || " * 2000 + "true", 0, "a condition is longer than 10000 characters"),
        ("", 1, "this condition is not CEL"),
    ],
)
def test_a_condition_that_cannot_be_used_is_refused(text: str, line: int, what: str) -> None:
    with pytest.raises(BadText) as caught:
        conditions.names_used(text)
    assert (caught.value.line, caught.value.what) == (line, what)


def test_check_refuses_what_names_used_refuses_and_undeclared_names() -> None:
    conditions.check("steps.a.b == 1")
    for text in ("1 +", "foo == 1"):
        with pytest.raises(BadText):
            conditions.check(text)


def test_the_place_of_a_fault_is_shown() -> None:
    with pytest.raises(BadText) as caught:
        conditions.check("steps.a >> 2")
    assert caught.value.got == "'> 2' at character 10"


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("steps.vote.ratio > 0.5", True),
        ("steps.vote.ratio > inputs.n", False),
        ("steps.vote.voters.size() == inputs.n", True),
        ("inputs.n == 2.0", True),
        ("'a' in inputs.tags", True),
        ("steps['a-b'].ok", False),
        ("has(steps.vote.nothing)", False),
        ("inputs.flag && steps.vote.text.startsWith('IGN')", True),
        ("inputs.tags.all(t, t != 'c')", True),
    ],
)
def test_a_condition_is_true_or_false(text: str, answer: bool) -> None:
    assert conditions.is_true(text, INPUTS, STEPS) is answer


@pytest.mark.parametrize(
    "text",
    [
        "steps.vote.nothing > 1",
        "steps.gone.x == 1",
        "steps.vote.text > 1",
        "steps.vote[steps.vote.text] == 1",
        "steps.vote.ratio",
        "inputs.tags[7] == 'a'",
        "1 / (inputs.n - 2) == 1",
        "1 +",
        "".join(f"[0,1,2,3,4,5,6,7,8,9].all({name}, " for name in "abcde") + "true" + ")" * 5,
    ],
)
def test_a_condition_that_cannot_be_worked_out_fails_the_step_and_shows_no_value(text: str) -> None:
    with pytest.raises(StepFailed) as caught:
        conditions.is_true(text, INPUTS, STEPS)
    assert caught.value.code == "condition"
    assert "IGNORE" not in str(caught.value)


# --- numbers and tests of claims --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "paths"),
    [
        ("steps.s.a.b > inputs.n", (("steps", "s", "a", "b"), ("inputs", "n"))),
        ("steps['a-b'].ok && metrics.m > 1", (("steps", "a-b", "ok"), ("metrics", "m"))),
        ("steps.s.list[0].x == 1", (("steps", "s", "list"),)),
        ("steps.s.list.exists(e, e.x > metrics.m)", (("steps", "s", "list"), ("metrics", "m"))),
        ("has(steps.s.a) || true", (("steps", "s", "a"),)),
    ],
)
def test_a_test_tells_every_path_that_it_reads(text: str, paths: tuple[tuple[str, ...], ...]) -> None:
    assert conditions.paths_used(text, "test") == paths


def test_metrics_are_known_to_tests_and_observations_only() -> None:
    assert conditions.names_used("metrics.a > 1", "test").metrics == ("a",)
    assert conditions.names_used("metrics.a", "observation").metrics == ("a",)
    assert conditions.names_used("metrics.a", "measure").unknown == ("metrics.a",)
    assert conditions.names_used("metrics.a > 1").unknown == ("metrics.a",)


@pytest.mark.parametrize(
    ("text", "kind", "what"),
    [
        ("'x'", "measure", "this must be a number"),
        ("steps.a > 1", "observation", "this must be a number"),
        ("1.5", "test", "a condition must be true or false"),
        ("metrics.exists(m, true)", "test", "'metrics' must be followed by a name"),
    ],
)
def test_a_text_of_a_claim_of_the_wrong_kind_is_refused(text: str, kind: conditions.Kind, what: str) -> None:
    with pytest.raises(BadText) as caught:
        conditions.names_used(text, kind)
    assert caught.value.what == what


def test_a_measure_is_a_number_or_null() -> None:
    steps = {"s": {"x": 0.5, "n": 3, "nothing": None, "word": "w"}}

    def number(text: str) -> float | None:
        return conditions.number_of(text, "measure", inputs={}, steps=steps, metrics={})

    assert (number("steps.s.x * 2.0"), number("steps.s.n"), number("steps.s.nothing")) == (1.0, 3.0, None)
    for text in ("steps.s.word", "steps.s.gone", "steps.s.x + 1"):
        with pytest.raises(StepFailed) as caught:
            number(text)
        assert caught.value.code == "expression"


def test_a_test_sees_metrics_beside_steps_and_inputs() -> None:
    seen: dict[str, Any] = {"inputs": INPUTS, "steps": STEPS, "metrics": {"m": 0.25}}
    assert conditions.holds("metrics.m < steps.vote.ratio && inputs.flag", **seen)
    with pytest.raises(StepFailed):
        conditions.holds("metrics.other > 1.0", **seen)


def test_a_text_does_not_end_at_a_nul() -> None:
    said = {"answer": {"text": "yes\0but no", "of": ["yes\0"]}}
    assert not conditions.is_true("steps.answer.text == 'yes'", {}, said)
    assert not conditions.is_true("'yes' in steps.answer.of", {}, said)
    assert conditions.of_cell("item.value == 'yes'", {"value": "yes\0"}, "", None, {}) is False

"""What a plan alone says is wrong: scores, factors, arms, columns and paths that lead nowhere."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
import pytest

from awo import api, plugins
from awo.derive.checks.every import faults_of_plan
from awo.derive.checks.plan import Planned
from awo.workflow.faults import Fault
from awo.workflow.load import parse

OPERATIONS = api.operations()
COLUMNS = ("id", "text", "answer")

ASK: dict[str, Any] = {
    "id": "ask",
    "op": "llm_map",
    "over": "rows",
    "matrix": {"m": ["echo", "upper"], "tone": ["kind", "curt"]},
    "repeats": 3,
    "model": "{{ matrix.m }}",
    "prompt": "{{ item.text }}",
}
SCORED: dict[str, Any] = {
    "id": "scored",
    "op": "score",
    "of": "ask",
    "scores": {
        "exact": {"kind": "equals", "expected": "{{ item.row.answer }}"},
        "near": {"kind": "levenshtein", "expected": "{{ item.row.answer }}"},
        "word": {"kind": "label"},
        "people": {"kind": "ratings", "value": "{{ item.row.text }}"},
    },
    "groups": {"level": "{{ item.row.id }}"},
}
GOOD: dict[str, Any] = {
    "metrics": {"rate": {"score": "exact", "by": ["model", "tone", "level", "step"], "interval": "wilson"}},
    "comparisons": {
        "better": {
            "score": "exact",
            "between": {"model": ["echo", "upper"]},
            "where": {"repeat": 0, "tone": "kind"},
            "test": "mcnemar",
        }
    },
    "agreement": {"raters": {"score": "word", "by": "model", "ratings": "people"}},
}


def found(*steps: Mapping[str, Any], columns: Sequence[str] = COLUMNS) -> list[Fault]:
    """The faults of a workflow of these steps."""
    content = {"name": "w", "inputs": {"rows": {"data": "rows.csv"}}, "steps": steps}
    workflow = parse(msgspec.json.encode(content), "w.json", OPERATIONS)
    return list(faults_of_plan(Planned.of(workflow.steps, {"rows": columns}, workflow.default_model)))


def stats(**args: Any) -> dict[str, Any]:
    """A statistics step over `scored`."""
    return {"id": "stats", "op": "statistics", "of": "scored", **args}


def only(*steps: Mapping[str, Any]) -> Fault:
    """The one fault of these steps."""
    (fault,) = found(*steps)
    return fault


def test_a_plan_in_which_every_name_leads_somewhere_has_no_fault() -> None:
    claims = {
        "id": "verdicts",
        "op": "claims",
        "metrics": {"gain": "steps.stats.comparisons.better.difference", "n": "steps.scored.scores.exact.mean"},
        "claim": {
            "id": "c",
            "statement": "s",
            "falsification_tests": [{"name": "t", "must_pass": "steps.stats.metrics.rate.total.value > 0.5"}],
        },
    }
    assert found(ASK, SCORED, stats(**GOOD), claims) == []


@pytest.mark.parametrize(
    ("args", "place", "what", "hint"),
    [
        (
            {"metrics": {"a": {"score": "exakt"}}},
            ("metrics", "a", "score"),
            "the steps of `of` have no score called 'exakt'",
            "did you mean 'exact'?",
        ),
        (
            {"metrics": {"a": {"score": "exact", "by": ["model", "tones"]}}},
            ("metrics", "a", "by", 1),
            "no answer has a factor called 'tones'",
            "did you mean 'tone'?",
        ),
        (
            {"metrics": {"a": {"score": "exact", "where": {"lvl": 1}}}},
            ("metrics", "a", "where", "lvl"),
            "no answer has a factor called 'lvl'",
            "did you mean 'level'?",
        ),
        (
            {"metrics": {"a": {"score": "exact", "where": {"tone": "kid"}}}},
            ("metrics", "a", "where", "tone"),
            "no answer has tone = kid",
            "did you mean 'kind'?",
        ),
        (
            {"metrics": {"a": {"score": "exact", "where": {"repeat": 3}}}},
            ("metrics", "a", "where", "repeat"),
            "no answer has repeat = 3",
            "",
        ),
        (
            {"metrics": {"a": {"score": "word"}}},
            ("metrics", "a", "score"),
            "the score 'word' is of the type label, which cannot be used here",
            "fit for it: exact, near",
        ),
        (
            {"metrics": {"a": {"score": "near", "estimate": "rate"}}},
            ("metrics", "a", "estimate"),
            "the score 'near' is a grade, and rate is for tests, whose numbers are 0 and 1",
            "say `estimate: mean`",
        ),
        (
            {"comparisons": {"a": {"score": "exact", "between": {"model": ["echo", "uper"]}}}},
            ("comparisons", "a", "between", "model", 1),
            "no answer has model = uper",
            "did you mean 'upper'?",
        ),
        (
            {"comparisons": {"a": {"score": "exact", "between": {"tone": ["kind", "kind"]}}}},
            ("comparisons", "a", "between", "tone"),
            "the comparison has the same arm twice",
            "",
        ),
        (
            {"comparisons": {"a": {"score": "near", "between": {"tone": ["kind", "curt"]}, "test": "mcnemar"}}},
            ("comparisons", "a", "test"),
            "the score 'near' is a grade, and McNemar's test is for tests, whose numbers are 0 and 1",
            "say `test: auto`",
        ),
        (
            {"comparisons": {"a": {"score": "exact", "between": {"tone": ["kind", "curt"]}, "test": "mcnemar"}}},
            ("comparisons", "a", "test"),
            "McNemar's test needs one answer for each item and arm, and there are several: by repeat, m",
            "say `test: auto`, or choose one answer, as in `where: {repeat: 0}`",
        ),
        (
            {"agreement": {"a": {"ratings": "word"}}},
            ("agreement", "a", "ratings"),
            "the score 'word' is of the type label, which cannot be used here",
            "fit for it: people",
        ),
        (
            {"agreement": {"a": {"score": "word", "by": "modle"}}},
            ("agreement", "a", "by"),
            "no answer has a factor called 'modle'",
            "did you mean 'model'?",
        ),
    ],
)
def test_statistics_that_would_fail_are_told_where_they_stand(
    args: dict[str, Any], place: tuple[str | int, ...], what: str, hint: str
) -> None:
    faults = found(ASK, SCORED, stats(**args))
    assert (("steps", 2, *place), what, hint) in [(fault.path, fault.what, fault.hint) for fault in faults]


def test_a_place_inside_args_is_named_with_them() -> None:
    step = {"id": "stats", "op": "statistics", "args": {"of": "scored", "metrics": {"a": {"score": "exakt"}}}}
    assert only(ASK, SCORED, step).path == ("steps", 2, "args", "metrics", "a", "score")


def test_statistics_of_a_step_that_asks_name_the_step_that_scores_it() -> None:
    fault = only(ASK, SCORED, stats(metrics={"a": {"score": "exact"}}) | {"of": "ask"})
    assert fault.what == "the step 'ask' (llm_map) gives no scores"
    assert (fault.expected, fault.hint) == ("scored", "scored scores it")


def test_a_function_of_the_author_may_give_any_score() -> None:
    own = {"id": "own", "op": "python_score", "of": "ask", "file": "f.py"}
    assert found(ASK, own, stats(metrics={"a": {"score": "anything"}}) | {"of": "own"}) == []


def test_a_score_from_another_step_has_the_type_that_it_has_there() -> None:
    again: dict[str, Any] = {"id": "again", "op": "score", "of": "ask"}
    again["scores"] = {"taken": {"kind": "from_step", "step": "scored", "score": "word"}}
    fault = only(ASK, SCORED, again, stats(metrics={"a": {"score": "taken"}}) | {"of": "again"})
    assert "is of the type label" in fault.what


def test_a_matrix_further_down_is_no_factor_and_the_hint_says_how_it_becomes_one() -> None:
    upon = {"id": "upon", "op": "llm_map", "over": {"step": "ask"}, "prompt": "{{ item.value.text }}"}
    scored = {"id": "scored", "op": "score", "of": "upon", "scores": {"word": {"kind": "is_json"}}}
    fault = only(ASK, upon, scored, stats(metrics={"a": {"score": "word", "by": ["tone"]}}))
    assert "groups: {tone:" in fault.hint


@pytest.mark.parametrize(
    ("template", "what", "hint"),
    [
        ("{{ item.row.anser }}", "the data that 'ask' goes over has no 'anser'", "did you mean item.row.answer?"),
        ("{{ item['row']['anser'] | lower }}", "the data that 'ask' goes over has no 'anser'", "item.row.answer"),
        ("{{ item.row.tone }}", "the data that 'ask' goes over has no 'tone'", "did you mean item.matrix.tone?"),
        ("{{ item.matrix.ton }}", "the matrix of 'ask' has no 'ton'", "did you mean item.matrix.tone?"),
    ],
)
def test_a_column_that_the_cells_have_not_is_told_with_the_nearest(template: str, what: str, hint: str) -> None:
    scored = {"id": "s", "op": "score", "of": "ask", "scores": {"a": {"kind": "equals", "expected": template}}}
    fault = only(ASK, scored)
    assert fault.path == ("steps", 1, "scores", "a", "expected")
    assert fault.what == what
    assert hint in fault.hint


def test_a_variable_of_the_template_that_is_called_item_is_no_cell() -> None:
    template = "{% for item in inputs.many %}{{ item.row.none }}{% endfor %}"
    scored = {"id": "s", "op": "score", "of": "ask", "scores": {"a": {"kind": "equals", "expected": template}}}
    content = {"name": "w", "inputs": {"many": [], "rows": {"data": "r.csv"}}, "steps": [ASK, scored]}
    workflow = parse(msgspec.json.encode(content), "w.json", OPERATIONS)
    assert list(faults_of_plan(Planned.of(workflow.steps, {"rows": COLUMNS}, ""))) == []


@pytest.mark.parametrize(
    ("op", "args"),
    [
        ("score", {"of": "page", "scores": {"a": {"kind": "is_json"}}}),
        ("compare", {"of": "page"}),
        ("consensus_vote", {"inputs_from": "page"}),
    ],
)
def test_a_step_that_looks_at_answers_of_a_step_without_any_is_told(op: str, args: dict[str, Any]) -> None:
    page = {"id": "page", "op": "write_text", "path": "a.txt", "text": "a"}
    fault = only(ASK, page, {"id": "look", "op": op, **args})
    assert fault.what == "the step 'page' writes a file: it has no answers of models"
    assert fault.expected == "ask"


def test_a_value_of_its_own_can_be_scored_of_any_step() -> None:
    page = {"id": "page", "op": "write_text", "path": "a.txt", "text": "a"}
    value = {"kind": "equals", "value": "{{ item.value.path }}", "expected": "a.txt"}
    assert found(page, {"id": "look", "op": "score", "of": "page", "scores": {"a": value}}) == []


@pytest.mark.parametrize(
    ("path", "what", "hint"),
    [
        ("steps.stats.metrics.rat.total.value", "steps.stats.metrics has no 'rat'", "did you mean 'rate'?"),
        ("steps.stats.metric.rate.total.value", "steps.stats has no 'metric'", "did you mean 'metrics'?"),
        ("steps.stats.comparisons.better.p_valu", "steps.stats.comparisons.better has no 'p_valu'", "'p_value'"),
        ("steps.scored.scores.exat.mean", "steps.scored.scores has no 'exat'", "did you mean 'exact'?"),
    ],
)
def test_a_claim_that_reads_what_will_not_be_there_is_told(path: str, what: str, hint: str) -> None:
    test = {"name": "t", "must_pass": f"{path} < 0.05"}
    claims = {"id": "v", "op": "claims", "claim": {"id": "c", "statement": "s", "falsification_tests": [test]}}
    fault = only(ASK, SCORED, stats(**GOOD), claims)
    assert fault.path == ("steps", 3, "claim", "falsification_tests", 0, "must_pass")
    assert fault.what == what
    assert hint in fault.hint


def test_every_module_that_a_derivation_names_has_an_extra_and_a_command() -> None:
    kinds = plugins.load(plugins.DERIVATIONS, "score", "derivation")
    numbers = plugins.load(plugins.DERIVATIONS, "statistics", "derivation")
    scores = {"a": {"kind": "levenshtein", "expected": "x"}, "b": {"kind": "similarity", "expected": "x"}}
    needed = [
        *kinds.needs(msgspec.convert({"of": "ask", "scores": scores}, kinds.args)),
        *numbers.needs(msgspec.convert({"of": "scored", **GOOD}, numbers.args)),
    ]
    assert needed == ["rapidfuzz", "wordllama", "numpy", "scipy", "statsmodels", "krippendorff"]
    assert plugins.how_to_install(needed) == "pip install 'awo[embeddings,science,text]'"

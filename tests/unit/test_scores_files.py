"""What a workflow file may say of scores: faults name the place, what was expected, and the nearest right word."""

from __future__ import annotations

import jsonschema_rs
import pytest

from awo.derive.scores.step import AssertArgs, ScoreArgs
from awo.errors import Problem, WorkflowInvalid
from awo.ops.llm_map import LlmMapArgs
from awo.workflow.load import parse
from awo.workflow.schema import workflow_schema
from awo.workflow.words import StepKind

OPERATIONS = {"llm_map": StepKind(LlmMapArgs, True), "score": StepKind(ScoreArgs), "assert": StepKind(AssertArgs)}
FILE = """name: x
inputs: {reviews: {data: r.jsonl}, limit: 3}
steps:
  - {id: ask, op: llm_map, over: reviews, prompt: "{{ item.text }}"}
  - id: s
    op: score
    of: ask
    scores:
      a: SPEC
"""


def problem(spec: str) -> Problem:
    with pytest.raises(WorkflowInvalid) as error:
        parse(FILE.replace("SPEC", spec).encode(), "f.yaml", OPERATIONS)
    (found,) = error.value.problems
    return found


@pytest.mark.parametrize(
    ("spec", "what", "hint"),
    [
        ("{kind: levenstein, expected: x}", "'kind' is none of the known words", "did you mean 'levenshtein'?"),
        ("{kind: contain, expected: x}", "'kind' is none of the known words", "did you mean 'contains'?"),
        ("{kind: icontains, expected: x}", "'kind' is none of the known words", "did you mean 'contains'?"),
        ("{kind: 5}", "'kind' is none of the known words", ""),
        ("{kind: [equals]}", "'kind' is none of the known words", ""),
        ("{expected: x}", "the key 'kind' is missing", ""),
        ("text", "'a' has the wrong type", ""),
        ("{kind: rouge, expected: x, varaint: rouge1}", "there is no key 'varaint' here", "did you mean 'variant'?"),
        (
            "{kind: rouge, expected: x, variant: rouge3}",
            "'variant' is none of the known words",
            "did you mean 'rougeL'?",
        ),
        ("{kind: equals}", "the key 'expected' is missing", ""),
        ("{kind: from_step, step: asc}", "there is no step called 'asc'", "did you mean 'ask'?"),
        (
            "{kind: expression, cel: size(text) > inputs.limt}",
            "there is no input called 'limt'",
            "did you mean 'limit'?",
        ),
        ("{kind: expression, cel: size(txt) > 1}", "the expression names 'txt', which is not there", ""),
        (
            "{kind: equals, expected: '{{ item.txt }}'}",
            "a cell that is looked at has no column 'txt'",
            "did you mean item.row.txt?",
        ),
    ],
)
def test_a_fault_in_a_score_names_the_nearest_right_word(spec: str, what: str, hint: str) -> None:
    found = problem(spec)
    assert (found.what, found.hint, found.line) == (what, hint, 9)


def test_a_missing_or_unknown_kind_lists_every_kind() -> None:
    for spec in ("{expected: x}", "{kind: zzz}"):
        words = problem(spec).expected.removeprefix("one of ").split(", ")
        assert len(words) == 32
        assert {"equals", "from_step", "similarity"} <= set(words)


def test_an_assert_without_a_test_is_refused() -> None:
    with pytest.raises(WorkflowInvalid, match="neither a test nor a grade"):
        parse(FILE.replace("op: score", "op: assert").replace("SPEC", "{kind: length}").encode(), "f", OPERATIONS)


def test_the_published_schema_knows_the_kinds() -> None:
    published = jsonschema_rs.Draft202012Validator(workflow_schema(OPERATIONS))
    for kind, is_right in (("equals", True), ("equls", False)):
        steps = [{"id": "s", "op": "score", "of": "ask", "scores": {"a": {"kind": kind, "expected": "x"}}}]
        assert published.is_valid({"name": "x", "steps": steps}) is is_right

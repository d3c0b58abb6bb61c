"""Several models, a judge, scores, statistics and a claim, end to end: each answer keeps the grade it was given."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.e2e.at_stub import AtStub
from tests.stub.running import RunningStub, running_stub


@pytest.fixture(scope="module")
def one_stub() -> Iterator[RunningStub]:
    with running_stub() as stub:
        yield stub


@pytest.fixture
def project(one_stub: RunningStub, tmp_path: Path) -> AtStub:
    one_stub.reset()
    made = AtStub(tmp_path, one_stub)
    made.reviews(4)
    one_stub.order("answer", match="THE", text="GRADE: incorrect")  # what the model `upper` says
    one_stub.order("answer", match="r00003", text="Hard to say.")
    one_stub.order("answer", text="GRADE: correct")
    return made


EACH = {"matrix": {"answer": [0, 1]}, "answer": "{{ item.value.responses[matrix.answer].text }}"}


def workflow(**grade: Any) -> dict[str, Any]:
    return {
        "name": "graded models",
        "inputs": {"reviews": {"data": "reviews.csv", "id": "id"}},
        "models": {"judge": {"backend": "openai", "model": "gpt-5-mini"}},
        "steps": [
            {
                "id": "ask",
                "op": "fanout_generate",
                "over": "reviews",
                "models": ["echo", "upper"],
                "prompt": "the {{ item.text }}",
            },
            {
                "id": "graded",
                "op": "grade",
                "over": {"step": "ask"},
                "rubric": "Is easy to read.",
                "question": "{{ item.id }}",
                "answer": "{{ item.value.responses[0].text }}",
                "judges": ["judge"],
            }
            | grade,
            {"id": "marks", "op": "score", "of": "ask", "scores": {"grade": {"kind": "from_step", "step": "graded"}}},
            {
                "id": "stats",
                "op": "statistics",
                "of": "marks",
                "resamples": 200,
                "metrics": {"by_model": {"score": "grade", "by": ["model"]}},
                "comparisons": {"better": {"score": "grade", "between": {"model": ["echo", "upper"]}}},
            },
            {
                "id": "verdicts",
                "op": "claims",
                "claim": {
                    "id": "plain-is-better",
                    "statement": "What is not in capitals is easier to read.",
                    "falsification_tests": [
                        {"name": "no", "fail_if": "steps.stats.comparisons.better.difference <= 0.0"}
                    ],
                },
            },
        ],
    }


def value(run: Path, step: str) -> Any:
    return json.loads((run / f"outputs/{step}/output.json").read_text())


def test_each_model_keeps_its_grades_and_what_was_not_graded_is_missing(project: AtStub) -> None:
    project.awo("run", project.workflow(workflow(**EACH))).expect(0)
    run = project.latest()
    summary = value(run, "marks")["scores"]["grade"]
    assert (summary["type"], summary["answers"], summary["missing"], summary["mean"]) == ("measure", 8, 1, 3 / 7)
    groups = value(run, "stats")["metrics"]["by_model"]["groups"]
    assert {name: (one["value"], one["missing"]) for name, one in groups.items()} == {
        "echo": (1.0, 1),
        "upper": (0.0, 0),
    }
    (claim,) = value(run, "verdicts")["claims"]
    assert (claim["verdict"], claim["deviations"]) == ("deviated", ["step marks: of 8 answers 1 has no score grade"])
    project.awo("verify").expect(0)


def test_one_grade_for_the_answers_of_two_models_is_refused(project: AtStub) -> None:
    done = project.awo("run", project.workflow(workflow()))
    assert done.code != 0
    assert "several answers" in done.out + done.err
    assert "matrix: {answer: [0, 1" in done.out + done.err

"""What would fail after the answers were paid for is told before the first call, and what still fails costs nothing."""

from __future__ import annotations

import json
from typing import Any

from tests.e2e.installed import Project

WITHOUT_LIBRARIES = "import sys; sys.modules['scipy'] = sys.modules['rapidfuzz'] = None\n"


def study(project: Project, *, score: str = "near", expected: str = "{{ item.row.text }}", arm: str = "upper") -> str:
    """Two stand-ins say each row: scored by rapidfuzz, and compared."""
    project.write("rows.csv", "id,text\na,yes\nb,no\nc,maybe\n")
    steps: list[dict[str, Any]] = [
        {"id": "ask", "op": "llm_map", "over": "rows", "matrix": {"m": ["echo", "upper"]}, "model": "{{ matrix.m }}"},
        {"id": "scored", "op": "score", "of": "ask", "scores": {"near": {"kind": "levenshtein", "expected": expected}}},
        {"id": "stats", "op": "statistics", "of": "scored"},
    ]
    steps[0]["prompt"] = "{{ item.text }}"
    steps[2]["comparisons"] = {"better": {"score": score, "between": {"model": ["echo", arm]}}}
    content = {"name": "study", "inputs": {"rows": {"data": "rows.csv", "id": "id"}}, "steps": steps}
    return str(project.write("study.json", json.dumps(content, indent=1)))


def test_a_misspelled_arm_and_score_and_column_are_told_before_anything_is_asked(project: Project) -> None:
    path = study(project, score="neer", expected="{{ item.row.txt }}", arm="uper")
    for command in ("validate", "plan", "run"):
        said = project.awo(command, path).expect(8).err
        for hint in ("did you mean 'near'?", "did you mean item.row.text?", "did you mean 'upper'?"):
            assert hint in said
    assert not list(project.runs.glob("run_*"))


def test_missing_packages_are_told_all_at_once_before_anything_is_asked(project: Project) -> None:
    bare = {"PYTHONPATH": str(project.write("site/sitecustomize.py", WITHOUT_LIBRARIES).parent)}
    path = study(project)
    error = project.awo("run", path, variables=bare).expect(7).err
    assert "rapidfuzz, scipy" in error
    assert "pip install 'awo[science,text]'" in error
    assert not list(project.runs.glob("run_*"))
    assert "is valid" in project.awo("validate", path, variables=bare).expect(0).out
    project.awo("plan", path, variables=bare).expect(0)
    project.awo("run", path).expect(0)
    assert "scipy" in project.awo("rescore", "latest", "--workflow", path, variables=bare).expect(7).err
    assert "scipy" in project.awo("replay", "latest", variables=bare).expect(7).err
    assert len(list(project.runs.glob("run_*"))) == 1


def test_the_doctor_lists_each_extra_and_what_it_lacks(project: Project) -> None:
    bare = {"PYTHONPATH": str(project.write("site/sitecustomize.py", WITHOUT_LIBRARIES).parent)}
    checks = {row["name"]: row for row in project.awo("doctor", "--json", variables=bare).expect(0).json["checks"]}
    assert checks["awo[science]"]["found"] == "missing"
    assert checks["awo[science]"]["help"] == "lacks scipy: pip install 'awo[science]'"
    assert checks["awo[charts]"] == {"name": "awo[charts]", "found": "present", "help": ""}


def test_a_wrong_argument_over_paid_answers_names_the_command_that_asks_nobody(project: Project) -> None:
    path = study(project, expected="{{ item.row.text.none }}")
    said = project.awo("run", path).expect(6).out
    assert "next: awo rescore" in said
    right = study(project)
    project.awo("rescore", "latest", "--workflow", right).expect(0)


def test_a_template_that_fails_in_a_fan_out_is_not_said_to_be_asked_again(project: Project) -> None:
    project.write("rows.csv", "id,text\na,yes\n")
    step = {"id": "ask", "op": "llm_map", "over": "rows", "prompt": "{{ item.text.none }}"}
    content = {"name": "w", "inputs": {"rows": {"data": "rows.csv"}}, "steps": [step]}
    done = project.awo("run", project.write("w.json", json.dumps(content))).expect(6)
    assert "cells failed" in done.err
    assert "awo retry" not in done.err + done.out

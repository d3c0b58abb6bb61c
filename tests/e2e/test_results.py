"""What a run found is said where it ends and where it is looked at, and leaves it with labels, groups and intervals."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from tests.e2e.at_stub import MODEL, AtStub, responses
from tests.e2e.installed import Project
from tests.stub.running import running_stub

import awo
from awo import api
from awo.publish import every_eval_ever

HOSTILE = "Echo \u202e is \x07better"
REPEATS = 25
FLOW: dict[str, Any] = {
    "name": "Echoes",
    "inputs": {"rows": {"data": "rows.jsonl", "id": "id"}},
    "models": {"first": {"backend": "echo"}, "second": {"backend": "reverse"}},
    "steps": [
        {
            "id": "ask",
            "op": "fanout_generate",
            "over": "rows",
            "repeats": REPEATS,
            "models": ["first", "second"],
            "prompt": "{{ item.text }}",
        },
        {
            "id": "marks",
            "op": "score",
            "of": "ask",
            "groups": {"want": "{{ item.row.want }}"},
            "scores": {
                "right": {"kind": "choice", "choices": ["good", "bad"], "expected": "{{ item.row.want }}"},
                "never": {"kind": "choice", "choices": ["good", "bad"], "expected": "zebra"},
            },
        },
        {
            "id": "again",
            "op": "score",
            "of": "ask",
            "groups": {"want": "{{ item.row.want }}"},
            "scores": {"right": {"kind": "equals", "expected": "{{ item.row.want }}"}},
        },
        {
            "id": "stats",
            "op": "statistics",
            "of": "marks",
            "resamples": 200,
            "metrics": {"accuracy": {"score": "right", "by": ["model"]}},
            "comparisons": {"better": {"score": "right", "between": {"model": ["first", "second"]}}},
        },
        {
            "id": "verdicts",
            "op": "claims",
            "claims": [
                {
                    "id": "echo-is-better",
                    "statement": HOSTILE,
                    "falsification_tests": [
                        {"name": "t", "fail_if": "steps.stats.comparisons.better.difference <= 0.0"}
                    ],
                }
            ],
        },
    ],
}
ROWS = [("a", "good", "good"), ("b", "bad", "good"), ("c", "bad", "bad")]


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A project with a run that scored, compared and concluded, and one that supersedes it."""
    project = Project(tmp_path_factory.mktemp("results"))
    project.write("rows.jsonl", "".join(json.dumps({"id": i, "text": t, "want": w}) + "\n" for i, t, w in ROWS))
    project.write("w.json", json.dumps(FLOW))
    project.awo("run", "w.json").expect(0)
    return project


def results_in(printed: str) -> list[str]:
    part = printed.partition("results:\n")[2]
    return [line.strip() for line in part.splitlines() if line.startswith("  ")]


def test_a_run_ends_with_what_it_found_and_show_says_the_same(study: Project) -> None:
    printed = study.awo("rescore", "latest", "--workflow", "w.json").expect(0).out
    found = results_in(printed)
    assert found[0] == "claim echo-is-better: supported, attempt 2: Echo \\u202e is \\u0007better"
    assert found[1].startswith("comparison better: right, first less second: +0.667 [")
    assert found[1].endswith("A/A control up to 0")
    assert [line.split(" [")[0] for line in found[2:4]] == [
        "accuracy, model first: 0.667",
        "accuracy, model second: 0",
    ]
    assert found[4] == "again.right: mean 0.333, n 150"
    assert len(found) == 5
    assert printed.rindex("results:") < printed.index(" is completed and sealed.")
    assert results_in(study.awo("show").expect(0).out) == found


def test_show_gives_programs_the_values_themselves(study: Project) -> None:
    done = study.awo("show", "latest", "--json").expect(0)
    found = done.json["results"]
    run = study.latest()
    for kind, steps in (("claims", ["verdicts"]), ("statistics", ["stats"]), ("scores", ["marks", "again"])):
        assert found[kind] == {step: json.loads((run / f"outputs/{step}/output.json").read_text()) for step in steps}
    assert found["unread"] == {}


def test_an_altered_value_is_not_shown_as_a_result(study: Project, tmp_path: Path) -> None:
    project = study.copy(tmp_path)
    path = project.latest() / "outputs/stats/output.json"
    path.parent.chmod(0o755)
    path.chmod(0o644)
    path.write_text(path.read_text().replace("0.6", "0.9", 1))
    printed = project.awo("show").expect(0).out
    assert "  stats: a recorded file has been altered" in printed
    assert "accuracy" not in printed


def test_the_list_names_the_run_that_a_run_supersedes_or_scores_again(study: Project, tmp_path: Path) -> None:
    project = study.copy(tmp_path)
    for left in sorted(project.runs.glob("run_*"))[1:]:
        left.rename(tmp_path / left.name)
    assert "OTHER RUN" not in project.awo("list").expect(0).out
    first = project.latest().name
    project.awo("rescore", first, "--workflow", "w.json").expect(0)
    project.write("short.yaml", "name: x\nsteps:\n  - {id: a, op: llm_map, prompt: x}\n")
    project.awo("run", "short.yaml", "--supersedes", first).expect(0)
    printed = project.awo("list").expect(0).out
    assert [line.split("  ")[-1].strip() for line in printed.splitlines()[2:]] == [
        f"scores {first} again",
        f"supersedes {first}",
    ]
    listed = project.awo("list", "--json").expect(0).json["runs"]
    assert [(one["rescores"], one["supersedes"]) for one in listed] == [("", ""), (first, first), ("", first)]


def test_a_table_has_the_label_of_a_test_and_the_groups_of_its_line(study: Project) -> None:
    run = awo.open(study.latest())
    rows = run.responses("rows")
    assert {"score.marks.right", "score.again.right", "label.marks.right", "score.never", "label.never"} <= {*rows[0]}
    for row in rows:
        said = row["text"] if row["text"] in ("good", "bad") else None
        assert row["label.marks.right"] == said
        assert row["score.marks.right"] == float(said == row["row.want"])
        assert row["group.marks.want"] == row["group.again.want"] == row["row.want"]
    scores = run.scores("marks", "rows")
    assert {(row["item"], row["group.want"]) for row in scores} == {("a", "good"), ("b", "good"), ("c", "bad")}


def test_a_record_has_every_seed_and_the_interval_of_its_own_number_and_nothing_where_every_value_is_missing(
    study: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def exported(name: str) -> tuple[Any, list[dict[str, Any]]]:
        made = api.export_every_eval_ever(study.latest(), tmp_path / name, "A lab", "other")
        return made, [json.loads((made.path / record).read_text()) for record in made.records]

    made, records = exported("one")
    assert {one for one in made.left_out if "never" in one} == {
        f"marks.never of {model}: every answer is missing" for model in ("first", "second")
    }
    seeds = sorted({line["seed"] for line in responses(study.latest(), "ask")})
    assert len(seeds) > 20
    value = json.loads((study.latest() / "outputs/stats/output.json").read_text())
    for record, model in zip(records, ("first", "second"), strict=True):
        results = {one["evaluation_result_id"]: one for one in record["evaluation_results"]}
        assert results.keys() == {"marks/right", "again/right"}
        estimate = value["metrics"]["accuracy"]["groups"][model]
        told = results["marks/right"]["score_details"]
        assert told["score"] == pytest.approx(estimate["value"])
        interval = told["uncertainty"]["confidence_interval"]
        assert (interval["lower"], interval["upper"]) == (estimate["low"], estimate["high"])
        assert (interval["confidence_level"], interval["method"]) == (0.95, estimate["interval"])
        assert "uncertainty" not in results["again/right"]["score_details"], "no statistics were made over it"
        details = results["marks/right"]["generation_config"]["additional_details"]
        assert json.loads(details["seeds"]) == seeds
        assert "seeds_not_listed" not in details
    monkeypatch.setattr(every_eval_ever, "MOST_SEEDS", 5)
    _, (record, _) = exported("two")
    details = record["evaluation_results"][0]["generation_config"]["additional_details"]
    assert (len(json.loads(details["seeds"])), details["seeds_not_listed"]) == (5, str(len(seeds) - 5))


def test_a_model_of_which_no_score_has_a_value_has_no_record(tmp_path: Path) -> None:
    unpriced = {name: value for name, value in MODEL.items() if name != "price"} | {
        "model": "meta-llama/llama-3.3-70b-instruct"
    }
    with running_stub() as stub:
        project = AtStub(tmp_path, stub)
        project.reviews(2)
        steps = [
            {"id": "ask", "op": "fanout_generate", "over": "reviews", "models": ["dear", "free"], "prompt": "x"},
            {"id": "marks", "op": "score", "of": "ask", "scores": {"price": {"kind": "cost_usd"}}},
        ]
        inputs = {"reviews": {"data": "reviews.csv", "id": "id"}}
        models = {"dear": MODEL, "free": unpriced}
        flow = {"name": "Prices", "inputs": inputs, "models": models, "steps": steps}
        project.awo("run", project.workflow(flow)).expect(0)
        made = api.export_every_eval_ever(project.latest(), tmp_path / "out", "A lab", "other")
    assert [json.loads((made.path / one).read_text())["model_info"]["id"] for one in made.records] == ["gpt-5-mini"]
    assert made.left_out == ("marks.price of free: every answer is missing",)
    left = [path.name for path in made.path.rglob("*") if path.is_dir() and not any(path.iterdir())]
    assert left == [], "no folder stands for nothing"
    assert len([path for path in made.path.rglob("*") if path.is_file()]) == len(made.records)

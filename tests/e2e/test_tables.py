"""A run leaves as one table, as data frames and as records of Every Eval Ever: complete, exact, and never made up."""

from __future__ import annotations

import csv
import hashlib
import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pyarrow import parquet
from tests.e2e.at_stub import MODEL, AtStub, items, responses
from tests.e2e.installed import unchanged
from tests.stub.running import running_stub

import awo
from awo.errors import EvidenceError, UsageError

HOSTILE = ['=HYPERLINK("http://x")', 'two\r\nlines, and a "quote"', "-1 is no number", "🙂 \u202eevil", "fails"]


@pytest.fixture(scope="module")
def scored(tmp_path_factory: pytest.TempPathFactory) -> Iterator[AtStub]:
    """A project whose only run asked two models about hostile rows under two prompts, twice; one row fails."""
    with running_stub() as stub:
        project = AtStub(tmp_path_factory.mktemp("tables"), stub)
        rows = [{"id": f"r{n}", "text": text, "n": n, "tags": [n, "x"]} for n, text in enumerate(HOSTILE)]
        project.write("rows.jsonl", "".join(json.dumps(row) + "\n" for row in rows))
        stub.order("status", match="fails", status=400)
        project.awo("run", project.workflow(workflow())).expect(0)
        yield project


def workflow() -> dict[str, Any]:
    small = MODEL | {"seed": 7}
    return {
        "name": "Hostile / rows",
        "inputs": {"rows": {"data": "rows.jsonl", "id": "id"}},
        "models": {
            "small": small,
            "large": small | {"model": "meta-llama/llama-3.3-70b-instruct", "params": {"max_tokens": 30}},
        },
        "steps": [
            {
                "id": "ask",
                "op": "fanout_generate",
                "over": "rows",
                "matrix": {"tone": ["", " please"]},
                "repeats": 2,
                "max_failed": 4,
                "models": ["small", "large"],
                "prompt": "{{ item.text }}{{ matrix.tone }}",
            },
            {
                "id": "marks",
                "op": "score",
                "of": "ask",
                "scores": {
                    "same": {"kind": "equals", "expected": "{{ item.row.text }}"},
                    "slow": {"kind": "latency_ms"},
                    "size": {"kind": "length"},
                },
            },
        ],
    }


def table_of(project: AtStub, name: str, *more: str) -> Path:
    out = project.root / name
    out.unlink(missing_ok=True)
    with unchanged(project.latest()):
        project.awo("export", "latest", "--table", name, *more).expect(0)
    return out


def read_csv(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream, strict=True))


# --- tables -------------------------------------------------------------------------------------------


def test_a_table_has_every_answer_with_its_response_its_row_and_its_scores(scored: AtStub) -> None:
    run = scored.latest()
    rows = [json.loads(line) for line in table_of(scored, "t.jsonl").read_bytes().splitlines()]
    lines = {line["call"]: line for line in responses(run, "ask")}
    digests = {
        json.loads(line)["call"]: hashlib.sha256(line).hexdigest()
        for line in (run / "outputs/ask/responses.jsonl").read_bytes().splitlines()
    }
    cells = items(run, "ask")
    answers = [row for row in rows if row["answer"] is not None]
    assert [(row["cell"], row["answer"]) for row in answers] == [(n, k) for n in range(len(cells)) for k in (0, 1)]
    scores = [json.loads(line) for line in (run / "outputs/marks/files/scores.jsonl").read_bytes().splitlines()]
    for row, score in zip(answers, scores, strict=True):
        cell = cells[row["cell"]]
        assert row["item"] == cell["item"]
        assert (row["matrix.tone"], row["repeat"], row["status"]) == (
            cell["matrix"]["tone"],
            cell["repeat"],
            cell["status"],
        )
        assert {name: row[f"row.{name}"] for name in cell["row"]} == cell["row"]
        assert row["model"] == ["small", "large"][row["answer"]]
        assert row["score.same"] == score["scores"]["same"]
        assert row["score.size"] == score["scores"]["size"]
        if row["status"] == "failed":
            assert row["error_code"] == cell["reason"]["code"]
            assert row["sha256"] is None
            continue
        line = lines[row["call"]]
        assert row["text"] == line["text"] == cell["row"]["text"] + cell["matrix"]["tone"]
        assert row["sha256"] == digests[row["call"]]
        assert row["cost_usd"] == float(line["cost"])
        assert row["prompt_tokens"] == line["usage"]["prompt_tokens"]
        assert row["latency_ms"] == line["latency_ms"]
    assert {row["status"] for row in answers} == {"done", "failed"}
    assert sorted(row["call"] for row in rows if row["call"]) == sorted(lines), "every response stands in it once"


def test_the_csv_and_the_parquet_table_say_what_the_json_lines_say(scored: AtStub) -> None:
    wanted = [json.loads(line) for line in table_of(scored, "t.jsonl").read_bytes().splitlines()]
    as_csv = read_csv(table_of(scored, "t.csv"))
    as_parquet = parquet.read_table(table_of(scored, "t.parquet")).to_pylist()
    assert len(as_csv) == len(as_parquet) == len(wanted)
    for row, in_csv, in_parquet in zip(wanted, as_csv, as_parquet, strict=True):
        assert row.keys() == in_csv.keys() == in_parquet.keys()
        for name, value in row.items():
            if isinstance(value, list):
                assert json.loads(in_csv[name]) == json.loads(in_parquet[name]) == value
            else:
                assert in_parquet[name] == value, name
                told = in_csv[name] or None
                assert told == (value or None) if isinstance(value, str | None) else json.loads(told or "") == value, (
                    name
                )
    numbers = b'"r0",0,' in (scored.root / "t.csv").read_bytes()
    assert numbers, "a number has no quotes, a text has them"


def test_a_table_says_how_many_texts_begin_like_a_formula_and_makes_them_harmless_when_asked(scored: AtStub) -> None:
    (scored.root / "t.csv").unlink(missing_ok=True)
    done = scored.awo("export", "latest", "--table", "t.csv").expect(0)
    assert "--safe-for-spreadsheets" in done.err
    exact = read_csv(scored.root / "t.csv")
    safe = read_csv(table_of(scored, "safe.csv", "--safe-for-spreadsheets"))
    found = 0
    for row, tame in zip(exact, safe, strict=True):
        for name, value in row.items():
            if name in ("text", "row.text") and value[:1] in "=-" and value:
                found += 1
                assert tame[name] == f"'{value}"
            else:
                assert tame[name] == value
    assert found > 0
    again = scored.awo("export", "latest", "--table", "t.csv", "--json").expect(0).json
    assert again["formula_like"] == found


def test_a_table_is_written_whole_and_never_over_another_file(scored: AtStub) -> None:
    out = table_of(scored, "again.csv")
    first = out.read_bytes()
    scored.awo("export", "latest", "--table", "again.csv").expect(0)
    assert out.read_bytes() == first, "the same table is the same bytes"
    out.write_text("mine")
    scored.awo("export", "latest", "--table", "again.csv").refused(2, "not overwritten", "--table")
    assert out.read_text() == "mine"
    assert [path.name for path in scored.root.iterdir() if path.name.endswith(".new")] == []
    scored.awo("export", "latest", "--table", "t.xlsx").refused(2, ".parquet")
    scored.awo("export", "latest", "--table", str(scored.latest() / "t.csv")).refused(2, "into it")
    scored.awo("export", "latest", "--table", "t.jsonl", "--safe-for-spreadsheets").refused(2, "CSV")


def test_a_run_that_failed_has_a_table_too_and_an_altered_one_has_none(scored: AtStub, tmp_path: Path) -> None:
    project = AtStub(tmp_path, scored.stub)
    (tmp_path / "project/rows.jsonl").write_bytes((scored.root / "rows.jsonl").read_bytes())
    failing = workflow()
    failing["steps"][0]["max_failed"] = 0
    project.awo("run", project.workflow(failing)).expect(6)
    rows = [json.loads(line) for line in table_of(project, "t.jsonl").read_bytes().splitlines()]
    assert len(rows) == len(responses(project.latest(), "ask"))
    assert {row["status"] for row in rows} == {"unused"}
    path = project.latest() / "outputs/ask/responses.jsonl"
    path.write_bytes(path.read_bytes().replace(b"number", b"nomber", 1))
    project.awo("export", "latest", "--table", "u.jsonl").refused(3, "altered")
    assert not (project.root / "u.jsonl").exists()


def test_a_step_over_the_cells_of_another_has_the_columns_of_the_data(scored: AtStub, tmp_path: Path) -> None:
    project = AtStub(tmp_path, scored.stub)
    project.reviews(3)
    asking = {"op": "llm_map", "model": "echo"}
    steps = [
        asking | {"id": "a", "over": "reviews", "matrix": {"k": [1, 2]}, "prompt": "{{ item.text }}{{ matrix.k }}"},
        asking | {"id": "b", "over": {"step": "a"}, "matrix": {"l": [3]}, "prompt": "{{ item.value.text }}"},
    ]
    content = {"name": "Two", "inputs": {"reviews": {"data": "reviews.csv", "id": "id"}}, "steps": steps}
    project.awo("run", project.workflow(content)).expect(0)
    rows = [row for row in awo.open(project.latest()).responses("rows") if row["step"] == "b"]
    assert [(row["row.id"], row["matrix.k"], row["matrix.l"]) for row in rows] == [
        (f"r0000{n}", k, 3) for n in range(3) for k in (1, 2)
    ]
    assert all(row["text"] == f"{row['row.text']}{row['matrix.k']}" for row in rows)


# --- data frames ----------------------------------------------------------------------------------------


def test_an_opened_run_gives_the_same_responses_in_every_library(scored: AtStub) -> None:
    with unchanged(scored.latest()):
        run = awo.open(scored.latest())
        rows = run.responses("rows")
        plain = run.responses("arrow").to_pylist()
        assert run.responses("polars").to_dicts() == plain == run.responses().to_dicts()
        pandas = run.responses("pandas")
    assert pandas.astype(object).where(pandas.notna(), None).to_dict("records") == plain
    assert [row["text"] for row in plain] == [row["text"] for row in rows]
    assert run.facts.outcome == "completed"
    assert run.value("ask")["cells"] == 20


def test_scores_and_items_are_frames_with_a_row_for_each(scored: AtStub) -> None:
    run = awo.open("latest", scored.runs)
    scores = run.scores("marks", "rows")
    assert len(scores) == 3 * 40
    assert scores == run.scores(as_="rows")
    same = [row["score"] for row in scores if row["name"] == "same"]
    assert set(same) == {0.0, 1.0, None}
    assert all(row["why"] for row in scores if row["score"] is None)
    assert {(row["kind"], row["type"]) for row in scores if row["name"] == "slow"} == {("latency_ms", "measure")}
    assert [row["status"] for row in run.items("ask", "rows")] == [
        line["status"] for line in items(scored.latest(), "ask")
    ]
    assert run.items("ask")["value"].null_count() == 4
    with pytest.raises(UsageError, match="has no step 'mark'"):
        run.scores("mark")


def test_an_altered_value_is_not_given_out(scored: AtStub, tmp_path: Path) -> None:
    project = scored.copy(tmp_path)
    path = next(project.runs.glob("run_*")) / "outputs/ask/output.json"
    path.parent.chmod(0o755)
    path.chmod(0o644)
    path.write_text(path.read_text().replace("20", "21"))
    with pytest.raises(EvidenceError):
        awo.open("latest", project.runs).value("ask")


def test_awo_itself_stays_cheap_to_import() -> None:
    loaded = (
        "import sys, awo; print(sorted(n for n in sys.modules if n.startswith('awo') or n in ('typing', 'pathlib')))"
    )
    done = subprocess.run(
        [sys.executable, "-S", "-c", loaded],
        capture_output=True,
        text=True,
        check=True,
        env={"PYTHONPATH": str(Path(awo.__file__).parents[1])},
    )
    assert done.stdout.strip() == "['awo']"


# --- Every Eval Ever --------------------------------------------------------------------------------------

TEXT, NUMBER = str, (int, float)
RECORD: dict[str, Any] = {
    "schema_version": TEXT,
    "evaluation_id": TEXT,
    "retrieved_timestamp": TEXT,
    "source_metadata": dict,
    "model_info": dict,
    "eval_library": dict,
    "evaluation_results": list,
}
"""What schema 0.3.0 requires of a record; it allows these besides."""
MAY_HAVE = {"evaluation_timestamp", "detailed_evaluation_results"}
SAMPLE: dict[str, Any] = {
    "schema_version": TEXT,
    "evaluation_id": TEXT,
    "model_id": TEXT,
    "evaluation_name": TEXT,
    "sample_id": TEXT,
    "interaction_type": TEXT,
    "input": dict,
    "answer_attribution": list,
    "evaluation": dict,
}
SAMPLE_MAY_HAVE = {"evaluation_result_id", "output", "messages", "token_usage", "performance", "metadata", "error"}
PLACE = re.compile(
    r"data/[^/]+/[^/]+/[^/]+/[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}(_samples)?\.jsonl?"
)
PUBLISHER = ("--organization", "A lab", "--relationship", "third_party")


def has(value: dict[str, Any], required: dict[str, Any], may: set[str] | None = None) -> None:
    assert {name: isinstance(value.get(name), kind) for name, kind in required.items()} == dict.fromkeys(required, True)
    assert may is None or value.keys() <= required.keys() | may


def only_texts(value: dict[str, Any]) -> None:
    assert {name: type(one) for name, one in value.items()} == dict.fromkeys(value, str)


@pytest.fixture(scope="module")
def records(scored: AtStub) -> dict[str, tuple[dict[str, Any], list[dict[str, Any]]]]:
    """Each record with its samples, by the model's id."""
    with unchanged(scored.latest()):
        done = scored.awo("export", "latest", "--as", "every-eval-ever", "-o", "eee", *PUBLISHER, "--json").expect(0)
    assert [one for one in done.json["left_out"] if "size" in one], "whether longer is better is not on record"
    found = {}
    for name in done.json["records"]:
        assert PLACE.fullmatch(name), name
        record = json.loads((scored.root / "eee" / name).read_text())
        path = scored.root / "eee" / record["detailed_evaluation_results"]["file_path"]
        assert path.name == Path(name).stem + "_samples.jsonl"
        data = path.read_bytes()
        assert record["detailed_evaluation_results"]["checksum"] == hashlib.sha256(data).hexdigest()
        found[record["model_info"]["id"]] = (record, [json.loads(line) for line in data.splitlines()])
    return found


def test_a_record_of_every_eval_ever_has_what_its_schema_requires(
    records: dict[str, tuple[dict[str, Any], list[dict[str, Any]]]],
) -> None:
    assert records.keys() == {"gpt-5-mini", "meta-llama/llama-3.3-70b-instruct"}
    for record, samples in records.values():
        has(record, RECORD, MAY_HAVE)
        assert record["schema_version"] == "0.3.0"
        source = record["source_metadata"]
        assert (source["source_type"], source["source_organization_name"]) == ("evaluation_run", "A lab")
        assert source["evaluator_relationship"] == "third_party"
        only_texts(source["additional_details"])
        has(record["eval_library"], {"name": TEXT, "version": TEXT})
        has(record["model_info"], {"name": TEXT, "id": TEXT, "additional_details": dict})
        only_texts(record["model_info"]["additional_details"])
        assert record["model_info"]["additional_details"]["deployment_type"] == "unknown", "a stub is not the provider"
        assert record["model_info"]["additional_details"]["model_availability"] == "unknown"
        assert "inference_platform" not in record["model_info"]
        assert record["detailed_evaluation_results"]["total_rows"] == len(samples) > 0
        for result in record["evaluation_results"]:
            has(result, {"evaluation_name": TEXT, "source_data": dict, "metric_config": dict, "score_details": dict})
            has(result["source_data"], {"dataset_name": TEXT, "source_type": TEXT})
            assert result["source_data"]["source_type"] == "other"
            metric, score = result["metric_config"], result["score_details"]
            assert isinstance(metric["lower_is_better"], bool)
            assert metric["score_type"] == "continuous"
            assert {"min_score", "max_score"} <= metric.keys()
            assert isinstance(score["score"], NUMBER)
            only_texts(score["details"])
            only_texts(result["generation_config"]["additional_details"])
    assert records["meta-llama/llama-3.3-70b-instruct"][0]["model_info"]["developer"] == "meta-llama"
    assert "developer" not in records["gpt-5-mini"][0]["model_info"]


def test_the_scores_of_a_record_are_those_of_the_run_with_missing_answers_counted(
    scored: AtStub, records: dict[str, tuple[dict[str, Any], list[dict[str, Any]]]]
) -> None:
    lines = [
        json.loads(one) for one in (scored.latest() / "outputs/marks/files/scores.jsonl").read_bytes().splitlines()
    ]
    for model, name in (("gpt-5-mini", "small"), ("meta-llama/llama-3.3-70b-instruct", "large")):
        results = {one["evaluation_result_id"]: one for one in records[model][0]["evaluation_results"]}
        for tone in ("", " please"):
            mine = [line for line in lines if (line["model"], line["matrix"]["tone"]) == (name, tone)]
            same = [line["scores"]["same"] or 0 for line in mine]
            told = results["marks/same" + json.dumps({"tone": tone}, separators=(",", ":"))]
            assert told["score_details"]["score"] == pytest.approx(sum(same) / len(same))
            assert told["score_details"]["details"] == {"answers": "10", "missing": "2"}
            assert told["metric_config"]["lower_is_better"] is False
            slow = results["marks/slow" + json.dumps({"tone": tone}, separators=(",", ":"))]
            assert slow["metric_config"]["lower_is_better"] is True
            assert slow["metric_config"]["max_score"] == "Infinity"
    large = records["meta-llama/llama-3.3-70b-instruct"][0]["evaluation_results"]
    (args,) = {json.dumps(one["generation_config"]["generation_args"]) for one in large}
    assert json.loads(args) == {"max_tokens": 30, "prompt_template": "{{ item.text }}{{ matrix.tone }}"}


def test_the_samples_of_a_record_are_the_answers(
    scored: AtStub, records: dict[str, tuple[dict[str, Any], list[dict[str, Any]]]]
) -> None:
    lines = {line["call"]: line for line in responses(scored.latest(), "ask")}
    for record, samples in records.values():
        ids = {one["evaluation_result_id"] for one in record["evaluation_results"]}
        for sample in samples:
            has(sample, SAMPLE, SAMPLE_MAY_HAVE)
            assert sample["evaluation_id"] == record["evaluation_id"]
            assert sample["model_id"] == record["model_info"]["id"]
            assert sample["evaluation_result_id"] in ids
            has(sample["evaluation"], {"score": NUMBER, "is_correct": bool})
            has(sample["token_usage"], {"input_tokens": int, "output_tokens": int, "total_tokens": int})
            only_texts(sample["metadata"])
            line = lines[sample["metadata"]["call"]]
            assert sample["interaction_type"] == "single_turn"
            assert sample["output"] == {"raw": [line["text"]]}
            assert sample["input"] == {"raw": line["messages"][-1]["content"], "reference": []}


def test_what_the_format_insists_on_is_asked_for_and_never_made_up(scored: AtStub) -> None:
    form = ("export", "latest", "--as", "every-eval-ever", "-o", "never")
    scored.awo(*form).refused(2, "--organization")
    scored.awo(*form, "--organization", "A lab").refused(2, "third_party")
    scored.awo(*form, "--organization", "A lab", "--relationship", "friend").refused(2, "third_party")
    scored.awo("export", "latest", *PUBLISHER).refused(2, "--as")
    assert not (scored.root / "never").exists()


def test_a_run_without_scores_has_no_record(scored: AtStub, tmp_path: Path) -> None:
    project = AtStub(tmp_path, scored.stub)
    step = {"id": "a", "op": "llm_map", "model": "echo", "prompt": "x"}
    project.awo("run", project.workflow({"name": "None", "steps": [step]})).expect(0)
    project.awo("export", "latest", "--as", "every-eval-ever", *PUBLISHER).refused(2, "awo rescore")
    assert [path.name for path in project.runs.iterdir() if "eval" in path.name] == []

"""A data set goes through a model: in order, on record, and with one clear error when it cannot."""

from __future__ import annotations

import base64
import json
import socket
import subprocess
import urllib.parse
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.e2e.at_stub import MODEL, SENTENCES, AtStub, answered_requests, classify, items, responses
from tests.e2e.installed import Done, contents, events, of_kind
from tests.stub.running import RunningStub, running_stub

SECRET = "test-key-aB3/dE+fG=hI0123456789"
SCHEMA = {
    "type": "object",
    "properties": {"label": {"enum": ["positive", "negative"]}},
    "required": ["label"],
    "additionalProperties": False,
}


@pytest.fixture(scope="module")
def one_stub() -> Iterator[RunningStub]:
    """Answers come after up to 30 ms, at random."""
    with running_stub(jitter_ms=30, context_bytes=4000, key=SECRET) as stub:
        yield stub


@pytest.fixture
def project(one_stub: RunningStub, tmp_path: Path) -> AtStub:
    one_stub.reset()
    return AtStub(tmp_path, one_stub)


def unused_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port: int = found.getsockname()[1]
        return port


def assert_one_error(done: Done, code: int, *says: str) -> None:
    """The failed step is told of once on stderr, with what to do next, and this in it; no traceback."""
    text = done.expect(code).err
    begin = "step classify failed: "
    assert text.count(begin) == 1, text
    told = text.partition(begin)[2]
    assert told.count("  next: ") == 1, told
    for word in says:
        assert word in told, (word, told)


# --- it works -----------------------------------------------------------------------------------------


def test_results_stand_in_the_order_of_the_rows_whatever_the_order_of_arrival(project: AtStub) -> None:
    rows = project.reviews()
    project.awo("run", project.workflow(classify())).expect(0)
    run = project.latest()
    found = items(run)
    assert [line["cell"] for line in found] == list(range(len(rows)))
    assert [(line["item"], line["row"]) for line in found] == [(row["id"], row) for row in rows]
    assert [line["value"]["text"] for line in found] == [row["text"] for row in rows]
    arrived = [line["cell"] for line in responses(run)]
    assert sorted(arrived) == list(range(len(rows)))
    assert arrived != sorted(arrived), "the stub was to answer in another order"
    assert json.loads((run / "outputs/classify/output.json").read_bytes()) == {
        "cells": len(rows),
        "done": len(rows),
        "failed": 0,
        "path": "outputs/classify/items.jsonl",
    }
    assert 1 < project.stub.counts()["max_in_flight"] <= MODEL["limits"]["in_flight"]
    assert project.awo("verify", "--json").expect(0).json["verdict"] == "passed"


def test_rows_matrix_and_repeats_make_cells_in_that_order_and_each_is_asked_once(project: AtStub) -> None:
    rows = project.reviews(5)
    tones = ["plain", "formal", "rude"]
    fanned = classify(matrix={"tone": tones}, repeats=2, prompt="{{ matrix.tone }}: {{ item.text }}")
    project.awo("run", project.workflow(fanned)).expect(0)
    found = items(project.latest())
    wanted = [(row["id"], tone, repeat) for row in rows for tone in tones for repeat in range(2)]
    assert [(line["item"], line["matrix"]["tone"], line["repeat"]) for line in found] == wanted
    assert [line["value"]["text"] for line in found] == [
        f"{tone}: {row['text']}" for row in rows for tone in tones for _ in range(2)
    ]
    assert project.stub.counts()["arrived"] == len(wanted)
    assert len(set(answered_requests(project.latest()))) == len(wanted), "a repeat is a request of its own"
    project.awo("verify").expect(0)


def test_a_step_can_go_over_the_cells_of_an_earlier_step(project: AtStub) -> None:
    rows = project.reviews(7)
    workflow = classify(prompt="first: {{ item.text }}")
    workflow["steps"].append(
        {
            "id": "judge",
            "op": "llm_map",
            "over": {"step": "classify"},
            "model": "small",
            "prompt": "{{ item.id }} / {{ item.value.text }} / {{ item.row.text }}",
        }
    )
    project.awo("run", project.workflow(workflow)).expect(0)
    wanted = [f"{row['id']} / first: {row['text']} / {row['text']}"[:240] for row in rows]
    cut = [line["value"]["text"] for line in items(project.latest(), "judge")]
    assert [text[:120] for text in cut] == [text[:120] for text in wanted]
    project.awo("verify").expect(0)


@pytest.mark.parametrize("model", ["anthropic/claude-sonnet-4-5", "gemini/gemini-2.5-flash", "ollama/smollm2"])
def test_a_step_can_name_a_provider_and_its_model(project: AtStub, model: str) -> None:
    rows = project.reviews(6)
    project.awo("run", project.workflow(classify(model=model))).expect(0)
    assert [line["value"]["text"] for line in items(project.latest())] == [row["text"] for row in rows]
    project.awo("verify").expect(0)


def test_every_exchange_can_be_read_with_zcat(project: AtStub) -> None:
    rows = project.reviews()
    project.awo("run", project.workflow(classify())).expect(0)
    run = project.latest()
    segments = sorted((run / "audit/raw").iterdir())
    assert [path.name for path in segments] == ["00001.jsonl.gz"]
    lines = subprocess.run(["zcat", *segments], capture_output=True, check=True).stdout.splitlines()
    exchanges = [json.loads(line) for line in lines]
    assert len(exchanges) == len(rows)
    asked = {json.loads(one["request"]["content"])["messages"][-1]["content"] for one in exchanges}
    assert asked == {row["text"] for row in rows}
    for one in exchanges:
        said = json.loads(one["response"]["content"])["choices"][0]["message"]["content"]
        assert said in asked
        assert one["status"] == 200
    calls = {event["call"] for event in of_kind(run, "call_answered")}
    assert {one["call"] for one in exchanges} == calls


# --- the provider is in trouble ------------------------------------------------------------------------


def test_a_storm_of_429_is_survived_and_every_change_of_the_limit_is_an_event(project: AtStub) -> None:
    rows = project.reviews()
    project.stub.order("status", status=429, retry_after_ms="120", after=6, times=12)
    project.awo("run", project.workflow(classify({"limits": {"in_flight": 16, "tries": 20}}))).expect(0)
    run = project.latest()
    assert [line["value"]["text"] for line in items(run)] == [row["text"] for row in rows]
    changes = of_kind(run, "limit_changed")
    assert changes
    assert changes[0]["in_flight"] < 16
    assert {event["reason"]["code"] for event in of_kind(run, "call_failed")} == {"rate_limited"}
    again = [event for event in of_kind(run, "call_intended") if event["tries"] > 1]
    assert [event["because"] for event in again] == ["rate_limited"] * 12
    seen = project.stub.by_prompt()
    assert {count["answered"] for count in seen.values()} == {1}
    assert sum(count["refused"] for count in seen.values()) == 12
    project.awo("verify").expect(0)


@pytest.mark.parametrize(
    "trouble", ["status", "reset", "half", "half_reset", "not_json", "html", "empty", "wrong_shape"]
)
def test_a_provider_that_breaks_now_and_then_is_asked_again_and_each_sending_is_on_record(
    project: AtStub, trouble: Any
) -> None:
    rows = project.reviews(12)
    project.stub.order(trouble, status=503, times=3, after=2)
    project.awo("run", project.workflow(classify())).expect(0)
    run = project.latest()
    assert [line["value"]["text"] for line in items(run)] == [row["text"] for row in rows]
    assert len(of_kind(run, "call_failed")) == 3
    assert len(of_kind(run, "call_intended")) == project.stub.counts()["arrived"] == 15
    project.awo("verify").expect(0)


@pytest.mark.parametrize(
    ("trouble", "code", "may_have_cost"),
    [("hang", "timeout", True), ("drip", "timeout", True), ("huge", "too_large", True), ("deep", "bad_answer", True)],
)
def test_an_answer_that_never_ends_fails_its_cell_alone(
    project: AtStub, trouble: Any, code: str, may_have_cost: bool
) -> None:
    project.reviews(4)
    project.stub.order(trouble, times=1, pieces=1, every_ms=100)
    name = project.workflow(classify({"limits": {"tries": 1, "timeout_s": 2}}, max_failed=1))
    project.awo("run", name).expect(0)
    run = project.latest()
    (failure,) = of_kind(run, "call_failed")
    assert (failure["reason"]["code"], failure["may_have_cost"]) == (code, may_have_cost)
    assert [line["reason"]["code"] for line in items(run) if line["status"] == "failed"] == [code]
    assert sum(path.stat().st_size for path in (run / "audit/raw").iterdir()) < 2_000_000
    project.awo("verify").expect(0)


def test_a_redirect_is_not_followed(project: AtStub) -> None:
    project.reviews(2)
    with running_stub(key=SECRET) as elsewhere:
        project.stub.order("status", status=307, location=f"{elsewhere.base_url}/v1/chat/completions")
        done = project.awo("run", project.workflow(classify({"limits": {"tries": 2}})))
        assert_one_error(done, 6)
        assert elsewhere.counts()["arrived"] == 0


# --- bad input: one clear error each, and what was got is kept ---------------------------------------------


def test_a_wrong_key_is_one_clear_error_and_not_one_for_each_row(project: AtStub) -> None:
    project.reviews()
    project.more["OPENAI_API_KEY"] = "test-key-of-somebody-else"
    done = project.awo("run", project.workflow(classify()))
    assert_one_error(done, 6, "key")
    assert project.stub.counts()["arrived"] <= MODEL["limits"]["in_flight"]
    codes = {event["reason"]["code"] for event in of_kind(project.latest(), "call_failed")}
    assert codes - {"stopped"} == {"auth"}, "what stood ready to be sent was not sent"
    assert b"of-somebody-else" not in b"".join(contents(project.runs).values()) + done.stdout + done.stderr


def test_no_key_at_all_is_said_before_a_folder_is_made(project: AtStub) -> None:
    project.reviews()
    project.more["OPENAI_API_KEY"] = ""
    project.awo("run", project.workflow(classify())).refused(7, "OPENAI_API_KEY")
    assert not project.runs.exists()
    assert project.stub.counts()["arrived"] == 0


def test_an_unknown_model_is_one_clear_error(project: AtStub) -> None:
    project.reviews()
    done = project.awo("run", project.workflow(classify({"model": "gpt-17"})))
    assert_one_error(done, 6, "model")
    assert project.stub.counts()["arrived"] <= MODEL["limits"]["in_flight"]
    assert project.stub.counts()["answered"] == 0


def test_a_host_that_is_not_there_is_one_clear_error(project: AtStub) -> None:
    project.reviews(4)
    project.more["OPENAI_BASE_URL"] = f"http://127.0.0.1:{unused_port()}/v1"
    done = project.awo("run", project.workflow(classify({"limits": {"in_flight": 4, "tries": 2}})))
    assert_one_error(done, 6, "cannot be reached")
    assert events(project.latest())[-1]["kind"] == "step_failed"
    project.more.clear()
    project.awo("resume", "latest").expect(0)
    assert len(items(project.latest())) == 4


def test_a_column_that_is_not_there_is_said_before_a_folder_is_made(project: AtStub) -> None:
    project.reviews()
    name = project.workflow(classify(prompt="{{ item.txt }}"))
    project.awo("run", name).refused(8, "txt", "text")
    assert not project.runs.exists()


def test_a_ragged_row_is_refused_with_its_file_and_line(project: AtStub) -> None:
    project.write("reviews.csv", "id,text\nr1,fine\nr2,one,two\n")
    project.awo("run", project.workflow(classify())).refused(8, "reviews.csv:3")
    assert not project.runs.exists()


def test_one_prompt_over_the_context_length_fails_its_cell_alone(project: AtStub) -> None:
    rows = project.reviews(8)
    rows[3]["text"] = "far too long " * 400
    written = "id,text\n" + "".join(f'{row["id"]},"{row["text"].replace(chr(34), chr(34) * 2)}"\n' for row in rows)
    project.write("reviews.csv", written)
    done = project.awo("run", project.workflow(classify()))
    assert_one_error(done, 6, "context")
    assert len(responses(project.latest())) == 7, "what was answered is kept"
    assert project.stub.counts()["arrived"] == 8, "a prompt that is too long is not sent twice"

    project.awo("run", project.workflow(classify(max_failed=1))).expect(0)
    found = items(project.latest())
    assert [line["status"] for line in found] == ["done"] * 3 + ["failed"] + ["done"] * 4
    assert (found[3]["reason"]["code"], found[3]["value"]) == ("context_length", None)
    assert project.awo("verify", "--json").expect(0).json["verdict"] == "passed"


def test_an_answer_that_breaks_the_schema_is_kept_counted_and_asked_for_again(project: AtStub) -> None:
    project.reviews(6)
    project.stub.order("break_schema", match=SENTENCES[2][:20], times=1)
    project.awo("run", project.workflow(classify(schema=SCHEMA, schema_tries=2))).expect(0)
    run = project.latest()
    said = responses(run)
    broken = [line for line in said if line["schema_fault"]]
    assert len(said) == 7
    assert [(line["cell"], json.loads(line["text"])) for line in broken] == [(2, {"unexpected": True})]
    assert {line["status"] for line in items(run)} == {"done"}
    project.awo("verify").expect(0)


def test_an_answer_that_breaks_the_schema_again_and_again_is_one_clear_error(project: AtStub) -> None:
    project.reviews(6)
    project.stub.order("break_schema", match=SENTENCES[2][:20])
    done = project.awo("run", project.workflow(classify(schema=SCHEMA, schema_tries=3)))
    assert_one_error(done, 6, "schema")
    said = responses(project.latest())
    assert len(said) == 8
    assert len([line for line in said if line["schema_fault"]]) == 3


# --- the key ----------------------------------------------------------------------------------------------


def spellings(secret: str) -> list[bytes]:
    """How the key may turn up: as it is, in JSON, in a URL, and in base64 wherever it begins."""
    raw = secret.encode()
    found = [raw, json.dumps(secret)[1:-1].encode(), urllib.parse.quote(secret, safe="").encode()]
    found += [urllib.parse.quote(secret).encode()]
    for before in range(3):
        encoded = base64.b64encode(b"x" * before + raw + b"y" * 3)
        found.append(encoded[4 if before else 0 : -8])
    return found


@pytest.mark.parametrize("status", [0, 400, 401, 500], ids=["in the answer", "in a 400", "in a 401", "in a 500"])
@pytest.mark.parametrize("model", ["openai/gpt-5-mini", "anthropic/claude-haiku-4-5", "gemini/gemini-2.5-flash"])
def test_a_key_that_the_provider_says_back_is_nowhere(project: AtStub, status: int, model: str) -> None:
    project.reviews(3)
    project.stub.order("leak", status=status)
    backend, _, name = model.partition("/")
    spec = {"backend": backend, "model": name, "limits": {"tries": 1}}
    printed = [project.awo("run", project.workflow(classify(spec)))]
    assert project.stub.counts()["arrived"] >= 1
    assert printed[0].code == (0 if status == 0 else 6), printed[0].err
    run = project.latest()
    printed += [project.awo(*words) for words in (("show",), ("show", "--json"), ("verify",), ("export",))]
    places = contents(project.top) | {"terminal": b"".join(done.stdout + done.stderr for done in printed)}
    raw = subprocess.run(["zcat", *sorted((run / "audit/raw").iterdir())], capture_output=True, check=True).stdout
    assert b"[secret " in raw, "what the provider said is kept, without the key"
    for place, data in (places | {"raw": raw}).items():
        for spelling in spellings(SECRET):
            assert spelling not in data, f"{spelling!r} stands in {place}"

"""The backend `replay` on runs' folders: what was recorded is answered in order, and nothing else is."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec
import pytest

from awo.canon.digest import sha256_hex
from awo.canon.json import encode_sorted
from awo.errors import CannotCheck, EvidenceError
from awo.evidence.events import FileRef
from awo.evidence.records import Message, ResponseLine, TokenLogprob, Usage
from awo.inference.replay import open_replay
from awo.inference.seam import Image, ModelFailed, Reply, Request, Turn
from awo.testing.backends import CHECKS, Case, Check

RUN = "run_2026-11-23T10-00-00Z"
IMAGE = b"\x89PNG"


def line(prompt: str, text: str, **changes: Any) -> ResponseLine:
    recorded = ResponseLine(
        salt="0" * 32,
        step="ask",
        call="0",
        attempt=1,
        at="2026-11-23T10:00:00.000000Z",
        model="small",
        backend="openai",
        model_asked="gpt",
        model_answered="gpt-1",
        messages=[Message(role="user", content=prompt)],
        params={},
        seed=7,
        text=text,
        stop_reason="stop",
        usage=Usage(prompt_tokens=3, completion_tokens=2),
        latency_ms=5,
    )
    return msgspec.structs.replace(recorded, **changes)


def record(root: Path, lines: Sequence[ResponseLine], step: str = "ask") -> Path:
    """A run's folder in `root/runs`, with these responses of one step."""
    folder = root / "runs" / RUN
    (folder / "audit").mkdir(parents=True, exist_ok=True)
    (folder / "outputs" / step).mkdir(parents=True)
    (folder / "audit" / "journal.jsonl").write_text(json.dumps({"kind": "run_started", "run_id": RUN}) + "\n")
    (folder / "outputs" / step / "responses.jsonl").write_bytes(b"".join(encode_sorted(one) + b"\n" for one in lines))
    return folder


def ask(root: Path, *requests: Request | str, model: str = RUN, **params: Any) -> list[Reply | ModelFailed]:
    """What comes of each request, asked one after the other of one open backend."""

    async def session() -> list[Reply | ModelFailed]:
        backend = open_replay(model, params, 7, root)
        await backend.open()
        found: list[Reply | ModelFailed] = []
        for request in requests:
            asked = Request((Turn("user", request),), {}, 7) if isinstance(request, str) else request
            try:
                found.append(await backend.ask(asked, 1.0))
            except ModelFailed as error:
                found.append(error)
        await backend.close()
        return found

    return asyncio.run(session())


def texts(found: list[Reply | ModelFailed]) -> list[str]:
    return [one.text if isinstance(one, Reply) else one.code for one in found]


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
def test_it_keeps_the_contract_of_backends(check: Check, tmp_path: Path) -> None:
    record(tmp_path, [line("Name one colour.", "Blue.")] * 3 + [line("Count to three.", "1 2 3")])
    check(Case(open_replay, model=RUN, root=tmp_path))


def test_the_nth_asking_gets_the_nth_recorded_answer_and_then_no_more(tmp_path: Path) -> None:
    record(tmp_path, [line("a", "first"), line("b", "other"), line("a", "second")])
    found = ask(tmp_path, "a", "b", "a", "a")
    assert texts(found) == ["first", "other", "second", "not_recorded"]
    assert "2 recorded, 3 asked for" in str(found[3])


def test_the_whole_recorded_answer_comes_back(tmp_path: Path) -> None:
    recorded = line(
        "a",
        "B",
        stop_reason="length",
        stop_reason_given="max_tokens",
        request_id="req_1",
        fingerprint="fp_1",
        usage=Usage(prompt_tokens=3, completion_tokens=2, cached_tokens=1, reasoning_tokens=0),
        logprobs=[TokenLogprob(token="B", logprob=-0.5, top={"C": -1.5})],
    )
    record(tmp_path, [recorded])
    (reply,) = ask(tmp_path, "a")
    assert isinstance(reply, Reply)
    assert (reply.model_answered, reply.stop_reason, reply.stop_reason_given) == ("gpt-1", "length", "max_tokens")
    assert (reply.request_id, reply.fingerprint, reply.cached_tokens) == ("req_1", "fp_1", 1)
    assert reply.logprobs is not None
    assert [(one.token, one.logprob, one.top) for one in reply.logprobs] == [("B", -0.5, {"C": -1.5})]
    assert reply.exchange is None


def test_images_schemas_and_parameters_are_part_of_what_was_asked(tmp_path: Path) -> None:
    shown = FileRef(path="data/x.png", sha256=sha256_hex(IMAGE), size_bytes=len(IMAGE))
    schema = {"type": "object", "additionalProperties": False}
    recorded = line(
        "a",
        "{}",
        messages=[Message(role="user", content="a", images=(shown,))],
        params={"temperature": 0.5, "max_tokens": 3},
        schema_sha256=sha256_hex(msgspec.json.encode(schema)),
    )
    record(tmp_path, [recorded])
    turns = (Turn("user", "a", (Image("image/png", IMAGE),)),)
    asked = Request(turns, {"temperature": 0.5, "of": "small"}, 7, schema)
    assert texts(ask(tmp_path, asked, max_tokens=3, of="small")) == ["{}"]
    for other in (
        Request((Turn("user", "a", (Image("image/png", b"other"),)),), asked.params, 7, schema),
        Request(turns, {"temperature": 0.4}, 7, schema),
        Request(turns, asked.params, 8, schema),
        Request(turns, asked.params, 7, None),
        Request(turns, asked.params, 7, {"type": "object"}),
    ):
        assert texts(ask(tmp_path, other, max_tokens=3)) == ["not_recorded"]


def test_only_the_named_models_responses_answer(tmp_path: Path) -> None:
    record(tmp_path, [line("a", "of small"), line("a", "of large", model="large")])
    assert texts(ask(tmp_path, "a", "a", of="large")) == ["of large", "not_recorded"]
    assert texts(ask(tmp_path, "a", "a")) == ["of small", "of large"]
    with pytest.raises(CannotCheck) as caught:
        ask(tmp_path, "a", of="larg")
    assert caught.value.hint == "did you mean 'large'?"


def test_an_unknown_request_is_refused_and_the_nearest_one_is_shown(tmp_path: Path) -> None:
    record(tmp_path, [line(f"Classify the text of row {number}: lorem ipsum.", "x") for number in range(350)])
    (error,) = ask(tmp_path, "Classify the text of row 321: lorem ipsun.")
    assert isinstance(error, ModelFailed)
    assert (error.code, error.is_transient, error.concerns_model) == ("not_recorded", False, False)
    assert "responses.jsonl:322" in error.got
    assert "lorem ipsum.' (asked: " in error.got
    assert "lorem ipsun.'" in error.got


def test_the_same_prompt_with_other_parameters_is_told_as_such(tmp_path: Path) -> None:
    record(tmp_path, [line("a", "x", params={"temperature": 0.2})])
    (error,) = ask(tmp_path, Request((Turn("user", "a"),), {"temperature": 0.7}, 8))
    assert isinstance(error, ModelFailed)
    assert "seed 7 (asked: 8), temperature 0.2 (asked: 0.7)" in error.got


def test_a_thousand_unknown_requests_are_refused_without_a_search_for_each(tmp_path: Path) -> None:
    record(tmp_path, [line("a" * 2_000, "x")])
    found = ask(tmp_path, *(f"{number} {'b' * 2_000}" for number in range(1_000)))
    assert sum("nearest is" in str(error) for error in found) == 20


def test_a_run_without_responses_answers_nothing(tmp_path: Path) -> None:
    record(tmp_path, [])
    assert texts(ask(tmp_path, "a")) == ["not_recorded"]


def test_the_run_is_found_beside_the_workflow_and_in_runs(tmp_path: Path) -> None:
    folder = record(tmp_path, [line("a", "x")])
    assert texts(ask(tmp_path, "a", model=RUN)) == ["x"]
    assert texts(ask(tmp_path, "a", model=f"runs/{RUN}")) == ["x"]
    assert texts(ask(tmp_path, "a", model=str(folder))) == ["x"]
    with pytest.raises(CannotCheck, match="not here"):
        open_replay("run_2026-11-23T10-00-01Z", {}, 7, tmp_path).check()
    with pytest.raises(ModelFailed, match="`of`"):
        open_replay(RUN, {"of": 3}, 7, tmp_path).check()


def test_the_facts_name_the_run_and_the_journal_as_it_lies_here(tmp_path: Path) -> None:
    folder = record(tmp_path, [line("a", "x")])
    record(tmp_path, [line("b", "y"), line("c", "z")], step="again")
    facts = asyncio.run(open_replay(str(folder), {}, 7, tmp_path).open())
    journal = (folder / "audit" / "journal.jsonl").read_bytes()
    assert facts == {
        "asked": RUN,
        "answered": RUN,
        "of": "",
        "journal_sha256": sha256_hex(journal),
        "responses": 3,
    }


def test_a_torn_last_line_is_no_response_and_any_other_bad_line_is_an_error(tmp_path: Path) -> None:
    path = record(tmp_path, [line("a", "x")]) / "outputs" / "ask" / "responses.jsonl"
    whole = path.read_bytes()
    path.write_bytes(whole + whole[: len(whole) // 2])
    assert texts(ask(tmp_path, "a", "a")) == ["x", "not_recorded"]
    path.write_bytes(whole + b"{}\n" + whole)
    with pytest.raises(EvidenceError) as caught:
        ask(tmp_path, "a")
    assert caught.value.where == "outputs/ask/responses.jsonl:2"

"""Defects that a review found, each in the fewest lines that show it: full disks, odd providers, changed files."""

from __future__ import annotations

import asyncio
import errno
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec
import pytest
from tests.conformance.engine.a_fan_out import DOLLARS, Project, Scripted, events, items, quick, script, texts

from awo.engine import cache, raw, run
from awo.engine.reading import events_of
from awo.engine.reruns import Rerun
from awo.engine.run import finish_as
from awo.errors import DiskTrouble, EvidenceError
from awo.evidence import events as ev
from awo.evidence.layout import responses_path
from awo.evidence.records import PriceRecord
from awo.evidence.secrets import SecretCutter
from awo.inference.seam import Exchange, ModelFailed, Reply, Request

DEAR = PriceRecord(input_usd_per_mtok="150", output_usd_per_mtok="600", source="workflow")
SCHEMA = {"type": "object", "required": ["label"]}


async def same(prompt: str, before: int) -> str:
    return prompt


def replies(monkeypatch: pytest.MonkeyPatch, reply: Reply) -> None:
    """Makes the scripted model answer everything with `reply`, after a moment in which all calls gather."""

    async def ask(self: Scripted, request: Request, timeout_s: float) -> Reply:
        prompt = request.turns[-1].content
        Scripted.asked[prompt] = Scripted.asked.get(prompt, 0) + 1
        await asyncio.sleep(0.01)
        return reply

    monkeypatch.setattr(Scripted, "ask", ask)


def says(monkeypatch: pytest.MonkeyPatch, **facts: Any) -> None:
    """Makes the scripted model say this of itself."""

    async def open_(self: Scripted) -> dict[str, Any]:
        return {"asked": "scripted", **facts}

    monkeypatch.setattr(Scripted, "open", open_)


def answer_of(**changes: Any) -> Reply:
    exchange = Exchange(
        method="POST",
        url="http://127.0.0.1/v1",
        request_headers=(),
        request_body=b"{}",
        status=200,
        response_headers=(),
        response_body=b"{}",
        elapsed_ms=1,
    )
    usual = Reply(text="yes", model_answered="scripted", stop_reason="stop", prompt_tokens=1, completion_tokens=1)
    return replace(usual, exchange=exchange, **changes)


def test_an_exchange_that_found_no_room_does_not_spoil_the_record_of_the_answers_after_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    script(monkeypatch, same)
    replies(monkeypatch, answer_of())
    real, written = raw._write_whole, []

    def third_fails(*given: Any) -> None:
        written.append(given)
        if len(written) == 3:
            raise OSError(errno.ENOSPC, "No space left on device")
        real(*given)

    project = Project(tmp_path, texts(8))
    with monkeypatch.context() as full:
        full.setattr(raw, "_write_whole", third_fails)
        with pytest.raises(DiskTrouble):
            project.run()
    (folder,) = (tmp_path / "runs").glob("run_*")
    assert project.resume(folder).outcome == "completed"
    assert set(Scripted.asked.values()) == {1}, "what had arrived when the disk was full is not bought again"


def test_an_answer_that_no_json_can_hold_is_a_failed_call_and_not_the_end_of_the_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    script(monkeypatch, same)
    replies(monkeypatch, answer_of(text="half a pair: \ud800"))
    ended = Project(tmp_path, texts(1), cells={"max_failed": 1}).run()
    assert ended.outcome == "completed"
    assert len(events(ended.folder, ev.CallFailed)) == 1


def test_a_provider_that_counts_absurdly_many_tokens_does_not_make_the_journal_unreadable(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    script(monkeypatch, same)
    replies(monkeypatch, answer_of(prompt_tokens=2**53 - 1, completion_tokens=2**53 - 1))
    ended = Project(tmp_path, texts(1), model={"price": DEAR}).run()
    assert ended.outcome == "completed"
    assert [event.cost for event in events(ended.folder, ev.CallAnswered)] == [""]


def test_an_answer_that_broke_its_schema_is_asked_for_again_after_the_step_failed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def wrong_at_first(prompt: str, before: int) -> str:
        return '{"label": 1}' if before else "no JSON"

    script(monkeypatch, wrong_at_first)
    project = Project(tmp_path, texts(2), args={"schema": SCHEMA})
    ended = project.run()
    assert ended.outcome == "failed"
    assert project.resume(ended.folder, only_failed=True).outcome == "completed"
    assert Scripted.asked == {"row 0": 2, "row 1": 2}


def test_a_first_cell_that_cannot_be_asked_about_fails_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    script(monkeypatch, same)
    prompt = "{{ item.text }}{% if item.text == 'row 0' %}{{ item.nothing }}{% endif %}"
    ended = Project(tmp_path, texts(3), args={"prompt": prompt}, cells={"max_failed": 1}).run()
    assert ended.outcome == "completed"
    assert [item.status for item in items(ended.folder)] == ["failed", "done", "done"]


@pytest.mark.parametrize("told", [{"endpoint": "http://two/v1"}, {"weights_digest": "b"}])
def test_a_model_of_the_same_name_elsewhere_gets_no_answers_of_the_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, told: dict[str, str]
) -> None:
    first = {"endpoint": "http://one/v1", "weights_digest": "a"}
    script(monkeypatch, same)
    project = Project(tmp_path, texts(2), changes={"cache": True})
    reused = []
    for facts in (first, first | told, first):
        says(monkeypatch, **facts)
        reused.append(len(events(project.run().folder, ev.ResponseReused)))
    assert reused == [0, 0, 2]


def test_a_cache_that_cannot_be_read_has_no_answers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    script(monkeypatch, same)
    project = Project(tmp_path, texts(2), changes={"cache": True})
    project.run()
    found = cache.Cache.find

    def broken(self: cache.Cache, *given: Any) -> Any:
        self._connection.execute("drop table if exists answers")
        return found(self, *given)

    monkeypatch.setattr(cache.Cache, "find", broken)
    assert project.run().outcome == "completed"


def test_an_answer_copied_before_a_kill_is_on_record_when_its_run_is_ended_after_a_second_kill(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    script(monkeypatch, same)
    project = Project(tmp_path, texts(3), changes={"cache": True})
    project.run()
    folder = project.run().folder
    journal = folder / "audit/journal.jsonl"
    lines = journal.read_bytes().splitlines(keepends=True)
    last = max(number for number, line in enumerate(lines) if b'"response_reused"' in line)
    journal.write_bytes(b"".join(lines[:last]))
    (folder / "outputs/ask/output.json").unlink()
    (folder / "outputs/ask/items.jsonl").unlink()

    async def killed(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as crash:
        crash.setattr(run, "settle_open_calls", killed)
        with pytest.raises(KeyboardInterrupt):
            project.resume(folder)
    asyncio.run(finish_as(folder, "abandoned"))
    recorded = [event for event in events_of(folder) if isinstance(event, ev.ResponseReused)]
    assert len((folder / responses_path("ask")).read_bytes().splitlines()) == len(recorded) == 3


def test_a_data_set_that_changes_while_it_is_read_fails_the_step(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = texts(300)
    data = "".join(json.dumps(row) + "\n" for row in rows)
    (tmp_path / "rows.jsonl").write_text(data)

    async def meddling(prompt: str, before: int) -> str:
        (tmp_path / "rows.jsonl").write_text(data.replace("row 299", "row 999"))
        return prompt

    script(monkeypatch, meddling)
    project = Project(tmp_path, rows)
    promised = project.plan()
    (file,) = promised.files
    absent = msgspec.structs.replace(file, encoding="absent", content="")
    monkeypatch.setattr(project, "plan", lambda: msgspec.structs.replace(promised, files=[absent]))
    ended = project.run()
    assert [event.reason.code for event in events(ended.folder, ev.StepFailed)] == ["changed_input"]


def test_more_cells_than_any_workflow_may_have_are_refused_in_a_copied_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    script(monkeypatch, same)
    ten = list(range(10))
    with pytest.raises(EvidenceError, match="too many cells"):
        Project(tmp_path, texts(1), cells={"matrix": dict.fromkeys("abcdefghi", ten)}).run()


def test_what_params_bring_into_the_prompt_counts_in_the_worst_price(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    script(monkeypatch, same)
    price = PriceRecord(input_usd_per_mtok="1000000", output_usd_per_mtok="0", source="workflow")
    params = {"max_tokens": 1, "tools": [{"description": "x" * 1000}]}
    ended = Project(tmp_path, texts(1), model={"price": price, "params": params}).run()
    (intent,) = events(ended.folder, ev.CallIntended)
    assert float(intent.worst_price) > 1000


def test_a_secret_in_what_a_model_says_of_itself_is_cut(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    secret = "k-1234567890abcdef"
    script(monkeypatch, same)
    says(monkeypatch, endpoint=f"https://gate.example/{secret}/v1")
    project = Project(tmp_path, texts(1))
    around = replace(project.around, secrets=SecretCutter({"GATE_TOKEN": secret}))
    monkeypatch.setattr(Project, "around", around)
    folder = project.run().folder
    assert [path for path in folder.rglob("*") if path.is_file() and secret.encode() in path.read_bytes()] == []


def test_a_call_that_was_asked_again_and_answered_is_no_longer_of_unknown_outcome(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def hangs_once(prompt: str, before: int) -> str:
        if prompt == "row 1" and before == 0:
            await asyncio.sleep(60)
        if prompt == "row 0":
            raise ModelFailed("refused", is_transient=False, code="bad_request")
        return prompt

    script(monkeypatch, hangs_once)
    project = Project(tmp_path, texts(2), model={"price": DOLLARS, "limits": quick()})
    promised = project.plan()
    steps = [msgspec.structs.replace(step, timeout_s=0.3) for step in promised.steps]
    monkeypatch.setattr(project, "plan", lambda: msgspec.structs.replace(promised, steps=steps))
    folder = project.run().folder
    told: list[Rerun] = []
    project.resume(folder, ask_again=True, tell=told.append)
    project.resume(folder, tell=told.append)
    assert [(rerun.unknown, rerun.reused) for rerun in told] == [(1, 0), (0, 1)]

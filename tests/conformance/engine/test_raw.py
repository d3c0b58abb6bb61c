"""The record of what crossed the wire: segments that rotate, tails that a crash left, and what they are worth."""

from __future__ import annotations

import asyncio
import gzip
import subprocess
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TypeVar

import msgspec
import pytest
from tests.unit.a_run import plan, ref, step

from awo.canon.digest import sha256_hex
from awo.canon.json import encode_sorted
from awo.engine.journal import Journal
from awo.engine.raw import RawLog
from awo.engine.reading import events_of
from awo.engine.settle import settle_open_calls
from awo.errors import EvidenceError
from awo.evidence import events as ev
from awo.evidence import exchanges
from awo.evidence.layout import raw_path
from awo.evidence.records import Message, ResponseLine, Usage
from awo.evidence.secrets import SecretCutter
from awo.inference.seam import Exchange
from awo.lifecycle.rules import RunState

T = TypeVar("T")
STEP = step("ask", "llm_map")
SOFTWARE = ev.Software(name="awo", version="2")
NOW = "2026-11-23T06:09:00.000000Z"


def exchange(answer: bytes = b'{"ok": true}', status: int = 200) -> Exchange:
    return Exchange(
        method="POST",
        url="http://127.0.0.1/v1/chat/completions",
        request_headers=(("content-type", "application/json"), ("cookie", "chocolate")),
        request_body=b'{"messages": []}',
        status=status,
        response_headers=(("X-Request-Id", "r-1"), ("set-cookie", "oat")),
        response_body=answer,
        elapsed_ms=7,
    )


def begin(journal: Journal) -> None:
    journal.append(
        ev.RunStarted,
        format=ev.FORMAT,
        run_id="run_2026-11-23T06-09-00Z",
        software=SOFTWARE,
        input=ref("input.json", b"{}"),
        starter=ev.Starter(id="a", key="k"),
        supersedes="",
        solo=False,
    )
    journal.append(ev.StepStarted, step="ask", attempt=1)


def intend(journal: Journal) -> ev.CallIntended:
    return journal.append(
        ev.CallIntended,
        step="ask",
        attempt=1,
        call=str(journal.state.calls),
        cell=0,
        repeat=0,
        tries=1,
        because="",
        model="m",
        request_sha256="0" * 64,
        worst_price="",
    )


def fail(journal: Journal, intent: ev.CallIntended, kept: ev.ExchangeRef | None) -> None:
    reason = ev.Reason(code="overloaded", message="busy")
    journal.append(ev.CallFailed, step="ask", call=intent.call, reason=reason, may_have_cost=False, exchange=kept)


def line_of(intent: ev.CallIntended) -> bytes:
    return encode_sorted(
        ResponseLine(
            salt="0" * 32,
            step="ask",
            call=intent.call,
            attempt=1,
            at=NOW,
            model="m",
            backend="openai",
            model_asked="m",
            model_answered="m",
            messages=[Message(role="user", content="hi")],
            params={},
            seed=0,
            text="hello",
            stop_reason="stop",
            usage=Usage(prompt_tokens=1, completion_tokens=1),
            latency_ms=1,
        )
    )


def with_new(folder: Path, work: Callable[[Journal, RawLog], Awaitable[T]], secrets: SecretCutter | None = None) -> T:
    async def story() -> T:
        (folder / "outputs/ask").mkdir(parents=True, exist_ok=True)
        journal = Journal.create(folder, RunState([STEP]))
        journal.start()
        raw = RawLog(journal, secrets or SecretCutter({}))
        begin(journal)
        try:
            return await work(journal, raw)
        finally:
            raw.close()
            await journal.close()

    return asyncio.run(story())


def taken_up(folder: Path) -> list[ev.AnyEvent]:
    """Settles the run as a resume does; gives the new events."""

    async def story() -> int:
        journal = Journal.open_existing(folder, RunState([STEP]), lambda event: None)
        before = journal.state.size
        journal.start()
        try:
            journal.append(ev.RunResumed, software=SOFTWARE)
            await settle_open_calls(journal, plan([STEP]).models)
        finally:
            await journal.close()
        return before

    before = asyncio.run(story())
    return list(events_of(folder))[before + 1 :]


def test_a_segment_is_read_by_zcat_and_one_exchange_alone(tmp_path: Path) -> None:
    async def work(journal: Journal, raw: RawLog) -> list[ev.ExchangeRef]:
        kept = []
        for number in range(3):
            intent = intend(journal)
            answer = f"answer {number}".encode()
            place = raw.append(exchange(answer), step="ask", call=intent.call, model="m", sent_at=NOW)
            fail(journal, intent, place)
            kept.append(place)
        return kept

    kept = with_new(tmp_path, work)
    segment = tmp_path / raw_path(1)
    lines = subprocess.run(["zcat", segment], capture_output=True, check=True).stdout.splitlines()
    assert [msgspec.json.decode(line)["response"]["content"] for line in lines] == ["answer 0", "answer 1", "answer 2"]
    second = segment.read_bytes()[kept[1].offset :][: kept[1].size_bytes]
    assert sha256_hex(exchanges.read_frame(second, "here")) == kept[1].sha256
    assert msgspec.json.decode(gzip.decompress(second))["call"] == "1"


def test_only_headers_of_the_list_are_kept_and_secrets_are_cut(tmp_path: Path) -> None:
    async def work(journal: Journal, raw: RawLog) -> None:
        intent = intend(journal)
        said = exchange(b'{"error": "bad key sk-very-secret-1234"}', 401)
        fail(journal, intent, raw.append(said, step="ask", call=intent.call, model="m", sent_at=NOW))

    with_new(tmp_path, work, SecretCutter({"OPENAI_API_KEY": "sk-very-secret-1234"}))
    kept = exchanges.decode(gzip.decompress((tmp_path / raw_path(1)).read_bytes())[:-1], "here")
    assert kept.request.headers == [("content-type", "application/json")]
    assert kept.response.headers == [("x-request-id", "r-1")]
    assert kept.response.content == '{"error": "bad key [secret OPENAI_API_KEY]"}'


def test_a_full_segment_is_followed_by_another(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exchanges, "LARGEST_SEGMENT_BYTES", 600)

    async def work(journal: Journal, raw: RawLog) -> None:
        for _ in range(5):
            intent = intend(journal)
            fail(journal, intent, raw.append(exchange(), step="ask", call=intent.call, model="m", sent_at=NOW))

    with_new(tmp_path, work)
    segments = sorted((tmp_path / "audit/raw").iterdir())
    assert len(segments) > 1
    assert all(segment.stat().st_size <= 600 for segment in segments)
    assert b"".join(gzip.decompress(segment.read_bytes()) for segment in segments).count(b"\n") == 5


def test_a_torn_frame_is_cut_and_the_cut_is_on_record(tmp_path: Path) -> None:
    async def work(journal: Journal, raw: RawLog) -> None:
        intent = intend(journal)
        fail(journal, intent, raw.append(exchange(), step="ask", call=intent.call, model="m", sent_at=NOW))
        raw.append(exchange(), step="ask", call=intend(journal).call, model="m", sent_at=NOW)

    with_new(tmp_path, work)
    segment = tmp_path / raw_path(1)
    whole = segment.read_bytes()
    first = whole[: whole.index(b"\x1f\x8b", 2)]
    segment.write_bytes(whole[:-3])
    cut, unknown = taken_up(tmp_path)
    assert isinstance(cut, ev.TailCut)
    assert cut.path == raw_path(1)
    assert cut.sha256 == sha256_hex(whole[len(first) : -3])
    assert isinstance(unknown, ev.CallUnknown)
    assert unknown.exchange is None
    assert segment.read_bytes() == first


def test_an_answer_whose_event_was_lost_is_recovered_with_its_exchange(tmp_path: Path) -> None:
    async def work(journal: Journal, raw: RawLog) -> ev.ExchangeRef:
        intent = intend(journal)
        (tmp_path / "outputs/ask/responses.jsonl").write_bytes(line_of(intent) + b"\n")
        return raw.append(exchange(), step="ask", call=intent.call, model="m", sent_at=NOW)

    place = with_new(tmp_path, work)
    (answered,) = taken_up(tmp_path)
    assert isinstance(answered, ev.CallAnswered)
    assert answered.recovered
    assert answered.exchange == place


@pytest.mark.parametrize(("status", "policy"), [(200, "fail"), (429, "retry"), (503, "retry"), (0, "fail")])
def test_an_exchange_without_answer_says_whether_something_may_have_been_bought(
    status: int, policy: str, tmp_path: Path
) -> None:
    async def work(journal: Journal, raw: RawLog) -> ev.ExchangeRef:
        intent = intend(journal)
        return raw.append(exchange(b"", status), step="ask", call=intent.call, model="m", sent_at=NOW)

    place = with_new(tmp_path, work)
    (unknown,) = taken_up(tmp_path)
    assert isinstance(unknown, ev.CallUnknown)
    assert (unknown.policy, unknown.exchange) == (policy, place)


def test_an_exchange_that_nobody_asked_for_shows_that_the_journal_has_lost_lines(tmp_path: Path) -> None:
    async def work(journal: Journal, raw: RawLog) -> None:
        raw.append(exchange(), step="ask", call="7", model="m", sent_at=NOW)

    with_new(tmp_path, work)
    with pytest.raises(EvidenceError, match="the journal has lost lines"):
        taken_up(tmp_path)


def test_a_segment_that_lost_recorded_bytes_is_refused(tmp_path: Path) -> None:
    async def work(journal: Journal, raw: RawLog) -> None:
        intent = intend(journal)
        fail(journal, intent, raw.append(exchange(), step="ask", call=intent.call, model="m", sent_at=NOW))

    with_new(tmp_path, work)
    segment = tmp_path / raw_path(1)
    segment.write_bytes(segment.read_bytes()[:-1])
    with pytest.raises(EvidenceError, match="recorded exchanges are missing"):
        taken_up(tmp_path)

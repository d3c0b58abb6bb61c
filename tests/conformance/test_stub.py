"""The stub does what its users in other tests take for granted: each protocol's shapes, and each order to misbehave."""

from __future__ import annotations

import http.client
import json
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple

import pytest
from tests.stub.running import KEY, ROOT, RunningStub, running_stub

PROMPT = "The room was clean and the coffee hot."
SCHEMA = {
    "type": "object",
    "properties": {"label": {"enum": ["good", "bad"]}, "score": {"type": "number"}},
    "required": ["label", "score"],
    "additionalProperties": False,
}


class Got(NamedTuple):
    """What came back."""

    status: int
    headers: dict[str, str]
    content: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.content)


class Way(NamedTuple):
    """How one protocol is spoken: where, with which header for the key, and where the answer's text stands."""

    path: str
    model: str
    key_header: str
    text_at: tuple[str | int, ...]

    def body(self, prompt: str, **more: Any) -> dict[str, Any]:
        turn = {"role": "user", "content": prompt}
        if "gemini" in self.model:
            return {"contents": [{"role": "user", "parts": [{"text": prompt}]}], "generationConfig": more}
        limit = {"max_tokens": 1000} if "claude" in self.model else {}
        return {"model": self.model, "messages": [turn]} | limit | more

    def ask(self, stub: RunningStub, prompt: str = PROMPT, key: str = KEY, **more: Any) -> Got:
        value = f"Bearer {key}" if self.key_header == "authorization" else key
        return post(stub, self.path, self.body(prompt, **more), {self.key_header: value} if key else {})

    def text(self, got: Got) -> str:
        found = got.json
        for step in self.text_at:
            found = found[step]
        assert isinstance(found, str)
        return found


CHAT = ("choices", 0, "message", "content")
WAYS = {
    "openai": Way("/v1/chat/completions", "gpt-5-mini", "authorization", CHAT),
    "openrouter": Way("/api/v1/chat/completions", "openai/gpt-5-mini", "authorization", CHAT),
    "azure": Way("/openai/deployments/gpt-5-mini/chat/completions?api-version=2025", "gpt-5-mini", "api-key", CHAT),
    "azure v1": Way("/openai/v1/chat/completions", "gpt-5-mini", "api-key", CHAT),
    "anthropic": Way("/v1/messages", "claude-sonnet-4-5", "x-api-key", ("content", 0, "text")),
    "gemini": Way(
        "/v1beta/models/gemini-2.5-flash:generateContent",
        "gemini-2.5-flash",
        "x-goog-api-key",
        ("candidates", 0, "content", "parts", 0, "text"),
    ),
}
OPENAI, ANTHROPIC, GEMINI = WAYS["openai"], WAYS["anthropic"], WAYS["gemini"]


def post(stub: RunningStub, path: str, body: object, headers: dict[str, str]) -> Got:
    connection = http.client.HTTPConnection("127.0.0.1", stub.port, timeout=20)
    try:
        connection.request("POST", path, json.dumps(body), headers | {"content-type": "application/json"})
        answer = connection.getresponse()
        return Got(answer.status, {name.lower(): value for name, value in answer.getheaders()}, answer.read())
    finally:
        connection.close()


def get(stub: RunningStub, path: str) -> Any:
    connection = http.client.HTTPConnection("127.0.0.1", stub.port, timeout=20)
    try:
        connection.request("GET", path)
        return json.load(connection.getresponse())
    finally:
        connection.close()


def wait_until_served(stub: RunningStub) -> None:
    """Until the stub has noticed that nobody waits for an answer any more."""
    until = time.monotonic() + 20
    while stub.counts()["in_flight"]:
        assert time.monotonic() < until
        time.sleep(0.005)


@pytest.fixture(scope="module")
def one_stub() -> Iterator[RunningStub]:
    with running_stub(context_bytes=2000) as stub:
        yield stub


@pytest.fixture
def stub(one_stub: RunningStub) -> RunningStub:
    one_stub.reset()
    return one_stub


@pytest.mark.parametrize("way", WAYS)
def test_every_protocol_answers_with_the_last_user_turn(stub: RunningStub, way: str) -> None:
    got = WAYS[way].ask(stub)
    assert (got.status, WAYS[way].text(got)) == (200, PROMPT)
    counts = stub.requests()
    assert (counts["arrived"], counts["answered"], counts["in_flight"]) == (1, 1, 0)
    assert stub.by_prompt() == {PROMPT: {"arrived": 1, "answered": 1, "refused": 0}}


@pytest.mark.parametrize(
    ("way", "no_key", "wrong_key", "word"),
    [
        ("openai", 401, 401, "invalid_api_key"),
        ("azure", 401, 401, "Access denied"),
        ("anthropic", 401, 401, "authentication_error"),
        ("gemini", 403, 400, "API_KEY_INVALID"),
    ],
)
def test_a_wrong_key_is_refused_as_the_provider_does(
    stub: RunningStub, way: str, no_key: int, wrong_key: int, word: str
) -> None:
    assert WAYS[way].ask(stub, key="").status == no_key
    got = WAYS[way].ask(stub, key="test-key-of-somebody-else")
    assert got.status == wrong_key
    assert word in got.content.decode()
    assert stub.counts()["answered"] == 0
    assert stub.counts()["refused"] == 2


@pytest.mark.parametrize(
    ("way", "status", "word"),
    [
        ("openai", 404, "model_not_found"),
        ("azure", 404, "DeploymentNotFound"),
        ("anthropic", 404, "not_found_error"),
        ("gemini", 404, "NOT_FOUND"),
    ],
)
def test_an_unknown_model_is_refused_as_the_provider_does(stub: RunningStub, way: str, status: int, word: str) -> None:
    known = WAYS[way]
    other = known._replace(path=known.path.replace(known.model, "no-such"), model=f"no-such-{known.model}")
    got = other.ask(stub)
    assert (got.status, word in got.content.decode()) == (status, True), got


@pytest.mark.parametrize(
    ("way", "word"),
    [
        ("openai", "context_length_exceeded"),
        ("anthropic", "prompt is too long: 525 tokens > 500 maximum"),
        ("gemini", "exceeds the maximum number of tokens"),
    ],
)
def test_a_prompt_over_the_context_length_is_refused_as_the_provider_does(
    stub: RunningStub, way: str, word: str
) -> None:
    got = WAYS[way].ask(stub, prompt="x" * 2100)
    assert (got.status, word in got.content.decode()) == (400, True), got


@pytest.mark.parametrize(
    ("way", "more"),
    [
        (OPENAI, {"response_format": {"type": "json_schema", "json_schema": {"name": "a", "schema": SCHEMA}}}),
        (ANTHROPIC, {"output_config": {"format": {"type": "json_schema", "schema": SCHEMA}}}),
        (GEMINI, {"responseMimeType": "application/json", "responseJsonSchema": SCHEMA}),
    ],
    ids=["openai", "anthropic", "gemini"],
)
def test_a_json_schema_is_followed_and_broken_on_order(stub: RunningStub, way: Way, more: dict[str, Any]) -> None:
    followed = json.loads(way.text(way.ask(stub, **more)))
    assert sorted(followed) == ["label", "score"]
    assert followed["label"] in ("good", "bad")
    stub.order("break_schema", times=1)
    assert json.loads(way.text(way.ask(stub, **more))) == {"unexpected": True}
    assert json.loads(way.text(way.ask(stub, **more))) == followed


def test_an_answer_longer_than_max_tokens_is_cut_and_says_so(stub: RunningStub) -> None:
    choice = OPENAI.ask(stub, max_tokens=2).json["choices"][0]
    assert (choice["message"]["content"], choice["finish_reason"]) == (PROMPT[:8], "length")


@pytest.mark.parametrize(
    ("way", "action", "stop"),
    [
        ("openai", "filtered", "content_filter"),
        ("openai", "length", "length"),
        ("anthropic", "refusal", "refusal"),
        ("anthropic", "length", "max_tokens"),
        ("gemini", "refusal", "SAFETY"),
        ("gemini", "length", "MAX_TOKENS"),
    ],
)
def test_stop_reasons_come_on_order(stub: RunningStub, way: str, action: Any, stop: str) -> None:
    stub.order(action)
    found = WAYS[way].ask(stub).json
    given = found.get("stop_reason") or found.get("choices", found.get("candidates"))[0]
    assert stop in (given, *(given.values() if isinstance(given, dict) else ()))


def test_another_model_answers_on_order(stub: RunningStub) -> None:
    stub.order("answer", answered_model="gpt-5-mini-2026-01-01")
    assert OPENAI.ask(stub).json["model"] == "gpt-5-mini-2026-01-01"


@pytest.mark.parametrize("status", [429, 500, 503, 529])
@pytest.mark.parametrize("way", ["openai", "anthropic", "gemini"])
def test_a_status_comes_as_often_as_ordered_and_where_it_matches(stub: RunningStub, way: str, status: int) -> None:
    stub.order("status", match="coffee", after=1, times=2, status=status, retry_after="7", retry_after_ms="6500")
    seen = [WAYS[way].ask(stub) for _ in range(4)]
    assert [got.status for got in seen] == [200, status, status, 200]
    assert (seen[1].headers["retry-after"], seen[1].headers["retry-after-ms"]) == ("7", "6500")
    assert "error" in seen[1].json
    assert WAYS[way].ask(stub, prompt="tea").status == 200


def test_retry_after_can_be_a_date(stub: RunningStub) -> None:
    stub.order("status", status=429, retry_after="date", retry_after_s=30)
    assert OPENAI.ask(stub).headers["retry-after"].endswith(" GMT")


def test_no_credit_and_too_fast_are_told_apart(stub: RunningStub) -> None:
    stub.order("status", status=429, trouble="no_credit", times=1)
    stub.order("status", status=429, times=1)
    assert [OPENAI.ask(stub).json["error"]["code"] for _ in range(2)] == ["insufficient_quota", "rate_limit_exceeded"]


def test_half_an_answer_ends_before_its_content_length(stub: RunningStub) -> None:
    stub.order("half")
    with pytest.raises(http.client.IncompleteRead):
        OPENAI.ask(stub)
    assert stub.counts()["answered"] == 0


@pytest.mark.parametrize("action", ["reset", "half_reset"])
def test_a_reset_is_a_reset(stub: RunningStub, action: Any) -> None:
    stub.order(action)
    with pytest.raises(ConnectionResetError):
        OPENAI.ask(stub)
    assert stub.counts()["answered"] == 0


def test_a_request_that_hangs_is_in_flight_until_the_other_side_gives_up(stub: RunningStub) -> None:
    stub.order("hang")
    connection = http.client.HTTPConnection("127.0.0.1", stub.port, timeout=0.3)
    headers = {"authorization": f"Bearer {KEY}"}
    connection.request("POST", OPENAI.path, json.dumps(OPENAI.body(PROMPT)), headers)
    with pytest.raises(TimeoutError):
        connection.getresponse()
    assert stub.counts()["in_flight"] == 1
    connection.close()
    wait_until_served(stub)
    assert stub.counts()["dropped"] == 1


def test_an_answer_drips(stub: RunningStub) -> None:
    stub.order("drip", pieces=200, every_ms=5)
    assert OPENAI.text(OPENAI.ask(stub)) == PROMPT
    assert stub.counts()["answered"] == 1


@pytest.mark.parametrize("action", ["not_json", "html", "empty", "deep"])
def test_an_answer_that_is_not_json_comes_on_order(stub: RunningStub, action: Any) -> None:
    stub.order(action)
    got = OPENAI.ask(stub)
    assert got.status == 200
    with pytest.raises((json.JSONDecodeError, RecursionError)):
        got.json  # noqa: B018


def test_json_of_another_shape_comes_on_order(stub: RunningStub) -> None:
    stub.order("wrong_shape")
    assert OPENAI.ask(stub).json["choices"] == "none"


@pytest.mark.parametrize("is_chunked", [False, True])
def test_a_huge_body_is_as_long_as_ordered(stub: RunningStub, is_chunked: bool) -> None:
    stub.order("huge", size_bytes=3_000_001, is_chunked=is_chunked)
    got = OPENAI.ask(stub)
    assert len(got.content) == 3_000_001
    assert ("content-length" in got.headers) != is_chunked


def test_a_huge_body_is_given_up_when_nobody_reads_it(stub: RunningStub) -> None:
    stub.order("huge", times=1)
    with socket.create_connection(("127.0.0.1", stub.port)) as wire:
        body = json.dumps(OPENAI.body(PROMPT)).encode()
        head = f"POST {OPENAI.path} HTTP/1.1\r\nAuthorization: Bearer {KEY}\r\nContent-Length: {len(body)}\r\n\r\n"
        wire.sendall(head.encode() + body)
        assert b"content-length: 2147483648" in wire.recv(4096)
    wait_until_served(stub)
    assert OPENAI.ask(stub).status == 200


@pytest.mark.parametrize("status", [0, 401])
def test_the_key_is_said_back_on_order(stub: RunningStub, status: int) -> None:
    stub.order("leak", status=status)
    got = OPENAI.ask(stub)
    assert got.content.count(KEY.encode()) >= 3
    assert got.headers["x-request-id"] == KEY


def test_what_arrived_can_be_looked_at(stub: RunningStub) -> None:
    OPENAI.ask(stub, temperature=0.5)
    (seen,) = stub.requests()["latest"]
    assert seen["body"]["temperature"] == 0.5
    assert seen["headers"]["authorization"] == f"Bearer {KEY}"


def test_a_connection_is_kept_and_requests_may_come_in_chunks_or_pieces(stub: RunningStub) -> None:
    body = json.dumps(OPENAI.body(PROMPT)).encode()
    head = f"POST {OPENAI.path} HTTP/1.1\r\nAuthorization: Bearer {KEY}\r\n"
    chunks = b"%x\r\n%b\r\n%x\r\n%b\r\n0\r\n\r\n" % (10, body[:10], len(body) - 10, body[10:])
    with socket.create_connection(("127.0.0.1", stub.port)) as wire, wire.makefile("rb") as answers:
        for request in (
            f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body,
            f"{head}Transfer-Encoding: chunked\r\n\r\n".encode() + chunks,
        ):
            wire.sendall(request[:40])
            wire.sendall(request[40:])
            assert answers.readline() == b"HTTP/1.1 200 OK\r\n"
            headers = http.client.parse_headers(answers)
            assert json.loads(answers.read(int(headers["content-length"])))["model"] == "gpt-5-mini"
    assert stub.counts()["answered"] == 2


def test_bytes_that_are_no_request_end_the_connection(stub: RunningStub) -> None:
    for junk in (b"hello\r\n\r\n", b"x" * 70_000):
        with socket.create_connection(("127.0.0.1", stub.port)) as wire:
            wire.sendall(junk)
            assert wire.recv(10) == b""
    assert post(stub, OPENAI.path, {"model": "gpt-5-mini"}, {}).status == 400


def test_local_servers_tell_about_themselves_and_need_no_key(stub: RunningStub) -> None:
    assert get(stub, "/api/version")["version"]
    assert "smollm2:latest" in [model["name"] for model in get(stub, "/api/tags")["models"]]
    assert get(stub, "/props")["total_slots"] == 1
    assert "gpt-5" in [model["id"] for model in get(stub, "/v1/models")["data"]]
    assert post(stub, "/api/show", {"model": "smollm2"}, {}).json["details"]["quantization_level"] == "Q4_1"
    assert post(stub, "/api/show", {"model": "no-such"}, {}).status == 404
    assert OPENAI._replace(model="smollm2").ask(stub, key="").status == 200
    native = Way("/api/chat", "smollm2", "authorization", ("message", "content"))
    assert native.text(native.ask(stub, key="")) == PROMPT


def test_delays_overlap_and_the_most_in_flight_is_counted() -> None:
    with running_stub(delay_ms=300) as stub, ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda n: OPENAI.text(OPENAI.ask(stub, prompt=f"row {n}")), range(8)))
        assert found == [f"row {n}" for n in range(8)]
        assert stub.counts()["max_in_flight"] == 8


@pytest.mark.parametrize("option", [{"rate_limit": 2}, {"most_in_flight": 2, "delay_ms": 300}])
def test_too_many_requests_are_refused_with_a_time_to_wait(option: dict[str, float]) -> None:
    with running_stub(**option) as stub, ThreadPoolExecutor(6) as pool:
        seen = list(pool.map(lambda n: OPENAI.ask(stub, prompt=f"row {n}"), range(6)))
        refused = [got for got in seen if got.status == 429]
        assert len(refused) in (3, 4)
        assert {got.headers["retry-after"] for got in refused} == {"1"}


def test_the_stub_ends_when_its_stdin_does() -> None:
    command = [sys.executable, "-m", "tests.stub.server", "--style", "label"]
    with subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        port = json.loads(process.stdout.readline())["port"]
        way = OPENAI.ask(RunningStub(port, KEY, process.pid))
        assert OPENAI.text(way) in ("positive", "negative", "neutral")
        assert process.stdin is not None
        process.stdin.close()
        assert process.wait(20) == 0

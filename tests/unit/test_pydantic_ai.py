"""The way of pydantic-ai's requests over our wire: once, to the model's server, and nowhere else."""

from __future__ import annotations

import asyncio

import pytest

from awo.inference.pydantic_transport import SENDING, Sending, Way
from awo.inference.pydantic_words import refuse_left_out, settings_of
from awo.inference.seam import Exchange, Headers, ModelFailed
from awo.inference.wire import Wire

URL = "https://model.test/v1/chat?version=1"


class Recorder(Wire):
    """A wire that sends nothing and keeps what it was given."""

    def __init__(self) -> None:
        super().__init__("https://model.test")
        self.posted: list[tuple[str, Headers, bytes]] = []

    async def post(self, path: str, headers: Headers, body: bytes, timeout_s: float) -> Exchange:
        self.posted.append((path, headers, body))
        return Exchange("POST", URL, (), body, 200, (), b"{}", 1)


def send(*requests: tuple[str, str]) -> tuple[Recorder, Sending, ModelFailed | None]:
    """Sends each request (method, URL) for one question; gives what was posted and the first failure."""
    recorder, way = Recorder(), Way()
    way.wire, way.origin = recorder, "https://model.test"
    sending = Sending(10.0, lambda _: None)

    async def main() -> None:
        SENDING.set(sending)
        headers = (("Host", "model.test"), ("authorization", "Bearer the-whole-key"), ("x-own", "1"), ("accept", "*/*"))
        for method, url in requests:
            await way.send(method, url, headers, b"{}")

    try:
        asyncio.run(main())
    except ModelFailed as error:
        return recorder, sending, error
    return recorder, sending, None


def test_a_request_goes_out_with_its_path_and_the_headers_that_are_its_own() -> None:
    recorder, sending, error = send(("POST", URL))
    assert error is None
    own = (("authorization", "Bearer the-whole-key"), ("x-own", "1"))
    assert recorder.posted == [("/v1/chat?version=1", own, b"{}")]
    assert sending.secrets == ("the-whole-key",)


def test_a_second_request_for_one_question_is_not_sent() -> None:
    recorder, sending, error = send(("POST", URL), ("POST", URL))
    assert len(recorder.posted) == 1
    assert error is not None
    assert error is sending.failure
    assert error.may_have_cost
    assert error.exchange is not None


@pytest.mark.parametrize(
    ("method", "url"),
    [("POST", "https://other.test/v1/chat"), ("POST", "http://model.test/v1/chat"), ("GET", URL)],
)
def test_nothing_else_than_a_question_to_the_models_server_is_sent(method: str, url: str) -> None:
    recorder, sending, error = send((method, url))
    assert recorder.posted == []
    assert error is not None
    assert error is sending.failure
    assert "key" not in error.got


def test_parameters_become_settings_or_are_refused() -> None:
    params = {"max_tokens": 5, "stop": "END", "groq_reasoning_format": "raw"}
    wanted = {"max_tokens": 5, "stop_sequences": ["END"], "groq_reasoning_format": "raw"}
    assert settings_of(params, "groq_", frozenset({"top_k"})) == wanted
    for refused in ({"top_k": 1}, {"openai_user": "x"}, {"timeout": 1}, {"max_retries": 3}):
        with pytest.raises(ModelFailed):
            settings_of(refused, "groq_", frozenset({"top_k"}))


def test_a_setting_that_is_missing_in_the_body_is_found_out() -> None:
    refuse_left_out(
        {"temperature": 0, "top_p": 1, "max_tokens": 3}, b'{"temperature":0,"p":1,"max_completion_tokens":3}'
    )
    refuse_left_out({"top_k": 1, "seed": 3}, b'{"generationConfig":{"topK":1}}')
    with pytest.raises(ModelFailed, match="'temperature'"):
        refuse_left_out({"temperature": 0}, b'{"messages":[{"temperature":0}]}')

"""The hosted backends against a stub that misbehaves on order: one clear error each, and nothing sent twice."""

from __future__ import annotations

import asyncio
import resource
import socket
import ssl
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.conformance.asking import PROTOCOLS, asked, failure, made, question, run, stub_everywhere
from tests.stub.running import RunningStub, running_stub

from awo import plugins
from awo.errors import CannotCheck
from awo.inference import wire
from awo.inference.seam import ModelFailed


@pytest.fixture(scope="module")
def server() -> Iterator[RunningStub]:
    with running_stub() as running:
        yield running


@pytest.fixture
def stub(server: RunningStub, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> RunningStub:
    """The stub with no orders, as every provider."""
    server.reset()
    stub_everywhere(server, monkeypatch, tmp_path)
    return server


@pytest.mark.parametrize("provider", PROTOCOLS)
def test_a_wrong_key_is_one_clear_error(provider: str, stub: RunningStub, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("OPENAI_API_KEY", "ANTHROPIC_API_KEY", "GEMINI_API_KEY"):
        monkeypatch.setenv(name, "short-key")
    error = failure(made(provider))
    assert (error.code, error.concerns_model, error.is_transient) == ("auth", True, False)
    assert "short-key" not in f"{error}{error.as_dict()}"


@pytest.mark.parametrize("provider", PROTOCOLS)
def test_a_model_that_nobody_knows_is_one_clear_error(provider: str, stub: RunningStub) -> None:
    error = failure(made(provider, "no-such-model"))
    assert (error.code, error.concerns_model, error.is_transient) == ("unknown_model", True, False)
    assert error.where == f"model {provider}/no-such-model"


@pytest.mark.parametrize("provider", PROTOCOLS)
def test_a_prompt_over_the_context_is_one_clear_error(provider: str, stub: RunningStub) -> None:
    error = failure(made(provider), question("word " * 100_000))
    assert (error.code, error.concerns_model, error.is_transient) == ("context_length", False, False)


@pytest.mark.parametrize("provider", PROTOCOLS)
@pytest.mark.parametrize(
    ("status", "trouble", "code"),
    [(429, "", "rate_limited"), (500, "", "overloaded"), (503, "", "overloaded"), (529, "", "overloaded")],
)
def test_a_busy_provider_may_be_asked_again(
    provider: str, status: int, trouble: str, code: str, stub: RunningStub
) -> None:
    stub.order("status", status=status, trouble=trouble, retry_after="3")
    error = failure(made(provider))
    assert (error.code, error.is_transient, error.retry_after_s) == (code, True, 3.0)
    assert error.exchange is not None
    assert error.exchange.status == status
    assert stub.counts()["arrived"] == 1, "a backend sends once"


def test_a_date_to_wait_for_is_understood(stub: RunningStub) -> None:
    stub.order("status", status=429, retry_after="date", retry_after_s=30)
    wait_s = failure(made("anthropic")).retry_after_s
    assert wait_s is not None
    assert 28 <= wait_s <= 31


@pytest.mark.parametrize(("provider", "status"), [("openai", 429), ("anthropic", 400)])
def test_an_empty_account_ends_it_for_this_model(provider: str, status: int, stub: RunningStub) -> None:
    stub.order("status", status=status, trouble="no_credit")
    error = failure(made(provider))
    assert (error.code, error.concerns_model, error.is_transient) == ("no_credit", True, False)


@pytest.mark.parametrize("provider", PROTOCOLS)
@pytest.mark.parametrize("action", ["not_json", "html", "empty", "wrong_shape", "deep"])
def test_an_answer_that_is_none_is_kept_and_may_be_asked_for_again(
    action: Any, provider: str, stub: RunningStub
) -> None:
    stub.order(action)
    error = failure(made(provider))
    assert (error.code, error.is_transient, error.may_have_cost) == ("bad_answer", True, True)
    assert error.exchange is not None
    assert (action == "empty") == (error.exchange.response_body == b"")


@pytest.mark.parametrize("action", ["half", "half_reset", "reset"])
def test_a_connection_that_breaks_leaves_open_what_it_cost(action: Any, stub: RunningStub) -> None:
    stub.order(action)
    error = failure(made("openai"))
    assert (error.code, error.is_transient, error.may_have_cost) == ("cut_off", True, True)
    assert error.exchange is not None
    assert error.exchange.error.startswith("cut_off")
    assert bool(error.exchange.response_body) == (action != "reset")
    assert stub.counts()["arrived"] == 1, "a request that may have been answered is not sent twice"


def test_a_connection_that_was_kept_and_broke_is_not_used_to_send_twice(stub: RunningStub) -> None:
    stub.order("reset", match="second")

    async def session() -> ModelFailed:
        backend = made("openai")
        await backend.open()
        try:
            await backend.ask(question("first"), 20)
            with pytest.raises(ModelFailed) as caught:
                await backend.ask(question("second"), 20)
            return caught.value
        finally:
            await backend.close()

    assert run(session()).code == "cut_off"
    assert stub.by_prompt()["second"]["arrived"] == 1


@pytest.mark.parametrize(("action", "what"), [("hang", "nothing came"), ("drip", "half an answer came")])
def test_a_server_that_takes_too_long_is_left(action: Any, what: str, stub: RunningStub) -> None:
    stub.order(action, pieces=100, every_ms=300)
    error = failure(made("openai"), timeout_s=0.5)
    assert (error.code, error.is_transient, error.may_have_cost, error.got) == ("timeout", True, True, what)


@pytest.mark.parametrize("is_chunked", [False, True])
def test_a_body_of_two_gigabytes_is_not_read_to_its_end(is_chunked: bool, stub: RunningStub) -> None:
    stub.order("huge", is_chunked=is_chunked)
    before_kib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    error = failure(made("openai"), timeout_s=60)
    grown_mib = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before_kib) >> 10
    assert (error.code, error.is_transient, error.may_have_cost) == ("too_large", False, True)
    assert error.exchange is not None
    assert len(error.exchange.response_body) == wire.KEPT_OF_TOO_LARGE_BYTES
    assert grown_mib < 400


def test_a_host_that_is_not_there_costs_nothing(stub: RunningStub, monkeypatch: pytest.MonkeyPatch) -> None:
    def no_such_name(*_: object, **__: object) -> None:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", no_such_name)  # a real resolver may take its time
    monkeypatch.setenv("OPENAI_BASE_URL", "https://no-such-host.invalid")
    error = failure(made("openai"))
    assert (error.code, error.is_transient, error.may_have_cost) == ("unreachable", True, False)
    assert error.exchange is not None
    assert (error.exchange.status, error.exchange.response_body) == (0, b"")
    assert error.got == "no such host name"


@pytest.mark.parametrize("host", ["127.0.0.1:1", "[::1]:1"])
def test_a_port_where_nobody_listens_costs_nothing(
    host: str, stub: RunningStub, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_BASE_URL", f"https://{host}")
    error = failure(made("openai"))
    assert (error.code, error.is_transient, error.may_have_cost) == ("unreachable", True, False)


def test_a_certificate_that_nobody_vouches_for_ends_it_for_this_server(
    stub: RunningStub, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    key, certificate = tmp_path / "key.pem", tmp_path / "certificate.pem"
    make = ["openssl", "req", "-x509", "-newkey", "ed25519", "-nodes", "-days", "1", "-subj", "/CN=127.0.0.1"]
    subprocess.run([*make, "-keyout", key, "-out", certificate], check=True, capture_output=True)
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate, key)

    async def session() -> ModelFailed:
        server = await asyncio.start_server(lambda _, __: None, "127.0.0.1", 0, ssl=context)
        async with server:
            monkeypatch.setenv("OPENAI_BASE_URL", f"https://127.0.0.1:{server.sockets[0].getsockname()[1]}")
            with pytest.raises(ModelFailed) as caught:
                await asked(made("openai"), question())
            return caught.value

    error = run(session())
    assert (error.code, error.concerns_model, error.is_transient) == ("unreachable", True, False)
    assert not error.may_have_cost


def test_a_key_that_the_provider_says_back_is_in_no_error(stub: RunningStub) -> None:
    stub.order("leak", status=401)
    error = failure(made("openai"))
    assert error.code == "auth"
    assert stub.key not in f"{error}{error.as_dict()}"


def test_a_missing_library_says_what_to_install(stub: RunningStub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "aiohttp", None)
    for work in (lambda: made("openai").check(), lambda: run(made("openai").open())):
        with pytest.raises(CannotCheck) as caught:
            work()
        assert caught.value.hint == "pip install 'awo[http]'"


@pytest.mark.parametrize("name", ["", "a b", "a\nb", "x" * 300, "../../secret"])
def test_a_name_that_no_model_has_is_refused_before_anything_is_sent(name: str, stub: RunningStub) -> None:
    backend = plugins.load(plugins.BACKENDS, "gemini", "model backend")(name, {}, 0, Path())
    with pytest.raises(ModelFailed) as caught:
        backend.check()
    assert caught.value.code == "bad_request"

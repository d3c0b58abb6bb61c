"""Every backend keeps the contract that `awo.testing.backends` ships, and the contract can be broken."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from tests.conformance.asking import MODELS, stub_everywhere
from tests.stub.running import RunningStub, running_stub

from awo import plugins
from awo.inference.providers import PROVIDERS
from awo.inference.seam import Backend, Exchange, Reply, Request
from awo.inference.stand_ins import StandIn
from awo.testing import backends
from awo.testing.backends import CHECKS, Case, Check

LLAMA = {"max_tokens": 6, "threads": 1, "n_ctx": 512}
HERE = ("echo", "upper", "reverse", "llama")
ELSEWHERE = ("pydantic-ai", "replay")
"""Rows that need more than a model's name: their own files put them through the same suite."""


@pytest.fixture(scope="module")
def stub() -> Iterator[RunningStub]:
    with running_stub() as running:
        yield running


def test_every_row_is_tried() -> None:
    assert set(plugins.BACKENDS) == {*HERE, *PROVIDERS, *ELSEWHERE}


@pytest.mark.parametrize("name", HERE)
@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
def test_a_backend_in_this_process_keeps_the_contract(check: Check, name: str, tmp_path: Path) -> None:
    factory = plugins.load(plugins.BACKENDS, name, "model backend")
    is_llama = name == "llama"
    check(Case(factory, model="smollm2" if is_llama else name, params=LLAMA if is_llama else {}, root=tmp_path))


@pytest.mark.parametrize("name", PROVIDERS)
@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
def test_a_provider_keeps_the_contract(
    check: Check, name: str, tmp_path: Path, stub: RunningStub, monkeypatch: pytest.MonkeyPatch
) -> None:
    stub_everywhere(stub, monkeypatch, tmp_path)
    factory = plugins.load(plugins.BACKENDS, name, "model backend")
    check(Case(factory, model=MODELS[name], params={"max_tokens": 20}, root=tmp_path, secret=stub.key))


class Telling(StandIn):
    """Names the workflow's folder."""

    def __init__(self, root: Path) -> None:
        super().__init__("telling", str)
        self._root = root

    async def open(self) -> dict[str, Any]:
        return {"asked": f"{self._root}/model.gguf", "answered": "x", "load": 0.5}


class Forgetful(StandIn):
    """Never answers the same, and nothing that is asked is too little."""

    _count = itertools.count()

    async def ask(self, request: Request, timeout_s: float) -> Reply:
        return Reply(f"answer {next(self._count)}", "forgetful", "stop", -1, -1)


class Leaky(StandIn):
    """Leaves the process without a trace, and with one that has the key in it."""

    is_remote = True
    endpoint = "https://host.example"

    def __init__(self, exchange: Exchange | None) -> None:
        super().__init__("leaky", str)
        self._exchange = exchange

    async def ask(self, request: Request, timeout_s: float) -> Reply:
        return replace(await super().ask(request, timeout_s), exchange=self._exchange)


def telling(model: str, params: Mapping[str, Any], seed: int, root: Path) -> Backend:
    return Telling(root)


def forgetful(model: str, params: Mapping[str, Any], seed: int, root: Path) -> Backend:
    return Forgetful("forgetful", str)


def traceless(model: str, params: Mapping[str, Any], seed: int, root: Path) -> Backend:
    return Leaky(None)


def leaky(model: str, params: Mapping[str, Any], seed: int, root: Path) -> Backend:
    sent = (("Authorization", "Bearer the-key-0123456789"),)
    return Leaky(Exchange("POST", "https://host.example/v1", sent, b"{}", 200, (), b"{}", 1))


@pytest.mark.parametrize(
    ("factory", "check"),
    [
        (telling, backends.no_folder_of_this_machine_is_told),
        (telling, backends.the_facts_can_be_recorded),
        (traceless, backends.what_crossed_the_wire_is_given),
        (leaky, backends.no_secret_is_told),
        (forgetful, backends.the_same_seed_gives_the_same_answer),
        (forgetful, backends.a_request_without_a_question_fails),
    ],
)
def test_a_backend_that_breaks_the_contract_is_found_out(
    factory: backends.Factory, check: Callable[[Case], None], tmp_path: Path
) -> None:
    with pytest.raises(AssertionError):
        check(Case(factory, model="x", root=tmp_path, secret="the-key-0123456789"))

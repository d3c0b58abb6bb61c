"""All four backends keep the contract that `awo.testing.backends` ships, and the contract can be broken."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from awo import plugins
from awo.inference.seam import Backend, Reply, Request
from awo.inference.stand_ins import StandIn
from awo.testing import backends
from awo.testing.backends import CHECKS, Case, Check

LLAMA = {"max_tokens": 6, "threads": 1, "n_ctx": 512}


@pytest.mark.parametrize("name", plugins.BACKENDS)
@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
def test_every_backend_keeps_the_contract(check: Check, name: str, tmp_path: Path) -> None:
    factory = plugins.load(plugins.BACKENDS, name, "model backend")
    is_llama = name == "llama"
    check(Case(factory, model="smollm2" if is_llama else name, params=LLAMA if is_llama else {}, root=tmp_path))


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

    async def ask(self, request: Request) -> Reply:
        return Reply(f"answer {next(self._count)}", "forgetful", "stop", -1, -1)


def telling(model: str, params: Mapping[str, Any], seed: int, root: Path) -> Backend:
    return Telling(root)


def forgetful(model: str, params: Mapping[str, Any], seed: int, root: Path) -> Backend:
    return Forgetful("forgetful", str)


@pytest.mark.parametrize(
    ("factory", "check"),
    [
        (telling, backends.no_folder_of_this_machine_is_told),
        (telling, backends.the_facts_can_be_recorded),
        (forgetful, backends.the_same_seed_gives_the_same_answer),
        (forgetful, backends.a_request_without_a_question_fails),
    ],
)
def test_a_backend_that_breaks_the_contract_is_found_out(
    factory: backends.Factory, check: Callable[[Case], None], tmp_path: Path
) -> None:
    with pytest.raises(AssertionError):
        check(Case(factory, model="x", root=tmp_path))
